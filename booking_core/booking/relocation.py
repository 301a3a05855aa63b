"""Proposals for bookings that lose their slots: where each could go, in the order of time.

A proposal holds its slot and its people against those after it, so that all of them can be carried
out together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date as Date
from datetime import datetime, timedelta
from itertools import chain
from typing import NamedTuple

from booking_core.booking.boards import availability_of, held_by
from booking_core.booking.claims import check_move, keeps_approval, with_present_names
from booking_core.booking.preconditions import existing_booking
from booking_core.booking.seats import take_seats
from booking_core.domain import rules, timetable
from booking_core.domain.availability import Availability, beside
from booking_core.domain.claims import people_of
from booking_core.domain.errors import InvalidRequest, NotAPeriod, PartOfSet, QuotaReached
from booking_core.domain.model import Actor, Booking, Decision, Slot, Status
from booking_core.domain.validation import check_booking_id, check_date
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference

LATER_DAYS = 14  # after its own day, on which a displaced booking may be proposed a slot


class Relocation(NamedTuple):
    """A booking that loses its slot, and the nearest one that it can have; None without any."""

    booking: Booking
    slot: Slot | None


@within_deadline
def slots_for(
    db: Documents,
    booking_id: str,
    date: Date,
    *,
    held: Iterable[Slot] = (),
    now: datetime | None = None,
) -> list[Slot]:
    """The free slots of ``date`` to which a booking can be moved, by ground, then by time.

    Each allows its game and has as many periods; its people are free, and so is a seat of the
    quota. Those that overlap one of ``held``, on a shared surface, are left out. Raises NotFound,
    InvalidRequest, StoreUnavailable.
    """
    if isinstance(held, str) or not isinstance(held, Iterable):
        raise InvalidRequest("held", "must be a list of slots")
    held = tuple(held)
    if not all(isinstance(slot, Slot) for slot in held):
        raise InvalidRequest("held", "must be a list of slots")
    booking = existing_booking(db, check_booking_id(booking_id))
    date, now, known = check_date(date, "date"), moment(db, now), reference.load(db)
    closed = [
        (slot.date, surface, mark)
        for slot in held
        for surface in known.ground(slot.ground_id).surfaces
        for mark in timetable.marks(slot.start, slot.end)
    ]
    return Proposals(db, known, [booking], now, closed=closed).all_on(date)


def check_moves(moves: object, expected: Collection[str]) -> dict[str, Slot]:
    """``moves`` (id -> slot) as a dict; raises InvalidRequest where one is not of ``expected``."""
    if not isinstance(moves, Mapping):
        raise InvalidRequest("moves", "must map ids to slots")
    for id, slot in moves.items():
        if not isinstance(slot, Slot):
            raise InvalidRequest("moves", "must map ids to slots")
        if id not in expected:
            raise InvalidRequest("moves", "names a booking that is not displaced")
    return dict(moves)


def moved_to(
    db: Documents,
    known: reference.Reference,
    moves: Sequence[tuple[Booking, Slot, str]],
    by: Actor,
    reason: str,
    now: datetime,
    taken_seats: Callable[[Iterable[tuple[str, str]]], dict[tuple[str, str], set[int]]],
) -> list[tuple[Booking, Booking]]:
    """(before, after) of each (booking, slot, id of the closure or "") by the rules of ``move``.

    ``taken_seats`` reads as ``writes.taken_seats``. Raises the errors of a broken rule,
    QuotaReached.
    """
    zone, pairs = settings_of(db).zone, []
    for before, slot, closure in moves:
        rules.check_part(before, slot)
        check_move(known, before, slot, now, zone)
        entry = Decision(
            now, by.id, by.name, "moved", reason, moved_from=before.slot, displaced_by=closure
        )
        keeps = keeps_approval(db, before, by=by, slot=slot, now=now)
        after = before.with_decision(before.status if keeps else Status.PENDING, entry)
        after = after.placed(slot, known.ground(slot.ground_id).surfaces)
        pairs.append((before, with_present_names(known, after)))
    return seated(known, pairs, taken_seats)


def seated(
    known: reference.Reference,
    pairs: list[tuple[Booking, Booking]],
    taken_seats: Callable[[Iterable[tuple[str, str]]], dict[tuple[str, str], set[int]]],
) -> list[tuple[Booking, Booking]]:
    """``pairs`` with seats of the quota for those that change to another week, and for those that
    had ended and come back; raises QuotaReached."""
    changing = {
        after.id: (timetable.iso_week(after.date), quota)
        for before, after in pairs
        if _leaves_seats(before, after)
        and (quota := known.policy.quota_of(after.party)) is not None
    }
    taken = taken_seats(
        (holder, changing[after.id][0])
        for _, after in pairs
        if after.id in changing
        for holder, _ in after.quota_holders
    )
    for before, _ in pairs:  # the seats that they leave are free for one another
        if before.id in changing and before.status.is_active and before.quota_window is not None:
            for holder, seat in before.quota_holders:
                taken.get((holder, before.quota_window), set()).discard(seat)
    found = []
    for before, after in pairs:
        if after.id in changing:
            window, quota = changing[after.id]
            after = after.seated(window, take_seats(after, window, quota, taken))
        elif _leaves_seats(before, after):
            after = after.seated(None, ())
        found.append((before, after))
    return found


def _leaves_seats(before: Booking, after: Booking) -> bool:
    """Whether the seats of ``before``, which becomes ``after``, are of no use to it."""
    if not before.status.is_active:
        return before.quota_window is not None
    return timetable.iso_week(before.date) != timetable.iso_week(after.date)


class Proposals:
    """What could become of the ``displaced`` bookings, which all leave their slots.

    ``closed`` are the (surface, mark) of each date that nobody can have.
    """

    def __init__(
        self,
        db: Documents,
        known: reference.Reference,
        displaced: Sequence[Booking],
        now: datetime,
        *,
        closed: Iterable[tuple[Date, str, int]] = (),
        without: Collection[str] = (),
        later_days: int = 0,
    ) -> None:
        self._db, self._known, self._now = db, known, now
        self._displaced, self._later_days = displaced, later_days
        self._without = frozenset(without)
        self._closed: dict[Date, dict[tuple[str, int], None]] = {}
        for date, surface, mark in closed:
            self._closed.setdefault(date, {})[(surface, mark)] = None
        self._days: dict[Date, _Day] = {}
        self._seats: dict[tuple[str, str], set[int]] = {}

    def made(self) -> list[Relocation]:
        """A proposal for each of the displaced bookings; they must be in the order of time."""
        self._read({booking.date for booking in self._displaced})
        return [Relocation(booking, self._take(booking)) for booking in self._displaced]

    def all_on(self, date: Date) -> list[Slot]:
        """Every slot of ``date`` that the first of the displaced bookings can have."""
        booking = self._displaced[0]
        self._read([date])
        day, length = self._days[date], self._length(booking)
        free = day.free(booking).free_slots(booking.game, length) if length else []
        return [slot for slot in day.beside(booking, free) if self._placed(booking, slot)]

    def _take(self, booking: Booking) -> Slot | None:
        if booking.slot.has_begun(self._now, settings_of(self._db).zone):
            return None
        for slot in self._options(booking):
            if (moved := self._placed(booking, slot)) is not None:
                self._days[slot.date].hold(moved)
                if (seats := self._seats_of(moved)) is not None:
                    take_seats(moved, *seats, self._seats)
                return slot
        return None

    def _options(self, booking: Booking) -> Iterator[Slot]:
        """Free slots for ``booking``, nearest first, at which its people are free."""
        length = self._length(booking)
        if not length:
            return
        own = self._days[booking.date]
        yield from own.beside(booking, own.of_day(booking, length))
        for n in range(1, self._later_days + 1):
            date = booking.date + timedelta(days=n)
            if date not in self._days:
                self._read(date + timedelta(days=m) for m in range(self._later_days))
            day = self._days[date]
            yield from day.beside(booking, day.of_later_day(booking, length))

    def _length(self, booking: Booking) -> int:
        """The number of periods of ``booking``; 0 where it is no run of periods of its day."""
        periods = self._known.plan(booking.date).of(booking.ground_id).periods
        try:
            return len(timetable.periods_between(periods, booking.start, booking.end))
        except NotAPeriod:
            return 0

    def _placed(self, booking: Booking, slot: Slot) -> Booking | None:
        """``booking`` at the free ``slot``; None where a rule or its quota is in the way."""
        moved = booking.placed(slot, self._known.ground(slot.ground_id).surfaces)
        try:
            rules.check_part(booking, slot)
            if (seats := self._seats_of(moved)) is not None:
                take_seats(moved, *seats, {pair: {*held} for pair, held in self._seats.items()})
        except (PartOfSet, QuotaReached):
            return None
        return moved

    def _seats_of(self, moved: Booking) -> tuple[str, int] | None:
        """The ISO week in which ``moved`` needs new seats, and the quota, once the seats of its
        holders are read; None where it keeps its seats, or needs none."""
        window = timetable.iso_week(moved.date)
        quota = self._known.policy.quota_of(moved.party)
        if quota is None or window == moved.quota_window:
            return None
        pairs = [(holder, window) for holder, _ in moved.quota_holders]
        unknown = [pair for pair in pairs if pair not in self._seats]
        self._seats |= bookings.taken_seats(self._db, unknown)
        return window, quota

    def _read(self, dates: Iterable[Date]) -> None:
        wanted = [date for date in dates if date not in self._days]
        leaving = {booking.id for booking in self._displaced}
        for date, found in booking_queries.of_dates(self._db, wanted).items():
            staying = [booking for booking in found if booking.id not in leaving]
            taken = self._closed.get(date, {}) | dict.fromkeys(held_by(staying))
            free = availability_of(self._db, self._known, date, self._now, taken)
            others = tuple(ground for ground in free.grounds if ground.id not in self._without)
            free = replace(free, grounds=others)
            self._days[date] = _Day(free, taken, staying)


class _Day:
    """The free slots of a day and the bookings on it; ``free`` reads the mapping ``taken``."""

    def __init__(
        self, free: Availability, taken: dict[tuple[str, int], None], staying: list[Booking]
    ) -> None:
        self._free, self._taken, self._staying = free, taken, staying
        self._of_series = replace(free, policy=free.policy.for_series())

    def hold(self, moved: Booking) -> None:
        self._staying.append(moved)
        self._taken |= dict.fromkeys(held_by([moved]))

    def free(self, booking: Booking) -> Availability:
        """The free slots by the policy of ``booking``: a date of a series may lie further ahead."""
        repeats = booking.series is not None and booking.set_place is None
        return self._of_series if repeats else self._free

    def beside(self, booking: Booking, slots: Iterable[Slot]) -> Iterator[Slot]:
        """Those of ``slots`` at which the people of ``booking`` are free.

        Where the first ground of a set leaves, one that stays has its people: so each counts as the
        first for the bookings that are not of its set.
        """
        people = set(people_of(booking))
        busy = {
            mark
            for other in self._staying
            if other.set_place is None or other.series != booking.series
            if not people.isdisjoint(people_of(replace(other, set_place=None)))
            for mark in timetable.marks(other.start, other.end)
        }
        return beside(slots, busy)

    def of_day(self, booking: Booking, length: int) -> Iterable[Slot]:
        """Free slots of the booking's own day: on its ground, at its time, then any."""
        free, minute = self.free(booking), timetable.marks(booking.start, booking.end)[0]
        near = free.free_instead(booking.slot, booking.game)
        later = sorted(
            (slot for slot in free.free_slots(booking.game, length) if slot not in near),
            key=lambda slot: abs(timetable.marks(slot.start, slot.end)[0] - minute),
        )
        return chain(near, later)

    def of_later_day(self, booking: Booking, length: int) -> Iterable[Slot]:
        """Free slots of another day: at the booking's time, on its ground first."""
        minute = timetable.marks(booking.start, booking.end)[0]
        return sorted(
            self.free(booking).free_slots(booking.game, length),
            key=lambda slot: (
                abs(timetable.marks(slot.start, slot.end)[0] - minute),
                slot.ground_id != booking.ground_id,
            ),
        )
