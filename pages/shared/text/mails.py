"""What mails say of notices and slots. A mail is read on another day: its dates are full ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from booking_core import Booking, Ground, MailLine, MailWish, MailWriting, Notice, Slot
from pages.shared.text import formats, notices
from pages.shared.text.payloads import questions_of

# Wish -> its name, and what it means.
WISHES = {
    MailWish.AT_ONCE: ("At once", "What happens within some seconds is one mail."),
    MailWish.DAILY: (
        "Once a day",
        "One mail at seven in the morning, if there is news. That a series of yours ends, or "
        "that decisions were handed over to you, is a mail of its own then. A reminder, where "
        "the school sends them, comes before its booking.",
    ),
    MailWish.NONE: ("No mail", "The screens tell you all the same."),
}
_WORDS = {
    "displaced": "Revoked",
    "promoted": "From the waiting list",
    "undone": "As before",
    "swap_offered": "Swap offered",
    "swap_declined": "Swap declined",
    "question": "A question",
    "answered": "Answered",
    "party_changed": "People changed",
    "ended_early": "Ended early",
}


def _lines(found: Sequence[Notice], grounds: Mapping[str, Ground]) -> list[MailLine]:
    """A line for each step, in the order of the notices."""
    return [
        MailLine(*notices.parts(same, grounds, _time), _answer(same))
        for same in notices.steps(found)
    ]


def _answer(same: Sequence[Notice]) -> tuple[str, str] | None:
    """The link to the request that a question is about, where it can be answered."""
    first = same[0].booking
    if len(same) > 1 or same[0].kind != "question" or first is None:
        return None
    return f"bookings?search={first.reference}", "Answer"


def _subject(found: Sequence[Notice], grounds: Mapping[str, Ground]) -> str:
    kinds = {notices.kind_of(notice) for notice in found}
    kind = kinds.pop() if len(kinds) == 1 else ""
    word = _WORDS.get(kind, kind.capitalize()) or "Changed"
    if len(found) == 1:
        return f"{word}: {_place(found[0].slot, grounds)}"
    whose = "requests" if kind == "answered" else "of your bookings"
    return f"{word}: {len(found)} {whose}"


def _place(slot: Slot, grounds: Mapping[str, Ground]) -> str:
    return notices.place(slot, grounds, _time)


def _time(slot: Slot) -> str:
    return f"{formats.short_date(slot.date)}, {formats.span(slot.start, slot.end)}"


def _request(booking: Booking, grounds: Mapping[str, Ground]) -> MailLine:
    """Who asks for what, and what was asked about it; a purpose is on the page of its link."""
    asked = f"for {booking.whom}, {booking.game}, asked by {booking.created_by_name}."
    said = " · ".join(questions_of(booking))
    return MailLine("", _place(booking.slot, grounds), f"{asked} {said}".rstrip())


WRITING = MailWriting(
    subject=_subject,
    lines=_lines,
    place=_place,
    request=_request,
    day=formats.short_date,
    stretch=formats.stretch,
    clock=lambda moment: formats.clock(moment.time()),
)
