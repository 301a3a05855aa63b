"""The cards of the wall display: each ground now, next, and the day as a strip. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time

from booking_core.booking.boards import Board, state_of
from booking_core.domain import timetable
from booking_core.domain.availability import layouts, widest
from booking_core.domain.model import Booking, CellState, Ground, Slot
from booking_core.domain.policy import WALL_SHOWS
from booking_core.domain.validation import minutes


@dataclass(frozen=True, slots=True)
class Card:
    """One ground at a moment. ``now`` and ``next`` are bookings or closures; None means free.

    ``state`` is that of this moment; PAST: the school day is over, or has no periods. ``until`` is
    when ``now`` or the free time ends (None: the rest of the day is free), and ``ends_at`` the
    same as an aware moment. ``strip``: the state of each period of the ground. ``free_after``:
    periods follow ``now``, and nothing holds them. ``held``: all bookings and closures of the
    ground on this day, in order of time. ``opens``: when the first period begins, until then.
    ``parts``: where other layouts of the ground are in use at this moment, a card for each of these
    and of those that are free beside them.
    """

    ground: Ground
    state: CellState
    now: Booking | None
    until: time | None
    ends_at: datetime | None
    next: Booking | None
    strip: tuple[CellState, ...]
    free_after: bool = False
    held: tuple[Booking, ...] = ()
    opens: time | None = None
    parts: tuple[Card, ...] = ()


def wall_cards(board: Board, only: str | None = None) -> list[Card]:
    """A card for each ground of the board, in the order of the screens.

    Grounds that share surfaces have one card, that of the widest. ``only``: the card of the ground
    with this id alone, if there is one.
    """
    if only is not None:
        return [_card(board, ground) for ground in board.grounds if ground.id == only]
    return [_card_of(board, group) for group in layouts(board.grounds)]


def _card_of(board: Board, group: tuple[Ground, ...]) -> Card:
    cards = {ground.id: _card(board, ground) for ground in group}
    whole = cards[widest(group).id]
    own = [card for card in cards.values() if card.now and card.now.ground_id == card.ground.id]
    if whole in own or not own:
        return whole
    beside = [card for card in cards.values() if card.now is None]
    smallest = [
        card
        for card in beside
        if not any(set(o.ground.surfaces) < set(card.ground.surfaces) for o in beside)
    ]
    return replace(whole, parts=(*own, *smallest))


def may_show(allowed: str, asked: str | None) -> str:
    """How much of a booking the wall shows: ``allowed`` at most, less where ``asked`` is less."""
    if asked not in WALL_SHOWS:
        return allowed
    return min(allowed, asked, key=WALL_SHOWS.index)


def _card(board: Board, ground: Ground) -> Card:
    surfaces = set(ground.surfaces)
    held = sorted(
        (b for b in board.bookings if not surfaces.isdisjoint(b.held_surfaces)),
        key=lambda b: b.start,
    )
    now, later = _now_and_later(board, held)
    periods = board.plan.of(ground.id).periods
    ends = minutes(now.end, closing=True) if now else 0
    strip = []
    for period in periods:
        booking = board.holder(Slot(ground.id, board.date, period.start, period.end))
        strip.append(CellState.FREE if booking is None else state_of(booking))
    if now is not None:
        return Card(
            ground,
            state_of(now),
            now,
            now.end,
            _end(board, now.end),
            later[0] if later else None,
            tuple(strip),
            free_after=not later and any(minutes(p.start) >= ends for p in periods),
            held=tuple(held),
        )
    over = not periods or _end(board, periods[-1].end).timestamp() <= board.now.timestamp()
    until = later[0].start if later else None
    first = periods[0].start if periods else None
    return Card(
        ground,
        CellState.PAST if over else CellState.FREE,
        None,
        until,
        _end(board, until) if until else None,
        later[0] if later else None,
        tuple(strip),
        held=tuple(held),
        opens=first if first is not None and not _has_begun(board, first) else None,
    )


def _has_begun(board: Board, start: time) -> bool:
    starts_at = timetable.at(board.date, start, board.zone)
    return starts_at.timestamp() <= board.now.timestamp()


def _now_and_later(board: Board, held: Sequence[Booking]) -> tuple[Booking | None, list[Booking]]:
    moment: datetime = board.now
    now = None
    later = []
    for booking in held:
        begun = _has_begun(board, booking.start)
        end = timetable.at(board.date, booking.end, board.zone, closing=True)
        if begun and moment.timestamp() < end.timestamp():
            now = booking
        elif not begun:
            later.append(booking)
    return now, later


def _end(board: Board, when: time) -> datetime:
    return timetable.at(board.date, when, board.zone, closing=True)
