"""The sentences and the ranges of the reports."""

from __future__ import annotations

from collections import Counter
from datetime import date, time

import pytest

from booking_core import SchoolYear, Status, Student, Term
from booking_core.reports import (
    ClassShare,
    Demand,
    Fairness,
    PeriodUse,
    StudentHours,
    Usage,
    UsageLine,
    WeekUse,
)
from pages.reports import ranges, sections, texts

TODAY = date(2026, 11, 25)  # a Wednesday
TERMS = (
    Term("one", "Autumn", date(2026, 8, 3), date(2026, 10, 30)),
    Term("two", "Winter", date(2026, 11, 16), date(2027, 2, 26)),
)


def used(cells=(), weeks=(), grounds=()):
    total = UsageLine("", "", 0, 0.0)
    rest = {"parties": (), "classes": (), "games": (), "statuses": {}}
    first, last = date(2026, 11, 23), date(2026, 12, 6)
    return Usage(
        first, last, False, total, tuple(grounds), periods=tuple(cells), weeks=tuple(weeks), **rest
    )


def test_the_heat_map_names_its_highest_and_its_lowest_share():
    cells = (
        PeriodUse(0, time(9), time(10), 3, 4),
        PeriodUse(0, time(10), time(11), 1, 4),
        PeriodUse(2, time(9), time(10), 0, 0),  # never open
    )

    text = texts.heat(used(cells))

    assert text == "Booked most: Monday, 9–10 AM (75%). Booked least: Monday, 10–11 AM (25%)."
    assert texts.heat(used(cells[2:])) == "No period was open in these dates."
    assert texts.heat(used([PeriodUse(0, time(9), time(10), 0, 4)])) == "No open period was booked."
    assert texts.heat(used(cells[:1])).startswith("75% of the open periods were booked at every")


def test_the_trend_names_the_week_with_the_highest_share():
    weeks = (
        WeekUse(date(2026, 11, 23), date(2026, 11, 29), 1, 10),
        WeekUse(date(2026, 11, 30), date(2026, 12, 6), 2, 10),
    )

    assert texts.trend(used(weeks=weeks)) == (
        "Of 2 weeks, Mon 30 Nov – Sun 6 Dec 2026 was booked most: 20% of the open periods."
    )
    assert "In the one week" in texts.trend(used(weeks=weeks[:1]))


@pytest.mark.parametrize(
    ("now", "then", "said"),
    [(3, 2, "10 points more"), (2, 3, "10 points less"), (2, 2, "as much")],
)
def test_shares_are_compared_in_points(now, then, said):
    one, other = (UsageLine("", "", 0, 0.0, used, 10) for used in (now, then))

    assert texts.change(one, other) == said
    assert texts.change(one, UsageLine("", "", 0, 0.0)) is None


def wanted(**outcomes):
    counts = {status: outcomes.get(status.name, 0) for status in Status}
    day = date(2026, 11, 23)
    return Demand(day, day, False, counts, 1, (("Exams", 2), ("", 1)), 9, 59, 150, {0: 3, 4: 3}, 1)


def test_the_demand_is_said_in_the_figures_that_it_has():
    found = wanted(APPROVED=3, PENDING=1, REVOKED=2)

    assert texts.outcome(found) == "6 requests: 1 not decided yet, 3 approved and 2 revoked."
    assert texts.revoked(found) == "Of the revoked, 1 gave way to a closure."
    assert texts.revoked(wanted(APPROVED=1)) == ""
    assert "half of them at most 59 min, nine of ten at most 2 h 30 min" in texts.answered(found)
    assert texts.late(found) == "1 cancellation came less than 24 h before the start."
    assert texts.ahead(found) == (
        "Half of the requests came at most 0 days before the day of the slot."
    )
    assert texts.reasons(found) == "Most frequent: Exams (2)."


def spread(*hours):
    students = [StudentHours(Student(f"S{n}", "A", "1-A"), value) for n, value in enumerate(hours)]
    classes = (ClassShare("1-A", 4, 6, 2, 3.0), ClassShare("1-B", 4, 0, 0, 0.0))
    day = date(2026, 11, 23)
    return Fairness(day, day, classes, tuple(students))


def test_the_fairness_names_who_has_none_and_who_got_least():
    found = spread(0, 0, 1.5, 6)

    assert texts.spread(found).startswith(
        "2 students of 4 had no hour. A quarter of all had at most 0\u00a0h, "
        "half at most 0\u00a0h, three quarters at most 1.5\u00a0h."
    )
    assert texts.short(found) == "1-A got least of what it asked for: 2 of 6 requests, 3\u00a0h."
    assert texts.spread(spread()) == "There are no active students."


@pytest.mark.parametrize("hours", [(0,), (0, 0.5, 1, 7.25), tuple(range(100)), (0, 11), (0, 12)])
def test_each_student_is_in_one_column(hours):
    columns = sections._by_hours(spread(*hours))

    assert sum(columns.values()) == len(hours)
    assert columns["0"] == Counter(hours)[0]
    assert len(columns) <= 12


def test_the_term_is_that_of_today_else_the_last_one_that_has_begun():
    year = SchoolYear(TERMS)

    assert ranges.term_of(year, TODAY) == TERMS[1]
    assert ranges.term_of(year, date(2026, 11, 2)) == TERMS[0]
    assert ranges.term_of(year, date(2026, 1, 1)) == TERMS[0]
    assert ranges.term_of(SchoolYear(), TODAY) is None


@pytest.mark.parametrize(
    ("name", "against", "first", "last"),
    [
        (ranges.WEEK, ranges.BEFORE, date(2026, 11, 15), date(2026, 11, 21)),
        (ranges.WEEK, ranges.LAST_YEAR, date(2025, 11, 23), date(2025, 11, 29)),
        (ranges.MONTH, ranges.BEFORE, date(2026, 10, 1), date(2026, 10, 31)),
        (ranges.MONTH, ranges.LAST_YEAR, date(2025, 11, 1), date(2025, 11, 30)),
        (ranges.YEAR, ranges.BEFORE, date(2024, 11, 26), date(2025, 11, 25)),
    ],
)
def test_a_range_is_compared_with_as_many_days_or_a_whole_month(name, against, first, last):
    shown = ranges.of(name, TODAY, TERMS[1])

    assert ranges.compared(name, shown, against) == (first, last)
    assert ranges.compared(name, shown, ranges.NOTHING) is None


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-11-24", "2026-11-23"),
        ("2026-13-01", "2026-11-23"),
        ("", ""),
        ("1999-01-01", "1999-01-02"),
        ("2026-01-01", "2027-06-01"),
    ],
)
def test_dates_of_an_address_that_are_no_range_count_as_absent(first, last):
    assert ranges.typed(first, last, TODAY) is None
    assert ranges.typed("2026-11-01", "2026-11-23", TODAY) is not None
