"""The wall's cards and moments from a hand-made board: no database, no clock."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from wall_board import MONDAY, at, board_at, booking

from booking_core import CellState, InvalidRequest, Period, Settings, Status, may_show, wall_cards

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_card_shows_the_present_booking_its_end_and_the_next_one():
    now, later = booking(time(10), time(11)), booking(time(11), time(12), status=Status.PENDING)

    card = wall_cards(board_at(at(10, 12), now, later))[0]

    assert (card.state, card.now, card.until, card.next) == (
        CellState.BOOKED,
        now,
        time(11),
        later,
    )
    assert card.ends_at == at(11)
    assert card.held == (now, later)


def test_a_booking_begins_at_its_first_second_and_ends_after_its_last():
    held = booking(time(10), time(11))

    states = [
        wall_cards(board_at(moment, held))[0].state
        for moment in (at(9, 59, 59), at(10), at(10, 59, 59), at(11))
    ]

    assert states == [CellState.FREE, CellState.BOOKED, CellState.BOOKED, CellState.FREE]


def test_the_wall_changes_next_at_the_nearest_start_or_end():
    quarter = booking(time(10, 15), time(10, 45), kind="closure")
    moments = [at(7), at(8), at(10), at(10, 15), at(10, 45), at(17, 59, 59), at(18)]

    turns = [board_at(moment, quarter).turns_at() for moment in moments]

    assert turns == [
        at(8),
        at(9),
        at(10, 15),
        at(10, 45),
        at(11),
        at(18),
        at(0, day=MONDAY + timedelta(days=1)),
    ]


def test_a_day_without_school_changes_at_midnight():
    moment = at(12)

    assert board_at(moment, periods=()).turns_at() == at(0, day=date(2026, 11, 24))


def test_a_period_that_ends_at_midnight_ends_with_the_day():
    evening = (Period("late", time(22), time(0)),)
    held = booking(time(22), time(0))

    card = wall_cards(board_at(at(23), held, periods=evening))[0]

    assert card.state is CellState.BOOKED
    assert card.ends_at == at(0, day=date(2026, 11, 24))
    assert board_at(at(23), held, periods=evening).turns_at() == card.ends_at


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)], ids=["spring", "autumn"]
)
def test_a_day_with_a_clock_change_lasts_from_midnight_to_midnight(day, hours):
    midnight = datetime.combine(day, time(0), tzinfo=BERLIN)
    moment, turns = midnight, []

    while moment.astimezone(BERLIN).date() == day:
        moment = board_at(moment, zone=BERLIN).turns_at()
        turns.append(moment)

    # The eleven edges of ten periods, once each, and the end of the day.
    assert [f"{turn:%H:%M}" for turn in turns] == [f"{h:02d}:00" for h in range(8, 19)] + ["00:00"]
    assert turns[-1].timestamp() - midnight.timestamp() == hours * 3600


@pytest.mark.parametrize(
    ("day", "hours_left"),
    [(date(2026, 3, 29), 1.5), (date(2026, 10, 25), 3.5)],
    ids=["spring", "autumn"],
)
def test_time_left_across_a_clock_change_is_real_time(day, hours_left):
    moment = datetime.combine(day, time(1, 30), tzinfo=BERLIN)
    night = (Period("night", time(1), time(4)),)
    held = booking(time(1), time(4), date=day)

    card = wall_cards(board_at(moment, held, periods=night, zone=BERLIN))[0]

    assert card.now is held
    assert card.ends_at.timestamp() - moment.timestamp() == hours_left * 3600


@pytest.mark.parametrize(
    ("allowed", "asked", "shown"),
    [
        ("class", None, "class"),
        ("class", "none", "none"),
        ("class", "student", "class"),
        ("student", "class", "class"),
        ("student", "student", "student"),
        ("none", "student", "none"),
        ("class", "everything", "class"),
        ("class", "", "class"),
    ],
)
def test_an_address_may_show_less_and_never_more_than_the_setting(allowed, asked, shown):
    assert may_show(allowed, asked) == shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WALL_SHOWS", "names"),
        ("WALL_SHOWS", "Class"),
        ("PUBLIC_URL", "sports.example.org"),
        ("PUBLIC_URL", "javascript:alert(1)"),
        ("PUBLIC_URL", "https://example.org/?next=x"),
    ],
)
def test_an_invalid_setting_of_the_wall_is_named(tmp_path, name, value):
    with pytest.raises(InvalidRequest) as refused:
        Settings.load({name: value}, tmp_path / "secrets.toml")

    assert refused.value.field == name


def test_no_student_is_named_unless_the_setting_allows_it():
    assert Settings().wall_shows == "class"
