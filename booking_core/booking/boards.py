"""The board of one day: ground x period -> free, pending, booked, closed, past."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date as Date
from datetime import datetime, time
from typing import Any, Protocol

from booking_core.domain import timetable
from booking_core.domain.availability import Availability
from booking_core.domain.clock import clock
from booking_core.domain.errors import StoreUnavailable
from booking_core.domain.model import Booking, CellState, Ground, Period, Slot, Status
from booking_core.domain.validation import check_date, check_now
from booking_core.storage import booking_queries
from booking_core.storage import school_data as reference
from booking_core.storage.database import Documents, settings_of


@dataclass(frozen=True, slots=True)
class Cell:
    """One ground in one period. ``booking`` is the booking or closure that holds it.

    ``is_past`` tells that the period has begun: nothing can be booked there, whatever the state.
    """

    ground: Ground
    period: Period
    state: CellState
    booking: Booking | None = None
    is_past: bool = False
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Board(Availability):
    """A day as stored at ``loaded_at`` and seen at ``now`` (both aware).

    A cell is free only when a booking of it would pass every rule of time and place.
    """

    bookings: tuple[Booking, ...]
    loaded_at: datetime
    held: Mapping[tuple[str, int], Booking] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        held = {
            (booking.ground_id, cell): booking
            for booking in self.bookings
            for cell in timetable.marks(booking.start, booking.end)
        }
        object.__setattr__(self, "held", held)

    def __hash__(self) -> int:
        # Cheap, so that a board can be a key on every tick; equality still compares the content.
        return hash((self.date, self.now, self.loaded_at))

    @property
    def periods(self) -> tuple[Period, ...]:
        return self.plan.periods

    def at(self, now: datetime) -> Board:
        """The same stored day, seen at another moment."""
        return replace(self, now=now)

    def cell(self, ground_id: str, start: time) -> Cell:
        """The cell of the period that begins at ``start``; raises KeyError for no such cell."""
        ground = next((g for g in self.grounds if g.id == ground_id), None)
        period = next((p for p in self.periods if p.start == start), None)
        if ground is None or period is None:
            raise KeyError((ground_id, start))
        return self._cell(ground, period)

    def row(self, period: Period) -> list[Cell]:
        """The cells of one period, in the order of ``grounds``."""
        return [self._cell(ground, period) for ground in self.grounds]

    def holder(self, slot: Slot) -> Booking | None:
        """What holds any cell of ``slot``, first in time."""
        for cell in timetable.marks(slot.start, slot.end):
            if (booking := self.held.get((slot.ground_id, cell))) is not None:
                return booking
        return None

    def busy(self, student_id: str, slot: Slot) -> Booking | None:
        """The student's own booking that overlaps ``slot``, on whatever ground."""
        wanted = set(timetable.marks(slot.start, slot.end))
        return next(
            (
                booking
                for (_, cell), booking in self.held.items()
                if booking.student_id == student_id and cell in wanted
            ),
            None,
        )

    def cells_of(self, student_id: str) -> set[int]:
        """The cells at which the student is on a ground."""
        return {c for (_, c), booking in self.held.items() if booking.student_id == student_id}

    def free_for_move(self, booking: Booking, periods: int) -> list[Slot]:
        """Where ``booking`` may go on this day, for so many periods: by ground, then by time.

        Its own cells are free for itself: it may move by one of its two periods.
        """
        others = replace(self, bookings=tuple(b for b in self.bookings if b.id != booking.id))
        busy = others.cells_of(booking.student_id) if booking.student_id else ()
        found = others.free_slots(booking.game, periods, busy=busy)
        return [slot for slot in found if slot != booking.slot]

    def turns_at(self) -> datetime:
        """When this picture changes next without a booking: by the clock alone.

        A period or what is held begins or ends, a period or the whole day closes for booking, or
        the day ends.
        Aware, in the board's zone.
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
        now = self.now.timestamp()
        return datetime.fromtimestamp(min(m for m in moments if m > now), self.zone)

    def _cell(self, ground: Ground, period: Period) -> Cell:
        is_past = self.begun(period.start)
        booking = self.holder(Slot(ground.id, self.date, period.start, period.end))
        if booking is None and is_past:
            return Cell(ground, period, CellState.PAST, is_past=True)
        if booking is None and self.date > self.last_date:
            return Cell(ground, period, CellState.CLOSED, note="Not open for booking yet")
        if booking is None and self.cut_off:
            return Cell(ground, period, CellState.CLOSED, note="Booking has ended")
        if booking is None:
            return Cell(ground, period, CellState.FREE)
        if booking.kind == "closure":
            return Cell(ground, period, CellState.CLOSED, booking, is_past, booking.purpose)
        state = CellState.BOOKED if booking.status is Status.APPROVED else CellState.PENDING
        return Cell(ground, period, state, booking, is_past)


def day_board(db: Documents, date: Date, now: datetime | None = None) -> Board:
    """The board of ``date`` from the database. Raises InvalidRequest, StoreUnavailable."""
    date = check_date(date, "date")
    now = check_now(now) or clock()
    known = reference.load(db)
    return Board(
        **_frame(db, known, date, now),
        bookings=tuple(
            booking_queries.of_day(db, date, [ground.id for ground in known.open_grounds])
        ),
        loaded_at=now,
    )


def availability_of(
    db: Documents,
    known: reference.Reference,
    date: Date,
    now: datetime,
    bookings: Iterable[Booking],
) -> Availability:
    """The free slots of ``date``, on which ``bookings`` are active; cheaper than its board."""
    held = {
        (booking.ground_id, mark): booking.id
        for booking in bookings
        for mark in timetable.marks(booking.start, booking.end)
    }
    return Availability(**_frame(db, known, date, now), held=held)


def _frame(db: Documents, known: reference.Reference, date: Date, now: datetime) -> dict[str, Any]:
    return {
        "date": date,
        "plan": known.plan(date),
        "grounds": tuple(known.open_grounds),
        "now": now,
        "zone": settings_of(db).zone,
        "policy": known.policy,
    }


class Versions(Protocol):
    """What tells that a day has changed: the feed."""

    @property
    def connected(self) -> bool: ...

    def version(self, date: Date) -> int: ...


class LiveBoards:
    """The boards of this process, one per day, read again only when the day's version moves.

    Shared by all sessions. While the database is away it answers with what it knew last.
    """

    def __init__(self, db: Documents, versions: Versions, keep: int = 64) -> None:
        self._db, self._versions, self._keep = db, versions, keep
        self._boards: dict[Date, tuple[int, Board]] = {}
        self._loading: dict[Date, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, date: Date, now: datetime | None = None) -> Board:
        """The board of ``date``; no query when nothing changed.

        Raises StoreUnavailable only for a day that was never read.
        """
        now = check_now(now) or clock()
        version = self._versions.version(date)
        found = self._boards.get(date)
        if found is None or found[0] != version:
            with self._lock:
                loading = self._loading.setdefault(date, threading.Lock())
            # One reader a day, and the others take what it read; while the database is away,
            # nobody waits behind somebody who waits.
            if not loading.acquire(blocking=self._versions.connected):
                if found is None:
                    raise StoreUnavailable(f"{date} was never read")
            else:
                try:
                    found = self._read(date, version, now)
                finally:
                    loading.release()
        board = found[1]
        # Seen to the minute: nothing on a board changes within one.
        if now.replace(second=0, microsecond=0) == board.now.replace(second=0, microsecond=0):
            return board
        board = board.at(now)
        self._boards[date] = (found[0], board)
        return board

    def knows(self, date: Date) -> bool:
        """Whether somebody has asked for ``date`` not long ago."""
        return date in self._boards

    def _read(self, date: Date, version: int, now: datetime) -> tuple[int, Board]:
        found = self._boards.get(date)
        if found is not None and (found[0] >= version or not self._versions.connected):
            return found  # while the database is away, nobody waits for it
        # The version is taken before the read: a change in between costs one more read, and is
        # never missed.
        try:
            fresh = (version, day_board(self._db, date, now))
        except StoreUnavailable:
            if found is None:
                raise
            return found
        with self._lock:
            self._boards[date] = fresh
            while len(self._boards) > self._keep:
                oldest = next(iter(self._boards))
                del self._boards[oldest]
                self._loading.pop(oldest, None)
        return fresh
