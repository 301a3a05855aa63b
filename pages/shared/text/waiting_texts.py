"""Texts of the waiting list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date as Date
from datetime import datetime
from typing import Any

from booking_core import Board, Booking, InvalidRequest, Reference, WaitingEntry, party_of
from pages.shared.text import formats, payloads

_GONE = "somebody who is not on the list any more"


def whom(known: Reference, entry: WaitingEntry) -> str:
    """For whom an entry is, such as "Asha Nair, 9-A" or "9-B, whole class"."""
    try:
        return party_of(known, entry.request).whom
    except InvalidRequest:
        return _GONE


def count(line: Sequence[WaitingEntry]) -> str:
    """``Nobody waits for this slot yet.``, ``2 wait for this slot.``"""
    if not line:
        return "Nobody waits for this slot yet."
    return f"{formats.number(len(line))} wait{'s' if len(line) == 1 else ''} for this slot."


def place(line: Sequence[WaitingEntry], entry: WaitingEntry) -> str:
    """``1st of 3``; "" for an entry that is not in ``line``."""
    for number, other in enumerate(line, start=1):
        if other.id == entry.id:
            return f"{formats.ordinal(number)} of {formats.number(len(line))}"
    return ""


def until(entry: WaitingEntry, now: datetime) -> str:
    """``until it begins``, or ``until Mon 23 Nov, 8 PM``."""
    if entry.not_after is None or now.tzinfo is None:
        return "until it begins"
    local = entry.not_after.astimezone(now.tzinfo)
    return f"until {formats.short_date(local.date())}, {formats.clock(local.time())}"


def joined(board: Board, entry: WaitingEntry, known: Reference) -> str:
    """What a user who has just joined is told: the place in line, or that the slot is theirs."""
    today = board.now.astimezone(board.zone).date()
    slot = entry.slot
    where = f"{payloads.slot_title(slot, known.grounds)}, {formats.when(slot, today)}"
    for number, other in enumerate(board.line(slot), start=1):
        if other.id == entry.id:
            place = formats.ordinal(number)
            return f"You are {place} in line for {where}. Bookings shows it."
    made = next((booking for booking in board.bookings if booking.id == entry.id), None)
    if made is not None:
        place = payloads.slot_title(made.slot, known.grounds)
        return f"{place}, {formats.when(made, today)}, was free: it is requested for you."
    return f"You have joined the waiting list for {where}. Bookings shows what becomes of it."


def wish_row(
    entry: WaitingEntry, line: Sequence[WaitingEntry], known: Reference, now: datetime
) -> dict[str, Any]:
    """A row of the list on Bookings with the user's own entries."""
    wanted, slot = entry.request, entry.slot
    title = f"{payloads.slot_title(slot, known.grounds)}, {formats.when(slot, now.date())}"
    where = [payloads.slot_title(slot, known.grounds), wanted.game]
    if entry.any_ground:
        where = [f"{where[0]}, or any for {wanted.game}", ""]
    for_whom, _, of_class = whom(known, entry).partition(", ")
    return {
        "id": entry.id,
        "about": title,
        "selectable": False,
        "cells": [
            [formats.day_heading(slot.date, now.date()), formats.span(slot.start, slot.end)],
            where,
            [for_whom, of_class],
            [until(entry, now).capitalize(), ""],
            [place(line, entry) or "not in line", "in line", "chip pending"],
        ],
        "actions": [
            {"name": "leave", "label": "Leave…", "tone": "no", "about": f"Leave: {title}"},
        ],
    }


def in_brief(entry: WaitingEntry, known: Reference, today: Date) -> str:
    """Two lines of plain text: the slot; the game and the party."""
    slot = entry.slot
    where = f"{payloads.slot_title(slot, known.grounds)}, {formats.when(slot, today)}"
    return f"{where}\n{entry.request.game}, {whom(known, entry)}"


def behind(line: Sequence[WaitingEntry], first: WaitingEntry | None, known: Reference) -> str:
    """``2 wait, 9-B first``: who waits behind a booking; "" where nobody does."""
    if not line:
        return ""
    text = f"{formats.number(len(line))} wait{'s' if len(line) == 1 else ''}"
    if first is None:
        return text
    name = whom(known, first).partition(",")[0]
    return f"{text}: {name}" if len(line) == 1 else f"{text}, {name} first"


def behind_dates(lines: Sequence[Sequence[WaitingEntry]]) -> str:
    """``3 wait on 2 dates``: who waits behind the dates of a series; "" where nobody does."""
    lines = [line for line in lines if line]
    if not lines:
        return ""
    people, dates = sum(map(len, lines)), len(lines)
    on = "1 date" if dates == 1 else f"{formats.number(dates)} dates"
    return f"{formats.number(people)} wait{'s' if people == 1 else ''} on {on}"


def would_have(first: WaitingEntry, known: Reference) -> str:
    """Who has the slot of a booking once it is given back, if no rule is in the way."""
    return (
        f"First in line: {whom(known, first)}, asked by {first.by_name}. They have the slot at "
        "once as a request, unless a rule is in the way."
    )


def has(booking: Booking) -> str:
    """What ``booking``, made from the waiting list, means for its slot."""
    return f"{booking.party_name} has the slot as a request."
