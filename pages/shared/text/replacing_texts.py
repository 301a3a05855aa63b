"""The sentences of the dialog that gives the slot of a booking to another party."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date as Date

from booking_core import (
    Booking,
    BookingError,
    BookingRequest,
    Ground,
    Reference,
    Replacement,
    Slot,
    SlotTaken,
    Status,
    party_of,
)
from pages.shared.text import formats, messages, payloads

MOVE, OTHER, END = "move", "other", "end"  # what becomes of the booking before


def outcome(choice: str, booking: Booking, slot: Slot | None, known: Reference, today: Date) -> str:
    """The label of a choice: ``Move it to Ground 3, Tomorrow 2–3 PM``."""
    if choice == MOVE and slot is not None:
        return f"Move it to {_place(slot, known.grounds, today)}"
    if choice == OTHER:
        return "Move it to another slot"
    return "Revoke it" if booking.status is Status.APPROVED else "Reject it"


def review(
    booking: Booking,
    asked: BookingRequest,
    slot: Slot | None,
    known: Reference,
    today: Date,
    *,
    is_approved: bool,
    keeps: bool,
    by_id: str,
) -> list[str]:
    """What the press of the button does, in sentences.

    ``slot``: to which ``booking`` moves, and ``keeps`` its status then; None: it ends.
    """
    place = _place(booking.slot, known.grounds, today)
    approved = "approved at once" if is_approved else "as a request, on which the principal decides"
    lines = [f"{party_of(known, asked).whom}: gets {place}, {asked.game}, {approved}."]
    if slot is not None:
        where = _place(slot, known.grounds, today)
        lines.append(f"{booking.whom}: moves to {where}. {messages.SWAPS[keeps]}")
    else:
        ended = "revoked" if booking.status is Status.APPROVED else "rejected"
        lines.append(f"{booking.whom}: the booking is {ended} and has no slot any more.")
    if booking.created_by != by_id:
        lines.append(f"{booking.created_by_name} gets a notice with the reason.")
    return lines


def done(made: Replacement, known: Reference, today: Date) -> str:
    """The sentence after the change."""
    displaced = made.displaced
    there = _place(displaced.slot, known.grounds, today)
    is_active = displaced.status.is_active
    then = f"is on {there} now" if is_active else f"is {displaced.status.value.lower()}"
    return f"{made.made.whom} has the slot. The booking of {displaced.whom} {then}."


def made(booking: Booking, known: Reference, today: Date) -> str:
    """The sentence where an earlier press has made ``booking``, though its answer was lost."""
    place = _place(booking.slot, known.grounds, today)
    return f"This is done: {booking.whom} has {place}."


def error(exc: BookingError, slot: Slot | None) -> str:
    """The sentence for a refusal; ``slot``: the one that was offered to the booking before."""
    if isinstance(exc, SlotTaken) and slot is not None:
        at = (exc.ground_id, exc.date, exc.start, exc.end)
        if at == (slot.ground_id, slot.date, slot.start, slot.end):
            return "The slot that it was to move to was taken meanwhile. Nothing was changed."
    return messages.error(exc)


def _place(slot: Slot, grounds: Mapping[str, Ground], today: Date) -> str:
    return f"{payloads.slot_title(slot, grounds)}, {formats.when(slot, today)}"
