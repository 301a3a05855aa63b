"""Swapping two bookings: each takes the other's slot, or neither does, in any race."""

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
    assert_sound,
    at_once,
    booked,
    request_for,
)

from booking_core import (
    Account,
    AlreadyBegun,
    AlreadyDecided,
    ChangedMeanwhile,
    GameNotAllowed,
    GroundRetired,
    InvalidRequest,
    NotAllowed,
    NotFound,
    PartOfSet,
    Policy,
    QuotaReached,
    Role,
    SeriesRequest,
    SetRequest,
    Status,
    StudentBusy,
    TooLate,
    add_account,
    approve,
    book_series,
    book_set,
    cancel,
    change_ground,
    delegate,
    get_booking,
    mark_read,
    move,
    notices_for,
    plan_swap,
    save_policy,
    swap,
)
from booking_core.storage.bookings import transactions
from booking_core.storage.bookings import writes as bookings

LATER = DAY + timedelta(days=1)
NEXT_WEEK = DAY + timedelta(days=6)
swapped = partial(swap, by=HEAD, now=NOW)
planned = partial(plan_swap, by=HEAD, now=NOW)


@pytest.fixture
def two(db):
    """A booking of Meera on Tuesday at nine, and one of Ravi on ground 3 on Wednesday from ten."""
    mine = booked(db, student=1)
    other = booked(db, by=RAVI, student=2, ground="ground-3", on=LATER, start=10, end=12)
    return mine, other


def last(booking):
    return booking.history[-1]


def stored(db, *both):
    return tuple(get_booking(db, booking.id) for booking in both)


def test_each_takes_the_slot_of_the_other(db, two):
    mine, other = two
    approve(db, mine.id, by=HEAD, now=NOW)

    done = swapped(db, mine.id, other.id, reason="the match")

    assert done == stored(db, mine, other)
    assert [b.slot for b in done] == [other.slot, mine.slot]
    assert [b.status for b in done] == [Status.APPROVED, Status.PENDING]
    assert [last(b).moved_from for b in done] == [mine.slot, other.slot]
    assert {(last(b).action, last(b).by, last(b).reason) for b in done} == {
        ("moved", "head", "the match")
    }
    assert_sound(db)


def test_a_plan_says_what_a_swap_would_do_and_writes_nothing(db, two):
    mine, other = two

    plan = planned(db, mine.id, other.id)

    assert [b.slot for b in plan] == [other.slot, mine.slot]
    assert stored(db, *two) == two
    assert notices_for(db, RAVI.id) == []
    assert [b.slot for b in swapped(db, mine.id, other.id)] == [b.slot for b in plan]


def test_each_author_who_did_not_do_it_finds_a_notice_of_the_former_slot(db, two):
    mine, other = two

    swapped(db, mine.id, other.id, reason="the match")

    [to_meera], [to_ravi] = notices_for(db, MEERA.id), notices_for(db, RAVI.id)
    assert (to_meera.kind, to_meera.slot, to_meera.reason) == ("displaced", mine.slot, "the match")
    assert (to_ravi.slot, to_ravi.booking_id) == (other.slot, other.id)
    assert to_ravi.booking.slot == mine.slot
    assert notices_for(db, HEAD.id) == []


def test_the_author_of_both_swaps_them_and_gets_no_notice(db):
    first, second = booked(db), booked(db, student=2, start=10)
    approve(db, first.id, by=HEAD, now=NOW)

    done = swapped(db, first.id, second.id, by=MEERA)

    assert [b.start for b in done] == [time(10), time(9)]
    # The author may not decide: both are decided on again.
    assert {b.status for b in done} == {Status.PENDING}
    assert notices_for(db, MEERA.id) == []


@pytest.mark.parametrize("by", [MEERA, RAVI, ADMIN], ids=lambda by: by.id)
def test_who_may_not_decide_swaps_no_booking_of_another(db, two, by):
    for verb in (swapped, planned):
        with pytest.raises(NotAllowed) as refused:
            verb(db, two[0].id, two[1].id, by=by)
        assert (refused.value.verb, refused.value.role) == ("swap", by.role.value)
    assert stored(db, *two) == two


def test_a_delegate_swaps_the_bookings_of_others_only(db, two):
    add_account(db, Account("head", "Head", Role.PRINCIPAL))
    add_account(db, Account("sub", "Sub", Role.STAFF))
    add_account(db, Account("ravi", "Ravi", Role.STAFF))
    for to in ("sub", "ravi"):
        delegate(db, to=to, first=DAY - timedelta(days=1), last=DAY, by=HEAD, now=NOW)
    approve(db, two[0].id, by=HEAD, now=NOW)

    with pytest.raises(NotAllowed):
        swapped(db, two[0].id, two[1].id, by=RAVI)
    done = swapped(db, two[0].id, two[1].id, by=Account("sub", "Sub", Role.STAFF).actor)

    assert [b.status for b in done] == [Status.APPROVED, Status.PENDING]


def test_a_swap_that_is_sent_again_is_answered_as_the_first_and_swaps_nothing_back(db, two):
    mine, other = two
    seen = {b.id: b.slot for b in two}
    done = swapped(db, mine.id, other.id, expected=seen)

    assert swapped(db, mine.id, other.id, expected=seen) == done
    assert swapped(db, mine.id, other.id) == done
    assert swapped(db, other.id, mine.id) == done[::-1]
    assert stored(db, *two) == done
    assert len(notices_for(db, RAVI.id)) == 1
    with pytest.raises(ChangedMeanwhile):
        swapped(db, mine.id, other.id, by=DEPUTY, expected=seen)


def test_a_swap_with_the_slots_of_now_swaps_back(db, two):
    mine, other = two
    done = swapped(db, mine.id, other.id)

    back = swapped(db, mine.id, other.id, expected={b.id: b.slot for b in done})

    assert [b.slot for b in back] == [mine.slot, other.slot]
    assert_sound(db)


def test_a_booking_that_has_moved_since_it_was_seen_is_not_swapped(db, two):
    mine, other = two
    seen = {b.id: b.slot for b in two}
    moved = move(db, other.id, start=time(14), end=time(16), by=HEAD, now=NOW)

    with pytest.raises(ChangedMeanwhile):
        swapped(db, mine.id, other.id, expected=seen)

    assert stored(db, *two) == (mine, moved)


@pytest.mark.parametrize("verb", [swapped, planned], ids=["swap", "plan"])
def test_what_cannot_be_swapped_is_refused_and_stays(db, two, verb):
    mine, other = two
    with pytest.raises(InvalidRequest) as same:
        verb(db, mine.id, mine.id)
    with pytest.raises(NotFound):
        verb(db, mine.id, str(uuid4()))
    with pytest.raises(AlreadyBegun):
        verb(db, other.id, mine.id, now=NOW + timedelta(days=1, hours=3))
    cricket = booked(db, by=RAVI, student=3, ground="ground-2", start=15)
    with pytest.raises(GameNotAllowed):
        verb(db, mine.id, cricket.id)
    cancel(db, other.id, by=RAVI, now=NOW)
    with pytest.raises(AlreadyDecided):
        verb(db, mine.id, other.id)

    assert same.value.field == "second_id"
    assert get_booking(db, mine.id) == mine
    assert get_booking(db, cricket.id) == cricket


def test_arguments_are_checked(db, two):
    for field, arguments in (("reason", {"reason": 3}), ("expected", {"expected": [1]})):
        with pytest.raises(InvalidRequest) as refused:
            swapped(db, two[0].id, two[1].id, **arguments)
        assert refused.value.field == field
    with pytest.raises(InvalidRequest, match="by"):
        swapped(db, two[0].id, two[1].id, by="head")


@pytest.mark.parametrize("verb", [swapped, planned], ids=["swap", "plan"])
def test_a_student_who_is_elsewhere_then_is_named(db, two, verb):
    mine, other = two
    busy = booked(db, student=1, on=LATER, start=11)

    with pytest.raises(StudentBusy) as refused:
        verb(db, mine.id, other.id)

    assert refused.value.booking.id == busy.id
    assert stored(db, *two) == two
    assert_sound(db)


def test_a_student_with_both_bookings_keeps_to_a_full_quota(make_db):
    db = make_db(quota=1)
    first, second = booked(db, student=1), booked(db, student=1, on=NEXT_WEEK, start=12)
    third = booked(db, student=2, on=NEXT_WEEK, start=14)

    done = swapped(db, first.id, second.id)

    assert [b.slot for b in done] == [second.slot, first.slot]
    assert_sound(db)
    # The student has a booking of that week already, which stays.
    with pytest.raises(QuotaReached):
        swapped(db, done[1].id, third.id)
    assert_sound(db)


def test_parts_of_a_set_keep_their_time(db):
    request = SetRequest(request_for(student=1), ("ground-1", "ground-3"))
    made = book_set(db, request, by=MEERA, submission_id=uuid4(), now=NOW)
    later = booked(db, student=2, start=10)

    with pytest.raises(PartOfSet):
        swapped(db, made.bookings[0].id, later.id)
    done = swapped(db, made.bookings[0].id, made.bookings[1].id)

    assert [b.ground_id for b in done] == ["ground-3", "ground-1"]
    assert_sound(db)


def test_a_date_of_a_series_is_swapped_by_itself(db):
    asked = SeriesRequest(first=request_for(student=1), count=2)
    made = book_series(db, asked, by=MEERA, submission_id=uuid4(), now=NOW)
    other = booked(db, student=2, start=10)

    done = swapped(db, made.bookings[0].id, other.id)

    assert done[0].series == made.id
    assert not last(done[0]).of_series


def test_of_two_equal_swaps_at_once_one_happens(db, two):
    for _ in range(10):
        before = stored(db, *two)
        seen = {b.id: b.slot for b in before}

        outcomes = at_once(
            *[partial(swapped, db, two[0].id, two[1].id, expected=seen) for _ in range(4)]
        )

        after = stored(db, *two)
        assert all(outcome == after for outcome in outcomes), outcomes
        assert [b.slot for b in after] == [b.slot for b in before[::-1]]
        assert [len(b.history) - len(a.history) for a, b in zip(before, after, strict=True)] == [
            1,
            1,
        ]
    assert_sound(db)


def test_a_swap_against_a_move_is_whole_or_does_not_happen(db):
    for hour in range(8, 18):
        mine = booked(db, student=hour, start=hour, by=MEERA)
        other = booked(db, student=hour + 100, ground="ground-3", on=LATER, start=hour, by=RAVI)

        both, moved = at_once(
            partial(swapped, db, mine.id, other.id, expected={b.id: b.slot for b in (mine, other)}),
            partial(move, db, other.id, ground_id="ground-1", date=LATER, by=DEPUTY, now=NOW),
        )

        first, second = stored(db, mine, other)
        assert not isinstance(moved, Exception), moved
        assert (second.ground_id, second.date) == ("ground-1", LATER)
        if isinstance(both, Exception):
            assert isinstance(both, ChangedMeanwhile), both
            assert first == mine
        else:
            assert [b.slot for b in both] == [other.slot, mine.slot]
            assert first.slot == other.slot
        assert_sound(db)


def test_a_swap_against_a_cancellation_is_whole_or_does_not_happen(db):
    for hour in range(8, 18):
        mine = booked(db, student=hour, start=hour, by=MEERA)
        other = booked(db, student=hour + 100, on=LATER, start=hour, by=RAVI)

        both, cancelled = at_once(
            partial(swapped, db, mine.id, other.id),
            partial(cancel, db, other.id, by=RAVI, now=NOW),
        )

        first, second = stored(db, mine, other)
        assert not isinstance(cancelled, Exception), cancelled
        assert second.status is Status.CANCELLED
        if isinstance(both, Exception):
            assert isinstance(both, AlreadyDecided), both
            assert (first, second.slot) == (mine, other.slot)
        else:
            assert [first.slot, second.slot] == [other.slot, mine.slot]
        assert_sound(db)


def late(monkeypatch, module, name, happens):
    """Lets ``happens`` run once, before the next call of ``name``."""
    real, done = getattr(module, name), []

    def called(*arguments, **named):
        if not done:
            done.append(True)
            happens()
        return real(*arguments, **named)

    monkeypatch.setattr(module, name, called)


def test_a_booking_that_is_changed_after_it_was_read_leaves_both_as_they_are(db, two, monkeypatch):
    mine, other = two
    late(
        monkeypatch,
        transactions,
        "run",
        lambda: move(db, other.id, start=time(14), end=time(16), by=DEPUTY, now=NOW),
    )

    with pytest.raises(ChangedMeanwhile):
        swapped(db, mine.id, other.id)

    first, second = stored(db, mine, other)
    assert first == mine
    assert (second.start, last(second).by) == (time(14), DEPUTY.id)
    assert notices_for(db, MEERA.id) == []
    assert_sound(db)


def test_a_slot_is_swapped_by_the_rules_of_the_school_as_it_is_at_the_write(db, two, monkeypatch):
    late(
        monkeypatch,
        transactions,
        "run",
        lambda: change_ground(db, "ground-3", retired=True, by=ADMIN, now=NOW),
    )

    with pytest.raises(GroundRetired):
        swapped(db, two[0].id, two[1].id)

    assert stored(db, *two) == two


def test_a_swap_is_taken_back_where_the_school_changes_at_the_moment_of_its_write(
    db, two, monkeypatch
):
    mine, other = two
    approve(db, mine.id, by=HEAD, now=NOW)
    real = bookings.exchange

    def exchanged(*arguments):
        done = real(*arguments)
        # Outside of the transaction, which has looked at the school already.
        monkeypatch.setattr(bookings, "exchange", real)
        change_ground(db, "ground-3", games=("Cricket",), by=ADMIN, now=NOW)
        return done

    monkeypatch.setattr(bookings, "exchange", exchanged)

    with pytest.raises(GameNotAllowed):
        swapped(db, mine.id, other.id)

    first, second = stored(db, mine, other)
    assert [first.slot, second.slot] == [mine.slot, other.slot]
    assert [first.status, second.status] == [Status.APPROVED, Status.PENDING]
    assert [e.action for e in first.history][-2:] == ["moved", "undone"]
    assert notices_for(db, MEERA.id) == notices_for(db, RAVI.id) == []
    assert_sound(db)


def test_a_read_notice_stays(db, two):
    swapped(db, two[0].id, two[1].id)
    [notice] = notices_for(db, RAVI.id)
    mark_read(db, [notice.id], by=RAVI)

    transactions.run(db, lambda step: step.withdraw_notices(two, NOW))

    assert notices_for(db, MEERA.id) == []
    assert len(notices_for(db, RAVI.id, unread_only=False)) == 1


def test_a_swap_keeps_to_the_lead_time(db, two):
    save_policy(db, Policy(lead_minutes=60), by=ADMIN)
    late_for_nine = NOW + timedelta(days=1, hours=2, minutes=45)  # 8:45

    with pytest.raises(TooLate):
        swapped(db, two[0].id, two[1].id, now=late_for_nine)

    assert stored(db, *two) == two
