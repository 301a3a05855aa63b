"""Several changes that belong together: one transaction, all of it or nothing.

``run`` may call its work more than once, when another's write came in between: the work reads
through the unit, decides by what it reads, and leaves no trace outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date as Date
from datetime import datetime
from typing import Any, TypeVar

from pymongo import ReturnDocument, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, DuplicateKeyError

from booking_core.domain.model import ACTIVE, Actor, Booking, Status
from booking_core.storage import audit_log as journal
from booking_core.storage import bookings as ledger
from booking_core.storage import documents as d
from booking_core.storage import schema
from booking_core.storage.database import (
    DEADLINE_SECONDS,
    Documents,
    collection,
    reachable,
    transact,
)

T = TypeVar("T")
_ACTIVE = {"$in": [status.value for status in ACTIVE]}


class Unit:
    """Reads as of one moment, and writes that come to be together."""

    def __init__(self, db: Documents, session: ClientSession | None) -> None:
        self._db, self._session = db, session
        self._bookings = collection(db, schema.BOOKINGS)

    def held(self, ground_ids: Sequence[str], first: Date, last: Date) -> list[d.Document]:
        """The active bookings and closures of these grounds from ``first`` to ``last``."""
        dates = {"$gte": first.isoformat(), "$lte": last.isoformat()}
        rows = self._holding(ground_ids, dates)
        return sorted(rows, key=lambda row: (row["date"], row["start"], row["ground_id"]))

    def held_on(self, ground_ids: Sequence[str], dates: Sequence[str]) -> list[d.Document]:
        """The same on these dates (ISO), in no order."""
        return list(self._holding(ground_ids, {"$in": list(dates)}))

    def _holding(self, ground_ids: Sequence[str], dates: Mapping[str, Any]) -> Iterator[d.Document]:
        condition = {"ground_id": {"$in": list(ground_ids)}, "date": dates, "status": _ACTIVE}
        return self._bookings.find(condition, hint=schema.BY_DAY, session=self._session)

    def closures(self, id: str) -> list[d.Document]:
        """The closure with this id, or those of this group, by date and ground; lifted ones too."""
        found = self._bookings.find_one({"_id": id, "kind": "closure"}, session=self._session)
        if found is not None:
            return [found]
        # The ids of a group begin with its own, so that they are found without an index for them.
        within = {"$gt": f"{id}/", "$lt": f"{id}0"}
        rows = self._bookings.find(
            {"_id": within, "kind": "closure", "closure_group": id}, session=self._session
        )
        return sorted(rows, key=lambda row: (row["date"], row["ground_id"]))

    def revoked(self, ground_ids: Sequence[str], dates: Sequence[str]) -> list[d.Document]:
        """The bookings of these grounds and dates (ISO) that were revoked."""
        condition = {
            "status": Status.REVOKED.value,
            "date": {"$in": list(dates)},
            "ground_id": {"$in": list(ground_ids)},
            "kind": "booking",
        }
        return list(self._bookings.find(condition, session=self._session))

    def displaced(self, first: Date) -> Iterator[d.Document]:
        """The revoked bookings of ``first`` and later that a closure displaced once.

        By date and time, read as they are asked for.
        """
        condition = {
            "status": Status.REVOKED.value,
            "date": {"$gte": first.isoformat()},
            "kind": "booking",
            "history.action": "displaced",
        }
        return self._bookings.find(
            condition,
            sort=[("date", 1), ("start", 1), ("_id", 1)],
            hint=schema.BY_DAY,
            session=self._session,
        )

    def of_students(self, student_ids: Sequence[str], dates: Sequence[str]) -> list[d.Document]:
        """The active bookings of these students on these dates (ISO)."""
        condition = {
            "student_id": {"$in": list(student_ids)},
            "date": {"$in": list(dates)},
            "status": _ACTIVE,
        }
        return list(self._bookings.find(condition, session=self._session))

    def insert(self, documents: Sequence[d.Document]) -> None:
        """Inserts bookings or closures; raises ledger.IndexRefused."""
        try:
            self._bookings.insert_many(documents, session=self._session)
        except BulkWriteError as exc:
            raise ledger.refusal_of(exc) from exc

    def update(self, condition: Mapping[str, Any], change: Mapping[str, Any]) -> Booking | None:
        """The booking after ``change``; None where none meets ``condition``.

        Raises ledger.IndexRefused.
        """
        try:
            found = self._bookings.find_one_and_update(
                condition, change, return_document=ReturnDocument.AFTER, session=self._session
            )
        except DuplicateKeyError as exc:
            raise ledger.refusal_of(exc) from exc
        return None if found is None else d.to_booking(found)

    def update_all(self, changes: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> int:
        """Makes each (condition, change) to one booking; how many met their condition."""
        if not changes:
            return 0
        writes = [UpdateOne(condition, change) for condition, change in changes]
        return self._bookings.bulk_write(writes, session=self._session).modified_count

    def notify(self, notices: Sequence[d.Document]) -> None:
        if notices:
            collection(self._db, schema.NOTICES).insert_many(notices, session=self._session)

    def note(
        self,
        by: Actor,
        action: str,
        what: str,
        id: str,
        details: dict[str, Any],
        now: datetime,
    ) -> None:
        """An entry of the journal."""
        journal.write(self._db, self._session, by, action, what, id, details, now)


def run(db: Documents, work: Callable[[Unit], T], seconds: float = DEADLINE_SECONDS) -> T:
    """What ``work`` returns, its writes made; none of them is when it raises."""
    return transact(db, lambda session: work(Unit(db, session)), seconds)


def reading(db: Documents, look: Callable[[Unit], T]) -> T:
    """What ``look`` returns, which only reads."""
    with reachable():
        return look(Unit(db, None))
