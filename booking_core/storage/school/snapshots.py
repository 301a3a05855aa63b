"""Grounds, timetables, days and the year as they were before the first change of a day.

A document is named by the local day of that change. So a past day is described by the first
document with a later name, or by the present data when there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date as Date
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from pymongo.client_session import ClientSession

from booking_core.domain.model import Ground
from booking_core.domain.school_year import SchoolYear
from booking_core.domain.timetable import Calendar
from booking_core.storage import documents as d
from booking_core.storage import readable as r
from booking_core.storage.client.database import Documents, collection, settings_of
from booking_core.storage.client.verbs import reachable
from booking_core.storage.schema import schema

Copy = tuple[Date, list[Ground], Calendar]
# What is copied, and how each part of it is read.
PARTS: dict[str, Callable[[d.Document], Any]] = {
    schema.GROUNDS: d.to_ground,
    schema.TIMETABLES: d.to_timetable,
    schema.DAYS: d.to_day,
    schema.TERMS: d.to_term,
}
# That copies of earlier versions lack.
_LATER_PARTS = {schema.TERMS}
# What a school that is being set up lacks would count as closed for all its past. Its first
# complete copy describes the days before it better.
_COMPLETE = {"grounds.0": {"$exists": True}, "timetables.0": {"$exists": True}}


def keep(db: Documents, session: ClientSession, today: Date) -> None:
    """Copies grounds, timetables, days and the year, unless an earlier change of ``today`` did.

    Must run before the change, in its transaction.
    """
    copies = collection(db, schema.SCHOOL_HISTORY)
    id = today.isoformat()
    if copies.find_one({"_id": id}, {"_id": 1}, session=session) is None:
        # No board of a past day shows the address of a caretaker, so no copy keeps it.
        rows = {
            name: list(collection(db, name).find({}, {"caretaker_email": 0}, session=session))
            for name in PARTS
        }
        meta = collection(db, schema.META).find_one({"_id": "revision"}, session=session) or {}
        copies.insert_one({"_id": id, "week_a": meta.get("week_a")} | rows, session=session)


def between(db: Documents, first: Date, last: Date) -> list[Copy]:
    """(day, grounds, calendar): the copies that describe days of ``first`` to ``last``, in order.

    Each describes the days before its own, down to the day of the copy before it.
    """
    found: list[Copy] = []
    zone = settings_of(db).zone
    with reachable():
        rows = collection(db, schema.SCHOOL_HISTORY).find(
            {"_id": {"$gt": first.isoformat()}} | _COMPLETE, sort=[("_id", 1)]
        )
        for copy in r.readable(schema.SCHOOL_HISTORY, partial(to_copy, zone=zone), rows):
            found.append(copy)
            if copy[0] > last:
                break
    return found


def to_copy(row: d.Document, zone: ZoneInfo) -> Copy:
    """The day, grounds and calendar of a copy, without what cannot be read in it."""
    day = r.date(row, "_id")
    grounds, timetables, days, terms = (
        r.readable(schema.SCHOOL_HISTORY, to_value, part_of(row, name))
        for name, to_value in PARTS.items()
    )
    week_a = r.date(row, "week_a") if row.get("week_a") is not None else None
    year = SchoolYear(tuple(terms), week_a)
    calendar = Calendar({t.id: t for t in timetables}, {x.date: x for x in days}, zone, year)
    return day, sorted(grounds, key=lambda g: (g.order, g.name, g.id)), calendar


def part_of(row: d.Document, name: str) -> list[d.Document]:
    """The documents of the collection ``name`` in a copy; raises Unreadable."""
    return [] if name in _LATER_PARTS and name not in row else r.field(row, name, list)
