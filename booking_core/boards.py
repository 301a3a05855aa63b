"""The board of one day: ground x period -> free, pending, booked, closed, past."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date as Date
from datetime import datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from booking_core import timetable
from booking_core.errors import NotAPeriod, StoreUnavailable
from booking_core.model import (
    Booking,
    CellState,
    Ground,
    Period,
    Slot,
    Status,
    check_date,
    check_now,
)
from booking_core.store import ledger, reference
from booking_core.store.database import Documents, settings_of, shared
from booking_core.store.documents import clock


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


@dataclass(frozen=True)
class Board:
    """A day as stored at ``loaded_at`` and seen at ``now`` (both aware).

    A cell is free only when a booking of it would pass every rule of time and place.
    """

    date: Date
    plan: timetable.DayPlan
    grounds: tuple[Ground, ...]
    bookings: tuple[Booking, ...]
    now: datetime
    loaded_at: datetime
    zone: ZoneInfo
    lead: timedelta = timedelta()
    last_date: Date | None = None
    _held: dict[tuple[str, int], Booking] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        held = {
            (booking.ground_id, cell): booking
            for booking in self.bookings
            for cell in timetable.cells(booking.start, booking.end)
        }
        object.__setattr__(self, "_held", held)

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
        for cell in timetable.cells(slot.start, slot.end):
            if (booking := self._held.get((slot.ground_id, cell))) is not None:
                return booking
        return None

    def busy(self, student_id: str, slot: Slot) -> Booking | None:
        """The student's own booking that overlaps ``slot``, on whatever ground."""
        wanted = set(timetable.cells(slot.start, slot.end))
        return next(
            (
                booking
                for booking in self.bookings
                if booking.student_id == student_id
                and wanted & set(timetable.cells(booking.start, booking.end))
            ),
            None,
        )

    def is_free(self, slot: Slot) -> bool:
        return (
            self.holder(slot) is None
            and not self._begun(slot.start)
            and (self.last_date is None or self.date <= self.last_date)
        )

    def alternatives(
        self, slot: Slot, game: str, *, busy: Sequence[Booking] = (), most: int = 3
    ) -> list[Slot]:
        """Free slots of as many periods, nearest first: the same ground, then the same time.

        ``busy`` are the student's other bookings: what overlaps them is no alternative.
        """
        try:
            length = len(timetable.periods_between(self.periods, slot.start, slot.end))
        except NotAPeriod:
            return []
        taken = {c for b in busy if b.date == self.date for c in timetable.cells(b.start, b.end)}
        first = next(i for i, p in enumerate(self.periods) if p.start == slot.start)
        starts = sorted(
            (i for i in range(len(self.periods) - length + 1) if i != first),
            key=lambda i: (abs(i - first), i),
        )
        found = [
            replace(slot, start=self.periods[i].start, end=self.periods[i + length - 1].end)
            for i in starts
            if any(g.id == slot.ground_id for g in self.grounds)
        ]
        found += [
            replace(slot, ground_id=g.id)
            for g in self.grounds
            if g.id != slot.ground_id and game in g.games
        ]
        return [
            option
            for option in found
            if self.is_free(option) and not taken & set(timetable.cells(option.start, option.end))
        ][:most]

    def _begun(self, start: time) -> bool:
        # As rules.check_time: the start itself is too late, the edge of the lead time is not.
        left = timetable.at(self.date, start, self.zone).timestamp() - self.now.timestamp()
        return left <= 0 or left < self.lead.total_seconds()

    def _cell(self, ground: Ground, period: Period) -> Cell:
        is_past = self._begun(period.start)
        booking = self.holder(Slot(ground.id, self.date, period.start, period.end))
        if booking is None and is_past:
            return Cell(ground, period, CellState.PAST, is_past=True)
        if booking is None and self.last_date is not None and self.date > self.last_date:
            return Cell(ground, period, CellState.CLOSED, note="Not open for booking yet")
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
    settings = settings_of(db)
    known = reference.load(db)
    grounds = tuple(known.open_grounds)
    return Board(
        date=date,
        plan=known.plan(date),
        grounds=grounds,
        bookings=tuple(ledger.of_day(db, date, [ground.id for ground in grounds])),
        now=now,
        loaded_at=now,
        zone=settings.zone,
        lead=timedelta(minutes=settings.lead_minutes),
        last_date=now.astimezone(settings.zone).date() + timedelta(days=settings.advance_days),
    )


def shared_board(db: Documents, date: Date, now: datetime) -> Board:
    """As ``day_board``, read once for all threads that ask for it at the same moment."""
    board = shared(db, ("board", date), lambda: day_board(db, date, now))
    return board if board.now == now else board.at(now)


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
        board = replace(board.at(now), last_date=now.astimezone(board.zone).date() + self._advance)
        self._boards[date] = (found[0], board)
        return board

    @property
    def _advance(self) -> timedelta:
        return timedelta(days=settings_of(self._db).advance_days)

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
