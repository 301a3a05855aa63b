"""The cost of a read at a million bookings beside a thousand, and of last year beside this week."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from booking_core import (
    Booking,
    Reference,
    Status,
    Student,
    day_board,
    find_bookings,
    find_students,
    load_reference,
    save_students,
)
from booking_core.booking import queries
from booking_core.calendars import school_calendar, write_calendar
from booking_core.storage.client.database import BookingDatabase, collection
from booking_core.storage.schema import schema

from . import school
from .measure import Result, in_turn, median, milliseconds, percentile, say

PAGE, DEEP = 10, 99
YEARS = 200_000  # bookings of four years
LAST_WEEK: dict[str, Any] = {"date_from": school.TODAY - timedelta(days=6), "date_to": school.TODAY}
LAST_YEAR: dict[str, Any] = {
    "date_from": school.TODAY.replace(school.TODAY.year - 1, 1, 1),
    "date_to": school.TODAY.replace(school.TODAY.year - 1, 12, 31),
}
FILTERS: dict[str, dict[str, Any]] = {
    "a ground": {"ground_id": "ground-3"},
    "a status": {"status": Status.APPROVED},
    "a class": {"class_name": "Class 8"},
    "a student": {"student_id": "S0000"},
    "the last week": LAST_WEEK,
    "an author": {"created_by": "staff-7"},
    "a ground and a status": {"ground_id": "ground-3", "status": Status.APPROVED},
    "a class in the last week": {"class_name": "Class 8", **LAST_WEEK},
    "active ones": {"status": (Status.PENDING, Status.APPROVED)},
    # Without an index, these queries would examine the whole collection.
    "an author without bookings": {"created_by": "staff-none"},
    "a class without bookings": {"class_name": "Class none"},
}
STUDENTS, SEARCH_BOUND_MS, AFTER_CHANGE = 20_000, 50.0, 20
QUERIES = ("", "s", "a", "ana", "8 a", "s0123", "obrien", "nguyen", "sa sb s a d f", "xyzzy qwerty")
EVENTS, CALENDAR_BOUND_MS = 10_000, 300.0
EMPTY = ("an author without bookings", "a class without bookings")


def board(many: BookingDatabase, few: BookingDatabase) -> Result:
    say("day_board, 1,000 times each ...")
    ours, yardstick = in_turn(
        lambda: day_board(many, school.TODAY, school.NOW),
        lambda: day_board(few, school.TODAY, school.NOW),
        times=1000,
        warm=100,
    )
    return Result(
        "day_board at 1,000,000 bookings, against 1,000",
        median(ours),
        median(yardstick),
        "ms",
        at_most=1.3,
    )


def page(name: str, many: BookingDatabase, few: BookingDatabase, filters: dict[str, Any]) -> Result:
    say(f"find_bookings, {name} ...")
    _same(name, many, few, filters)
    ours, yardstick = in_turn(
        lambda: find_bookings(many, limit=PAGE, **filters),
        lambda: find_bookings(few, limit=PAGE, **filters),
        times=300,
        warm=30,
    )
    return Result(
        f"find_bookings at 1,000,000, against 1,000: {name}",
        median(ours),
        median(yardstick),
        "ms",
        at_most=1.5,
    )


def last_year(years: BookingDatabase) -> Result:
    say("find_bookings, last year against the last week ...")
    size = queries.PAGE + 1  # as the Bookings screen queries
    ours, yardstick = in_turn(
        lambda: find_bookings(years, limit=size, **LAST_YEAR),
        lambda: find_bookings(years, limit=size, **LAST_WEEK),
        times=300,
        warm=30,
    )
    return Result(
        "find_bookings at 200,000: a page of last year, against one of this week",
        median(ours),
        median(yardstick),
        "ms",
        at_most=3,
    )


def deep_page(many: BookingDatabase, few: BookingDatabase) -> Result:
    """The 100th page, which starts ``after`` the last booking of the 99th."""
    last = _page_before(few)
    return page(f"page {DEEP + 1}", many, few, {"after": last})


def _page_before(db: BookingDatabase) -> Booking:
    last: Booking | None = None
    for _ in range(DEEP):
        last = find_bookings(db, limit=PAGE, after=last)[-1]
    if last is None:
        raise RuntimeError("no bookings")
    return last


def _same(name: str, many: BookingDatabase, few: BookingDatabase, filters: dict[str, Any]) -> None:
    """Raises RuntimeError if the answers differ, because their times could not be compared."""
    found = [[b.id for b in find_bookings(db, limit=PAGE, **filters)] for db in (many, few)]
    if found[0] != found[1] or len(found[0]) != (0 if name in EMPTY else PAGE):
        raise RuntimeError(f"{name}: {len(found[0])} and {len(found[1])} bookings, not the same")


def _listed() -> list[Student]:
    rng = random.Random(20_000)
    syllables = ("an", "ar", "de", "gu", "ha", "ja", "ka", "li", "ma", "na", "ra", "sa", "ta", "vi")
    names = ["".join(rng.choices(syllables, k=rng.randint(2, 5))).title() for _ in range(8_000)]
    return [
        Student(
            f"S{number:05d}",
            " ".join(rng.choices((*names, "O’Brien", "Müller", "Łukasz", "Nguyễn"), k=3)),
            f"{rng.randint(1, 12)}-{rng.choice('ABCDEFGH')}",
            f"s{number}@school.example",
        )
        for number in range(STUDENTS)
    ]


def students() -> Result:
    """The slowest of several queries, through the index that a Reference keeps."""
    say(f"find_students, {STUDENTS:,} students ...")
    listed = _listed()
    known = Reference(students={student.id: student for student in listed})
    find_students(known, "first")  # builds the index
    typed = [*QUERIES, *(student.name for student in random.Random(1).sample(listed, 100))]
    times = {text: milliseconds(partial(find_students, known, text)) for text in typed}
    return Result(
        f"search among {STUDENTS:,} students, the slowest of {len(typed)} queries, against 50 ms",
        max(times.values()),
        SEARCH_BOUND_MS,
        "ms",
        at_most=1.0,
        parts={"median": median(list(times.values()))},
    )


def changed_student(db: BookingDatabase) -> Result:
    """The first search after a change of one student, against other searches; from the database.

    ``db`` gets other students. The yardstick is the slowest query.
    """
    say(f"find_students after a change, {STUDENTS:,} students ...")
    listed = _listed()
    save_students(db, listed)

    def search(text: str) -> float:
        return milliseconds(lambda: find_students(load_reference(db), text))

    search("first")  # builds the index
    first: list[float] = []
    others: dict[str, list[float]] = {text: [] for text in QUERIES}
    for number, student in enumerate(listed[:20]):
        save_students(db, [replace(student, name=f"Changed Student {number}")])
        first.append(search("changed"))
        for text in QUERIES:
            others[text].append(search(text))
    return Result(
        f"the first search after a change of one of {STUDENTS:,} students, against another search",
        median(first),
        max(map(median, others.values())),
        "ms",
        at_most=AFTER_CHANGE,
    )


def calendar(db: BookingDatabase) -> Result:
    """A calendar of 79 days, planned and written after a change of one booking."""
    say(f"school_calendar, {EVENTS:,} events ...")
    now = school.NOW - timedelta(days=51)

    def ask() -> None:
        write_calendar(db, school_calendar(db, now=now))

    first = milliseconds(ask)
    rows = school_calendar(db, now=now).rows
    if len(rows) < EVENTS:
        raise RuntimeError(f"a calendar of {len(rows)} events")
    after: list[float] = []
    for row in rows[:50]:
        change = {"$inc": {"revision": 1}}
        collection(db, schema.BOOKINGS).update_one({"_id": row.id}, change)
        after.append(milliseconds(ask))
    unchanged = [milliseconds(lambda: school_calendar(db, now=now)) for _ in range(20)]
    return Result(
        f"a calendar of {len(rows):,} events, after a change of one, against 300 ms",
        percentile(after, 95),
        CALENDAR_BOUND_MS,
        "ms",
        at_most=1.0,
        parts={"the tag alone": median(unchanged), "the first of a process": first},
    )


def measurements(
    many: BookingDatabase, few: BookingDatabase, years: BookingDatabase
) -> Iterator[Callable[[], Result]]:
    yield students
    yield lambda: last_year(years)
    yield lambda: calendar(years)
    yield lambda: board(many, few)
    yield lambda: page("first page", many, few, {})
    yield lambda: deep_page(many, few)
    for name, filters in FILTERS.items():
        yield partial(page, name, many, few, filters)
    yield lambda: changed_student(few)  # the last one, because it adds students
