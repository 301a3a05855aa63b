"""A series: one request on several dates. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date as Date
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from booking_core.domain.errors import BookingError, InvalidRequest
from booking_core.domain.model import WEEKS, Booking, BookingRequest, Slot
from booking_core.domain.school_year import SchoolYear
from booking_core.domain.validation import check_date

MOST_DATES = 200
PARTY_CHANGED = "party changed"  # the action of the history entry of another party
_MOST_WEEKS = 52
_FARTHEST = timedelta(days=800)  # dates that are later than this are not looked at


@dataclass(frozen=True, slots=True)
class SeriesRequest:
    """``first`` on its date and again.

    On ``weekdays`` (Monday is 0; empty: that of the first date) of each ``every``-th week, counted
    from the week of the first date; with ``week`` A or B only in weeks of that letter. It ends
    with the date ``until``, after ``count`` dates, or without both with the term of the first
    date. Or on the first date and on the ``dates`` that somebody picked. Raises InvalidRequest
    with the name of the field.
    """

    first: BookingRequest
    weekdays: tuple[int, ...] = ()
    until: Date | None = None
    every: int = 1
    count: int | None = None
    week: str = ""
    dates: tuple[Date, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.first, BookingRequest):
            raise InvalidRequest("first", "must be a BookingRequest")
        weekdays = _listed(self.weekdays, "weekdays", "must be a list of numbers from 0 to 6")
        for day in weekdays:
            _check_number(day, "weekdays", 0, 6)
        _check_number(self.every, "every", 1, _MOST_WEEKS)
        if self.count is not None:
            _check_number(self.count, "count", 1, MOST_DATES)
        if self.until is not None and check_date(self.until, "until") < self.first.date:
            raise InvalidRequest("until", "is before the first date")
        if self.week not in ("", *WEEKS):
            raise InvalidRequest("week", f"must be one of {', '.join(WEEKS)}, or empty")
        dates = _listed(self.dates, "dates", "must be a list of dates")
        for date in dates:
            if check_date(date, "dates") < self.first.date:
                raise InvalidRequest("dates", "has one before the first date")
        if dates and (weekdays or self.week or self.until is not None or self.count is not None):
            raise InvalidRequest("dates", "are picked: then no rule is given")
        object.__setattr__(self, "weekdays", tuple(sorted(set(weekdays))))
        object.__setattr__(self, "dates", tuple(sorted(set(dates))))

    def on(self, date: Date) -> BookingRequest:
        """The request for one date."""
        return replace(self.first, date=date)

    def slot(self, date: Date) -> Slot:
        return Slot(self.first.ground_id, date, self.first.start, self.first.end)

    @property
    def follows_year(self) -> bool:
        """Whether its dates change with the school's year: its terms, or the letters of weeks."""
        return bool(self.week) or not (self.dates or self.until or self.count)

    @property
    def rule(self) -> str:
        """How the school's year makes its dates; "" where they follow from the request alone."""
        if not self.follows_year:
            return ""
        return (
            f"{self.first.date} {self.weekdays} {self.every} {self.until} {self.count} {self.week}"
        )

    def possible_dates(self) -> Iterator[Date]:
        """Every date that it may have in any school's year, in order."""
        if not self.follows_year:
            yield from self.all_dates(SchoolYear())
            return
        for days in range(_FARTHEST.days + 1):
            yield self.first.date + timedelta(days=days)

    def all_dates(self, year: SchoolYear) -> tuple[Date, ...]:
        """The dates in order. Raises InvalidRequest if there is none, or more than MOST_DATES."""
        if self.dates:
            found = sorted({self.first.date, *self.dates})
        else:
            found = list(self._by_rule(year))
        if not found:
            raise InvalidRequest("weekdays", "has no day until the end of the series")
        if len(found) > MOST_DATES:
            field = "dates" if self.dates else "until"
            raise InvalidRequest(field, f"makes more than {MOST_DATES} dates")
        return tuple(found)

    def _by_rule(self, year: SchoolYear) -> Iterator[Date]:
        last = self.until
        if last is None and self.count is None:
            term = year.term(self.first.date)
            if term is None:
                raise InvalidRequest("until", "is missing: the first date is in no term")
            last = term.last
        last = min(last or Date.max, self.first.date + _FARTHEST)
        if self.week and year.week_a is None:
            raise InvalidRequest("week", "is asked for, but the weeks have no letters")
        weekdays = self.weekdays or (self.first.date.weekday(),)
        monday = self.first.date - timedelta(days=self.first.date.weekday())
        date, made = self.first.date, 0
        while date <= last and made <= MOST_DATES and (self.count is None or made < self.count):
            is_week = ((date - monday).days // 7) % self.every == 0
            is_letter = not self.week or year.week(date) == self.week
            if date.weekday() in weekdays and is_week and is_letter:
                made += 1
                yield date
            date += timedelta(days=1)


class Occurrence(NamedTuple):
    """One date of a series. ``problem`` None: it can be booked.

    ``alternatives``: free slots of that day, nearest first.
    """

    date: Date
    problem: BookingError | None
    alternatives: tuple[Slot, ...]


def occurrence_id(series_id: UUID, date: Date) -> UUID:
    """The submission id of one date: however often a series is sent, it exists once."""
    return uuid5(series_id, date.isoformat())


def instead_id(series_id: UUID, date: Date) -> UUID:
    """The submission id of the slot that takes the place of a date that was not booked."""
    return uuid5(series_id, f"{date.isoformat()} instead")


def ahead(
    bookings: Iterable[Booking], now: datetime, zone: ZoneInfo, from_date: Date | None = None
) -> list[Booking]:
    """The active ones that have not begun, on ``from_date`` (None: any date) and later."""
    return [
        booking
        for booking in bookings
        if booking.status.is_active
        and not booking.slot.has_begun(now, zone)
        and (from_date is None or booking.date >= from_date)
    ]


def follows(booking: Booking, action: str = "moved") -> bool:
    """Whether the booking has what its series gave it, the slot or, for ``PARTY_CHANGED``, the
    party: its last such change, if any, was that of the series."""
    is_own = True
    for entry, after in zip(booking.history, (*booking.history[1:], None), strict=True):
        is_undone = after is not None and after.action == "undone"
        if entry.action == action and not is_undone:
            is_own = entry.of_series
    return is_own


def by_series(
    requests: Iterable[Booking], now: datetime, zone: ZoneInfo
) -> dict[str, tuple[Booking, ...]]:
    """The requests that wait, those of one series together, in the order of the first of each.

    Id of the series, or of a request without one, -> requests. A request that is over is by itself:
    the verbs of a series leave it out.
    """
    rows: dict[str, list[Booking]] = {}
    for request in requests:
        is_alone = request.series is None or request.slot.is_over(now, zone)
        rows.setdefault(request.id if is_alone else str(request.series), []).append(request)
    return {id: tuple(row) for id, row in rows.items()}


def _listed(values: Any, field: str, problem: str) -> tuple[Any, ...]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidRequest(field, problem)
    return tuple(values)


def _check_number(value: Any, field: str, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InvalidRequest(field, f"must be a whole number from {low} to {high}")
