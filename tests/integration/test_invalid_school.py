"""Invalid values in grounds, students, timetables, days, actors and settings name the field."""

from __future__ import annotations

from dataclasses import fields
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
    Settings,
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


@pytest.mark.parametrize(
    ("field", "invalid"),
    cases(
        mongodb_uri=[5, "", "localhost", "http://x", OPERATOR],
        database=[
            *WRONG_TYPE,
            None,
            *UNSTORABLE,
            "",
            " ",
            "a b",
            "a.b",
            "a/b",
            "a$b",
            'a"b',
            "a\\b",
            "x" * 64,
            "admin",
            "config",
            "local",
        ],
        time_zone=[*BAD_TEXT, "", "Mars/Olympus", "../etc/passwd", "/etc/passwd", "America"],
        school_name=[*BAD_TEXT, "", " "],
        data_directory=[*WRONG_TYPE, None, "", "a\x00b", "\ud800", "x" * 100_000],
        advance_days=[-1, 401, 1.5, "30", True, None, 10**30],
        lead_minutes=[-1, 1.5, "30", True, None, 10**30],
        quota=[0, -1, 101, 1.5, "2", True],
        wall_shows=[*BAD_TEXT, "", "all", "Class"],
        public_url=[*WRONG_TYPE, "", "school.example", "ftp://x", "javascript:alert(1)", "http://"],
        floor_seconds=[0, -1, 3601, 1.5, "15", True, None],
        alone_seconds=[0, -1, 61, 1.5, "1", True, None],
        live_connections=[0, -1, 100_001, 1.5, "9", True, None],
        trust_proxy=[invalid for invalid in WRONG_TYPE if invalid is not True] + ["", "on", None],
        contact=[*WRONG_TYPE, "", " ", "\ud800"],
    ),
)
def test_settings_with_an_invalid_field_are_refused_with_the_name_of_the_variable(field, invalid):
    names = {
        "mongodb_uri": "MONGODB_URI",
        "database": "MONGODB_DATABASE",
        "time_zone": "SCHOOL_TIME_ZONE",
        "school_name": "SCHOOL_NAME",
        "advance_days": "BOOKING_ADVANCE_DAYS",
        "lead_minutes": "BOOKING_LEAD_MINUTES",
        "quota": "BOOKING_QUOTA_PER_WEEK",
        "data_directory": "DATA_DIRECTORY",
        "wall_shows": "WALL_SHOWS",
        "public_url": "PUBLIC_URL",
        "floor_seconds": "LIVE_FLOOR_SECONDS",
        "alone_seconds": "LIVE_ALONE_SECONDS",
        "live_connections": "LIVE_CONNECTIONS",
        "trust_proxy": "TRUST_PROXY",
        "contact": "SCHOOL_CONTACT",
    }
    assert set(names) == {item.name for item in fields(Settings)}

    with pytest.raises(InvalidRequest) as error:
        Settings(**{field: invalid})

    assert error.value.field == names[field]
