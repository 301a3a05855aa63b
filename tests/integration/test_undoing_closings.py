"""Undoing a closing: all of it is as before, or nothing happens, in any race."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from closing_steps import closed
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
    of_type,
    request_for,
)

from booking_core import (
    Actor,
    AlreadyDecided,
    Booking,
    ChangedMeanwhile,
    GroundRetired,
    InThePast,
    InvalidRequest,
    NotAllowed,
    NotFound,
    QuotaReached,
    Role,
    SetRequest,
    Slot,
    SlotTaken,
    Status,
    StudentBusy,
    UndoOver,
    approve,
    book_set,
    cancel,
    change_ground,
    displaced_by,
    find_reinstatable,
    find_returnable,
    get_booking,
    lift_closure,
    mark_read,
    move,
    notices_for,
    reinstate,
    undo_change,
    undo_closing,
    write_notices,
)
from booking_core.booking.closures import Closing
from booking_core.errors import PartOfSet
from booking_core.storage.bookings import transactions
from booking_core.storage.client.database import Documents

SOON = NOW + timedelta(seconds=5)
WEEK = timedelta(days=7)


def undo(db: Documents, closing: Closing, **changed: Any) -> tuple[Booking, ...]:
    asked = {"revisions": revisions(closing), "by": HEAD, "now": SOON} | changed
    return undo_closing(db, closing.id, **asked)


def revisions(closing: Closing) -> dict[str, int]:
    return {booking.id: booking.revision for booking in (*closing.displaced, *closing.moved)}


def closed_one(db: Documents, moves: Mapping[str, Slot] | None = None, **asked: Any) -> Closing:
    """Closes a ground, by default the first, and moves the bookings that ``moves`` names."""
    where = {"ground_ids": ["ground-1"], "first": DAY, "last": DAY, "now": NOW} | asked
    expected = [b.id for b in displaced_by(db, **{n: v for n, v in where.items() if n != "reason"})]
    return closed(db, **where, expected=expected, moves=moves)


def elsewhere(booking: Booking, **other: Any) -> dict[str, Slot]:
    """A move of ``booking`` to the third ground, as ``close_grounds`` takes it."""
    slot = booking.slot
    place = {"ground_id": "ground-3", "date": slot.date, "start": slot.start, "end": slot.end}
    return {booking.id: Slot(**(place | other))}


@pytest.fixture
def before(db):
    """An approved booking at nine and a request at ten, of the first ground."""
    first, second = booked(db, student=1, start=9), booked(db, student=2, start=10, by=RAVI)
    return approve(db, first.id, by=DEPUTY, now=NOW), second


@pytest.fixture
def closing(db, before):
    """A closing that has moved the first of them and revoked the second."""
    return closed_one(db, elsewhere(before[0]))


def test_all_is_as_before_and_the_histories_have_both_entries(db, before, closing):
    back = undo(db, closing)

    assert [(b.id, b.slot, b.status) for b in back] == [(b.id, b.slot, b.status) for b in before]
    for one, was in zip(back, (*closing.moved, *closing.displaced), strict=True):
        assert one == get_booking(db, one.id)
        assert one.history[:-1] == was.history
        assert (one.history[-1].action, one.history[-1].by) == ("undone", HEAD.id)
        assert one.held_since == SOON
    assert {row["kind"] for row in active(db)} == {"booking"}
    assert find_returnable(db, from_date=DAY, now=SOON) == []
    assert find_reinstatable(db, from_date=DAY, now=SOON) == []
    [closure] = closing.closures
    ended = get_booking(db, closure.id)
    assert (ended.status, ended.history[-1].action) == (Status.CANCELLED, "undone")
    assert db["audit"].count_documents({"action": "undone", "id": closing.id, "by": HEAD.id}) == 1
    with pytest.raises(SlotTaken):
        booked(db, student=3, start=10)
    assert_sound(db)


def test_a_closing_without_bookings_is_undone_too(db):
    closing = closed(db)

    assert undo(db, closing) == ()
    assert undo(db, closing) == ()
    assert active(db) == []


def test_sent_again_it_is_answered_as_the_first_time(db, closing):
    back = undo(db, closing)

    assert undo(db, closing) == back
    gone = cancel(db, back[0].id, by=HEAD, now=SOON)
    undo_change(db, gone.id, revision=gone.revision, by=HEAD, now=SOON)
    with pytest.raises(ChangedMeanwhile):
        undo(db, closing)
    assert db["audit"].count_documents({"action": "undone"}) == 1


@pytest.mark.parametrize("by", [DEPUTY, ADMIN, MEERA])
def test_only_who_closed_undoes_it(db, closing, by):
    with pytest.raises(NotAllowed):
        undo(db, closing, by=by)


def test_who_may_close_no_more_undoes_nothing(db, closing):
    with pytest.raises(NotAllowed):
        undo(db, closing, by=Actor(HEAD.id, Role.STAFF, HEAD.name))


def test_it_is_undone_soon_or_not_at_all(db, closing):
    with pytest.raises(UndoOver) as over:
        undo(db, closing, now=NOW + timedelta(seconds=61))

    assert over.value.seconds == 10
    assert get_booking(db, closing.moved[0].id) == closing.moved[0]


SINCE = {
    "moved on": lambda db, c: move(
        db, c.moved[0].id, start=time(15), end=time(16), by=HEAD, now=NOW
    ),
    "cancelled": lambda db, c: cancel(db, c.moved[0].id, by=MEERA, now=NOW),
    "lifted": lambda db, c: lift_closure(db, c.id, by=HEAD, now=NOW),
    "lifted in part": lambda db, c: lift_closure(db, c.closures[0].id, by=HEAD, now=NOW),
    "reinstated": lambda db, c: (
        lift_closure(db, c.id, by=HEAD, now=NOW),
        reinstate(db, c.displaced[0].id, by=HEAD, now=NOW),
    ),
}


def test_a_school_that_changes_before_the_write_is_seen(db, before, closing, monkeypatch):
    """Without the comparison of revisions a booking would come back to a ground out of use."""
    run, runs = transactions.run, []

    def retire_then_run(db, work):
        if not runs:
            change_ground(db, "ground-1", retired=True, by=ADMIN, now=NOW)
        runs.append(work)
        return run(db, work)

    monkeypatch.setattr(transactions, "run", retire_then_run)

    with pytest.raises(GroundRetired):
        undo(db, closing)

    assert get_booking(db, before[0].id) == closing.moved[0]


@pytest.mark.parametrize("since", SINCE)
def test_where_one_was_changed_since_nothing_happens(db, before, since):
    closing = closed_one(db, elsewhere(before[0]), last=DAY + timedelta(days=1))
    SINCE[since](db, closing)
    stored = list(db["bookings"].find().sort("_id"))

    with pytest.raises(ChangedMeanwhile):
        undo(db, closing)

    assert list(db["bookings"].find().sort("_id")) == stored
    assert db["audit"].count_documents({"action": "undone"}) == 0


def test_a_part_of_a_former_slot_that_was_taken_refuses_all_of_it(db):
    long = booked(db, student=1, start=9, end=11)
    other = booked(db, student=2, start=11)
    closing = closed_one(db, elsewhere(long), start=time(10), end=time(12))
    taken = booked(db, student=3, start=9)
    stored = list(db["bookings"].find().sort("_id"))

    with pytest.raises(SlotTaken) as refused:
        undo(db, closing)

    assert refused.value.held_by.id == taken.id
    assert list(db["bookings"].find().sort("_id")) == stored
    assert get_booking(db, other.id).status is Status.REVOKED


def test_people_who_are_elsewhere_meanwhile_refuse_all_of_it(db, before, closing):
    booked(db, student=2, start=10, ground="ground-3")

    with pytest.raises(StudentBusy):
        undo(db, closing)

    assert get_booking(db, before[0].id) == closing.moved[0]


def test_the_rules_of_now_decide(db, before):
    first, second = before
    closing = closed_one(db, {**elsewhere(first), **elsewhere(second)})
    change_ground(db, "ground-1", retired=True, by=ADMIN, now=NOW)

    with pytest.raises(GroundRetired):
        undo(db, closing)


def test_a_booking_that_has_begun_does_not_come_back(db, before):
    at = NOW + timedelta(days=1, hours=2, minutes=59, seconds=58)  # 2 s before nine
    closing = closed_one(db, now=at)

    with pytest.raises(InThePast):
        undo(db, closing, now=at + timedelta(seconds=2))

    assert {row["kind"] for row in active(db)} == {"closure"}


def test_seats_of_the_quota_are_taken_anew(make_db):
    db = make_db(quota=2)
    first, second = booked(db, student=1, start=9), booked(db, student=1, start=11)
    moved = elsewhere(second, date=DAY + WEEK)
    closing = closed_one(db, moved)
    third = booked(db, student=1, start=14, ground="ground-3")

    with pytest.raises(QuotaReached):
        undo(db, closing)
    cancel(db, third.id, by=MEERA, now=NOW)
    back = undo(db, closing)

    assert {booking.id for booking in back} == {first.id, second.id}
    assert {booking.quota_seat for booking in back} == {0, 1}
    assert len({booking.quota_window for booking in back}) == 1
    assert_sound(db)


def test_a_seat_that_another_booking_has_got_stays_there(make_db):
    db = make_db(quota=2)
    first = booked(db, student=1, start=9)
    closing = closed_one(db)
    second = booked(db, student=1, start=14, ground="ground-3")

    [back] = undo(db, closing)

    assert (first.quota_seat, second.quota_seat, back.quota_seat) == (0, 0, 1)
    assert_sound(db)


def a_set(db: Documents) -> tuple[Booking, ...]:
    request = SetRequest(
        request_for(student=1, start=10, game="Football"), ("ground-1", "ground-2")
    )
    made = book_set(db, request, by=MEERA, submission_id=uuid4(), now=NOW)
    return tuple(sorted(made.bookings, key=lambda booking: booking.set_place))


def test_a_set_comes_back_whole(db):
    made = a_set(db)
    closing = closed(db)

    undo(db, closing)

    assert {row["_id"] for row in active(db)} == {booking.id for booking in made}
    assert_sound(db)


def test_a_ground_of_a_set_does_not_come_back_without_the_first(db):
    first, _ = a_set(db)
    closing = closed_one(db, ground_ids=["ground-2"])
    cancel(db, first.id, by=MEERA, now=NOW)

    with pytest.raises(PartOfSet):
        undo(db, closing)

    assert {row["kind"] for row in active(db)} == {"closure"}


def test_arguments_are_checked(db, closing):
    moved = closing.moved[0]
    other = booked(db, student=5, start=14, ground="ground-3")
    for wrong in (
        None,
        [moved.id],
        {moved.id: moved.revision},
        revisions(closing) | {other.id: other.revision},
    ):
        with pytest.raises(InvalidRequest, match="revisions"):
            undo(db, closing, revisions=wrong)
    with pytest.raises(ChangedMeanwhile):
        undo(db, closing, revisions=revisions(closing) | {moved.id: moved.revision + 1})
    with pytest.raises(ChangedMeanwhile):
        undo(db, closing, revisions=revisions(closing) | {"nothing": 1})
    with pytest.raises(NotFound):
        undo_closing(db, "nothing", revisions={}, by=HEAD, now=SOON)
    assert get_booking(db, moved.id) == moved


def test_unread_notices_of_it_are_deleted_and_who_has_read_is_told(db, before, closing):
    write_notices(db, now=NOW - timedelta(seconds=1))
    [read] = notices_for(db, RAVI.id)
    mark_read(db, [read.id], by=RAVI)
    assert [n.kind for n in notices_for(db, MEERA.id)] == ["displaced"]

    undo(db, closing)
    assert notices_for(db, MEERA.id) == []
    write_notices(db, now=SOON + timedelta(seconds=1))

    assert [n.kind for n in notices_for(db, MEERA.id)] == ["approved"]  # before the closing
    assert [n.kind for n in notices_for(db, RAVI.id)] == ["undone"]


def test_an_undo_against_a_booking_into_a_former_slot_has_one_winner(db):
    for day in range(1, 7):
        on = DAY + timedelta(days=day)
        long = booked(db, student=day, start=9, end=11, on=on)
        closing = closed_one(
            db, elsewhere(long), first=on, last=on, start=time(10), end=time(12), reason=f"{day}"
        )

        undone, other = at_once(
            partial(undo, db, closing),
            partial(booked, db, student=day + 100, start=9, on=on, by=RAVI),
        )

        won = [outcome for outcome in (undone, other) if not isinstance(outcome, Exception)]
        assert (len(won), len(of_type([undone, other], SlotTaken))) == (1, 1), (undone, other)
        is_closed = bool(active(db, kind="closure", date=on.isoformat()))
        assert is_closed is isinstance(undone, Exception)
        assert_sound(db)


def test_two_undos_at_once_are_one(db):
    for day in range(1, 7):
        on = DAY + timedelta(days=day)
        mine = booked(db, student=day, on=on)
        closing = closed_one(db, elsewhere(mine), first=on, last=on, reason=f"{day}")

        first, second = at_once(*[partial(undo, db, closing)] * 2)

        assert first == second
        assert len(first[0].history) == 3
    assert db["audit"].count_documents({"action": "undone"}) == 6
    assert_sound(db)


def test_an_undo_against_a_lift_has_one_winner(db):
    for day in range(1, 7):
        on = DAY + timedelta(days=day)
        mine = booked(db, student=day, on=on)
        closing = closed_one(db, elsewhere(mine), first=on, last=on, reason=f"{day}")

        undone, lifted = at_once(
            partial(undo, db, closing),
            partial(lift_closure, db, closing.id, by=DEPUTY, now=SOON),
        )

        stored = get_booking(db, mine.id)
        if isinstance(undone, Exception):
            assert isinstance(undone, ChangedMeanwhile), undone
            assert stored == closing.moved[0]
            assert not isinstance(lifted, Exception), lifted
        else:
            assert isinstance(lifted, AlreadyDecided), lifted
            assert stored.slot == mine.slot
        assert not active(db, kind="closure")
        assert_sound(db)


def test_an_undo_against_a_change_of_a_moved_booking_has_one_winner(db):
    for day in range(1, 7):
        on = DAY + timedelta(days=day)
        mine = booked(db, student=day, on=on)
        closing = closed_one(db, elsewhere(mine), first=on, last=on, reason=f"{day}")

        undone, cancelled = at_once(
            partial(undo, db, closing),
            partial(cancel, db, mine.id, by=MEERA, now=SOON),
        )

        assert isinstance(cancelled, Booking), cancelled
        assert get_booking(db, mine.id).status is Status.CANCELLED
        is_closed = bool(active(db, kind="closure", date=on.isoformat()))
        assert is_closed is isinstance(undone, ChangedMeanwhile), undone
        assert_sound(db)
