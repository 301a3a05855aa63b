"""Invalid values in every field of the operations on bookings: refused by the field's name."""

from __future__ import annotations

from datetime import time

import pytest
from invalid_input import (
    BAD_ACTOR,
    BAD_DATE,
    BAD_ID,
    BAD_LIMIT,
    BAD_NAME,
    BAD_NOW,
    BAD_TEXT,
    BAD_TIME,
    OPERATOR,
    assert_refused,
    cases,
)
from support import DAY, GROUNDS, HEAD, MEERA, NOW, booked, close_one

from booking_core import (
    BookingRequest,
    Ground,
    Student,
    approve,
    approved_upcoming,
    book,
    cancel,
    day_board,
    find_bookings,
    get_booking,
    lapse_pending,
    move,
    pending_queue,
    reject,
    revoke,
    save_ground,
    save_student,
)

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
    ("field", "invalid"),
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
def test_a_request_with_an_invalid_field_books_nothing(school, field, invalid):
    assert_refused(
        school,
        lambda db: book(db, BookingRequest(**(REQUEST | {field: invalid})), by=MEERA, now=NOW),
        field,
    )


@pytest.mark.parametrize(
    ("field", "invalid"),
    cases(
        request=[None, 5, "S001", REQUEST, OPERATOR],
        by=BAD_ACTOR,
        submission_id=["x", 5, "12345678-1234-4234-8234-123456789abc", OPERATOR, b"0" * 16],
        now=BAD_NOW,
    ),
)
def test_booking_with_an_invalid_argument_books_nothing(school, field, invalid):
    arguments = {"request": BookingRequest(**REQUEST), "by": MEERA, "now": NOW} | {field: invalid}

    assert_refused(school, lambda db: book(db, **arguments), field)


@pytest.mark.parametrize("operation", [approve, reject, cancel, revoke, move])
@pytest.mark.parametrize(
    ("field", "invalid"),
    cases(booking_id=BAD_ID, by=BAD_ACTOR, now=BAD_NOW),
)
def test_an_operation_on_a_booking_with_an_invalid_field_changes_nothing(
    school, operation, field, invalid
):
    arguments = {"booking_id": school[1].id, "by": HEAD, "now": NOW}
    if operation is not move:
        arguments["reason"] = "why"

    assert_refused(school, lambda db: operation(db, **(arguments | {field: invalid})), field)


@pytest.mark.parametrize(
    ("operation", "invalid"),
    [
        *[
            (operation, invalid)
            for operation in (approve, cancel)
            for invalid in [*BAD_TEXT, "x" * 501]
        ],
        *[
            (operation, invalid)
            for operation in (reject, revoke)
            for invalid in [*BAD_TEXT, "", " ", "x" * 501]
        ],
    ],
    ids=lambda value: getattr(value, "__name__", None) or ascii(value)[:30],
)
def test_an_invalid_reason_decides_nothing(school, operation, invalid):
    assert_refused(
        school, lambda db: operation(db, school[1].id, by=HEAD, reason=invalid, now=NOW), "reason"
    )


@pytest.mark.parametrize(
    ("field", "invalid"),
    cases(
        ground_id=[*(invalid for invalid in BAD_ID if invalid is not None), "nowhere"],
        date=BAD_DATE,
        start=[*BAD_TIME, time(11)],
        end=[*BAD_TIME, time(8)],
    ),
)
def test_a_move_with_an_invalid_field_moves_nothing(school, field, invalid):
    named = (
        "end" if invalid == time(11) else field
    )  # with a late start, the field at fault is the end

    assert_refused(
        school, lambda db: move(db, school[1].id, **{field: invalid}, by=MEERA, now=NOW), named
    )


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
    ("field", "invalid"),
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
def test_a_closure_with_an_invalid_field_closes_nothing(school, field, invalid):
    named = "first" if field == "date" else field
    assert_refused(school, lambda db: close_one(db, **(CLOSURE | {field: invalid})), named)


@pytest.mark.parametrize("invalid", BAD_ID, ids=lambda invalid: ascii(invalid)[:30])
def test_an_invalid_id_finds_no_booking(school, invalid):
    assert_refused(school, lambda db: get_booking(db, invalid), "booking_id")


@pytest.mark.parametrize(
    ("field", "invalid"),
    cases(
        date_from=BAD_DATE,
        date_to=BAD_DATE,
        ground_id=[invalid for invalid in BAD_ID if invalid is not None],
        student_id=[
            *(invalid for invalid in BAD_ID if invalid is not None),
            [OPERATOR],
            [None],
            ["S001"] * 101,
        ],
        created_by=[invalid for invalid in BAD_ID if invalid is not None],
        reference=[5, "", "1234567", "123456789", "1234567g", "1234567\n", OPERATOR],
        order=[None, "", "newest", OPERATOR, ["asked"]],
        when=["", "now", 5, OPERATOR, ["ahead"]],
        now=BAD_NOW,
        class_name=[invalid for invalid in [*BAD_TEXT, "", " "] if invalid is not None],
        status=[5, True, "pending", "\ud800", b"Pending", OPERATOR, [OPERATOR], [None], ...],
        kind=[5, "", "party", OPERATOR, ["booking"]],
        after=[5, "x", OPERATOR, ("a", "b")],
        limit=BAD_LIMIT,
    ),
)
def test_finding_with_an_invalid_filter_is_refused(school, field, invalid):
    assert_refused(school, lambda db: find_bookings(db, **{field: invalid}), field)


@pytest.mark.parametrize("limit", BAD_LIMIT, ids=ascii)
@pytest.mark.parametrize("listing", [pending_queue, approved_upcoming])
def test_a_list_of_an_invalid_length_is_refused(school, listing, limit):
    assert_refused(school, lambda db: listing(db, limit=limit), "limit")


@pytest.mark.parametrize("invalid", BAD_NOW, ids=lambda invalid: ascii(invalid)[:30])
@pytest.mark.parametrize("operation", [lapse_pending, approved_upcoming])
def test_an_invalid_moment_is_refused(school, operation, invalid):
    assert_refused(school, lambda db: operation(db, now=invalid), "now")


@pytest.mark.parametrize(("field", "invalid"), cases(date=[*BAD_DATE, None], now=BAD_NOW))
def test_a_board_of_an_invalid_day_is_refused(school, field, invalid):
    assert_refused(
        school, lambda db: day_board(db, **({"date": DAY, "now": NOW} | {field: invalid})), field
    )


HARMLESS = [
    "\U0001f3d0 \u0928\u092e\u0938\u094d\u0924\u0947 \u0645\u0631\u062d\u0628\u0627",
    "<script>alert(1)</script> & \"quotes\" 'too'",
    '{"$gt": ""}',
    "=HYPERLINK(1)",
    "O'Brien; DROP TABLE students",
]


@pytest.mark.parametrize("text", HARMLESS, ids=ascii)
def test_harmless_text_is_kept_unchanged(db, text):
    student = save_student(db, Student("S001", text, text))
    save_ground(db, Ground("ground-1", text, (text,)))
    made = booked(db, student=1, game=text, purpose=text)
    cancelled = cancel(db, made.id, by=MEERA, reason=text, now=NOW)

    kept = get_booking(db, made.id)
    assert (kept.student_name, kept.class_name, kept.game, kept.purpose) == (text,) * 4
    assert kept.last_decision.reason == text
    assert kept == cancelled
    assert find_bookings(db, class_name=student.class_name) == [kept]


def test_the_grounds_of_the_school_are_unchanged(school):
    db, made = school

    assert [row["_id"] for row in db.grounds.find().sort("_id")] == [g.id for g in GROUNDS]
    assert get_booking(db, made.id) == made
