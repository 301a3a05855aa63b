"""Races for one slot, one student, one seat and one decision: the database decides each once.

The file is long because each race stands beside its control test without the index.
"""

from __future__ import annotations

import multiprocessing
import threading
from datetime import date, time, timedelta
from functools import partial
from typing import Any

import pytest
from pymongo.errors import DuplicateKeyError
from support import (
    DAY,
    DEPUTY,
    HEAD,
    MEERA,
    NOW,
    active,
    assert_sound,
    at_once,
    booked,
    close_one,
    held_at,
    make_index_non_unique,
    of_type,
)

from booking_core import (
    AlreadyDecided,
    Booking,
    ChangedMeanwhile,
    GroundClosed,
    QuotaReached,
    Settings,
    SlotTaken,
    Status,
    StoreRefused,
    StudentBusy,
    approve,
    cancel,
    connect,
    get_booking,
    lift_closure,
    move,
    reject,
    revoke,
)
from booking_core.storage.client.database import open_database
from booking_core.storage.schema import schema

ROUNDS = 25


def test_without_the_index_two_threads_book_one_slot_twice(db):
    make_index_non_unique(db)
    # A separate client, as another process has one: threads with one handle share their reads.
    other = open_database(db.booking_settings.mongodb_uri, db.booking_settings)
    other.is_index_known = lambda: True

    for number in range(5):
        day, hour = _race_day(number)
        at_once(
            partial(booked, db, student=2 * number, on=day, start=hour),
            partial(booked, other, student=2 * number + 1, on=day, start=hour),
        )
    other.client.close()

    with pytest.raises(AssertionError, match="double-booked"):
        assert_sound(db)


def test_an_index_with_the_status_in_its_key_admits_a_pending_booking_beside_an_approved_one(db):
    make_index_non_unique(db)
    db.bookings.create_index(
        [("ground_id", 1), ("date", 1), ("start", 1), ("status", 1)],
        name="obvious",
        unique=True,
        partialFilterExpression={"status": {"$in": ["Pending", "Approved"]}},
    )
    approve(db, booked(db, student=1).id, by=HEAD, now=NOW)
    (first,) = active(db)
    second = first | {"_id": "second", "student_id": "S002", "status": "Pending"}

    db.bookings.insert_one(second)

    assert sorted(row["status"] for row in active(db)) == ["Approved", "Pending"]


def test_the_index_on_claims_refuses_a_second_booking_beside_a_pending_and_an_approved_one(db):
    first = booked(db, student=1)
    (row,) = active(db)
    second = row | {"_id": "second", "student_id": "S002"}

    with pytest.raises(SlotTaken) as beside_pending:
        booked(db, student=2)
    with pytest.raises(DuplicateKeyError, match=schema.ONE_HOLDER_PER_CLAIM):
        db.bookings.insert_one(second)
    approve(db, first.id, by=HEAD, now=NOW)
    with pytest.raises(SlotTaken) as beside_approved:
        booked(db, student=2)
    with pytest.raises(DuplicateKeyError, match=schema.ONE_HOLDER_PER_CLAIM):
        db.bookings.insert_one(second)

    assert beside_pending.value.held_by.status is Status.PENDING
    assert beside_approved.value.held_by.status is Status.APPROVED
    assert [row["_id"] for row in active(db)] == [first.id]


def test_a_violation_of_another_index_is_no_lost_slot(db):
    db.bookings.create_index([("game", 1)], name="some_other_index", unique=True)
    booked(db, student=1, start=9)

    with pytest.raises(StoreRefused, match="some_other_index"):
        booked(db, student=2, start=10)

    assert len(active(db)) == 1


def test_a_booking_that_shares_only_its_last_cell_with_another_is_refused(db):
    longer = booked(db, student=1, start=8, end=11)

    with pytest.raises(SlotTaken) as refused:
        booked(db, student=2, start=10, end=12)

    assert refused.value.held_by == longer
    assert len(active(db)) == 1


# The great race: 4 processes of 16 threads each, all for one slot a round. Half the threads have a
# client of their own, because threads with a shared client mostly lose by its shared reads, not by
# the index.
PROCESSES, THREADS, RACES = 4, 16, 50
FIRST_RACE = date(2026, 11, 24)


def _race_day(round_: int) -> tuple[date, int]:
    return FIRST_RACE + timedelta(days=round_ // 10), 8 + round_ % 10


def _race(uri: str, database: str, process: int, start: Any, results: Any) -> None:
    """One process of the great race."""
    # No quota: a user who wins a third slot of the week would be refused for that instead.
    settings = Settings(mongodb_uri=uri, database=database, time_zone="Asia/Kolkata", quota=None)
    db = connect(settings)
    handles = [db] * (THREADS // 2)
    handles += [open_database(uri, settings) for _ in range(THREADS - len(handles))]
    outcomes: list[tuple[int, str, str | None]] = []
    # One thread waits at the barrier of the processes; the others wait at the barrier of threads.
    gate = threading.Barrier(THREADS, action=lambda: start.wait(60))

    def run(thread: int) -> None:
        for round_ in range(RACES):
            day, hour = _race_day(round_)
            gate.wait(60)
            try:
                student = process * THREADS + thread
                won = booked(handles[thread], student=student, on=day, start=hour)
                outcomes.append((round_, "won", won.id))
            except SlotTaken as lost:
                outcomes.append((round_, "lost", lost.held_by.id if lost.held_by else None))
            except Exception as exc:  # noqa: BLE001 - the parent asserts that there is none
                outcomes.append((round_, repr(exc), None))

    threads = [threading.Thread(target=run, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for handle in handles:
        handle.client.close()
    results.put(outcomes)


def test_of_64_threads_in_4_processes_one_wins_each_slot_and_every_loser_learns_the_holder(
    make_db, mongod_uri
):
    db = make_db(quota=None)
    spawn = multiprocessing.get_context("spawn")
    start, results = spawn.Barrier(PROCESSES), spawn.Queue()
    racers = [
        spawn.Process(target=_race, args=(mongod_uri, db.name, n, start, results))
        for n in range(PROCESSES)
    ]

    for racer in racers:
        racer.start()
    outcomes = [outcome for _ in racers for outcome in results.get(timeout=120)]
    for racer in racers:
        racer.join(30)

    assert [racer.exitcode for racer in racers] == [0] * PROCESSES
    for round_ in range(RACES):
        day, hour = _race_day(round_)
        mine = [(what, id_) for number, what, id_ in outcomes if number == round_]
        winners = [id_ for what, id_ in mine if what == "won"]
        losers = [(what, id_) for what, id_ in mine if what != "won"]
        assert len(mine) == PROCESSES * THREADS
        assert len(winners) == 1
        assert set(losers) == {("lost", winners[0])}
        stored = active(db, **held_at("ground-1", day, hour))
        assert [row["_id"] for row in stored] == winners
    assert_sound(db)


def _day(round_: int) -> date:
    return DAY + timedelta(days=round_ % 20)


@pytest.fixture
def unlimited(make_db):
    """A school without a quota, for any number of rounds."""
    return make_db(quota=None)


@pytest.mark.parametrize(
    ("first", "second", "ends"),
    [
        pytest.param("approve", "approve", {Status.APPROVED}, id="approve against approve"),
        pytest.param(
            "approve", "reject", {Status.APPROVED, Status.REJECTED}, id="approve against reject"
        ),
        pytest.param("reject", "reject", {Status.REJECTED}, id="reject against reject"),
        pytest.param("cancel", "cancel", {Status.CANCELLED}, id="cancel against cancel"),
        pytest.param(
            "reject", "cancel", {Status.REJECTED, Status.CANCELLED}, id="reject against cancel"
        ),
    ],
)
def test_of_two_decisions_at_once_one_is_kept_and_the_loser_learns_whose(
    unlimited, first, second, ends
):
    operations = {"approve": approve, "reject": reject, "cancel": cancel}
    for round_ in range(ROUNDS):
        asked = booked(unlimited, student=round_)

        outcomes = at_once(
            partial(operations[first], unlimited, asked.id, by=HEAD, reason="one", now=NOW),
            partial(operations[second], unlimited, asked.id, by=DEPUTY, reason="two", now=NOW),
        )

        (winner,), (loser,) = of_type(outcomes, Booking), of_type(outcomes, AlreadyDecided)
        stored = get_booking(unlimited, asked.id)
        assert stored == winner
        assert stored.status in ends
        assert len(stored.history) == 2
        assert (loser.status, loser.by) == (stored.status, stored.last_decision.by_name)
        assert loser.at == stored.last_decision.at
        if stored.status.is_active:
            revoke(unlimited, asked.id, by=HEAD, reason="next round", now=NOW)


def test_approving_and_cancelling_at_once_always_ends_cancelled_or_never_approved(unlimited):
    for round_ in range(ROUNDS):
        asked = booked(unlimited, student=round_)

        approval, cancellation = at_once(
            partial(approve, unlimited, asked.id, by=HEAD, now=NOW),
            partial(cancel, unlimited, asked.id, by=MEERA, now=NOW),
        )

        # An approved booking may be cancelled, so the cancellation succeeds in either order.
        assert isinstance(cancellation, Booking)
        stored = get_booking(unlimited, asked.id)
        actions = [entry.action for entry in stored.history]
        assert stored.status is Status.CANCELLED
        if isinstance(approval, Booking):
            assert actions == ["requested", "approved", "cancelled"]
        else:
            assert isinstance(approval, AlreadyDecided)
            assert actions == ["requested", "cancelled"]


def test_a_move_and_a_booking_for_one_slot_leave_one_booking_there_and_lose_none(unlimited):
    for round_ in range(ROUNDS):
        day = _day(round_)
        mover = booked(unlimited, student=2 * round_, on=day, start=8)

        moved, rival = at_once(
            partial(move, unlimited, mover.id, start=time(9), end=time(10), by=MEERA, now=NOW),
            partial(booked, unlimited, student=2 * round_ + 1, on=day, start=9),
        )

        (holder,) = active(unlimited, **held_at("ground-1", day, 9))
        kept = get_booking(unlimited, mover.id)
        if isinstance(moved, Booking):
            assert holder["_id"] == mover.id
            assert isinstance(rival, SlotTaken)
            assert rival.held_by == moved
        else:
            assert isinstance(moved, SlotTaken)
            assert moved.held_by == rival
            # the booking keeps its old slot until it has the new one
            assert kept.slot == mover.slot
        assert_sound(unlimited)
        for row in active(unlimited):
            cancel(unlimited, row["_id"], by=HEAD, now=NOW)


def test_of_two_requests_for_the_last_seat_of_the_quota_one_succeeds(db):
    for round_ in range(ROUNDS):
        booked(db, student=round_, start=8, on=DAY, ground="ground-1")

        outcomes = at_once(
            *(
                partial(booked, db, student=round_, ground=ground, start=hour)
                for ground, hour in (("ground-2", 10), ("ground-3", 11), ("ground-1", 12))
            )
        )

        (won,) = of_type(outcomes, Booking)
        assert len(of_type(outcomes, QuotaReached)) == 2
        seats = [row["quota"]["seat"] for row in active(db, student_id=won.student_id)]
        assert sorted(seats) == [0, 1]
        assert_sound(db)
        for row in active(db):
            cancel(db, row["_id"], by=HEAD, now=NOW)


def test_without_the_index_a_student_books_beyond_the_quota(db):
    make_index_non_unique(db)

    for hour in range(8, 12):
        booked(db, student=1, start=hour)

    assert len(active(db, student_id="S001")) > db.booking_settings.quota


def test_a_student_requested_on_two_grounds_at_once_gets_one(unlimited):
    for round_ in range(ROUNDS):
        day = _day(round_)

        outcomes = at_once(
            partial(booked, unlimited, student=round_, on=day, ground="ground-1", start=9, end=11),
            partial(booked, unlimited, student=round_, on=day, ground="ground-3", start=10),
        )

        (won,), (lost,) = of_type(outcomes, Booking), of_type(outcomes, StudentBusy)
        assert lost.booking == won
        assert_sound(unlimited)
        cancel(unlimited, won.id, by=MEERA, now=NOW)


def test_without_the_index_a_student_is_on_two_grounds_at_once(db):
    make_index_non_unique(db)

    booked(db, student=1, ground="ground-1")
    booked(db, student=1, ground="ground-3")

    with pytest.raises(AssertionError, match="two places"):
        assert_sound(db)


def test_a_closure_and_a_booking_at_once_never_both_hold_the_ground(unlimited):
    for round_ in range(ROUNDS):
        day = _day(round_)

        closing, booking = at_once(
            partial(
                close_one,
                unlimited,
                ground_id="ground-1",
                date=day,
                start=time(8, 30),
                end=time(9, 30),
                reason="rain",
                by=HEAD,
                now=NOW,
            ),
            partial(booked, unlimited, student=round_, on=day, start=9),
        )

        (holder,) = active(unlimited)
        if isinstance(closing, Booking):
            assert holder["_id"] == closing.id
            assert isinstance(booking, GroundClosed)
            assert booking.reason == "rain"
            lift_closure(unlimited, closing.id, by=HEAD, now=NOW)
        else:
            assert isinstance(closing, ChangedMeanwhile)
            assert holder["_id"] == booking.id
            cancel(unlimited, booking.id, by=HEAD, now=NOW)
