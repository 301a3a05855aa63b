"""Changes to closures, to past bookings, and to requests that have come to break a rule.

The file is long because all tests combine the same roles with the same past bookings.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import (
    ADMIN,
    DAY,
    HEAD,
    MEERA,
    NOW,
    RAVI,
    booked,
    close_one,
    student_id,
)

from booking_core import (
    Account,
    Actor,
    AlreadyBegun,
    AlreadyDecided,
    BookingError,
    ChangedMeanwhile,
    GameNotAllowed,
    GroundRetired,
    InThePast,
    InvalidRequest,
    NoSchool,
    NotAllowed,
    NotRunning,
    Period,
    Policy,
    QuotaReached,
    Role,
    Status,
    Student,
    StudentInactive,
    Timetable,
    TooFarAhead,
    add_account,
    approve,
    approved_upcoming,
    bookings_ahead,
    cancel,
    change_ground,
    close_grounds,
    delegate,
    displaced_by,
    end_early,
    find_reinstatable,
    get_booking,
    lapse_pending,
    lift_closure,
    move,
    reinstate,
    reject,
    revoke,
    save_days,
    save_policy,
    save_student,
    save_timetable,
)

LATER = NOW + timedelta(days=3)  # the moment when the bookings on DAY have ended
DELEGATE = Actor("ravi", Role.STAFF, "Ravi")


@pytest.fixture
def delegated(db):
    """A school in which Ravi decides for the principal these days."""
    add_account(db, Account("head", "Head", Role.PRINCIPAL), now=NOW)
    add_account(db, Account("ravi", "Ravi", Role.STAFF), now=NOW)
    delegate(db, to="ravi", first=NOW.date(), last=DAY + timedelta(days=9), by=HEAD, now=NOW)
    return db


OPERATIONS = {
    "approve": partial(approve),
    "reject": partial(reject, reason="why"),
    "revoke": partial(revoke, reason="why"),
    "cancel": partial(cancel),
    "move": partial(move, start=time(14), end=time(15)),
    "reinstate": partial(reinstate),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("by", [HEAD, ADMIN, DELEGATE], ids=lambda by: by.role.value)
def test_no_operation_on_bookings_opens_a_closed_ground(delegated, operation, by):
    closure = close_one(
        delegated,
        ground_id="ground-1",
        date=DAY,
        start=time(9),
        end=time(10),
        reason="rain",
        by=HEAD,
        now=NOW,
    )

    with pytest.raises((InvalidRequest, NotAllowed)):
        OPERATIONS[operation](delegated, closure.id, by=by, now=NOW)

    assert get_booking(delegated, closure.id) == closure


def test_a_former_principal_who_closed_a_ground_cannot_open_it_as_staff(db):
    closure = close_one(
        db,
        ground_id="ground-1",
        date=DAY,
        start=time(9),
        end=time(10),
        reason="rain",
        by=HEAD,
        now=NOW,
    )
    staff_now = Actor(HEAD.id, Role.STAFF, HEAD.name)

    for operation in ("cancel", "move"):
        with pytest.raises(InvalidRequest) as refused:
            OPERATIONS[operation](db, closure.id, by=staff_now, now=NOW)
        assert refused.value.field == "booking_id"
    with pytest.raises(NotAllowed):
        lift_closure(db, closure.id, by=staff_now, now=NOW)


CORRECTIONS = {
    "approve": (Status.PENDING, [HEAD]),
    "reject": (Status.PENDING, [HEAD]),
    "revoke": (Status.APPROVED, [HEAD]),
    "cancel": (Status.APPROVED, [HEAD, ADMIN]),
    "move": (Status.APPROVED, [HEAD, ADMIN]),
}


def past(db, status):
    made = booked(db, by=RAVI)
    return approve(db, made.id, by=HEAD, now=NOW) if status is Status.APPROVED else made


@pytest.mark.parametrize("operation", CORRECTIONS)
def test_a_past_booking_is_changed_only_as_a_correction_with_a_reason(delegated, operation):
    status, correctors = CORRECTIONS[operation]
    for by in correctors:
        made = past(delegated, status)
        if operation not in ("reject", "revoke"):
            with pytest.raises(InvalidRequest) as refused:
                OPERATIONS[operation](delegated, made.id, by=by, now=LATER)
            assert refused.value.field == "reason"

        done = OPERATIONS[operation](
            delegated, made.id, by=by, reason="was on the wrong ground", now=LATER
        )

        assert done.history[-1].correction
        assert done.history[-1].reason == "was on the wrong ground"
        assert get_booking(delegated, made.id) == done
        if done.status.is_active:
            cancel(delegated, made.id, by=HEAD, reason="next", now=LATER)


@pytest.mark.parametrize("operation", CORRECTIONS)
def test_staff_change_no_past_booking(delegated, operation):
    made = past(delegated, CORRECTIONS[operation][0])
    reason = {} if operation == "move" else {"reason": "why"}

    # Ravi made it, and decides by delegation on other users' requests.
    with pytest.raises((InThePast, NotAllowed)):
        OPERATIONS[operation](delegated, made.id, by=DELEGATE, **reason, now=LATER)
    with pytest.raises((InThePast, NotAllowed)):
        OPERATIONS[operation](delegated, made.id, by=MEERA, **reason, now=LATER)

    assert get_booking(delegated, made.id) == made


def test_a_change_before_the_end_is_no_correction(db):
    made = booked(db)

    done = cancel(db, made.id, by=HEAD, reason="rain", now=NOW)

    assert not done.history[-1].correction


def test_a_move_by_staff_returns_an_approved_booking_to_pending_and_keeps_its_history(db):
    made = approve(db, booked(db, by=MEERA).id, by=HEAD, now=NOW)

    moved = move(db, made.id, start=time(10), end=time(11), by=MEERA, now=NOW)

    assert moved.status is Status.PENDING
    assert [(e.action, e.by) for e in moved.history] == [
        ("requested", "meera"),
        ("approved", "head"),
        ("moved", "meera"),
    ]
    assert moved.history[-1].moved_from == made.slot
    again = approve(db, made.id, by=HEAD, now=NOW)
    assert again.last_decision.by == "head"


@pytest.mark.parametrize(("by", "status"), [(HEAD, Status.APPROVED), (ADMIN, Status.PENDING)])
def test_a_move_keeps_the_approval_only_if_the_mover_may_decide(db, by, status):
    made = approve(db, booked(db, by=MEERA).id, by=HEAD, now=NOW)

    moved = move(db, made.id, start=time(10), end=time(11), by=by, now=NOW)

    assert moved.status is status
    assert moved.history[1].by == "head"


def test_a_correction_by_an_admin_keeps_the_approval_and_does_not_lapse(db):
    made = approve(db, booked(db, by=MEERA).id, by=HEAD, now=NOW)

    moved = move(db, made.id, ground_id="ground-3", by=ADMIN, reason="wrong ground", now=LATER)

    assert (moved.status, moved.history[-1].correction) == (Status.APPROVED, True)
    assert lapse_pending(db, now=LATER) == 0
    assert get_booking(db, made.id) == moved


def test_a_booking_of_an_inactive_student_is_not_moved_ahead(db):
    made = booked(db)
    save_student(db, Student(student_id(0), "Student 0", "1-A", active=False))

    with pytest.raises(StudentInactive):
        move(db, made.id, start=time(14), end=time(15), by=HEAD, now=NOW)

    assert get_booking(db, made.id) == made


def test_a_moved_booking_names_the_approver_and_not_the_mover(db):
    made = approve(db, booked(db, by=MEERA).id, by=HEAD, now=NOW)
    deputy = Actor("deputy", Role.PRINCIPAL, "Deputy")
    moved = move(db, made.id, start=time(10), end=time(11), by=deputy, now=LATER - timedelta(3))

    with pytest.raises(AlreadyDecided) as refused:
        approve(db, made.id, by=deputy, now=NOW)

    assert (moved.status, moved.last_decision.by) == (Status.APPROVED, "head")
    assert refused.value.by == "Head"


def test_a_delegate_who_moves_an_own_approved_booking_does_not_approve_it(delegated):
    made = approve(delegated, booked(delegated, by=RAVI).id, by=HEAD, now=NOW)

    moved = move(delegated, made.id, start=time(10), end=time(11), by=DELEGATE, now=NOW)

    assert moved.status is Status.PENDING


def test_a_delegate_cannot_approve_an_own_request(delegated):
    own = booked(delegated, student=1, by=RAVI)
    other = booked(delegated, student=2, start=10, by=MEERA)

    with pytest.raises(NotAllowed):
        approve(delegated, own.id, by=DELEGATE, now=NOW)

    assert get_booking(delegated, own.id).status is Status.PENDING
    assert approve(delegated, other.id, by=DELEGATE, now=NOW).status is Status.APPROVED
    assert reject(delegated, own.id, by=DELEGATE, reason="mistake", now=NOW)


SINCE = {
    "ground retired": (
        lambda db: change_ground(db, "ground-1", retired=True, by=ADMIN),
        GroundRetired,
    ),
    "game removed": (
        lambda db: change_ground(db, "ground-1", games=["Cricket"], by=ADMIN),
        GameNotAllowed,
    ),
    "holiday": (
        lambda db: save_days(db, [DAY], timetable_id=None, note="Holiday", by=ADMIN),
        NoSchool,
    ),
    "student inactive": (
        lambda db: save_student(db, Student(student_id(0), "Student 0", "1-A", active=False)),
        StudentInactive,
    ),
}


@pytest.mark.parametrize("change", SINCE)
def test_a_request_that_has_come_to_break_a_rule_is_not_approved(db, change):
    made = booked(db)
    happens, error = SINCE[change]
    happens(db)

    with pytest.raises(error):
        approve(db, made.id, by=HEAD, now=NOW)

    assert get_booking(db, made.id).status is Status.PENDING
    assert reject(db, made.id, by=HEAD, reason="not possible any more", now=NOW)


def test_a_request_that_moved_since_it_was_shown_is_not_approved(db):
    seen = booked(db)
    move(db, seen.id, start=time(10), end=time(11), by=MEERA, now=NOW)

    with pytest.raises(ChangedMeanwhile):
        approve(db, seen.id, by=HEAD, expected=seen.slot, now=NOW)

    now_at = get_booking(db, seen.id)
    assert now_at.status is Status.PENDING
    assert approve(db, seen.id, by=HEAD, expected=now_at.slot, now=NOW).status is Status.APPROVED


@pytest.mark.parametrize("invalid", ["09:00", 5, (1, 2)], ids=ascii)
def test_an_invalid_expected_slot_is_named(db, invalid):
    with pytest.raises(InvalidRequest) as refused:
        approve(db, booked(db).id, by=HEAD, expected=invalid, now=NOW)

    assert refused.value.field == "expected"


def test_more_than_a_thousand_requests_lapse_in_one_call(make_db):
    db = make_db(quota=None)
    made = booked(db)
    (row,) = db.bookings.find()
    # Hours of last year: only the stored documents matter here.
    rows = [
        row
        | {
            "_id": f"old-{number}",
            "date": f"2025-{1 + number // 100:02d}-{1 + number // 10 % 10:02d}",
            "claims": [f"ground|old-{number}|x|000"],
        }
        for number in range(1200)
    ]
    db.bookings.insert_many(rows)

    assert lapse_pending(db, now=NOW) == 1200

    assert get_booking(db, made.id).status is Status.PENDING
    assert lapse_pending(db, now=NOW) == 0


# Bookings that have begun


RUNNING = NOW.replace(day=24, hour=3, minute=52)  # 9:22 on DAY, in Asia/Kolkata
AHEAD = DAY + timedelta(days=9)


@pytest.mark.parametrize("by", [ADMIN, HEAD], ids=lambda by: by.role.value)
def test_a_booking_that_is_over_and_moved_ahead_follows_the_rules_of_a_new_request(db, by):
    made = past(db, Status.APPROVED)

    moved = move(db, made.id, date=AHEAD, by=by, reason="other week", now=LATER)

    assert moved.status is (Status.PENDING if by is ADMIN else Status.APPROVED)
    assert not moved.history[-1].correction
    with pytest.raises(TooFarAhead):
        move(db, moved.id, date=DAY + timedelta(days=99), by=by, now=LATER)


def test_an_inactive_student_gets_no_slot_ahead_by_a_move_of_what_is_over(db):
    made = past(db, Status.APPROVED)
    save_student(db, Student(student_id(0), "Student 0", "1-A", active=False))

    with pytest.raises(StudentInactive):
        move(db, made.id, date=AHEAD, by=ADMIN, reason="other week", now=LATER)

    assert get_booking(db, made.id) == made


@pytest.mark.parametrize("status", [Status.PENDING, Status.APPROVED])
@pytest.mark.parametrize("operation", ["cancel", "move"])
def test_staff_neither_move_nor_cancel_what_has_begun(db, status, operation):
    made = past(db, status)

    with pytest.raises(AlreadyBegun):
        OPERATIONS[operation](db, made.id, by=RAVI, now=RUNNING)
    with pytest.raises(InvalidRequest) as refused:
        OPERATIONS[operation](db, made.id, by=ADMIN, now=RUNNING)

    assert refused.value.field == "reason"
    assert get_booking(db, made.id) == made


def test_a_running_booking_is_put_on_its_right_ground_as_a_correction(db):
    made = past(db, Status.APPROVED)

    moved = move(db, made.id, ground_id="ground-3", by=ADMIN, reason="wrong one", now=RUNNING)

    assert (moved.status, moved.history[-1].correction) == (Status.APPROVED, True)


def test_a_request_is_decided_while_its_slot_runs(db):
    first, second = past(db, Status.PENDING), booked(db, student=2, ground="ground-3")

    assert approve(db, first.id, by=HEAD, now=RUNNING).status is Status.APPROVED
    rejected = reject(db, second.id, by=HEAD, reason="no", now=RUNNING)
    assert not rejected.history[-1].correction


@pytest.mark.parametrize("by", [RAVI, HEAD, ADMIN], ids=lambda by: by.id)
def test_a_running_booking_that_is_ended_early_frees_the_rest_and_keeps_its_seat(make_db, by):
    db = make_db(quota=1)
    made = booked(db, by=RAVI, start=9, end=12)
    approve(db, made.id, by=HEAD, now=NOW)

    ended = end_early(db, made.id, by=by, reason="rain", now=RUNNING)

    assert (ended.start, ended.end, ended.status) == (time(9), time(9, 25), Status.APPROVED)
    assert (ended.history[-1].action, ended.history[-1].reason) == ("ended early", "rain")
    assert ended.history[-1].moved_from == made.slot
    assert get_booking(db, made.id) == ended
    with pytest.raises(QuotaReached):
        booked(db, start=14, now=RUNNING)
    assert booked(db, student=3, start=10, end=12, now=RUNNING).status is Status.PENDING


@pytest.mark.parametrize(
    ("minute", "end"), [(0, time(9, 5)), (25, time(9, 25)), (26, time(9, 30)), (56, time(10))]
)
def test_an_early_end_is_the_next_mark_of_five_minutes(db, minute, end):
    made = past(db, Status.APPROVED)
    now = RUNNING.replace(hour=3, minute=30) + timedelta(minutes=minute)

    assert end_early(db, made.id, by=RAVI, now=now).end == end


@pytest.mark.parametrize("now", [NOW, LATER])
def test_only_a_running_booking_is_ended_early(db, now):
    made = past(db, Status.APPROVED)

    with pytest.raises(NotRunning):
        end_early(db, made.id, by=HEAD, now=now)

    assert get_booking(db, made.id) == made


def test_a_booking_of_somebody_else_is_not_ended_early_by_staff(db):
    made = past(db, Status.APPROVED)

    with pytest.raises(NotAllowed):
        end_early(db, made.id, by=MEERA, now=RUNNING)
    cancel(db, made.id, by=HEAD, reason="rain", now=RUNNING)
    with pytest.raises(AlreadyDecided):
        end_early(db, made.id, by=RAVI, now=RUNNING)


# Bookings that are offered for reinstatement


CHANGES = {
    **{name: happens for name, (happens, _) in SINCE.items()},
    "quota lower": lambda db: save_policy(db, Policy(quota=1), by=ADMIN),
    "week full": lambda db: [
        booked(db, student=0, ground="ground-2", start=hour, game="Football") for hour in (14, 15)
    ],
    "slot taken": lambda db: booked(db, student=7, start=9),
    "student busy": lambda db: booked(db, student=0, ground="ground-2", start=9, game="Football"),
}


@settings(max_examples=25)
@given(changes=st.sets(st.sampled_from(sorted(CHANGES)), max_size=3))
def test_exactly_the_offered_bookings_can_be_reinstated(make_db, changes):
    db = make_db(quota=2)
    mine, other = booked(db, student=0, start=9), booked(db, student=5, start=11)
    closing = close_grounds(
        db,
        ground_ids=["ground-1"],
        first=DAY,
        last=DAY,
        reason="rain",
        by=HEAD,
        expected=[mine.id, other.id],
        now=NOW,
    )
    lift_closure(db, closing.id, by=HEAD, now=NOW)
    for change in sorted(changes):
        try:
            CHANGES[change](db)
        except BookingError:
            continue  # one reinstatement can make another impossible

    offered = {booking.id for booking in find_reinstatable(db, from_date=DAY, now=NOW)}

    for booking in (mine, other):
        try:
            reinstate(db, booking.id, by=HEAD, now=NOW)
        except BookingError:
            assert booking.id not in offered
        else:
            assert booking.id in offered


def test_lists_compare_instants_in_the_repeated_hour(make_db):
    db = make_db(time_zone="Europe/London", quota=None)
    save_timetable(db, Timetable("night", (Period("N", time(1), time(1, 30)),), (6,)), by=ADMIN)
    night = datetime(2026, 10, 25, tzinfo=UTC).date()
    made = booked(
        db, on=night, start=time(1), end=time(1, 30), now=datetime(2026, 10, 24, tzinfo=UTC)
    )
    before = datetime(2026, 10, 25, 0, 15, tzinfo=UTC)  # 01:15, the first time
    after = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)  # 01:15, the second time
    approve(db, made.id, by=HEAD, now=before)

    assert [b.id for b in approved_upcoming(db, now=before)] == [made.id]
    assert approved_upcoming(db, now=after) == []
    assert [b.id for b in bookings_ahead(db, ["S000"], now=before)] == [made.id]
    assert bookings_ahead(db, ["S000"], now=after) == []
    with pytest.raises(InThePast):
        cancel(db, made.id, by=MEERA, now=after)
    closing = {"ground_ids": ["ground-1"], "first": night, "last": night}
    assert [b.id for b in displaced_by(db, **closing, now=before)] == [made.id]
    assert displaced_by(db, **closing, now=after) == []
