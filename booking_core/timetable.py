"""A date's periods, and the cells that a stretch of time covers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from booking_core.errors import NotAPeriod
from booking_core.model import CELL_MINUTES, Period, Timetable, minutes


@dataclass(frozen=True, slots=True)
class Day:
    """One date's own timetable; ``timetable_id`` None means no school, ``note`` says why."""

    date: Date
    timetable_id: str | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class DayPlan:
    """What a date looks like: its periods (empty: no school) and the note that goes with it."""

    date: Date
    periods: tuple[Period, ...]
    timetable_id: str | None
    note: str = ""


def cells(start: time, end: time) -> list[int]:
    """The 15-minute cells of [start, end), numbered from midnight (0) to 95."""
    return list(range(minutes(start) // CELL_MINUTES, minutes(end, closing=True) // CELL_MINUTES))


def plan_day(date: Date, timetables: Iterable[Timetable], override: Day | None) -> DayPlan:
    """The plan of ``date``: its own override where there is one, else its weekday's timetable."""
    by_id = {timetable.id: timetable for timetable in timetables}
    if override is not None:
        chosen = by_id.get(override.timetable_id) if override.timetable_id else None
        note = override.note
    else:
        chosen = next(
            (by_id[i] for i in sorted(by_id) if date.weekday() in by_id[i].weekdays), None
        )
        note = ""
    if chosen is None:
        return DayPlan(date, (), None, note)
    return DayPlan(date, chosen.periods, chosen.id, note)


def periods_between(periods: Sequence[Period], start: time, end: time) -> tuple[Period, ...]:
    """The consecutive periods from ``start`` to ``end``; raises NotAPeriod.

    Consecutive means neighbours in the timetable: a break between two periods that follow one
    another belongs to a booking of both.
    """
    first = next((i for i, p in enumerate(periods) if p.start == start), None)
    last = next((i for i, p in enumerate(periods) if p.end == end), None)
    if first is None:
        raise NotAPeriod(start, end, "start")
    if last is None or last < first:
        raise NotAPeriod(start, end, "end")
    return tuple(periods[first : last + 1])


def iso_week(date: Date) -> str:
    """The ISO week of ``date``, such as ``2026-W48``."""
    year, week, _ = date.isocalendar()
    return f"{year}-W{week:02d}"


def at(date: Date, when: time, zone: ZoneInfo, *, closing: bool = False) -> datetime:
    """The aware moment of a local time; with ``closing``, 00:00 is the end of ``date``."""
    if closing and minutes(when) == 0:
        date += timedelta(days=1)
    return datetime.combine(date, when, tzinfo=zone)
