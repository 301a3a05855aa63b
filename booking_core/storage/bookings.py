"""Reading and writing bookings. A violation of a named index comes back as that name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date as Date
from datetime import time, timedelta
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import BulkWriteError, DuplicateKeyError

from booking_core.domain.model import ACTIVE, Booking, Status
from booking_core.storage import schema
from booking_core.storage.database import Documents, collection, reachable
from booking_core.storage.documents import Document, to_booking

_ACTIVE = {"$in": [status.value for status in ACTIVE]}
SUBMISSION = "_id_"
_DUPLICATE = 11000
# These names alone have a meaning here; any other violation is raised as it is.
_NAMED = (schema.ONE_BOOKING_PER_SLOT, schema.ONE_PLACE_PER_STUDENT, schema.QUOTA_SEAT, SUBMISSION)


class IndexRefused(Exception):
    """A unique index refused a write; ``index`` is its name."""

    def __init__(self, index: str) -> None:
        self.index = index
        super().__init__(index)


def insert(db: Documents, document: Document) -> None:
    """Inserts a booking; raises IndexRefused, StoreUnavailable."""
    with reachable():
        try:
            collection(db, schema.BOOKINGS).insert_one(document)
        except DuplicateKeyError as exc:
            raise refusal_of(exc) from exc


def insert_all(db: Documents, documents: Sequence[Document]) -> dict[int, str]:
    """Inserts what the indexes allow; place in ``documents`` -> name of the index that refused it.

    Raises StoreUnavailable, of which it is not known how many were inserted.
    """
    refused: dict[int, str] = {}
    with reachable():
        try:
            collection(db, schema.BOOKINGS).insert_many(documents, ordered=False)
        except BulkWriteError as exc:
            for error in exc.details["writeErrors"]:
                name = _index_of(str(error.get("errmsg", "")))
                if error["code"] != _DUPLICATE or name not in _NAMED:
                    raise
                refused[error["index"]] = name
            if exc.details.get("writeConcernErrors"):
                raise
    return refused


def stored_ids(db: Documents, ids: Sequence[str]) -> set[str]:
    """Which of ``ids`` are taken."""
    with reachable():
        rows = collection(db, schema.BOOKINGS).find({"_id": {"$in": list(ids)}}, {"_id": 1})
        return {row["_id"] for row in rows}


def holding(db: Documents, key: str, pairs: Iterable[tuple[str, str]]) -> list[Booking]:
    """What is active on each (id, ISO date); ``key`` is ground_id or student_id."""
    ids: defaultdict[str, set[str]] = defaultdict(set)
    for value, date in pairs:
        ids[date].add(value)
    if not ids:
        return []
    wanted = [
        {key: {"$in": sorted(values)}, "date": date, "status": _ACTIVE}
        for date, values in ids.items()
    ]
    with reachable():
        return [to_booking(row) for row in collection(db, schema.BOOKINGS).find({"$or": wanted})]


def update(
    db: Documents, condition: Mapping[str, Any], change: Mapping[str, Any]
) -> Booking | None:
    """The booking after an atomic ``change``; None where none meets ``condition``.

    Raises IndexRefused, StoreUnavailable.
    """
    with reachable():
        try:
            found = collection(db, schema.BOOKINGS).find_one_and_update(
                condition, change, return_document=ReturnDocument.AFTER
            )
        except DuplicateKeyError as exc:
            raise refusal_of(exc) from exc
    return None if found is None else to_booking(found)


def read(db: Documents, booking_id: str) -> Document | None:
    with reachable():
        return collection(db, schema.BOOKINGS).find_one({"_id": booking_id})


def holder_of_slot(
    db: Documents, ground_id: str, date: str, cells: list[int], but: str = ""
) -> Document | None:
    """The active booking or closure, other than ``but``, that holds the first taken cell."""
    condition = {
        "ground_id": ground_id,
        "date": date,
        "cells": {"$in": cells},
        "status": _ACTIVE,
        "_id": {"$ne": but},
    }
    with reachable():
        return collection(db, schema.BOOKINGS).find_one(condition, sort=[("start", 1)])


def of_student(
    db: Documents, student_id: str, dates: Sequence[str], but: str = ""
) -> list[Document]:
    """The student's active bookings on ``dates`` (ISO)."""
    condition = {
        "student_id": student_id,
        "date": {"$in": list(dates)},
        "status": _ACTIVE,
        "_id": {"$ne": but},
    }
    with reachable():
        return list(collection(db, schema.BOOKINGS).find(condition))


def taken_seats(db: Documents, student_id: str, window: str, but: str = "") -> set[int]:
    """The seats of the student's quota that active bookings hold in ``window``."""
    condition = {
        "student_id": student_id,
        "quota.window": window,
        "quota": {"$exists": True},
        "status": _ACTIVE,
        "_id": {"$ne": but},
    }
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(condition, {"quota.seat": 1})
        return {row["quota"]["seat"] for row in rows}


def of_weeks(
    db: Documents, pairs: Iterable[tuple[str, Date]]
) -> dict[tuple[str, Date], list[Booking]]:
    """The active bookings of each (student, Monday of a week), in one query, by date and time."""
    wanted = list(dict.fromkeys(pairs))
    found: dict[tuple[str, Date], list[Booking]] = {pair: [] for pair in wanted}
    if not wanted:
        return found
    weeks = [
        {
            "student_id": student_id,
            "date": {"$gte": monday.isoformat(), "$lt": (monday + timedelta(7)).isoformat()},
            "status": _ACTIVE,
        }
        for student_id, monday in wanted
    ]
    with reachable():
        # Named for the same reason as in ``of_day``.
        rows = collection(db, schema.BOOKINGS).find(
            {"$or": weeks}, hint=schema.ONE_PLACE_PER_STUDENT
        )
        for booking in map(to_booking, rows):
            monday = booking.date - timedelta(booking.date.weekday())
            found[(str(booking.student_id), monday)].append(booking)
    for bookings in found.values():
        bookings.sort(key=lambda b: (b.date, b.start))
    return found


def of_day(db: Documents, date: Date, ground_ids: Sequence[str]) -> list[Booking]:
    """What holds cells on ``date``: bookings and closures."""
    condition = {
        "ground_id": {"$in": list(ground_ids)},
        "date": date.isoformat(),
        "status": _ACTIVE,
    }
    with reachable():
        # The index is named because the planner, on a small collection, may try a listing index
        # first and keep that plan when the collection has grown.
        rows = collection(db, schema.BOOKINGS).find(condition, hint=schema.ONE_BOOKING_PER_SLOT)
        return [to_booking(row) for row in rows]


def held_cells(
    db: Documents, date: Date, ground_ids: Sequence[str]
) -> dict[tuple[str, int], tuple[str, str | None]]:
    """(ground id, cell) -> (booking id, student id) that has it on ``date``."""
    condition = {
        "ground_id": {"$in": list(ground_ids)},
        "date": date.isoformat(),
        "status": _ACTIVE,
    }
    fields = {"ground_id": 1, "cells": 1, "student_id": 1}
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(
            condition, fields, hint=schema.ONE_BOOKING_PER_SLOT
        )
        return {
            (row["ground_id"], cell): (row["_id"], row.get("student_id"))
            for row in rows
            for cell in row["cells"]
        }


def spans_from(db: Documents, first: Date) -> list[tuple[str, Date, time, time]]:
    """(id, date, start, end) of every active booking of ``first`` and later, by date and time."""
    condition = {"status": _ACTIVE, "date": {"$gte": first.isoformat()}, "kind": "booking"}
    fields = {"date": 1, "start": 1, "end": 1}
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(condition, fields, hint="queue")
        found = [
            (
                str(row["_id"]),
                Date.fromisoformat(row["date"]),
                time.fromisoformat(row["start"]),
                time.fromisoformat(row["end"]),
            )
            for row in rows
        ]
    return sorted(found, key=lambda span: (*span[1:], span[0]))


def of_ids(db: Documents, ids: Iterable[str]) -> list[Booking]:
    """The bookings of ``ids``, by date and time."""
    with reachable():
        rows = collection(db, schema.BOOKINGS).find({"_id": {"$in": list(ids)}})
        return sorted(map(to_booking, rows), key=lambda b: (b.date, b.start, b.ground_id, b.id))


def find(
    db: Documents,
    condition: Mapping[str, Any],
    *,
    sort: Sequence[tuple[str, int]],
    limit: int,
) -> list[Booking]:
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(condition, sort=list(sort), limit=limit)
        return [to_booking(row) for row in rows]


def closure_groups(db: Documents, from_date: Date, limit: int) -> list[Document]:
    """What stands closed on ``from_date`` or later, by first day; one row for each closing.

    ``start`` and ``end`` are those of its last day: the first may have been under way.
    """
    pipeline: list[dict[str, Any]] = [
        {
            "$match": {
                "status": Status.APPROVED.value,
                "date": {"$gte": from_date.isoformat()},
                "kind": "closure",
            }
        },
        {"$sort": {"date": 1, "start": 1, "_id": 1}},
        {
            "$group": {
                "_id": {"$ifNull": ["$closure_group", "$_id"]},
                "first": {"$first": "$date"},
                "last": {"$last": "$date"},
                "start": {"$last": "$start"},
                "end": {"$last": "$end"},
                "ground_ids": {"$addToSet": "$ground_id"},
                "reason": {"$first": "$purpose"},
                "by_name": {"$first": "$created_by_name"},
                "at": {"$first": "$created_at"},
            }
        },
        {"$sort": {"first": 1, "start": 1, "_id": 1}},
        {"$limit": limit},
    ]
    with reachable():
        return list(collection(db, schema.BOOKINGS).aggregate(pipeline))


def count(db: Documents, condition: Mapping[str, Any], limit: int) -> int:
    with reachable():
        return collection(db, schema.BOOKINGS).count_documents(condition, limit=limit)


def refusal_of(exc: DuplicateKeyError | BulkWriteError) -> BaseException:
    """IndexRefused, where a named index refused the (first) write; else ``exc`` itself."""
    details: Mapping[str, Any] = exc.details or {}
    if isinstance(exc, BulkWriteError):
        details = next(iter(details.get("writeErrors", ())), {})
    message = str(details.get("errmsg", exc))
    name = _index_of(message)
    return IndexRefused(name) if name in _NAMED else exc


def _index_of(message: str) -> str:
    # The server names the index as "index: NAME dup key"; the key pattern is no name.
    name = message.partition(" index: ")[2].split(" dup key", 1)[0].strip()
    return SUBMISSION if name.startswith(SUBMISSION) else name
