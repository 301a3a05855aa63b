"""Transactions that change a school's data.

Each raises the revision that every reader compares, first of all: so two changes of one kind never
run side by side, and the second begins anew and reads what the first has written. Those that
change students are in ``students.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from pymongo.client_session import ClientSession

from booking_core.domain.model import Ground, Timetable
from booking_core.domain.policy import Policy
from booking_core.domain.school_year import Term
from booking_core.domain.timetable import Day
from booking_core.storage import documents as d
from booking_core.storage.bookings.transactions import BookingTransaction
from booking_core.storage.client.database import Documents, collection, settings_of
from booking_core.storage.client.transactions import transact
from booking_core.storage.schema import schema, schema_number
from booking_core.storage.school import snapshots as school_history
from booking_core.storage.transaction import Transaction

T = TypeVar("T")


class SchoolTransaction(Transaction):
    """One transaction; the modules of the collections read and write through it.

    ``changed_students``: ids of students whose name or class it may have changed.
    """

    def __init__(self, db: Documents, session: ClientSession) -> None:
        super().__init__(db, session)
        self.changed_students: list[str] = []

    def bookings(self) -> BookingTransaction:
        """The bookings, read and written in this transaction."""
        return BookingTransaction(self.db, self.session)


_FACTS: dict[type, Callable[[Any], d.Document]] = {
    Ground: d.ground_document,
    Timetable: d.timetable_document,
    Day: d.day_document,
    Term: d.term_document,
    Policy: d.policy_document,
}


def facts_of(value: Ground | Timetable | Day | Term | Policy | None) -> dict[str, Any] | None:
    """The fields of ``value`` for the audit log; None for None."""
    return None if value is None else _FACTS[type(value)](value)


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
