"""A date's periods, and the cells that a stretch of time covers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from datetime import date as Date
from zoneinfo import ZoneInfo

from booking_core.domain.clock import at as at
from booking_core.domain.errors import InvalidRequest, NotAPeriod
from booking_core.domain.labels import label_key
from booking_core.domain.model import WEEKS, Period, Timetable
from booking_core.domain.school_year import SchoolYear, Term
from booking_core.domain.validation import MARK_MINUTES, minutes


@dataclass(frozen=True, slots=True)
class Day:
    """One date's own timetable; ``timetable_id`` None means no school, ``note`` says why."""

    date: Date
    timetable_id: str | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class DayPlan:
    """What a date looks like: its periods (empty: no school) and the note that goes with it.

    ``term`` is the name of its term, "" for none; ``week`` is A, B or "". ``own`` has the plans of
    the grounds that have periods of their own on this date; those of all others are ``periods``.
    """

    date: Date
    periods: tuple[Period, ...]
    timetable_id: str | None
    note: str = ""
    term: str = ""
    week: str = ""
    own: Mapping[str, DayPlan] = field(default_factory=dict, hash=False)

    def of(self, ground_id: str) -> DayPlan:
        """The plan of one ground."""
        return self.own.get(ground_id, self)

    def periods_of(self, ground_ids: Iterable[str]) -> tuple[Period, ...]:
        """The periods that one of the grounds has, by start and end; each stretch of time once."""
        if not self.own:
            return self.periods
        ids = set(ground_ids)
        plans = [self] if not ids <= self.own.keys() else []
        plans += [plan for id, plan in self.own.items() if id in ids]
        found = {(p.start, p.end): p for plan in reversed(plans) for p in plan.periods}
        return tuple(sorted(found.values(), key=lambda p: (p.start, minutes(p.end, closing=True))))

    @property
    def all_periods(self) -> tuple[Period, ...]:
        """The periods that any ground may have, as ``periods_of``."""
        return self.periods_of(("", *self.own))

    @property
    def is_school(self) -> bool:
        return bool(self.all_periods)

    def fits(self, start: time, end: time) -> bool:
        """Whether a booking from ``start`` to ``end`` is a run of periods of this day."""
        try:
            periods_between(self.periods, start, end)
        except NotAPeriod:
            return False
        return True

    def has(self, span: Period) -> bool:
        """Whether one of the periods has the times of ``span``."""
        return any(p.start == span.start and p.end == span.end for p in self.periods)

    def runs(self, length: int) -> list[tuple[Period, ...]]:
        """Every run of ``length`` periods that follow one another, by time."""
        last = len(self.periods) - length
        return [self.periods[first : first + length] for first in range(last + 1)]

    def within(self, start: time, end: time) -> tuple[Period, ...]:
        """The periods that begin at ``start`` or later and end at ``end`` or earlier."""
        last = minutes(end, closing=True)
        return tuple(
            period
            for period in self.periods
            if period.start >= start and minutes(period.end, closing=True) <= last
        )


MARKS_A_DAY = 24 * 60 // MARK_MINUTES


def marks(start: time, end: time) -> list[int]:
    """The 5-minute marks of [start, end), numbered from midnight (0) to 287."""
    return list(range(minutes(start) // MARK_MINUTES, minutes(end, closing=True) // MARK_MINUTES))


def time_of(mark: int) -> time:
    """The time of day of a 5-minute mark, as ``marks`` numbers them."""
    return time(*divmod(mark * MARK_MINUTES, 60))


def plan_day(
    date: Date,
    timetables: Iterable[Timetable],
    override: Day | None,
    zone: ZoneInfo | None = None,
    year: SchoolYear | None = None,
) -> DayPlan:
    """The plan of ``date``: its own override where there is one, else no school on a holiday of
    ``year``, else the timetable of its weekday and of its week.

    A timetable of some grounds goes before one of all, on a weekday. An override with a timetable
    of some grounds leaves the others their weekday's, or the holiday. With ``zone``, periods that
    the clock skips on this date are left out.
    """
    year = year or SchoolYear()
    term, week = year.term(date), year.week(date)
    name, note = term.name if term else "", ""
    tables = sorted(timetables, key=lambda table: table.id)
    of_weekday = [table for table in tables if date.weekday() in table.weekdays]
    of_date: list[Timetable] = []
    holiday = year.holiday(date)
    if override is not None:
        note = override.note
        of_date = [table for table in tables if table.id == override.timetable_id]
    elif holiday:
        note = holiday.name
    is_of_some = bool(of_date and of_date[0].ground_ids)
    if holiday or (override is not None and not is_of_some):
        of_weekday = []

    def plan_of(ground_id: str | None) -> DayPlan:
        chosen = next(
            (
                found
                for held, letter in ((of_date, None), (of_weekday, week), (of_weekday, ""))
                for found in held
                if letter in (None, found.week) and _is_of(found, ground_id)
            ),
            None,
        )
        periods = () if chosen is None else chosen.periods
        if zone is not None and _clock_changes(date, zone):
            periods = tuple(period for period in periods if not _is_skipped(date, period, zone))
        return DayPlan(date, periods, chosen.id if chosen else None, note, name, week)

    ids = sorted({id for table in (*of_date, *of_weekday) for id in table.ground_ids})
    own = {id: plan for id in ids if (plan := plan_of(id)).timetable_id is not None}
    return replace(plan_of(None), own=own)


def _is_of(table: Timetable, ground_id: str | None) -> bool:
    """Whether ``table`` is one of this ground alone, or with None one of all grounds."""
    return not table.ground_ids if ground_id is None else ground_id in table.ground_ids


def _clock_changes(date: Date, zone: ZoneInfo) -> bool:
    """Whether the clock goes forward or back on ``date``."""
    return at(date, time.min, zone).utcoffset() != at(date, time.max, zone).utcoffset()


def _is_skipped(date: Date, period: Period, zone: ZoneInfo) -> bool:
    """Whether ``period`` falls into the hour that the clock skips in spring."""
    begins, ends = at(date, period.start, zone), at(date, period.end, zone, closing=True)
    if begins.timestamp() >= ends.timestamp():
        return True
    if begins.utcoffset() == begins.replace(fold=1).utcoffset():
        return False  # the clock does not change at its start
    moments = (at(date, time_of(mark), zone) for mark in marks(period.start, period.end))
    return not any(map(_exists, moments))


def _exists(moment: datetime) -> bool:
    """Whether the clock shows the local time of ``moment``."""
    return moment.astimezone(UTC).astimezone(moment.tzinfo).time() == moment.time()


def check_labels(periods: Iterable[Period]) -> None:
    """Raises InvalidRequest where two periods have one label, in any spelling."""
    labels: dict[str, str] = {}
    for period in periods:
        key = label_key(period.label)
        if key in labels:
            both = f"{labels[key]} and {period.label}"
            raise InvalidRequest("periods", f"has two with one label: {both}")
        labels[key] = period.label


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which periods every date has: the timetables, the dates that have one of their own, and the
    holidays of the school's year.

    A change is made to a copy, so that a date can be looked at before anything is saved. With
    ``zone``, a date has no period that its clock skips.
    """

    timetables: Mapping[str, Timetable]
    days: Mapping[Date, Day]
    zone: ZoneInfo | None = None
    year: SchoolYear = field(default_factory=SchoolYear)

    def plan(self, date: Date) -> DayPlan:
        return plan_day(date, self.timetables.values(), self.days.get(date), self.zone, self.year)

    def with_timetable(self, timetable: Timetable) -> Calendar:
        """With ``timetable`` added or replaced; the others lose its weekdays, as ``gives_way``
        says."""
        changed = self.gives_way(timetable) | {timetable.id: timetable}
        return replace(self, timetables={**self.timetables, **changed})

    def gives_way(self, timetable: Timetable) -> dict[str, Timetable]:
        """The other timetables that lose a weekday to ``timetable``, as they are without it.

        Only those of the same ``week``, and for all grounds or with one in common: one of week A or
        B goes before one of all weeks, which keeps the weekday for the other week, and so does one
        of some grounds.
        """
        taken = set(timetable.weekdays)
        return {
            other.id: replace(other, weekdays=tuple(d for d in other.weekdays if d not in taken))
            for other in self.timetables.values()
            if other.id != timetable.id
            and other.week == timetable.week
            and other.shares_grounds(timetable)
            and taken & set(other.weekdays)
        }

    def weekdays_without_school(self) -> dict[str, list[int]]:
        """For each week, A and B or "" without letters, the weekdays that no timetable of all
        grounds has."""
        letters = WEEKS if self.year.week_a else ("",)
        held = {
            letter: {
                day
                for table in self.timetables.values()
                if table.week in ("", letter) and not table.ground_ids
                for day in table.weekdays
            }
            for letter in letters
        }
        return {letter: [d for d in range(7) if d not in days] for letter, days in held.items()}

    def without_timetable(self, timetable_id: str) -> Calendar:
        kept = {id: table for id, table in self.timetables.items() if id != timetable_id}
        return replace(self, timetables=kept)

    def with_days(self, days: Iterable[Day]) -> Calendar:
        return replace(self, days={**self.days, **{day.date: day for day in days}})

    def with_terms(self, terms: Iterable[Term]) -> Calendar:
        """As ``SchoolYear.with_terms``; raises InvalidRequest for terms that overlap."""
        return replace(self, year=self.year.with_terms(terms))

    def without_term(self, term_id: str) -> Calendar:
        return replace(self, year=self.year.without_term(term_id))

    def with_week_a(self, week_a: Date | None) -> Calendar:
        """With the letters of the weeks counted from the week of ``week_a``; None: no letters."""
        return replace(self, year=replace(self.year, week_a=week_a))


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


def ends_ahead(date: Date, now: datetime, zone: ZoneInfo) -> list[time]:
    """The times at which a slot of ``date`` ends after ``now``; 00:00 is the end of the day.

    Compares instants: in the repeated hour of a clock change, 01:30 comes before the second 01:15.
    """
    ends = [
        time(*divmod(mark * MARK_MINUTES % 1440, 60)) for mark in range(1, 1440 // MARK_MINUTES + 1)
    ]
    moment = now.timestamp()
    return [end for end in ends if at(date, end, zone, closing=True).timestamp() > moment]


def starts_ahead(date: Date, now: datetime, zone: ZoneInfo) -> list[time]:
    """The times at which a slot of ``date`` begins after ``now``. Compares instants."""
    starts = map(time_of, range(1440 // MARK_MINUTES))
    return [start for start in starts if at(date, start, zone).timestamp() > now.timestamp()]


def iso_week(date: Date) -> str:
    """The ISO week of ``date``, such as ``2026-W48``."""
    year, week, _ = date.isocalendar()
    return f"{year}-W{week:02d}"
