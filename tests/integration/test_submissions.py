"""One submission books once: pressed twice, sent again, or cut off before its answer."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from support import DAY, HEAD, MEERA, NOW, RAVI, active, at_once, booked, request_for

from booking_core import (
    Booking,
    Status,
    StoreUnavailable,
    SubmissionReused,
    approve,
    book,
    cancel,
    get_booking,
    move,
)


def test_the_same_submission_twice_is_one_booking(db):
    submission = uuid4()

    first = booked(db, submission_id=submission)
    second = booked(db, submission_id=submission)

    assert first == second
    assert first.id == str(submission)
    assert db.bookings.count_documents({}) == 1


def test_a_submission_sent_by_many_threads_at_once_is_one_booking_for_all_of_them(db):
    for hour in range(8, 18):
        submission = uuid4()

        answers = at_once(
            *[partial(booked, db, student=hour, start=hour, submission_id=submission)] * 8
        )

        assert all(isinstance(answer, Booking) for answer in answers)
        assert {answer.id for answer in answers} == {str(submission)}
        assert db.bookings.count_documents({"_id": str(submission)}) == 1
        assert len(active(db)) == hour - 7


@pytest.mark.parametrize(
    "change",
    [
        {"student": 2},
        {"start": 10},
        {"end": 11},
        {"ground": "ground-3"},
        {"game": "Football"},
        {"purpose": "another"},
        {"on": DAY + timedelta(days=1)},
        {"by": RAVI},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_same_submission_with_other_content_is_refused_and_books_nothing(db, change):
    submission = uuid4()
    first = booked(db, student=1, submission_id=submission)

    with pytest.raises(SubmissionReused) as refused:
        booked(db, **({"student": 1} | change), submission_id=submission)

    assert refused.value.submission_id == submission
    assert db.bookings.count_documents({}) == 1
    assert get_booking(db, first.id) == first


def test_a_late_retry_of_a_timely_booking_succeeds(db):
    submission = uuid4()
    first = booked(db, submission_id=submission)

    again = booked(db, submission_id=submission, now=NOW + timedelta(days=7))

    assert again == first


def test_a_late_retry_with_other_content_is_a_reuse_and_not_a_broken_rule(db):
    submission = uuid4()
    booked(db, submission_id=submission)

    with pytest.raises(SubmissionReused):
        booked(db, submission_id=submission, purpose="other", now=NOW + timedelta(days=7))


def test_a_retry_after_a_move_or_a_decision_returns_the_present_booking(db):
    submission = uuid4()
    first = booked(db, submission_id=submission)
    moved = move(db, first.id, ground_id="ground-3", by=MEERA, now=NOW)

    after_move = booked(db, submission_id=submission)
    cancelled = cancel(db, first.id, by=MEERA, now=NOW)
    after_cancel = booked(db, submission_id=submission)

    assert after_move == moved
    assert after_cancel == cancelled
    assert active(db) == []


def test_two_requests_without_a_submission_id_are_two_bookings(db):
    first = book(db, request_for(start=9), by=MEERA, now=NOW)

    second = book(db, request_for(start=10), by=MEERA, now=NOW)

    assert first.id != second.id


def test_a_connection_cut_once_between_write_and_answer_is_not_noticed(far_db, db, proxy):
    submission = uuid4()
    proxy.cut("update")

    made = booked(far_db, submission_id=submission)

    assert proxy.cuts == 1
    assert get_booking(db, str(submission)) == made
    assert db.bookings.count_documents({}) == 1


def test_after_a_permanent_cut_the_submission_sent_again_finds_its_booking(far_db, db, proxy):
    submission = uuid4()
    proxy.cut("update", for_good=True)

    with pytest.raises(StoreUnavailable):
        booked(far_db, submission_id=submission)
    kept = get_booking(db, str(submission))
    again = booked(db, submission_id=submission)

    assert proxy.cuts == 1
    assert again == kept
    assert db.bookings.count_documents({}) == 1


def test_a_decision_whose_answer_is_lost_once_is_made_once(far_db, db, proxy):
    asked = booked(db)
    proxy.cut("update")

    approved = approve(far_db, asked.id, by=HEAD, now=NOW)

    assert proxy.cuts == 1
    assert get_booking(db, asked.id) == approved
    assert [entry.action for entry in approved.history] == ["requested", "approved"]


def test_a_decision_whose_answer_is_lost_permanently_is_found_when_sent_again(far_db, db, proxy):
    asked = booked(db)
    proxy.cut("update", for_good=True)

    with pytest.raises(StoreUnavailable):
        approve(far_db, asked.id, by=HEAD, now=NOW)
    found = approve(db, asked.id, by=HEAD, now=NOW)

    assert (found.status, [entry.action for entry in found.history]) == (
        Status.APPROVED,
        ["requested", "approved"],
    )


def test_a_submission_sent_again_is_found_although_its_slot_was_moved_from_and_taken(db):
    submission = uuid4()
    first = booked(db, student=1, submission_id=submission)
    moved = move(db, first.id, ground_id="ground-3", by=MEERA, now=NOW)
    booked(db, student=2)

    assert booked(db, student=1, submission_id=submission) == moved
