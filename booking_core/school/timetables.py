"""Changing timetables, and the dates that have one of their own. No booking changes with them.

In every verb, ``by`` None means that no account acts: the command line or a script.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date as Date
from datetime import datetime
from typing import Any

from booking_core.domain.errors import ChangedMeanwhile, InvalidRequest, NotFound, UnknownGround
from booking_core.domain.model import Actor, Period, Timetable
from booking_core.domain.names import new_id
from booking_core.domain.timetable import Calendar, Day, check_labels
from booking_core.domain.validation import check_date, check_id, check_name, check_text
from booking_core.school.administration import change_school
from booking_core.storage.client.database import Documents, moment
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import grounds
from booking_core.storage.school import timetables as store
from booking_core.storage.school.changes import SchoolTransaction, facts_of

MOST_DAYS = 400  # that one change may give a timetable of their own


@within_deadline
def save_timetable(
    db: Documents,
    timetable: Timetable,
    *,
    by: Actor | None = None,
    was: Timetable | None = None,
    now: datetime | None = None,
) -> Timetable:
    """Adds or replaces a timetable; existing bookings stay as they are.

    A weekday has one timetable for all weeks, and one for A and one for B, which go before it: in
    the same transaction the others of the same ``week`` lose ``timetable.weekdays``. So it is among
    the timetables of some grounds that share one; they go before those of all grounds.
    With ``was``, the timetable that the change was made from, raises ChangedMeanwhile where the
    stored one differs by now. Raises AlreadyExists for an id that differs from another's in
    capitals only, UnknownGround, InvalidRequest, also for a name that another timetable has and for
    two periods with one label, NotAllowed, StoreUnavailable.
    """
    if not isinstance(timetable, Timetable):
        raise InvalidRequest("timetable", "must be a Timetable")
    check_labels(timetable.periods)
    now = moment(db, now)

    def work(tx: SchoolTransaction) -> Timetable:
        stored = store.read(tx)
        if was is not None and was != stored.get(timetable.id):
            raise ChangedMeanwhile("the timetable")
        return _write(tx, by, timetable, stored, now)

    return change_school(db, by, now, work)


@within_deadline
def add_timetable(
    db: Documents,
    name: str,
    periods: Iterable[Period],
    weekdays: Iterable[int] = (),
    *,
    week: str = "",
    ground_ids: Iterable[str] = (),
    by: Actor | None = None,
    now: datetime | None = None,
) -> Timetable:
    """Adds a timetable; its id is made of its name. The rest is as in ``save_timetable``.

    Raises UnknownGround, InvalidRequest, also for a name that another timetable has and for two
    periods with one label, NotAllowed, StoreUnavailable.
    """
    name = check_name(name, "name")
    lists = (("periods", periods), ("weekdays", weekdays), ("ground_ids", ground_ids))
    for field, value in lists:
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise InvalidRequest(field, "must be a list")
    wanted = Timetable("new", tuple(periods), tuple(weekdays), name, week, tuple(ground_ids))
    now = moment(db, now)
    check_labels(wanted.periods)

    def work(tx: SchoolTransaction) -> Timetable:
        stored = store.read(tx)
        made = replace(wanted, id=new_id(name, stored, "timetable"))
        return _write(tx, by, made, stored, now)

    return change_school(db, by, now, work)


def _write(
    tx: SchoolTransaction,
    by: Actor | None,
    timetable: Timetable,
    stored: Mapping[str, Timetable],
    now: datetime,
) -> Timetable:
    if timetable.ground_ids:
        known = grounds.read(tx)
        for id in timetable.ground_ids:
            if id not in known:
                raise UnknownGround(id)
    before = stored.get(timetable.id)
    losing = Calendar(stored, {}).gives_way(timetable)
    store.put(tx, (timetable, *losing.values()))
    details: dict[str, Any] = {
        "before": facts_of(before),
        "after": facts_of(timetable),
    }
    if losing:
        details["weekdays_taken_from"] = sorted(losing)
    tx.audit(by, "saved" if before else "added", "timetable", timetable.id, details, now)
    return timetable


@within_deadline
def delete_timetable(
    db: Documents, timetable_id: str, *, by: Actor | None = None, now: datetime | None = None
) -> None:
    """Deletes a timetable; its weekdays are without school until another timetable has them.

    Raises NotFound, InvalidRequest while a date refers to it, NotAllowed, StoreUnavailable.
    """
    timetable_id, now = check_id(timetable_id, "timetable_id"), moment(db, now)

    def work(tx: SchoolTransaction) -> None:
        before = store.read(tx).get(timetable_id)
        if before is None:
            raise NotFound("timetable", timetable_id)
        if dates := store.dates_of(tx, timetable_id):
            more = f" and {len(dates) - 3} more" if len(dates) > 3 else ""
            raise InvalidRequest("timetable_id", f"is that of {', '.join(dates[:3])}{more}")
        store.delete(tx, timetable_id)
        details = {"before": facts_of(before), "after": None}
        tx.audit(by, "deleted", "timetable", timetable_id, details, now)

    change_school(db, by, now, work)


@within_deadline
def save_days(
    db: Documents,
    dates: Iterable[Date],
    *,
    timetable_id: str | None,
    note: str = "",
    by: Actor | None = None,
    now: datetime | None = None,
) -> list[Day]:
    """Gives each of ``dates`` (at most MOST_DAYS) its own timetable; None means no school.

    All of them or none. Raises NotFound for the timetable, InvalidRequest, NotAllowed,
    StoreUnavailable.
    """
    if isinstance(dates, str) or not isinstance(dates, Iterable):
        raise InvalidRequest("dates", "must be a list of dates")
    dates = sorted({check_date(date, "dates") for date in dates})
    if not 1 <= len(dates) <= MOST_DAYS:
        raise InvalidRequest("dates", f"must be from 1 to {MOST_DAYS} dates")
    note = check_text(note, "note")
    if timetable_id is not None:
        timetable_id = check_id(timetable_id, "timetable_id")
    days, now = [Day(date, timetable_id, note) for date in dates], moment(db, now)

    def work(tx: SchoolTransaction) -> list[Day]:
        # Read in the transaction: the timetable must exist as long as a date refers to it.
        if timetable_id is not None and timetable_id not in store.read(tx):
            raise NotFound("timetable", timetable_id)
        for day in days:
            before = store.put_day(tx, day)
            _audit_day(tx, by, "saved", before, day, now)
        return days

    return change_school(db, by, now, work)


@within_deadline
def delete_day(
    db: Documents, date: Date, *, by: Actor | None = None, now: datetime | None = None
) -> None:
    """Gives a date its weekday's timetable back. Raises NotFound, NotAllowed, StoreUnavailable."""
    date, now = check_date(date, "date"), moment(db, now)

    def work(tx: SchoolTransaction) -> None:
        before = store.delete_day(tx, date)
        if before is None:
            raise NotFound("day", date.isoformat())
        _audit_day(tx, by, "deleted", before, None, now)

    change_school(db, by, now, work)


def _audit_day(
    tx: SchoolTransaction,
    by: Actor | None,
    action: str,
    before: Day | None,
    after: Day | None,
    now: datetime,
) -> None:
    [id] = {day.date.isoformat() for day in (before, after) if day is not None}
    details = {"before": facts_of(before), "after": facts_of(after)}
    tx.audit(by, action, "day", id, details, now)
