"""Dates, times, durations and lists as the screens write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date as Date
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

_MARKUP = re.compile(r"[\\`*_\[\]{}<>#~$&|]|^[-+]|^\d+[.)]|:(?=\S)")
# Streamlit turns bare addresses into links, "->" into an arrow and "--" into a dash. An escape does
# not prevent that; a word joiner does.
_JOINED = re.compile(r"(?<=\S)(?=@\S)|(?<=www)(?=\.\S)|(?<=[-<>~])(?=[-=>])", re.IGNORECASE)


def literal(text: str) -> str:
    """``text`` escaped for markdown, so that names and reasons appear as typed."""
    # A word joiner after an escaped colon, because Streamlit still replaces emoji and icons there.
    return _MARKUP.sub(
        lambda found: f"{found[0][:-1]}\\{found[0][-1]}" + "\u2060" * (found[0] == ":"),
        _JOINED.sub("\u2060", " ".join(text.split())),
    )


def clock(value: time) -> str:
    """``9 AM``, ``9:30 AM``; noon is ``12 PM`` and midnight ``12 AM``."""
    hour = value.hour % 12 or 12
    minute = f":{value.minute:02d}" if value.minute else ""
    return f"{hour}{minute} {'AM' if value.hour < 12 else 'PM'}"


def span(start: time, end: time) -> str:
    """``11 AM – 1 PM``, or ``2–3 PM`` if both times are in the same half of the day."""
    first, last = clock(start), clock(end)
    if first[-2:] == last[-2:]:
        return f"{first[:-3]}–{last}"
    return f"{first} – {last}"


def stretch(start: time, end: time) -> str:
    """The part of a day: ``all day``, ``from 10:15 AM``, ``until 1 PM``, or a span."""
    if end == time():
        return "all day" if start == time() else f"from {clock(start)}"
    return f"until {clock(end)}" if start == time() else span(start, end)


def short_date(date: Date) -> str:
    """``Mon 23 Nov``."""
    return f"{date:%a} {date.day} {date:%b}"


def day(date: Date, today: Date) -> str:
    """``Today``, ``Tomorrow``, ``Yesterday``, a weekday within the week, or ``Mon 23 Nov``."""
    distance = (date - today).days
    near = {0: "Today", 1: "Tomorrow", -1: "Yesterday"}.get(distance)
    if near:
        return near
    return f"{date:%a}" if 1 < distance < 7 else short_date(date)


def day_heading(date: Date, today: Date) -> str:
    """``Today, Mon 23 Nov``, or ``Mon 23 Nov`` if the date is not next to today."""
    near = {0: "Today, ", 1: "Tomorrow, ", -1: "Yesterday, "}.get((date - today).days, "")
    return near + short_date(date)


def when(booking: Any, today: Date) -> str:
    """``Today 2–3 PM``, of a booking or a slot."""
    return f"{day(booking.date, today)} {span(booking.start, booking.end)}"


def full_time(slot: Any, today: Date) -> str:
    """``Today, Mon 23 Nov, 2–3 PM``, of a booking, a request or a slot."""
    return f"{day_heading(slot.date, today)}, {span(slot.start, slot.end)}"


def duration(minutes: int) -> str:
    """``45 min``, ``2 h 30 min``, or ``3 days`` from 48 hours on."""
    hours, rest = divmod(max(minutes, 0), 60)
    if hours >= 48:
        return f"{hours // 24} days"
    parts = [f"{hours} h"] if hours else []
    if rest or not hours:
        parts.append(f"{rest} min")
    return " ".join(parts)


def listed(names: Sequence[str]) -> str:
    """``grounds, a timetable and students``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def up_to(count: int, most: int) -> str:
    """``7``, or ``200+`` for more than ``most`` entries."""
    return f"{most:,}+" if count > most else f"{count:,}"


def said_at(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """``9:41 AM`` of today, ``yesterday``, a weekday of the last week, or a date."""
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    distance = (today - local.date()).days
    if distance == 0:
        return clock(local.time())
    if distance == 1:
        return "yesterday"
    return f"{local:%a}" if 1 < distance < 7 else f"{local.day} {local:%b}"


def moment(value: datetime, zone: ZoneInfo) -> str:
    """``Mon 23 Nov, 9:41 AM``."""
    local = value.astimezone(zone)
    return f"{short_date(local.date())}, {clock(local.time())}"


def to_the_second(moment: datetime) -> str:
    """``10:13:05 AM``, of an aware moment in the school's time."""
    return f"{moment.hour % 12 or 12}:{moment:%M:%S} {'AM' if moment.hour < 12 else 'PM'}"
