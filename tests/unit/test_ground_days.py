"""How many periods of a ground are free on a day, and which days have school."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_core import (
    Board,
    Booking,
    CellState,
    Ground,
    Period,
    Policy,
    Status,
    days_of_school,
)
from booking_core.domain.timetable import DayPlan
from pages.shared.live.days import MOST, Days

DAY = date(2026, 11, 24)
PERIODS = tuple(Period(f"{h}", time(h), time(h + 1)) for h in range(8, 12))
FIELD = Ground("field", "Field", ("Football",), surfaces=("left", "right"))
LEFT = Ground("left", "Left half", ("Football",), surfaces=("left",))
COURT = Ground("court", "Court", ("Tennis",))
KINDS = st.sampled_from(("booking", "closure"))
SLOTS = st.dictionaries(
    st.tuples(st.sampled_from((FIELD, LEFT, COURT)), st.sampled_from(range(8, 12))), KINDS
)


def held(ground: Ground, start: int, end: int, kind: str = "booking", why: str = "") -> Booking:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    return Booking(
        id=f"{ground.id} {start} {kind}",
        ground_id=ground.id,
        surfaces=ground.surfaces,
        date=DAY,
        start=time(start),
        end=time(end),
        status=Status.APPROVED,
        student_id=None if kind == "closure" else "S001",
        student_name="",
        class_name="",
        game="",
        purpose=why,
        created_by="meera",
        created_by_name="Meera",
        created_at=now,
        updated_at=now,
        kind=kind,
    )


def board(*bookings: Booking, now: datetime, policy: Policy | None = None) -> Board:
    return Board(
        date=DAY,
        plan=DayPlan(DAY, PERIODS, "regular"),
        grounds=(FIELD, LEFT, COURT),
        bookings=bookings,
        now=now,
        loaded_at=now,
        zone=ZoneInfo("UTC"),
        policy=policy or Policy(),
    )


MORNING = datetime(2026, 11, 24, 7, tzinfo=UTC)


@given(SLOTS, st.integers(-60 * 24 * 40, 60 * 14))
def test_the_figures_of_a_ground_are_counts_of_the_cells_of_its_board(
    taken: dict[tuple[Ground, int], str], minute: int
) -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC) + timedelta(minutes=minute)
    bookings = (held(ground, hour, hour + 1, kind) for (ground, hour), kind in taken.items())
    shown = board(*bookings, now=now)

    for day, ground in zip(shown.ground_days(), shown.grounds, strict=True):
        cells = [shown.cell(ground.id, period.start) for period in PERIODS]
        ahead = [cell.state for cell in cells if not cell.is_past]
        assert day.ground == ground
        assert day.free == sum(cell.state is CellState.FREE for cell in cells)
        assert day.ahead == len(ahead)
        assert day.open == sum(state is not CellState.CLOSED for state in ahead)


def test_at_a_time_the_figures_are_those_of_its_period():
    shown = board(held(COURT, 8, 9), held(LEFT, 9, 10, "closure", "Rain"), now=MORNING)

    assert [(d.free, d.open, d.ahead) for d in shown.ground_days(time(8))] == [
        (1, 1, 1),
        (1, 1, 1),
        (0, 1, 1),
    ]
    assert [(d.free, d.open, d.note) for d in shown.ground_days(time(9))] == [
        (0, 0, "Rain"),
        (0, 0, "Rain"),
        (1, 1, ""),
    ]
    assert [d.ahead for d in shown.ground_days(time(8, 30))] == [0, 0, 0]


def test_a_closed_day_says_why_and_a_day_that_is_partly_closed_does_not():
    shown = board(
        held(COURT, 0, 0, "closure", "Turf repair."),
        held(LEFT, 8, 9, "closure", "Rain"),
        now=MORNING,
    )

    field, left, court = shown.ground_days()
    assert (court.free, court.open, court.ahead, court.note) == (0, 0, 4, "Turf repair")
    assert (field.free, field.note) == (3, "")
    assert (left.free, left.open, left.note) == (3, 3, "")


def test_a_day_that_is_not_open_yet_has_no_free_period_and_says_so():
    early = MORNING - timedelta(days=50)

    [field, *_] = board(now=early).ground_days()

    assert (field.free, field.open, field.note) == (0, 0, "Not open for booking yet")


def plan(date: date) -> DayPlan:
    """School from Monday to Friday, but not on 1 December, a Tuesday."""
    is_off = date.weekday() > 4 or (date.month, date.day) == (12, 1)
    return DayPlan(date, () if is_off else PERIODS, None if is_off else "regular")


def test_days_of_school_leave_out_days_without_periods_in_both_directions():
    monday, end = date(2026, 11, 30), date(2026, 12, 28)

    found = days_of_school(plan, date(2026, 11, 28), end, 5)
    assert [d.day for d in found] == [30, 2, 3, 4, 7]
    assert days_of_school(plan, monday, date(2026, 12, 2), 5) == [monday, date(2026, 12, 2)]
    back = days_of_school(plan, date(2026, 12, 2), date(2026, 11, 26), 5)
    assert [d.day for d in back] == [2, 30, 27, 26]
    assert days_of_school(plan, date(2026, 12, 5), date(2026, 12, 6), 5) == []


@given(st.sets(st.integers(0, 400), min_size=1, max_size=MOST))
def test_days_with_gaps_are_read_as_they_are_written(numbers: set[int]) -> None:
    dates = sorted(DAY + timedelta(days=n) for n in numbers)

    days = Days.parse(Days(reversed(dates)).isoformat())

    assert list(days) == dates
    assert all(date in days for date in dates)
    assert DAY + timedelta(days=401) not in days


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-23/",
        "2026-11-23/2027-01-04",
        "2026-11-24/2026-11-23",
        "0001-01-01/9999-12-31",
        "2026-11-23,",
        "2026-11-23,x",
        ",".join(f"2026-{day // 28 + 1:02d}-{day % 28 + 1:02d}" for day in range(MOST + 1)),
        ",".join(["2026-11-23"] * (MOST + 2)),
    ],
)
def test_a_client_cannot_name_other_texts_nor_more_days(text: str) -> None:
    with pytest.raises(ValueError):
        Days.parse(text)
