"""The content of the wall, and the data that never leaves the server."""

from __future__ import annotations

import json
import tracemalloc
from datetime import date, time, timedelta

import pytest
import segno
from wall_board import KOLKATA, MONDAY, at, board_at, booking

from booking_core import DayPlan, Ground, Status
from booking_core.reports import qr_code
from pages.wall import cards

SECRETS = ("Asha", "Rao", "S001", "Meera", "Zonal trials")


def cards_of(*bookings, now=None, shows="class", only=None):
    return cards.day(board_at(now or at(10, 12), *bookings), shows, only, ())


def card_of(*bookings, **options):
    return cards_of(*bookings, **options)["cards"][0]


def words(line):
    return " ".join(part for part in line.values() if part)


def test_a_booked_ground_shows_game_class_end_and_the_next_booking():
    card = card_of(
        booking(time(10), time(11)), booking(time(11), time(12), class_name="9-C", game="Cricket")
    )

    assert (card["what"], card["who"], card["until"], card["tag"]) == (
        "Football",
        "Class 10-A",
        "until 11 AM",
        "",
    )
    assert card["ends"] == int(at(11).timestamp() * 1000)
    assert words(card["next"]) == "Next 11 AM 9-C · Cricket"


def test_a_pending_booking_is_marked_now_and_next():
    card = card_of(
        booking(time(10), time(11), status=Status.PENDING),
        booking(time(11), time(12), status=Status.PENDING),
    )

    assert (card["state"], card["tag"]) == ("pending", "Requested")
    assert words(card["next"]) == "Next 11 AM 10-A · Football requested"


def test_a_closure_shows_its_reason_and_its_end():
    now = card_of(booking(time(10), time(13), kind="closure"))
    ahead = card_of(booking(time(12), time(13), kind="closure"))

    assert (now["what"], now["who"], now["until"]) == ("Closed", "Net repair", "until 1 PM")
    assert words(ahead["next"]) == "Next 12 PM Closed: Net repair"


def test_a_closure_to_midnight_shows_no_clock_time():
    whole = card_of(booking(time(0), time(0), kind="closure"))
    rest = card_of(booking(time(9, 15), time(0), kind="closure"))

    assert (whole["what"], whole["who"], whole["until"]) == ("Closed", "Net repair", "all day")
    assert set(whole["strip"]) == {"closed"}
    assert rest["until"] == "for the rest of the day"


def test_a_day_that_reopens_is_not_shown_as_closed_all_day():
    def board(end):
        return board_at(
            at(6), booking(time(0), end, kind="closure"), grounds=[Ground("ground-1", "One", ())]
        )

    assert cards.open_plan(board(time(12))).periods[0].start == time(12)
    assert cards.open_plan(board(time(0))).periods == ()
    assert len(cards.open_plan(board_at(at(6))).periods) == 10


def test_a_closure_to_midnight_ends_with_the_school_day():
    closures = [
        booking(time(0), time(0), kind="closure", ground=ground)
        for ground in ("ground-1", "ground-2", "ground-3")
    ]

    assert cards_of(*closures, now=at(17, 59))["cards"][0]["what"] == "Closed"
    assert cards_of(*closures, now=at(18)) == {
        "empty": ["The school day is over", "The grounds are closed."]
    }


def test_without_school_the_wall_shows_the_reason():
    closures = [
        booking(time(0), time(0), kind="closure", ground=ground)
        for ground in ("ground-1", "ground-2", "ground-3")
    ]

    shown = cards.day(board_at(at(10), *closures, periods=()), "class", None, ())

    assert shown["empty"] == ["No school today", "The grounds are closed: Net repair"]


@pytest.mark.parametrize(
    ("bookings", "until", "following"),
    [
        ((), "for the rest of the day", ""),
        ((booking(time(12), time(13)),), "until 12 PM", "Next 12 PM 10-A · Football"),
        ((booking(time(10), time(11)),), "until 11 AM", "Then free all day"),
        (
            (booking(time(10), time(11)), booking(time(15), time(16))),
            "until 11 AM",
            "Then free until 3 PM",
        ),
        ((booking(time(10), time(18)),), "until 6 PM", ""),
    ],
)
def test_free_time_is_shown_with_its_end(bookings, until, following):
    card = card_of(*bookings)

    assert card["until"] == until
    assert words(card["next"]) == following


def payload_text(shows):
    held = (
        booking(time(10), time(11), purpose="Zonal trials"),
        booking(time(11), time(12), status=Status.PENDING, purpose="Zonal trials"),
    )
    return json.dumps(cards_of(*held, shows=shows), ensure_ascii=False)


def test_by_default_no_student_is_in_the_payload():
    text = payload_text("class")

    assert "Football" in text
    assert "10-A" in text
    assert not [secret for secret in SECRETS if secret in text]


def test_with_the_setting_nothing_no_detail_of_the_booking_is_in_the_payload():
    text = payload_text("none")

    assert "Booked" in text
    assert "Requested" in text
    assert not [secret for secret in (*SECRETS, "Football", "10-A") if secret in text]


def test_with_the_setting_student_only_the_name_is_in_the_payload():
    text = payload_text("student")

    assert "Asha Rao, 10-A" in text
    assert not [secret for secret in ("S001", "Meera", "Zonal trials") if secret in text]


def test_a_card_is_marked_as_changed_by_bookings_and_never_by_time():
    held = booking(time(10), time(11))
    later = booking(time(14), time(15), status=Status.PENDING)
    first = card_of(held, later)["mark"]

    assert card_of(held, later, now=at(11, 30))["mark"] == first
    assert card_of(held)["mark"] != first
    approved = booking(time(14), time(15))
    assert card_of(held, approved)["mark"] != first
    assert card_of(held, later, shows="none")["mark"] == first


def test_the_wall_shows_a_single_ground_or_a_sentence_if_it_is_unknown():
    alone = cards_of(only="ground-2")
    unknown = cards_of(only="ground-9")

    assert [card["name"] for card in alone["cards"]] == ["Ground 2"]
    assert unknown["empty"][0] == "There is no ground “ground-9”"
    assert "ground-1, ground-2, ground-3" in unknown["empty"][1]


def test_a_ground_that_fills_the_wall_shows_its_whole_day():
    held = (
        booking(time(10), time(11)),
        booking(time(12), time(13), status=Status.PENDING),
        booking(time(15), time(17), kind="closure"),
    )
    shown = cards_of(*held, only="ground-1")["later"]
    hidden = json.dumps(cards_of(*held, only="ground-1", shows="none")["later"])

    assert [(line["time"], line["text"], line["who"], line["state"]) for line in shown] == [
        ("12–1 PM", "Football", "Class 10-A", "pending"),
        ("3–5 PM", "Closed: Net repair", "", "closed"),
    ]
    assert "Football" not in hidden
    assert "10-A" not in hidden
    assert cards_of(*held)["later"] == []


def plans(*open_days):
    days = (MONDAY + timedelta(days=n) for n in range(1, 8))
    periods = board_at(at(8)).periods
    return [DayPlan(d, periods if d in open_days else (), None) for d in days]


@pytest.mark.parametrize(
    ("ahead", "sentence"),
    [
        (plans(date(2026, 11, 24)), "The grounds open again tomorrow at 8 AM."),
        (plans(date(2026, 11, 26)), "The grounds open again on Thursday 26 November at 8 AM."),
        (plans(), "The grounds are closed."),
    ],
)
def test_after_the_last_period_the_wall_shows_the_next_start(ahead, sentence):
    shown = cards.day(board_at(at(18)), "class", None, ahead)

    assert shown == {"empty": ["The school day is over", sentence]}


def test_a_school_without_grounds_and_a_day_without_school_have_a_sentence_each():
    holiday = board_at(at(10), periods=())
    board = board_at(at(10), periods=())
    object.__setattr__(board, "plan", DayPlan(MONDAY, (), None, "Founders' day"))

    assert cards.day(board_at(at(10), grounds=()), "class", None, ())["empty"][0] == (
        "No grounds yet"
    )
    assert cards.day(board, "class", None, ())["empty"] == [
        "No school today",
        "Founders' day",
    ]
    assert cards.day(holiday, "class", None, plans(date(2026, 11, 24)))["empty"] == [
        "No school today",
        "The grounds open again tomorrow at 8 AM.",
    ]


def test_before_the_first_period_a_ground_says_when_it_opens():
    board = board_at(at(7, 30), booking(time(8), time(9)))
    [shown, *others] = cards.day(board, "class", None, ())["cards"]

    assert (shown["what"], shown["until"], shown["state"]) == ("Opens 8 AM", "", "past")
    assert "8 AM" in shown["next"]["time"]
    assert all(card["what"] == "Opens 8 AM" for card in others)
    assert cards.day(board_at(at(8)), "class", None, ())["cards"][0]["what"] == "Free"


def test_the_frame_has_the_servers_clock_and_zone():
    now = at(10, 12)
    frame = cards.frame(now, at(10, 11, 58), "School", theme=None, address=None)

    assert (frame["now"], frame["at"]) == (
        int(now.timestamp() * 1000),
        int(now.timestamp() * 1000) - 2000,
    )
    assert (frame["zone"], frame["date"], frame["theme"]) == (
        str(KOLKATA),
        "Monday 23 November",
        "dark",
    )
    assert frame["code"] is None


@pytest.mark.parametrize(
    ("public", "opened", "address"),
    [
        (None, "http://10.0.0.5:8501/wall", "http://10.0.0.5:8501/book"),
        (None, "https://school.example/sports/wall?ground=g", "https://school.example/sports/book"),
        ("https://sports.example/", "http://10.0.0.5:8501/wall", "https://sports.example/book"),
        (None, None, None),
        (None, "javascript:alert(1)", None),
    ],
)
def test_the_code_leads_to_the_book_screen(public, opened, address):
    assert cards.address_of_book(public, opened) == address


def test_the_path_of_the_code_equals_its_matrix():
    address = "https://sports.example/book"
    code = qr_code(address)
    dark = set()
    for run in code["path"].split("z")[:-1]:
        start, width = run[1:].split("h")[:2]
        x, y = (int(number) for number in start.split())
        dark |= {(x + n, y) for n in range(int(width.removesuffix("v1")))}

    matrix = segno.make(address, error="m", micro=False).matrix
    assert code["size"] == len(matrix)
    assert dark == {(x, y) for y, row in enumerate(matrix) for x, bit in enumerate(row) if bit}


def test_an_address_too_long_to_scan_has_no_code():
    long = "https://sports.example/" + "x" * 400

    assert cards.address_of_book(long, None) is None
    assert cards.address_of_book(None, long) is None


def test_a_long_address_of_the_browser_is_not_kept():
    tracemalloc.start()
    try:
        for n in range(20):
            opened = f"http://school.example/{n}" + "x" * 1_000_000
            assert cards.address_of_book(None, opened) is None
        del opened
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < 1_000_000


def test_forty_grounds_are_all_in_the_payload():
    grounds = [Ground(f"g-{n}", f"Ground {n}", ("Football",), n) for n in range(40)]
    shown = cards.day(board_at(at(10), grounds=grounds), "class", None, ())

    assert len(shown["cards"]) == 40


MAIN = Ground("main", "Main ground", ("Football",), 1, surfaces=("n", "s"))
NORTH = Ground("north", "North half", ("Football",), 2, surfaces=("n",))
SOUTH = Ground("south", "South half", ("Football",), 3, surfaces=("s",))
LAYOUTS = (MAIN, NORTH, SOUTH)


def placed(ground, start, end, **changes):
    return booking(time(start), time(end), ground=ground.id, surfaces=ground.surfaces, **changes)


def only_card(board):
    [card] = cards.day(board, "class", None, ())["cards"]
    return card


def test_layouts_of_one_ground_have_one_card_of_the_widest():
    card = only_card(board_at(at(9, 30), placed(MAIN, 9, 10), grounds=LAYOUTS))

    assert (card["name"], card["what"], card["parts"]) == ("Main ground", "Football", [])


def test_a_half_in_use_is_a_line_and_the_free_half_another():
    card = only_card(board_at(at(9, 30), placed(NORTH, 9, 10), grounds=LAYOUTS))

    assert card["name"] == "Main ground"
    assert card["parts"] == [
        ["North half", "booked", "Football · Class 10-A", "until 10 AM"],
        ["South half", "free", "Free", "for the rest of the day"],
    ]


def test_both_halves_in_use_are_two_lines():
    board = board_at(at(9, 30), placed(NORTH, 9, 10), placed(SOUTH, 9, 11), grounds=LAYOUTS)

    assert [line[0] for line in only_card(board)["parts"]] == ["North half", "South half"]


def test_a_display_of_one_layout_shows_that_alone():
    board = board_at(at(9, 30), placed(MAIN, 9, 10), grounds=LAYOUTS)

    [card] = cards.day(board, "class", "north", ())["cards"]
    assert (card["name"], card["what"]) == ("North half", "Football")
