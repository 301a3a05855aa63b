"""The school changes between the check of a booking and its write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time, timedelta
from functools import partial

import pytest
from support import (
    ADMIN,
    DAY,
    HEAD,
    MEERA,
    NOW,
    active,
    assert_sound,
    booked,
    student_id,
)

from booking_core import (
    GroundRetired,
    Holiday,
    NoSchool,
    Policy,
    Status,
    Student,
    StudentInactive,
    Term,
    TooFarAhead,
    UnknownStudent,
    approve,
    change_ground,
    close_grounds,
    erase_student,
    get_booking,
    lift_closure,
    move,
    notices_for,
    reinstate,
    save_days,
    save_policy,
    save_student,
    save_term,
)
from booking_core.errors import StoreUnavailable
from booking_core.live import scoped_cache
from booking_core.storage.bookings import transactions
from booking_core.storage.bookings import writes as bookings

NEXT = DAY + timedelta(days=1)
CHANGES = {
    "ground retired": (
        lambda db: change_ground(db, "ground-1", retired=True, by=ADMIN, now=NOW),
        GroundRetired,
    ),
    "holiday": (
        lambda db: save_days(db, [DAY, NEXT], timetable_id=None, note="Holiday", by=ADMIN),
        NoSchool,
    ),
    "holiday of a term": (
        lambda db: save_term(
            db, Term("t", "Term", DAY, NEXT, (Holiday("Break", DAY, NEXT),)), by=ADMIN
        ),
        NoSchool,
    ),
    "student inactive": (
        lambda db: save_student(db, Student(student_id(0), "Student 0", "1-A", active=False)),
        StudentInactive,
    ),
    "student erased": (
        lambda db: (
            save_student(db, Student(student_id(0), "Student 0", "1-A", active=False)),
            erase_student(db, student_id(0), by=ADMIN, now=NOW),
        ),
        UnknownStudent,
    ),
}


@pytest.fixture(params=CHANGES)
def change(request):
    return CHANGES[request.param]


def before_the_write(
    monkeypatch, write: str, happens: Callable[[], object], module: object = bookings
) -> None:
    """Lets ``happens`` run once, between the check and the write of the next verb."""
    real, done = getattr(module, write), []

    def late(*arguments, **named):
        if not done:
            done.append(True)
            happens()
        return real(*arguments, **named)

    monkeypatch.setattr(module, write, late)


@pytest.mark.parametrize("by", [MEERA, HEAD], ids=lambda by: by.id)
def test_nothing_is_booked_by_the_rules_of_a_school_that_has_changed(db, monkeypatch, change, by):
    happens, error = change
    before_the_write(monkeypatch, "insert", partial(happens, db))

    with pytest.raises(error):
        booked(db, by=by)

    assert active(db) == []
    assert db.bookings.count_documents({}) == 0
    assert booked(db, student=1, ground="ground-3", on=DAY + timedelta(days=7)).status
    assert_sound(db)


@pytest.mark.parametrize("change", ["ground retired", "holiday", "student inactive"])
def test_nothing_is_approved_by_the_rules_of_a_school_that_has_changed(db, monkeypatch, change):
    happens, error = CHANGES[change]
    made = booked(db)
    before_the_write(monkeypatch, "replace", partial(happens, db))

    with pytest.raises(error):
        approve(db, made.id, by=HEAD, now=NOW)

    stored = get_booking(db, made.id)
    assert stored.status is Status.PENDING
    assert [entry.action for entry in stored.history] == ["requested"]
    assert_sound(db)


def test_nothing_is_moved_by_the_rules_of_a_school_that_has_changed(db, monkeypatch):
    made = booked(db, ground="ground-3", on=DAY + timedelta(days=7))
    happens, error = CHANGES["holiday"]
    before_the_write(monkeypatch, "replace", partial(happens, db))

    with pytest.raises(error):
        move(db, made.id, date=NEXT, by=MEERA, now=NOW)

    stored = get_booking(db, made.id)
    assert (stored.slot, stored.history, stored.status) == (made.slot, made.history, made.status)
    move(db, made.id, start=time(14), end=time(15), by=MEERA, now=NOW)
    assert_sound(db)


@pytest.mark.parametrize("change", ["ground retired", "holiday", "student inactive"])
def test_nothing_is_reinstated_by_the_rules_of_a_school_that_has_changed(db, monkeypatch, change):
    happens, error = CHANGES[change]
    made = booked(db)
    closing = close_grounds(
        db, ground_ids=["ground-1"], first=DAY, last=DAY, reason="Rain.", by=HEAD,
        expected=[made.id], now=NOW,
    )  # fmt: skip
    lift_closure(db, closing.id, by=HEAD, now=NOW)
    before = get_booking(db, made.id)
    before_the_write(monkeypatch, "run", partial(happens, db), transactions)

    with pytest.raises(error):
        reinstate(db, made.id, by=HEAD, now=NOW)

    assert get_booking(db, made.id) == before
    assert [notice.kind for notice in notices_for(db, MEERA.id)] == ["displaced"]
    assert_sound(db)


class DeafFeed:
    """A feed that is connected, and hears of no change."""

    connected = True
    school = people = bookings = notices = 0

    def version(self, date: object) -> int:
        return 0


@pytest.fixture
def deaf(db):
    """A school whose kept copy stays as it was, whatever changes."""
    scoped_cache(db).follow(DeafFeed())
    booked(db, student=5, start=16)
    return db


def test_what_is_booked_by_an_old_copy_of_the_school_is_undone(deaf, change):
    happens, error = change
    happens(deaf)

    with pytest.raises(error):
        booked(deaf)

    assert len(active(deaf)) == 1


def test_nothing_is_refused_by_an_old_copy_of_the_school(db):
    change_ground(db, "ground-1", retired=True, by=ADMIN, now=NOW)
    scoped_cache(db).follow(DeafFeed())
    with pytest.raises(GroundRetired):
        booked(db)

    change_ground(db, "ground-1", retired=False, by=ADMIN, now=NOW)
    save_student(db, Student("N001", "New", "8-A"))

    assert booked(db).status is Status.PENDING
    assert booked(db, student="N001", start=10).student_id == "N001"


def test_a_policy_that_is_stricter_by_now_is_obeyed(deaf):
    save_policy(deaf, Policy(advance_days=0), by=ADMIN)

    with pytest.raises(TooFarAhead):
        booked(deaf)


def test_a_change_that_breaks_no_rule_of_the_booking_leaves_it(db, monkeypatch):
    other = partial(change_ground, db, "ground-2", retired=True, by=ADMIN, now=NOW)
    before_the_write(monkeypatch, "insert", other)

    made = booked(db)

    assert get_booking(db, made.id) == made


def test_a_booking_that_was_changed_again_meanwhile_is_not_undone(db, monkeypatch):
    made = booked(db)
    moved = move(db, made.id, start=time(14), end=time(15), by=MEERA, now=NOW)

    assert bookings.undo(db, None, made) is False
    assert get_booking(db, made.id) == moved


def test_a_booking_is_acknowledged_although_the_look_after_it_fails(db, monkeypatch):
    from booking_core.storage.school import data as school_data

    def fail_after(real, calls):
        def load(db):
            calls.append(1)
            if len(calls) > 1:
                raise StoreUnavailable("down")
            return real(db)

        return load

    monkeypatch.setattr(school_data, "load", fail_after(school_data.load, []))

    made = booked(db)

    monkeypatch.undo()
    assert get_booking(db, made.id) == made
