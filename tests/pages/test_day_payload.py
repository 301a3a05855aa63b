"""What the Book screen sends of a day: small, made once, and shared."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from booking_core import Board, Booking, Ground, Period, Policy, Slot, Status
from booking_core.timetable import DayPlan
from pages.shared import views

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
    assert len(views.grid(full_board(), None, True)) < 12_000


def test_the_payload_is_made_once_for_all_who_look_at_the_same_board():
    board = full_board()

    assert views.grid(board, None, True) is views.grid(board, None, True)


def test_names_of_students_are_not_in_it():
    assert b"Asha" not in views.grid(full_board(), None, True)


def test_a_board_turns_when_a_period_begins_or_ends_and_at_midnight():
    zone = ZoneInfo("Asia/Kolkata")
    board = full_board()
    early, between, late = (
        datetime.combine(DAY, moment, tzinfo=zone) for moment in (time(6), time(8, 30), time(22))
    )

    assert board.at(early).turns_at() == datetime.combine(DAY, time(8), tzinfo=zone)
    assert board.at(between).turns_at() == datetime.combine(DAY, time(9), tzinfo=zone)
    assert board.at(late).turns_at() == datetime(2026, 11, 25, tzinfo=zone)


def test_a_board_turns_when_a_period_closes_for_booking():
    zone = ZoneInfo("Asia/Kolkata")
    board = replace(full_board(), policy=Policy(lead_minutes=30))
    moment = datetime.combine(DAY, time(7), tzinfo=zone)

    assert board.at(moment).turns_at() == datetime.combine(DAY, time(7, 30), tzinfo=zone)


def test_a_pick_is_in_its_payload():
    slot = Slot("ground-1", DAY, time(9), time(10))

    assert b'"picked":{"ground":"ground-1","starts":["09:00"]}' in views.grid(
        full_board(), slot, True
    )
