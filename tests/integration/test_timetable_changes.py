"""Changing timetables and days, and the rules common to all changes of a school.

No booking changes with them.
"""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from support import ADMIN, DAY, GROUNDS, HEAD, HOURLY, MEERA, NOW, at_once, booked, of_type

from booking_core import (
    ChangedMeanwhile,
    Day,
    InvalidRequest,
    NotAllowed,
    NotAPeriod,
    NotFound,
    Period,
    Timetable,
    UnknownGround,
    add_ground,
    add_timetable,
    approve,
    bookings_on,
    cancel,
    change_ground,
    day_board,
    delete_day,
    delete_timetable,
    load_reference,
    misfits,
    save_days,
    save_grounds_order,
    save_timetable,
)

LATER = DAY + timedelta(days=1)
# Of 9-10 and 10-11 only the first is still a period, so 9-11 is no run of periods.
SHORT = (Period("I", time(9), time(10)), Period("II", time(10, 15), time(11, 15)))


def stored(db, *names):
    """Returns all documents of the collections ``names``; by default those that changes write."""
    names = names or ("grounds", "timetables", "days", "bookings", "audit", "meta")
    return {name: list(db[name].find().sort("_id", 1)) for name in names}


@pytest.fixture
def timetabled(db):
    """Four bookings, of which two do not fit SHORT, and a cancelled one."""
    fits = booked(db, start=9)
    wrong = booked(db, student=1, start=10)
    longer = booked(db, student=2, ground="ground-2", start=9, end=11)
    approve(db, longer.id, by=HEAD, now=NOW)
    other_day = booked(db, student=3, on=LATER, start=10)
    gone = booked(db, student=4, start=15)
    cancel(db, gone.id, by=MEERA, now=NOW)
    return db, fits, [wrong, longer], other_day


def ids(bookings):
    return {booking.id for booking in bookings}


def test_a_changed_timetable_keeps_bookings_and_lists_exactly_those_that_do_not_fit(
    timetabled,
):
    db, _, unfit, other_day = timetabled
    before = stored(db, "bookings")
    assert misfits(db, from_date=DAY) == []

    save_timetable(db, Timetable("regular", SHORT, tuple(range(7))), by=ADMIN)

    assert stored(db, "bookings") == before
    assert ids(misfits(db, from_date=DAY)) == ids([*unfit, other_day])
    assert ids(misfits(db, from_date=LATER)) == {other_day.id}
    with pytest.raises(NotAPeriod):
        booked(db, student=5, ground="ground-3", start=11)
    # The bookings keep their claims, and conflict with new ones that overlap.
    board = day_board(db, DAY, NOW)
    assert board.cell("ground-1", time(10, 15)).booking.id == unfit[0].id


def test_a_change_can_be_previewed_before_it_is_saved(timetabled):
    db, _, unfit, other_day = timetabled
    before = stored(db)
    calendar = load_reference(db).calendar
    candidate = Timetable("regular", SHORT, tuple(range(7)))

    everywhere = misfits(db, from_date=DAY, plan=calendar.with_timetable(candidate).plan)
    one_day = calendar.with_timetable(Timetable("short", SHORT)).with_days([Day(DAY, "short")])
    holiday = calendar.with_days([Day(LATER, None, "Holiday")])

    assert ids(everywhere) == ids([*unfit, other_day])
    assert [(b.date, b.start) for b in everywhere] == sorted((b.date, b.start) for b in everywhere)
    assert ids(misfits(db, from_date=DAY, plan=one_day.plan)) == ids(unfit)
    assert misfits(db, from_date=DAY, plan=holiday.plan) == [other_day]
    assert stored(db) == before


def test_a_day_with_its_own_timetable_keeps_bookings_and_can_return_to_its_weekday(timetabled):
    db, fits, unfit, _ = timetabled
    before = stored(db, "bookings")

    save_days(db, [DAY, LATER], timetable_id=None, note="Holiday", by=ADMIN)
    assert len(misfits(db, from_date=DAY)) == 4
    assert load_reference(db).plan(LATER).note == "Holiday"
    delete_day(db, DAY, by=ADMIN)
    delete_day(db, LATER, by=ADMIN)

    assert misfits(db, from_date=DAY) == []
    assert load_reference(db).plan(DAY).periods == HOURLY.periods
    assert stored(db, "bookings") == before
    assert {fits.id} | ids(unfit) <= {row["_id"] for row in before["bookings"]}
    with pytest.raises(NotFound):
        delete_day(db, DAY, by=ADMIN)


def test_a_weekday_belongs_to_the_timetable_that_was_saved_last(db):
    made = add_timetable(db, "Half day", SHORT, (5, 6), by=ADMIN)

    known = load_reference(db)
    assert made.id == "half-day"
    assert known.timetables["regular"].weekdays == (0, 1, 2, 3, 4)
    assert known.plan(date(2026, 11, 28)).periods == SHORT
    entry = db["audit"].find_one({"what": "timetable", "id": "half-day"})
    assert entry["details"]["weekdays_taken_from"] == ["regular"]


def test_of_timetables_that_take_one_weekday_at_once_one_has_it(db):
    tables = [Timetable(f"t{n}", SHORT, (0, 1)) for n in range(4)]

    outcomes = at_once(*[lambda t=t: save_timetable(db, t, by=ADMIN) for t in tables])

    assert len(of_type(outcomes, Timetable)) == 4
    having = [t.id for t in load_reference(db).timetables.values() if 0 in t.weekdays]
    assert len(having) == 1


def test_a_timetable_that_a_date_refers_to_is_not_deleted(db):
    add_timetable(db, "Exam", SHORT, by=ADMIN)
    save_days(db, [DAY + timedelta(days=n) for n in range(5)], timetable_id="exam", by=ADMIN)
    before = stored(db)

    with pytest.raises(InvalidRequest) as refused:
        delete_timetable(db, "exam", by=ADMIN)

    assert refused.value.field == "timetable_id"
    assert "2026-11-24, 2026-11-25, 2026-11-26 and 2 more" in refused.value.problem
    assert stored(db) == before


def test_a_deleted_timetable_leaves_its_weekdays_without_school_and_keeps_bookings(timetabled):
    db, *_ = timetabled
    before = stored(db, "bookings")

    delete_timetable(db, "regular", by=ADMIN)

    assert load_reference(db).plan(DAY).periods == ()
    assert stored(db, "bookings") == before
    assert len(misfits(db, from_date=DAY)) == 4
    with pytest.raises(NotFound):
        delete_timetable(db, "regular", by=ADMIN)


def test_no_date_refers_to_a_timetable_that_was_deleted_at_the_same_moment(db):
    for n in range(8):
        add_timetable(db, f"Exam {n}", SHORT, by=ADMIN)
        at_once(
            lambda n=n: delete_timetable(db, f"exam-{n}", by=ADMIN),
            lambda n=n: save_days(
                db, [DAY + timedelta(days=n)], timetable_id=f"exam-{n}", by=ADMIN
            ),
        )

    known = load_reference(db)
    assert all(day.timetable_id in known.timetables for day in known.days.values())


def test_a_change_of_an_outdated_timetable_or_ground_is_refused(db):
    seen = load_reference(db).timetables["regular"]
    save_timetable(db, Timetable("regular", SHORT, (0,), "Regular"), by=ADMIN, was=seen)
    change_ground(db, "ground-1", name="North", by=ADMIN, was=GROUNDS[0])
    before = stored(db)

    with pytest.raises(ChangedMeanwhile):
        save_timetable(db, HOURLY, by=ADMIN, was=seen)
    with pytest.raises(ChangedMeanwhile):
        change_ground(db, "ground-1", name="South", by=ADMIN, was=GROUNDS[0])

    assert stored(db) == before


CHANGES = {
    "add ground": lambda db, by: add_ground(db, "New", by=by),
    "change ground": lambda db, by: change_ground(db, "ground-1", name="New", by=by),
    "order": lambda db, by: save_grounds_order(db, ["ground-3"], by=by),
    "add timetable": lambda db, by: add_timetable(db, "New", SHORT, by=by),
    "timetable": lambda db, by: save_timetable(db, HOURLY, by=by),
    "delete timetable": lambda db, by: delete_timetable(db, "regular", by=by),
    "day": lambda db, by: save_days(db, [DAY], timetable_id=None, by=by),
    "delete day": lambda db, by: delete_day(db, LATER, by=by),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_only_an_admin_changes_the_school_and_each_change_is_in_the_audit_log(db, change):
    save_days(db, [LATER], timetable_id=None)
    before = stored(db)
    for actor in (MEERA, HEAD):
        with pytest.raises(NotAllowed):
            change(db, actor)
    assert stored(db) == before

    change(db, ADMIN)

    assert db["audit"].count_documents({"by": "admin"}) == 1
    assert db["meta"].find_one({"_id": "revision"})["grounds"] == before["meta"][0]["grounds"] + 1


INVALID = {
    "name": [
        lambda db: add_ground(db, "", by=ADMIN),
        lambda db: add_ground(db, "Ground 1", by=ADMIN),
        lambda db: add_ground(db, {"$ne": 1}, by=ADMIN),
        lambda db: change_ground(db, "ground-1", name="ground 2", by=ADMIN),
        lambda db: change_ground(db, "ground-1", name="x" * 121, by=ADMIN),
        lambda db: add_timetable(db, " ", SHORT, by=ADMIN),
        lambda db: add_timetable(db, "REGULAR", SHORT, by=ADMIN),
    ],
    "games": [
        lambda db: add_ground(db, "New", "Chess", by=ADMIN),
        lambda db: add_ground(db, "New", ["Chess", "Chess"], by=ADMIN),
        lambda db: change_ground(db, "ground-1", games=[5], by=ADMIN),
    ],
    "retired": [lambda db: change_ground(db, "ground-1", retired="yes", by=ADMIN)],
    "ids": [
        lambda db: save_grounds_order(db, ["ground-1", "ground-1"], by=ADMIN),
        lambda db: save_grounds_order(db, "ground-1", by=ADMIN),
        lambda db: save_grounds_order(db, [{"$ne": 1}], by=ADMIN),
    ],
    "ground_id": [
        lambda db: change_ground(db, {"$ne": 1}, name="New", by=ADMIN),
        lambda db: change_ground(db, "nowhere", name="New", by=ADMIN),
        lambda db: save_grounds_order(db, ["ground-2", "nowhere"], by=ADMIN),
        lambda db: bookings_on(db, {"$ne": 1}, DAY),
    ],
    "periods": [
        lambda db: add_timetable(db, "New", [], by=ADMIN),
        lambda db: add_timetable(db, "New", (SHORT[0], SHORT[0]), by=ADMIN),
    ],
    "weekdays": [lambda db: add_timetable(db, "New", SHORT, [7], by=ADMIN)],
    "timetable_id": [
        lambda db: delete_timetable(db, {"$ne": 1}, by=ADMIN),
        lambda db: save_days(db, [DAY], timetable_id={"$ne": 1}, by=ADMIN),
    ],
    "dates": [
        lambda db: save_days(db, [], timetable_id=None, by=ADMIN),
        lambda db: save_days(db, "today", timetable_id=None, by=ADMIN),
        lambda db: save_days(db, [DAY, None], timetable_id=None, by=ADMIN),
        lambda db: save_days(
            db, [DAY + timedelta(days=n) for n in range(401)], timetable_id=None, by=ADMIN
        ),
    ],
    "date": [lambda db: delete_day(db, "2026-11-24", by=ADMIN)],
    "from_date": [
        lambda db: misfits(db, from_date="today"),
        lambda db: bookings_on(db, "ground-1", None),
    ],
    "note": [lambda db: save_days(db, [DAY, LATER], timetable_id=None, note="\x00", by=ADMIN)],
}


def test_an_invalid_field_is_refused_by_name_and_nothing_is_partly_written(db):
    before = stored(db)

    for field, wrongs in INVALID.items():
        for number, wrong in enumerate(wrongs):
            with pytest.raises(InvalidRequest) as refused:
                wrong(db)
            assert refused.value.field == field, (field, number)

    assert isinstance(refused.value, InvalidRequest)
    with pytest.raises(UnknownGround):
        change_ground(db, "nowhere", retired=True, by=ADMIN)
    assert stored(db) == before


@pytest.mark.parametrize("other", ["Sport 1", "sport  1", "ＳＰＯＲＴ 1"])
def test_two_periods_with_one_label_are_refused(db, other):
    periods = (Period("Sport 1", time(9), time(10)), Period(other, time(10), time(11)))
    before = stored(db)

    for save in (
        lambda: save_timetable(db, Timetable("regular", periods, (0,)), by=ADMIN),
        lambda: add_timetable(db, "Other", periods, by=ADMIN),
    ):
        with pytest.raises(InvalidRequest) as refused:
            save()
        assert refused.value.field == "periods"
        assert "Sport 1" in refused.value.problem
    assert stored(db) == before


def test_a_stored_timetable_with_one_label_twice_is_still_read(db):
    db.timetables.update_one({"_id": "regular"}, {"$set": {"periods.1.label": "8-9"}})
    save_days(db, [DAY], timetable_id="regular", by=ADMIN)

    assert [p.label for p in load_reference(db).plan(DAY).periods][:2] == ["8-9", "8-9"]
