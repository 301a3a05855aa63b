"""The texts of the page that says what has changed since a sheet was made. No queries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date as Date
from datetime import datetime
from zoneinfo import ZoneInfo

from booking_core import Ground, Slot
from booking_core.reports import SheetChange
from pages.shared.text import formats, messages, payloads


def title(is_same: bool, since: datetime, now: datetime) -> str:
    """``Unchanged since 10:42 AM`` or ``Changed since 10:42 AM``; both in the school's time."""
    return f"{'Unchanged' if is_same else 'Changed'} since {formats.clock_of(since, now)}"


def lead(is_same: bool, changes: Sequence[SheetChange], what: str) -> str:
    """The sentence below the title. ``what``: the day, or the ground and the week."""
    if is_same:
        return f"{what}: what the sheet shows is still right."
    if not changes:
        return f"{what}: the grounds, the periods or names are not those of the sheet any more."
    return f"{what}: the sheet is out of date."


def line(
    change: SheetChange, grounds: dict[str, Ground], dates: Sequence[Date], now: datetime
) -> tuple[str, str]:
    """(what was done where, by whom and when) of a change."""
    zone = now.tzinfo
    assert isinstance(zone, ZoneInfo)
    booking, entry = change.booking, change.entry
    is_week = len(dates) > 1
    what = "closure" if booking.kind == "closure" else f"{booking.game}, {booking.whom}"
    if booking.kind == "closure":
        place = payloads.ground_names(change.ground_ids, grounds)
        when = formats.stretch(booking.start, booking.end)
        day = f"{formats.short_date(change.after.date)}, " if is_week else ""
        main = f"{entry.action.capitalize()}: {place}, {day}{when} ({booking.purpose})"
    elif change.before != change.after:
        old, new = (_place(s, grounds, dates) for s in (change.before, change.after))
        main = f"{entry.action.capitalize()}: {what}, from {old} to {new}"
    else:
        main = f"{entry.action.capitalize()}: {what}, {_place(change.after, grounds, dates)}"
    at = formats.clock_of(entry.at.astimezone(zone), now)
    return main, f"{at}, {messages.decided_by(entry)}"


def _place(slot: Slot, grounds: dict[str, Ground], dates: Sequence[Date]) -> str:
    """``Ground 1, 9–10 AM``, with the date where the sheet has several or another one."""
    times = formats.span(slot.start, slot.end)
    day = "" if [slot.date] == list(dates) else f"{formats.short_date(slot.date)}, "
    return f"{payloads.slot_title(slot, grounds)}, {day}{times}"
