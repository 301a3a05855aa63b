"""The payload of Book for a week of one ground: its rows and its headings."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from booking_core import (
    Board,
    Booking,
    Ground,
    GroundFilter,
    Period,
    Slot,
    Status,
    Timetable,
)
from booking_core.domain.timetable import DayPlan, plan_day
from pages.shared.text import week_payloads

INDIA = ZoneInfo("Asia/Kolkata")
MONDAY = date(2026, 11, 23)
GROUNDS = (Ground("ground-1", "Ground 1", ("Hockey",)), Ground("ground-2", "Court", ("Tennis",)))
LONG = tuple(Period(f"{h}-{h + 1}", time(h), time(h + 1)) for h in (8, 9, 10))
SHORT = (Period("Early", time(8), time(9)), Period("Half", time(9), time(9, 30)))
NAMES = {"regular": "Regular", "short": "Short day"}


def at(day: date, hour: int, minute: int = 0, zone: ZoneInfo = INDIA) -> datetime:
    return datetime.combine(day, time(hour, minute), tzinfo=zone)


def board(day: date, *bookings: Booking, **values: Any) -> Board:
    plan = values.pop("plan", None) or DayPlan(day, LONG, "regular")
    now = values.pop("now", at(MONDAY, 7))
    return Board(
        date=day,
        plan=plan,
        grounds=GROUNDS,
        bookings=bookings,
        now=now,
        loaded_at=now,
        zone=values.pop("zone", INDIA),
        **values,
    )


def held(day: date, start: int, end: int, ground: str = "ground-1", **values: Any) -> Booking:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    return Booking(
        **{
            "id": f"{day} {start} {ground}",
            "ground_id": ground,
            "date": day,
            "start": time(start),
            "end": time(end % 24),
            "status": Status.APPROVED,
            "student_id": "S001",
            "student_name": "Asha Rao",
            "class_name": "10-B",
            "game": "Hockey",
            "purpose": "",
            "created_by": "meera",
            "created_by_name": "Meera",
            "created_at": now,
            "updated_at": now,
        }
        | values
    )


def closure(day: date, ground: str = "ground-1", reason: str = "Rain.") -> Booking:
    return held(day, 0, 24, ground, kind="closure", purpose=reason, student_id=None)


def week(changes: Mapping[int, Board] | None = None, **values: Any) -> list[Board]:
    """The boards of seven days from Monday, some of them replaced."""
    days = (MONDAY + timedelta(days=n) for n in range(7))
    return [(changes or {}).get(n) or board(day, **values) for n, day in enumerate(days)]


def payload(boards: list[Board], picked: Slot | None = None, ground: str = "ground-1") -> Any:
    return json.loads(week_payloads.grid(boards, ground, picked, True, NAMES))


def notes(boards: list[Board]) -> list[list[str]]:
    return [column["notes"] for column in payload(boards)["columns"]]


def states(boards: list[Board], row: int) -> list[str | None]:
    return [cell and cell[0] for cell in payload(boards)["cells"][row]]


def test_a_week_has_a_column_for_each_day_and_the_cells_of_one_ground():
    tuesday = MONDAY + timedelta(days=1)
    taken = board(tuesday, held(tuesday, 9, 10), held(tuesday, 8, 9, "ground-2"))
    shown = payload(week({1: taken}))

    assert [column["id"] for column in shown["columns"]] == [
        f"2026-11-{day}" for day in range(23, 30)
    ]
    assert [column["lines"] for column in shown["columns"][:2]] == [
        ["Today", "23 Nov"],
        ["Tue", "24 Nov"],
    ]
    assert [row["label"] for row in shown["periods"]] == ["8–9 AM", "9–10 AM", "10–11 AM"]
    assert [row[1][:3] for row in shown["cells"]] == [
        ["free", "Free", ""],
        ["booked", "Hockey", "10-B · booked"],
        ["free", "Free", ""],
    ]
    assert (shown["title"], shown["distance"], shown["note"]) == ("Ground 1", "This week", "")
    assert "Asha" not in json.dumps(shown)


def test_a_week_has_a_row_for_each_distinct_period_and_no_cell_where_a_day_lacks_it():
    friday = MONDAY + timedelta(days=4)
    boards = week({4: board(friday, plan=DayPlan(friday, SHORT, "short"))})

    rows = payload(boards)["periods"]
    assert [row["label"] for row in rows] == ["8–9 AM", "9–9:30 AM", "9–10 AM", "10–11 AM"]
    assert states(boards, 0) == ["free"] * 7
    assert states(boards, 1) == [None] * 4 + ["free"] + [None] * 2
    assert states(boards, 2) == ["free"] * 4 + [None] + ["free"] * 2
    # The days do not agree on a name for the first row; only Friday has the second.
    assert [row["name"] for row in rows] == ["", "Half", "", ""]


def test_a_pick_covers_the_periods_of_its_own_day():
    friday = MONDAY + timedelta(days=4)
    boards = week({4: board(friday, plan=DayPlan(friday, SHORT, "short"))})

    shown = payload(boards, Slot("ground-1", friday, time(8), time(9, 30)))

    assert shown["picked"] == {
        "ground": "ground-1",
        "date": "2026-11-27",
        "starts": ["08:00", "09:00"],
    }
    assert shown["choice"] == "Ground 1, Fri 8–9:30 AM"
    assert (
        payload(boards, Slot("ground-1", MONDAY - timedelta(days=9), *LONG_SPAN))["picked"] is None
    )


LONG_SPAN = (time(8), time(9))


def test_a_heading_says_what_is_special_of_its_day():
    days = [MONDAY + timedelta(days=n) for n in range(7)]
    boards = week(
        {
            1: board(days[1], plan=DayPlan(days[1], SHORT, "short")),
            2: board(days[2], plan=DayPlan(days[2], (), None, "Diwali.")),
            3: board(days[3], closure(days[3])),
            4: board(days[4], plan=DayPlan(days[4], LONG, "regular", "Sports day.")),
            5: board(days[5], plan=DayPlan(days[5], (), None)),
            6: board(days[6], closure(days[6], "ground-2")),
        }
    )

    assert notes(boards) == [
        [],
        ["Short day"],
        ["No school: Diwali"],
        ["Closed: Rain"],
        ["Sports day"],
        ["No school"],
        [],  # only the other ground is closed
    ]
    assert states(boards, 0)[2:4] == [None, "closed"]


def test_a_day_on_which_only_others_have_periods_is_not_called_one_without_school():
    own = {"ground-1": DayPlan(MONDAY, (), None, "Cleaning")}
    boards = week({0: board(MONDAY, plan=DayPlan(MONDAY, LONG, "regular", own=own))})

    assert notes(boards)[0] == ["No periods: Cleaning"]
    assert states(boards, 0)[0] is None


def test_a_day_of_another_week_or_term_says_so_and_the_corner_names_those_of_most_days():
    plans = [
        DayPlan(MONDAY + timedelta(days=n), LONG, "regular", term=term, week=letter)
        for n, (term, letter) in enumerate(
            [("Term 2", "A"), *[("Term 2", "B")] * 4, ("", "B"), ("Term 3", "B")]
        )
    ]
    boards = [board(plan.date, plan=plan) for plan in plans]

    assert payload(boards)["term"] == "Term 2, week B"
    assert notes(boards) == [["Week A"], [], [], [], [], ["Week B"], ["Term 3, week B"]]
    outside = [replace(b, plan=replace(b.plan, week="")) for b in boards]
    assert notes(outside)[5] == ["No term"]


def test_the_present_period_is_marked_and_a_row_is_over_when_it_is_on_every_day():
    sunday = MONDAY + timedelta(days=6)
    rows = payload(week(now=at(sunday, 9, 30)))["periods"]

    assert [row["past"] for row in rows] == [True, False, False]
    assert [row["now"] for row in rows] == [False, True, False]
    assert (rows[1]["from"], rows[1]["to"]) == tuple(
        int(at(sunday, hour).timestamp() * 1000) for hour in (9, 10)
    )
    assert [row["past"] for row in payload(week(now=at(MONDAY, 9, 30)))["periods"]] == [False] * 3


@pytest.mark.parametrize(
    ("monday", "weeks"),
    [(-7, "Past week"), (0, "This week"), (7, "Next week"), (21, "In 3 weeks")],
)
def test_the_corner_says_how_far_the_week_is(monday: int, weeks: str):
    sunday = MONDAY + timedelta(days=6)
    boards = [board(MONDAY + timedelta(days=monday + n), now=at(sunday, 12)) for n in range(7)]

    assert payload(boards)["distance"] == weeks


def test_a_week_with_nothing_to_book_says_why():
    days = [MONDAY + timedelta(days=n) for n in range(7)]
    holidays = [board(day, plan=DayPlan(day, (), None, "Diwali")) for day in days]
    full = [board(day, held(day, 0, 24)) for day in days]

    assert payload(holidays)["empty"] == [
        "No school in this week",
        "Diwali. Choose another week above.",
    ]
    assert payload(full)["note"] == (
        "Nothing is free on this ground in this week. Choose another week or ground."
    )
    over = week(now=at(days[6], 23))
    assert payload(over)["note"] == "This week is over. Choose another week above."


def test_a_ground_that_a_board_does_not_have_yet_has_no_cells():
    assert payload(week(), ground="ground-9")["cells"] == []


def test_in_the_week_of_a_clock_change_the_skipped_period_is_missing_on_that_day_only():
    berlin = ZoneInfo("Europe/Berlin")
    night = Timetable(
        "night", (Period("2-3", time(2), time(3)), Period("3-4", time(3), time(4))), ()
    )
    first = date(2027, 3, 22)  # the clock skips 2 to 3 on Sunday 28 March
    every = replace(night, weekdays=tuple(range(7)))
    days = [first + timedelta(days=n) for n in range(7)]
    boards = [
        board(
            day,
            plan=plan_day(day, [every], None, berlin),
            now=at(first, 0, zone=berlin),
            zone=berlin,
        )
        for day in days
    ]

    assert states(boards, 0) == ["free"] * 6 + [None]
    assert states(boards, 1) == ["free"] * 7
    # In autumn 2 to 3 lasts two hours: it goes on in the second of them.
    sunday = date(2026, 10, 25)
    repeated = [
        board(
            sunday - timedelta(days=6 - n),
            plan=DayPlan(sunday - timedelta(days=6 - n), night.periods, "night"),
            now=datetime(2026, 10, 25, 1, 30, tzinfo=UTC).astimezone(berlin),
            zone=berlin,
        )
        for n in range(7)
    ]
    row = payload(repeated)["periods"][0]
    assert (row["now"], (row["to"] - row["from"]) / 3_600_000) == (True, 2)


def test_the_strip_of_grounds_has_those_that_are_free_at_the_time_on_some_day_and_the_shown_one():
    at_nine = GroundFilter(free_at=time(9))
    full = {
        n: board(day, held(day, 9, 10))
        for n, day in enumerate(MONDAY + timedelta(days=n) for n in range(7))
    }

    def shown(changes: Mapping[int, Board], wanted: GroundFilter, ground: str) -> dict[str, Any]:
        parts = week(changes), ground, None, True, NAMES, wanted
        found: dict[str, Any] = json.loads(week_payloads.grid(*parts))
        return found

    week_of_court = shown(full, at_nine, "ground-2")
    assert [ground["id"] for ground in week_of_court["grounds"]] == ["ground-2"]
    assert week_of_court["note"] == ""
    assert week_of_court["asked"] == "09:00"

    week_of_one = shown(full, at_nine, "ground-1")
    assert [ground["id"] for ground in week_of_one["grounds"]] == ["ground-1", "ground-2"]
    assert week_of_one["note"] == (
        "This ground is not free at 9 AM on any day of this week. The other grounds above are."
    )
    but_friday = shown({n: full[n] for n in full if n != 4}, at_nine, "ground-1")
    assert but_friday["note"] == ""

    hockey = shown(full, GroundFilter("Hockey", time(9)), "ground-2")
    assert [ground["id"] for ground in hockey["grounds"]] == ["ground-2"]
    assert hockey["note"] == (
        "No ground for Hockey is free at 9 AM on any day of this week. "
        "Choose another week or time above, or press “Any time”."
    )
    other = shown({}, GroundFilter("Hockey"), "ground-2")
    assert other["note"] == "This ground is not for Hockey."
