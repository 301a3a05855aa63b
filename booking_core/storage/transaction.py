"""One transaction: its reads, its writes, and its entries of the audit log.

Each subject has a subclass with its own reads and writes. The work of a transaction may run more
than once, when a write of somebody else came in between: it reads through the transaction, decides
by that alone, and has no effect outside.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from booking_core.domain.model import Actor
from booking_core.storage import audit_log
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.documents import Document


class Transaction:
    """Reads as of one moment, and writes that take effect together."""

    def __init__(self, db: Documents, session: ClientSession) -> None:
        self.db, self.session = db, session

    def collection(self, name: str) -> Collection[Document]:
        return collection(self.db, name)

    def audit(
        self,
        by: Actor | None,
        action: str,
        what: str,
        id: str = "",
        details: dict[str, Any] | None = None,
        now: datetime | None = None,
    ) -> None:
        """Writes an entry of the audit log; see ``audit_log.write``."""
        audit_log.write(self.db, self.session, by, action, what, id, details, now)
