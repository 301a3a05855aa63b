"""Closings on some weekdays, and closings around what is booked."""

from __future__ import annotations

from datetime import time, timedelta
from functools import partial

import pytest
from support import DAY, HEAD, MEERA, NOW, active, assert_sound, at_once, booked

from booking_core import (
    Booking,
    CellState,
    Ground,
    InvalidRequest,
    SlotTaken,
    Status,
    close_grounds,
    day_board,
    displaced_by,
    find_closures,
    get_booking,
    lift_closure,
    save_ground,
)
from booking_core.errors import GroundClosed

WEEKS = timedelta(weeks=3)


def close(db, *, grounds=("ground-1",), first=DAY, last=DAY, **asked):
    wanted = {"reason": "Mowing", "by": HEAD, "expected": (), "now": NOW} | asked
    return close_grounds(db, ground_ids=grounds, first=first, last=last, **wanted)


def states(db, ground="ground-1", date=DAY):
    board = day_board(db, date, NOW)
    return {p.start.hour: board.cell(ground, p.start).state for p in board.periods}


def test_a_closing_on_weekdays_closes_these_alone(db):
    tuesday = booked(db, student=1, on=DAY + timedelta(weeks=1))
    kept = booked(db, student=2, on=DAY + timedelta(weeks=1, days=1))
    asked = {"first": DAY, "last": DAY + WEEKS, "weekdays": [DAY.weekday()]}
    assert [b.id for b in displaced_by(db, ground_ids=["ground-1"], **asked, now=NOW)] == [
        tuesday.id
    ]

    closing = close(db, **asked, expected=[tuesday.id])

    assert [c.date for c in closing.closures] == [DAY + timedelta(weeks=n) for n in range(4)]
    assert get_booking(db, kept.id).status is Status.PENDING
    [listed] = find_closures(db, from_date=DAY)
    assert (listed.first, listed.last, listed.days, listed.in_parts) == (
        DAY,
        DAY + WEEKS,
        4,
        False,
    )
    assert close(db, **asked, expected=[tuesday.id]) == closing
    lift_closure(db, closing.id, by=HEAD, now=NOW)
    assert not active(db, kind="closure")


def test_a_closing_keeps_what_is_booked_and_closes_the_rest(db):
    mine = booked(db, student=1, start=10, end=12)

    closing = close(db, start=time(9), end=time(14), keep_booked=True)

    assert closing.displaced == ()
    assert [(c.start.hour, c.end.hour) for c in closing.closures] == [(9, 10), (12, 14)]
    assert get_booking(db, mine.id) == mine
    found = states(db)
    assert [hour for hour, state in found.items() if state is CellState.CLOSED] == [9, 12, 13]
    [listed] = find_closures(db, from_date=DAY)
    assert (listed.start, listed.end, listed.in_parts) == (time(9), time(14), True)
    assert close(db, start=time(9), end=time(14), keep_booked=True) == closing
    assert_sound(db)
    with pytest.raises(GroundClosed):
        close(db, start=time(9), end=time(14), keep_booked=True, reason="Another")


def test_each_half_of_a_ground_is_closed_around_its_own_bookings(db):
    save_ground(db, Ground("whole", "Whole", ("Football",), 9, surfaces=("n", "s")))
    save_ground(db, Ground("north", "North", ("Football",), 10, surfaces=("n",)))
    booked(db, student=1, start=10, ground="north", game="Football")

    closing = close(db, grounds=("whole",), start=time(9), end=time(12), keep_booked=True)

    assert {(c.start.hour, c.end.hour, c.surfaces) for c in closing.closures} == {
        (9, 12, ("s",)),
        (9, 10, ("n",)),
        (11, 12, ("n",)),
    }


def test_a_whole_day_ends_at_midnight(db):
    booked(db, student=1, start=17)
    closing = close(db, keep_booked=True)
    assert [(c.start, c.end) for c in closing.closures] == [
        (time(0), time(17)),
        (time(18), time(0)),
    ]
    [listed] = find_closures(db, from_date=DAY)
    assert (listed.start, listed.end) == (time(0), time(0))


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"weekdays": [7]}, "weekdays"),
        ({"weekdays": "1"}, "weekdays"),
        ({"weekdays": 1}, "weekdays"),
        ({"weekdays": [True]}, "weekdays"),
        ({"weekdays": [DAY.weekday() - 1]}, "weekdays"),
        ({"keep_booked": 1}, "keep_booked"),
        ({"last": DAY + timedelta(days=401)}, "last"),
    ],
)
def test_bad_input_names_its_field(db, asked, field):
    with pytest.raises(InvalidRequest) as caught:
        close(db, **asked)
    assert caught.value.field == field
    assert not active(db)


def test_a_fully_booked_time_leaves_nothing_to_close(db):
    booked(db, student=1, start=10)
    with pytest.raises(InvalidRequest) as caught:
        close(db, start=time(10), end=time(11), keep_booked=True)
    assert caught.value.field == "keep_booked"


def test_closing_around_bookings_that_come_at_the_same_moment(make_db):
    db = make_db(quota=None)
    for round_ in range(12):
        day = DAY + timedelta(days=round_)
        booked(db, student=1, start=9, on=day, by=MEERA)

        closing, *made = at_once(
            partial(close, db, first=day, last=day, start=time(8), end=time(14), keep_booked=True),
            *(partial(booked, db, student=10 + n, start=10 + n, on=day) for n in range(3)),
        )

        assert closing.displaced == ()
        won = [one for one in made if isinstance(one, Booking)]
        assert all(isinstance(one, Booking | GroundClosed | SlotTaken) for one in made)
        found = states(db, date=day)
        booked_hours = {9, *(one.start.hour for one in won)}
        for hour in range(8, 14):
            state = CellState.PENDING if hour in booked_hours else CellState.CLOSED
            assert found[hour] is state
        assert_sound(db)
