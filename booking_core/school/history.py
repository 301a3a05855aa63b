"""The plan and the grounds of a day as they were when it passed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date as Date
from datetime import timedelta

from booking_core.domain.model import Ground
from booking_core.domain.timetable import DayPlan
from booking_core.storage.client.database import Documents
from booking_core.storage.school import snapshots as school_history
from booking_core.storage.school.data import load


@dataclass(frozen=True, slots=True)
class DayOfSchool:
    """A date's periods, and the grounds in use on it, in the order of the screens."""

    plan: DayPlan
    grounds: tuple[Ground, ...]


def plans_between(db: Documents, first: Date, last: Date) -> dict[Date, DayOfSchool]:
    """Each date from ``first`` to ``last`` (inclusive) with its plan and grounds.

    A past day has those of its evening: a later change of grounds, timetables or days does not
    reach it. Today and later days have the present ones. Raises StoreUnavailable.
    """
    # The present first: a change between the two reads then shows as a copy of this present.
    present = load(db)
    copies = iter(school_history.between(db, first, last))
    until, grounds, calendar = next(copies, (None, None, None))
    found: dict[Date, DayOfSchool] = {}
    for number in range((last - first).days + 1):
        date = first + timedelta(days=number)
        while until is not None and date >= until:
            until, grounds, calendar = next(copies, (None, None, None))
        if grounds is None or calendar is None:
            grounds, calendar = list(present.grounds.values()), present.calendar
        in_use = tuple(ground for ground in grounds if not ground.retired)
        found[date] = DayOfSchool(calendar.plan(date), in_use)
    return found


def school_then(db: Documents, day: Date, date: Date) -> DayOfSchool:
    """The plan of ``date`` and the grounds, as they were on the evening of ``day``.

    Of a day on which nothing has been changed since, these are the present ones. Raises
    StoreUnavailable.
    """
    present = load(db)  # first, as above
    copies = school_history.between(db, day, day)
    if not copies:
        return DayOfSchool(present.plan(date), tuple(present.open_grounds))
    _, grounds, calendar = copies[0]
    return DayOfSchool(calendar.plan(date), tuple(g for g in grounds if not g.retired))
