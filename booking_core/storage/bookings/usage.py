"""Counts bookings by status, party, class, game and ground, on the server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date as Date
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo

from booking_core.domain.model import Party, Status
from booking_core.domain.validation import MARK_MINUTES
from booking_core.storage import readable as r
from booking_core.storage.client.database import Documents, collection, settings_of
from booking_core.storage.client.verbs import reachable
from booking_core.storage.schema import schema

DEADLINE_SECONDS = 20.0  # a year of a large school
_ALL = {"$in": [status.value for status in Status]}
_A_LIST = {"$cond": [{"$isArray": "$class_name"}, "$class_name", ["$class_name"]]}
_SPAN = {"start": "$start", "end": "$end"}
# What is counted -> (which documents, by which field).
_COUNTED: dict[str, tuple[dict[str, Any], Any]] = {
    "status": ({"kind": "booking"}, "$status"),
    # Bookings for named students are stored without a party.
    "party": (
        schema.HOLDS | {"kind": "booking"},
        {"$ifNull": ["$party", Party.STUDENTS.value]},
    ),
    "class": (schema.HOLDS | {"kind": "booking"}, "$class_name"),
    "game": (schema.HOLDS | {"kind": "booking"}, "$game"),
    "ground": (schema.HOLDS | {"kind": "booking"}, "$ground_id"),
    "closed": (schema.HOLDS | {"kind": "closure"}, "$ground_id"),
}
# A booking counts for each class of its students; without a class, for none.
_ONE_EACH: dict[str, list[dict[str, Any]]] = {
    "class": [
        {"$set": {"class_name": {"$setUnion": [_A_LIST]}}},
        {"$unwind": "$class_name"},
        {"$match": {"class_name": {"$ne": ""}}},
    ]
}
_LIFTED = {"kind": "closure", "status": Status.CANCELLED.value}


@dataclass(frozen=True, slots=True)
class Count:
    """``bookings`` of one time of day with the same ``name``: a status, party, class, game or
    ground."""

    name: str
    start: time
    end: time
    bookings: int


def pipeline(dates: Sequence[Date], created_by: str | None, zone: ZoneInfo) -> list[dict[str, Any]]:
    # Lifting a closure is its last change. A document of another program may have no moment there.
    moment = {"$convert": {"input": "$updated_at", "to": "date", "onError": None, "onNull": None}}
    lifted = {"date": moment, "timezone": zone.key}
    on_its_day = {"$eq": ["$date", {"$dateToString": lifted | {"format": "%Y-%m-%d"}}]}
    lifted_at = {"$dateToString": lifted | {"format": "%H:%M"}}
    kinds: list[dict[str, Any]] = [
        {"kind": "booking"},
        {"kind": "closure", "status": "Approved"},
        _LIFTED | {"$expr": on_its_day},
    ]
    if created_by is not None:
        kinds[0]["created_by"] = created_by
    days = [date.isoformat() for date in dates]
    facets = {
        what: [
            {"$match": condition},
            *_ONE_EACH.get(what, ()),
            {"$group": {"_id": {"name": field, **_SPAN}, "bookings": {"$sum": 1}}},
        ]
        for what, (condition, field) in _COUNTED.items()
    }
    span = {"start": "$start", "end": lifted_at}
    group = {"_id": {"name": "$ground_id", **span}, "bookings": {"$sum": 1}}
    facets["lifted"] = [{"$match": _LIFTED}, {"$group": group}]
    return [
        {"$match": {"status": _ALL, "date": {"$in": days}, "$or": kinds}},
        {"$facet": facets},
    ]


def counts(
    db: Documents, groups: Sequence[Sequence[Date]], created_by: str | None
) -> Iterator[dict[str, list[Count]]]:
    """For each group of dates: the bookings by ``status``, and the active ones by ``party``,
    ``class``, ``game`` and ``ground``, and the closures of each ground under ``closed``. One that
    was lifted on its day ends there at the last 5-minute mark before it was lifted.

    ``created_by`` limits the bookings, not the closures, to one account's. Raises StoreUnavailable.
    """
    for dates in groups:
        with reachable(DEADLINE_SECONDS):
            found = next(
                collection(db, schema.BOOKINGS).aggregate(
                    pipeline(dates, created_by, settings_of(db).zone),
                    hint=schema.BY_DAY,
                    allowDiskUse=True,
                )
            )
        counted = {
            what: list(r.readable(schema.BOOKINGS, _count, rows)) for what, rows in found.items()
        }
        lifted = map(_until_mark, counted.pop("lifted"))
        counted["closed"] += [count for count in lifted if count.start < count.end]
        yield counted


def games(db: Documents) -> list[str]:
    """The games of all bookings, each in every spelling that is stored. Reads all bookings.

    Raises StoreUnavailable.
    """
    with reachable(DEADLINE_SECONDS):
        rows = collection(db, schema.BOOKINGS).aggregate(
            [{"$match": {"kind": "booking"}}, {"$group": {"_id": "$game"}}], allowDiskUse=True
        )
        return [row["_id"] for row in rows if isinstance(row["_id"], str)]


def _until_mark(count: Count) -> Count:
    # A closing that follows a lifting begins at this mark.
    end = count.end.replace(minute=count.end.minute // MARK_MINUTES * MARK_MINUTES)
    return replace(count, end=end)


def _count(row: dict[str, Any]) -> Count:
    key = row["_id"]
    start, end = r.time_of_day(key, "start"), r.time_of_day(key, "end")
    return Count(r.text(key, "name"), start, end, row["bookings"])
