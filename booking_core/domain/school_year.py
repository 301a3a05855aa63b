"""The school's year: terms, the holidays in them, and weeks A and B. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date as Date
from datetime import timedelta
from itertools import pairwise
from typing import Any

from booking_core.domain.errors import InvalidRequest
from booking_core.domain.model import WEEKS
from booking_core.domain.validation import check_date, check_id, check_name

MOST_HOLIDAYS = 100  # of a term
# A whole number of pairs of weeks: each date keeps its weekday and its letter.
NEXT_YEAR = timedelta(weeks=52)
MOST_DAYS = NEXT_YEAR.days  # of a term: so it does not overlap the copy in the next year


def _set(target: object, **values: object) -> None:
    for name, value in values.items():
        object.__setattr__(target, name, value)


def _check_span(value: Any) -> None:
    """Checks ``first`` and ``last``; raises InvalidRequest."""
    if check_date(value.last, "last") < check_date(value.first, "first"):
        raise InvalidRequest("last", "is before the first date")


@dataclass(frozen=True, slots=True)
class Holiday:
    """Days without school in a term, from ``first`` to ``last`` (inclusive)."""

    name: str
    first: Date
    last: Date

    def __post_init__(self) -> None:
        _set(self, name=check_name(self.name, "name"))
        _check_span(self)

    def moved(self, by: timedelta) -> Holiday:
        return replace(self, first=self.first + by, last=self.last + by)


@dataclass(frozen=True, slots=True)
class Term:
    """A term from ``first`` to ``last`` (inclusive), with its holidays in order of time.

    Raises InvalidRequest for a malformed field, for a holiday outside the term and for two that
    overlap.
    """

    id: str
    name: str
    first: Date
    last: Date
    holidays: tuple[Holiday, ...] = ()

    def __post_init__(self) -> None:
        _set(self, id=check_id(self.id, "id"), name=check_name(self.name, "name"))
        _check_span(self)
        if (self.last - self.first).days >= MOST_DAYS:
            raise InvalidRequest("last", f"makes the term longer than {MOST_DAYS} days")
        _set(self, holidays=self._checked_holidays())

    def _checked_holidays(self) -> tuple[Holiday, ...]:
        if isinstance(self.holidays, str) or not isinstance(self.holidays, Iterable):
            raise InvalidRequest("holidays", "must be a list of holidays")
        holidays = tuple(self.holidays)
        if not all(isinstance(holiday, Holiday) for holiday in holidays):
            raise InvalidRequest("holidays", "must be a list of holidays")
        if len(holidays) > MOST_HOLIDAYS:
            raise InvalidRequest("holidays", f"has more than {MOST_HOLIDAYS} entries")
        holidays = tuple(sorted(holidays, key=lambda holiday: holiday.first))
        for holiday in holidays:
            if holiday.first < self.first or holiday.last > self.last:
                raise InvalidRequest("holidays", f"has one outside the term: {holiday.name}")
        for before, after in pairwise(holidays):
            if before.last >= after.first:
                raise InvalidRequest(
                    "holidays", f"has two that overlap: {before.name} and {after.name}"
                )
        return holidays

    def moved(self, by: timedelta) -> Term:
        """This term with all its dates moved."""
        holidays = tuple(holiday.moved(by) for holiday in self.holidays)
        return replace(self, first=self.first + by, last=self.last + by, holidays=holidays)


@dataclass(frozen=True, slots=True)
class SchoolYear:
    """The terms in order of time, and a day of a week A; None where weeks have no letters.

    A date outside all terms is no holiday. The letters go on over holidays and between terms.
    Raises InvalidRequest for a malformed field.
    """

    terms: tuple[Term, ...] = ()
    week_a: Date | None = None

    def __post_init__(self) -> None:
        terms = tuple(self.terms) if isinstance(self.terms, Iterable) else (None,)
        if not all(isinstance(term, Term) for term in terms):
            raise InvalidRequest("terms", "must be a list of terms")
        _set(self, terms=tuple(sorted(terms, key=lambda term: (term.first, term.id))))
        if self.week_a is not None:
            check_date(self.week_a, "week_a")

    def term(self, date: Date) -> Term | None:
        """The term of ``date``."""
        return next((term for term in self.terms if term.first <= date <= term.last), None)

    def holiday(self, date: Date) -> Holiday | None:
        """The holiday of ``date``."""
        term = self.term(date)
        holidays = () if term is None else term.holidays
        return next((one for one in holidays if one.first <= date <= one.last), None)

    def week(self, date: Date) -> str:
        """The letter of the week of ``date``, Monday to Sunday: A, B, or "" without letters."""
        if self.week_a is None:
            return ""
        return WEEKS[(_week_number(date) - _week_number(self.week_a)) % 2]

    def with_terms(self, terms: Iterable[Term]) -> SchoolYear:
        """With ``terms`` added, each in the place of the one with its id.

        Raises InvalidRequest for terms that overlap.
        """
        changed = self
        for term in terms:
            others = tuple(other for other in changed.terms if other.id != term.id)
            for other in others:
                if other.first <= term.first <= other.last:
                    raise InvalidRequest("first", f"is in {other.name}")
                if term.first <= other.first <= term.last:
                    raise InvalidRequest("last", f"is not before {other.name}")
            changed = replace(changed, terms=(*others, term))
        return changed

    def without_term(self, term_id: str) -> SchoolYear:
        return replace(self, terms=tuple(term for term in self.terms if term.id != term_id))

    def next_terms(self) -> tuple[Term, ...]:
        """The terms of the last 52 weeks, moved by 52 weeks: none overlaps one that is here.

        Their ids are those of the terms that they are made from. Raises InvalidRequest for dates
        too far ahead.
        """
        if not self.terms:
            return ()
        last = max(term.last for term in self.terms)
        return tuple(term.moved(NEXT_YEAR) for term in self.terms if term.first > last - NEXT_YEAR)


def _week_number(date: Date) -> int:
    """The number of the week that begins on Monday, counted from the beginning of the calendar."""
    return (date.toordinal() - 1) // 7
