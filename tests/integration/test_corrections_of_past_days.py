"""A correction of a past day follows that day's timetable and grounds, and is marked in the audit.

The school changes between the day and its correction.
"""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from support import ADMIN, DAY, GROUNDS, HEAD, HOURLY, MEERA, NOW, booked, student_id

from booking_core import (
    GameNotAllowed,
    Ground,
    GroundRetired,
    NoSchool,
    NotAPeriod,
    Period,
    Status,
    Student,
    Timetable,
    UnknownGround,
    add_ground,
    approve,
    change_ground,
    move,
    save_days,
    save_ground,
    save_student,
    save_timetable,
)
from booking_core.insight import exports
from booking_core.reports import find_changes

CHANGED = NOW + timedelta(days=5)
LATER = NOW + timedelta(days=7)
HALVES = Timetable("regular", (Period("A", time(9), time(9, 30)),), tuple(range(7)))


@pytest.fixture
def past(make_db):
    """A school that was set up a month before; on DAY there is one booking, at 9 on ground 1."""
    db = make_db(school=False)
    set_up = NOW - timedelta(days=30)
    for ground in GROUNDS:
        save_ground(db, ground, now=set_up)
    save_timetable(db, HOURLY, now=set_up)
    for number in range(3):
        student = Student(student_id(number), f"Student {number}", "1-A")
        save_student(db, student, now=set_up)
    return db, approve(db, booked(db).id, by=HEAD, now=NOW)


def corrected(db, booking, **to):
    return move(db, booking.id, **to, reason="Was there", by=HEAD, now=LATER)


def test_a_period_that_the_day_had_is_accepted_and_one_of_today_is_refused(past):
    db, made = past
    save_timetable(db, HALVES, now=CHANGED)

    with pytest.raises(NotAPeriod):
        corrected(db, made, end=time(9, 30))
    assert corrected(db, made, start=time(14), end=time(15)).start == time(14)


def test_a_ground_retired_since_is_accepted(past):
    db, made = past
    change_ground(db, "ground-3", retired=True, by=ADMIN, now=CHANGED)

    assert corrected(db, made, ground_id="ground-3").ground_id == "ground-3"


def test_a_booking_stays_on_its_ground_that_is_retired_since(past):
    db, made = past
    change_ground(db, "ground-1", retired=True, by=ADMIN, now=CHANGED)

    assert corrected(db, made, start=time(10), end=time(11)).start == time(10)


def test_a_ground_that_was_added_since_or_does_not_exist_is_refused(past):
    db, made = past
    added = add_ground(db, "New", ("Volleyball",), by=ADMIN, now=CHANGED)

    with pytest.raises(GroundRetired):
        corrected(db, made, ground_id=added.id)
    with pytest.raises(UnknownGround):
        corrected(db, made, ground_id="ground-9")


def test_the_games_of_the_ground_are_those_of_the_day(past):
    db, made = past
    save_ground(db, Ground("ground-3", "Ground 3", ("Cricket",), order=3), now=CHANGED)
    save_ground(db, Ground("ground-2", "Ground 2", ("Volleyball",), order=2), now=CHANGED)

    with pytest.raises(GameNotAllowed):
        corrected(db, made, ground_id="ground-2")
    assert corrected(db, made, ground_id="ground-3").game == "Volleyball"


def test_a_holiday_that_was_declared_since_is_no_obstacle(past):
    db, made = past
    save_days(db, [DAY], timetable_id=None, note="Holiday", by=ADMIN, now=CHANGED)

    assert corrected(db, made, start=time(14), end=time(15)).start == time(14)


def test_a_holiday_of_the_day_stays_one(past):
    db, made = past
    holiday = DAY + timedelta(days=1)
    save_days(db, [holiday], timetable_id=None, note="Holiday", by=ADMIN, now=NOW)
    save_days(db, [holiday], timetable_id=HOURLY.id, by=ADMIN, now=CHANGED)

    with pytest.raises(NoSchool):
        corrected(db, made, date=holiday)


def test_a_correction_of_today_follows_the_school_of_now(past):
    db, made = past
    evening = NOW + timedelta(days=1, hours=12)  # 18:00 on DAY
    save_timetable(db, HALVES, now=evening)

    with pytest.raises(NotAPeriod):
        move(db, made.id, start=time(10), end=time(11), reason="x", by=HEAD, now=evening)
    shorter = move(db, made.id, end=time(9, 30), reason="x", by=HEAD, now=evening)
    assert shorter.end == time(9, 30)


def test_a_past_request_is_approved_by_the_school_of_its_day(past):
    db, _ = past
    made = booked(db, student=1, start=11)
    change_ground(db, "ground-1", retired=True, by=ADMIN, now=CHANGED)
    save_days(db, [DAY], timetable_id=None, note="Holiday", by=ADMIN, now=CHANGED)
    gone = Student(student_id(1), "Student 1", "1-A", active=False)
    save_student(db, gone, now=CHANGED)

    done = approve(db, made.id, by=HEAD, reason="They played", now=LATER)

    assert (done.status, done.history[-1].correction) == (Status.APPROVED, True)


def test_the_audit_and_its_export_mark_a_correction(past):
    db, made = past
    corrected(db, made, start=time(14), end=time(15))
    booked(db, student=2, start=9, by=MEERA, on=DAY + timedelta(days=14), now=LATER)
    days = {"first": DAY - timedelta(days=2), "last": LATER.date()}

    found = find_changes(db, by=ADMIN, what="booking", **days)

    assert [c.action for c in found if c.details.get("correction")] == ["moved"]
    table = exports.export_changes(db, by=ADMIN, what="booking", **days)
    marked = [row[4] for row in table.rows if "correction: yes" in str(row[7])]
    assert marked == ["moved"]
