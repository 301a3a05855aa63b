"""A school to measure on: 16 grounds, 8 periods a day, 4,000 students, bookings of any number."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from datetime import date as Date
from typing import Any
from uuid import UUID, uuid4

from pymongo import IndexModel, WriteConcern

from booking_core import (
    Actor,
    Booking,
    BookingRequest,
    Ground,
    Period,
    Role,
    Settings,
    Status,
    Student,
    Timetable,
    book,
    connect,
    save_ground,
    save_students,
    save_timetable,
)
from booking_core.domain.timetable import iso_week
from booking_core.storage.client.database import BookingDatabase, collection
from booking_core.storage.documents import Document, booking_document
from booking_core.storage.schema import indexes, schema

from .measure import clock, say

GROUNDS, STUDENTS, CLASSES, STAFF, GAME = 16, 4000, 40, 50, "Football"
RESERVE = 5300  # students without a booking, for the races
PERIODS = tuple(Period(f"Period {hour - 7}", time(hour), time(hour + 1)) for hour in range(8, 16))
A_DAY = GROUNDS * len(PERIODS)
TODAY = Date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)  # 7 AM at the school
STAFF_MEMBER = Actor("staff-0", Role.STAFF, "Staff 0")
CHUNK, FEW = 5000, 1000  # bookings in one insert; in the small collection
# Nine in thirteen of the seeded bookings are active.
_STATUSES = (
    [Status.APPROVED] * 7
    + [Status.PENDING] * 2
    + [Status.CANCELLED, Status.REJECTED, Status.REVOKED, Status.LAPSED]
)


def create_school(uri: str, name: str, **settings: Any) -> BookingDatabase:
    """Creates a database with schema, grounds, timetable and students, and without bookings."""
    db = connect(Settings(mongodb_uri=uri, database=name, advance_days=400, **settings))
    save_timetable(db, Timetable("regular", PERIODS, tuple(range(7))))
    for number in range(GROUNDS):
        save_ground(db, Ground(f"ground-{number}", f"Ground {number}", (GAME,), order=number))
    save_students(
        db,
        [
            Student(student_id(number), f"Student {number}", f"Class {number % CLASSES}")
            for number in range(STUDENTS + RESERVE)
        ],
    )
    return db


def student_id(number: int) -> str:
    return f"S{number:04d}"


def requests() -> Iterator[BookingRequest]:
    """Yields requests that never conflict, from tomorrow: each slot once, a student once a week."""
    for number in itertools.count():
        day, rest = divmod(number, A_DAY)
        period = PERIODS[rest // GROUNDS]
        yield BookingRequest(
            ground_id=f"ground-{rest % GROUNDS}",
            date=TODAY + timedelta(days=1 + day),
            start=period.start,
            end=period.end,
            student_id=student_id(number % STUDENTS),
            game=GAME,
        )


def sample(db: BookingDatabase) -> Booking:
    """Returns a booking as ``book`` stores it; the stored one is deleted again."""
    booking = book(db, next(requests()), by=STAFF_MEMBER, submission_id=uuid4(), now=NOW)
    collection(db, schema.BOOKINGS).delete_one({"_id": booking.id})
    return booking


def booking_for(request: BookingRequest, serial: UUID, like: Booking) -> Booking:
    """Returns the booking that ``book`` would make for ``request``, otherwise like ``like``."""
    assert request.student_id is not None
    number = int(request.student_id[1:])
    return replace(
        like,
        id=str(serial),
        ground_id=request.ground_id,
        date=request.date,
        start=request.start,
        end=request.end,
        student_id=request.student_id,
        student_name=f"Student {number}",
        class_name=f"Class {number % CLASSES}",
        quota_window=iso_week(request.date),
        quota_seat=0,
    )


def seed(db: BookingDatabase, count: int, like: Booking) -> None:
    """Stores ``count`` bookings, from today back through the years.

    A smaller count is the beginning of a larger one, so both have the same today. The indexes of
    the schema are built at the end, which takes a third of the time.
    """
    store(db, count, history(count, like))


def store(db: BookingDatabase, count: int, rows: Iterator[Document]) -> None:
    """Stores ``rows``, which are ``count`` documents of bookings, as ``seed`` does."""
    say(f"  {db.name}: {count:,} bookings ...")
    begun = clock()
    target = collection(db, schema.BOOKINGS)
    quick = target.with_options(write_concern=WriteConcern(w=1))
    if count > CHUNK:
        target.drop_indexes()
    stored = 0
    while chunk := list(itertools.islice(rows, CHUNK)):
        quick.insert_many(chunk, ordered=False, bypass_document_validation=True)
        stored += len(chunk)
        if stored % 100_000 == 0:
            say(f"    {stored:,} after {clock() - begun:.0f} s")
    if count > CHUNK:
        say("    building the indexes ...")
        target.create_indexes(
            [
                IndexModel(
                    [(key, 1) for key in keys],
                    name=name,
                    unique=True,
                    partialFilterExpression=where,
                )
                for name, (keys, where) in schema.UNIQUE_INDEXES.items()
            ]
            + [
                IndexModel(list(keys.items()), name=name, **_where(name))
                for name, keys in schema.LISTING_INDEXES.items()
            ]
        )
    if faults := indexes.index_faults(db):
        raise RuntimeError(f"the seeded database lacks {faults}")
    say(f"    done after {clock() - begun:.0f} s")


def _where(name: str) -> Document:
    """The option of a listing index that has some of the bookings alone."""
    where = schema.LISTING_WHERE.get(name)
    return {} if where is None else {"partialFilterExpression": where}


def history(count: int, like: Booking) -> Iterator[Document]:
    dice = random.Random(1)
    for number in range(count):
        day, rest = divmod(number, A_DAY)
        date = TODAY - timedelta(days=day)
        period = PERIODS[rest // GROUNDS]
        # One student has a booking on every day of the newest ones, because pages of a student are
        # measured.
        is_first = rest % GROUNDS == 0
        student = "S0000" if is_first and (number < FEW or rest == 0) else None
        request = BookingRequest(
            ground_id=f"ground-{rest % GROUNDS}",
            date=date,
            start=period.start,
            end=period.end,
            student_id=student or student_id(1 + (number * 7) % (STUDENTS - 1)),
            game=GAME,
        )
        asked_at = NOW - timedelta(seconds=270 * number)
        staff = f"staff-{dice.randrange(STAFF)}"
        yield booking_document(
            replace(
                booking_for(request, UUID(int=number), like),
                status=dice.choice(_STATUSES),
                created_by=staff,
                created_by_name=staff,
                created_at=asked_at,
                updated_at=asked_at,
                # Without seats of the quota, because a student may have more bookings than seats.
                quota_window=None,
                quota_seat=None,
            )
        )
