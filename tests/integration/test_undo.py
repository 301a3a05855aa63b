"""Undoing a cancellation, a rejection, a revocation and a move, in any race."""

from __future__ import annotations

from datetime import time, timedelta
from functools import partial
from uuid import uuid4

import pytest
from support import (
    ADMIN,
    DAY,
    DEPUTY,
    HEAD,
    MEERA,
    NOW,
    RAVI,
    active,
    assert_sound,
    at_once,
    booked,
    request_for,
)

from booking_core import (
    Booking,
    ChangedMeanwhile,
    GroundRetired,
    InThePast,
    InvalidRequest,
    NotAllowed,
    NotFound,
    QuotaReached,
    SeriesRequest,
    SetRequest,
    SlotTaken,
    Status,
    StudentBusy,
    UndoOver,
    approve,
    book_series,
    book_set,
    cancel,
    cancel_series,
    change_ground,
    end_early,
    get_booking,
    join_waiting_list,
    move,
    move_series,
    promote_waiting,
    reject,
    revoke,
    undo_change,
)
from booking_core.errors import PartOfSet

SOON = NOW + timedelta(seconds=5)
undo = partial(undo_change, by=HEAD, now=SOON)
CHANGES = {
    "cancelled": (Status.APPROVED, partial(cancel, by=HEAD, now=NOW)),
    "rejected": (Status.PENDING, partial(reject, reason="exams", by=HEAD, now=NOW)),
    "revoked": (Status.APPROVED, partial(revoke, reason="exams", by=HEAD, now=NOW)),
    "moved": (
        Status.APPROVED,
        partial(move, ground_id="ground-3", start=time(14), end=time(15), by=HEAD, now=NOW),
    ),
}


@pytest.fixture(params=CHANGES)
def changed(db, request):
    """(the booking before, the booking after a change by the principal)."""
    status, change = CHANGES[request.param]
    before = booked(db, student=1)
    if status is Status.APPROVED:
        before = approve(db, before.id, by=DEPUTY, now=NOW)
    return before, change(db, before.id)


def test_a_booking_is_as_before_and_its_history_has_both_entries(db, changed):
    before, after = changed

    back = undo(db, after.id, revision=after.revision)

    assert back == get_booking(db, before.id)
    assert (back.slot, back.status, back.student_ids) == (
        before.slot,
        before.status,
        before.student_ids,
    )
    assert back.history[:-1] == after.history
    assert (back.history[-1].action, back.history[-1].by) == ("undone", HEAD.id)
    assert back.held_since == SOON
    assert (back.last_move, back.changed_after_approval) == (None, ())
    with pytest.raises(SlotTaken):
        booked(db, student=2)
    assert_sound(db)


def test_sent_again_it_is_answered_as_the_first_time(db, changed):
    _, after = changed
    back = undo(db, after.id, revision=after.revision)

    assert undo(db, after.id, revision=after.revision) == back
    with pytest.raises(ChangedMeanwhile):
        undo(db, after.id, revision=after.revision, by=DEPUTY)


def test_only_who_made_the_change_undoes_it_and_soon(db, changed):
    _, after = changed

    with pytest.raises(NotAllowed):
        undo(db, after.id, revision=after.revision, by=DEPUTY)
    with pytest.raises(UndoOver) as over:
        undo(db, after.id, revision=after.revision, now=NOW + timedelta(seconds=61))

    assert over.value.seconds == 10
    assert get_booking(db, after.id) == after


def test_a_slot_that_somebody_has_taken_is_not_taken_back(db, changed):
    _, after = changed
    other = booked(db, student=2, by=RAVI)

    with pytest.raises(SlotTaken) as taken:
        undo(db, after.id, revision=after.revision)

    assert taken.value.held_by.id == other.id
    assert get_booking(db, after.id) == after


def test_a_booking_that_was_changed_since_stays(db):
    made = booked(db, student=1)
    moved = move(db, made.id, start=time(14), end=time(15), by=HEAD, now=NOW)
    later = approve(db, made.id, by=HEAD, now=NOW)

    with pytest.raises(ChangedMeanwhile):
        undo(db, made.id, revision=moved.revision)
    with pytest.raises(InvalidRequest):  # an approval is revoked, not undone
        undo(db, made.id, revision=later.revision)

    assert get_booking(db, made.id) == later


def test_an_early_end_is_not_undone(db):
    made = booked(db, student=1, start=9, end=11)
    running = NOW + timedelta(days=1, hours=3, minutes=30)  # 9:30
    ended = end_early(db, made.id, by=HEAD, now=running)

    with pytest.raises(InvalidRequest) as refused:
        undo(db, made.id, revision=ended.revision, now=running)

    assert refused.value.field == "revision"


def test_a_slot_that_has_begun_stays_free(db):
    made = booked(db, student=1)
    at = NOW + timedelta(days=1, hours=2, minutes=59, seconds=58)  # 2 s before nine
    after = cancel(db, made.id, by=MEERA, now=at)

    with pytest.raises(InThePast):
        undo(db, made.id, revision=after.revision, by=MEERA, now=at + timedelta(seconds=2))


def test_the_people_and_the_rules_of_now_decide(make_db):
    db = make_db(quota=1)
    made = booked(db, student=1)
    after = cancel(db, made.id, by=HEAD, now=NOW)
    other = booked(db, student=1, ground="ground-3")
    with pytest.raises((StudentBusy, QuotaReached)):
        undo(db, made.id, revision=after.revision)
    cancel(db, other.id, by=MEERA, now=NOW)
    change_ground(db, "ground-1", retired=True, by=ADMIN, now=NOW)
    with pytest.raises(GroundRetired):
        undo(db, made.id, revision=after.revision)
    assert active(db) == []


def test_a_full_quota_is_kept(make_db):
    db = make_db(quota=1)
    made = booked(db, student=1)
    after = cancel(db, made.id, by=HEAD, now=NOW)
    booked(db, student=1, start=14)

    with pytest.raises(QuotaReached):
        undo(db, made.id, revision=after.revision)
    assert_sound(db)


def test_arguments_are_checked(db):
    made = booked(db)
    for revision in (-1, True, "1", None):
        with pytest.raises(InvalidRequest, match="revision"):
            undo(db, made.id, revision=revision)
    with pytest.raises(NotFound):
        undo(db, "nothing", revision=1)


def test_what_the_waiting_list_has_given_away_is_named(db):
    made = booked(db, student=1)
    join_waiting_list(db, request_for(student=2), by=RAVI, now=NOW)
    after = cancel(db, made.id, by=HEAD, now=NOW)
    [given] = promote_waiting(db, now=NOW) or [b for b in _on_nine(db) if b.id != made.id]

    with pytest.raises(SlotTaken) as taken:
        undo(db, made.id, revision=after.revision)

    assert taken.value.held_by.id == given.id


def _on_nine(db):
    return [get_booking(db, row["_id"]) for row in active(db)]


@pytest.mark.parametrize("change", ["cancelled", "moved"])
def test_an_undo_against_a_booking_into_the_freed_slot_has_one_winner(db, change):
    for hour in range(8, 14):
        made = booked(db, student=hour, start=hour)
        if change == "moved":
            after = move(db, made.id, date=DAY + timedelta(days=1), by=HEAD, now=NOW)
        else:
            after = cancel(db, made.id, by=HEAD, now=NOW)

        undone, other = at_once(
            partial(undo, db, made.id, revision=after.revision),
            partial(booked, db, student=hour + 100, start=hour, by=RAVI),
        )

        won = [outcome for outcome in (undone, other) if isinstance(outcome, Booking)]
        lost = [outcome for outcome in (undone, other) if isinstance(outcome, SlotTaken)]
        assert (len(won), len(lost)) == (1, 1), (undone, other)
        assert_sound(db)


def test_an_undo_against_another_change_has_one_winner_or_comes_first(db):
    for hour in range(8, 14):
        made = booked(db, student=hour, start=hour)
        after = move(db, made.id, ground_id="ground-3", by=HEAD, now=NOW)

        undone, approved = at_once(
            partial(undo, db, made.id, revision=after.revision),
            partial(approve, db, made.id, by=DEPUTY, now=NOW),
        )

        stored = get_booking(db, made.id)
        assert isinstance(approved, Booking), approved
        assert stored.status is Status.APPROVED
        if isinstance(undone, Exception):
            assert isinstance(undone, ChangedMeanwhile), undone
            assert stored.slot == after.slot
        else:
            assert stored.slot == made.slot
        assert_sound(db)


@pytest.mark.parametrize("change", [cancel, partial(move, date=DAY + timedelta(days=6))])
def test_another_seat_of_the_quota_is_taken_where_its_own_is_gone(make_db, change):
    db = make_db(quota=2)
    made = booked(db, student=1)
    after = change(db, made.id, by=HEAD, now=NOW)
    other = booked(db, student=1, start=14)

    back = undo(db, made.id, revision=after.revision)

    assert {back.quota_seat, other.quota_seat} == {0, 1}
    assert_sound(db)


def test_the_dates_of_a_moved_series_go_back_and_follow_it_again(db):
    request = SeriesRequest(first=request_for(student=1), count=3)
    made = book_series(db, request, by=MEERA, submission_id=uuid4(), now=NOW)
    moved = move_series(db, made.id, ground_id="ground-3", by=HEAD, now=NOW)

    back = [undo(db, one.id, revision=one.revision) for one in moved]

    assert [(b.slot, b.status) for b in back] == [(b.slot, b.status) for b in made.bookings]
    assert len(move_series(db, made.id, ground_id="ground-3", by=MEERA, now=SOON)) == 3
    assert_sound(db)


def test_a_ground_of_a_set_does_not_come_back_without_the_first_which_has_the_people(make_db):
    db = make_db(quota=None)
    made = book_set(
        db,
        SetRequest(request_for(student=1, start=10, game="Football"), ("ground-1", "ground-2")),
        by=MEERA,
        submission_id=uuid4(),
        now=NOW,
    )
    ended = cancel_series(db, made.id, by=MEERA, now=NOW)
    first, second = sorted(ended, key=lambda booking: booking.set_place)
    booked(db, student=1, start=10, ground="ground-3")

    with pytest.raises(StudentBusy):
        undo_change(db, first.id, revision=first.revision, by=MEERA, now=NOW)
    with pytest.raises(PartOfSet):
        undo_change(db, second.id, revision=second.revision, by=MEERA, now=NOW)
    assert_sound(db)
