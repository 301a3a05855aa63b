"""A booking ahead shows its student's present name and class; one that has begun keeps them."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest
from support import ADMIN, DAY, HEAD, MEERA, NOW, booked, eventually, student_id
from test_school_changes_meanwhile import before_the_write

from booking_core import (
    Policy,
    Student,
    apply_roster,
    approve,
    cancel,
    change_student,
    close_grounds,
    find_bookings,
    get_booking,
    lift_closure,
    load_reference,
    move,
    plan_roster,
    reinstate,
    roll_over,
    save_policy,
    save_student,
    save_students,
)
from booking_core.live import Feed
from booking_core.storage.school import data as school_data
from booking_core.storage.school import student_names
from booking_core.tables.table import Row

OLD = Student(student_id(0), "Student 0", "1-A")
NEW = Student(student_id(0), "Asha Rao", "9-C")
LATER = NOW + timedelta(days=1, hours=4)  # 10:00 on DAY


def saved(db, now):
    save_student(db, NEW, by=ADMIN, now=now)


def saved_with_others(db, now):
    save_students(db, [NEW, Student(student_id(1), "Student 1", "2-A")], by=ADMIN, now=now)


def changed(db, now):
    change_student(db, load_reference(db).students[OLD.id], NEW, by=ADMIN, now=now)


def imported(db, now):
    rows = [Row(2, {"id": NEW.id, "name": NEW.name, "class": NEW.class_name})]
    plan = plan_roster(db, rows)
    apply_roster(db, plan, by=ADMIN, deactivate_leaving=False, now=now)


def rolled_over(db, now):
    roll_over(db, {"1-A": "9-C"}, by=ADMIN, now=now)


VERBS = {verb.__name__: verb for verb in (saved, saved_with_others, changed, imported, rolled_over)}


@pytest.fixture(params=VERBS)
def verb(request):
    return VERBS[request.param]


def shown(booking):
    return booking.student_name, booking.class_name


def test_what_is_ahead_shows_todays_name_and_class_and_what_has_begun_keeps_them(db, verb):
    save_policy(db, Policy(quota=None), by=ADMIN, now=NOW)
    begun = booked(db, start=9)
    running = booked(db, start=10, ground="ground-3")
    ahead = booked(db, start=11)
    tomorrow = booked(db, start=9, on=DAY + timedelta(days=7))
    ended = booked(db, start=10, on=DAY + timedelta(days=14))
    cancel(db, ended.id, by=MEERA, now=NOW)
    other = booked(db, student=3, start=12)
    name = OLD.name if verb is rolled_over else NEW.name

    verb(db, LATER)

    for booking in (ahead, tomorrow, ended):
        assert shown(get_booking(db, booking.id)) == (name, NEW.class_name)
    for booking in (begun, running):
        assert shown(get_booking(db, booking.id)) == shown(booking)
    assert get_booking(db, other.id) == other
    found = find_bookings(db, class_name=NEW.class_name, limit=10)
    assert {b.id for b in found} == {ahead.id, tomorrow.id, ended.id}
    assert approve(db, ahead.id, by=HEAD, now=LATER).class_name == NEW.class_name


def test_a_booking_that_a_change_of_its_student_overtakes_gets_the_new_name(db, monkeypatch, verb):
    before_the_write(monkeypatch, "insert", lambda: verb(db, NOW))

    made = booked(db)

    assert shown(made)[1] == NEW.class_name
    assert get_booking(db, made.id) == made
    assert booked(db, submission_id=None, start=12, student=1).student_name == "Student 1"


def test_a_booking_that_is_stored_while_the_change_of_its_student_runs_gets_the_new_name(
    db, monkeypatch, verb
):
    real, made = student_names.update_ahead, []

    def late(tx, ids, now):
        real(tx, ids, now)
        if not made:  # the transaction has read all bookings, and is not committed
            made.append(booked(db))

    monkeypatch.setattr(student_names, "update_ahead", late)

    verb(db, NOW)

    assert shown(made[0]) == (OLD.name, OLD.class_name)
    assert get_booking(db, made[0].id).class_name == NEW.class_name


def test_a_booking_that_changes_while_it_gets_the_new_name_keeps_both_changes(db, monkeypatch):
    before_the_write(monkeypatch, "insert", lambda: saved(db, NOW))
    # Between the look at the school and the new name.
    before_the_write(
        monkeypatch,
        "replace",
        lambda: approve(db, db.bookings.find_one()["_id"], by=HEAD, now=NOW),
    )

    made = booked(db)

    assert shown(made) == (NEW.name, NEW.class_name)
    assert made.status.value == "Approved"
    assert get_booking(db, made.id) == made


def test_a_booking_that_is_moved_ahead_from_the_past_gets_todays_name(db):
    made = booked(db, start=9, by=HEAD)
    saved(db, LATER)
    assert shown(get_booking(db, made.id)) == shown(made)

    moved = move(db, made.id, start=time(14), end=time(15), reason="Rain", by=HEAD, now=LATER)

    assert shown(moved) == (NEW.name, NEW.class_name)


def test_a_corrected_booking_keeps_its_name(db):
    made = booked(db, start=8, by=HEAD)
    saved(db, LATER)

    moved = move(db, made.id, start=time(9), end=time(10), reason="Was later", by=HEAD, now=LATER)

    assert shown(moved) == shown(made)


def test_a_revoked_booking_comes_back_with_todays_name(db):
    made = booked(db)
    closing = close_grounds(
        db,
        ground_ids=["ground-1"],
        first=DAY,
        last=DAY,
        reason="Repair",
        by=HEAD,
        expected=[made.id],
        now=NOW,
    )
    saved(db, NOW)
    lift_closure(db, closing.id, by=HEAD, now=NOW)
    reinstate(db, made.id, by=HEAD, now=NOW)

    assert shown(get_booking(db, made.id)) == (NEW.name, NEW.class_name)
    assert get_booking(db, made.id).status.is_active


def test_screens_hear_of_bookings_with_a_new_name_and_of_nothing_else(db):
    booked(db)
    feed = Feed(db)
    feed.start()
    try:
        days, lists = feed.version(DAY), feed.bookings
        others = feed.people, feed.notices

        saved(db, NOW)

        eventually(lambda: feed.bookings > lists)
        assert feed.version(DAY) > days
        assert (feed.people, feed.notices) == others
        assert feed.version(DAY) == days + 1
    finally:
        feed.stop()


def test_a_student_saved_as_before_changes_no_booking(db):
    made = booked(db)

    save_student(db, replace(school_data.load(db).students[OLD.id], email="a@b.example"), now=NOW)

    assert get_booking(db, made.id) == made
