"""Timetables, and the dates that have one of their own. No change here touches a booking."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date as Date
from typing import Any

from pymongo.client_session import ClientSession

from booking_core.domain.errors import ChangedMeanwhile, InvalidRequest, NotFound
from booking_core.domain.model import Actor, Period, Timetable
from booking_core.domain.timetable import Calendar, Day
from booking_core.domain.validation import MAX_NAME, check_date, check_id, check_text
from booking_core.storage import audit_log as journal
from booking_core.storage import documents as d
from booking_core.storage import schema
from booking_core.storage.database import Documents, collection
from booking_core.storage.grounds import new_id
from booking_core.storage.school_data import change_school

MOST_DAYS = 400  # that one change may give a timetable of their own


def save_timetable(
    db: Documents, timetable: Timetable, *, by: Actor | None = None, was: Timetable | None = None
) -> Timetable:
    """Adds or replaces a timetable; existing bookings stay as they are.

    A weekday has one timetable: what another had of ``timetable.weekdays`` it loses in the same
    transaction. With ``was``, the one that the change was made from, ChangedMeanwhile is raised
    when the stored one is another by now. Raises InvalidRequest, NotAllowed, StoreUnavailable.
    """
    if not isinstance(timetable, Timetable):
        raise InvalidRequest("timetable", "must be a Timetable")

    def work(session: ClientSession) -> Timetable:
        stored = _stored(db, session)
        if was is not None:
            if was != stored.get(timetable.id):
                raise ChangedMeanwhile("the timetable")
            _check_name(timetable, stored)
        return _write(db, session, by, timetable, stored)

    return change_school(db, by, work)


def add_timetable(
    db: Documents,
    name: str,
    periods: Iterable[Period],
    weekdays: Iterable[int] = (),
    *,
    by: Actor | None = None,
) -> Timetable:
    """A new timetable; its id is made of its name. Weekdays as in ``save_timetable``.

    Raises InvalidRequest, also for a name that another has, NotAllowed, StoreUnavailable.
    """
    name = check_text(name, "name", limit=MAX_NAME, required=True)
    wanted = Timetable("new", tuple(periods), tuple(weekdays), name)

    def work(session: ClientSession) -> Timetable:
        stored = _stored(db, session)
        made = replace(wanted, id=new_id(name, stored, "timetable"))
        _check_name(made, stored)
        return _write(db, session, by, made, stored)

    return change_school(db, by, work)


def _stored(db: Documents, session: ClientSession) -> dict[str, Timetable]:
    rows = collection(db, schema.TIMETABLES).find(session=session)
    return {table.id: table for table in map(d.to_timetable, rows)}


def _check_name(timetable: Timetable, stored: dict[str, Timetable]) -> None:
    for other in stored.values():
        if other.id != timetable.id and other.name.casefold() == timetable.name.casefold():
            raise InvalidRequest("name", "is the name of another timetable")


def _write(
    db: Documents,
    session: ClientSession,
    by: Actor | None,
    timetable: Timetable,
    stored: dict[str, Timetable],
) -> Timetable:
    before = stored.get(timetable.id)
    losing = Calendar(stored, {}).gives_way(timetable)
    for table in (timetable, *losing.values()):
        collection(db, schema.TIMETABLES).replace_one(
            {"_id": table.id}, d.timetable_document(table), upsert=True, session=session
        )
    details: dict[str, Any] = {
        "before": before and d.timetable_document(before),
        "after": d.timetable_document(timetable),
    }
    if losing:
        details["weekdays_taken_from"] = sorted(losing)
    action = "saved" if before else "added"
    journal.write(db, session, by, action, "timetable", timetable.id, details)
    return timetable


def delete_timetable(db: Documents, timetable_id: str, *, by: Actor | None = None) -> None:
    """Takes a timetable away; its weekdays are without school until another has them.

    Raises NotFound, InvalidRequest while a date refers to it, NotAllowed, StoreUnavailable.
    """
    timetable_id = check_id(timetable_id, "timetable_id")

    def work(session: ClientSession) -> None:
        before = collection(db, schema.TIMETABLES).find_one_and_delete(
            {"_id": timetable_id}, session=session
        )
        if before is None:
            raise NotFound("timetable", timetable_id)
        days = collection(db, schema.DAYS).find(
            {"timetable_id": timetable_id}, {"_id": 1}, session=session
        )
        if dates := sorted(row["_id"] for row in days):
            more = f" and {len(dates) - 3} more" if len(dates) > 3 else ""
            raise InvalidRequest("timetable_id", f"is that of {', '.join(dates[:3])}{more}")
        journal.write(
            db, session, by, "deleted", "timetable", timetable_id, {"before": before, "after": None}
        )

    change_school(db, by, work)


def save_day(
    db: Documents,
    date: Date,
    *,
    timetable_id: str | None,
    note: str = "",
    by: Actor | None = None,
) -> Day:
    """Gives one date its own timetable; None means no school. Raises NotFound for the timetable."""
    return save_days(db, [check_date(date, "date")], timetable_id=timetable_id, note=note, by=by)[0]


def save_days(
    db: Documents,
    dates: Iterable[Date],
    *,
    timetable_id: str | None,
    note: str = "",
    by: Actor | None = None,
) -> list[Day]:
    """The same for several dates, at most MOST_DAYS: all of them or none."""
    if isinstance(dates, str) or not isinstance(dates, Iterable):
        raise InvalidRequest("dates", "must be a list of dates")
    dates = sorted({check_date(date, "dates") for date in dates})
    if not 1 <= len(dates) <= MOST_DAYS:
        raise InvalidRequest("dates", f"must be from 1 to {MOST_DAYS} dates")
    note = check_text(note, "note")
    if timetable_id is not None:
        timetable_id = check_id(timetable_id, "timetable_id")
    days = [Day(date, timetable_id, note) for date in dates]

    def work(session: ClientSession) -> None:
        # Here and not before: it must be there for as long as a date refers to it.
        tables = collection(db, schema.TIMETABLES)
        if timetable_id is not None and not tables.find_one(
            {"_id": timetable_id}, {"_id": 1}, session=session
        ):
            raise NotFound("timetable", timetable_id)
        target = collection(db, schema.DAYS)
        for day in days:
            row = d.day_document(day)
            before = target.find_one_and_replace(
                {"_id": row["_id"]}, row, upsert=True, session=session
            )
            details = {"before": before, "after": row}
            journal.write(db, session, by, "saved", "day", row["_id"], details)

    change_school(db, by, work)
    return days


def delete_day(db: Documents, date: Date, *, by: Actor | None = None) -> None:
    """Gives a date its weekday's timetable back. Raises NotFound, NotAllowed, StoreUnavailable."""
    key = check_date(date, "date").isoformat()

    def work(session: ClientSession) -> None:
        before = collection(db, schema.DAYS).find_one_and_delete({"_id": key}, session=session)
        if before is None:
            raise NotFound("day", key)
        journal.write(db, session, by, "deleted", "day", key, {"before": before, "after": None})

    change_school(db, by, work)
