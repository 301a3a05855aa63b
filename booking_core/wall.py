"""What the wall display says of each ground: now, next, and the day as a strip. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

from booking_core import timetable
from booking_core.boards import Board
from booking_core.model import Booking, CellState, Ground, Status, minutes


@dataclass(frozen=True, slots=True)
class Card:
    """One ground at a moment. ``now`` and ``next`` are bookings or closures; None means free.

    ``state`` is that of this moment; PAST stands for a school day that is over, or none at all.
    ``until`` is when ``now`` ends, or when free time does (None: the rest of the day);
    ``minutes_left`` counts to it. ``strip`` is the state of each period, in order. ``free_after``
    tells that periods follow ``now`` and nothing holds them.
    """

    ground: Ground
    state: CellState
    now: Booking | None
    until: time | None
    minutes_left: int | None
    next: Booking | None
    strip: tuple[CellState, ...]
    free_after: bool = False


def wall_cards(board: Board) -> list[Card]:
    """A card for each ground of the board, in the order of the screens."""
    return [_card(board, ground) for ground in board.grounds]


def day_progress(board: Board) -> float | None:
    """How much of the school day has gone, as the strip shows it, 0 to 1; None outside it.

    Every period takes the same room in the strip, whatever its length.
    """
    moment = board.now.timestamp()
    for index, period in enumerate(board.periods):
        start = timetable.at(board.date, period.start, board.zone).timestamp()
        end = timetable.at(board.date, period.end, board.zone, closing=True).timestamp()
        if moment < start:
            return index / len(board.periods) if index else None
        if moment < end:
            return (index + (moment - start) / (end - start)) / len(board.periods)
    return None


def state_of(booking: Booking) -> CellState:
    if booking.kind == "closure":
        return CellState.CLOSED
    return CellState.BOOKED if booking.status is Status.APPROVED else CellState.PENDING


def _card(board: Board, ground: Ground) -> Card:
    held = sorted((b for b in board.bookings if b.ground_id == ground.id), key=lambda b: b.start)
    now, later = _now_and_later(board, held)
    ends = minutes(now.end, closing=True) if now else 0
    strip = []
    for period in board.periods:
        cell = board.cell(ground.id, period.start)
        strip.append(state_of(cell.booking) if cell.booking else CellState.FREE)
    if now is not None:
        return Card(
            ground,
            state_of(now),
            now,
            now.end,
            _minutes_to(board, now.end),
            later[0] if later else None,
            tuple(strip),
            free_after=not later and any(minutes(p.start) >= ends for p in board.periods),
        )
    over = not board.periods or _minutes_to(board, board.periods[-1].end) <= 0
    until = later[0].start if later else None
    return Card(
        ground,
        CellState.PAST if over else CellState.FREE,
        None,
        until,
        _minutes_to(board, until) if until else None,
        later[0] if later else None,
        tuple(strip),
    )


def _now_and_later(board: Board, held: Sequence[Booking]) -> tuple[Booking | None, list[Booking]]:
    moment: datetime = board.now
    now = None
    later = []
    for booking in held:
        start = timetable.at(board.date, booking.start, board.zone)
        end = timetable.at(board.date, booking.end, board.zone, closing=True)
        if start.timestamp() <= moment.timestamp() < end.timestamp():
            now = booking
        elif start.timestamp() > moment.timestamp():
            later.append(booking)
    return now, later


def _minutes_to(board: Board, when: time) -> int:
    end = timetable.at(board.date, when, board.zone, closing=True)
    # Rounded up: "1 min left" until the very end, never "0".
    return -int(-(end.timestamp() - board.now.timestamp()) // 60)
