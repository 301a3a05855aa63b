"""Use of the grounds: bookings, hours and periods by ground, party, class, game and status."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date as Date
from datetime import time
from fractions import Fraction

from booking_core.domain.labels import (
    class_spellings,
    game_spellings,
    label_key,
    most_frequent,
)
from booking_core.domain.model import Actor, Party, Status
from booking_core.domain.validation import minutes
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
Span = tuple[int, int]  # minutes since midnight
# Days with the same times of periods and the same grounds.
Likeness = tuple[tuple[Span, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class UsageLine:
    """One ground, kind of party, class or game. ``bookings`` and ``hours`` are of pending and
    approved bookings.

    ``open`` is the number of periods of the ground's days without those that were closed (until
    the closure was lifted), and ``used`` is how many of them were booked; half a period counts as a
    half. Both are 0 for parties, classes and games.
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
class Usage:
    """Figures of ``first`` to ``last``; with ``own``, only of bookings that the actor made.

    ``grounds`` are in the order of the screens, ``parties`` (those with bookings) in the order of
    Party, each with its value as id; ``classes`` and ``games`` by hours, most first.
    All spellings of a class or game are one line: under that of most active students or of most
    grounds in use, else under that of most bookings.
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


@dataclass(slots=True)
class _Sum:
    """Exact sums: a sum of floats would leave a rest where nothing is open."""

    bookings: int = 0
    minutes: int = 0
    used: Fraction = field(default_factory=Fraction)
    open: Fraction = field(default_factory=Fraction)

    def add(self, count: store.Count, used: Fraction | int = 0) -> None:
        start, end = _span(count.start, count.end)
        self.bookings += count.bookings
        self.minutes += count.bookings * (end - start)
        self.used += count.bookings * used

    def line(self, id: str, name: str) -> UsageLine:
        hours = self.minutes / 60
        return UsageLine(id, name, self.bookings, hours, float(self.used), float(self.open))


Sums = defaultdict[str, _Sum]


@within_deadline(seconds=store.DEADLINE_SECONDS)
def usage(db: Documents, *, by: Actor, first: Date, last: Date) -> Usage:
    """The use of the grounds from ``first`` to ``last`` (inclusive, at most 400 days).

    Each day counts by the timetable and the grounds that it had. Staff see the bookings that they
    made themselves. Raises NotAllowed, InvalidRequest, StoreUnavailable.
    """
    own = check_report(by)
    check_range(first, last)
    known = reference.load(db)
    alike = _alike(plans_between(db, first, last))
    sums: dict[str, Sums] = {
        what: defaultdict(_Sum) for what in ("status", "party", "class", "game", "ground")
    }
    spelled: dict[str, Counter[str]] = {"class": Counter(), "game": Counter()}
    grounds = sums["ground"]
    for ((periods, ground_ids), dates), counts in zip(
        alike.items(), store.counts(db, list(alike.values()), own), strict=True
    ):
        for ground_id in ground_ids:
            grounds[ground_id].open += len(periods) * len(dates)
        for count in counts["closed"]:
            if count.name in ground_ids:
                covered = _covered(periods, _span(count.start, count.end))
                grounds[count.name].open -= count.bookings * covered
        for count in counts["ground"]:
            covered = _covered(periods, _span(count.start, count.end))
            grounds[count.name].add(count, covered)
        for what in ("status", "party"):
            for count in counts[what]:
                sums[what][count.name].add(count)
        for what, names in spelled.items():
            for count in counts[what]:
                sums[what][label_key(count.name)].add(count)
                names[count.name] += count.bookings
    in_order = [g.id for g in known.grounds.values() if not g.retired or g.id in grounds]
    in_order += sorted(set(grounds) - set(known.grounds))
    ground_names = {ground.id: ground.name for ground in known.grounds.values()}
    class_names = most_frequent(dict(sorted(spelled["class"].items())))
    class_names |= class_spellings(known.students.values())
    game_names = most_frequent(dict(sorted(spelled["game"].items())))
    game_names |= game_spellings(known.grounds.values())
    total = _Sum(
        sum(one.bookings for one in grounds.values()),
        sum(one.minutes for one in grounds.values()),
        sum((one.used for one in grounds.values() if one.open > 0), Fraction()),
        sum((one.open for one in grounds.values()), Fraction()),
    )
    return Usage(
        first,
        last,
        own is not None,
        total.line("", ""),
        tuple(grounds[id].line(id, ground_names.get(id, id)) for id in in_order),
        tuple(
            sums["party"][party].line(party.value, name)
            for party, name in _NAMES.items()
            if party in sums["party"]
        ),
        _ranked(sums["class"], class_names),
        _ranked(sums["game"], game_names),
        {status: sums["status"][status.value].bookings for status in Status},
    )


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
            share = None if line.share is None else round(line.share, 4)
            counted = (round(line.used, 2), round(line.open, 2), share)
            rows.append((what, line.name, line.bookings, round(line.hours, 2), *counted))
    ranked = (("Party", found.parties), ("Class", found.classes), ("Game", found.games))
    for what, lines in ranked:
        for line in lines:
            rows.append((what, line.name, line.bookings, round(line.hours, 2), None, None, None))
    for status, count in found.statuses.items():
        rows.append(("Status", status.value, count, None, None, None, None))
    return Export("Use of the grounds", columns, tuple(rows))


def _alike(days: Mapping[Date, DayOfSchool]) -> dict[Likeness, list[Date]]:
    """The dates of each kind of day, so that each kind is one query."""
    found: defaultdict[Likeness, list[Date]] = defaultdict(list)
    for date, day in days.items():
        periods = tuple(_span(period.start, period.end) for period in day.plan.periods)
        open_grounds = tuple(sorted(ground.id for ground in day.grounds if not ground.retired))
        found[periods, open_grounds].append(date)
    return found


def _span(start: time, end: time) -> Span:
    return minutes(start), minutes(end, closing=True)


def _covered(periods: Sequence[Span], span: Span) -> Fraction:
    """How many of ``periods`` a span covers; part of a period counts as its part of the minutes."""
    covered = Fraction()
    for start, end in periods:
        common = min(end, span[1]) - max(start, span[0])
        covered += Fraction(max(common, 0), end - start)
    return covered


def _ranked(sums: Sums, names: Mapping[str, str]) -> tuple[UsageLine, ...]:
    lines = [one.line(names[key], names[key]) for key, one in sums.items()]
    return tuple(sorted(lines, key=lambda line: (-line.hours, line.name)))
