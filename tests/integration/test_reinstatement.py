"""Lifting closures, and reinstating the bookings that they displaced.

The file is long because lifting and reinstating share their closures and their displaced bookings.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

import pytest
from closing_steps import closed
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
    of_type,
)

from booking_core import (
    AlreadyDecided,
    Booking,
    GroundClosed,
    GroundRetired,
    InThePast,
    InvalidRequest,
    Policy,
    QuotaReached,
    SlotTaken,
    Status,
    Student,
    StudentBusy,
    StudentInactive,
    approve,
    cancel,
    day_board,
    find_closures,
    find_reinstatable,
    get_booking,
    lift_closure,
    move,
    notices_for,
    reinstate,
    revoke,
    save_ground,
    save_policy,
    save_student,
)
from booking_core.booking import reinstatement
from booking_core.live import Feed
from booking_core.storage.client.database import Documents

WEEK = DAY + timedelta(days=7)


def test_lifting_opens_the_grounds_and_offers_bookings_whose_slots_are_free(db):
    free = booked(db, student=1, start=9)
    lost = booked(db, student=2, start=10)
    booked(db, student=3, start=11)
    by_hand = booked(db, student=4, start=12)
    approve(db, by_hand.id, by=HEAD, now=NOW)
    revoke(db, by_hand.id, by=HEAD, reason="Staff meeting", now=NOW)
    closing = closed(db, ground_ids=["ground-1"])
    booked(db, student=3, start=11, ground="ground-3")

    lifted = lift_closure(db, closing.id, by=ADMIN, now=NOW)
    booked(db, student=5, start=10)

    assert [c.status for c in lifted.closures] == [Status.CANCELLED]
    assert [c.last_decision.action for c in lifted.closures] == ["lifted"]
    assert [b.id for b in lifted.reinstatable] == [free.id, lost.id]
    assert [b.id for b in find_reinstatable(db, from_date=DAY, now=NOW)] == [free.id]
    assert db.audit.count_documents({"action": "lifted", "id": closing.id, "by": ADMIN.id}) == 1
    assert find_closures(db, from_date=DAY) == []
    with pytest.raises(AlreadyDecided):
        lift_closure(db, closing.id, by=HEAD, now=NOW)


def test_one_ground_or_one_day_of_a_closing_is_lifted_alone(db):
    booked(db, student=1, start=9)
    booked(db, student=2, start=9, ground="ground-2")
    closing = closed(db)
    of_second = next(c for c in closing.closures if c.ground_id == "ground-2")

    lifted = lift_closure(db, of_second.id, by=HEAD, now=NOW)

    assert [b.ground_id for b in lifted.reinstatable] == ["ground-2"]
    assert {row["ground_id"] for row in active(db)} == {"ground-1", "ground-3"}


def test_lifting_a_closure_in_progress_lifts_only_its_remaining_part(db):
    closing = closed(db, last=DAY + timedelta(days=2), ground_ids=["ground-1"])
    on_the_second_day = NOW + timedelta(days=2)

    lifted = lift_closure(db, closing.id, by=HEAD, now=on_the_second_day)

    assert [c.date for c in lifted.closures] == [DAY + timedelta(1), DAY + timedelta(2)]
    with pytest.raises(InvalidRequest):
        lift_closure(db, closing.closures[0].id, by=HEAD, now=on_the_second_day)


def displaced(db: Documents, **request: Any) -> Booking:
    """A booking that was approved and displaced, and whose closure is lifted again."""
    mine = booked(db, **({"student": 1} | request))
    approve(db, mine.id, by=HEAD, now=NOW)
    lift_closure(db, closed(db, first=mine.date, last=mine.date).id, by=HEAD, now=NOW)
    return mine


def test_a_displaced_booking_is_reinstated_with_its_former_status(db):
    mine = displaced(db)
    pending = booked(db, student=2, start=11, by=RAVI)
    closing = closed(db)
    lift_closure(db, closing.id, by=HEAD, now=NOW)

    back = reinstate(db, mine.id, by=ADMIN, now=NOW + timedelta(minutes=1))
    waiting = reinstate(db, pending.id, by=HEAD, now=NOW)

    assert (back.status, back.slot, back.quota_seat) == (Status.APPROVED, mine.slot, 0)
    assert (back.last_decision.action, back.last_decision.by) == ("reinstated", ADMIN.id)
    assert waiting.status is Status.PENDING
    assert [n.kind for n in notices_for(db, MEERA.id)] == ["reinstated"]  # it replaces the first
    with pytest.raises(SlotTaken) as taken:
        booked(db, student=7)
    assert taken.value.held_by == back
    with pytest.raises(AlreadyDecided):
        reinstate(db, mine.id, by=HEAD, now=NOW)
    assert_sound(db)


def test_a_booking_whose_slot_was_lost_meanwhile_is_not_reinstated(db):
    mine = displaced(db)
    rival = booked(db, student=9)
    with pytest.raises(SlotTaken) as taken:
        reinstate(db, mine.id, by=HEAD, now=NOW)
    assert taken.value.held_by == rival

    other = move(db, rival.id, start=time(15), end=time(16), by=HEAD, now=NOW)
    elsewhere = booked(db, student=1, ground="ground-3")
    with pytest.raises(StudentBusy):
        reinstate(db, mine.id, by=HEAD, now=NOW)

    cancel(db, elsewhere.id, by=HEAD, now=NOW)
    closed(db, first=DAY, last=DAY, ground_ids=["ground-1"], reason="Exam")
    with pytest.raises(GroundClosed):
        reinstate(db, mine.id, by=HEAD, now=NOW)
    assert get_booking(db, other.id).status is Status.REVOKED
    assert_sound(db)


def test_the_quota_seat_is_claimed_again_or_another_free_one(db):
    mine = displaced(db)
    booked(db, student=1, start=10)  # takes the released seat
    again = reinstate(db, mine.id, by=HEAD, now=NOW)
    assert again.quota_seat == 1

    lift_closure(db, closed(db).id, by=HEAD, now=NOW)
    booked(db, student=1, start=12)
    booked(db, student=1, start=13)
    with pytest.raises(QuotaReached):
        reinstate(db, mine.id, by=HEAD, now=NOW)
    assert_sound(db)


def test_a_seat_above_a_lowered_quota_is_not_given_again(make_db):
    db = make_db(quota=3)
    booked(db, student=1, start=9)
    booked(db, student=1, start=10)
    third = booked(db, student=1, start=11)
    closing = closed(db, start=time(11), end=time(12))
    lift_closure(db, closing.id, by=HEAD, now=NOW)
    strict = make_db(quota=2, database=db.name, school=False)

    with pytest.raises(QuotaReached):
        reinstate(strict, third.id, by=HEAD, now=NOW)

    assert reinstate(db, third.id, by=HEAD, now=NOW).quota_seat == 2


def test_bookings_revoked_otherwise_started_or_not_allowed_stay_revoked(db):
    mine = displaced(db)
    by_hand = booked(db, student=2, start=12)
    approve(db, by_hand.id, by=HEAD, now=NOW)
    revoke(db, by_hand.id, by=HEAD, reason="Staff meeting", now=NOW)

    with pytest.raises(AlreadyDecided):
        reinstate(db, by_hand.id, by=HEAD, now=NOW)
    with pytest.raises(InThePast):
        reinstate(db, mine.id, by=HEAD, now=datetime(2026, 11, 24, 3, 30, tzinfo=UTC))
    save_student(db, Student(str(mine.student_id), "Student 1", "2-A", active=False))
    with pytest.raises(StudentInactive):
        reinstate(db, mine.id, by=HEAD, now=NOW)
    save_student(db, Student(str(mine.student_id), "Student 1", "2-A"))
    ground = day_board(db, DAY, NOW).grounds[0]
    save_ground(db, type(ground)(ground.id, ground.name, ground.games, retired=True))
    with pytest.raises(GroundRetired):
        reinstate(db, mine.id, by=HEAD, now=NOW)
    assert active(db) == []


def test_of_a_reinstatement_and_a_booking_of_one_slot_one_succeeds(make_db):
    db = make_db(quota=None)
    for round_ in range(10):
        mine = displaced(db, student=round_, on=DAY + timedelta(days=round_))

        outcomes = at_once(
            partial(reinstate, db, mine.id, by=HEAD, now=NOW),
            partial(reinstate, db, mine.id, by=ADMIN, now=NOW),
            partial(booked, db, student=round_ + 50, on=mine.date),
        )

        (holder,) = active(db, date=mine.date.isoformat())
        assert [o.id for o in of_type(outcomes, Booking)] == [holder["_id"]]
        notices = db.notices.count_documents({"kind": "reinstated", "booking_id": mine.id})
        assert notices == (holder["_id"] == mine.id)
    assert_sound(db)


def reinstatable_students(db: Documents, now: datetime = NOW, **asked: Any) -> list[str]:
    """Returns the students of the reinstatable bookings, in the order of the answer."""
    found = find_reinstatable(db, **({"from_date": DAY} | asked), now=now)
    return [str(booking.student_id) for booking in found]


def test_reinstatable_bookings_are_found_in_the_stored_data(make_db):
    db = make_db(quota=None)
    for number, (ground, hour, day) in enumerate(
        [(1, 11, 0), (1, 9, 0), (2, 9, 0), (1, 9, 7), (3, 9, 7), (3, 10, 0)], start=1
    ):
        on = DAY + timedelta(days=day)
        booked(db, student=number, ground=f"ground-{ground}", start=hour, on=on)
    assert reinstatable_students(db) == []
    first, second = closed(db), closed(db, first=WEEK, last=WEEK)
    assert reinstatable_students(db) == []  # everything is still closed

    by_ground = {closure.ground_id: closure for closure in first.closures}
    lift_closure(db, by_ground["ground-1"].id, by=HEAD, now=NOW)
    lift_closure(db, by_ground["ground-2"].id, by=ADMIN, now=NOW)
    lift_closure(db, second.id, by=HEAD, now=NOW)

    assert reinstatable_students(db) == ["S002", "S003", "S001", "S004", "S005"]
    assert reinstatable_students(db, limit=2) == ["S002", "S003"]
    assert reinstatable_students(db, from_date=WEEK) == ["S004", "S005"]
    # 09:00 of DAY in Asia/Kolkata: bookings from that hour have begun.
    assert reinstatable_students(db, now=datetime(2026, 11, 24, 3, 30, tzinfo=UTC)) == [
        "S001",
        "S004",
        "S005",
    ]
    booked(db, student=9, start=10, end=12)  # the slot of student 1
    booked(db, student=3, start=9, ground="ground-1")  # the slot of student 2, and now of student 3
    assert reinstatable_students(db) == ["S004", "S005"]
    save_student(db, Student("S004", "Student 4", "5-A", active=False))
    assert reinstatable_students(db) == ["S005"]
    [left] = find_reinstatable(db, from_date=DAY, now=NOW)
    reinstate(db, left.id, by=ADMIN, now=NOW)
    assert reinstatable_students(db) == []


def test_reinstatable_bookings_are_found_among_many_that_are_still_closed(make_db, monkeypatch):
    db = make_db(quota=None)
    monkeypatch.setattr(reinstatement, "_BATCH", 3)
    for number in range(8):
        booked(db, student=number, start=9 + number)
    later = booked(db, student=20, start=9, on=WEEK)
    closed(db)
    lift_closure(db, closed(db, first=WEEK, last=WEEK).id, by=HEAD, now=NOW)

    assert reinstatable_students(db) == [later.student_id]


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ("from_date", {"from_date": "today"}),
        ("from_date", {"from_date": NOW}),
        ("limit", {"limit": 0}),
        ("limit", {"limit": True}),
        ("limit", {"limit": 1001}),
    ],
)
def test_an_invalid_argument_finds_no_reinstatable_booking(school, field, asked):
    with pytest.raises(InvalidRequest) as refused:
        find_reinstatable(school[0], **({"from_date": DAY} | asked))

    assert refused.value.field == field


def test_closing_and_lifting_raise_the_versions_of_their_days(db):
    mine = booked(db, student=1, start=9)
    following = Feed(db)
    following.start()
    try:
        days = (DAY, DAY + timedelta(days=1))
        far = date(2026, 12, 20)
        before, other = [following.version(day) for day in days], following.version(far)

        closing = closed(db, last=days[1])
        after = [following.wait(day, was, 10) for day, was in zip(days, before, strict=True)]
        lift_closure(db, closing.id, by=HEAD, now=NOW)
        lifted = [following.wait(day, was, 10) for day, was in zip(days, after, strict=True)]

        assert all(a < b < c for a, b, c in zip(before, after, lifted, strict=True))
        assert following.version(far) == other
    finally:
        following.stop()
    assert get_booking(db, mine.id).status is Status.REVOKED


def test_a_displaced_booking_without_a_seat_is_offered_once_a_quota_is_set(make_db):
    db = make_db(quota=None)
    mine = booked(db, start=9)
    closing = closed(db)
    save_policy(db, Policy(quota=2), by=ADMIN, now=NOW)

    lifted = lift_closure(db, closing.id, by=HEAD, now=NOW)

    assert [booking.id for booking in lifted.reinstatable] == [mine.id]
    assert [b.id for b in find_reinstatable(db, from_date=DAY, now=NOW)] == [mine.id]
    assert reinstate(db, mine.id, by=HEAD, now=NOW).status is Status.PENDING
