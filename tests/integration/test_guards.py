"""Each guard in the one moment that needs it: somebody else acts between a look and its write."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import time, timedelta
from functools import partial

import pytest
from pymongo.errors import WriteError
from support import DAY, HEAD, MEERA, NOW, RAVI, active, booked, eventually

from booking_core import (
    AlreadyDecided,
    NotAllowed,
    Role,
    SlotTaken,
    Status,
    approve,
    cancel,
    get_booking,
    lapse_pending,
    move,
    reject,
)
from booking_core.booking import conflicts as refusals
from booking_core.domain import rules
from booking_core.storage import bookings as ledger
from booking_core.storage import schema

TOMORROW = DAY + timedelta(days=1)


@pytest.fixture
def meanwhile(monkeypatch):
    """``meanwhile(action)``: it happens once, just before the next change of a booking is sent."""

    def arrange(action):
        update = ledger.update

        def after_the_other(*arguments):
            monkeypatch.setattr(ledger, "update", update)
            action()
            return update(*arguments)

        monkeypatch.setattr(ledger, "update", after_the_other)

    return arrange


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as pool:
        yield pool


def test_a_booking_cancelled_while_it_is_moved_stays_cancelled_where_it_was(db, meanwhile):
    mine = booked(db)
    meanwhile(partial(cancel, db, mine.id, by=MEERA, now=NOW))

    with pytest.raises(AlreadyDecided) as refused:
        move(db, mine.id, start=time(10), end=time(11), by=MEERA, now=NOW)

    kept = get_booking(db, mine.id)
    assert refused.value.status is kept.status is Status.CANCELLED
    assert kept.slot == mine.slot
    assert [entry.action for entry in kept.history] == ["requested", "cancelled"]


def test_a_status_that_another_program_changed_without_a_revision_stops_a_move(db, meanwhile):
    mine = booked(db)
    change = {"$set": {"status": "Cancelled"}}
    meanwhile(partial(db.bookings.update_one, {"_id": mine.id}, change))

    with pytest.raises(AlreadyDecided):
        move(db, mine.id, start=time(10), end=time(11), by=MEERA, now=NOW)

    assert get_booking(db, mine.id).slot == mine.slot


def test_of_two_moves_at_once_the_later_goes_on_from_where_the_earlier_ended(db, meanwhile):
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


def test_a_request_moved_while_it_is_approved_tells_the_day_that_it_is_on_then(db, meanwhile):
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


def waiting(db) -> int:
    """How many wait behind another for a slot of ``db``."""
    return sum(turn.waiting for turn in list(db.turns._open.values()))


def ask_late(db, pool) -> Future:
    """Another asks for the slot; returns when that one is answered or waits."""
    before = waiting(db)
    asked = pool.submit(booked, db, student=3, by=RAVI)
    eventually(lambda: asked.done() or waiting(db) > before)
    return asked


def test_who_asks_after_a_loser_has_looked_is_not_told_what_that_one_saw(db, pool, monkeypatch):
    holder = booked(db, student=1)
    look = refusals.holder_of
    late: list[Future] = []

    def look_and_then_the_holder_goes(*arguments):
        monkeypatch.setattr(refusals, "holder_of", look)
        seen = look(*arguments)
        cancel(db, holder.id, by=MEERA, now=NOW)
        late.append(ask_late(db, pool))
        return seen

    monkeypatch.setattr(refusals, "holder_of", look_and_then_the_holder_goes)
    with pytest.raises(SlotTaken) as refused:
        booked(db, student=2)

    assert refused.value.held_by == holder
    assert late[0].result(20).student_id == "S003"


def test_who_asks_after_a_winner_has_looked_is_not_told_what_that_one_saw(db, pool, monkeypatch):
    insert, look = ledger.insert, refusals.holder_after_win
    begun = threading.Event()
    late: list[Future] = []

    def insert_when_somebody_waits(*arguments):
        monkeypatch.setattr(ledger, "insert", insert)
        begun.set()
        eventually(lambda: waiting(db))
        insert(*arguments)

    def look_and_then_the_winner_goes(db, known, won, now):
        seen = look(db, known, won, now)
        cancel(db, won.id, by=MEERA, now=NOW)
        late.append(ask_late(db, pool))
        return seen

    monkeypatch.setattr(ledger, "insert", insert_when_somebody_waits)
    monkeypatch.setattr(refusals, "holder_after_win", look_and_then_the_winner_goes)
    first = pool.submit(booked, db, student=1)
    assert begun.wait(20)
    second = pool.submit(booked, db, student=2)

    assert first.result(20).student_id == "S001"
    refusal = second.exception(20)
    assert isinstance(refusal, SlotTaken)
    assert refusal.held_by == first.result()
    assert late[0].result(20).student_id == "S003"
