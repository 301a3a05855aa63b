"""The journal of changes to all but bookings, which carry a history of their own.

An entry is written in the transaction of the change that it tells of, so that neither can be
without the other. Nothing here changes an entry or takes one away.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from pymongo.client_session import ClientSession

from booking_core.domain.clock import clock
from booking_core.domain.model import Actor
from booking_core.storage import schema
from booking_core.storage.database import Documents, collection
from booking_core.storage.documents import Document

# Who acts where nobody signed in: the command line, a script with the database in its hand.
SYSTEM = ("system", "System")


def write(
    db: Documents,
    session: ClientSession | None,
    by: Actor | None,
    action: str,
    what: str,
    id: str,
    details: dict[str, Any] | None = None,
    now: datetime | None = None,
) -> None:
    """One entry: ``by`` did ``action`` to the ``what`` named ``id``.

    ``details`` are facts such as ``{"before": {...}, "after": {...}}``; of students never a name
    or an address, for these must be erasable.
    """
    by_id, by_name = SYSTEM if by is None else (by.id, by.name)
    entry: Document = {
        "_id": str(uuid4()),
        "at": now or clock(),
        "by": by_id,
        "by_name": by_name,
        "action": action,
        "what": what,
        "id": id,
        "details": details or {},
    }
    collection(db, schema.AUDIT).insert_one(entry, session=session)


def count_reasons(db: Documents, matching: Mapping[str, Any]) -> int:
    """How many entries give a reason that matches."""
    return collection(db, schema.AUDIT).count_documents({"details.reason": matching})
