"""The ranges of dates of the reports, and those that they are compared with. Pure."""

from __future__ import annotations

from datetime import date as Date
from datetime import timedelta

from booking_core import SchoolYear, Term
from pages.shared.text import formats

WEEK, MONTH, TERM, YEAR, OTHER = "week", "month", "term", "year", "other"
NAMES = {
    WEEK: "This week",
    MONTH: "This month",
    TERM: "Term",
    YEAR: "Last 12 months",
    OTHER: "Other dates",
}
BEFORE, LAST_YEAR, NOTHING = "before", "last-year", "nothing"
AGAINST = {
    BEFORE: "Against the dates before",
    LAST_YEAR: "Against the year before",
    NOTHING: "Without comparison",
}
EARLIEST, LATEST = timedelta(days=3660), timedelta(days=400)  # of other dates, from today
MOST = timedelta(days=400)  # of a range
_YEAR = timedelta(weeks=52)  # keeps the weekdays

Range = tuple[Date, Date]


def term_of(year: SchoolYear, today: Date) -> Term | None:
    """The term of today, else the last one that has begun, else the first; None without any."""
    begun = [term for term in year.terms if term.first <= today]
    return next(iter(begun[-1:] or year.terms[:1]), None)


def of(name: str, today: Date, term: Term | None) -> Range:
    """The first and last date of the range ``name``; that of OTHER to begin with."""
    if name == WEEK:
        week = formats.start_of_week(today)
        return week, week + timedelta(days=6)
    if name == TERM and term is not None:
        return term.first, term.last
    if name == YEAR:
        return today - timedelta(days=364), today
    return month(today)


def month(date: Date) -> Range:
    """The first and last date of the month of ``date``."""
    first = date.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def compared(name: str, shown: Range, against: str) -> Range | None:
    """The dates to compare ``shown`` with; None for NOTHING.

    A month is compared with a whole month, all others with as many days. The year before is 52
    weeks ago, so that each weekday counts as often.
    """
    first, last = shown
    if against == NOTHING:
        return None
    if name == MONTH:
        if against == BEFORE:
            return month(first - timedelta(days=1))
        return month(first.replace(year=first.year - 1))
    back = _YEAR if against == LAST_YEAR else last - first + timedelta(days=1)
    return first - back, last - back


def typed(first: str, last: str, today: Date) -> Range | None:
    """The range of two ISO dates; None if they are no range that can be shown."""
    try:
        dates = Date.fromisoformat(first), Date.fromisoformat(last)
    except ValueError:
        return None
    is_known = today - EARLIEST <= dates[0] <= dates[1] <= today + LATEST
    return dates if is_known and dates[1] - dates[0] < MOST else None
