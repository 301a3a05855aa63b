"""A booking as it was at a moment, from its history. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from booking_core.domain.model import Booking, Decision, Slot, Status

_FROM = {
    "approved": Status.PENDING,
    "rejected": Status.PENDING,
    "lapsed": Status.PENDING,
    "revoked": Status.APPROVED,
    "reinstated": Status.REVOKED,
    "lifted": Status.APPROVED,
}
_TO = {
    "requested": Status.PENDING,
    "approved": Status.APPROVED,
    "closed": Status.APPROVED,
    "reinstated": Status.APPROVED,
}


def as_of(booking: Booking, moment: datetime) -> Booking | None:
    """``booking`` with the slot, status and history of ``moment`` (aware).

    None: it was not requested yet. Names, the party and the supervisor are the present ones: the
    history has no people, so that what was erased since stays erased. The surfaces are those of
    the present slot.
    """
    later = entries_after(booking, moment)
    kept = booking.history[: len(booking.history) - len(later)]
    if not kept:
        return None
    if not later:
        return booking
    slot, status = booking.slot, booking.status
    for number in reversed(range(len(kept), len(booking.history))):
        entry = booking.history[number]
        slot = entry.moved_from or slot
        status = _status_before(booking.history[:number], entry, status)
    return replace(
        booking,
        ground_id=slot.ground_id,
        date=slot.date,
        start=slot.start,
        end=slot.end,
        status=status,
        history=kept,
        updated_at=kept[-1].at,
    )


def entries_after(booking: Booking, moment: datetime) -> tuple[Decision, ...]:
    """The entries of the history that are later than ``moment`` (aware), oldest first."""
    count = 0
    for entry in reversed(booking.history):
        if entry.at.timestamp() <= moment.timestamp():
            break
        count += 1
    return booking.history[len(booking.history) - count :]


def slots_of(booking: Booking) -> tuple[Slot, ...]:
    """Every slot that the booking has had, oldest first; the present one is the last."""
    return (*(entry.moved_from for entry in booking.history if entry.moved_from), booking.slot)


def _status_before(earlier: Sequence[Decision], entry: Decision, after: Status) -> Status:
    """The status before ``entry``, which gave the status ``after``.

    Entries of earlier versions do not record it. Then the action tells, or else the last action
    before that gave a status.
    """
    if entry.status_before is not None:
        return entry.status_before
    if entry.action in _FROM:
        return _FROM[entry.action]
    if entry.action in ("cancelled", "displaced") or (
        entry.action == "moved" and after is Status.PENDING
    ):
        return next((_TO[e.action] for e in reversed(earlier) if e.action in _TO), after)
    return after
