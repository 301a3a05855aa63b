"""The plan of a series: what of each date is free, and why the others are not."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date as Date
from datetime import datetime, time
from functools import partial
from typing import NamedTuple

from booking_core.booking.boards import availability_of, held_by
from booking_core.booking.claims import check_request, wanted_by
from booking_core.booking.conflicts import error_on
from booking_core.booking.parties import party_of, supervisor_of
from booking_core.booking.seats import take_seats
from booking_core.domain import timetable
from booking_core.domain.availability import Availability
from booking_core.domain.claims import people_of
from booking_core.domain.errors import (
    BookingError,
    NotAPeriod,
    QuotaReached,
    RuleBroken,
)
from booking_core.domain.model import Actor, Booking, Slot
from booking_core.domain.series import Occurrence, SeriesRequest
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents, settings_of
from booking_core.storage.school import data as reference

TakenSeats = Callable[[Iterable[tuple[str, str]]], dict[tuple[str, str], set[int]]]
_Place = tuple[str, time, time]  # a ground, from a time to another
_MOST_ALTERNATIVES = 3


class Instead(NamedTuple):
    """Another ground or time for a whole series, and how many of its dates can be booked there."""

    ground_id: str
    start: time
    end: time
    free: int


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """The dates of a series in order, each with its problem, if any.

    ``instead``: other grounds and times at which more of the dates can be booked, best first; none
    for an inactive student, who cannot be booked anywhere. ``own``: those that this submission has
    booked already, although its answer may have been lost.
    """

    dates: tuple[Occurrence, ...]
    instead: tuple[Instead, ...] = ()
    own: tuple[Date, ...] = ()

    @property
    def problems(self) -> tuple[Occurrence, ...]:
        return tuple(one for one in self.dates if one.problem is not None)


def planned(
    db: Documents,
    known: reference.Reference,
    request: SeriesRequest,
    by: Actor,
    now: datetime,
    sent: str = "",
) -> SeriesPlan:
    """The plan by the school ``known``.

    Dates that ``by`` has booked in the series ``sent`` are free, and in ``SeriesPlan.own``.
    """
    zone, policy = settings_of(db).zone, known.policy.for_series()
    dates = request.all_dates(known.year)
    party, supervisor = party_of(known, request.first), supervisor_of(db, request.first)
    people = party.people(request.first.supervisor_id)
    known.ground(request.first.ground_id)
    held = booking_queries.of_dates(db, dates)
    own = tuple(
        date
        for date in dates
        if any(sent and b.series == sent and b.created_by == by.id for b in held[date])
    )
    of_series = wanted_by(
        known, request.first, party, supervisor, "", by, False, now, checked=False
    )
    seats = Seats(db, known, of_series)
    seats.read(dates)
    room = {week: seats.room(week) for week in map(timetable.iso_week, dates)}
    can_play = all(student.active for student in party.students)
    planned: list[Occurrence] = []
    free_on: defaultdict[_Place, Counter[str]] = defaultdict(Counter)
    for date in dates:
        if date in own:
            planned.append(Occurrence(date, None, ()))
            continue
        wanted = request.on(date)
        free = availability_of(db, known, date, now, held_by(held[date]))
        free = replace(free, policy=policy)
        busy = {
            mark
            for booking in held[date]
            if not people.isdisjoint(people_of(booking))
            for mark in timetable.marks(booking.start, booking.end)
        }
        periods = _periods(free, request.slot(date))
        for slot in free.free_slots(request.first.game, periods, busy=busy) if can_play else ():
            free_on[(slot.ground_id, slot.start, slot.end)][timetable.iso_week(date)] += 1
        problem: BookingError | None = None
        try:
            check_request(known, wanted, by, now, zone, is_series=True)
            booking = wanted_by(known, wanted, party, supervisor, "", by, False, now)
            problem = error_on(booking, free, held[date]) or seats.take(date)
        except (RuleBroken, NotAPeriod) as exc:
            problem = exc
        alternatives: tuple[Slot, ...] = ()
        if can_play and problem is not None and not isinstance(problem, QuotaReached):
            alternatives = alternatives_to(free, request.slot(date), request.first.game, busy)
        planned.append(Occurrence(date, problem, alternatives))
    # No other place gives the party more dates in a week than its quota.
    counted = {
        place: sum(min(count, room[week]) for week, count in weeks.items())
        for place, weeks in free_on.items()
    }
    return SeriesPlan(tuple(planned), _instead(request, planned, counted), own)


def _periods(free: Availability, slot: Slot) -> int:
    """How many periods ``slot`` covers on its day; 1 where it is no run of periods."""
    periods = free.plan.of(slot.ground_id).periods
    try:
        return len(timetable.periods_between(periods, slot.start, slot.end))
    except NotAPeriod:
        return 1


def alternatives_to(free: Availability, slot: Slot, game: str, busy: set[int]) -> tuple[Slot, ...]:
    """Free slots of the day of ``slot`` beside its ``busy`` marks, nearest first."""
    found = free.alternatives(slot, game, busy=busy, most=_MOST_ALTERNATIVES)
    if found or not free.plan.is_school:
        return tuple(found)
    mark = timetable.marks(slot.start, slot.end)[0]
    near = sorted(
        free.free_slots(game, _periods(free, slot), busy=busy),
        key=lambda option: (
            option.ground_id != slot.ground_id,
            abs(timetable.marks(option.start, option.end)[0] - mark),
        ),
    )
    return tuple(near[:_MOST_ALTERNATIVES])


def _instead(
    request: SeriesRequest,
    planned: list[Occurrence],
    free_on: Mapping[_Place, int],
) -> tuple[Instead, ...]:
    first = request.first
    own = sum(one.problem is None for one in planned)
    if own == len(planned):
        return ()
    better = [
        Instead(ground, start, end, count)
        for (ground, start, end), count in free_on.items()
        if count > own and (ground, start, end) != (first.ground_id, first.start, first.end)
    ]
    minute = first.start.hour * 60 + first.start.minute
    better.sort(
        key=lambda one: (
            -one.free,
            one.ground_id != first.ground_id,
            abs(one.start.hour * 60 + one.start.minute - minute),
            one.ground_id,
        )
    )
    return tuple(better[:_MOST_ALTERNATIVES])


class Seats:
    """The seats of the quota of a party that the dates of a series take, week by week.

    ``wanted`` is a booking of the series.
    """

    def __init__(self, db: Documents, known: reference.Reference, wanted: Booking) -> None:
        self._db, self._wanted = db, wanted
        self._quota = known.policy.quota_of(wanted.party)
        self._holders = [holder for holder, _ in wanted.quota_holders]
        self._taken: dict[tuple[str, str], set[int]] = {}

    def read(self, dates: Iterable[Date], taken: TakenSeats | None = None) -> None:
        """Reads the seats that are held in the weeks of ``dates``; within a transaction, by
        ``taken``."""
        if self._quota is not None:
            weeks = dict.fromkeys(map(timetable.iso_week, dates))
            pairs = [(holder, week) for week in weeks for holder in self._holders]
            self._taken = (taken or partial(bookings.taken_seats, self._db))(pairs)

    def room(self, week: str) -> int:
        """How many bookings the quota allows in ``week`` beside those that were read or taken."""
        if self._quota is None:
            return sys.maxsize
        held = max(len(self._taken[(holder, week)]) for holder in self._holders)
        return max(self._quota - held, 0)

    def take(self, date: Date) -> QuotaReached | None:
        """Takes seats in the week of ``date``; the error if there are none."""
        try:
            self.seated(replace(self._wanted, date=date))
        except QuotaReached as exc:
            return exc
        return None

    def seated(self, booking: Booking) -> Booking:
        """``booking`` with its seats; raises QuotaReached."""
        if self._quota is None:
            return booking
        window = timetable.iso_week(booking.date)
        return booking.seated(window, take_seats(booking, window, self._quota, self._taken))
