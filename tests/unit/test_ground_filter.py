"""The grounds that Book shows by its filters: those for a game, and those free at a time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from booking_core import Board, Booking, CellState, Ground, GroundFilter, Period, Status
from booking_core.domain.timetable import DayPlan

DAY = date(2026, 11, 24)
PERIODS = tuple(Period(f"{h}", time(h), time(h + 1)) for h in range(8, 12))
FIELD = Ground("field", "Field", ("Football",), surfaces=("left", "right"))
LEFT = Ground("left", "Left half", ("Football", "Hockey"), surfaces=("left",))
COURT = Ground("court", "Court", ("Tennis",))
SLOTS = st.sets(st.tuples(st.sampled_from((FIELD, LEFT, COURT)), st.sampled_from(range(8, 12))))


def held(ground: Ground, hour: int, status: Status = Status.PENDING) -> Booking:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    return Booking(
        id=f"{ground.id} {hour}",
        ground_id=ground.id,
        surfaces=ground.surfaces,
        date=DAY,
        start=time(hour),
        end=time(hour + 1),
        status=status,
        student_id="S001",
        student_name="Asha Rao",
        class_name="10-B",
        game="Football",
        purpose="",
        created_by="meera",
        created_by_name="Meera",
        created_at=now,
        updated_at=now,
    )


def board(*bookings: Booking, hour: int = 1) -> Board:
    return Board(
        date=DAY,
        plan=DayPlan(DAY, PERIODS, "regular"),
        grounds=(FIELD, LEFT, COURT),
        bookings=bookings,
        now=datetime(2026, 11, 24, hour, tzinfo=UTC),
        loaded_at=datetime(2026, 11, 24, tzinfo=UTC),
        zone=ZoneInfo("UTC"),
    )


def ids(shown: Board) -> list[str]:
    return [ground.id for ground in shown.grounds]


@given(SLOTS, st.integers(7, 12), st.integers(0, 12))
def test_a_ground_is_shown_as_free_at_a_time_if_its_cell_of_that_period_is_free(
    taken: set[tuple[Ground, int]], start: int, now: int
) -> None:
    shown = board(*(held(ground, hour) for ground, hour in taken), hour=now)

    free = [
        ground.id
        for ground in shown.grounds
        if 8 <= start < 12 and shown.cell(ground.id, time(start)).state is CellState.FREE
    ]
    assert ids(shown.free_at(time(start))) == free


def test_a_booking_of_the_whole_pitch_takes_its_half_out_too():
    assert ids(board(held(FIELD, 9)).free_at(time(9))) == ["court"]
    assert ids(board(held(FIELD, 9)).free_at(time(10))) == ["field", "left", "court"]


def test_the_filters_of_a_game_and_of_a_time_hold_together():
    shown = board(held(LEFT, 9))

    assert ids(shown.matching(GroundFilter())) == ["field", "left", "court"]
    assert ids(shown.matching(GroundFilter("Football"))) == ["field", "left"]
    assert ids(shown.matching(GroundFilter("Football", time(9)))) == []
    assert ids(shown.matching(GroundFilter("Tennis", time(9)))) == ["court"]
    assert ids(shown.matching(GroundFilter("Hockey", time(10)))) == ["left"]


def test_the_picked_ground_stays_whatever_the_filters_are():
    shown = board(held(LEFT, 9))

    assert ids(shown.matching(GroundFilter("Football", time(9)), also="court")) == ["court"]
    assert ids(shown.matching(GroundFilter("Tennis", time(9)), also="left")) == ["left", "court"]


def test_a_filtered_board_keeps_what_holds_its_cells():
    shown = board(held(LEFT, 9)).matching(GroundFilter("Hockey", time(10)))

    assert shown.cell("left", time(9)).state is CellState.PENDING
    assert not shown.is_free(held(LEFT, 9).slot)
