"""The payload of the strip of Book: a mark for each day of some weeks, and how free the day is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from booking_core import DayFigures, GroundFilter
from pages.shared.text import formats


def strip(figures: Sequence[DayFigures], wanted: GroundFilter, ground: str | None) -> bytes:
    """The payload (JSON) of the strip; ``figures`` count what is ``wanted``, or ``ground``, the
    name of one."""
    days = [_day(of, wanted) for of in figures]
    days[0]["short"] = formats.month(figures[0].date)
    payload = {"counts": _counts(wanted, ground), "days": days}
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


def _day(of: DayFigures, wanted: GroundFilter) -> dict[str, Any]:
    """A day: what of it can be booked. ``why`` says why nothing is left to book or to wait for."""
    kind, why = "none", ""
    if not of.has_school:
        note = of.note.rstrip(". ")
        why = f"no school, {note}" if note else "no school"
    elif not of.counted and wanted.free_at is not None:
        why = f"no period begins at {formats.clock(wanted.free_at)}"
    elif not of.ahead:
        why = "over" if wanted.free_at is None else f"{formats.clock(wanted.free_at)} is past"
    elif not of.is_bookable:
        why = "not open yet"
    elif not of.open:
        kind, why = "closed", "closed"
    else:
        kind = "free" if of.free else "full"
    weekday, is_first = formats.weekday(of.date.weekday()), of.date.day == 1
    name = formats.short_date(of.date)
    return {
        "date": of.date.isoformat(),
        "weekday": weekday,
        "short": formats.month(of.date) if is_first else weekday[0],
        "starts": "month" if is_first else "week" if _starts_week(of) else "",
        "number": str(of.date.day),
        "label": f"{name}: {why or f'{of.free} of {of.open} free'}",
        "share": 0 if why else round(of.free / of.open, 2),
        "kind": kind,
        "open": of.is_bookable,
    }


def _starts_week(of: DayFigures) -> bool:
    return formats.start_of_week(of.date) == of.date


def _counts(wanted: GroundFilter, ground: str | None) -> str:
    """What the figures count: ``Free on all grounds``, ``Free at 4 PM on grounds for Hockey``."""
    at = "" if wanted.free_at is None else f" at {formats.clock(wanted.free_at)}"
    which = f"grounds for {wanted.game}" if wanted.game else "all grounds"
    return f"Free{at} on {which if ground is None else ground}"
