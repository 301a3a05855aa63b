"""The payload of the strip of Book: how free each day is, or why nothing is left."""

from __future__ import annotations

import json
from datetime import date, time
from typing import Any

import pytest

from booking_core import DayFigures, GroundFilter
from pages.shared.text import strip_payloads

ANY = GroundFilter()
DAY = date(2026, 11, 30)  # a Monday


def figures(
    free: int = 0,
    open_: int = 0,
    ahead: int = 30,
    counted: int = 30,
    *,
    on: date = DAY,
    has_school: bool = True,
    is_bookable: bool = True,
    note: str = "",
) -> DayFigures:
    return DayFigures(on, free, open_, ahead, counted, has_school, is_bookable, note)


def strip(
    *days: DayFigures, wanted: GroundFilter = ANY, ground: str | None = None
) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(strip_payloads.strip(days, wanted, ground))
    return found


def said(day: DayFigures, wanted: GroundFilter = ANY) -> tuple[str, str, float, bool]:
    [shown] = strip(day, wanted=wanted)["days"]
    return shown["label"], shown["kind"], shown["share"], shown["open"]


def test_a_day_says_how_many_periods_of_it_are_free() -> None:
    assert said(figures(20, 30)) == ("Mon 30 Nov: 20 of 30 free", "free", 0.67, True)
    assert said(figures(0, 30)) == ("Mon 30 Nov: 0 of 30 free", "full", 0, True)


def test_a_day_says_why_nothing_of_it_can_be_booked() -> None:
    none = figures(ahead=0, counted=0, has_school=False)
    assert said(none) == ("Mon 30 Nov: no school", "none", 0, True)
    holiday = figures(ahead=0, counted=0, has_school=False, note="Sports day.")
    assert said(holiday)[0] == "Mon 30 Nov: no school, Sports day"
    assert said(figures(ahead=0)) == ("Mon 30 Nov: over", "none", 0, True)
    assert said(figures(ahead=0, is_bookable=False)) == ("Mon 30 Nov: over", "none", 0, False)
    far = figures(0, 3, is_bookable=False)
    assert said(far) == ("Mon 30 Nov: not open yet", "none", 0, False)
    assert said(figures()) == ("Mon 30 Nov: closed", "closed", 0, True)


def test_a_day_without_a_period_at_the_chosen_time_says_so() -> None:
    at_four = GroundFilter(free_at=time(16))

    assert said(figures(ahead=0, counted=0), at_four)[0] == "Mon 30 Nov: no period begins at 4 PM"
    assert said(figures(ahead=0, counted=3), at_four)[0] == "Mon 30 Nov: 4 PM is past"
    assert said(figures(1, 3, 3, 3), at_four)[0] == "Mon 30 Nov: 1 of 3 free"


@pytest.mark.parametrize(
    ("wanted", "ground", "counts"),
    [
        (ANY, None, "Free on all grounds"),
        (GroundFilter("Hockey"), None, "Free on grounds for Hockey"),
        (GroundFilter("Hockey", time(16)), None, "Free at 4 PM on grounds for Hockey"),
        (GroundFilter(None, time(16)), "Court", "Free at 4 PM on Court"),
    ],
)
def test_the_strip_says_what_it_counts(
    wanted: GroundFilter, ground: str | None, counts: str
) -> None:
    assert strip(figures(1, 1), wanted=wanted, ground=ground)["counts"] == counts


def test_months_and_weeks_are_marked() -> None:
    dates = date(2026, 11, 28), date(2026, 11, 29), DAY, date(2026, 12, 1), date(2026, 12, 2)

    days = strip(*(figures(1, 1, on=day) for day in dates))["days"]

    # A week begins on Sunday in India.
    assert [(day["short"], day["starts"]) for day in days] == [
        ("Nov", ""),
        ("S", "week"),
        ("M", ""),
        ("Dec", "month"),
        ("W", ""),
    ]
