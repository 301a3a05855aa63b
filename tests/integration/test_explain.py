"""Every query of a screen at 200,000 bookings: an index, a sort of one page at most, few reads.

The queries are those of the public functions: each reading command is recorded on its way to the
server, and explained.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, time, timedelta
from itertools import combinations
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from large_school import Plan, Query, called_by, fill, open_recorded, plan_of
from support import ADMIN, DAY, HEAD, NOW, open_school, request_for

from booking_core import (
    Settings,
    Status,
    approved_upcoming,
    bookings_ahead,
    bookings_on,
    connect,
    count_bookings,
    day_board,
    days_at_a_glance,
    decided_lately,
    displaced_by,
    find_bookings,
    find_closures,
    find_reinstatable,
    get_booking,
    load_reference,
    misfits,
    notices_for,
    pending_queue,
    quotas_of,
    search_filters,
    week_of,
    weeks_of,
)
from booking_core.booking import queries
from booking_core.calendars import ground_calendar, own_calendar, school_calendar
from booking_core.domain import timetable
from booking_core.reports import find_changes, usage
from booking_core.storage import mails
from booking_core.storage import notices as notice_store
from booking_core.storage.bookings import calendar_rows
from booking_core.storage.bookings import pages as booking_pages
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.client.transactions import transact
from booking_core.storage.schema import schema

# One worker builds the large school, once.
pytestmark = pytest.mark.xdist_group("large school")

MOST = 201  # that a count finds: one more than the screen shows
PAGE = 51  # documents that the Bookings screen requests: one more than it shows
FILTERS: dict[str, Any] = {
    "ground_id": "ground-8",
    "status": Status.LAPSED,
    "student_id": "S008",
    "class_name": "8-A",
    "created_by": "staff-8",
}
# Other collections, such as the grounds, are small and read completely.
GROWING_COLLECTIONS = (schema.BOOKINGS, schema.AUDIT, schema.NOTICES, schema.MAILS)
RANGES: dict[str, dict[str, date]] = {
    "all dates": {},
    "this week": {"date_from": DAY - timedelta(6), "date_to": DAY},
    "last year": {"date_from": date(2025, 1, 1), "date_to": date(2025, 12, 31)},
    "from today": {"date_from": DAY},
    "four years": {"date_from": date(2020, 1, 1), "date_to": DAY + timedelta(400)},
}


VIEWS: list[dict[str, Any]] = [
    {"when": "ahead", "order": "soonest", "now": NOW},
    {"when": "over", "order": "latest", "now": NOW},
    {"when": "ahead", "order": "asked", "now": NOW},
    {"when": "over", "order": "asked", "now": NOW},
    {"order": "soonest"} | RANGES["last year"],
]


@pytest.fixture(scope="module")
def large(mongod_uri):
    """The database of a large school, and the recorder of its reads."""
    name = f"test_{uuid4().hex[:12]}"
    made = connect(Settings(mongodb_uri=mongod_uri, database=name, time_zone="Asia/Kolkata"))
    open_school(made)
    fill(made)
    db, recorder = open_recorded(mongod_uri, name)
    yield db, recorder
    made.client.drop_database(name)
    db.client.close()
    made.client.close()


def pages(db: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Reads the pages of the Bookings screen: each set of filters, and a page in the middle."""
    for name, dates in RANGES.items():
        for size in range(len(FILTERS) + 1):
            for chosen in combinations(FILTERS, size):
                filters = {key: FILTERS[key] for key in chosen}
                yield ", ".join([name, *chosen]), filters | dates
                if name == "all dates":
                    for shown in VIEWS:
                        yield ", ".join([str(shown), *chosen]), filters | shown
        after = find_bookings(db, **dates, limit=1000)[-1]
        yield f"{name}, a later page", dates | {"after": after}
    for shown in VIEWS:
        after = find_bookings(db, **shown, limit=1000)[-1]
        yield f"{shown}, a later page", shown | {"after": after}
        yield f"{shown}, many students", shown | {"student_id": [f"S{n:03d}" for n in range(50)]}
        yield f"{shown}, a reference", shown | {"reference": after.reference}
    yield "closures too", {"kind": None}
    yield "closures alone", {"kind": "closure"}


def changes(db: Any, **filters: Any) -> object:
    return find_changes(db, by=ADMIN, first=DAY - timedelta(30), last=DAY, **filters)


def ahead(db: Any, students: int) -> object:
    return bookings_ahead(db, [f"S{n:03d}" for n in range(students)], now=NOW)


# A call of each screen, and how many bookings it may read.
LISTS: dict[str, tuple[Callable[[Any], object], int]] = {
    "a day": (lambda db: day_board(db, DAY, NOW), 128),
    "five weeks of days": (
        lambda db: days_at_a_glance(db, DAY, DAY + timedelta(34), NOW),
        35 * 128,
    ),
    "a day of every ground": (lambda db: booking_queries.of_date(db, DAY), 128),
    "the claims of a day": (
        lambda db: booking_queries.holders_of_date(db, DAY, "ground|x|0|0"),
        128,
    ),
    "one booking": (lambda db: get_booking(db, stored(db).id), 1),
    "the queue": (pending_queue, queries.QUEUE),
    "approved ahead": (lambda db: approved_upcoming(db, now=NOW), queries.QUEUE),
    "decided lately": (decided_lately, queries.PAGE),
    "changes since": (
        lambda db: booking_queries.changed_since(db, NOW + timedelta(days=900), 100),
        100,
    ),
    "changes behind one": (
        lambda db: booking_queries.changed_since(
            db, NOW + timedelta(days=900), 100, replace(stored(db), updated_at=NOW)
        ),
        400,
    ),
    "ahead on a ground": (lambda db: bookings_on(db, "ground-8", DAY), 1000),
    "misfits": (lambda db: misfits(db, from_date=DAY), 0),
    "all of them misfits": (
        lambda db: misfits(
            db, from_date=DAY + timedelta(50), plan=lambda d: timetable.DayPlan(d, (), None)
        ),
        2000,
    ),
    "a student's week": (lambda db: week_of(db, "S008", DAY), 10),
    "a student's quota": (
        lambda db: quotas_of(db, request_for(student="S008"), by=HEAD),
        10,
    ),
    "students' weeks": (lambda db: weeks_of(db, pending_queue(db, limit=50)), 200),
    "ahead of a student": (lambda db: ahead(db, 1), 20),
    "ahead of a class": (lambda db: ahead(db, 100), 1000),
    "ahead of a school": (lambda db: ahead(db, 4000), 1000),
    "closures ahead": (lambda db: find_closures(db, from_date=DAY), 200),
    "what a closure displaces": (
        lambda db: displaced_by(db, ground_ids=["ground-8"], first=DAY, last=DAY, now=NOW),
        128,
    ),
    # The limit includes all bookings of the same days.
    "to be given back": (lambda db: find_reinstatable(db, from_date=DAY, now=NOW), 3000),
    "notices": (lambda db: notices_for(db, HEAD.id), 0),
    "notices that no mail has told": (
        lambda db: notice_store.due_for_mail(db, 50, [HEAD.id], NOW),
        0,
    ),
    "the first notice that no mail has told": (lambda db: notice_store.first_due(db, NOW), 0),
    "notices of a mail": (lambda db: notice_store.unread_of(db, ["none"]), 0),
    "the last mail of requests": (lambda db: mails.last_asked(db, HEAD.id), 0),
    "approved bookings of four days": (
        lambda db: booking_queries.approved_between(db, DAY, DAY + timedelta(3)),
        4 * 128,
    ),
    "mails that exist": (lambda db: mails.stored_ids(db, ["none", "neither"]), 0),
    "the next mail": (mails.next_due, 0),
    "the state of the mails": (mails.state, 0),
    "the last day that is booked": (
        lambda db: transact(db, lambda session: booking_queries.last_active_date(db, session)),
        1,
    ),
    "requests that lapse": (
        lambda db: booking_queries.pending_over(
            db, today=DAY + timedelta(9), ends_ahead=[time(12)], limit=1000
        ),
        1000,
    ),
    "stored ids": (lambda db: booking_queries.stored_ids(db, [stored(db).id]), 0),
    "several days": (lambda db: booking_queries.of_dates(db, [DAY, DAY + timedelta(7)]), 256),
    "all that was ever on a day": (lambda db: booking_queries.ever_of_dates(db, [DAY]), 256),
    "a series": (lambda db: booking_queries.of_series(db, "none"), 0),
    "last dates of series": (
        lambda db: booking_queries.last_dates_of_series(db, ["none"], DAY),
        0,
    ),
    "requests of series": (lambda db: booking_queries.pending_of_series(db, ["none"]), 0),
    "surfaces, for the doctor": (
        lambda db: booking_queries.surfaces_from(db, DAY + timedelta(50)),
        2000,
    ),
    "changes": (changes, 1000),
    "changes of a person": (lambda db: changes(db, who="staff-8"), 1000),
    "changes of a kind": (lambda db: changes(db, action="revoked"), 1000),
    "changes of a person of a kind": (
        lambda db: changes(db, who="staff-8", action="requested"),
        1000,
    ),
    # Of 28 days back and all that is ahead.
    "the calendar of the school": (lambda db: school_calendar(db, now=NOW), 92 * 128),
    "the calendar of a ground": (lambda db: ground_calendar(db, "ground-8", now=NOW), 92 * 8),
    "the calendar of an account": (lambda db: own_calendar(db, "staff-8", now=NOW), 500),
    # A report sums up all bookings of its days.
    "a report of a month": (
        lambda db: usage(db, by=HEAD, first=DAY - timedelta(30), last=DAY),
        31 * 128 + 64,
    ),
}


def stored(db: Any) -> Any:
    return find_bookings(db, limit=1)[0]


def plans_of(large: Any, work: Callable[[Any], object]) -> list[tuple[Query, Plan]]:
    """Runs ``work``; returns its queries of growing collections, each with its plan."""
    db, recorder = large
    recorder.queries.clear()
    work(db)
    made = [query for query in recorder.queries if query.collection in GROWING_COLLECTIONS]
    return [(query, plan_of(db, query)) for query in made]


def check(large: Any, work: Callable[[Any], object], documents: int, label: str) -> None:
    plans = plans_of(large, work)

    assert plans
    for query, plan in plans:
        said = f"{label}: {query.command} {plan}"
        assert "COLLSCAN" not in plan.stages, said
        assert plan.sorted <= query.command.get("limit", PAGE), said
    read = sum(plan.documents for _, plan in plans)
    assert read <= documents + 2, f"{label}: {read} documents"


def test_no_page_of_the_bookings_screen_reads_more_than_twenty_pages(large):
    for label, asked in pages(large[0]):
        check(large, lambda db, a=asked: find_bookings(db, **a, limit=PAGE), 20 * PAGE, label)


def test_counting_the_bookings_of_a_list_reads_no_more_than_its_bound(large):
    for label, asked in pages(large[0]):
        counted = {key: value for key, value in asked.items() if key not in ("after", "order")}
        check(large, lambda db, a=counted: count_bookings(db, **a), MOST, label)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_read_by_an_index_in_its_order(large, name):
    work, documents = LISTS[name]

    check(large, work, documents, name)


def test_each_index_for_lists_is_used_by_a_list(large):
    works = [work for work, _ in LISTS.values()]
    for chosen in ({}, RANGES["last year"], *({key: FILTERS[key]} for key in FILTERS)):
        works.append(lambda db, c=chosen: find_bookings(db, **c, limit=PAGE))
        works.append(lambda db, c=chosen: find_bookings(db, **c, order="soonest", limit=PAGE))

    used = {name for work in works for _, plan in plans_of(large, work) for name in plan.indexes}

    assert set(schema.LISTING_INDEXES) <= used
    assert not used & set(schema.UNIQUE_INDEXES)


def functions(module: ModuleType) -> set[tuple[str, str]]:
    return {
        (inspect.getfile(module), name)
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and name[0] != "_"
    }


def test_each_function_that_reads_bookings_is_explained(large):
    db, _ = large
    called: set[tuple[str, str]] = set()
    for work in [work for work, _ in LISTS.values()] + [
        lambda db: find_bookings(db, limit=1, order="latest"),
        lambda db: find_bookings(db, **search_filters(load_reference(db), stored(db).reference)),
        count_bookings,
    ]:
        called |= called_by(lambda w=work: w(db))

    for module in (queries, booking_queries, booking_pages, calendar_rows):
        # ``holders`` names the index of claims, which the large school does not have.
        assert {one for one in functions(module) if one[1] != "holders"} <= called
