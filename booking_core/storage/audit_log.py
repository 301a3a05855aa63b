"""The audit log: one entry for each change, except changes to bookings.

A booking carries its own history. An entry is written in the transaction of its change, so neither
is stored without the other. Only the erasing of an account changes entries: a pseudonym takes the
place of its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from pymongo.client_session import ClientSession

from booking_core.domain.model import Actor
from booking_core.domain.records import Change
from booking_core.storage import readable as r
from booking_core.storage.client.database import Documents, collection, present
from booking_core.storage.documents import Document
from booking_core.storage.schema import schema

# Id and name in entries of changes without a signed-in user: by the command line or a script.
SYSTEM = ("system", "System")
IMPORTER = ("import", "Import")  # the author of imported bookings


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
    """Writes one entry: ``by`` did ``action`` to the ``what`` named ``id``.

    ``details`` are facts such as ``{"before": {...}, "after": {...}}``. They never hold a name or
    an address of a student: erasing a student reads no entry.
    """
    by_id, by_name = SYSTEM if by is None else (by.id, by.name)
    entry: Document = {
        "_id": str(uuid4()),
        "at": now or present(db),
        "by": by_id,
        "by_name": by_name,
        "action": action,
        "what": what,
        "id": id,
        "details": details or {},
    }
    collection(db, schema.AUDIT).insert_one(entry, session=session)


def to_change(document: Document) -> Change:
    """The value of an entry, with its place in the list of changes. Raises Unreadable."""
    at, id = r.moment(document, "at"), r.text(document, "_id")
    details = document.get("details")
    return Change(
        at,
        r.text(document, "by"),
        r.text(document, "by_name"),
        r.optional(document, "on_behalf_of", str, ""),
        r.text(document, "action"),
        r.text(document, "what"),
        r.text(document, "id"),
        {} if details is None else r.field(document, "details", dict),
        (at, id, 0),
    )


def count_reasons(
    db: Documents, matching: Mapping[str, Any], *, without: tuple[str, str] | None = None
) -> int:
    """The number of entries with a reason that matches the query operator ``matching``.

    ``without``: the kind and the id of what entries are not counted of.
    """
    condition: Document = {"details.reason": matching}
    if without is not None:
        what, id = without
        condition["$nor"] = [{"what": what, "id": id}]
    return collection(db, schema.AUDIT).count_documents(condition)
