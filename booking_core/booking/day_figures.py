"""How much of each day of some weeks is free, without a board of each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date as Date
from datetime import datetime, timedelta
from functools import partial

from booking_core.booking.boards import (
    GroundFilter,
    availability_of,
    first_holder,
    held_by,
    view_of,
)
from booking_core.domain import timetable
from booking_core.domain.availability import Availability
from booking_core.domain.errors import InvalidRequest
from booking_core.domain.labels import find_label
from booking_core.domain.model import CellState
from booking_core.domain.validation import check_date, check_id
from booking_core.domain.waiting import WaitingEntry, kept_marks
from booking_core.storage.bookings import occupancy
from booking_core.storage.bookings.waiting import of_dates
from booking_core.storage.client.database import Documents, moment
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.live.cache import Scope, ScopedCache, Versions
from booking_core.storage.school import data as reference

MOST_DAYS = 42  # that are counted at once
# The version of a day rises with the school too, as that of its board.
_SCOPE = (Scope.BOOKINGS, Scope.SCHOOL)
_HELD, _COUNTED = "held on days", "figures of days"
# The bookings and closures of a day, and the entries of its waiting list.
_Day = tuple[tuple[occupancy.Hold, ...], tuple[WaitingEntry, ...]]
_NOTHING: _Day = ((), ())


@dataclass(frozen=True, slots=True)
class DayFigures:
    """How much of a day is free, in periods of grounds: 10 periods on 3 grounds are 30.

    ``free``, ``open`` and ``ahead`` as in ``GroundDay``, added up; ``counted``: all that were
    looked at, begun or not. ``has_school``: the day has periods. ``is_bookable``: it is today or
    later, and not behind the last day to book. ``note``: that of the day, such as the name of a
    holiday.
    """

    date: Date
    free: int
    open: int
    ahead: int
    counted: int
    has_school: bool
    is_bookable: bool
    note: str = ""


@within_deadline
def days_at_a_glance(
    db: Documents,
    first: Date,
    last: Date,
    now: datetime | None = None,
    *,
    wanted: GroundFilter | None = None,
    ground_id: str | None = None,
) -> tuple[DayFigures, ...]:
    """The figures of each day from ``first`` to ``last`` (inclusive), from the database.

    They count the grounds for the game that is ``wanted``, or the ground ``ground_id`` alone, in
    the period that begins at the time that is ``wanted``, or in all. Raises InvalidRequest for
    more than MOST_DAYS days, UnknownGround, and StoreUnavailable.
    """
    dates = _dates(first, last)
    if wanted is not None and not isinstance(wanted, GroundFilter):
        raise InvalidRequest("wanted", "must be a GroundFilter")
    held, known = _days(db, dates), reference.load(db)
    if ground_id is not None:
        known.ground(check_id(ground_id, "ground_id"))
    return _figures(db, known, held, moment(db, now), wanted or GroundFilter(), ground_id)


@dataclass(frozen=True)
class _Held:
    """The bookings and entries of some days, and the version of each day before it was read."""

    versions: Mapping[Date, Hashable] = field(default_factory=dict)
    of: Mapping[Date, _Day] = field(default_factory=dict)


@dataclass(frozen=True)
class _Counted:
    """The figures of some days. They follow from ``held`` and from ``basis``: school and clock."""

    basis: Hashable
    held: Mapping[Date, _Day]
    figures: tuple[DayFigures, ...]


class LiveFigures:
    """The figures of days for all sessions of this process; as LiveBoards, and with its cache.

    Of the days that are asked for, those that have changed are read, in two queries.
    """

    def __init__(
        self,
        db: Documents,
        versions: Versions,
        cache: ScopedCache,
        known: Callable[[], reference.Reference],
    ) -> None:
        self._db, self._versions, self._cache, self._known = db, versions, cache, known

    def get(
        self,
        first: Date,
        last: Date,
        now: datetime,
        wanted: GroundFilter,
        ground_id: str | None = None,
    ) -> tuple[DayFigures, ...]:
        """As ``days_at_a_glance``; no query when nothing changed.

        Raises InvalidRequest, and StoreUnavailable only for days that were never read.
        """
        dates, now = _dates(first, last), moment(self._db, now)
        key = (_HELD, first, last)
        read = partial(self._read, key, dates)
        held = self._cache.get(_SCOPE, key, read, try_while_away=True)
        known = self._known()
        basis = known.epoch, known.revision, view_of(now)
        place = _COUNTED, first, last, wanted, ground_id

        def count() -> _Counted:
            # Days that were not read again keep their figures.
            before: _Counted | None = self._cache.peek(_SCOPE, place)
            kept = {}
            if before is not None and before.basis == basis:
                old = zip(before.held.items(), before.figures, strict=True)
                kept = {date: day for (date, holds), day in old if held.of[date] is holds}
            changed = {date: holds for date, holds in held.of.items() if date not in kept}
            counted = _figures(self._db, known, changed, now, wanted, ground_id)
            kept |= zip(changed, counted, strict=True)
            return _Counted(basis, held.of, tuple(kept[date] for date in dates))

        source = tuple(held.versions.values()), basis
        return self._cache.derive(_SCOPE, place, source, count).figures

    def _read(self, key: Hashable, dates: tuple[Date, ...]) -> _Held:
        # The versions before the data: a change in between costs one more read.
        versions = {date: self._versions.version(date) for date in dates}
        before: _Held = self._cache.peek(_SCOPE, key) or _Held()
        changed = [date for date in dates if before.versions.get(date) != versions[date]]
        read = _days(self._db, changed) if changed else {}
        of = {date: read.get(date, before.of.get(date, _NOTHING)) for date in dates}
        return _Held(versions, of)


def _dates(first: Date, last: Date) -> tuple[Date, ...]:
    count = (check_date(last, "last") - check_date(first, "first")).days + 1
    if not 0 < count <= MOST_DAYS:
        raise InvalidRequest("last", f"must be 0 to {MOST_DAYS - 1} days after the first day")
    return tuple(first + timedelta(days=number) for number in range(count))


def _days(db: Documents, dates: Collection[Date]) -> dict[Date, _Day]:
    # The entries first: one that gets its slot in between has a booking then, and is kept too.
    waiting, held = of_dates(db, dates), occupancy.held_on(db, dates)
    return {date: (held[date], waiting[date]) for date in held}


def _figures(
    db: Documents,
    known: reference.Reference,
    held: Mapping[Date, _Day],
    now: datetime,
    wanted: GroundFilter,
    ground_id: str | None,
) -> tuple[DayFigures, ...]:
    found = []
    for date, (holds, waiting) in held.items():
        of_day = held_by(holds)
        day = availability_of(db, known, date, now, of_day)
        kept = kept_marks(day, waiting)
        found.append(_count(day, of_day, kept, wanted, ground_id))
    return tuple(found)


def _count(
    day: Availability,
    held: Mapping[tuple[str, int], occupancy.Hold],
    kept: Collection[tuple[str, int]],
    wanted: GroundFilter,
    ground_id: str | None,
) -> DayFigures:
    grounds = [
        ground
        for ground in day.grounds
        if ground_id in (None, ground.id)
        and (wanted.game is None or find_label(wanted.game, ground.games) is not None)
    ]
    free = open_ = ahead = whole = 0
    for period in day.plan.periods_of(ground.id for ground in grounds):
        if wanted.free_at not in (None, period.start):
            continue
        surfaces = [g.surfaces for g in grounds if day.plan.of(g.id).has(period)]
        whole += len(surfaces)
        state, _ = day.state_of_free(period)
        if state is CellState.PAST:
            continue
        marks = timetable.marks(period.start, period.end)
        ahead += len(surfaces)
        for one in surfaces:
            hold = first_holder(held, one, marks)
            if hold is not None:
                open_ += hold.kind != "closure"
            elif not any((surface, mark) in kept for surface in one for mark in marks):
                free += state is CellState.FREE
                open_ += state is not CellState.CLOSED
    today = day.now.astimezone(day.zone).date()
    return DayFigures(
        day.date,
        free,
        open_,
        ahead,
        whole,
        bool(day.plan.periods_of(ground.id for ground in grounds or day.grounds)),
        today <= day.date <= day.last_date,
        day.plan.note,
    )
