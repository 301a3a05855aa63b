"""Grounds, timetables and days as they were before the first change of a day.

A document is named by the local day of that change. So a past day is described by the first
document with a later name, or by the present data when there is none.
"""

from __future__ import annotations

from datetime import date as Date

from pymongo.client_session import ClientSession

from booking_core.domain.model import Ground
from booking_core.domain.timetable import Calendar
from booking_core.storage import documents as d
from booking_core.storage import schema
from booking_core.storage.database import Documents, collection, reachable, settings_of

_COPIED = (schema.GROUNDS, schema.TIMETABLES, schema.DAYS)
# What a school that is being set up lacks would count as closed for all its past. Its first
# complete copy describes the days before it better.
_COMPLETE = {"grounds.0": {"$exists": True}, "timetables.0": {"$exists": True}}


def keep(db: Documents, session: ClientSession, today: Date) -> None:
    """Copies grounds, timetables and days, unless an earlier change of ``today`` did.

    Must run before the change, in its transaction.
    """
    copies = collection(db, schema.SCHOOL_HISTORY)
    id = today.isoformat()
    if copies.find_one({"_id": id}, {"_id": 1}, session=session) is None:
        rows = {name: list(collection(db, name).find(session=session)) for name in _COPIED}
        copies.insert_one({"_id": id} | rows, session=session)


def between(db: Documents, first: Date, last: Date) -> list[tuple[Date, list[Ground], Calendar]]:
    """(day, grounds, calendar): the copies that describe days of ``first`` to ``last``, in order.

    Each describes the days before its own, down to the day of the copy before it.
    """
    found: list[tuple[Date, list[Ground], Calendar]] = []
    zone = settings_of(db).zone
    with reachable():
        rows = collection(db, schema.SCHOOL_HISTORY).find(
            {"_id": {"$gt": first.isoformat()}} | _COMPLETE, sort=[("_id", 1)]
        )
        for row in rows:
            grounds = [d.to_ground(ground) for ground in row["grounds"]]
            timetables = [d.to_timetable(table) for table in row["timetables"]]
            days = [d.to_day(day) for day in row["days"]]
            calendar = Calendar({t.id: t for t in timetables}, {x.date: x for x in days}, zone)
            day = Date.fromisoformat(row["_id"])
            found.append((day, sorted(grounds, key=lambda g: (g.order, g.name, g.id)), calendar))
            if day > last:
                break
    return found
