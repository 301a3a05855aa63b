"""The board of one day: ground x period -> free, pending, booked, closed, past."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import date as Date
from datetime import datetime, time, timedelta
from functools import partial
from itertools import chain, islice
from typing import Any, TypeVar

from booking_core.domain import timetable
from booking_core.domain.availability import Availability, layouts
from booking_core.domain.claims import people_of
from booking_core.domain.clock import to_millis
from booking_core.domain.errors import InvalidRequest
from booking_core.domain.labels import find_label
from booking_core.domain.model import Booking, CellState, Ground, Period, Slot, Status
from booking_core.domain.past import as_of as as_of_moment
from booking_core.domain.validation import check_date, check_now
from booking_core.domain.waiting import WaitingEntry, free_for, in_order, kept_marks, line
from booking_core.school import history
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.bookings import waiting
from booking_core.storage.bookings.occupancy import Hold
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.live.cache import ScopedCache, Versions
from booking_core.storage.school import data as reference

H = TypeVar("H", Booking, Hold)
_STORED, _SEEN = "board", "board of this minute"


@dataclass(frozen=True, slots=True)
class Cell:
    """One ground in one period. ``booking`` is the booking or closure that holds it.

    The booking may be one of another ground on the same surface. ``is_past`` tells that the period
    has begun. ``note`` is the reason of a closure, or of a rule.
    """

    ground: Ground
    period: Period
    state: CellState
    booking: Booking | None = None
    is_past: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class GroundFilter:
    """The grounds to show: those for ``game`` that are free in the period that begins at
    ``free_at``. None: any."""

    game: str | None = None
    free_at: time | None = None


@dataclass(frozen=True, slots=True)
class GroundDay:
    """How much of one ground is free on one day, in periods.

    ``ahead``: those that have not begun; ``open``: those of them that are not closed; ``free``:
    those that can be booked. ``note`` is the reason of a closure, or of a rule, if nothing is open.
    """

    ground: Ground
    free: int
    open: int
    ahead: int
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Board(Availability):
    """A day as stored at ``loaded_at`` and seen at ``now`` (both aware).

    A cell is free only when a booking of it would pass every rule of time and place. ``held`` maps
    (surface, mark) to the booking or closure that holds it.
    """

    bookings: tuple[Booking, ...]
    loaded_at: datetime
    waiting: tuple[WaitingEntry, ...] = ()
    held: Mapping[tuple[str, int], Booking] = field(init=False, repr=False, compare=False)
    _kept: frozenset[tuple[str, int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "held", held_by(self.bookings))
        object.__setattr__(self, "_kept", kept_marks(self, self.waiting))

    def is_free(self, slot: Slot) -> bool:
        """Whether ``slot`` can be booked: nobody holds it, and nobody is about to get it."""
        return super().is_free(slot) and not self._is_kept(
            self.surfaces_of(slot.ground_id), timetable.marks(slot.start, slot.end)
        )

    def _is_kept(self, surfaces: Iterable[str], marks: Collection[int]) -> bool:
        kept = self._kept
        return bool(kept) and any((surface, mark) in kept for surface in surfaces for mark in marks)

    def line(self, slot: Slot) -> list[WaitingEntry]:
        """Who waits for a part of ``slot``, in the order of asking; none that has ended."""
        waiting = (entry for entry in self.waiting if not entry.is_over(self.now, self.zone))
        return line(waiting, slot, self.grounds)

    def next_after(self, booking: Booking) -> WaitingEntry | None:
        """The entry that gets the slot of ``booking`` once that is given back; None: nobody waits.

        Whose people are on a ground then is passed over. A rule, such as a quota, is seen only
        when the slot is given.
        """
        board = self.without(booking)
        for entry in in_order(self.waiting):
            if entry.is_over(self.now, self.zone):
                continue
            for slot in board._needing(booking, entry):
                if board.busy(people_of(entry.request), slot) is None:
                    return entry
        return None

    def slots_after(self, booking: Booking, entry: WaitingEntry) -> list[Slot]:
        """The slots that ``entry`` waits for and that are free once ``booking`` is given back, of
        those that need it; on its own ground first."""
        return self.without(booking)._needing(booking, entry)

    def _needing(self, booking: Booking, entry: WaitingEntry) -> list[Slot]:
        surfaces = set(booking.held_surfaces)
        marks = set(timetable.marks(booking.start, booking.end))
        return [
            slot
            for slot in free_for(self, entry)
            if not surfaces.isdisjoint(self.surfaces_of(slot.ground_id))
            and not marks.isdisjoint(timetable.marks(slot.start, slot.end))
        ]

    def __hash__(self) -> int:
        # Cheap, because each draw looks a board up; equality still compares the content.
        return hash((self.date, self.now, self.loaded_at))

    @property
    def periods(self) -> tuple[Period, ...]:
        """The periods of the grounds of the board, by time; each stretch of time once."""
        return self.plan.periods_of(ground.id for ground in self.grounds)

    def at(self, now: datetime) -> Board:
        """The same stored day, seen at another moment."""
        # A copy shares ``held``, which ``replace`` would build again: most of a board's cost.
        seen = copy(self)
        object.__setattr__(seen, "now", now)
        if self.waiting:  # an entry ends by the clock
            object.__setattr__(seen, "_kept", kept_marks(seen, self.waiting))
        return seen

    def cell(self, ground_id: str, start: time) -> Cell:
        """The cell of the ground's period that begins at ``start``; raises KeyError for none."""
        ground = next((g for g in self.grounds if g.id == ground_id), None)
        periods = self.plan.of(ground_id).periods
        period = next((p for p in periods if p.start == start), None)
        if ground is None or period is None:
            raise KeyError((ground_id, start))
        return self._cells((ground,), period)[0]

    def of_game(self, game: str, *, also: str = "") -> Board:
        """The board with the grounds for ``game`` only, and the ground ``also``."""
        fit = {g.id for g in self.grounds if find_label(game, g.games) is not None}
        return self._of_grounds({*fit, also})

    def free_at(self, start: time, *, also: str = "") -> Board:
        """The board with the grounds that are free in the period that begins at ``start``, and the
        ground ``also``. No ground is free in a period that the day does not have."""
        cells = chain.from_iterable(self.row(p) for p in self.periods if p.start == start)
        free = {cell.ground.id for cell in cells if cell.state is CellState.FREE}
        return self._of_grounds({*free, also})

    def matching(self, wanted: GroundFilter, *, also: str = "") -> Board:
        """The board with the grounds that ``wanted`` describes, and the ground ``also``."""
        board = self if wanted.game is None else self.of_game(wanted.game, also=also)
        return board if wanted.free_at is None else board.free_at(wanted.free_at, also=also)

    def _of_grounds(self, ids: Collection[str]) -> Board:
        # A copy shares ``held``, as in ``at``.
        board = copy(self)
        object.__setattr__(board, "grounds", tuple(g for g in self.grounds if g.id in ids))
        return board

    def without(self, booking: Booking) -> Board:
        """The board as it would be without ``booking``."""
        return replace(self, bookings=tuple(b for b in self.bookings if b.id != booking.id))

    def row(self, period: Period) -> list[Cell]:
        """The cells of the grounds that have ``period``, in the order of ``grounds``."""
        own = self.plan.own
        grounds = [g for g in self.grounds if g.id not in own or own[g.id].has(period)]
        if own and not self.plan.has(period):
            grounds = [g for g in grounds if g.id in own]
        return self._cells(grounds, period)

    def ground_days(self, free_at: time | None = None) -> list[GroundDay]:
        """How much of each ground is free, in the order of ``grounds``: on the whole day, or in the
        period that begins at ``free_at``."""
        cells_of: dict[str, list[Cell]] = {ground.id: [] for ground in self.grounds}
        for period in self.periods:
            if free_at in (None, period.start):
                for cell in self.row(period):
                    cells_of[cell.ground.id].append(cell)
        found = []
        for ground in self.grounds:
            ahead = [cell for cell in cells_of[ground.id] if not cell.is_past]
            states = [cell.state for cell in ahead]
            is_open = len(ahead) - states.count(CellState.CLOSED)
            notes = dict.fromkeys(cell.note.rstrip(". ") for cell in ahead if cell.note)
            note = "" if is_open else "; ".join(notes)
            free = states.count(CellState.FREE)
            found.append(GroundDay(ground, free, is_open, len(ahead), note))
        return found

    def holder(self, slot: Slot) -> Booking | None:
        """The booking or closure that holds a part of ``slot``; the first of several in time."""
        surfaces = self.surfaces_of(slot.ground_id)
        return self._first(surfaces, timetable.marks(slot.start, slot.end))

    def _first(self, surfaces: Iterable[str], marks: Iterable[int]) -> Booking | None:
        return first_holder(self.held, surfaces, marks)

    def busy(self, people: Collection[str], slot: Slot) -> Booking | None:
        """The booking of one of ``people`` that overlaps ``slot``, on any ground.

        ``people`` as in ``claims.people_of``.
        """
        wanted = set(timetable.marks(slot.start, slot.end))
        return next(
            (
                booking
                for booking in self.bookings
                if not set(people).isdisjoint(people_of(booking))
                and not wanted.isdisjoint(timetable.marks(booking.start, booking.end))
            ),
            None,
        )

    def cells_of(self, people: Collection[str]) -> set[int]:
        """The marks at which one of ``people`` is on a ground."""
        return {
            mark
            for booking in self.bookings
            if not set(people).isdisjoint(people_of(booking))
            for mark in timetable.marks(booking.start, booking.end)
        }

    def free_for_move(self, booking: Booking, periods: int) -> list[Slot]:
        """The slots of so many periods to which ``booking`` may move: by ground, then by time.

        Its own marks are free for itself: a booking of two periods may move by one.
        """
        others = self.without(booking)
        busy = others.cells_of(people_of(booking))
        found = others.free_slots(booking.game, periods, busy=busy)
        return [slot for slot in found if slot != booking.slot]

    def turns_at(self) -> datetime:
        """When the board looks different next by the clock alone; aware, in the board's zone.

        At that moment a period, booking or closure begins or ends, a period or the whole day
        closes for booking, somebody stops waiting, or the day ends.
        """
        today = self.now.astimezone(self.zone).date()
        moments = [timetable.at(today, time(), self.zone, closing=True).timestamp()]
        spans = [(period.start, period.end) for period in self.periods]
        spans += [(booking.start, booking.end) for booking in self.bookings]
        # By timestamps: within one zone, aware datetimes compare and subtract by the wall clock.
        for start, end in spans:
            starts = timetable.at(self.date, start, self.zone).timestamp()
            closes = starts - self.policy.lead_minutes * 60
            ends = timetable.at(self.date, end, self.zone, closing=True).timestamp()
            moments += [starts, closes, ends]
        if (cut_off := self.policy.closes_at(self.date, self.zone)) is not None:
            moments.append(cut_off.timestamp())
        moments += [e.not_after.timestamp() for e in self.waiting if e.not_after is not None]
        now = self.now.timestamp()
        return datetime.fromtimestamp(min(m for m in moments if m > now), self.zone)

    def _cells(self, grounds: Iterable[Ground], period: Period) -> list[Cell]:
        """The cells of one period. What is the same for all of them is computed once."""
        marks = timetable.marks(period.start, period.end)
        state, note = self.state_of_free(period)
        is_past = state is CellState.PAST
        found = []
        for ground in grounds:
            booking = self._first(ground.surfaces, marks)
            if (
                booking is None
                and state is CellState.FREE
                and self._is_kept(ground.surfaces, marks)
            ):
                kept = "Goes to the waiting list"
                found.append(Cell(ground, period, CellState.CLOSED, None, is_past, kept))
            elif booking is None:
                found.append(Cell(ground, period, state, None, is_past, note))
            else:
                why = booking.purpose if booking.kind == "closure" else ""
                found.append(Cell(ground, period, state_of(booking), booking, is_past, why))
        return found


def days_of_school(
    plan: Callable[[Date], timetable.DayPlan],
    first: Date,
    last: Date,
    most: int,
    *,
    ground_id: str | None = None,
) -> list[Date]:
    """At most ``most`` days with periods, from ``first`` on; backwards if ``last`` is before it.

    ``ground_id``: those on which this ground has periods.
    """

    def is_school(date: Date) -> bool:
        of_date = plan(date)
        return of_date.is_school if ground_id is None else bool(of_date.of(ground_id).periods)

    step = timedelta(days=1 if first <= last else -1)
    count = abs((last - first).days) + 1
    dates = (first + n * step for n in range(count))
    return list(islice(filter(is_school, dates), most))


def state_of(booking: Booking) -> CellState:
    """The state of the cells that an active booking or closure holds."""
    if booking.kind == "closure":
        return CellState.CLOSED
    return CellState.BOOKED if booking.status is Status.APPROVED else CellState.PENDING


@within_deadline
def day_board(
    db: Documents, date: Date, now: datetime | None = None, *, as_of: datetime | None = None
) -> Board:
    """The board of ``date`` from the database, or as it was at the past moment ``as_of`` (aware).

    As it was: each booking has the slot and the status of that moment, and is absent before it was
    requested. Grounds and periods are those of the evening of that day. Names and settings are the
    present ones, so that what was erased since stays erased; the waiting list is left out. Raises
    InvalidRequest, StoreUnavailable.
    """
    date = check_date(date, "date")
    now = moment(db, now)
    if (then := check_now(as_of, "as_of")) is None:
        return _board(db, reference.load(db), date, now)
    if then > now:
        raise InvalidRequest("as_of", "is in the future")
    return _board_then(db, date, to_millis(then))


def _board_then(db: Documents, date: Date, then: datetime) -> Board:
    zone = settings_of(db).zone
    known = reference.load(db)
    school = history.school_then(db, then.astimezone(zone).date(), date)
    grounds = {ground.id: ground for ground in school.grounds}
    in_use = {surface for ground in school.grounds for surface in ground.surfaces}
    held = []
    for booking in booking_queries.ever_of_dates(db, [date]):
        was = as_of_moment(booking, then)
        if was is None or was.date != date or not was.status.is_active:
            continue
        if (ground := grounds.get(was.ground_id)) is not None:
            was = was.placed(was.slot, ground.surfaces)
        if not in_use.isdisjoint(was.held_surfaces):
            held.append(was)
    return Board(
        date=date,
        plan=school.plan,
        grounds=tuple(chain.from_iterable(layouts(school.grounds))),
        now=then,
        zone=zone,
        policy=known.policy,
        bookings=tuple(held),
        loaded_at=then,
    )


def _board(db: Documents, known: reference.Reference, date: Date, now: datetime) -> Board:
    # A booking that stays on a retired ground still holds its surfaces.
    in_use = {surface for ground in known.open_grounds for surface in ground.surfaces}
    # The entries first: one that gets its slot in between has a booking then, and is kept too.
    entries, held = waiting.of_date(db, date), booking_queries.of_date(db, date)
    return Board(
        waiting=tuple(entries),
        **_frame(db, known, date, now),
        bookings=tuple(b for b in held if not in_use.isdisjoint(b.held_surfaces)),
        loaded_at=now,
    )


def availability_of(
    db: Documents,
    known: reference.Reference,
    date: Date,
    now: datetime,
    held: Container[tuple[str, int]],
) -> Availability:
    """The free slots of ``date``, on which each (surface, mark) of ``held`` is taken.

    Cheaper than its board.
    """
    return Availability(**_frame(db, known, date, now), held=held)


def first_holder(
    held: Mapping[tuple[str, int], H], surfaces: Iterable[str], marks: Iterable[int]
) -> H | None:
    """What holds the first of ``marks`` on one of ``surfaces``; None: nothing does."""
    for mark in marks:
        for surface in surfaces:
            if (holder := held.get((surface, mark))) is not None:
                return holder
    return None


def held_by(bookings: Iterable[H]) -> dict[tuple[str, int], H]:
    """(surface, mark) -> the one of ``bookings`` that holds it."""
    return {
        (surface, mark): booking
        for booking in bookings
        for surface in booking.held_surfaces
        for mark in timetable.marks(booking.start, booking.end)
    }


def _frame(db: Documents, known: reference.Reference, date: Date, now: datetime) -> dict[str, Any]:
    return {
        "date": date,
        "plan": known.plan(date),
        "grounds": tuple(chain.from_iterable(layouts(known.open_grounds))),
        "now": now,
        "zone": settings_of(db).zone,
        "policy": known.policy,
    }


def view_of(now: datetime) -> tuple[float, bool]:
    """Equal for moments at which a board looks the same: those within one minute, but its start.

    At the start of a minute a lead time has not run out yet that has a moment later. Timestamps
    are compared: within one zone, aware datetimes compare by the wall clock, which shows an hour
    twice in autumn.
    """
    minute, rest = divmod(now.timestamp(), 60)
    return minute, rest == 0


class LiveBoards:
    """The boards of this process, one per day, read again only when the day's version moves.

    All sessions share them. While the database is away, a board is the last known one. With a
    ``cache``, which has to follow the same feed, the boards are kept there beside other values,
    and grounds and timetables are taken from ``known`` instead of being looked up for each board.
    """

    def __init__(
        self,
        db: Documents,
        versions: Versions,
        keep: int = 64,
        *,
        cache: ScopedCache | None = None,
        known: Callable[[], reference.Reference] | None = None,
    ) -> None:
        self._db = db
        self._cache = ScopedCache(versions, days=keep) if cache is None else cache
        self._known = known or partial(reference.load, db)

    def get(self, date: Date, now: datetime | None = None) -> Board:
        """The board of ``date``; no query when nothing changed.

        Raises StoreUnavailable only for a day that was never read.
        """
        date, now = check_date(date, "date"), moment(self._db, now)

        def read() -> Board:
            return _board(self._db, self._known(), date, now)

        board = self._cache.get(date, _STORED, read, try_while_away=True)
        view = view_of(now)
        if view == view_of(board.now):
            return board
        return self._cache.derive(date, _SEEN, (board, view), lambda: board.at(now))

    def knows(self, date: Date) -> bool:
        """Whether a board of ``date`` was asked for and is still kept."""
        return self._cache.peek(date, _STORED) is not None
