"""Grounds with periods of their own, such as the pool: what is booked, shown and counted there."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import time, timedelta
from functools import partial
from itertools import pairwise

import pytest
from closing_steps import closed
from hypothesis import given
from hypothesis import strategies as st
from support import (
    ADMIN,
    DAY,
    GROUNDS,
    HEAD,
    HOURLY,
    MEERA,
    NOW,
    active,
    assert_sound,
    at_once,
    booked,
    of_type,
    request_for,
)

from booking_core import (
    CellState,
    Holiday,
    InvalidRequest,
    NoSchool,
    NotAPeriod,
    Period,
    SeriesRequest,
    SlotTaken,
    Term,
    Timetable,
    UnknownGround,
    add_timetable,
    cancel,
    day_board,
    delete_timetable,
    join_waiting_list,
    load_reference,
    misfits,
    move,
    plan_series,
    promote_waiting,
    propose_moves,
    save_days,
    save_ground,
    save_term,
    save_timetable,
    wall_cards,
)
from booking_core.domain import messages
from booking_core.domain.timetable import plan_day
from booking_core.insight.sheets import day_sheet
from booking_core.insight.usage import usage
from booking_core.operations import misplaced
from pages.shared.text import payloads

POOL = "ground-3"
SWIMS = (
    Period("Swim 1", time(8), time(8, 45)),
    Period("Swim 2", time(8, 45), time(9, 30)),
    Period("Swim 3", time(9, 30), time(10, 15)),
)
SWIMMING = Timetable("swimming", SWIMS, tuple(range(7)), "Swimming", ground_ids=(POOL,))


def swim(number: int, **fields):
    period = SWIMS[number - 1]
    return {"ground": POOL, "start": period.start, "end": period.end, **fields}


@pytest.fixture
def pool(db):
    save_timetable(db, SWIMMING, by=ADMIN, now=NOW)
    return db


def test_each_ground_is_booked_in_its_own_periods(pool):
    made = booked(pool, **swim(1))
    booked(pool, student=1, start=9)

    assert (made.start, made.end) == (time(8), time(8, 45))
    with pytest.raises(NotAPeriod):
        booked(pool, student=2, ground=POOL, start=14)
    with pytest.raises(NotAPeriod):
        booked(pool, student=2, start=time(8), end=time(8, 45))
    assert_sound(pool)


def test_a_board_shows_each_ground_in_its_own_periods(pool):
    booked(pool, **swim(2))

    board = day_board(pool, DAY, now=NOW)

    shown = {
        (cell.ground.id, cell.period.start, cell.period.end): cell.state
        for period in board.periods
        for cell in board.row(period)
    }
    own = {(p.start, p.end) for p in SWIMS}
    assert {(start, end) for id, start, end in shown if id == POOL} == own
    assert {(start, end) for id, start, end in shown if id != POOL} == {
        (p.start, p.end) for p in HOURLY.periods
    }
    assert shown[(POOL, time(8, 45), time(9, 30))] is CellState.PENDING
    assert board.cell(POOL, time(9, 30)).state is CellState.FREE
    with pytest.raises(KeyError):
        board.cell(POOL, time(14))
    free = {day.ground.id: (day.free, day.open) for day in board.ground_days()}
    assert free == {"ground-1": (10, 10), "ground-2": (10, 10), POOL: (2, 3)}


def test_every_cell_that_is_free_can_be_booked_whatever_ground_has_which_periods(pool):
    board = day_board(pool, DAY, now=NOW)
    cells = [cell for period in board.periods for cell in board.row(period)]

    for number, cell in enumerate(cells):
        booked(
            pool,
            student=number,
            ground=cell.ground.id,
            start=cell.period.start,
            end=cell.period.end,
            game=cell.ground.games[0],
        )

    assert len(active(pool)) == len(cells) == 23
    again = day_board(pool, DAY, now=NOW)
    assert all(cell.state is CellState.PENDING for p in again.periods for cell in again.row(p))
    assert_sound(pool)


def test_a_race_for_slots_that_overlap_across_two_timetables_has_one_winner(make_db):
    """A pool and its half, whose periods differ, share the water."""
    db = make_db()
    half = replace(GROUNDS[2], id="half", name="Half of the pool", order=9, surfaces=(POOL,))
    save_ground(db, half)
    save_timetable(db, SWIMMING, by=ADMIN, now=NOW)
    for round in range(6):
        day = DAY + timedelta(days=round)
        at_nine = {"ground": "half", "start": 9, "game": "Volleyball"}
        wanted = [swim(2) if n % 2 else at_nine for n in range(16)]
        outcomes = at_once(
            *(
                partial(booked, db, student=16 * round + n, on=day, **one)
                for n, one in enumerate(wanted)
            )
        )
        assert len(of_type(outcomes, SlotTaken)) == 15
    assert len(active(db)) == 6
    assert_sound(db)


def test_a_timetable_of_some_grounds_takes_no_weekday_from_one_of_all(pool):
    other = Timetable("diving", SWIMS[:1], (0, 1), "Diving", ground_ids=("ground-2", POOL))

    save_timetable(pool, other, by=ADMIN, now=NOW)

    tables = load_reference(pool).timetables
    assert tables["regular"].weekdays == tuple(range(7))
    assert tables["swimming"].weekdays == (2, 3, 4, 5, 6)
    assert tables["diving"].weekdays == (0, 1)


def test_a_ground_follows_the_timetable_of_all_on_weekdays_that_its_own_does_not_have(db):
    save_timetable(db, replace(SWIMMING, weekdays=(DAY.weekday(),)), by=ADMIN, now=NOW)

    booked(db, on=DAY + timedelta(days=1), ground=POOL, start=9)

    with pytest.raises(NotAPeriod):
        booked(db, student=1, ground=POOL, start=9)


def test_weeks_have_their_letter_within_the_timetables_of_a_ground(db):
    monday = DAY - timedelta(days=DAY.weekday())
    of_all = replace(HOURLY, weekdays=(0,))
    tables = [
        of_all,
        replace(SWIMMING, weekdays=(0,)),
        replace(SWIMMING, id="b", weekdays=(0,), week="B", periods=SWIMS[:1]),
    ]
    year = replace(load_reference(db).year, week_a=monday)

    plans = [plan_day(monday + timedelta(weeks=n), tables, None, year=year) for n in (0, 1)]

    assert [plan.of(POOL).periods for plan in plans] == [SWIMS, SWIMS[:1]]
    assert [plan.of("ground-1").periods for plan in plans] == [of_all.periods] * 2


def test_a_date_of_its_own_holds_for_all_grounds_unless_its_timetable_names_some(pool):
    short = Timetable("short", HOURLY.periods[:2], (), "Short day")
    gala = Timetable("gala", (Period("Gala", time(8), time(12)),), (), "Gala", ground_ids=(POOL,))
    for table in (short, gala):
        save_timetable(pool, table, by=ADMIN, now=NOW)
    days = [DAY + timedelta(days=n) for n in range(3)]
    for day, table in zip(days, ("short", "gala", None), strict=True):
        save_days(pool, [day], timetable_id=table, by=ADMIN, now=NOW)

    plans = [load_reference(pool).plan(day) for day in days]

    assert [plan.of(POOL).timetable_id for plan in plans] == ["short", "gala", None]
    assert [plan.of("ground-1").timetable_id for plan in plans] == ["short", "regular", None]
    assert not plans[2].is_school
    with pytest.raises(NoSchool) as error:
        booked(pool, on=days[2], **swim(1))
    assert error.value.ground_id is None


def test_what_a_saved_timetable_leaves_outside_is_listed(pool):
    inside = booked(pool, **swim(1))
    booked(pool, student=1, start=9)

    delete_timetable(pool, "swimming", by=ADMIN, now=NOW)

    assert [b.id for b in misfits(pool, from_date=DAY)] == [inside.id]
    [(count, listed)] = misplaced.find(pool, NOW).values()
    assert (count, [b.id for b in listed]) == (1, [inside.id])


def test_a_booking_moves_into_the_periods_of_the_other_ground(pool):
    made = booked(pool, start=9)
    with pytest.raises(NotAPeriod):
        move(pool, made.id, ground_id=POOL, by=MEERA, now=NOW)

    board = day_board(pool, DAY, now=NOW)
    offered = [s for s in board.free_for_move(made, 1) if s.ground_id == POOL]
    assert [(s.start, s.end) for s in offered] == [(p.start, p.end) for p in SWIMS]

    first = offered[0]
    moved = move(pool, made.id, ground_id=POOL, start=first.start, end=first.end, by=MEERA, now=NOW)
    assert moved.slot == first
    assert_sound(pool)


def test_only_slots_that_are_periods_of_their_ground_are_offered_instead(pool):
    lost = booked(pool, start=9)
    board = day_board(pool, DAY, now=NOW)
    plan = board.plan

    offered = board.alternatives(lost.slot, "Volleyball", most=50)
    proposed = propose_moves(pool, ground_ids=["ground-1"], first=DAY, last=DAY, now=NOW)

    assert offered
    for slot in [*offered, *(slot for _, slot in proposed if slot)]:
        assert plan.of(slot.ground_id).fits(slot.start, slot.end)


def test_an_entry_for_any_ground_passes_by_slots_that_are_no_periods_there(pool):
    taken = booked(pool, start=9)
    swims = [booked(pool, student=n, **swim(n)) for n in (2, 3)]
    wanted = request_for(student=4)
    join_waiting_list(pool, wanted, by=MEERA, any_ground=True, now=NOW)

    for one in swims:
        cancel(pool, one.id, by=MEERA, now=NOW)

    # 9 to 10 is no period of the pool: nobody waits for its marks, and the entry stays in line.
    board = day_board(pool, DAY, now=NOW)
    assert [board.cell(POOL, p.start).state for p in SWIMS] == [CellState.FREE] * 3
    assert not board.waiting[0].passed
    cancel(pool, taken.id, by=MEERA, now=NOW)
    promote_waiting(pool, now=NOW)
    assert day_board(pool, DAY, now=NOW).cell("ground-1", time(9)).state is CellState.PENDING


def test_a_series_offers_and_refuses_by_the_periods_of_its_ground(pool):
    first = request_for(**swim(1, on=DAY, student=1))
    request = SeriesRequest(
        first=first, weekdays=(DAY.weekday(),), until=DAY + timedelta(weeks=3), every=1
    )
    save_days(pool, [DAY + timedelta(weeks=1)], timetable_id="regular", by=ADMIN, now=NOW)

    plan = plan_series(pool, request, by=MEERA, now=NOW)

    assert [type(one.problem) for one in plan.dates] == [
        type(None),
        NotAPeriod,
        type(None),
        type(None),
    ]


def test_the_use_counts_the_periods_of_each_ground(pool):
    booked(pool, **swim(1))
    booked(pool, student=1, **swim(3))
    booked(pool, student=2, start=9, end=11)
    closed(pool, ground_ids=["ground-2"], start=time(8), end=time(10))

    found = usage(pool, by=HEAD, first=DAY, last=DAY)

    lines = {line.id: (line.used, line.open) for line in found.grounds}
    assert lines == {"ground-1": (2, 10), "ground-2": (0, 8), POOL: (2, 3)}
    assert (found.total.used, found.total.open) == (4, 21)
    parts = {(use.start, use.end): (use.used, use.open) for use in found.periods}
    assert parts[time(8), time(8, 45)] == (1, 1)
    assert parts[time(8), time(9)] == (0, 1)
    alone = usage(pool, by=HEAD, first=DAY, last=DAY, ground_id=POOL)
    assert (alone.total.used, alone.total.open) == (2, 3)
    assert {(use.start, use.end) for use in alone.periods} == {(p.start, p.end) for p in SWIMS}


def test_wall_and_sheet_have_the_periods_of_each_ground(pool):
    booked(pool, **swim(2))
    board = day_board(pool, DAY, now=NOW)

    strips = {card.ground.id: len(card.strip) for card in wall_cards(board)}
    sheet = day_sheet(pool, DAY, now=NOW)

    assert strips == {"ground-1": 10, "ground-2": 10, POOL: 3}
    save_timetable(pool, replace(SWIMMING, periods=SWIMS[:2]), by=ADMIN, now=NOW)
    assert day_sheet(pool, DAY, now=NOW).mark != sheet.mark


def test_a_day_that_is_over_keeps_the_periods_that_a_ground_had(pool):
    save_timetable(
        pool, replace(SWIMMING, periods=SWIMS[:1]), by=ADMIN, now=NOW + timedelta(days=3)
    )

    then = day_board(pool, DAY, now=NOW + timedelta(days=4), as_of=NOW + timedelta(days=1, hours=2))

    assert then.plan.of(POOL).periods == SWIMS


@pytest.mark.parametrize(
    ("ground_ids", "error"),
    [
        ("ground-1", InvalidRequest),
        ((1,), InvalidRequest),
        (("",), InvalidRequest),
        (("nowhere",), UnknownGround),
    ],
)
def test_grounds_that_are_none_are_refused_and_nothing_is_saved(db, ground_ids, error):
    with pytest.raises(error):
        add_timetable(db, "Pool", SWIMS, (0,), ground_ids=ground_ids, by=ADMIN, now=NOW)
    assert set(load_reference(db).timetables) == {"regular"}


PERIODS = st.lists(st.integers(0, 280), min_size=2, max_size=8, unique=True).map(sorted)


@given(PERIODS, PERIODS, st.sets(st.sampled_from(["a", "b", "c"])))
def test_a_plan_has_each_stretch_of_time_once_and_in_order(general, own, ids):
    def table(id, marks, ground_ids=()):
        pairs = pairwise(marks)
        times = [tuple(time(*divmod(m * 5, 60)) for m in pair) for pair in pairs]
        periods = tuple(Period(f"{a}-{b}", a, b) for a, b in times)
        return Timetable(id, periods, tuple(range(7)), ground_ids=ground_ids)

    tables = [table("general", general), table("own", own, tuple(ids))]
    plan = plan_day(DAY, tables if ids else tables[:1], None)

    spans = [(p.start, p.end) for p in plan.periods_of(["a", "b", "c"])]
    assert spans == sorted(set(spans))
    for id in ("a", "b", "c"):
        wanted = tables[1 if id in ids else 0].periods
        assert plan.of(id).periods == wanted
        assert {(p.start, p.end) for p in wanted} <= set(spans)


def test_a_special_date_of_some_grounds_leaves_the_holiday_to_the_others(pool):
    term = Term("t", "Term", DAY, DAY + timedelta(days=30), (Holiday("Fair", DAY, DAY),))
    save_term(pool, term, by=ADMIN, now=NOW)
    save_days(pool, [DAY], timetable_id="swimming", by=ADMIN, now=NOW)

    plan = load_reference(pool).plan(DAY)

    assert (plan.of(POOL).periods, plan.of("ground-1").periods) == (SWIMS, ())
    with pytest.raises(NoSchool) as error:
        booked(pool, start=9)
    assert error.value.ground_id == "ground-1"
    assert messages.sentence(error.value).startswith("ground-1 has no periods on 2026-11-24")
    booked(pool, **swim(1))


def test_a_timetable_of_some_grounds_is_no_school_for_all(db):
    save_timetable(db, replace(HOURLY, weekdays=(0, 1)), by=ADMIN, now=NOW)
    save_timetable(db, SWIMMING, by=ADMIN, now=NOW)

    assert load_reference(db).calendar.weekdays_without_school() == {"": [2, 3, 4, 5, 6]}


def test_a_retired_ground_makes_no_day_of_school(db):
    save_timetable(db, replace(HOURLY, weekdays=(0, 1)), by=ADMIN, now=NOW)
    save_timetable(db, SWIMMING, by=ADMIN, now=NOW)
    later = DAY + timedelta(days=2)
    assert load_reference(db).plan(later).is_school

    save_ground(db, replace(GROUNDS[2], retired=True))

    assert not load_reference(db).plan(later).is_school


def test_the_grid_of_a_move_has_the_periods_of_its_grounds_alone(pool):
    save_ground(pool, replace(GROUNDS[2], games=("Swimming",)))
    early = replace(SWIMMING, periods=(Period("Early", time(6), time(7)), *SWIMS))
    save_timetable(pool, early, by=ADMIN, now=NOW)
    made = booked(pool, start=17)
    board = day_board(pool, DAY, now=NOW)

    shown = json.loads(payloads.move_grid(board, made, board.free_for_move(made, 1), None, True))

    starts = [period["start"] for period in shown["periods"]]
    assert starts == [f"{hour:02d}:00" for hour in range(8, 18)]
    assert [row[0][2] for row in shown["cells"]][-1] == "this booking"
