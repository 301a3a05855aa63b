"""The table of roles, a test for each cell: the allowed actions of staff, principal and admin."""

from __future__ import annotations

from datetime import time
from uuid import uuid4

import pytest
from invalid_input import assert_refused, stored
from support import (
    ADMIN,
    DAY,
    DEPUTY,
    HEAD,
    HOURLY,
    MEERA,
    NOW,
    RAVI,
    booked,
    close_one,
    request_for,
)

from booking_core import (
    Account,
    Actor,
    Booking,
    Ground,
    NotAllowed,
    Role,
    SlotTaken,
    Status,
    Student,
    SubmissionReused,
    account_erasure_of,
    add_account,
    answer,
    approve,
    ask,
    book,
    cancel,
    change_account,
    change_party,
    day_board,
    delegate,
    erase_account,
    get_booking,
    move,
    reject,
    reset_password,
    revoke,
    save_days,
    save_ground,
    save_student,
    save_students,
    save_timetable,
)
from booking_core.booking.wall import wall_cards
from booking_core.domain.rules import check_may

ROLES = {"staff": MEERA, "principal": HEAD, "admin": ADMIN}
OWN, OTHERS = "own", "others'"


@pytest.fixture(scope="module")
def peopled(school):
    db, _ = school
    for actor in (MEERA, RAVI, HEAD, ADMIN):
        add_account(db, Account(actor.id, actor.name, actor.role))
    add_account(db, Account("leaver", "Leaver", Role.STAFF))
    return db


@pytest.fixture
def work(peopled):
    """The school with every slot free."""
    for row in peopled.bookings.find({"status": {"$in": ["Pending", "Approved"]}}):
        peopled.bookings.update_one({"_id": row["_id"]}, {"$set": {"status": "Cancelled"}})
    return peopled


def book_one(db: object, by: Actor) -> Booking:
    return booked(db, by=by)


def book_approved(db: object, by: Actor) -> Booking:
    return book(db, request_for(), by=by, as_approved=True, now=NOW)


def on_booking_of(owner: str, operation):
    """Returns ``operation`` on a booking of the actor's own, or of another user."""

    def act(db, by):
        mine = booked(db, by=by if owner == OWN else RAVI, as_approved=False)
        if operation is revoke:
            approve(db, mine.id, by=HEAD, now=NOW)
        options = {"reason": "rain"} if operation in (reject, revoke) else {}
        if operation is ask:
            return ask(db, mine.id, "Why?", by=by, now=NOW)
        if operation is answer:
            ask(db, mine.id, "Why?", by=DEPUTY, now=NOW)
            return answer(db, mine.id, "So.", by=by, now=NOW)
        if operation is change_party:
            options = {"student_id": "S001"}
        if operation is move:
            options = {"start": time(11), "end": time(12)}
        return operation(db, mine.id, by=by, now=NOW, **options)

    return act


def close(db, by):
    return close_one(
        db,
        ground_id="ground-1",
        date=DAY,
        start=time(15),
        end=time(16),
        reason="rain",
        by=by,
        now=NOW,
    )


def new_account(db, by):
    return add_account(db, Account(f"new{uuid4().hex[:8]}", "New", Role.STAFF), by=by, now=NOW)


DAY_ALONE = {"first": NOW.date(), "last": NOW.date()}
# (row of the table, the action, the allowed roles): each becomes a test for every role.
TABLE = [
    ("book", book_one, "staff principal admin"),
    ("cancel own", on_booking_of(OWN, cancel), "staff principal admin"),
    ("move own", on_booking_of(OWN, move), "staff principal admin"),
    ("cancel others'", on_booking_of(OTHERS, cancel), "principal admin"),
    ("move others'", on_booking_of(OTHERS, move), "principal admin"),
    ("change party of own", on_booking_of(OWN, change_party), "staff principal admin"),
    ("change party of others'", on_booking_of(OTHERS, change_party), "principal admin"),
    ("approve others'", on_booking_of(OTHERS, approve), "principal"),
    ("approve own", on_booking_of(OWN, approve), "principal"),
    ("reject others'", on_booking_of(OTHERS, reject), "principal"),
    ("reject own", on_booking_of(OWN, reject), "principal"),
    ("revoke others'", on_booking_of(OTHERS, revoke), "principal"),
    ("revoke own", on_booking_of(OWN, revoke), "principal"),
    ("ask others'", on_booking_of(OTHERS, ask), "principal"),
    ("ask own", on_booking_of(OWN, ask), ""),
    ("answer own", on_booking_of(OWN, answer), "staff principal admin"),
    ("answer others'", on_booking_of(OTHERS, answer), "principal admin"),
    ("book as approved", book_approved, "principal"),
    (
        "hand decisions on",
        lambda db, by: delegate(db, to="ravi", **DAY_ALONE, by=by, now=NOW),
        "principal",
    ),
    ("closures", close, "principal admin"),
    (
        "grounds",
        lambda db, by: save_ground(db, Ground("ground-3", "Ground 3", ("Volleyball",), 3), by=by),
        "admin",
    ),
    ("timetables", lambda db, by: save_timetable(db, HOURLY, by=by), "admin"),
    ("days", lambda db, by: save_days(db, [DAY], timetable_id="regular", by=by), "admin"),
    (
        "a student",
        lambda db, by: save_student(db, Student("S150", "Student 150", "1-A"), by=by),
        "admin",
    ),
    (
        "students",
        lambda db, by: save_students(db, [Student("S150", "Student 150", "1-A")], by=by),
        "admin",
    ),
    ("add an account", new_account, "admin"),
    (
        "change an account",
        lambda db, by: change_account(db, "ravi", name=uuid4().hex, by=by, now=NOW),
        "admin",
    ),
    (
        "erase an account",
        lambda db, by: erase_account(db, "leaver", by=by, now=NOW),
        "admin",
    ),
    (
        "see what erasing an account does",
        lambda db, by: account_erasure_of(db, "ravi", by=by, now=NOW),
        "admin",
    ),
    ("set a password", lambda db, by: reset_password(db, "ravi", by=by, now=NOW), "admin"),
    ("settings", lambda db, by: check_may("administer", by), "admin"),
    ("reports of all", lambda db, by: check_may("report", by), "principal admin"),
    ("reports of one's own", lambda db, by: check_may("report own", by), "staff principal admin"),
]
CELLS = [
    pytest.param(act, ROLES[role], role in allowed.split(), id=f"{role}: {row}")
    for row, act, allowed in TABLE
    for role in ROLES
]


@pytest.mark.usefixtures("quick_hashes")
@pytest.mark.parametrize(("act", "by", "allowed"), CELLS)
def test_each_cell_of_the_table_of_roles(work, act, by, allowed):
    if allowed:
        act(work, by)
        return

    known = [row["_id"] for row in work.bookings.find({}, {"_id": 1})]
    before = apart_from_bookings(work)

    with pytest.raises(NotAllowed) as error:
        act(work, by)

    assert error.value.role == by.role.value
    assert apart_from_bookings(work) == before
    # The booking that the test itself made is unchanged.
    for row in work.bookings.find({"_id": {"$nin": known}}):
        assert row["kind"] == "booking"
        assert {e["action"] for e in row["history"] if e["by"] == by.id} <= {"requested"}


def apart_from_bookings(db):
    return {name: rows for name, rows in stored(db).items() if name != "bookings"}


# Booked as approved


def test_a_booking_that_needs_no_decision_is_approved_at_once(work):
    made = book_approved(work, HEAD)

    assert made == get_booking(work, made.id)
    assert made.status is Status.APPROVED
    assert [(e.action, e.by, e.at) for e in made.history] == [
        ("requested", "head", NOW),
        ("approved", "head", NOW),
    ]
    assert revoke(work, made.id, by=HEAD, reason="rain", now=NOW).status is Status.REVOKED


def test_a_booking_approved_at_once_holds_its_slot_and_tells_since_when(work):
    book_approved(work, HEAD)

    with pytest.raises(SlotTaken) as error:
        booked(work, student=5, by=MEERA)

    assert error.value.held_by.status is Status.APPROVED
    assert error.value.since == NOW
    assert day_board(work, DAY, now=NOW).cell("ground-1", time(9)).state.value == "booked"
    assert wall_cards(day_board(work, DAY, now=NOW))


def test_a_repeated_submission_is_one_booking_and_as_a_request_another(work):
    submission = uuid4()

    def send(as_approved):
        return book(
            work,
            request_for(),
            by=HEAD,
            submission_id=submission,
            as_approved=as_approved,
            now=NOW,
        )

    assert send(True) == send(True)
    with pytest.raises(SubmissionReused):
        send(False)
    assert work.bookings.count_documents({"_id": str(submission)}) == 1


def test_a_principals_own_booking_is_approved_at_once_unless_approval_is_requested(work):
    assert booked(work, by=HEAD).status is Status.APPROVED
    assert booked(work, by=HEAD, start=10, as_approved=False).status is Status.PENDING
    assert booked(work, by=ADMIN, student=3, start=11).status is Status.PENDING


@pytest.mark.parametrize("value", [1, "yes", []], ids=ascii)
def test_an_invalid_flag_does_not_approve(work, value):
    assert_refused(
        (work, None),
        lambda db: book(db, request_for(), by=HEAD, as_approved=value, now=NOW),
        "as_approved",
    )
