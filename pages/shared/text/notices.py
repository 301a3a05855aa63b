"""The sentences of notices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date as Date

from booking_core import Ground, Notice
from pages.shared.text import formats
from pages.shared.text.payloads import slot_title

# Icons of the kinds that are no loss.
ICONS = {
    "reinstated": "undo",
    "promoted": "check",
    "approved": "check",
    "moved": "move_down",
    "undone": "undo",
}
LOSSES = frozenset(("displaced", "rejected", "revoked", "cancelled", "lapsed"))
_MOST_NAMED = 3  # slots in the sentence about several bookings
_WORDS = {"displaced": "revoked"}


def step(notice: Notice) -> tuple[str, str, str, str]:
    """What the notices of one step have in common."""
    return kind_of(notice), notice.by_name, notice.reason, f"{notice.at:%Y-%m-%d %H:%M}"


def kind_of(notice: Notice) -> str:
    """Its kind; "moved" where what displaced the booking has moved it."""
    history = notice.booking.history if notice.booking else ()
    is_move = any((entry.action, entry.at) == ("moved", notice.at) for entry in history)
    return "moved" if is_move else notice.kind


def sentence(same: Sequence[Notice], grounds: dict[str, Ground], today: Date) -> str:
    """The sentence about the notices of one step, as markdown."""
    if len(same) == 1:
        return _single(same[0], grounds, today)
    first = same[0]
    places = [f"{slot_title(n.slot, grounds)}, {formats.when(n.slot, today)}" for n in same]
    if (more := len(places) - _MOST_NAMED) > 0:
        places = [*places[:_MOST_NAMED], f"{more} more"]
    kind = kind_of(first)
    who = f"were {_WORDS.get(kind, kind)} by {first.by_name}"
    who = {
        "lapsed": "lapsed undecided",
        "promoted": "come from the waiting list",
        "undone": f"are as they were before: {first.by_name} took the change back",
    }.get(kind, who)
    head = f"**{len(same)} of your bookings** {formats.literal(who)}"
    because = f": {formats.literal(first.reason)}" if first.reason else ""
    return f"{head}{because}. {formats.literal('; '.join(places))}"


def _single(notice: Notice, grounds: dict[str, Ground], today: Date) -> str:
    slot, booking = notice.slot, notice.booking
    where = f"{slot_title(slot, grounds)}, {formats.full_time(slot, today)}"
    whose = f"for {booking.whom}, " if booking else ""
    done = _done(notice)
    if booking and kind_of(notice) == "moved":
        because = f": {notice.reason}" if notice.reason else ""
        done = f"was moved by {notice.by_name}{because}"
        if booking.status.is_active:
            there = f"{slot_title(booking.slot, grounds)}, {formats.full_time(booking.slot, today)}"
            done += f". It is on {there} now."
    return f"Your booking **{formats.literal(where)}** {formats.literal(whose + done)}"


def _done(notice: Notice) -> str:
    because = f": {notice.reason}" if notice.reason else "."
    match notice.kind:
        case "reinstated":
            return f"was reinstated by {notice.by_name}: the slot is held for you again."
        case "promoted":
            return "comes from the waiting list: the slot was freed and is held for you."
        case "undone":
            return f"is as it was before: {notice.by_name} took the change back."
        case "lapsed":
            return "lapsed: nobody decided before the slot was over."
        case "approved":
            return f"was approved by {notice.by_name}."
        case "rejected" | "cancelled" | "moved":
            return f"was {notice.kind} by {notice.by_name}{because}"
        case _:
            return f"was revoked by {notice.by_name}{because}"
