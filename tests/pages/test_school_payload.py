"""The payload of all grounds over some days: rows, figures, and what is said without any."""

import json
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

from test_week_payload import MONDAY, at, board, closure, held

from booking_core import Board, Ground, GroundFilter, Period
from booking_core.domain.timetable import DayPlan
from pages.shared.text import school_payloads


def payload(boards: list[Board], wanted: GroundFilter | None = None) -> dict[str, Any]:
    wanted = wanted or GroundFilter()
    figures = [board.ground_days(wanted.free_at) for board in boards]
    found: dict[str, Any] = json.loads(school_payloads.grid(boards, figures, wanted))
    return found


def texts(shown: dict[str, Any]) -> dict[str, list[str]]:
    return {row["name"]: [cell["text"] for cell in row["cells"]] for row in shown["rows"]}


def day(number: int) -> date:
    return MONDAY + timedelta(days=number)


def test_a_row_tells_for_each_day_how_many_periods_of_its_ground_are_free():
    full = [held(day(1), hour, hour + 1) for hour in (8, 9, 10)]
    boards = [
        board(MONDAY, now=at(MONDAY, 9, 30)),
        board(day(1), *full, now=at(MONDAY, 9, 30)),
        board(day(2), closure(day(2)), held(day(2), 9, 10, "ground-2"), now=at(MONDAY, 9, 30)),
    ]

    shown = payload(boards)

    assert texts(shown) == {
        "Ground 1": ["1 free", "full", "closed"],
        "Court": ["1 free", "3 free", "2 free"],
    }
    assert [cell["label"] for cell in shown["rows"][0]["cells"]] == [
        "Ground 1, Mon 23 Nov: 1 of 1 periods free",
        "Ground 1, Tue 24 Nov: full, no period is free",
        "Ground 1, Wed 25 Nov: closed, Rain",
    ]
    assert [day["lines"] for day in shown["days"]] == [
        ["Today", "23 Nov"],
        ["Tue", "24 Nov"],
        ["Wed", "25 Nov"],
    ]
    assert shown["rows"][1]["cells"][2]["share"] == 0.67
    assert "Asha" not in json.dumps(shown)


def test_a_day_whose_periods_have_begun_is_over():
    late = board(MONDAY, now=at(MONDAY, 10, 30))

    assert texts(payload([late]))["Court"] == ["over"]


def test_at_a_chosen_time_a_cell_tells_of_that_period_alone():
    now = at(MONDAY, 9, 30)
    boards = [
        board(MONDAY, now=now),
        board(day(1), held(day(1), 9, 10), now=now),
        board(day(2), closure(day(2)), now=now),
        board(day(3), held(day(3), 8, 9), held(day(3), 10, 11), now=now),
        board(day(4), plan=DayPlan(day(4), (Period("Late", time(10), time(11)),), "half"), now=now),
    ]

    shown = payload(boards, GroundFilter(free_at=time(9)))

    assert texts(shown)["Ground 1"] == ["past", "taken", "closed", "free", "no period"]
    cells = shown["rows"][0]["cells"]
    assert [cell["kind"] for cell in cells] == ["over", "full", "closed", "free", "over"]
    assert [cell["label"] for cell in cells] == [
        "Ground 1, Mon 23 Nov: past at 9 AM",
        "Ground 1, Tue 24 Nov: taken at 9 AM",
        "Ground 1, Wed 25 Nov: closed at 9 AM, Rain",
        "Ground 1, Thu 26 Nov: free at 9 AM",
        "Ground 1, Fri 27 Nov: no period at 9 AM",
    ]
    assert shown["heading"].startswith("Grounds at 9 AM, ")
    assert shown["legend"] == "At 9 AM only. Press a cell to see the ground on that day."


def test_the_layouts_of_a_ground_stand_below_its_name():
    pitch = Ground("pitch", "Pitch", ("Hockey",), surfaces=("a", "b"))
    half = Ground("half", "Half", ("Hockey",), surfaces=("a",))
    divided = replace(board(MONDAY), grounds=(pitch, half, Ground("court", "Court", ("Tennis",))))

    groups = [(row["name"], row["group"]) for row in payload([divided])["rows"]]

    assert groups == [("Pitch", "Pitch"), ("Half", "Pitch"), ("Court", "")]


def test_the_filters_leave_the_grounds_that_fit_on_one_of_the_days_and_say_when_none_does():
    taken = board(MONDAY, held(MONDAY, 9, 10), held(MONDAY, 9, 10, "ground-2"))
    other = board(day(1), held(day(1), 9, 10, "ground-2"))
    at_nine = GroundFilter(free_at=time(9))

    assert list(texts(payload([taken, other], at_nine))) == ["Ground 1"]
    assert list(texts(payload([taken, other], GroundFilter("Tennis")))) == ["Court"]
    nothing = payload([taken, other], GroundFilter("Tennis", time(9)))
    assert nothing["rows"] == []
    assert nothing["empty"] == [
        "No ground for Tennis is free at 9 AM on any of these days",
        "Choose other days or another time above, or press “Any time”.",
    ]


def test_without_days_or_grounds_a_sentence_says_so():
    assert payload([])["empty"][0] == "No day of school ahead"
    assert payload([replace(board(MONDAY), grounds=())])["empty"][0] == "No grounds yet"
