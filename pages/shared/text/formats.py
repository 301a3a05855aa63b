"""Dates, times, numbers, durations and lists as the screens write them.

The school's locale decides the order of a date, 12 or 24 hours, the first day of the week and the
separators of numbers. Words are English in every locale, and so are AM and PM.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal, format_percent

from booking_core import Settings

_WORDS = Locale("en")
_MARKUP = re.compile(r"[\\`*_\[\]{}<>#~$&|]|^[-+]|^\d+[.)]|:(?=\S)")
# Streamlit turns bare addresses into links, "->" into an arrow and "--" into a dash. An escape does
# not prevent that; a word joiner does.
_JOINED = re.compile(r"(?<=\S)(?=@\S)|(?<=www)(?=\.\S)|(?<=[-<>~])(?=[-=>])", re.IGNORECASE)


# A time of day as people write it: "9", "9:30 AM", "14:00", "9.30".
_CLOCK = r"(\d{1,2})(?:[:.](\d\d))?\s*([ap]m)?"
_SPAN = re.compile(rf"{_CLOCK}\s*[-–]\s*{_CLOCK}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Conventions:
    """What a locale decides, by its own data in CLDR.

    ``hour``: the hour in patterns of Babel: h (12 hours), H or HH (24 hours);
    ``order``: the fields of a date in their order, of D, M and Y; ``between``: their separator;
    ``first_weekday``: 0 is Monday.
    """

    locale: Locale
    hour: str
    order: str
    between: str
    first_weekday: int

    @classmethod
    def of(cls, name: str) -> Conventions:
        """The conventions of a locale such as ``en_IN``, which Settings has checked."""
        locale = Locale.parse(name)
        clock, date = (
            re.sub("'[^']*'", "", formats["short"].pattern)  # without words, which are quoted
            for formats in (locale.time_formats, locale.date_formats)
        )
        hour = "h" if re.search("[hK]", clock) else "HH" if re.search("HH|kk", clock) else "H"
        order = "".join(dict.fromkeys(re.sub("[^dMy]", "", date))).upper()
        between = next((mark for mark in date if mark in "/-."), "/")
        return cls(locale, hour, order, between, locale.first_week_day)


_school = Conventions.of(Settings().locale)


def use(locale: str) -> None:
    """Writes all texts of this process by ``locale`` from now on: a process serves one school."""
    global _school
    _school = Conventions.of(locale)


def literal(text: str) -> str:
    """``text`` escaped for markdown, so that names and reasons appear as typed."""
    # A word joiner after an escaped colon, because Streamlit still replaces emoji and icons there.
    return _MARKUP.sub(
        lambda found: f"{found[0][:-1]}\\{found[0][-1]}" + "\u2060" * (found[0] == ":"),
        _JOINED.sub("\u2060", " ".join(text.split())),
    )


def clock(value: time) -> str:
    """``9 AM``, ``9:30 AM``, noon ``12 PM`` and midnight ``12 AM``; or ``09:00``, ``09:30``."""
    is_full = value.minute == 0 and _school.hour == "h"
    return _time(value, "h a" if is_full else clock_pattern(seconds=False))


def clock_pattern(*, seconds: bool = True) -> str:
    """``h:mm:ss a`` or ``HH:mm:ss``, also for the components (``clockOf`` in common.js).

    Hours and minutes have a colon between them in every locale, as in the time fields.
    """
    return f"{_school.hour}:mm{':ss' if seconds else ''}{' a' if _school.hour == 'h' else ''}"


def _time(value: time, pattern: str) -> str:
    return format_time(value, pattern, locale=_WORDS)


def span(start: time, end: time) -> str:
    """``11 AM – 1 PM``, or ``2–3 PM`` in one half of the day; or ``14:00–15:00``."""
    first, last = clock(start), clock(end)
    if _school.hour != "h":
        return f"{first}–{last}"
    if first[-2:] == last[-2:]:
        return f"{first[:-3]}–{last}"
    return f"{first} – {last}"


def is_span(text: str, start: time, end: time) -> bool:
    """Whether ``text`` only says these times, in 12 or in 24 hours, also without AM and PM."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        return False
    parts = found.groups()
    return _is_clock(parts[:3], start) and _is_clock(parts[3:], end)


def _is_clock(parts: Sequence[str | None], value: time) -> bool:
    """Whether ``parts``, an hour and perhaps a minute and AM or PM, can stand for ``value``."""
    hour, minute, half = parts
    if int(minute or 0) != value.minute:
        return False
    in_12_hours = int(hour or 0) == (value.hour % 12 or 12)
    if half:
        return in_12_hours and (half.lower() == "am") == (value.hour < 12)
    return in_12_hours or (minute is not None and int(hour or 0) == value.hour)


def time_field() -> Literal["12h", "24h"]:
    """The ``format`` of a time field."""
    return "12h" if _school.hour == "h" else "24h"


def stretch(start: time, end: time) -> str:
    """The part of a day: ``all day``, ``from 10:15 AM``, ``until 1 PM``, or a span."""
    if end == time():
        return "all day" if start == time() else f"from {clock(start)}"
    return f"until {clock(end)}" if start == time() else span(start, end)


def short_date(date: Date) -> str:
    """``Mon 23 Nov`` or ``Mon Nov 23``; no comma within, since one often follows."""
    return _date(date, f"EEE {_day_and('MMM')}")


def full_date(date: Date) -> str:
    """``Mon 23 Nov 2026`` or ``Mon Nov 23, 2026``."""
    return f"{short_date(date)}{'' if _is_day_first() else ','} {date.year}"


def days(first: Date, last: Date, *, year: bool = True) -> str:
    """``Mon 7 Sep – Fri 18 Dec 2026``, a date for a single day; without ``year``, no year."""
    end = full_date(last) if year else short_date(last)
    if first == last:
        return end
    begin = full_date(first) if year and first.year != last.year else short_date(first)
    return f"{begin} – {end}"


def term_and_week(term: str, week: str) -> str:
    """``Term 2, week B`` or ``Term 2``; ``Week B`` outside a term, "" without either."""
    if not week:
        return term
    return f"{term}, week {week}" if term else f"Week {week}"


def long_date(date: Date) -> str:
    """``Monday 23 November`` or ``Monday November 23``."""
    return _date(date, f"EEEE {_day_and('MMMM')}")


def long_date_and_year(date: Date) -> str:
    """``Monday 23 November 2026`` or ``Monday November 23, 2026``."""
    return f"{long_date(date)}{'' if _is_day_first() else ','} {date.year}"


def day_and_month(date: Date) -> str:
    """``23 Nov`` or ``Nov 23``."""
    return _date(date, _day_and("MMM"))


def _day_and(month: str) -> str:
    return f"d {month}" if _is_day_first() else f"{month} d"


def _is_day_first() -> bool:
    return _school.order.index("D") < _school.order.index("M")


def _date(date: Date, pattern: str) -> str:
    return format_date(date, pattern, locale=_WORDS)


def date_field() -> str:
    """The ``format`` of a date field: ``DD/MM/YYYY``, ``MM/DD/YYYY``, ``DD.MM.YYYY``."""
    long = {"D": "DD", "M": "MM", "Y": "YYYY"}
    return _school.between.join(long[field] for field in _school.order)


def month(date: Date) -> str:
    """``Nov``"""
    return format_date(date, "MMM", locale=_WORDS)


def start_of_week(date: Date) -> Date:
    """The first day of the week of ``date``. Quotas count other weeks: always from Monday."""
    return date - timedelta(days=(date.weekday() - _school.first_weekday) % 7)


def weekdays() -> list[int]:
    """The days of the week in order, 0 is Monday: ``[6, 0, 1, 2, 3, 4, 5]`` from Sunday."""
    return [(_school.first_weekday + number) % 7 for number in range(7)]


def weekday(number: int) -> str:
    """``Mon`` for 0."""
    return str(_WORDS.days["format"]["abbreviated"][number])


def weekday_name(number: int) -> str:
    """``Monday`` for 0."""
    return str(_WORDS.days["format"]["wide"][number])


def day(date: Date, today: Date) -> str:
    """``Today``, ``Tomorrow``, ``Yesterday``, a weekday within the week, or ``Mon 23 Nov``."""
    distance = (date - today).days
    near = {0: "Today", 1: "Tomorrow", -1: "Yesterday"}.get(distance)
    if near:
        return near
    return weekday(date.weekday()) if 1 < distance < 7 else short_date(date)


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


def ordinal(value: int) -> str:
    """``1st``, ``2nd``, ``3rd``, ``4th``, ``11th``."""
    is_teen = value % 100 in (11, 12, 13)
    return (
        f"{number(value)}{'th' if is_teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(value % 10, 'th')}"
    )


def number(value: float) -> str:
    """``1,234`` or ``12,34,567``, with one decimal at most; or ``1.234``."""
    # Some locales group by a narrow space, which not every font has.
    return format_decimal(round(value, 1), locale=_school.locale).replace("\u202f", "\u00a0")


def percent(share: float) -> str:
    """``85%``; some locales put a no-break space before the sign."""
    return format_percent(share, locale=_school.locale).replace("\u202f", "\u00a0")


def up_to(count: int, most: int) -> str:
    """``7``, or ``200+`` for more than ``most`` entries."""
    return f"{number(most)}+" if count > most else number(count)


def said_at(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """``9:41 AM`` of today, ``yesterday``, a weekday of the last week, or a date."""
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    distance = (today - local.date()).days
    if distance == 0:
        return clock(local.time())
    if distance == 1:
        return "yesterday"
    if 1 < distance < 7:
        return weekday(local.weekday())
    return day_and_month(local.date())


def moment(value: datetime, zone: ZoneInfo) -> str:
    """``Mon 23 Nov, 9:41 AM``."""
    local = value.astimezone(zone)
    return f"{short_date(local.date())}, {clock(local.time())}"


def clock_of(value: datetime, now: datetime) -> str:
    """``9:41 AM`` on the day of ``now``, else ``Mon 23 Nov, 9:41 AM``; both in one zone."""
    if value.date() == now.date():
        return clock(value.time())
    return f"{short_date(value.date())}, {clock(value.time())}"


def to_the_second(moment: datetime) -> str:
    """``10:13:05 AM`` or ``10:13:05``, of an aware moment in the school's time."""
    return _time(moment.time(), clock_pattern())
