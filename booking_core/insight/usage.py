"""How much the grounds are used: by ground, class, game and status."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import time, timedelta
from typing import Any

from booking_core.domain.model import Actor, Period, Status
from booking_core.domain.timetable import marks
from booking_core.insight.audit import check_range
from booking_core.insight.exports import Table, Value, check_report
from booking_core.storage import school_data as reference
from booking_core.storage import usage as figures
from booking_core.storage.database import Documents


@dataclass(frozen=True, slots=True)
class Line:
    """One ground, class or game. ``bookings`` hold or held their slot: requested or approved.

    ``open`` is how many periods its ground could be had, closures left out, and ``used`` how many
    of them were; a booking of half a period counts for half. Both are 0 for classes and games.
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
    """Figures of ``first`` to ``last``; ``own``: of what the one who asked booked.

    ``grounds`` are in the order of the screens, ``classes`` and ``games`` the most hours first.
    """

    first: Date
    last: Date
    own: bool
    total: Line
    grounds: tuple[Line, ...]
    classes: tuple[Line, ...]
    games: tuple[Line, ...]
    statuses: Mapping[Status, int]


def usage(db: Documents, *, by: Actor, first: Date, last: Date) -> Usage:
    """The use of the grounds from ``first`` to ``last`` (inclusive, at most 400 days).

    Staff see what they booked themselves. Raises NotAllowed, InvalidRequest, StoreUnavailable.
    """
    own = check_report(by)
    check_range(first, last)
    known = reference.load(db)
    plans: defaultdict[tuple[Period, ...], list[Date]] = defaultdict(list)
    for number in range((last - first).days + 1):
        date = first + timedelta(days=number)
        plans[known.plan(date).periods].append(date)
    sums: defaultdict[str, defaultdict[str, list[float]]] = defaultdict(
        lambda: defaultdict(lambda: [0, 0.0])
    )
    used: defaultdict[str, float] = defaultdict(float)
    open_: defaultdict[str, float] = defaultdict(float)
    for (periods, dates), rows in zip(
        plans.items(), figures.sums(db, list(plans.values()), own), strict=True
    ):
        for ground in known.open_grounds:
            open_[ground.id] += len(periods) * len(dates)
        for what in ("status", "class", "game"):
            _add(sums[what], ((row["_id"], row) for row in rows[what]))
        for row in rows["ground"]:
            ground_id = row["_id"]["ground"]
            covered = row["bookings"] * _periods(periods, row["_id"])
            if row["_id"]["kind"] == "closure":
                if ground_id in open_:
                    open_[ground_id] -= covered
            else:
                used[ground_id] += covered
                _add(sums["ground"], [(ground_id, row)])
    names = {g.id: g.name for g in known.grounds.values()}
    grounds = tuple(
        Line(id, names.get(id, id), *_sums(sums["ground"], id), used[id], open_.get(id, 0.0))
        for id in [
            *(g.id for g in known.grounds.values() if not g.retired or g.id in sums["ground"]),
            *sorted(set(sums["ground"]) - set(known.grounds)),
        ]
    )
    total = Line(
        "",
        "",
        sum(line.bookings for line in grounds),
        sum(line.hours for line in grounds),
        sum(line.used for line in grounds if line.open > 0),
        sum(line.open for line in grounds),
    )
    statuses = {status: _sums(sums["status"], status.value)[0] for status in Status}
    classes, games = (_ranked(sums[what]) for what in ("class", "game"))
    return Usage(first, last, own is not None, total, grounds, classes, games, statuses)


def table(figures: Usage) -> Table:
    """The figures as rows to export."""
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
    for what, lines in (("Total", [figures.total]), ("Ground", figures.grounds)):
        for line in lines:
            share = None if line.share is None else round(line.share, 4)
            counted = (round(line.used, 2), round(line.open, 2), share)
            rows.append((what, line.name, line.bookings, round(line.hours, 2), *counted))
    for what, lines in (("Class", figures.classes), ("Game", figures.games)):
        for line in lines:
            rows.append((what, line.name, line.bookings, round(line.hours, 2), None, None, None))
    for status, count in figures.statuses.items():
        rows.append(("Status", status.value, count, None, None, None, None))
    return Table("Use of the grounds", columns, tuple(rows))


def _periods(periods: Sequence[Period], span: Mapping[str, Any]) -> float:
    """How many of ``periods`` a span covers, parts counted as parts."""
    taken = set(marks(time.fromisoformat(span["start"]), time.fromisoformat(span["end"])))
    return sum(
        len(taken & set(of_period)) / len(of_period)
        for of_period in (marks(period.start, period.end) for period in periods)
    )


def _add(
    sums: defaultdict[str, list[float]], rows: Iterable[tuple[str, Mapping[str, Any]]]
) -> None:
    for name, row in rows:
        sums[name][0] += row["bookings"]
        sums[name][1] += row["hours"]


def _sums(sums: Mapping[str, list[float]], name: str) -> tuple[int, float]:
    count, hours = sums.get(name, (0, 0.0))
    return int(count), hours


def _ranked(sums: Mapping[str, list[float]]) -> tuple[Line, ...]:
    lines = [Line(name, name, *_sums(sums, name)) for name in sums]
    return tuple(sorted(lines, key=lambda line: (-line.hours, line.name)))
