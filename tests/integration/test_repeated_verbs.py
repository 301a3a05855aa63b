"""A verb that is sent again, since its answer was lost, is answered as the first time."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from closing_steps import closed
from support import ADMIN, DAY, DEPUTY, HEAD, MEERA, NOW, booked

from booking_core import (
    AlreadyDecided,
    ChangedMeanwhile,
    GroundClosed,
    approve,
    cancel,
    find_closures,
    get_booking,
    lift_closure,
    move,
    reinstate,
    reject,
    revoke,
)

DECISIONS = {
    "approve": lambda db, id, by=HEAD, reason="": approve(db, id, by=by, reason=reason, now=NOW),
    "reject": lambda db, id, by=HEAD, reason="exams": reject(db, id, by=by, reason=reason, now=NOW),
    "revoke": lambda db, id, by=HEAD, reason="exams": revoke(db, id, by=by, reason=reason, now=NOW),
    "cancel": lambda db, id, by=HEAD, reason="": cancel(db, id, by=by, reason=reason, now=NOW),
}


@pytest.fixture(params=DECISIONS)
def decide(request):
    return DECISIONS[request.param]


@pytest.fixture
def made(db, decide):
    made = booked(db)
    if decide is DECISIONS["revoke"]:
        approve(db, made.id, by=DEPUTY, now=NOW)
    return made


def test_a_repeated_decision_is_answered_as_the_first(db, decide, made):
    first = decide(db, made.id)

    again = decide(db, made.id)

    assert again == first
    assert get_booking(db, made.id) == first


def test_a_decision_of_another_user_or_for_another_reason_is_refused(db, decide, made):
    decide(db, made.id)

    with pytest.raises(AlreadyDecided):
        decide(db, made.id, by=DEPUTY)
    with pytest.raises(AlreadyDecided):
        decide(db, made.id, reason="for another reason")


def test_another_decision_of_the_same_user_is_refused(db):
    made = booked(db)
    approve(db, made.id, by=HEAD, now=NOW)

    with pytest.raises(AlreadyDecided):
        reject(db, made.id, by=HEAD, reason="exams", now=NOW)


def test_a_repeated_approval_expects_the_slot_that_was_seen(db):
    made = booked(db)
    approve(db, made.id, by=HEAD, expected=made.slot, now=NOW)
    moved = move(db, made.id, start=time(14), end=time(15), by=HEAD, now=NOW)

    with pytest.raises(ChangedMeanwhile):
        approve(db, made.id, by=HEAD, expected=made.slot, now=NOW)
    assert approve(db, made.id, by=HEAD, expected=moved.slot, now=NOW) == moved


def test_a_repeated_closing_is_answered_as_the_first(db):
    mine = booked(db)
    first = closed(db)

    again = closed(db, expected=[mine.id])
    later = closed(db, expected=[mine.id], now=NOW + timedelta(minutes=7))

    assert (again, later) == (first, first)
    assert len(find_closures(db, from_date=DAY)) == 1
    assert db["audit"].count_documents({"action": "closed"}) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"by": ADMIN},
        {"reason": "Exams"},
        {"ground_ids": ["ground-1"]},
        {"last": DAY + timedelta(days=1)},
        {"start": time(9), "end": time(10)},
        {"expected": []},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_closing_is_not_answered_as_the_first(db, other):
    mine = booked(db)
    first = closed(db)

    try:
        second = closed(db, **({"expected": [mine.id]} | other))
    except (GroundClosed, ChangedMeanwhile):
        return

    assert second.id != first.id


def test_a_closing_whose_bookings_were_reinstated_is_not_repeated(db):
    mine = booked(db)
    first = closed(db)
    lift_closure(db, first.id, by=HEAD, now=NOW)
    reinstate(db, mine.id, by=HEAD, now=NOW)

    second = closed(db, expected=[mine.id])

    assert second.id != first.id
    assert get_booking(db, mine.id).history[-1].displaced_by == second.closures[0].id


def test_a_repeated_lifting_is_answered_as_the_first(db):
    mine = booked(db)
    closing = closed(db)
    first = lift_closure(db, closing.id, by=HEAD, now=NOW)

    again = lift_closure(db, closing.id, by=HEAD, now=NOW)

    assert [b.id for b in again.reinstatable] == [mine.id]
    assert again == first
    assert db["audit"].count_documents({"action": "lifted"}) == 1
    with pytest.raises(AlreadyDecided):
        lift_closure(db, closing.id, by=ADMIN, now=NOW)


def test_a_repeated_reinstatement_is_answered_as_the_first(db):
    mine = booked(db)
    lift_closure(db, closed(db).id, by=HEAD, now=NOW)
    first = reinstate(db, mine.id, by=HEAD, now=NOW)

    assert reinstate(db, mine.id, by=HEAD, now=NOW) == first
    with pytest.raises(AlreadyDecided):
        reinstate(db, mine.id, by=ADMIN, now=NOW)
    assert move(db, mine.id, start=time(14), end=time(15), by=MEERA, now=NOW)
