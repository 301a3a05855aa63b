"""Changing the school's year: terms with their holidays, and weeks A and B."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta
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
    at_once,
    booked,
    of_type,
)

from booking_core import (
    AlreadyExists,
    Booking,
    ChangedMeanwhile,
    Holiday,
    InvalidRequest,
    NoSchool,
    NotAllowed,
    NotAPeriod,
    NotFound,
    Period,
    Student,
    Term,
    UpdateNeeded,
    add_terms,
    add_timetable,
    approve,
    connect,
    day_board,
    get_booking,
    load_reference,
    misfits,
    move,
    remove_term,
    save_days,
    save_student,
    save_term,
    save_week_a,
    terms,
)
from booking_core.live import Feed
from booking_core.school.history import plans_between
from booking_core.storage import unreadable
from booking_core.storage.schema import schema

TODAY = date(2026, 11, 23)
LATER = DAY + timedelta(days=1)
TERM = Term("term-1", "Term 1", date(2026, 9, 7), date(2026, 12, 18))
BREAK = replace(TERM, holidays=(Holiday("Autumn break", DAY, DAY),))
NEXT = Term("term-2", "Term 2", date(2027, 1, 4), date(2027, 3, 26))


def stored(db, *names):
    names = names or ("terms", "bookings", "audit", "meta")
    return {name: list(db[name].find().sort("_id", 1)) for name in names}


def test_a_holiday_is_refused_by_its_name_and_the_day_after_it_is_booked(db):
    save_term(db, BREAK, by=ADMIN, now=NOW)

    with pytest.raises(NoSchool) as refused:
        booked(db, by=HEAD)

    assert (refused.value.date, refused.value.note) == (DAY, "Autumn break")
    board = day_board(db, DAY, NOW)
    assert (board.periods, board.plan.note, board.plan.term) == ((), "Autumn break", "Term 1")
    assert booked(db, on=LATER).date == LATER
    assert terms(db) == (BREAK,)


def test_a_date_with_a_timetable_of_its_own_is_booked_in_a_holiday(db):
    save_term(db, BREAK, by=ADMIN, now=NOW)
    save_days(db, [DAY], timetable_id="regular", note="Camp", by=ADMIN, now=NOW)

    assert booked(db).date == DAY


def test_bookings_stay_on_a_new_holiday_and_are_listed_before_it_is_saved(db):
    kept, other = booked(db), booked(db, student=1, on=LATER)
    preview = load_reference(db).calendar.with_terms([BREAK])
    assert misfits(db, from_date=TODAY, plan=preview.plan) == [kept]
    assert misfits(db, from_date=TODAY) == []

    save_term(db, BREAK, by=ADMIN, now=NOW)

    assert misfits(db, from_date=TODAY) == [kept]
    assert get_booking(db, kept.id) == kept
    with pytest.raises(NoSchool):
        approve(db, kept.id, by=HEAD, now=NOW)
    with pytest.raises(NoSchool):
        move(db, other.id, date=DAY, by=MEERA, now=NOW)


def test_of_a_new_holiday_and_a_booking_at_once_the_first_decides(make_db):
    db = make_db(quota=None)
    for number in range(16):
        save_term(db, TERM, by=ADMIN, now=NOW)
        day = DAY + timedelta(days=number)
        holiday = replace(TERM, holidays=(Holiday("Break", day, day),))

        saved, made = at_once(
            partial(save_term, db, holiday, by=ADMIN, now=NOW),
            partial(booked, db, student=number, on=day),
        )

        assert saved == holiday
        if isinstance(made, Booking):
            assert misfits(db, from_date=day) == [made]
        else:
            assert isinstance(made, NoSchool)
            assert active(db, date=day.isoformat()) == []
        assert_sound(db)
        db.bookings.delete_many({})


def test_of_two_admins_at_once_one_adds_and_the_other_is_told_of_the_overlap(db):
    for number in range(8):
        year = timedelta(days=364 * number)
        first, second = TERM.moved(year), TERM.moved(year + timedelta(days=30))

        outcomes = at_once(
            partial(add_terms, db, [first], by=ADMIN, now=NOW),
            partial(add_terms, db, [second], by=ADMIN, now=NOW),
        )

        (refused,) = of_type(outcomes, InvalidRequest)
        assert refused.field in ("first", "last")
        assert len(terms(db)) == 1
        remove_term(db, terms(db)[0].id, by=ADMIN, now=NOW)


def test_of_two_changes_of_one_term_at_once_the_second_is_refused(db):
    for number in range(8):
        save_term(db, TERM, by=ADMIN, now=NOW)
        changes = [replace(TERM, name=f"{name} {number}") for name in ("Autumn", "Winter")]

        outcomes = at_once(
            *(partial(save_term, db, to, was=TERM, by=ADMIN, now=NOW) for to in changes)
        )

        assert len(of_type(outcomes, ChangedMeanwhile)) == 1
        assert of_type(outcomes, Term) == list(terms(db))


def test_added_terms_get_ids_of_their_names_all_of_them_or_none(db):
    year = timedelta(days=364)
    made = add_terms(db, [TERM, TERM.moved(year), NEXT], by=ADMIN, now=NOW)

    assert [term.id for term in made] == ["term-1", "term-1-2", "term-2"]
    made.sort(key=lambda term: term.first)
    assert tuple(made) == terms(db)
    before = stored(db)
    with pytest.raises(InvalidRequest):
        add_terms(db, [NEXT.moved(year), TERM], by=ADMIN, now=NOW)
    assert stored(db) == before


def test_two_terms_do_not_look_alike(db):
    save_term(db, TERM, by=ADMIN, now=NOW)
    before = stored(db)

    with pytest.raises(AlreadyExists) as taken:
        save_term(db, replace(NEXT, id="TERM-1"), by=ADMIN, now=NOW)
    assert (taken.value.what, taken.value.id) == ("term", "term-1")
    alike = replace(NEXT, name=" TERM 1")
    for save in (partial(save_term, db, alike), partial(add_terms, db, [alike])):
        with pytest.raises(InvalidRequest) as refused:
            save(by=ADMIN, now=NOW)
        assert refused.value.field == "name"
    with pytest.raises(InvalidRequest) as refused:
        add_terms(db, [NEXT, NEXT.moved(timedelta(days=90))], by=ADMIN, now=NOW)
    assert refused.value.field == "name"
    assert stored(db) == before

    # The next year has the same names, and may begin some weeks earlier.
    save_term(db, replace(TERM.moved(timedelta(days=343)), id="next"), by=ADMIN, now=NOW)
    assert [term.name for term in terms(db)] == ["Term 1", "Term 1"]


def test_the_copy_for_the_next_year_is_added_beside_this_year(db):
    save_term(db, BREAK, by=ADMIN, now=NOW)
    save_term(db, NEXT, by=ADMIN, now=NOW)

    add_terms(db, load_reference(db).year.next_terms(), by=ADMIN, now=NOW)

    found = terms(db)
    assert [term.name for term in found] == ["Term 1", "Term 2", "Term 1", "Term 2"]
    assert found[2].holidays[0].first == DAY + timedelta(days=364)


CHANGES = {
    "save": (lambda db, by: save_term(db, BREAK, by=by, now=NOW), "saved", "term"),
    "save a new one": (lambda db, by: save_term(db, NEXT, by=by, now=NOW), "added", "term"),
    "add": (lambda db, by: add_terms(db, [NEXT], by=by, now=NOW), "added", "term"),
    "remove": (lambda db, by: remove_term(db, TERM.id, by=by, now=NOW), "deleted", "term"),
    "letters": (lambda db, by: save_week_a(db, DAY, by=by, now=NOW), "saved", "weeks"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_only_an_admin_changes_the_year_and_each_change_is_in_the_audit_log(db, change):
    verb, action, what = change
    save_term(db, TERM, now=NOW)
    before = stored(db)
    for actor in (MEERA, HEAD):
        with pytest.raises(NotAllowed):
            verb(db, actor)
    assert stored(db) == before

    verb(db, ADMIN)

    (entry,) = db["audit"].find({"by": "admin"})
    assert (entry["action"], entry["what"]) == (action, what)
    assert db["meta"].find_one({"_id": "revision"})["grounds"] == before["meta"][0]["grounds"] + 1


INVALID = {
    "term": [lambda db: save_term(db, {"$ne": 1}, by=ADMIN)],
    "terms": [
        lambda db: add_terms(db, [], by=ADMIN),
        lambda db: add_terms(db, "Term 1", by=ADMIN),
        lambda db: add_terms(db, [NEXT, None], by=ADMIN),
        lambda db: add_terms(db, [NEXT.moved(timedelta(364 * n)) for n in range(21)], by=ADMIN),
    ],
    "term_id": [lambda db: remove_term(db, {"$ne": 1}, by=ADMIN)],
    "first": [lambda db: save_term(db, replace(TERM, id="other"), by=ADMIN)],
    "last": [
        lambda db: save_term(db, replace(TERM.moved(-timedelta(days=30)), id="other"), by=ADMIN)
    ],
    "week_a": [
        lambda db: save_week_a(db, "2026-11-23", by=ADMIN),
        lambda db: save_week_a(db, {"$ne": 1}, by=ADMIN),
    ],
}


def test_an_invalid_field_is_refused_by_name_and_nothing_is_written(db):
    save_term(db, TERM, now=NOW)
    before = stored(db)

    for field, wrongs in INVALID.items():
        for number, wrong in enumerate(wrongs):
            with pytest.raises(InvalidRequest) as refused:
                wrong(db)
            assert refused.value.field == field, (field, number)

    with pytest.raises(NotFound):
        remove_term(db, "nowhere", by=ADMIN)
    assert stored(db) == before


def test_the_letters_of_weeks_are_on_every_date_until_they_are_turned_off(db):
    save_week_a(db, DAY, by=ADMIN, now=NOW)

    assert day_board(db, TODAY, NOW).plan.week == "A"
    assert load_reference(db).plan(TODAY + timedelta(days=7)).week == "B"
    save_week_a(db, None, by=ADMIN, now=NOW)
    assert load_reference(db).plan(TODAY).week == ""
    assert "week_a" not in db.meta.find_one({"_id": "revision"})


def test_a_timetable_of_a_week_is_booked_in_that_week_only(db):
    save_week_a(db, DAY, by=ADMIN, now=NOW)
    early = (Period("Early", time(7), time(7, 30)),)
    made = add_timetable(db, "Week B", early, range(7), week="B", by=ADMIN, now=NOW)
    week_b = DAY + timedelta(days=7)

    assert load_reference(db).timetables[made.id] == made
    assert booked(db, start=9).date == DAY
    assert booked(db, start=time(7), end=time(7, 30), on=week_b).date == week_b
    for wrong in ({"start": time(7), "end": time(7, 30)}, {"start": 9, "on": week_b}):
        with pytest.raises(NotAPeriod):
            booked(db, student=1, **wrong)


def test_a_timetable_of_the_version_before_holds_in_all_weeks(db):
    db.timetables.update_many({}, {"$unset": {"week": 1}})
    save_week_a(db, DAY, by=ADMIN, now=NOW)

    assert load_reference(db).timetables["regular"].week == ""
    assert booked(db, on=DAY + timedelta(days=7))


def test_a_change_of_the_year_reaches_other_processes(db):
    other = connect(db.booking_settings)
    feed = Feed(other)
    feed.start()
    try:
        assert booked(other)

        save_term(db, BREAK, by=ADMIN, now=NOW)

        with pytest.raises(NoSchool):
            booked(other, student=1, start=10)
    finally:
        feed.stop()
        other.client.close()


def test_a_change_of_a_student_keeps_the_year(db):
    save_term(db, BREAK, by=ADMIN, now=NOW)
    assert load_reference(db).year.terms == (BREAK,)

    save_student(db, Student("S001", "Asha", "8-A"), by=ADMIN)

    assert load_reference(db).students["S001"].name == "Asha"
    with pytest.raises(NoSchool):
        booked(db)


def test_a_past_day_keeps_the_year_that_it_had(db):
    yesterday = TODAY - timedelta(days=1)
    over = replace(TERM, holidays=(Holiday("Break", yesterday, yesterday),))
    save_term(db, over, now=NOW - timedelta(days=30))
    save_week_a(db, yesterday, now=NOW - timedelta(days=30))

    save_term(db, TERM, by=ADMIN, now=NOW)
    save_week_a(db, None, by=ADMIN, now=NOW)

    plan = plans_between(db, yesterday, yesterday)[yesterday].plan
    assert (plan.periods, plan.note, plan.term, plan.week) == ((), "Break", "Term 1", "A")
    assert load_reference(db).plan(yesterday).periods


def test_a_copy_of_an_earlier_version_has_no_year(db):
    save_term(db, TERM, by=ADMIN, now=NOW)
    db.school_history.update_many({}, {"$unset": {"terms": 1, "week_a": 1}})

    plan = plans_between(db, TODAY - timedelta(days=9), TODAY)[TODAY - timedelta(days=9)].plan

    assert plan.term == ""
    assert plan.periods
    assert unreadable.find(db) == []


def test_a_database_of_the_version_before_opens_and_that_version_stops(db, monkeypatch):
    booked(db)
    db.drop_collection("terms")
    db.meta.update_one({"_id": "revision"}, {"$set": {"schema": 5}})

    other = connect(db.booking_settings)

    assert terms(other) == ()
    assert load_reference(other).plan(DAY) == load_reference(db).plan(DAY)
    assert save_term(other, BREAK, by=ADMIN, now=NOW)
    monkeypatch.setattr(schema, "VERSION", 5)
    with pytest.raises(UpdateNeeded):
        booked(db, student=1, start=10)
    other.client.close()
