"""The plan of a series: what of each date is free, and why the others are not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date as Date
from datetime import datetime, time
from typing import NamedTuple

from booking_core.booking.boards import availability_of
from booking_core.booking.claims import check_request, wanted_by
from booking_core.booking.conflicts import error_on
from booking_core.domain import timetable
from booking_core.domain.availability import Availability
from booking_core.domain.errors import (
    BookingError,
    NotAPeriod,
    QuotaReached,
    RuleBroken,
)
from booking_core.domain.model import Actor, Booking, Slot
from booking_core.domain.policy import Quota
from booking_core.domain.series import Occurrence, SeriesRequest
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents, settings_of
from booking_core.storage.school import data as reference

_BOOKINGS = "the list of bookings"
_MOST_ALTERNATIVES = 3


class Instead(NamedTuple):
    """Another ground or time for a whole series, and on how many of its dates it is free."""

    ground_id: str
    start: time
    end: time
    free: int


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """The dates of a series in order, each with its problem, if any.

    ``instead``: other grounds and times that are free on more of the dates, best first.
    """

    dates: tuple[Occurrence, ...]
    instead: tuple[Instead, ...] = ()

    @property
    def problems(self) -> tuple[Occurrence, ...]:
        return tuple(one for one in self.dates if one.problem is not None)


def planned(
    db: Documents,
    known: reference.Reference,
    request: SeriesRequest,
    by: Actor,
    now: datetime,
    but: str = "",
) -> SeriesPlan:
    """The plan by the school ``known``; bookings of the series ``but`` count as free."""
    zone, policy = settings_of(db).zone, known.policy.for_series()
    dates = request.all_dates(known.year)
    student = known.student(request.first.student_id)
    known.ground(request.first.ground_id)
    held = {
        date: [b for b in found if not but or b.series != but]
        for date, found in booking_queries.of_dates(db, dates).items()
    }
    seats = Seats(db, known, request, dates)
    planned: list[Occurrence] = []
    free_on: Counter[tuple[str, time, time]] = Counter()
    for date in dates:
        wanted = request.on(date)
        free = replace(availability_of(db, known, date, now, held[date]), policy=policy)
        busy = {
            mark
            for booking in held[date]
            if booking.student_id == student.id
            for mark in timetable.marks(booking.start, booking.end)
        }
        for slot in free.free_slots(request.first.game, _periods(free, request), busy=busy):
            free_on[(slot.ground_id, slot.start, slot.end)] += 1
        problem: BookingError | None = None
        try:
            check_request(known, wanted, by, now, zone, is_series=True)
            booking = wanted_by(known, wanted, student, "", by, False, now)
            problem = error_on(booking, free, held[date]) or seats.take(date)
        except (RuleBroken, NotAPeriod) as exc:
            problem = exc
        alternatives: tuple[Slot, ...] = ()
        if problem is not None and not isinstance(problem, QuotaReached):
            alternatives = tuple(_alternatives(free, request, date, busy))
        planned.append(Occurrence(date, problem, alternatives))
    return SeriesPlan(tuple(planned), _instead(request, planned, free_on))


def _periods(free: Availability, request: SeriesRequest) -> int:
    """How many periods the request covers on that day; 1 where it is no run of periods."""
    first = request.first
    try:
        return len(timetable.periods_between(free.plan.periods, first.start, first.end))
    except NotAPeriod:
        return 1


def _alternatives(
    free: Availability, request: SeriesRequest, date: Date, busy: set[int]
) -> list[Slot]:
    slot, game = request.slot(date), request.first.game
    found = free.alternatives(slot, game, busy=busy, most=_MOST_ALTERNATIVES)
    if found or not free.plan.periods:
        return found
    mark = timetable.marks(slot.start, slot.end)[0]
    near = sorted(
        free.free_slots(game, _periods(free, request), busy=busy),
        key=lambda option: (
            option.ground_id != slot.ground_id,
            abs(timetable.marks(option.start, option.end)[0] - mark),
        ),
    )
    return near[:_MOST_ALTERNATIVES]


def _instead(
    request: SeriesRequest,
    planned: list[Occurrence],
    free_on: Counter[tuple[str, time, time]],
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
    """The seats of the student's quota that the dates of a series take, week by week."""

    def __init__(
        self,
        db: Documents,
        known: reference.Reference,
        request: SeriesRequest,
        dates: tuple[Date, ...],
        taken: Callable[[list[tuple[str, str]]], dict[tuple[str, str], set[int]]] | None = None,
    ) -> None:
        self._student, self._quota = request.first.student_id, known.policy.quota
        self._taken: defaultdict[str, set[int]] = defaultdict(set)
        if self._quota is not None:
            pairs = [(self._student, timetable.iso_week(date)) for date in dates]
            read = taken or (lambda wanted: bookings.taken_seats(db, wanted))
            for (_, window), seats in read(pairs).items():
                self._taken[window] = set(seats)

    def take(self, date: Date) -> QuotaReached | None:
        """Takes a seat in the week of ``date``; the error if there is none."""
        window, taken = timetable.iso_week(date), self._taken[timetable.iso_week(date)]
        if not Quota(len(taken), self._quota).has_room:
            return QuotaReached(self._student, window, self._quota or 0, len(taken))
        taken.add(self._next(taken))
        return None

    def seated(self, booking: Booking) -> Booking:
        """``booking`` with a seat; raises QuotaReached."""
        if self._quota is None:
            return booking
        window = timetable.iso_week(booking.date)
        seat = self._next(self._taken[window])
        if (problem := self.take(booking.date)) is not None:
            raise problem
        return replace(booking, quota_window=window, quota_seat=seat)

    def _next(self, taken: set[int]) -> int:
        return next(seat for seat in range(len(taken) + 1) if seat not in taken)
