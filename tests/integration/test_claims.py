"""The index on claims: it refuses conflicts, names the lost claim, and is needed.

The file is long because control tests repeat a booking without the index, beside the tests with it.
"""

from __future__ import annotations

import logging
import random
from dataclasses import replace
from datetime import date, time, timedelta
from functools import partial
from uuid import uuid4

import pytest
from pymongo.errors import DuplicateKeyError, OperationFailure
from support import (
    ADMIN,
    DAY,
    HEAD,
    MEERA,
    NOW,
    RAVI,
    active,
    assert_sound,
    at_once,
    booked,
    close_one,
    eventually,
    make_index_non_unique,
    of_type,
    open_school,
    student_id,
)

from booking_core import (
    Booking,
    GroundClosed,
    Policy,
    QuotaReached,
    SchemaMissing,
    SlotTaken,
    StudentBusy,
    cancel,
    change_ground,
    close_grounds,
    ensure_schema,
    get_booking,
    lift_closure,
    move,
    reinstate,
    save_policy,
)
from booking_core.domain.claims import claims_of
from booking_core.embedded import credentials
from booking_core.embedded import server as mongod
from booking_core.live import Feed
from booking_core.operations import doctor
from booking_core.storage.schema import schema

ROUNDS = 40
TODAY = DAY - timedelta(days=1)


def day_of(round_: int) -> date:
    return DAY + timedelta(days=round_ % 20)


@pytest.mark.parametrize("kind", ["booking", "closure"])
def test_a_free_slot_is_booked_while_rivals_request_a_longer_and_partly_taken_one(make_db, kind):
    # 10-11 is held. Requests for 9-11 lose to it; requests for 9-10 must not.
    db = make_db(quota=None)
    for round_ in range(ROUNDS):
        day = day_of(round_)
        if kind == "closure":
            held = close_one(
                db,
                ground_id="ground-1",
                date=day,
                start=time(10),
                end=time(11),
                reason="rain",
                by=HEAD,
                now=NOW,
            )
        else:
            held = booked(db, student=0, on=day, start=10)
        asks = [partial(booked, db, student=n, on=day, start=9, end=11) for n in range(1, 7)]
        asks.append(partial(booked, db, student=7, on=day, start=9))
        random.Random(round_).shuffle(asks)

        outcomes = at_once(*asks)

        (won,) = of_type(outcomes, Booking)
        assert (won.student_id, won.start, won.end) == ("S007", time(9), time(10))
        assert len(of_type(outcomes, (SlotTaken, GroundClosed))) == 6
        cancel(db, won.id, by=HEAD, now=NOW)
        if kind == "closure":
            lift_closure(db, held.id, by=HEAD, now=NOW)
        else:
            cancel(db, held.id, by=HEAD, now=NOW)


def test_stored_claims_are_the_derived_ones_after_every_operation(db):
    mine = booked(db, student=1, start=9)
    move(db, mine.id, date=DAY + timedelta(days=7), start=time(10), end=time(12), by=HEAD, now=NOW)
    other = booked(db, student=2, start=9)
    closing = close_grounds(
        db,
        ground_ids=["ground-1"],
        first=DAY,
        last=DAY,
        reason="rain",
        by=HEAD,
        expected=[other.id],
        now=NOW,
    )
    lift_closure(db, closing.id, by=HEAD, now=NOW)
    reinstate(db, other.id, by=HEAD, now=NOW)

    for row in db.bookings.find():
        assert row["claims"] == claims_of(get_booking(db, row["_id"]))


def test_the_index_takes_at_most_1_5_kB_for_a_booking_of_an_hour(make_db, tmp_path):
    server = mongod.start(tmp_path)
    db = make_db(mongodb_uri=server.uri, quota=None)
    first = replace(booked(db), quota_window="2026-W48", quota_seat=0)
    (row,) = active(db)
    hours = [
        replace(
            first,
            ground_id=f"main-ground-{number % 12}",
            date=DAY + timedelta(days=number // 120),
            start=time(8 + number // 12 % 10),
            end=time(9 + number // 12 % 10),
            student_id=f"S{number:05d}",
        )
        for number in range(6000)
    ]
    random.Random(1).shuffle(hours)  # a school does not book in order of dates

    db.bookings.insert_many(
        row | {"_id": str(uuid4()), "claims": claims_of(booking)} for booking in hours
    )

    with credentials.system_client(server.address, credentials.obtain(tmp_path)) as system:
        system.admin.command("fsync")  # sizes are those of the last checkpoint
    sizes = db.command("collStats", schema.BOOKINGS)["indexSizes"]
    server.close()
    assert sizes[schema.ONE_HOLDER_PER_CLAIM] / len(hours) <= 600  # bytes; the bound is 1,500


def test_a_lost_slot_is_named_before_a_busy_student_and_a_full_week(db):
    booked(db, student=1, ground="ground-2", start=9, game="Football")
    booked(db, student=1, ground="ground-2", start=12, game="Football")
    holder = booked(db, student=2, ground="ground-1", start=9, by=RAVI)

    with pytest.raises(SlotTaken) as refused:
        booked(db, student=1, ground="ground-1", start=9)

    assert refused.value.held_by == holder
    assert refused.value.since == holder.created_at


def test_alternatives_exclude_retired_grounds_and_times_when_the_student_is_busy(make_db):
    db = make_db(quota=None)
    booked(db, student=1, ground="ground-3", start=10)
    change_ground(db, "ground-3", retired=True, by=ADMIN)
    booked(db, student=2, start=9)

    with pytest.raises(SlotTaken) as refused:
        booked(db, student=1, start=9)

    assert refused.value.alternatives
    assert time(10) not in {slot.start for slot in refused.value.alternatives}


def test_a_busy_student_is_named_with_the_other_booking(make_db):
    db = make_db(quota=None)
    there = booked(db, student=1, ground="ground-2", start=9, game="Football")

    with pytest.raises(StudentBusy) as refused:
        booked(db, student=1, ground="ground-1", start=9)

    assert (refused.value.booking, refused.value.since) == (there, there.created_at)
    assert refused.value.alternatives
    assert all(slot.start != time(9) for slot in refused.value.alternatives)


def test_a_lowered_quota_holds_in_a_week_in_which_higher_seats_are_held(make_db):
    db = make_db(quota=3)
    first, *_ = [booked(db, start=hour) for hour in (8, 9, 10)]
    cancel(db, first.id, by=MEERA, now=NOW)  # seats 1 and 2 are held, and seat 0 is free

    save_policy(db, Policy(quota=2), by=ADMIN)

    with pytest.raises(QuotaReached):
        booked(db, start=11)
    with pytest.raises(QuotaReached):
        moved_here(db)
    assert len(active(db, student_id=student_id(0), date=DAY.isoformat())) == 2


def moved_here(db):
    later = booked(db, on=DAY + timedelta(days=14), start=9)
    return move(db, later.id, date=DAY, start=time(12), end=time(13), by=MEERA, now=NOW)


def test_a_booking_without_a_seat_takes_one_when_it_is_moved_into_a_week_with_a_quota(make_db):
    db = make_db(quota=None)
    next_week = DAY + timedelta(days=7)
    mine = booked(db, start=9)
    save_policy(db, Policy(quota=1), by=ADMIN)

    moved = move(db, mine.id, date=next_week, by=MEERA, now=NOW)

    assert (mine.quota_window, moved.quota_window) == (None, "2026-W49")
    with pytest.raises(QuotaReached):
        booked(db, on=next_week, start=11)


def loosen(db, twin):
    """Does what another program does: stores a double, with an index of that name for it."""
    known = db.is_index_known

    def store():
        # A feed that follows the database builds the index again meanwhile.
        try:
            make_index_non_unique(db)
            db.bookings.insert_one(twin)
        except OperationFailure:
            return db.bookings.find_one({"_id": twin["_id"]})
        return True

    eventually(store)
    db.is_index_known = known
    eventually(lambda: not db.is_index_known())


@pytest.mark.parametrize("follows", [True, False], ids=["with a feed", "without"])
def test_nothing_is_booked_while_the_index_of_that_name_is_not_unique(request, db, follows):
    if follows:
        feed = Feed(db)
        feed.start()
        request.addfinalizer(feed.stop)
        assert db.is_index_known()
    kept = booked(db, student=9, start=16)
    twin = db.bookings.find_one({"_id": kept.id})
    loosen(db, twin | {"_id": "twin"})

    outcomes = at_once(*[partial(booked, db, student=n) for n in range(8)])

    assert {type(outcome) for outcome in outcomes} == {SchemaMissing}
    with pytest.raises(SchemaMissing):
        move(db, kept.id, start=time(10), end=time(11), by=MEERA, now=NOW)
    with pytest.raises(SchemaMissing):
        close_one(
            db,
            ground_id="ground-2",
            date=DAY,
            start=time(9),
            end=time(10),
            reason="rain",
            by=HEAD,
            now=NOW,
        )
    assert len(active(db)) == 2
    found = {finding.name: finding for finding in doctor.examine_database(db)}
    assert "twin" in found["duplicates"].detail
    db.bookings.delete_one({"_id": "twin"})
    ensure_schema(db)
    eventually(lambda: db.is_index_known() or not follows)
    assert booked(db, student=1)


@pytest.mark.parametrize("gone", ["index", "database"])
def test_without_the_index_nothing_is_booked_until_the_schema_is_restored(db, gone):
    if gone == "index":
        db.bookings.drop_index(schema.ONE_HOLDER_PER_CLAIM)
    else:
        db.client.drop_database(db.name)
        open_school(db)

    outcomes = at_once(*[partial(booked, db, student=n) for n in range(4)])

    assert len(of_type(outcomes, SchemaMissing)) == 4
    assert active(db) == []
    ensure_schema(db)
    assert booked(db, student=1)


def test_nothing_is_moved_or_reinstated_without_the_index(make_db):
    db = make_db(quota=None)
    mine, other = booked(db, student=1, start=9), booked(db, student=2, start=11)
    closing = close_grounds(
        db,
        ground_ids=["ground-1"],
        first=DAY,
        last=DAY,
        start=time(11),
        end=time(12),
        reason="rain",
        by=HEAD,
        expected=[other.id],
        now=NOW,
    )
    lift_closure(db, closing.id, by=HEAD, now=NOW)
    db.bookings.drop_index(schema.ONE_HOLDER_PER_CLAIM)

    with pytest.raises(SchemaMissing):
        move(db, mine.id, start=time(10), end=time(11), by=MEERA, now=NOW)
    with pytest.raises(SchemaMissing):
        reinstate(db, other.id, by=HEAD, now=NOW)
    with pytest.raises(SchemaMissing):
        close_one(
            db,
            ground_id="ground-2",
            date=DAY,
            start=time(9),
            end=time(10),
            reason="rain",
            by=HEAD,
            now=NOW,
        )

    assert [row["_id"] for row in active(db)] == [mine.id]


def test_with_the_status_in_the_key_an_index_lets_two_bookings_hold_one_slot(db):
    db.bookings.drop_index(schema.ONE_HOLDER_PER_CLAIM)
    db.bookings.create_index(
        [("claims", 1), ("status", 1)], name=schema.ONE_HOLDER_PER_CLAIM, unique=True
    )
    with pytest.raises(SchemaMissing):
        booked(db, student=1, by=HEAD)
    db.is_index_known = lambda: True  # the check before each write would refuse both
    booked(db, student=1, by=HEAD)

    booked(db, student=2, by=MEERA)

    with pytest.raises(AssertionError, match="double-booked"):
        assert_sound(db)


def test_the_index_refuses_conflicting_documents_written_directly(db):
    booked(db, student=1)
    (row,) = active(db)

    with pytest.raises(DuplicateKeyError) as refused:
        db.bookings.insert_one(row | {"_id": "second", "status": "Approved"})

    assert refused.value.details["keyValue"] == {"claims": f"ground|ground-1|{DAY}|108"}


def test_each_step_of_a_booking_is_logged_with_its_submission_and_without_a_name(db, caplog):
    caplog.set_level(logging.INFO, logger="booking_core.booking")
    won, lost, late = uuid4(), uuid4(), uuid4()
    booked(db, student=1, by=RAVI, submission_id=won)
    with pytest.raises(SlotTaken):
        booked(db, student=2, submission_id=lost)
    with pytest.raises(Exception, match="InThePast"):
        booked(db, student=2, submission_id=late, on=TODAY - timedelta(days=9))
    booked(db, student=1, by=RAVI, submission_id=won)

    lines = [record.getMessage() for record in caplog.records]
    steps = {
        key: [line.split(" step=")[1].split()[0] for line in lines if f"submission={key} " in line]
        for key in (won, lost, late)
    }
    assert steps[won] == ["validated", "inserted", "validated", "repeated"]
    assert steps[lost] == ["validated", "lost", "refreshed", "refused"]
    assert steps[late] == ["refused"]
    assert any(f"submission={late}" in line and "layer=rules" in line for line in lines)
    assert any(f"submission={lost}" in line and "layer=index" in line for line in lines)
    assert not any("Student" in line or "S00" in line or "ravi" in line for line in lines)
