"""Moving a series: this and the following dates or all to come, all or nothing, in any race."""

from __future__ import annotations

from datetime import time, timedelta
from functools import partial
from time import perf_counter
from uuid import uuid4

import pytest
from support import (
    DAY,
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
    AlreadyDecided,
    ChangedMeanwhile,
    GameNotAllowed,
    GroundRetired,
    InvalidRequest,
    NotAllowed,
    NotAPeriod,
    NotFound,
    PartOfSet,
    Policy,
    Role,
    SeriesConflict,
    SeriesRequest,
    SetRequest,
    SlotTaken,
    Status,
    StudentBusy,
    SupervisorBusy,
    UnknownGround,
    add_account,
    approve,
    approve_series,
    book_series,
    book_set,
    cancel,
    cancel_series,
    change_ground,
    delegate,
    find_series,
    get_booking,
    move,
    move_series,
    plan_series_move,
    save_policy,
)

WEEK = timedelta(days=7)
TUESDAYS = [DAY + n * WEEK for n in range(6)]
move_all = partial(move_series, by=MEERA, now=NOW)
plan_move = partial(plan_series_move, by=MEERA, now=NOW)
NINE, TEN, ELEVEN, TWELVE, ONE = (time(hour) for hour in range(9, 14))


@pytest.fixture
def made(db):
    request = SeriesRequest(first=request_for(student=1), count=6)
    return book_series(db, request, by=MEERA, submission_id=uuid4(), now=NOW)


def starts(db, made):
    return [booking.start for booking in find_series(db, made.id)]


def slots(bookings):
    return {booking.id: booking.slot for booking in bookings}


def is_won(outcome):
    return not isinstance(outcome, BaseException)


def test_all_dates_to_come_move_and_their_old_slots_are_free(db, made):
    later = NOW + timedelta(days=2)  # the first date is over

    done = move_all(db, made.id, ground_id="ground-3", start=TEN, end=ELEVEN, now=later)

    assert [b.date for b in done] == TUESDAYS[1:]
    assert {(b.ground_id, b.start, b.end) for b in done} == {("ground-3", TEN, ELEVEN)}
    assert find_series(db, made.id) == (made.bookings[0], *done)
    assert move_all(db, made.id, ground_id="ground-3", start=TEN, end=ELEVEN, now=later) == done
    booked(db, student=2, on=TUESDAYS[2])
    assert_sound(db)


def test_this_and_the_following_dates_move(db, made):
    done = move_all(db, made.id, ground_id="ground-3", from_date=TUESDAYS[4])

    assert [b.date for b in done] == TUESDAYS[4:]
    grounds = [b.ground_id for b in find_series(db, made.id)]
    assert grounds == ["ground-1"] * 4 + ["ground-3"] * 2
    assert {b.start for b in done} == {NINE}


def test_a_series_may_move_onto_marks_of_its_own(db, made):
    wide = move_all(db, made.id, end=ELEVEN)  # 9 to 11
    done = move_all(db, made.id, start=TEN, end=TWELVE)

    assert {(b.start, b.end) for b in wide} == {(NINE, ELEVEN)}
    assert {(b.start, b.end) for b in done} == {(TEN, TWELVE)}
    assert_sound(db)


def test_dates_that_somebody_changed_stay_as_they_are(db, made):
    cancel(db, made.bookings[1].id, by=MEERA, now=NOW)
    apart = move(db, made.bookings[2].id, start=TWELVE, end=ONE, by=MEERA,
                 now=NOW)  # fmt: skip
    plan = plan_move(db, made.id, start=TEN, end=ELEVEN)
    assert plan.apart == (apart,)
    assert [b.date for b in plan.bookings] == [TUESDAYS[n] for n in (0, 3, 4, 5)]

    move_all(db, made.id, start=TEN, end=ELEVEN)
    move_all(db, made.id, start=ELEVEN, end=TWELVE)  # those that the series moved follow it

    expected = [ELEVEN, NINE, TWELVE, ELEVEN, ELEVEN, ELEVEN]
    assert starts(db, made) == expected
    assert get_booking(db, made.bookings[1].id).status is Status.CANCELLED
    with pytest.raises(InvalidRequest) as refused:
        move_all(db, made.id, start=TEN, end=ELEVEN, from_date=TUESDAYS[5] + WEEK)
    assert refused.value.field == "from_date"
    move(db, made.bookings[5].id, start=TEN, end=ELEVEN, by=MEERA, now=NOW)
    with pytest.raises(InvalidRequest) as refused:
        move_all(db, made.id, start=NINE, end=TEN, from_date=TUESDAYS[5])
    assert refused.value.field == "from_date"
    assert_sound(db)


def test_what_is_in_the_way_is_named_by_date_and_nothing_moves(db, made):
    other = booked(db, student=2, on=TUESDAYS[3], start=10)
    booked(db, student=1, ground="ground-3", on=TUESDAYS[4], start=10)
    plan = plan_move(db, made.id, start=TEN, end=ELEVEN)
    assert [type(one.problem) for one in plan.dates] == [type(None)] * 3 + [
        SlotTaken, StudentBusy, type(None)]  # fmt: skip
    assert plan.dates[3].problem.held_by == other
    assert plan.dates[3].alternatives[0].start in (NINE, ELEVEN)
    assert all(slot.start != TEN for slot in plan.dates[4].alternatives)

    with pytest.raises(SeriesConflict) as lost:
        move_all(db, made.id, start=TEN, end=ELEVEN)

    assert [(one.date, one.alternatives) for one in lost.value.dates] == [
        (one.date, one.alternatives) for one in plan.problems
    ]
    assert find_series(db, made.id) == made.bookings


def test_a_move_keeps_to_the_rules_of_every_date(db, made):
    change_ground(db, "ground-3", retired=True, now=NOW)
    for options, problem in (
        ({"ground_id": "ground-3"}, GroundRetired),
        ({"ground_id": "ground-2"}, GameNotAllowed),
        ({"end": time(10, 30)}, NotAPeriod),
    ):
        with pytest.raises(SeriesConflict) as lost:
            move_all(db, made.id, **options)
        assert {type(one.problem) for one in lost.value.dates} == {problem}, options
    with pytest.raises(UnknownGround):
        move_all(db, made.id, ground_id="ground-99")
    assert find_series(db, made.id) == made.bookings


def test_the_supervisor_and_the_seats_of_the_quota_come_along(db):
    save_policy(db, Policy(quota=1), now=NOW)
    add_account(db, Account("ravi", "Ravi", Role.STAFF), now=NOW)
    first = request_for(student=1, supervisor_id="ravi")
    request = SeriesRequest(first=first, count=3)
    made = book_series(db, request, by=MEERA, submission_id=uuid4(), now=NOW)
    booked(db, student=2, ground="ground-3", on=TUESDAYS[1], start=11, supervisor_id="ravi")

    done = move_all(db, made.id, start=TEN, end=ELEVEN)

    assert [b.quota_holders for b in done] == [b.quota_holders for b in made.bookings]
    with pytest.raises(SeriesConflict) as lost:
        move_all(db, made.id, start=ELEVEN, end=TWELVE)
    assert [type(one.problem) for one in lost.value.dates] == [SupervisorBusy]
    assert_sound(db)


def test_an_approved_date_waits_again_unless_who_moves_it_may_decide(db, made):
    approve_series(db, made.id, by=HEAD, now=NOW)
    by_head = move_all(db, made.id, start=TEN, end=ELEVEN, by=HEAD, reason="Assembly")
    assert {b.status for b in by_head} == {Status.APPROVED}
    assert {b.history[-1].reason for b in by_head} == {"Assembly"}

    done = move_all(db, made.id, start=ELEVEN, end=TWELVE, from_date=TUESDAYS[3])

    assert {b.status for b in done} == {Status.PENDING}
    assert {b.status for b in find_series(db, made.id)[:3]} == {Status.APPROVED}
    for actor in (HEAD, MEERA):
        add_account(db, Account(actor.id, actor.name, actor.role), now=NOW)
    delegate(db, to=MEERA.id, first=DAY - WEEK, last=DAY, by=HEAD, now=NOW)
    own = move_all(db, made.id, start=TWELVE, end=ONE)
    assert {b.status for b in own} == {Status.PENDING}  # nobody decides on an own request


def test_only_its_author_and_those_who_move_any_booking_move_a_series(db, made):
    for verb in (move_all, plan_move):
        with pytest.raises(NotAllowed):
            verb(db, made.id, start=TEN, end=ELEVEN, by=RAVI)
        with pytest.raises(NotFound):
            verb(db, str(uuid4()), start=TEN, end=ELEVEN)
        for options, field in (
            ({"start": "ten"}, "start"),
            ({"start": TEN}, "end"),
            ({"end": TEN, "from_date": "soon"}, "from_date"),
            ({"ground_id": 3}, "ground_id"),
        ):
            with pytest.raises(InvalidRequest) as refused:
                verb(db, made.id, **options)
            assert refused.value.field == field
    with pytest.raises(InvalidRequest) as refused:
        move_all(db, made.id, start=TEN, end=ELEVEN, expected=[made.bookings[0].id])
    assert refused.value.field == "expected"
    cancel_series(db, made.id, by=MEERA, now=NOW)
    with pytest.raises(AlreadyDecided):
        move_all(db, made.id, start=TEN, end=ELEVEN)


def test_several_grounds_of_one_request_are_not_moved_as_a_series(db):
    asked = SetRequest(request_for(student=1), ("ground-1", "ground-3"))
    made = book_set(db, asked, by=MEERA, submission_id=uuid4(), now=NOW)

    for verb in (move_all, plan_move):
        with pytest.raises(PartOfSet):
            verb(db, made.id, start=TEN, end=ELEVEN)


def test_a_series_moves_as_it_was_shown(db, made):
    shown = slots(plan_move(db, made.id, start=TEN, end=ELEVEN).bookings)
    cancel(db, made.bookings[2].id, by=MEERA, now=NOW)
    with pytest.raises(ChangedMeanwhile):
        move_all(db, made.id, start=TEN, end=ELEVEN, expected=shown)
    assert set(starts(db, made)) == {NINE}
    shown = slots(plan_move(db, made.id, start=TEN, end=ELEVEN).bookings)

    done = move_all(db, made.id, start=TEN, end=ELEVEN, expected=shown)

    assert len(done) == 5
    assert move_all(db, made.id, start=TEN, end=ELEVEN, expected=shown) == done


def test_a_school_that_changes_before_the_write_is_seen(db, made, monkeypatch):
    """Without the comparison of revisions it would be moved, and undone."""
    from booking_core.storage.bookings import transactions

    run, runs = transactions.run, []

    def retire_then_run(db, work):
        if not runs:
            change_ground(db, "ground-3", retired=True, now=NOW)
        runs.append(work)
        return run(db, work)

    monkeypatch.setattr(transactions, "run", retire_then_run)

    with pytest.raises(SeriesConflict) as lost:
        move_all(db, made.id, ground_id="ground-3")

    assert [one.date for one in lost.value.dates] == TUESDAYS
    assert {b.revision for b in find_series(db, made.id)} == {0}


def test_a_school_that_changes_after_the_write_undoes_all_of_it(db, made, monkeypatch):
    from booking_core.storage.bookings import transactions

    run = transactions.run

    def run_then_retire(db, work):
        moved = run(db, work)
        monkeypatch.setattr(transactions, "run", run)
        change_ground(db, "ground-3", retired=True, now=NOW)
        return moved

    monkeypatch.setattr(transactions, "run", run_then_retire)

    with pytest.raises(SeriesConflict):
        move_all(db, made.id, ground_id="ground-3")

    assert {b.ground_id for b in find_series(db, made.id)} == {"ground-1"}
    assert_sound(db)


# Races


@pytest.mark.parametrize("round_", range(10))
def test_a_series_moves_wholly_or_not_while_somebody_books_one_of_its_new_slots(db, made, round_):
    moved, single = at_once(
        partial(move_all, db, made.id, start=TEN, end=ELEVEN),
        partial(booked, db, student=2, on=TUESDAYS[4], start=10),
    )

    if is_won(moved):
        assert isinstance(single, SlotTaken)
        assert set(starts(db, made)) == {TEN}
    else:
        assert isinstance(moved, SeriesConflict)
        assert [one.date for one in moved.dates] == [TUESDAYS[4]]
        assert is_won(single)
        assert set(starts(db, made)) == {NINE}
    assert_sound(db)


def test_a_slot_that_is_lost_after_the_plan_leaves_every_date_where_it_was(db, made, monkeypatch):
    """Without one transaction the first dates would have moved."""
    from booking_core.storage.bookings import transactions

    run = transactions.run

    def book_then_run(db, work):
        monkeypatch.setattr(transactions, "run", run)
        booked(db, student=2, on=TUESDAYS[4], start=10)
        return run(db, work)

    monkeypatch.setattr(transactions, "run", book_then_run)

    with pytest.raises(SeriesConflict) as lost:
        move_all(db, made.id, start=TEN, end=ELEVEN)

    assert [type(one.problem) for one in lost.value.dates] == [SlotTaken]
    assert find_series(db, made.id) == made.bookings


@pytest.mark.parametrize("round_", range(10))
def test_two_moves_of_one_series_leave_it_whole(db, made, round_):
    shown = slots(made.bookings)
    outcomes = at_once(
        partial(move_all, db, made.id, start=TEN, end=ELEVEN, expected=shown),
        partial(move_all, db, made.id, ground_id="ground-3", expected=shown),
    )

    [lost] = [o for o in outcomes if not is_won(o)]
    assert isinstance(lost, ChangedMeanwhile)
    places = {(b.ground_id, b.start) for b in find_series(db, made.id)}
    assert places in ({("ground-1", TEN)}, {("ground-3", NINE)})
    assert_sound(db)


@pytest.mark.parametrize("round_", range(6))
def test_one_move_sent_by_four_threads_is_made_once(db, made, round_):
    send = partial(move_all, db, made.id, start=TEN, end=ELEVEN, expected=slots(made.bookings))

    outcomes = at_once(*[send] * 4)

    assert all(map(is_won, outcomes)), outcomes
    assert {b.revision for b in find_series(db, made.id)} == {1}


@pytest.mark.parametrize("round_", range(10))
@pytest.mark.parametrize("is_shown", [True, False])
def test_a_date_that_is_cancelled_meanwhile_stays_cancelled(db, made, round_, is_shown):
    shown = slots(made.bookings) if is_shown else None
    target = made.bookings[4]
    moved, cancelled = at_once(
        partial(move_all, db, made.id, start=TEN, end=ELEVEN, expected=shown),
        partial(cancel, db, target.id, by=MEERA, now=NOW),
    )

    assert is_won(cancelled)
    stored = {b.id: b for b in find_series(db, made.id)}
    assert stored[target.id].status is Status.CANCELLED
    rest = {b.start for b in stored.values() if b.id != target.id}
    if is_won(moved):
        assert rest == {TEN}
    else:
        assert is_shown
        assert isinstance(moved, ChangedMeanwhile)
        assert rest == {NINE}
    assert_sound(db)


@pytest.mark.parametrize(("verb", "by"), [(cancel, MEERA), (approve, HEAD)])
def test_a_date_that_changes_after_the_look_is_looked_at_again(db, made, monkeypatch, verb, by):
    """Without the comparison of revisions an approval of the old slot would hold for the new."""
    from booking_core.storage.bookings import transactions

    run = transactions.run

    def change_then_run(db, work):
        monkeypatch.setattr(transactions, "run", run)
        verb(db, made.bookings[0].id, by=by, now=NOW)
        return run(db, work)

    monkeypatch.setattr(transactions, "run", change_then_run)

    done = move_all(db, made.id, start=TEN, end=ELEVEN)

    expected = TUESDAYS[1:] if verb is cancel else TUESDAYS
    assert [b.date for b in done] == expected
    assert [b for b in find_series(db, made.id) if b.status.is_active] == list(done)
    assert {b.status for b in done} == {Status.PENDING}
    assert_sound(db)


def test_sixty_dates_move_within_a_second(db):
    save_policy(db, Policy(quota=None, series_days=90), now=NOW)
    request = SeriesRequest(first=request_for(student=1), weekdays=tuple(range(7)), count=60)
    made = book_series(db, request, by=MEERA, submission_id=uuid4(), now=NOW)
    began = perf_counter()

    done = move_all(db, made.id, start=TEN, end=ELEVEN)

    seconds = perf_counter() - began
    assert len(done) == 60
    assert seconds < 1, seconds
    assert_sound(db)
