"""Replacing a booking: another party gets its slot, and it moves or ends; or nothing happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from functools import partial
from uuid import uuid4

import pytest
from replacing_steps import WHY, at, replaced
from support import (
    ADMIN,
    DAY,
    HEAD,
    MEERA,
    NOW,
    RAVI,
    active,
    assert_sound,
    booked,
    request_for,
)

from booking_core import (
    Account,
    AlreadyBegun,
    AlreadyDecided,
    ChangedMeanwhile,
    GameNotAllowed,
    InvalidRequest,
    NotAllowed,
    NotFound,
    PartOfSet,
    QuotaReached,
    Role,
    SeriesRequest,
    SetRequest,
    Slot,
    SlotTaken,
    Status,
    StudentBusy,
    SubmissionReused,
    add_account,
    approve,
    book_series,
    book_set,
    cancel,
    delegate,
    find_bookings,
    get_booking,
    join_waiting_list,
    move,
    notices_for,
    plan_replacement,
    promote_waiting,
    waiting_list,
    write_notices,
)

LATER = NOW + timedelta(minutes=1)
planned = partial(plan_replacement, by=HEAD, now=NOW)


@pytest.fixture
def taken(db):
    """Meera's approved booking of Volleyball on the first ground at nine."""
    return approve(db, booked(db, student=1).id, by=HEAD, now=NOW)


def test_the_booking_moves_to_the_proposed_slot_and_another_party_gets_its_own(db, taken):
    found = planned(db, taken.id)

    done = replaced(db, taken, move_to=found.slot)

    assert found == (taken, at(8))
    assert done.displaced == get_booking(db, taken.id)
    assert done.made == get_booking(db, done.made.id)
    assert (done.displaced.slot, done.displaced.status) == (found.slot, Status.APPROVED)
    last = done.displaced.history[-1]
    assert (last.action, last.by, last.reason, last.moved_from) == ("moved", "head", WHY, at(9))
    assert (done.made.slot, done.made.student_id, done.made.status) == (
        at(9),
        "S002",
        Status.APPROVED,
    )
    assert_sound(db)


def test_without_a_slot_an_approved_booking_is_revoked_and_a_request_is_rejected(db, taken):
    asked = booked(db, student=3, start=11)

    for before, status in ((taken, Status.REVOKED), (asked, Status.REJECTED)):
        done = replaced(db, before, student=5)
        last = done.displaced.history[-1]
        assert (done.displaced.status, last.action) == (status, status.value.lower())
        assert (last.by, last.reason, last.status_before) == ("head", WHY, before.status)
        assert done.made.slot == before.slot
    assert_sound(db)


def test_the_author_is_told_why_and_where_it_went(db, taken):
    write_notices(db, now=NOW)

    done = replaced(db, taken, move_to=at(14))
    write_notices(db, now=NOW)

    [notice] = notices_for(db, MEERA.id)
    assert (notice.kind, notice.slot, notice.reason) == ("moved", at(9), WHY)
    assert (notice.by_name, notice.booking.slot) == ("Head", at(14))
    assert notices_for(db, HEAD.id) == []
    assert done.made.created_by == "head"


def test_a_proposal_overlaps_the_slot_nowhere_and_writes_nothing(db):
    for n, ground in enumerate(("ground-1", "ground-3")):  # the others of this game and time
        for hour in range(8, 18):
            if (ground, hour) != ("ground-1", 9):
                booked(db, student=20 * n + hour, ground=ground, start=hour, by=RAVI)
    last = booked(db, student=40)

    found = planned(db, last.id)

    assert found.slot == at(9, on=DAY + timedelta(days=1))
    assert get_booking(db, last.id) == last


@pytest.mark.parametrize("by", [MEERA, RAVI, ADMIN], ids=lambda by: by.id)
def test_who_may_not_decide_replaces_no_booking(db, taken, by):
    for verb in (replaced, lambda db, booking, by: planned(db, booking.id, by=by)):
        with pytest.raises(NotAllowed) as refused:
            verb(db, taken, by=by)
        assert (refused.value.verb, refused.value.role) == ("replace", by.role.value)
    assert find_bookings(db, now=NOW) == [taken]


def test_a_delegate_replaces_and_the_new_booking_waits_for_the_principal(db, taken):
    add_account(db, Account("head", "Head", Role.PRINCIPAL))
    add_account(db, Account("sub", "Sub", Role.STAFF))
    delegate(db, to="sub", first=DAY - timedelta(days=1), last=DAY, by=HEAD, now=NOW)

    done = replaced(db, taken, by=Account("sub", "Sub", Role.STAFF).actor)

    assert done.made.status is Status.PENDING
    assert done.displaced.history[-1].on_behalf_of == "Head"


def test_a_booking_that_changed_since_it_was_shown_stays(db, taken):
    moved = move(db, taken.id, start=time(14), end=time(15), by=HEAD, now=NOW)
    back = move(db, taken.id, start=time(9), end=time(10), by=HEAD, now=NOW)

    with pytest.raises(ChangedMeanwhile):
        replaced(db, taken, move_to=at(14))

    assert moved.revision < back.revision
    assert find_bookings(db, now=NOW) == [back]


def test_what_has_begun_or_ended_is_not_replaced(db, taken):
    for now in (NOW + timedelta(days=1, hours=3), NOW + timedelta(days=2)):
        for verb in (replaced, lambda db, booking, now: planned(db, booking.id, now=now)):
            with pytest.raises(AlreadyBegun):
                verb(db, taken, now=now)
    gone = cancel(db, taken.id, by=MEERA, now=NOW)
    with pytest.raises(AlreadyDecided):
        replaced(db, gone)
    with pytest.raises(AlreadyDecided):
        planned(db, gone.id)
    with pytest.raises(NotFound):
        replaced(db, replace(taken, id=str(uuid4())))
    assert active(db) == []


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("reason", {"reason": " "}),
        ("expected", {"expected": True}),
        ("expected", {"expected": "1"}),
        ("move_to", {"move_to": "ground-3"}),
        ("request", {"request": "S002"}),
        ("request", {"request": request_for(student=2, start=11)}),
        ("submission_id", {"submission_id": "1"}),
        ("move_to", {"move_to": at(9)}),
        ("move_to", {"move_to": Slot("ground-1", DAY, time(8), time(10))}),
    ],
)
def test_arguments_are_checked_and_nothing_is_written(db, taken, field, arguments):
    with pytest.raises(InvalidRequest) as refused:
        replaced(db, taken, **arguments)

    assert refused.value.field == field
    assert find_bookings(db, now=NOW) == [taken]


def test_a_slot_that_is_taken_moves_nothing(db, taken):
    other = booked(db, student=7, ground="ground-3", by=RAVI)

    with pytest.raises(SlotTaken) as refused:
        replaced(db, taken, move_to=at(9, "ground-3"))

    assert refused.value.held_by.id == other.id
    assert {b.id for b in find_bookings(db, now=NOW)} == {taken.id, other.id}
    assert get_booking(db, taken.id) == taken
    assert_sound(db)


def test_a_party_that_is_elsewhere_then_replaces_nothing(db, taken):
    other = booked(db, student=2, ground="ground-3", by=RAVI)

    with pytest.raises(StudentBusy) as refused:
        replaced(db, taken, move_to=at(14))

    assert refused.value.booking.id == other.id
    assert get_booking(db, taken.id) == taken
    assert len(active(db)) == 2


def test_the_rules_of_a_move_and_of_a_request_hold(db, taken):
    with pytest.raises(GameNotAllowed):
        replaced(db, taken, move_to=at(9, "ground-2"))
    with pytest.raises(GameNotAllowed):
        replaced(db, taken, request=request_for(student=2, game="Cricket"))
    assert find_bookings(db, now=NOW) == [taken]


def test_seats_are_counted_once_the_displaced_booking_has_let_go(make_db):
    db = make_db(quota=1)
    first, other = booked(db, student=1), booked(db, student=2, start=11)

    with pytest.raises(QuotaReached):
        replaced(db, first, student=2)
    done = replaced(db, first, student=1)

    assert done.made.student_id == "S001"
    assert get_booking(db, other.id) == other
    assert_sound(db)


def test_a_party_with_a_seat_gets_the_next_one(make_db):
    db = make_db(quota=2)
    first = booked(db, student=1)
    for student, hour in ((2, 11), (3, 12)):
        booked(db, student=student, start=hour)

    done = replaced(db, first, student=2)

    assert done.made.quota_holders == (("S002", 1),)
    assert_sound(db)


def test_the_first_of_a_set_does_not_end_while_others_need_its_people(db):
    made = book_set(
        db,
        SetRequest(request_for(student=1), ("ground-1", "ground-3")),
        by=MEERA,
        submission_id=uuid4(),
        now=NOW,
    )
    first, second = made.bookings

    assert planned(db, second.id) == (second, None)
    with pytest.raises(PartOfSet):
        planned(db, first.id)
    with pytest.raises(PartOfSet):
        replaced(db, first)
    with pytest.raises(PartOfSet):
        replaced(db, first, move_to=at(14))
    done = replaced(db, second)

    assert done.displaced.status is Status.REJECTED
    assert get_booking(db, first.id) == first
    assert_sound(db)


def test_a_date_of_a_series_is_replaced_by_itself(db):
    asked = SeriesRequest(first=request_for(student=1), count=2)
    made = book_series(db, asked, by=MEERA, submission_id=uuid4(), now=NOW)

    done = replaced(db, made.bookings[0], move_to=at(14))

    assert done.displaced.series == made.id
    assert not done.displaced.history[-1].of_series
    assert done.made.series is None
    assert get_booking(db, made.bookings[1].id) == made.bookings[1]


def test_the_waiting_list_gets_nothing_of_the_slot(db, taken):
    join_waiting_list(db, request_for(student=9), by=RAVI, now=NOW)

    replaced(db, taken, move_to=at(14))

    assert promote_waiting(db, now=NOW) == []
    assert len(waiting_list(db, "ground-1", DAY, now=NOW)) == 1


def test_a_replacement_that_is_sent_again_is_answered_as_the_first(db, taken):
    sent = partial(replaced, db, taken, submission_id=uuid4())
    done = sent(move_to=at(14))

    assert sent(move_to=at(14)) == done
    assert sent(move_to=at(14), now=NOW + timedelta(days=3)) == done
    for other in ({"student": 3}, {"reason": "another"}, {"move_to": None}):
        with pytest.raises(SubmissionReused):
            sent(**{"move_to": at(14)} | other)
    booking = booked(db, student=3, start=16, by=HEAD, submission_id=(again := uuid4()), now=LATER)
    with pytest.raises(SubmissionReused):  # it replaced nothing
        replaced(
            db,
            done.displaced,
            submission_id=again,
            move_to=at(15),
            request=request_for(student=3, start=16),
        )
    assert len(active(db)) == 3
    assert get_booking(db, booking.id) == booking
