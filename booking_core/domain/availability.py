"""What of one day can still be booked, and what lies nearest to a slot that cannot. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date as Date
from datetime import datetime, time
from zoneinfo import ZoneInfo

from booking_core.domain import rules, timetable
from booking_core.domain.errors import BookingError, NotAPeriod
from booking_core.domain.labels import find_label
from booking_core.domain.model import CellState, Ground, Period, Slot
from booking_core.domain.policy import Policy


@dataclass(frozen=True, kw_only=True)
class Availability:
    """A day seen at ``now`` (aware), under the ``policy`` of that moment.

    Grounds that share a surface stand side by side. ``held`` has every (surface, mark) that is
    taken.
    """

    date: Date
    plan: timetable.DayPlan
    grounds: tuple[Ground, ...]
    now: datetime
    zone: ZoneInfo
    policy: Policy = field(default_factory=Policy)
    held: Container[tuple[str, int]] = field(default=(), repr=False, compare=False)

    def surfaces_of(self, ground_id: str) -> tuple[str, ...]:
        """The surfaces of a ground; its own id for one that is not in ``grounds``."""
        return next((g.surfaces for g in self.grounds if g.id == ground_id), (ground_id,))

    def is_free(self, slot: Slot) -> bool:
        marks = timetable.marks(slot.start, slot.end)
        return (
            not any(
                (surface, mark) in self.held
                for surface in self.surfaces_of(slot.ground_id)
                for mark in marks
            )
            and not self.begun(slot.start)
            and not self.cut_off
            and self.date <= self.last_date
        )

    def state_of_free(self, period: Period) -> tuple[CellState, str]:
        """The state of a cell of ``period`` that nothing holds, and the rule that closes it."""
        if self.starts_at(period).timestamp() <= self.now.timestamp():
            return CellState.PAST, ""
        if self.date > self.last_date:
            return CellState.CLOSED, "Not open for booking yet"
        if self.cut_off or self.begun(period.start):
            return CellState.CLOSED, "Booking has ended"
        return CellState.FREE, ""

    # As rules.check_time, with the same functions of the policy.

    def begun(self, start: time) -> bool:
        """Whether what begins at ``start`` has begun, or its lead time has."""
        return self.policy.is_late(self.date, start, self.now, self.zone) or (
            timetable.at(self.date, start, self.zone).timestamp() <= self.now.timestamp()
        )

    def starts_at(self, period: Period) -> datetime:
        """The moment at which ``period`` begins on this day (aware)."""
        return timetable.at(self.date, period.start, self.zone)

    def ends_at(self, period: Period) -> datetime:
        """The moment at which ``period`` ends on this day (aware)."""
        return timetable.at(self.date, period.end, self.zone, closing=True)

    def refusal(self, start: time) -> BookingError | None:
        """The rule that refuses what begins at ``start``; None: none does."""
        try:
            rules.check_time(self.date, start, self.now, self.policy, self.zone)
        except BookingError as exc:
            return exc
        return None

    @property
    def cut_off(self) -> bool:
        """Whether booking for the whole day has ended."""
        return self.policy.is_cut_off(self.date, self.now, self.zone)

    @property
    def last_date(self) -> Date:
        return self.policy.last_date(self.now, self.zone)

    def free_instead(self, slot: Slot, game: str) -> list[Slot]:
        """Free slots of as many periods, nearest first: the same ground, then the same time."""
        periods = self.plan.of(slot.ground_id).periods
        try:
            length = len(timetable.periods_between(periods, slot.start, slot.end))
        except NotAPeriod:
            return []
        first = next(i for i, p in enumerate(periods) if p.start == slot.start)
        starts = sorted(
            (i for i in range(len(periods) - length + 1) if i != first),
            key=lambda i: (abs(i - first), i),
        )
        options = [
            replace(slot, start=periods[i].start, end=periods[i + length - 1].end)
            for i in starts
            if any(g.id == slot.ground_id for g in self.grounds)
        ]
        options += [
            replace(slot, ground_id=g.id)
            for g in self.grounds
            if g.id != slot.ground_id
            and find_label(game, g.games) is not None
            and self.plan.of(g.id).fits(slot.start, slot.end)
        ]
        return [option for option in options if self.is_free(option)]

    def free_slots(self, game: str, periods: int, *, busy: Container[int] = ()) -> list[Slot]:
        """Every free slot of so many periods on the grounds for ``game``, by ground, then by time.

        Those that cover one of the ``busy`` cells are left out.
        """
        options = (
            Slot(ground.id, self.date, run[0].start, run[-1].end)
            for ground in self.grounds
            if find_label(game, ground.games) is not None
            for run in self.plan.of(ground.id).runs(periods)
        )
        return list(beside(filter(self.is_free, options), busy))

    def alternatives(
        self, slot: Slot, game: str, *, busy: Container[int] = (), most: int = 3
    ) -> list[Slot]:
        """The first of ``free_instead`` that leave out the cells at which the student is busy."""
        return nearest(self.free_instead(slot, game), busy, most)


def layouts(grounds: Iterable[Ground]) -> list[tuple[Ground, ...]]:
    """The grounds in groups that share surfaces, each group at the place of its first ground.

    Two grounds of a group may have no surface in common, as two halves of one pitch.
    """
    groups: list[tuple[Ground, ...]] = []
    for ground in grounds:
        met = [group for group in groups if any(map(ground.shares, group))]
        if not met:
            groups.append((ground,))
            continue
        joined = (*itertools.chain.from_iterable(met), ground)
        place = groups.index(met[0])
        groups = [group for group in groups if group not in met]
        groups.insert(place, joined)
    return groups


def widest(group: Sequence[Ground]) -> Ground:
    """The ground of a group that lies on most surfaces; the first of several."""
    return max(group, key=lambda ground: len(ground.surfaces))


def nearest(options: Sequence[Slot], busy: Container[int], most: int = 3) -> list[Slot]:
    """The first of ``options`` that cover none of the ``busy`` cells."""
    return list(itertools.islice(beside(options, busy), most))


def beside(options: Iterable[Slot], busy: Container[int]) -> Iterator[Slot]:
    """Those of ``options`` that cover none of the ``busy`` cells."""
    return (
        option
        for option in options
        if not any(cell in busy for cell in timetable.marks(option.start, option.end))
    )
