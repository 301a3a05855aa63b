"""Junk in every field of every verb: refused by the field's name, and nothing is written."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime, time
from uuid import uuid4

import pytest
from support import DAY, GROUNDS, HEAD, HOURLY, MEERA, NOW, booked, open_school

from booking_core import (
    Actor,
    BookingRequest,
    Ground,
    InvalidRequest,
    Period,
    Role,
    Settings,
    Student,
    Timetable,
    approve,
    approved_upcoming,
    book,
    cancel,
    close_ground,
    connect,
    day_board,
    find_bookings,
    get_booking,
    lapse_pending,
    move,
    pending_queue,
    reject,
    revoke,
    save_day,
    save_ground,
    save_student,
    save_students,
    save_timetable,
)

OPERATOR = {"$gt": ""}
WRONG_TYPE = [5, 1.5, True, b"bytes", ["S001"], OPERATOR, ...]
UNSTORABLE = ["a\x00b", "\ud800", "a\u202eb", "a\u2066b", "\x1b[31m", "x" * 100_000]
BAD_TEXT = [*WRONG_TYPE, None, *UNSTORABLE]
BAD_ID = [
    *BAD_TEXT,
    "",
    "   ",
    "\U0001f3d0",
    "<b>S001</b>",
    "$where",
    '{"$gt": ""}',
    "x" * 65,
    "a\nb",
]
BAD_NAME = [*BAD_TEXT, "", "   ", "x" * 121]
BAD_DATE = [
    *WRONG_TYPE,
    "2026-11-24",
    datetime(2026, 11, 24, tzinfo=UTC),
    date(1999, 12, 31),
    date(2201, 1, 1),
    date.min,
    date.max,
]
BAD_TIME = [
    *WRONG_TYPE,
    "09:00",
    time(9, 7),
    time(9, 0, 1),
    time(9, 0, 0, 1),
    time(9, tzinfo=UTC),
    datetime(2026, 11, 24, 9, tzinfo=UTC),
]
BAD_NOW = [
    *WRONG_TYPE,
    "now",
    DAY,
    datetime(2026, 11, 23, 9),  # noqa: DTZ001 - naive is what is refused
    datetime.min.replace(tzinfo=UTC),
    datetime.max.replace(tzinfo=UTC),
]
BAD_ACTOR = [*WRONG_TYPE, None, "meera", Role.ADMIN]
BAD_LIMIT = [0, -1, 1001, 1.5, True, "5", None, OPERATOR, 10**30]


def cases(**junk_by_field):
    return [
        pytest.param(field, value, id=f"{field}={ascii(value)[:30]}")
        for field, values in junk_by_field.items()
        for value in values
    ]


@pytest.fixture(scope="module")
def school(mongod_uri):
    """One school for all of this file, because nothing here may change it."""
    name = f"test_{uuid4().hex[:12]}"
    db = connect(Settings(mongodb_uri=mongod_uri, database=name, time_zone="Asia/Kolkata"))
    open_school(db)
    yield db, booked(db)
    db.client.drop_database(name)
    db.client.close()


def stored(db):
    return {name: list(db[name].find().sort("_id")) for name in db.list_collection_names()}


def refused(school, action, field):
    db, _ = school
    before = stored(db)

    with pytest.raises(InvalidRequest) as error:
        action(db)

    assert error.value.field == field
    assert error.value.problem
    str(error.value).encode()  # a log can take it
    assert stored(db) == before


REQUEST = {
    "ground_id": "ground-1",
    "date": DAY,
    "start": time(10),
    "end": time(11),
    "student_id": "S001",
    "game": "Volleyball",
    "purpose": "",
}


@pytest.mark.parametrize(
    ("field", "junk"),
    cases(
        ground_id=[*BAD_ID, "nowhere"],
        student_id=[*BAD_ID, "nobody"],
        date=[*BAD_DATE, None],
        start=[*BAD_TIME, None],
        end=[*BAD_TIME, None, time(9), time(10)],
        game=BAD_NAME,
        purpose=[*BAD_TEXT, "x" * 501],
    ),
)
def test_a_request_with_a_junk_field_books_nothing(school, field, junk):
    refused(
        school,
        lambda db: book(db, BookingRequest(**(REQUEST | {field: junk})), by=MEERA, now=NOW),
        field,
    )


@pytest.mark.parametrize(
    ("field", "junk"),
    cases(
        request=[None, 5, "S001", REQUEST, OPERATOR],
        by=BAD_ACTOR,
        submission_id=["x", 5, "12345678-1234-4234-8234-123456789abc", OPERATOR, b"0" * 16],
        now=BAD_NOW,
    ),
)
def test_booking_with_junk_beside_the_request_books_nothing(school, field, junk):
    arguments = {"request": BookingRequest(**REQUEST), "by": MEERA, "now": NOW} | {field: junk}

    refused(school, lambda db: book(db, **arguments), field)


@pytest.mark.parametrize("verb", [approve, reject, cancel, revoke, move])
@pytest.mark.parametrize(
    ("field", "junk"),
    cases(booking_id=BAD_ID, by=BAD_ACTOR, now=BAD_NOW),
)
def test_a_verb_on_a_booking_with_a_junk_field_changes_nothing(school, verb, field, junk):
    arguments = {"booking_id": school[1].id, "by": HEAD, "now": NOW}
    if verb is not move:
        arguments["reason"] = "why"

    refused(school, lambda db: verb(db, **(arguments | {field: junk})), field)


@pytest.mark.parametrize(
    ("verb", "junk"),
    [
        *[(verb, junk) for verb in (approve, cancel) for junk in [*BAD_TEXT, "x" * 501]],
        *[(verb, junk) for verb in (reject, revoke) for junk in [*BAD_TEXT, "", " ", "x" * 501]],
    ],
    ids=lambda value: getattr(value, "__name__", None) or ascii(value)[:30],
)
def test_a_junk_reason_decides_nothing(school, verb, junk):
    refused(school, lambda db: verb(db, school[1].id, by=HEAD, reason=junk, now=NOW), "reason")


@pytest.mark.parametrize(
    ("field", "junk"),
    cases(
        ground_id=[*(junk for junk in BAD_ID if junk is not None), "nowhere"],
        date=BAD_DATE,
        start=[*BAD_TIME, time(11)],
        end=[*BAD_TIME, time(8)],
    ),
)
def test_a_move_to_junk_moves_nothing(school, field, junk):
    named = "end" if junk == time(11) else field  # the end is what then comes too early

    refused(school, lambda db: move(db, school[1].id, **{field: junk}, by=MEERA, now=NOW), named)


CLOSURE = {
    "ground_id": "ground-2",
    "date": DAY,
    "start": time(10),
    "end": time(11),
    "reason": "rain",
    "by": HEAD,
    "now": NOW,
}


@pytest.mark.parametrize(
    ("field", "junk"),
    cases(
        ground_id=[*BAD_ID, "nowhere"],
        date=[*BAD_DATE, None],
        start=[*BAD_TIME, None],
        end=[*BAD_TIME, None, time(10), time(9)],
        reason=[*BAD_TEXT, "", "  ", "x" * 501],
        by=BAD_ACTOR,
        now=BAD_NOW,
    ),
)
def test_a_closure_with_a_junk_field_closes_nothing(school, field, junk):
    refused(school, lambda db: close_ground(db, **(CLOSURE | {field: junk})), field)


@pytest.mark.parametrize("junk", BAD_ID, ids=lambda junk: ascii(junk)[:30])
def test_a_junk_id_finds_no_booking(school, junk):
    refused(school, lambda db: get_booking(db, junk), "booking_id")


@pytest.mark.parametrize(
    ("field", "junk"),
    cases(
        date_from=BAD_DATE,
        date_to=BAD_DATE,
        ground_id=[junk for junk in BAD_ID if junk is not None],
        student_id=[junk for junk in BAD_ID if junk is not None],
        created_by=[junk for junk in BAD_ID if junk is not None],
        class_name=[junk for junk in [*BAD_TEXT, "", " "] if junk is not None],
        status=[5, True, "pending", "\ud800", b"Pending", OPERATOR, [OPERATOR], [None], ...],
        kind=[5, "", "party", OPERATOR, ["booking"]],
        after=[5, "x", OPERATOR, ("a", "b")],
        limit=BAD_LIMIT,
    ),
)
def test_finding_by_junk_is_refused(school, field, junk):
    refused(school, lambda db: find_bookings(db, **{field: junk}), field)


@pytest.mark.parametrize("limit", BAD_LIMIT, ids=ascii)
@pytest.mark.parametrize("listing", [pending_queue, approved_upcoming])
def test_a_listing_of_a_junk_length_is_refused(school, listing, limit):
    refused(school, lambda db: listing(db, limit=limit), "limit")


@pytest.mark.parametrize("junk", BAD_NOW, ids=lambda junk: ascii(junk)[:30])
@pytest.mark.parametrize("verb", [lapse_pending, approved_upcoming])
def test_a_junk_moment_is_refused(school, verb, junk):
    refused(school, lambda db: verb(db, now=junk), "now")


@pytest.mark.parametrize(("field", "junk"), cases(date=[*BAD_DATE, None], now=BAD_NOW))
def test_a_board_of_a_junk_day_is_refused(school, field, junk):
    refused(school, lambda db: day_board(db, **({"date": DAY, "now": NOW} | {field: junk})), field)


NO_LIST = [5, "text", None, True]
GROUND = {"id": "g", "name": "G", "games": ("Chess",), "order": 1, "retired": False}
STUDENT = {"id": "s", "name": "S", "class_name": "1-A", "email": None, "active": True}
PERIOD = {"label": "P", "start": time(9), "end": time(10)}
TABLE = {"id": "t", "periods": HOURLY.periods, "weekdays": (0,), "name": ""}
ACTOR = {"id": "a", "role": Role.STAFF, "name": ""}
BAD_FLAG = [0, 1, None, "yes", OPERATOR]


@pytest.mark.parametrize(
    ("field", "junk"),
    cases(
        id=BAD_ID,
        name=BAD_NAME,
        games=[*NO_LIST, [5], [None], [""], ["Chess", "Chess"], ["a\x00"], [OPERATOR]],
        order=[1.5, "1", None, True, 10**30, OPERATOR],
        retired=BAD_FLAG,
    ),
)
def test_a_ground_with_a_junk_field_is_not_saved(school, field, junk):
    refused(school, lambda db: save_ground(db, Ground(**(GROUND | {field: junk}))), field)


@pytest.mark.parametrize(
    ("field", "junk"),
    cases(
        id=BAD_ID,
        name=BAD_NAME,
        class_name=BAD_NAME,
        email=[*WRONG_TYPE, *UNSTORABLE, "nobody", "a@b", "a b@c.d", "@c.d", "x" * 251 + "@c.d"],
        active=BAD_FLAG,
    ),
)
def test_a_student_with_a_junk_field_is_not_saved(school, field, junk):
    refused(school, lambda db: save_student(db, Student(**(STUDENT | {field: junk}))), field)


OVERLAP = (Period("A", time(9), time(11)), Period("B", time(10), time(12)))


@pytest.mark.parametrize(
    ("field", "junk"),
    cases(
        id=BAD_ID,
        name=[*BAD_TEXT, "x" * 121],
        periods=[*NO_LIST, (), ("9-10",), [OPERATOR], OVERLAP],
        weekdays=[*NO_LIST, [7], [-1], ["Monday"], [True], [0.5], [OPERATOR]],
    ),
)
def test_a_timetable_with_a_junk_field_is_not_saved(school, field, junk):
    refused(school, lambda db: save_timetable(db, Timetable(**(TABLE | {field: junk}))), field)


@pytest.mark.parametrize(
    ("field", "junk"),
    cases(label=BAD_NAME, start=[*BAD_TIME, None], end=[*BAD_TIME, None, time(9), time(8)]),
)
def test_a_period_with_a_junk_field_is_none(field, junk):
    with pytest.raises(InvalidRequest) as error:
        Period(**(PERIOD | {field: junk}))

    assert error.value.field == field


@pytest.mark.parametrize(
    ("field", "junk"),
    cases(id=BAD_ID, name=[*BAD_TEXT, "x" * 121], role=["staff", 5, None, OPERATOR]),
)
def test_an_actor_with_a_junk_field_is_none(field, junk):
    with pytest.raises(InvalidRequest) as error:
        Actor(**(ACTOR | {field: junk}))

    assert error.value.field == "by"


@pytest.mark.parametrize(
    ("field", "junk"),
    cases(
        date=[*BAD_DATE, None],
        timetable_id=[junk for junk in BAD_ID if junk is not None],
        note=[*BAD_TEXT, "x" * 501],
    ),
)
def test_a_day_with_a_junk_field_is_not_saved(school, field, junk):
    arguments = {"date": DAY, "timetable_id": None, "note": ""} | {field: junk}

    refused(school, lambda db: save_day(db, **arguments), field)


@pytest.mark.parametrize("junk", [None, 5, "x", OPERATOR, GROUND], ids=ascii)
@pytest.mark.parametrize(
    ("save", "field"),
    [(save_ground, "ground"), (save_timetable, "timetable"), (save_student, "student")],
)
def test_what_is_no_value_of_ours_is_not_saved(school, save, field, junk):
    refused(school, lambda db: save(db, junk), field)


def test_of_a_list_of_students_with_one_that_is_none_no_one_is_saved(school):
    refused(school, lambda db: save_students(db, [Student("new", "New", "1-A"), "junk"]), "student")
    refused(school, lambda db: save_students(db, 5), "students")


@pytest.mark.parametrize(
    ("field", "junk"),
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
    ),
)
def test_settings_with_a_junk_field_are_none_and_the_error_names_the_variable(field, junk):
    names = {
        "mongodb_uri": "MONGODB_URI",
        "database": "MONGODB_DATABASE",
        "time_zone": "SCHOOL_TIME_ZONE",
        "school_name": "SCHOOL_NAME",
        "advance_days": "BOOKING_ADVANCE_DAYS",
        "lead_minutes": "BOOKING_LEAD_MINUTES",
        "quota": "BOOKING_QUOTA_PER_WEEK",
        "data_directory": "DATA_DIRECTORY",
    }
    assert set(names) == {item.name for item in fields(Settings)}

    with pytest.raises(InvalidRequest) as error:
        Settings(**{field: junk})

    assert error.value.field == names[field]


HARMLESS = [
    "\U0001f3d0 \u0928\u092e\u0938\u094d\u0924\u0947 \u0645\u0631\u062d\u0628\u0627",
    "<script>alert(1)</script> & \"quotes\" 'too'",
    '{"$gt": ""}',
    "=HYPERLINK(1)",
    "O'Brien; DROP TABLE students",
]


@pytest.mark.parametrize("text", HARMLESS, ids=ascii)
def test_harmless_text_is_kept_word_for_word(db, text):
    student = save_student(db, Student("S001", text, text))
    save_ground(db, Ground("ground-1", text, (text,)))
    made = booked(db, student=1, game=text, purpose=text)
    cancelled = cancel(db, made.id, by=MEERA, reason=text, now=NOW)

    kept = get_booking(db, made.id)
    assert (kept.student_name, kept.class_name, kept.game, kept.purpose) == (text,) * 4
    assert kept.last_decision.reason == text
    assert kept == cancelled
    assert find_bookings(db, class_name=student.class_name) == [kept]


def test_the_grounds_of_the_school_are_still_the_same(school):
    db, made = school

    assert [row["_id"] for row in db.grounds.find().sort("_id")] == [g.id for g in GROUNDS]
    assert get_booking(db, made.id) == made
