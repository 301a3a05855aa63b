"""The sentences of notices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date as Date
from itertools import groupby

from booking_core import Decision, Ground, Notice, Slot, Status
from pages.shared.text import formats, payloads

# Icons of the kinds that are no loss.
ICONS = {
    "reinstated": "undo",
    "promoted": "check",
    "approved": "check",
    "moved": "move_down",
    "party_changed": "group",
    "ended_early": "timer_off",
    "undone": "undo",
    "swap_offered": "swap_horiz",
    "swap_declined": "swap_horiz",
    "question": "help",
    "answered": "chat",
}
LOSSES = frozenset(("displaced", "rejected", "revoked", "cancelled", "lapsed"))
_MOST_NAMED = 3  # slots in the sentence about several bookings
_WORDS = {"displaced": "revoked", "ended_early": "ended early"}
# Kinds of changes after which a booking can wait for a decision.
_UNDECIDED = frozenset(("moved", "party_changed", "promoted", "reinstated", "undone"))


def step(notice: Notice) -> tuple[str, str, str, str]:
    """What the notices of one step have in common. One about several questions is alone."""
    about = notice.id if len(_questions(notice)) > 1 else notice.reason
    return kind_of(notice), notice.by_name, about, f"{notice.at:%Y-%m-%d %H:%M}"


def steps(found: Sequence[Notice]) -> list[list[Notice]]:
    """The notices of each step, by the time of their slots; the steps in the order of ``found``."""
    return [
        sorted(same, key=lambda notice: (notice.slot.date, notice.slot.start))
        for _, same in groupby(found, step)
    ]


def place(slot: Slot, grounds: Mapping[str, Ground], said: Callable[[Slot], str]) -> str:
    """Ground and time of a slot; ``said`` writes the time."""
    return f"{payloads.slot_title(slot, grounds)}, {said(slot)}"


def _questions(notice: Notice) -> Sequence[Decision]:
    """The questions of a notice of one: all that wait, since one answer answers all."""
    booking = notice.booking if notice.kind == "question" else None
    return () if booking is None else booking.questions


def kind_of(notice: Notice) -> str:
    """Its kind; "moved" where what displaced the booking has moved it."""
    history = notice.booking.history if notice.booking else ()
    is_move = any((entry.action, entry.at) == ("moved", notice.at) for entry in history)
    return "moved" if is_move else notice.kind


def sentence(same: Sequence[Notice], grounds: Mapping[str, Ground], today: Date) -> str:
    """The sentence about the notices of one step, as markdown."""

    def said(slot: Slot) -> str:
        is_one = len(same) == 1
        return formats.full_time(slot, today) if is_one else formats.when(slot, today)

    before, what, after = map(formats.literal, parts(same, grounds, said))
    return " ".join(filter(None, (before, f"**{what}**", after)))


def parts(
    same: Sequence[Notice], grounds: Mapping[str, Ground], said: Callable[[Slot], str]
) -> tuple[str, str, str]:
    """The sentence about the notices of one step as plain text: the words before its subject,
    the subject, and those after it. ``said`` writes the date and time of a slot."""
    first = same[0]
    if len(same) == 1:
        whose = "The request" if first.kind == "answered" else "Your booking"
        return whose, place(first.slot, grounds, said), _single(first, grounds, said)
    places = [place(notice.slot, grounds, said) for notice in same]
    if (more := len(places) - _MOST_NAMED) > 0:
        places = [*places[:_MOST_NAMED], f"{more} more"]
    kind = kind_of(first)
    who = f"were {_WORDS.get(kind, kind)} by {first.by_name}"
    open_ones = "Bookings has those that are open"
    who = {
        "lapsed": "lapsed undecided",
        "promoted": "come from the waiting list",
        "swap_offered": f"got offers of a swap by {first.by_name}. {open_ones}",
        "swap_declined": f"stay where they are: {first.by_name} has declined the swaps",
        "question": f"wait for your answer to {first.by_name}",
        "party_changed": f"had their people changed by {first.by_name}",
        "undone": f"are as they were before: {first.by_name} took the change back",
    }.get(kind, who)
    because = f": {first.reason}" if first.reason else ""
    if kind == "answered":
        what, who = f"{len(same)} requests", f"have an answer by {first.by_name}"
        return "", what, f"{who}{because}. {'; '.join(places)}"
    told = _with(f"{who}{because}", _several_wait(kind, same), "; ".join(places))
    return "", f"{len(same)} of your bookings", told


def _single(notice: Notice, grounds: Mapping[str, Ground], said: Callable[[Slot], str]) -> str:
    booking = notice.booking
    whose = f"for {booking.whom}, " if booking else ""
    done = _done(notice)
    if booking and kind_of(notice) == "moved":
        because = f": {notice.reason}" if notice.reason else ""
        done = f"was moved by {notice.by_name}{because}"
        if booking.status.is_active:
            done += f". It is on {place(booking.slot, grounds, said)} now."
    elif booking and notice.kind == "ended_early" and booking.status.is_active:
        done = _with(done, f"Its end is {formats.clock(booking.end)} now.")
    return whose + _with(done, _waits(notice))


def _with(text: str, *sentences: str) -> str:
    """``text`` and those of the ``sentences`` that are not empty."""
    for sentence in filter(None, sentences):
        text = f"{text}{' ' if text.endswith(('.', '!', '?')) else '. '}{sentence}"
    return text


def _is_undecided(notice: Notice) -> bool:
    booking = notice.booking
    is_pending = booking is not None and booking.status is Status.PENDING
    return is_pending and kind_of(notice) in _UNDECIDED


def _waits(notice: Notice) -> str:
    """The sentence that a booking is to be decided, after a change that does not say so."""
    if not _is_undecided(notice) or notice.booking is None:
        return ""
    was_approved = any(one.status_before is Status.APPROVED for one in notice.booking.history)
    return f"It waits for a decision{' again' if was_approved else ''}."


def _several_wait(kind: str, same: Sequence[Notice]) -> str:
    """As ``_waits``, of several bookings."""
    if not (count := sum(map(_is_undecided, same))):
        return ""
    who = "They" if count == len(same) else f"{count} of them"
    return f"{who} {'waits' if who.startswith('1 ') else 'wait'} for a decision."


def _done(notice: Notice) -> str:
    because = f": {notice.reason}" if notice.reason else "."
    match notice.kind:
        case "reinstated":
            return f"was reinstated by {notice.by_name}: the slot is held for you again."
        case "promoted":
            return "comes from the waiting list: the slot was freed and is held for you."
        case "undone":
            return f"is as it was before: {notice.by_name} took the change back."
        case "swap_offered":
            where = "Bookings has it while it is open"
            return f"got an offer of a swap by {notice.by_name}. {where}{because}"
        case "question":
            said = " · ".join(map(payloads.said, _questions(notice)))
            return f"waits for your answer. {said or f'{notice.by_name} asks{because}'}"
        case "answered":
            return f"has an answer by {notice.by_name}{because}"
        case "swap_declined":
            return f"stays where it is: {notice.by_name} has declined the swap."
        case "party_changed":
            return f"is now for these people, changed by {notice.by_name}{because}"
        case "lapsed":
            return "lapsed: nobody decided before the slot was over."
        case "approved":
            return f"was approved by {notice.by_name}."
        case "ended_early":
            return f"was ended early by {notice.by_name}{because}"
        case "rejected" | "cancelled" | "moved":
            return f"was {notice.kind} by {notice.by_name}{because}"
        case _:
            return f"was revoked by {notice.by_name}{because}"
