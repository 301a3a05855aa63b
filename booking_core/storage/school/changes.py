"""Transactions that change a school's data.

Each raises the revision that every reader compares, first of all: so two changes of one kind never
run side by side, and the second begins anew and reads what the first has written. Those that
change students are in ``students.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from booking_core.domain.model import Actor
from booking_core.domain.policy import Policy
from booking_core.storage import audit_log
from booking_core.storage import documents as d
from booking_core.storage.bookings import transactions
from booking_core.storage.client.database import Documents, collection, settings_of
from booking_core.storage.client.transactions import transact
from booking_core.storage.schema import schema, schema_number
from booking_core.storage.school import snapshots as school_history

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SchoolTransaction:
    """One transaction; the modules of the collections read and write through it.

    ``changed_students``: ids of students whose name or class it may have changed.
    """

    db: Documents
    session: ClientSession
    changed_students: list[str] = field(default_factory=list)

    def collection(self, name: str) -> Collection[d.Document]:
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

    def bookings(self) -> transactions.Transaction:
        """The bookings, read and written in this transaction."""
        return transactions.Transaction(self.db, self.session)


def change_school(db: Documents, work: Callable[[SchoolTransaction], T], now: datetime) -> T:
    """What ``work`` returns. Its writes to grounds, timetables, days, terms, pictures and settings,
    the revision and, before the first change of a local day, the copy for reports are one
    transaction.

    Raises StoreUnavailable, and what ``work`` raises, with nothing written.
    """
    today = now.astimezone(settings_of(db).zone).date()

    def whole(session: ClientSession) -> T:
        raised = collection(db, schema.META).find_one_and_update(
            {"_id": "revision"}, {"$inc": {"grounds": 1}}, session=session
        )
        schema_number.check(raised or {})
        school_history.keep(db, session, today)
        return work(SchoolTransaction(db, session))

    return transact(db, whole)


def read_policy(tx: SchoolTransaction) -> tuple[Policy, str | None]:
    """The policy in force, and the last day (ISO) up to which seats must be counted, if any."""
    kept = tx.collection(schema.META).find_one({"_id": "revision"}, session=tx.session) or {}
    policy = d.policy_of(kept, settings_of(tx.db).policy)
    return policy, kept.get("recount_until")


def put_policy(tx: SchoolTransaction, policy: Policy, recount_until: str | None) -> None:
    change: d.Document = {"policy": d.policy_document(policy)}
    if recount_until is not None:
        change["recount_until"] = recount_until
    tx.collection(schema.META).update_one({"_id": "revision"}, {"$set": change}, session=tx.session)
