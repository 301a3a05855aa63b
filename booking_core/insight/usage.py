"""Use of the grounds by weekday and period, by week, ground, party, class, game and team."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date as Date
from datetime import time, timedelta
from fractions import Fraction
from functools import lru_cache

from booking_core.domain.labels import (
    class_spellings,
    game_spellings,
    label_key,
    most_frequent,
)
from booking_core.domain.model import Actor, Party, Status
from booking_core.domain.timetable import DayPlan
from booking_core.domain.validation import check_id, minutes
from booking_core.insight.audit import check_range
from booking_core.insight.exports import Export, Value, check_report
from booking_core.school.history import DayOfSchool, plans_between
from booking_core.storage.bookings import usage as store
from booking_core.storage.client.database import Documents
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference

_NAMES = {
    Party.STUDENTS: "Students",
    Party.CLASS: "Classes",
    Party.TEAM: "Teams",
    Party.STAFF: "Staff",
}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
Span = tuple[int, int]  # minutes since midnight


@dataclass(frozen=True, slots=True)
class Likeness:
    """What days have in common whose bookings are counted together: the times of the periods, and
    the grounds in use that have them.

    ``counted``: the grounds whose bookings count, None for all but those in ``apart``, which have
    periods of their own.
    """

    periods: tuple[Span, ...]
    ground_ids: tuple[str, ...]
    counted: tuple[str, ...] | None
    apart: frozenset[str]


@dataclass(frozen=True, slots=True)
class UsageLine:
    """One ground, kind of party, class, game or team. ``bookings`` and ``hours`` are of pending
    and approved bookings; one for several students counts once.

    ``open`` is the number of periods of the ground's days without those that were closed (until
    the closure was lifted), and ``used`` is how many of them were booked; half a period counts as a
    half. Both are 0 for parties, classes, games and teams.
    """

    id: str
    name: str
    bookings: int
    hours: float
    used: float = 0.0
    open: float = 0.0

    @property
    def share(self) -> float | None:
        """Used of open periods, 0 to 1; None where nothing was open."""
        return self.used / self.open if self.open > 0 else None


@dataclass(frozen=True, slots=True)
class PeriodUse:
    """The periods of one weekday (0 is Monday) and time of day: how many were open and used."""

    weekday: int
    start: time
    end: time
    used: float
    open: float

    @property
    def share(self) -> float | None:
        """Used of open periods, 0 to 1; None where nothing was open."""
        return self.used / self.open if self.open > 0 else None


@dataclass(frozen=True, slots=True)
class WeekUse:
    """The days from ``first`` to ``last`` of one week, Monday to Sunday, within the range."""

    first: Date
    last: Date
    used: float
    open: float

    @property
    def share(self) -> float | None:
        """Used of open periods, 0 to 1; None where nothing was open."""
        return self.used / self.open if self.open > 0 else None


@dataclass(frozen=True, slots=True)
class Usage:
    """Figures of ``first`` to ``last``; with ``own``, only of bookings that the actor made, with
    ``ground_id`` only of that ground.

    ``grounds`` are in the order of the screens, ``parties`` (those with bookings) in the order of
    Party, each with its value as id; ``classes``, ``games`` and ``teams`` by hours, most first.
    All spellings of a class or game are one line: under that of most active students or of most
    grounds in use, else under that of most bookings. A booking for students of several classes
    counts for each of them. ``periods`` are in the order of weekday and time, those that were open
    on some day; ``weeks`` in order of time. Both are of the grounds in use.
    """

    first: Date
    last: Date
    own: bool
    total: UsageLine
    grounds: tuple[UsageLine, ...]
    parties: tuple[UsageLine, ...]
    classes: tuple[UsageLine, ...]
    games: tuple[UsageLine, ...]
    statuses: Mapping[Status, int]
    teams: tuple[UsageLine, ...] = ()
    periods: tuple[PeriodUse, ...] = ()
    weeks: tuple[WeekUse, ...] = ()
    ground_id: str | None = None


@dataclass(slots=True)
class _Sum:
    """Exact sums: a sum of floats would leave a rest where nothing is open."""

    bookings: int = 0
    minutes: int = 0
    used: Fraction = field(default_factory=Fraction)
    open: Fraction = field(default_factory=Fraction)

    def add(self, count: int, span: Span, used: Fraction | int = 0) -> None:
        self.bookings += count
        self.minutes += count * (span[1] - span[0])
        self.used += count * used

    def line(self, id: str, name: str) -> UsageLine:
        hours = self.minutes / 60
        return UsageLine(id, name, self.bookings, hours, float(self.used), float(self.open))


Sums = defaultdict[str, _Sum]
_WHOLE = Fraction(1)


@dataclass(slots=True)
class _Parts:
    """Parts of periods, each with the number of times that it counts."""

    used: Counter[Fraction] = field(default_factory=Counter)
    open: Counter[Fraction] = field(default_factory=Counter)

    @property
    def sums(self) -> tuple[float, float]:
        """The used and the open periods."""
        used, open = (
            sum((part * count for part, count in parts.items()), Fraction())
            for parts in (self.used, self.open)
        )
        return float(used), float(open)


@dataclass(frozen=True, slots=True)
class _Question:
    """What is counted: the days by likeness, one ground or all, one account's bookings or all."""

    first: Date
    last: Date
    alike: Mapping[Likeness, Sequence[Date]]
    lifted: Sequence[store.LiftedClosure]
    ground_id: str | None
    own: str | None


@within_deadline(seconds=store.DEADLINE_SECONDS)
def usage(
    db: Documents, *, by: Actor, first: Date, last: Date, ground_id: str | None = None
) -> Usage:
    """The use of the grounds, or of one, from ``first`` to ``last`` (inclusive, at most 400 days).

    Each day counts by the timetable and the grounds that it had. Staff see the bookings that they
    made themselves. Raises NotAllowed, InvalidRequest, UnknownGround, StoreUnavailable.
    """
    known, asked = _question(db, by, first, last, ground_id)
    grounds = _by_ground(db, asked)
    parties, classes, games, teams = (defaultdict[str, _Sum](_Sum) for _ in range(4))
    statuses: Counter[Status] = Counter()
    spelled: dict[str, Counter[str]] = {"class": Counter(), "game": Counter()}
    team_names: dict[str, str] = {}
    for one in store.label_counts(db, first, last, ground_id, asked.own):
        span, count = _span(one.start, one.end), one.count
        statuses[one.status] += count
        parties[one.party].add(count, span)
        games[label_key(one.game)].add(count, span)
        spelled["game"][one.game] += count
        for key in {label_key(name) for name in one.classes}:
            classes[key].add(count, span)
        for name in one.classes:
            spelled["class"][name] += count
        if one.team_id:
            teams[one.team_id].add(count, span)
            team_names[one.team_id] = one.team
    statuses.update(store.inactive_counts(db, first, last, ground_id, asked.own))
    class_names = most_frequent(dict(sorted(spelled["class"].items())))
    class_names |= class_spellings(known.students.values())
    game_names = most_frequent(dict(sorted(spelled["game"].items())))
    game_names |= game_spellings(known.grounds.values())
    team_names |= {id: team.name for id, team in known.teams.items()}
    periods, weeks = _by_day(db, asked)
    return Usage(
        first,
        last,
        asked.own is not None,
        _total(grounds),
        _ground_lines(known, grounds, ground_id),
        tuple(
            parties[party].line(party.value, name)
            for party, name in _NAMES.items()
            if party in parties
        ),
        _ranked(classes, class_names),
        _ranked(games, game_names),
        {status: statuses[status] for status in Status},
        _ranked(teams, team_names),
        periods,
        weeks,
        ground_id,
    )


@within_deadline(seconds=store.DEADLINE_SECONDS)
def usage_total(
    db: Documents, *, by: Actor, first: Date, last: Date, ground_id: str | None = None
) -> UsageLine:
    """``usage(...).total`` alone, at a third of its cost: to compare with another range.

    Raises NotAllowed, InvalidRequest, UnknownGround, StoreUnavailable.
    """
    _, asked = _question(db, by, first, last, ground_id)
    return _total(_by_ground(db, asked))


def _question(
    db: Documents, by: Actor, first: Date, last: Date, ground_id: str | None
) -> tuple[reference.Reference, _Question]:
    own = check_report(by)
    check_range(first, last)
    known = reference.load(db)
    if ground_id is not None:
        known.ground(check_id(ground_id, "ground_id"))
    alike = _alike(plans_between(db, first, last), ground_id)
    lifted = store.lifted_closures(db, first, last)
    return known, _Question(first, last, alike, lifted, ground_id, own)


def _by_ground(db: Documents, asked: _Question) -> Sums:
    """The sums of each ground that was in use or has bookings."""
    grounds: Sums = defaultdict(_Sum)
    for kind, dates in asked.alike.items():
        periods, ground_ids = kind.periods, kind.ground_ids
        for ground_id in ground_ids:
            grounds[ground_id].open += len(periods) * len(dates)
        for one in store.span_counts(db, "ground_id", dates, kind.counted, asked.own):
            if one.name in kind.apart:
                continue
            span = _span(one.start, one.end)
            covered = sum(_parts(periods, span).values())
            if not one.is_closed:
                grounds[one.name].add(one.count, span, covered)
            elif one.name in ground_ids:
                grounds[one.name].open -= one.count * covered
        days = set(dates)
        for closure in asked.lifted:
            if closure.date in days and closure.ground_id in ground_ids:
                covered = sum(_parts(periods, _span(closure.start, closure.end)).values())
                grounds[closure.ground_id].open -= covered
    return grounds


def _by_day(db: Documents, asked: _Question) -> tuple[tuple[PeriodUse, ...], tuple[WeekUse, ...]]:
    """The open and used periods by weekday and time, and by week, of the grounds in use."""
    # How often each part of a period was used and open: adding fractions one by one is slow.
    cells: defaultdict[tuple[int, Span], _Parts] = defaultdict(_Parts)
    weeks: defaultdict[Date, _Parts] = defaultdict(_Parts)

    def add(date: Date, span: Span, part: Fraction, *, used: int = 0, open: int = 0) -> None:
        for one in (cells[date.weekday(), span], weeks[date - timedelta(days=date.weekday())]):
            one.used[part] += used
            one.open[part] += open

    for kind, dates in asked.alike.items():
        periods, ground_ids = kind.periods, kind.ground_ids
        for date in dates:
            for period in periods:
                add(date, period, _WHOLE, open=len(ground_ids))
        for one in store.span_counts(db, "date", dates, ground_ids, asked.own):
            date = Date.fromisoformat(one.name)
            for period, part in _parts(periods, _span(one.start, one.end)).items():
                if one.is_closed:
                    add(date, period, part, open=-one.count)
                else:
                    add(date, period, part, used=one.count)
        days = set(dates)
        for closure in asked.lifted:
            if closure.date in days and closure.ground_id in ground_ids:
                for period, part in _parts(periods, _span(closure.start, closure.end)).items():
                    add(closure.date, period, part, open=-1)
    return (
        tuple(
            PeriodUse(weekday, _time(span[0]), _time(span[1]), *one.sums)
            for (weekday, span), one in sorted(cells.items(), key=lambda cell: cell[0])
        ),
        tuple(
            WeekUse(
                max(monday, asked.first),
                min(monday + timedelta(days=6), asked.last),
                *one.sums,
            )
            for monday, one in sorted(weeks.items(), key=lambda week: week[0])
        ),
    )


def _total(grounds: Sums) -> UsageLine:
    total = _Sum(
        sum(one.bookings for one in grounds.values()),
        sum(one.minutes for one in grounds.values()),
        sum((one.used for one in grounds.values() if one.open > 0), Fraction()),
        sum((one.open for one in grounds.values()), Fraction()),
    )
    return total.line("", "")


def _ground_lines(
    known: reference.Reference, grounds: Sums, ground_id: str | None
) -> tuple[UsageLine, ...]:
    names = {ground.id: ground.name for ground in known.grounds.values()}
    in_order = [g.id for g in known.grounds.values() if not g.retired or g.id in grounds]
    in_order += sorted(set(grounds) - set(known.grounds))
    wanted = [id for id in in_order if ground_id in (None, id)]
    return tuple(grounds[id].line(id, names.get(id, id)) for id in wanted)


def export_usage(found: Usage) -> Export:
    """Returns the figures as a table to export."""
    columns = (
        ("By", 10),
        ("Name", 28),
        ("Bookings", 10),
        ("Hours", 10),
        ("Periods used", 13),
        ("Periods open", 13),
        ("Share used", 11),
    )
    rows: list[tuple[Value, ...]] = []
    for what, lines in (("Total", [found.total]), ("Ground", found.grounds)):
        for line in lines:
            rows.append((what, line.name, line.bookings, round(line.hours, 2), *_rounded(line)))
    ranked = (
        ("Party", found.parties),
        ("Class", found.classes),
        ("Game", found.games),
        ("Team", found.teams),
    )
    for what, lines in ranked:
        for line in lines:
            rows.append((what, line.name, line.bookings, round(line.hours, 2), None, None, None))
    for status, count in found.statuses.items():
        rows.append(("Status", status.value, count, None, None, None, None))
    for use in found.periods:
        name = f"{WEEKDAYS[use.weekday]} {use.start:%H:%M}-{use.end:%H:%M}"
        rows.append(("Weekday and period", name, None, None, *_rounded(use)))
    for week in found.weeks:
        name = f"{week.first.isoformat()} to {week.last.isoformat()}"
        rows.append(("Week", name, None, None, *_rounded(week)))
    return Export("Use of the grounds", columns, tuple(rows))


def _rounded(line: UsageLine | PeriodUse | WeekUse) -> tuple[float, float, float | None]:
    share = None if line.share is None else round(line.share, 4)
    return round(line.used, 2), round(line.open, 2), share


def _alike(
    days: Mapping[Date, DayOfSchool], ground_id: str | None = None
) -> dict[Likeness, list[Date]]:
    """The dates of each kind of day, so that each kind is one query; with the grounds of it that
    are asked for."""
    found: defaultdict[Likeness, list[Date]] = defaultdict(list)
    for date, day in days.items():
        in_use = sorted(ground.id for ground in day.grounds if ground_id in (None, ground.id))
        own = day.plan.own
        if ground_id not in own:
            rest = tuple(id for id in in_use if id not in own)
            counted = None if ground_id is None else (ground_id,)
            found[Likeness(_spans(day.plan), rest, counted, frozenset(own))].append(date)
        groups: defaultdict[tuple[Span, ...], list[str]] = defaultdict(list)
        for id, plan in own.items():
            if ground_id in (None, id):
                groups[_spans(plan)].append(id)
        for periods, ids in groups.items():
            those_in_use = tuple(id for id in in_use if id in ids)
            found[Likeness(periods, those_in_use, tuple(ids), frozenset())].append(date)
    return found


def _spans(plan: DayPlan) -> tuple[Span, ...]:
    return tuple(_span(period.start, period.end) for period in plan.periods)


def _span(start: time, end: time) -> Span:
    return minutes(start), minutes(end, closing=True)


def _time(minute: int) -> time:
    """The time of day of a minute since midnight; 1440 is 00:00."""
    return time(minute // 60 % 24, minute % 60)


@lru_cache(maxsize=10_000)
def _parts(periods: tuple[Span, ...], span: Span) -> Mapping[Span, Fraction]:
    """The part of each of ``periods`` that ``span`` covers, of those that it touches."""
    found = {}
    for start, end in periods:
        common = min(end, span[1]) - max(start, span[0])
        if common > 0:
            found[start, end] = Fraction(common, end - start)
    return found


def _ranked(sums: Sums, names: Mapping[str, str]) -> tuple[UsageLine, ...]:
    lines = [one.line(names[key], names[key]) for key, one in sums.items()]
    return tuple(sorted(lines, key=lambda line: (-line.hours, line.name)))
