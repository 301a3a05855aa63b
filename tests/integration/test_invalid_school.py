"""Invalid values in grounds, students, timetables, days, actors and settings name the field."""

from __future__ import annotations

from datetime import time

import pytest
from invalid_input import (
    BAD_DATE,
    BAD_ID,
    BAD_NAME,
    BAD_TEXT,
    BAD_TIME,
    OPERATOR,
    UNSTORABLE,
    WRONG_TYPE,
    assert_refused,
    cases,
)
from support import DAY, HOURLY

from booking_core import (
    Actor,
    Ground,
    InvalidRequest,
    Period,
    Role,
    Student,
    Timetable,
    save_days,
    save_ground,
    save_student,
    save_students,
    save_timetable,
)

NO_LIST = [5, "text", None, True]
GROUND = {"id": "g", "name": "G", "games": ("Chess",), "order": 1, "retired": False}
STUDENT = {"id": "s", "name": "S", "class_name": "1-A", "email": None, "active": True}
PERIOD = {"label": "P", "start": time(9), "end": time(10)}
TABLE = {"id": "t", "periods": HOURLY.periods, "weekdays": (0,), "name": ""}
ACTOR = {"id": "a", "role": Role.STAFF, "name": ""}
BAD_FLAG = [0, 1, None, "yes", OPERATOR]


@pytest.mark.parametrize(
    ("field", "invalid"),
    cases(
        id=BAD_ID,
        name=BAD_NAME,
        games=[*NO_LIST, [5], [None], [""], ["Chess", "Chess"], ["a\x00"], [OPERATOR]],
        order=[1.5, "1", None, True, 10**30, OPERATOR],
        retired=BAD_FLAG,
    ),
)
def test_a_ground_with_an_invalid_field_is_not_saved(school, field, invalid):
    assert_refused(school, lambda db: save_ground(db, Ground(**(GROUND | {field: invalid}))), field)


@pytest.mark.parametrize(
    ("field", "invalid"),
    cases(
        id=BAD_ID,
        name=BAD_NAME,
        class_name=BAD_NAME,
        email=[*WRONG_TYPE, *UNSTORABLE, "nobody", "a@b", "a b@c.d", "@c.d", "x" * 251 + "@c.d"],
        active=BAD_FLAG,
    ),
)
def test_a_student_with_an_invalid_field_is_not_saved(school, field, invalid):
    assert_refused(
        school, lambda db: save_student(db, Student(**(STUDENT | {field: invalid}))), field
    )


OVERLAP = (Period("A", time(9), time(11)), Period("B", time(10), time(12)))


@pytest.mark.parametrize(
    ("field", "invalid"),
    cases(
        id=BAD_ID,
        name=[*BAD_TEXT, "x" * 121],
        periods=[*NO_LIST, (), ("9-10",), [OPERATOR], OVERLAP],
        weekdays=[*NO_LIST, [7], [-1], ["Monday"], [True], [0.5], [OPERATOR]],
    ),
)
def test_a_timetable_with_an_invalid_field_is_not_saved(school, field, invalid):
    assert_refused(
        school, lambda db: save_timetable(db, Timetable(**(TABLE | {field: invalid}))), field
    )


@pytest.mark.parametrize(
    ("field", "invalid"),
    cases(label=BAD_NAME, start=[*BAD_TIME, None], end=[*BAD_TIME, None, time(9), time(8)]),
)
def test_a_period_with_an_invalid_field_cannot_be_made(field, invalid):
    with pytest.raises(InvalidRequest) as error:
        Period(**(PERIOD | {field: invalid}))

    assert error.value.field == field


@pytest.mark.parametrize(
    ("field", "invalid"),
    cases(id=BAD_ID, name=[*BAD_TEXT, "x" * 121], role=["staff", 5, None, OPERATOR]),
)
def test_an_actor_with_an_invalid_field_cannot_be_made(field, invalid):
    with pytest.raises(InvalidRequest) as error:
        Actor(**(ACTOR | {field: invalid}))

    assert error.value.field == "by"


@pytest.mark.parametrize(
    ("field", "invalid"),
    cases(
        dates=[[invalid] for invalid in (*BAD_DATE, None)],
        timetable_id=[invalid for invalid in BAD_ID if invalid is not None],
        note=[*BAD_TEXT, "x" * 501],
    ),
)
def test_days_with_an_invalid_field_are_not_saved(school, field, invalid):
    arguments = {"dates": [DAY], "timetable_id": None, "note": ""} | {field: invalid}

    assert_refused(school, lambda db: save_days(db, **arguments), field)


@pytest.mark.parametrize("invalid", [None, 5, "x", OPERATOR, GROUND], ids=ascii)
@pytest.mark.parametrize(
    ("save", "field"),
    [(save_ground, "ground"), (save_timetable, "timetable"), (save_student, "student")],
)
def test_a_value_of_another_type_is_not_saved(school, save, field, invalid):
    assert_refused(school, lambda db: save(db, invalid), field)


def test_a_list_with_one_invalid_student_saves_no_student(school):
    assert_refused(
        school, lambda db: save_students(db, [Student("new", "New", "1-A"), "invalid"]), "student"
    )
    assert_refused(school, lambda db: save_students(db, 5), "students")
