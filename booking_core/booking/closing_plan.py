"""The plan of a closing: the slots to close, and the bookings that it displaces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date as Date
from datetime import datetime, time, timedelta
from typing import Any

from booking_core.domain import timetable
from booking_core.domain.errors import GroundClosed, InvalidRequest
from booking_core.domain.model import Booking, Ground, Slot
from booking_core.domain.validation import MARK_MINUTES, check_date, check_id, check_time, minutes
from booking_core.storage.bookings import transactions
from booking_core.storage.client.database import Documents, settings_of
from booking_core.storage.school import data as reference

MOST = 366  # days times grounds, closed in one step
LONGEST = 400  # days from the first to the last
MIDNIGHT = time(0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request to close: for each day the part that is still to come.

    ``sharing``: the ids of all grounds on the surfaces of these ``grounds``. ``known``: the school
    by which this was found. ``keeps``: what is booked stays, and the rest is closed.
    """

    grounds: tuple[Ground, ...]
    sharing: tuple[str, ...]
    known: reference.Reference
    days: tuple[tuple[Date, time, time], ...]
    keeps: bool = False

    @property
    def ground_ids(self) -> tuple[str, ...]:
        return tuple(ground.id for ground in self.grounds)


@dataclass(frozen=True, slots=True)
class Plan:
    """``slots``: each with the surfaces to close there."""

    slots: list[tuple[Slot, tuple[str, ...]]]
    displaced: list[Booking]

    @property
    def closed(self) -> Iterator[tuple[Date, str, int]]:
        """Each (date, surface, mark) that is closed."""
        for slot, surfaces in self.slots:
            for surface in surfaces:
                for mark in timetable.marks(slot.start, slot.end):
                    yield slot.date, surface, mark


def wanted_by(
    db: Documents,
    ground_ids: Iterable[str],
    first: Date,
    last: Date,
    start: time | None,
    end: time | None,
    now: datetime,
    *,
    weekdays: Iterable[int] = (),
    keep_booked: bool = False,
) -> Wanted:
    if not isinstance(keep_booked, bool):
        raise InvalidRequest("keep_booked", "must be true or false")
    on = check_weekdays(weekdays)
    ids = tuple(sorted(ids_of(ground_ids, "ground_id")))
    if not ids:
        raise InvalidRequest("ground_id", "is missing")
    first, last = check_date(first, "first"), check_date(last, "last")
    if last < first:
        raise InvalidRequest("last", "is before the first day")
    if (start is None) != (end is None):
        raise InvalidRequest("end" if end is None else "start", "is missing")
    start = MIDNIGHT if start is None else check_time(start, "start")
    end = MIDNIGHT if end is None else check_time(end, "end")
    if minutes(start) >= minutes(end, closing=True):
        raise InvalidRequest("end", "is not after the start")
    if (last - first).days > LONGEST:
        raise InvalidRequest("last", f"is more than {LONGEST} days after the first day")
    dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    dates = [date for date in dates if not on or date.weekday() in on]
    if not dates:
        raise InvalidRequest("weekdays", "has no day from the first to the last")
    if len(dates) * len(ids) > MOST:
        problem = f"is too far off: {len(ids)} grounds can be closed for {MOST // len(ids)} days"
        raise InvalidRequest("last", problem)
    known = reference.load(db)
    grounds = tuple(map(known.ground, ids))
    zone = settings_of(db).zone
    today = now.astimezone(zone).date()
    # The past stays as it was: of today, the marks that have ended.
    ahead = timetable.ends_ahead(today, now, zone)
    begun = minutes(ahead[0], closing=True) - MARK_MINUTES if ahead else 1440
    days = []
    for date in dates:
        if date < today:
            continue
        opening = minutes(start) if date > today else max(minutes(start), begun)
        if opening < minutes(end, closing=True):
            days.append((date, time(*divmod(opening, 60)), end))
    if not days:
        raise InvalidRequest("last" if last < today else "end", "has gone by")
    return Wanted(grounds, tuple(known.sharing(ids)), known, tuple(days), keep_booked)


def plan_of(looking: transactions.BookingTransaction, wanted: Wanted) -> Plan:
    """The slots to close and the bookings there, as stored now.

    A surface that is closed for the whole time already is left out, and so is one that another of
    the grounds closes. Raises GroundClosed where a surface is closed for a part of the time.
    """
    held: defaultdict[tuple[str, Date], list[Booking]] = defaultdict(list)
    found = looking.held(wanted.sharing, wanted.days[0][0], wanted.days[-1][0])
    for booking in found:
        for surface in booking.held_surfaces:
            held[(surface, booking.date)].append(booking)
    slots: list[tuple[Slot, tuple[str, ...]]] = []
    displaced: set[str] = set()
    closed_before: GroundClosed | None = None
    for date, start, end in wanted.days:
        marks = set(timetable.marks(start, end))
        planned: set[str] = set()
        for ground in wanted.grounds:
            open_surfaces = []
            for surface in ground.surfaces:
                inside = [b for b in held[(surface, date)] if marks & _marks(b)]
                closed = [booking for booking in inside if booking.kind == "closure"]
                if closed:
                    closed_before = GroundClosed(ground.id, closed[0].purpose)
                    if not marks <= set().union(*map(_marks, closed)):
                        raise closed_before
                elif surface not in planned:
                    open_surfaces.append(surface)
                    if not wanted.keeps:
                        displaced |= {booking.id for booking in inside}
            planned |= set(open_surfaces)
            if wanted.keeps:
                booked = {s: set().union(*map(_marks, held[(s, date)])) for s in open_surfaces}
                slots += _free_parts(Slot(ground.id, date, start, end), booked)
            elif open_surfaces:
                slots.append((Slot(ground.id, date, start, end), tuple(open_surfaces)))
    if not slots and closed_before is not None:
        raise closed_before
    if not slots:
        raise InvalidRequest("keep_booked", "leaves nothing to close: all of it is booked")
    return Plan(slots, [booking for booking in found if booking.id in displaced])


def _free_parts(slot: Slot, booked: Mapping[str, set[int]]) -> list[tuple[Slot, tuple[str, ...]]]:
    """The parts of ``slot`` that are not ``booked`` (surface -> marks), each with its surfaces."""
    parts: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    marks = timetable.marks(slot.start, slot.end)
    for surface, taken in booked.items():
        free = [mark for mark in marks if mark not in taken]
        for first in (mark for mark in free if mark - 1 not in free):
            last = next(mark for mark in free if mark >= first and mark + 1 not in free)
            parts[(first, last)].append(surface)
    return [
        (
            replace(
                slot,
                start=timetable.time_of(first),
                end=timetable.time_of((last + 1) % timetable.MARKS_A_DAY),
            ),
            tuple(surfaces),
        )
        for (first, last), surfaces in sorted(parts.items())
    ]


def check_weekdays(values: Any) -> frozenset[int]:
    """Days of the week (Monday is 0); raises InvalidRequest."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidRequest("weekdays", "must be a list of numbers from 0 to 6")
    found = list(values)
    if not all(type(value) is int and 0 <= value <= 6 for value in found):
        raise InvalidRequest("weekdays", "must be a list of numbers from 0 to 6")
    return frozenset(found)


def _marks(booking: Booking) -> set[int]:
    return set(timetable.marks(booking.start, booking.end))


def ids_of(values: Any, name: str) -> set[str]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidRequest(name, "must be a list of ids")
    return {check_id(value, name) for value in values}
