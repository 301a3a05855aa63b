"""Counts bookings by status, class, game and ground, on the server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import time
from typing import Any

from booking_core.domain.model import ACTIVE, Status
from booking_core.storage import readable as r
from booking_core.storage import schema
from booking_core.storage.database import Documents, collection, reachable

DEADLINE_SECONDS = 20.0  # a year of a large school
_ALL = {"$in": [status.value for status in Status]}
_ACTIVE = {"status": {"$in": [status.value for status in ACTIVE]}}
_SPAN = {"start": "$start", "end": "$end"}
# What is counted -> (which documents, by which field).
_COUNTED: dict[str, tuple[dict[str, Any], str]] = {
    "status": ({"kind": "booking"}, "$status"),
    "class": (_ACTIVE | {"kind": "booking"}, "$class_name"),
    "game": (_ACTIVE | {"kind": "booking"}, "$game"),
    "ground": (_ACTIVE | {"kind": "booking"}, "$ground_id"),
    "closed": (_ACTIVE | {"kind": "closure"}, "$ground_id"),
}


@dataclass(frozen=True, slots=True)
class Count:
    """``bookings`` of one time of day with the same ``name``: a status, class, game or ground."""

    name: str
    start: time
    end: time
    bookings: int


def pipeline(dates: Sequence[Date], created_by: str | None) -> list[dict[str, Any]]:
    kinds: list[dict[str, Any]] = [{"kind": "booking"}, {"kind": "closure", "status": "Approved"}]
    if created_by is not None:
        kinds[0]["created_by"] = created_by
    days = [date.isoformat() for date in dates]
    facets = {
        what: [
            {"$match": condition},
            {"$group": {"_id": {"name": field, **_SPAN}, "bookings": {"$sum": 1}}},
        ]
        for what, (condition, field) in _COUNTED.items()
    }
    return [
        {"$match": {"status": _ALL, "date": {"$in": days}, "$or": kinds}},
        {"$facet": facets},
    ]


def counts(
    db: Documents, groups: Sequence[Sequence[Date]], created_by: str | None
) -> Iterator[dict[str, list[Count]]]:
    """For each group of dates: the bookings by ``status``, and the active ones by ``class``,
    ``game`` and ``ground``, and the closures of each ground under ``closed``.

    ``created_by`` limits the bookings, not the closures, to one account's. Raises StoreUnavailable.
    """
    for dates in groups:
        with reachable(DEADLINE_SECONDS):
            found = next(
                collection(db, schema.BOOKINGS).aggregate(
                    pipeline(dates, created_by), hint=schema.BY_DAY, allowDiskUse=True
                )
            )
        yield {
            what: list(r.readable(schema.BOOKINGS, _count, rows)) for what, rows in found.items()
        }


def games(db: Documents) -> list[str]:
    """The games of all bookings, each in every spelling that is stored. Reads all bookings.

    Raises StoreUnavailable.
    """
    with reachable(DEADLINE_SECONDS):
        rows = collection(db, schema.BOOKINGS).aggregate(
            [{"$match": {"kind": "booking"}}, {"$group": {"_id": "$game"}}], allowDiskUse=True
        )
        return [row["_id"] for row in rows if isinstance(row["_id"], str)]


def _count(row: dict[str, Any]) -> Count:
    key = row["_id"]
    start, end = r.time_of_day(key, "start"), r.time_of_day(key, "end")
    return Count(r.text(key, "name"), start, end, row["bookings"])
