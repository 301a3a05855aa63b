"""Preconditions of writes: another user acts between a read and its write."""

from __future__ import annotations

from datetime import time, timedelta
from functools import partial

import pytest
from pymongo.errors import WriteError
from support import DAY, HEAD, MEERA, NOW, active, booked

from booking_core import (
    AlreadyDecided,
    NotAllowed,
    Role,
    Status,
    approve,
    cancel,
    get_booking,
    lapse_pending,
    move,
    reject,
)
from booking_core.domain import rules
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.schema import schema

TOMORROW = DAY + timedelta(days=1)


@pytest.fixture
def meanwhile(monkeypatch):
    """``meanwhile(action)`` runs the action once, just before the next write of a booking."""

    def arrange(action):
        replace = bookings.replace

        def after_the_other(*arguments):
            monkeypatch.setattr(bookings, "replace", replace)
            action()
            return replace(*arguments)

        monkeypatch.setattr(bookings, "replace", after_the_other)

    return arrange


def test_a_booking_cancelled_while_it_is_moved_stays_cancelled_in_its_slot(db, meanwhile):
    mine = booked(db)
    meanwhile(partial(cancel, db, mine.id, by=MEERA, now=NOW))

    with pytest.raises(AlreadyDecided) as refused:
        move(db, mine.id, start=time(10), end=time(11), by=MEERA, now=NOW)

    kept = get_booking(db, mine.id)
    assert refused.value.status is kept.status is Status.CANCELLED
    assert kept.slot == mine.slot
    assert [entry.action for entry in kept.history] == ["requested", "cancelled"]


def test_of_two_moves_at_once_the_later_starts_from_the_result_of_the_earlier(db, meanwhile):
    mine = booked(db)
    meanwhile(partial(move, db, mine.id, ground_id="ground-3", by=MEERA, now=NOW))

    moved = move(db, mine.id, start=time(10), end=time(11), by=MEERA, now=NOW)

    assert (moved.ground_id, moved.start) == ("ground-3", time(10))
    assert [entry.action for entry in moved.history] == ["requested", "moved", "moved"]
    (last,) = db.bookings.find({"_id": mine.id})
    assert last["history"][-1]["moved_from"]["ground_id"] == "ground-3"


def test_a_request_decided_while_another_decides_it_is_decided_once(db, meanwhile):
    mine = booked(db)
    meanwhile(partial(reject, db, mine.id, by=HEAD, reason="rain", now=NOW))

    with pytest.raises(AlreadyDecided) as refused:
        approve(db, mine.id, by=HEAD, now=NOW)

    assert refused.value.status is Status.REJECTED
    assert get_booking(db, mine.id).status is Status.REJECTED


def test_a_request_approved_while_it_lapses_stays_approved(db, meanwhile):
    mine = booked(db)
    meanwhile(partial(approve, db, mine.id, by=HEAD, now=NOW))

    lapsed = lapse_pending(db, now=NOW + timedelta(days=3))

    assert lapsed == 0
    assert get_booking(db, mine.id).status is Status.APPROVED


def test_a_request_moved_while_it_is_approved_raises_the_version_of_its_new_day(db, meanwhile):
    mine = booked(db)
    meanwhile(partial(move, db, mine.id, date=TOMORROW, by=MEERA, now=NOW))

    approved = approve(db, mine.id, by=HEAD, now=NOW)

    (kept,) = db.bookings.find({"_id": mine.id})
    assert (approved.date, approved.status) == (TOMORROW, Status.APPROVED)
    assert kept["history"][-1]["dates"] == [TOMORROW.isoformat()]


def test_a_role_that_may_not_book_is_refused_and_books_nothing(db, monkeypatch):
    monkeypatch.setitem(rules._ALLOWED, "book", frozenset({Role.PRINCIPAL}))

    with pytest.raises(NotAllowed) as refused:
        booked(db, by=MEERA)

    assert (refused.value.verb, refused.value.role) == ("book", "staff")
    assert active(db) == []


@pytest.mark.parametrize(
    ("collection", "malformed"),
    [
        (schema.GROUNDS, {"_id": "g", "name": "G", "order": 1, "retired": False}),
        (schema.GROUNDS, {"_id": "g", "name": 5, "games": [], "order": 1, "retired": False}),
        (schema.TIMETABLES, {"_id": "t", "name": "", "weekdays": [0]}),
        (schema.DAYS, {"_id": "24.11.2026", "timetable_id": None, "note": ""}),
        (schema.DAYS, {"_id": "2026-11-24", "note": ""}),
        (schema.TERMS, {"_id": "t", "name": "Term", "first": "2026-09-07", "last": "2026-12-18"}),
        (
            schema.TERMS,
            {"_id": "t", "name": "Term", "first": "7 Sep", "last": "2026-12-18", "holidays": []},
        ),
        (schema.STUDENTS, {"_id": "s", "name": "S", "class_name": "1-A", "email": None}),
        (
            schema.STUDENTS,
            {"_id": "s", "name": "S", "class_name": "1-A", "email": None, "active": "yes"},
        ),
        (schema.META, {"_id": "other", "grounds": 0}),
    ],
    ids=str,
)
def test_the_database_refuses_a_malformed_part_of_the_school(db, collection, malformed):
    before = list(db[collection].find().sort("_id"))

    with pytest.raises(WriteError, match="validation"):
        db[collection].insert_one(malformed)

    assert list(db[collection].find().sort("_id")) == before
