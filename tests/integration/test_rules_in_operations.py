"""The rules as the operations apply them: the content of the error, and that nothing is written.

The file is long because each rule is tried by booking, moving and reading a board of one school.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from support import ADMIN, DAY, DEPUTY, HEAD, MEERA, NOW, RAVI, active, booked, close_one

from booking_core import (
    AlreadyDecided,
    CellState,
    GameNotAllowed,
    Ground,
    GroundClosed,
    GroundRetired,
    InThePast,
    NoSchool,
    NotAllowed,
    NotAPeriod,
    NotFound,
    RuleBroken,
    Slot,
    SlotTaken,
    Status,
    Student,
    StudentBusy,
    StudentInactive,
    TooFarAhead,
    TooLate,
    UnknownGround,
    UnknownStudent,
    approve,
    cancel,
    day_board,
    get_booking,
    lapse_pending,
    lift_closure,
    move,
    reject,
    revoke,
    save_days,
    save_ground,
    save_student,
)

MONDAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        pytest.param({"ground": "nowhere"}, UnknownGround, id="unknown ground"),
        pytest.param({"student": "nobody"}, UnknownStudent, id="unknown student"),
        pytest.param({"game": "Chess"}, GameNotAllowed, id="game"),
        pytest.param({"start": 7}, NotAPeriod, id="no period"),
        pytest.param({"on": MONDAY - timedelta(days=1)}, InThePast, id="past"),
        pytest.param({"on": MONDAY + timedelta(days=31)}, TooFarAhead, id="too far"),
    ],
)
def test_a_refused_request_writes_nothing(db, request_, error):
    with pytest.raises(error):
        booked(db, **request_)

    assert db.bookings.count_documents({}) == 0


def test_a_change_of_the_school_applies_to_the_next_booking(db):
    save_days(db, [DAY], timetable_id=None, note="Strike")
    save_ground(db, Ground("ground-1", "Ground 1", ("Volleyball",), retired=True))
    save_student(db, Student("S001", "Asha", "10-B", active=False))
    tomorrow = DAY + timedelta(days=1)

    with pytest.raises(NoSchool, match="Strike"):
        booked(db)
    with pytest.raises(GroundRetired):
        booked(db, on=tomorrow)
    with pytest.raises(StudentInactive):
        booked(db, student=1, ground="ground-3", on=tomorrow)


def test_lead_time_ends_booking_and_the_board_agrees(make_db):
    db = make_db(lead_minutes=60)
    eight = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)  # 08:00 in Kolkata; nine is an hour ahead
    late = eight + timedelta(milliseconds=1)

    with pytest.raises(TooLate):
        booked(db, start=9, now=late)
    cell = day_board(db, DAY, late).cell("ground-1", time(9))
    assert (cell.state, cell.note) == (CellState.CLOSED, "Booking has ended")
    assert not cell.is_past  # it has not begun
    assert booked(db, start=9, now=eight).start == time(9)


def test_a_board_shows_as_free_exactly_the_slots_that_can_be_booked(make_db):
    db = make_db(lead_minutes=60, quota=None)
    for now in (NOW, datetime(2026, 11, 23, 3, 30, tzinfo=UTC)):
        for day in (MONDAY, MONDAY + timedelta(days=30), MONDAY + timedelta(days=31)):
            for hour in (8, 9, 10, 11):
                free = day_board(db, day, now).cell("ground-1", time(hour)).state is CellState.FREE

                try:
                    made = booked(db, on=day, start=hour, now=now)
                except RuleBroken:
                    may = False
                else:
                    may = True
                    cancel(db, made.id, by=MEERA, now=now)

                assert free == may, (now, day, hour)


@pytest.mark.parametrize("day", [date(2027, 3, 28), date(2026, 10, 25)])
def test_a_day_with_a_clock_change_is_booked_by_the_wall_clock(make_db, day):
    db = make_db(time_zone="Europe/Berlin")
    offset = timedelta(hours=2 if day.month == 3 else 1)
    nine = datetime(day.year, day.month, day.day, 9, tzinfo=UTC) - offset

    made = booked(db, on=day, start=9, now=nine - timedelta(seconds=1))

    assert made.start == time(9)
    with pytest.raises(InThePast) as refused:
        booked(db, student=1, on=day, start=9, now=nine)
    assert refused.value.starts_at == nine


def test_a_taken_slot_names_its_holder_since_when_and_free_alternatives(db):
    holder = booked(db, student=1, start=10)
    booked(db, student=0, ground="ground-3", start=9)

    with pytest.raises(SlotTaken) as refused:
        booked(db, student=0, start=10)

    error = refused.value
    assert (error.ground_id, error.date, error.start, error.end) == (
        "ground-1",
        DAY,
        time(10),
        time(11),
    )
    assert (error.held_by, error.since) == (holder, NOW)
    assert error.alternatives == (  # at nine the student is on ground 3
        Slot("ground-1", DAY, time(11), time(12)),
        Slot("ground-1", DAY, time(8), time(9)),
        Slot("ground-1", DAY, time(12), time(13)),
    )


def test_a_slot_taken_by_a_move_is_taken_since_the_move(db):
    later = NOW + timedelta(minutes=5)
    mover = booked(db, student=1, start=10)
    move(db, mover.id, start=time(11), end=time(12), by=MEERA, now=later)

    with pytest.raises(SlotTaken) as refused:
        booked(db, student=2, start=11)

    assert refused.value.since == later


def test_a_student_on_another_ground_is_busy_and_the_error_names_that_booking(db):
    elsewhere = booked(db, ground="ground-3", start=9)

    with pytest.raises(StudentBusy) as refused:
        booked(db, ground="ground-1", start=9)

    assert refused.value.booking == elsewhere


def close(db, by=HEAD, start=9, end=12):
    return close_one(
        db,
        ground_id="ground-1",
        date=DAY,
        start=time(start),
        end=time(end),
        reason="rain",
        by=by,
        now=NOW,
    )


def test_a_closed_ground_is_refused_with_the_reason_until_it_opens(db):
    closure = close(db)

    with pytest.raises(GroundClosed) as refused:
        booked(db, start=11)
    with pytest.raises(GroundClosed) as twice:
        close(db, by=DEPUTY)
    cell = day_board(db, DAY, NOW).cell("ground-1", time(11))
    lift_closure(db, closure.id, by=HEAD, now=NOW)

    assert (refused.value.ground_id, refused.value.reason) == ("ground-1", "rain")
    assert twice.value.reason == "rain"
    assert (cell.state, cell.note) == (CellState.CLOSED, "rain")
    assert booked(db, start=11).status is Status.PENDING


def test_a_move_keeps_the_old_slot_until_it_has_the_new_one(db):
    mine = booked(db, student=1, start=9)
    booked(db, student=2, start=10)

    with pytest.raises(SlotTaken):
        move(db, mine.id, start=time(10), end=time(11), by=MEERA, now=NOW)

    assert get_booking(db, mine.id) == mine


def test_a_booking_may_move_onto_part_of_its_own_slot(db):
    mine = booked(db, start=9, end=11)

    moved = move(db, mine.id, start=time(10), end=time(12), by=MEERA, now=NOW)

    assert (moved.start, moved.end) == (time(10), time(12))
    assert [entry.action for entry in moved.history] == ["requested", "moved"]


@pytest.mark.parametrize(
    ("operation", "arguments", "refused"),
    [
        (approve, {}, [MEERA, ADMIN]),
        (reject, {"reason": "no"}, [MEERA, ADMIN]),
        (revoke, {"reason": "no"}, [MEERA, ADMIN]),
        (cancel, {}, [RAVI]),
        (move, {"start": time(10), "end": time(11)}, [RAVI]),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_user_without_permission_changes_nothing(db, operation, arguments, refused):
    mine = booked(db, by=MEERA)

    for actor in refused:
        with pytest.raises(NotAllowed):
            operation(db, mine.id, by=actor, now=NOW, **arguments)

    assert get_booking(db, mine.id) == mine


def test_staff_may_not_close_a_ground(db):
    with pytest.raises(NotAllowed) as refused:
        close(db, by=MEERA)

    assert (refused.value.verb, refused.value.role) == ("close", "staff")
    assert active(db) == []


@pytest.mark.parametrize("operation", [approve, reject, cancel, revoke, move])
def test_a_booking_that_does_not_exist_is_not_found(db, operation):
    arguments = {"start": time(10)} if operation is move else {"reason": "why"}

    with pytest.raises(NotFound) as missing:
        operation(db, "no-such-booking", by=HEAD, now=NOW, **arguments)

    assert (missing.value.what, missing.value.id) == ("booking", "no-such-booking")


def decided(db, status):
    mine = booked(db)
    if status is Status.LAPSED:
        assert lapse_pending(db, now=NOW + timedelta(days=2)) == 1
    else:
        {Status.REJECTED: reject, Status.CANCELLED: cancel, Status.APPROVED: approve}.get(
            status, approve
        )(db, mine.id, by=HEAD, reason="why", now=NOW)
        if status is Status.REVOKED:
            revoke(db, mine.id, by=HEAD, reason="why", now=NOW)
    return get_booking(db, mine.id)


@pytest.mark.parametrize(
    ("status", "operations"),
    [
        (Status.PENDING, [revoke]),
        (Status.APPROVED, [approve, reject]),
        (Status.REJECTED, [approve, reject, revoke, cancel, move]),
        (Status.CANCELLED, [approve, reject, revoke, cancel, move]),
        (Status.REVOKED, [approve, reject, revoke, cancel, move]),
        (Status.LAPSED, [approve, reject, revoke, cancel, move]),
    ],
    ids=lambda value: value.value if isinstance(value, Status) else "",
)
def test_a_status_changes_only_along_its_transitions(db, status, operations):
    mine = booked(db) if status is Status.PENDING else decided(db, status)
    assert mine.status is status

    for operation in operations:
        arguments = {"start": time(10), "end": time(11)} if operation is move else {"reason": "x"}
        with pytest.raises(AlreadyDecided) as refused:
            operation(db, mine.id, by=HEAD, now=NOW, **arguments)
        last = mine.last_decision
        assert (refused.value.status, refused.value.by, refused.value.at) == (
            status,
            last.by_name,
            last.at,
        )

    assert get_booking(db, mine.id) == mine


def test_pending_requests_lapse_when_their_slot_has_ended_and_not_before(db):
    first, second = booked(db, student=1, start=9), booked(db, student=2, start=10)
    approve(db, second.id, by=HEAD, now=NOW)
    ten = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)

    assert lapse_pending(db, now=ten - timedelta(seconds=1)) == 0
    assert lapse_pending(db, now=ten) == 1
    assert lapse_pending(db, now=ten + timedelta(days=1)) == 0

    assert get_booking(db, first.id).status is Status.LAPSED
    assert get_booking(db, second.id).status is Status.APPROVED


def test_the_history_has_user_action_moment_and_reason(db):
    mine = booked(db, student=7)
    approve(db, mine.id, by=HEAD, reason="fine", now=NOW + timedelta(minutes=1))

    revoked = revoke(db, mine.id, by=HEAD, reason="rain", now=NOW + timedelta(minutes=2))

    entries = [(entry.at - NOW, entry.by, entry.action, entry.reason) for entry in revoked.history]
    assert entries == [
        (timedelta(0), "meera", "requested", ""),
        (timedelta(minutes=1), "head", "approved", "fine"),
        (timedelta(minutes=2), "head", "revoked", "rain"),
    ]
