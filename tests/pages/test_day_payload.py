"""The payload of the Book screen for a day: small, made once, and shared by all sessions."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from booking_core import Board, Booking, Ground, GroundFilter, Period, Policy, Slot, Status
from booking_core.domain.timetable import DayPlan
from pages.shared.text import payloads

DAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 1, tzinfo=UTC)
GROUNDS = tuple(Ground(f"ground-{n}", f"Sports ground {n}", ("Volleyball",)) for n in range(10))
PERIODS = tuple(Period(f"Period {h}", time(h), time(h + 1)) for h in range(8, 22))


def booking(ground: Ground, period: Period) -> Booking:
    return Booking(
        id=f"{ground.id}-{period.label}",
        ground_id=ground.id,
        date=DAY,
        start=period.start,
        end=period.end,
        status=Status.PENDING,
        student_id="S001",
        student_name="Asha Rao",
        class_name="Class 10-B",
        game="Volleyball",
        purpose="",
        created_by="meera",
        created_by_name="Meera",
        created_at=NOW,
        updated_at=NOW,
    )


def full_board() -> Board:
    return Board(
        date=DAY,
        plan=DayPlan(DAY, PERIODS, "regular"),
        grounds=GROUNDS,
        bookings=tuple(booking(g, p) for g in GROUNDS for p in PERIODS),
        now=NOW,
        loaded_at=NOW,
        zone=ZoneInfo("Asia/Kolkata"),
    )


def test_a_full_day_of_ten_grounds_and_fourteen_periods_is_under_12_kB():
    assert len(payloads.grid(full_board(), None, True)) < 12_000


def test_the_payload_has_no_names_of_students():
    assert b"Asha" not in payloads.grid(full_board(), None, True)


def test_a_board_changes_when_a_period_begins_or_ends_and_at_midnight():
    zone = ZoneInfo("Asia/Kolkata")
    board = full_board()
    early, between, late = (
        datetime.combine(DAY, moment, tzinfo=zone) for moment in (time(6), time(8, 30), time(22))
    )

    assert board.at(early).turns_at() == datetime.combine(DAY, time(8), tzinfo=zone)
    assert board.at(between).turns_at() == datetime.combine(DAY, time(9), tzinfo=zone)
    assert board.at(late).turns_at() == datetime(2026, 11, 25, tzinfo=zone)


def test_a_board_changes_when_a_period_closes_for_booking():
    zone = ZoneInfo("Asia/Kolkata")
    board = replace(full_board(), policy=Policy(lead_minutes=30))
    moment = datetime.combine(DAY, time(7), tzinfo=zone)

    assert board.at(moment).turns_at() == datetime.combine(DAY, time(7, 30), tzinfo=zone)


def test_a_pick_is_in_its_payload():
    slot = Slot("ground-1", DAY, time(9), time(10))

    assert (
        b'"picked":{"ground":"ground-1","date":"2026-11-24","starts":["09:00"]}'
        in payloads.grid(full_board(), slot, True)
    )


def closed_from(hour: int, reason: str = "Rain.", grounds: tuple[Ground, ...] = GROUNDS) -> Board:
    """A board without bookings on which these grounds are closed from that hour on."""
    closures = tuple(
        replace(booking(g, PERIODS[0]), kind="closure", purpose=reason, status=Status.APPROVED)
        for g in grounds
    )
    closures = tuple(replace(c, start=time(hour), end=time()) for c in closures)
    return replace(full_board(), bookings=closures)


def empty_text(board: Board) -> tuple[list[str] | None, str]:
    payload = json.loads(payloads.grid(board, None, True))
    return payload["empty"], payload["note"]


def test_a_fully_closed_day_shows_the_reason_in_place_of_the_grid():
    reason = "All grounds are closed: Rain. Choose another day above."

    assert empty_text(closed_from(0)) == (["Closed on Tue 24 Nov", reason], "")
    # Bookings before the rain are still visible.
    noon = replace(closed_from(12), now=datetime(2026, 11, 24, 7, tzinfo=UTC))
    assert empty_text(noon) == (None, reason)
    assert empty_text(closed_from(0, grounds=GROUNDS[1:])) == (None, "")


def test_a_day_without_school_shows_the_reason():
    empty = replace(closed_from(0), plan=DayPlan(DAY, (), None))

    assert empty_text(empty)[0] == [
        "No school on Tue 24 Nov",
        "All grounds are closed: Rain. Choose another day above.",
    ]
    assert empty_text(replace(empty, plan=DayPlan(DAY, (), None, "Exams."), bookings=()))[0] == [
        "No school on Tue 24 Nov: Exams",
        "Choose another day above.",
    ]


def test_a_day_with_no_free_slot_left_says_so_above_the_grid():
    another = "Choose another day above."
    half_day = DayPlan(DAY, PERIODS, "regular", "Half day")

    assert empty_text(full_board()) == (None, f"Nothing is free any more. {another}")
    assert empty_text(replace(full_board(), plan=half_day, bookings=())) == (None, "Half day.")
    assert empty_text(replace(full_board(), now=NOW + timedelta(days=1))) == (
        None,
        f"This day is over. {another}",
    )


def test_a_label_that_only_says_the_times_is_not_repeated_beside_them():
    labels = ("09:00-10:00", "9–10 AM", "Games")
    for label, shown in zip(labels, ("9–10 AM", "9–10 AM", "Games, 9–10 AM"), strict=True):
        plan = DayPlan(DAY, (Period(label, time(9), time(10)),), "regular")
        payload = json.loads(
            payloads.grid(replace(full_board(), plan=plan, bookings=()), None, True)
        )

        assert payload["periods"][0]["time"] == shown


def test_the_grid_of_a_move_has_the_grounds_for_its_game_and_gives_the_reason_of_a_lock():
    grounds = (
        GROUNDS[0],
        replace(GROUNDS[1], games=("Cricket",)),
        replace(GROUNDS[2], name="Court"),
    )
    moving = replace(booking(grounds[0], PERIODS[1]), id="moving", end=time(11))
    elsewhere = replace(booking(grounds[1], PERIODS[5]), student_id=moving.student_id)
    taken = replace(booking(grounds[2], PERIODS[9]), student_id="S002")
    board = replace(full_board(), grounds=grounds, bookings=(moving, elsewhere, taken))
    free = board.free_for_move(moving, 2)
    picked = next(slot for slot in free if slot.start == time(14))
    payload = json.loads(payloads.move_grid(board, moving, free, picked, True))

    def texts(hour: int, column: int) -> list[str]:
        return payload["cells"][hour - 8][column][:3]

    assert [ground["name"] for ground in payload["columns"]] == ["Sports ground 0", "Court"]
    starts = ["14:00", "15:00"]
    assert payload["picked"] == {"ground": "ground-0", "date": "2026-11-24", "starts": starts}
    assert texts(8, 0) == ["free", "Free", ""]
    assert texts(9, 0) == ["pending", "Volleyball", "this booking"]
    assert texts(10, 0) == ["free", "Free", "overlaps this booking"]
    assert texts(9, 1) == ["free", "Free", ""]
    assert texts(12, 0) == texts(16, 1) == ["unfit", "Too short", "to begin here"]
    assert texts(13, 0) == ["unfit", "Student busy", "on Sports ground 1"]
    assert texts(17, 1) == ["pending", "Requested", "Class 10-B · Volleyball"]
    swappable = [
        (row + 8, column)
        for row, cells in enumerate(payload["cells"])
        for column, cell in enumerate(cells)
        if cell[5:] == ["swap"]
    ]
    assert swappable == [(17, 1)]  # another booking, not its own
    assert [payload["cells"][hour - 8][0][5:] for hour in (8, 9, 10)] == [[], ["own"], ["own"]]


def test_bookings_of_erased_students_are_not_taken_for_one_student_of_a_move():
    moving, other = (
        replace(booking(GROUNDS[column], PERIODS[0]), id=str(column), student_id=None)
        for column in range(2)
    )
    board = replace(full_board(), grounds=GROUNDS[:3], bookings=(moving, other))

    payload = json.loads(payloads.move_grid(board, moving, [], None, True))

    assert payload["cells"][0][2][:3] == ["unfit", "Too short", "to begin here"]


def test_a_day_to_which_a_booking_cannot_move_says_why():
    moving = replace(booking(GROUNDS[0], PERIODS[0]), date=DAY - timedelta(days=1))

    def said(board: Board) -> tuple[list[str] | None, str]:
        free = board.free_for_move(moving, 1)
        payload = json.loads(payloads.move_grid(board, moving, free, None, True))
        return payload["empty"], payload["note"]

    half_day = DayPlan(DAY, PERIODS, "regular", "Half day.")
    other_games = tuple(replace(ground, games=("Chess",)) for ground in GROUNDS[1:])
    nothing = "Nothing is free for Volleyball on this day. Choose another day above."
    assert said(full_board()) == (None, nothing)
    assert said(replace(full_board(), plan=half_day)) == (None, f"Half day. {nothing}")
    assert said(replace(full_board(), plan=half_day, bookings=())) == (None, "Half day.")
    assert said(replace(full_board(), plan=DayPlan(DAY, (), None, "Exams"), bookings=()))[0] == [
        "No school on Tue 24 Nov: Exams",
        "Choose another day above.",
    ]
    assert said(replace(full_board(), grounds=other_games, bookings=()))[0] == [
        "No ground for Volleyball",
        "An admin chooses the games of a ground.",
    ]


def test_the_filter_of_a_time_shows_the_free_grounds_and_says_when_none_is():
    taken = tuple(booking(ground, PERIODS[8]) for ground in GROUNDS[:9])
    board = replace(full_board(), bookings=taken)
    at_four = GroundFilter(free_at=PERIODS[8].start)

    shown = json.loads(payloads.grid(board, None, True, at_four))
    assert [column["id"] for column in shown["columns"]] == ["ground-9"]
    assert shown["asked"] == "16:00"

    board = replace(board, bookings=(*taken, booking(GROUNDS[9], PERIODS[8])))
    shown = json.loads(payloads.grid(board, None, True, at_four))
    assert shown["empty"] == [
        "No ground is free at 4 PM on Tue 24 Nov",
        "Choose another day or time above, or press “Any time”.",
    ]
    of_game = replace(at_four, game="Volleyball")
    shown = json.loads(payloads.grid(board, None, True, of_game))
    assert shown["empty"][0] == "No ground for Volleyball is free at 4 PM on Tue 24 Nov"
    shown = json.loads(payloads.grid(board, None, True, GroundFilter(free_at=time(16, 30))))
    assert shown["empty"][0] == "No period begins at 4:30 PM on Tue 24 Nov"


def test_a_picked_ground_stays_beside_the_filter_of_a_time_and_a_line_says_why():
    board = replace(full_board(), bookings=tuple(booking(ground, PERIODS[8]) for ground in GROUNDS))
    slot = Slot("ground-2", DAY, PERIODS[3].start, PERIODS[3].end)

    shown = json.loads(payloads.grid(board, slot, True, GroundFilter(free_at=time(16))))

    assert [column["id"] for column in shown["columns"]] == ["ground-2"]
    assert shown["note"] == (
        "No ground is free at 4 PM on Tue 24 Nov. The grid shows the one that you picked."
    )
    assert shown["empty"] is None


def test_no_filter_explains_a_day_that_is_closed():
    shut = replace(booking(GROUNDS[0], PERIODS[0]), kind="closure", purpose="Rain", student_id=None)
    closures = tuple(
        replace(shut, id=g.id, ground_id=g.id, start=time(0), end=time(0)) for g in GROUNDS
    )
    board = replace(full_board(), bookings=closures)

    shown = json.loads(payloads.grid(board, None, True, GroundFilter(free_at=time(16))))

    assert shown["empty"][0] == "Closed on Tue 24 Nov"


def test_no_filter_explains_a_day_without_school():
    plan = DayPlan(DAY, (), None, "Diwali.")
    board = replace(full_board(), plan=plan, bookings=())

    shown = json.loads(payloads.grid(board, None, True, GroundFilter(free_at=time(16))))

    assert shown["empty"][0] == "No school on Tue 24 Nov: Diwali"
