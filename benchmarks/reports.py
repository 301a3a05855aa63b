"""The reports of a year of 100,000 bookings, read cold: nothing of them is cached."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import time, timedelta
from operator import itemgetter
from typing import Any
from uuid import UUID

from booking_core import (
    Actor,
    Booking,
    BookingRequest,
    Ground,
    Period,
    Role,
    Status,
    Timetable,
    save_ground,
    save_timetable,
)
from booking_core.domain.model import Decision
from booking_core.reports import demand, fairness, usage, usage_total
from booking_core.storage.client.database import BookingDatabase
from booking_core.storage.documents import Document, booking_document

from . import school
from .measure import Result, median, milliseconds, percentile, say

BOOKINGS, DAYS, BOUND_MS, TIMES = 100_000, 365, 500.0, 20
GROUNDS = 24
PERIODS = tuple(Period(f"Period {hour - 6}", time(hour), time(hour + 1)) for hour in range(7, 19))
GAMES = ("Football", "Cricket", "Volleyball", "Hockey", "Basketball", "Athletics")
LAST = school.TODAY
FIRST = LAST - timedelta(days=DAYS - 1)
HEAD = Actor("head", Role.PRINCIPAL, "Head")
_ACTIONS = {
    Status.APPROVED: "approved",
    Status.REJECTED: "rejected",
    Status.CANCELLED: "cancelled",
    Status.REVOKED: "displaced",
    Status.LAPSED: "lapsed",
}
_REASONS = ("Exams", "No supervisor", "Sports day", "The ground is wet")

RANGE: dict[str, Any] = {"by": HEAD, "first": FIRST, "last": LAST}
REPORTS: dict[str, Callable[[BookingDatabase], object]] = {
    "the use of the grounds": lambda db: usage(db, **RANGE),
    "the demand": lambda db: demand(db, **RANGE),
    "the fairness": lambda db: fairness(db, **RANGE),
    "the total use alone": lambda db: usage_total(db, **RANGE),
}


def seed(db: BookingDatabase, like: Booking) -> None:
    """Stores 100,000 bookings of one year in the order in which they were requested."""
    save_timetable(db, Timetable("regular", PERIODS, tuple(range(7))))
    for number in range(GROUNDS):
        save_ground(db, Ground(f"ground-{number}", f"Ground {number}", GAMES, order=number))
    rows = sorted(_year(like), key=itemgetter("created_at"))
    school.store(db, BOOKINGS, iter(rows))


def _year(like: Booking) -> Iterator[Document]:
    dice = random.Random(1)
    statuses = [Status.APPROVED] * 8 + [*_ACTIONS]
    slots = list(itertools.product(range(DAYS), range(GROUNDS), PERIODS))
    for number, (day, ground, period) in enumerate(dice.sample(slots, BOOKINGS)):
        request = BookingRequest(
            f"ground-{ground}",
            LAST - timedelta(days=day),
            period.start,
            period.end,
            # On one ground at a time.
            school.student_id(
                (day * 37 + period.start.hour * 101 + ground * 163) % school.STUDENTS
            ),
            dice.choice(GAMES),
        )
        starts_at = school.NOW + (request.date - school.TODAY)
        asked_at = starts_at - timedelta(minutes=dice.randrange(60 * 24, 60 * 24 * 20))
        decided_at = asked_at + timedelta(minutes=dice.randrange(5, 60 * 20))
        status = dice.choice(statuses)
        by = f"staff-{dice.randrange(school.STAFF)}"
        asked = Decision(asked_at, by, by, "requested")
        decided = Decision(decided_at, "head", "Head", _ACTIONS[status], dice.choice(_REASONS))
        if status is Status.REVOKED:
            decided = replace(decided, displaced_by="closing/0", status_before=Status.APPROVED)
        booking = school.booking_for(request, UUID(int=number), like)
        yield booking_document(
            replace(
                booking,
                status=status,
                game=request.game,
                created_by=by,
                created_by_name=by,
                created_at=asked_at,
                updated_at=decided_at,
                history=(asked, decided),
                quota_window=None,
                quota_seat=None,
            )
        )


def measurements(db: BookingDatabase) -> Iterator[Result]:
    for name, report in REPORTS.items():
        say(f"{name} of a year of {BOOKINGS:,} bookings ...")
        times = [milliseconds(lambda: report(db)) for _ in range(TIMES + 2)][2:]  # noqa: B023
        yield Result(
            f"{name} of a year of {BOOKINGS:,} bookings, p95, against 500 ms",
            percentile(times, 95),
            BOUND_MS,
            "ms",
            at_most=1.0,
            parts={"median": median(times)},
        )
