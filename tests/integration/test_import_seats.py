"""Imported active bookings hold quota seats of their student's week."""

from __future__ import annotations

from typing import Any

import pytest
from support import ADMIN, NOW, assert_sound, at_once, booked, of_type

from booking_core import (
    Booking,
    Policy,
    QuotaReached,
    Team,
    cancel,
    find_bookings,
    save_policy,
    save_team,
)
from booking_core.operations import quota_seats
from booking_core.operations.history_import import BOOKING_COLUMNS, import_bookings
from booking_core.operations.import_lines import Report
from booking_core.storage.client.database import Documents
from booking_core.tables.table import read_table

LINE = "ground-1,2026-11-2{day},{hour:02d}:00,{end:02d}:00,{student},Football,{status}"


def line(day: int, hour: int, student: str = "S001", status: str = "Approved") -> str:
    return LINE.format(day=day, hour=hour, end=hour + 1, student=student, status=status)


def imported(
    db: Documents,
    *lines: str,
    columns: str = "ground,date,start,end,student,game,status",
    **options: Any,
) -> Report:
    text = "\n".join((columns, *lines))
    table = read_table(text.encode(), "old.csv", BOOKING_COLUMNS)
    return import_bookings(db, table, now=NOW, **options)


def seats(db: Documents, student: str = "S001") -> list[tuple[str | None, int | None]]:
    """Returns (week, seat) of the student's bookings, by date and time."""
    found: list[Booking] = sorted(
        find_bookings(db, student_id=student), key=lambda booking: (booking.date, booking.start)
    )
    return [(booking.quota_window, booking.quota_seat) for booking in found]


def test_an_imported_active_booking_takes_the_next_free_seat_of_its_week(db: Documents) -> None:
    imported(
        db,
        line(3, 9),
        line(4, 9, status="Pending"),
        line(5, 9, status="Cancelled"),
        line(5, 10, status="Rejected"),
        line(5, 11, student="S002"),
        "ground-1,2025-01-06,09:00,10:00,S001,Football,Approved",
    )

    assert seats(db) == [
        ("2025-W02", 0),
        ("2026-W48", 0),
        ("2026-W48", 1),
        (None, None),
        (None, None),
    ]
    assert seats(db, "S002") == [("2026-W48", 0)]
    with pytest.raises(QuotaReached):
        booked(db, student=1, start=14)
    assert_sound(db)


def test_the_quota_refuses_no_imported_booking(db: Documents) -> None:
    booked(db, student=1, start=14)

    report = imported(db, *(line(4, hour) for hour in range(8, 13)))

    assert (report.added, report.refused) == (5, [])
    assert sorted(str(seat) for _, seat in seats(db)) == ["0", "1", "2", "3", "4", "5"]
    assert_sound(db)


def test_a_released_seat_is_taken_again(db: Documents) -> None:
    imported(db, line(4, 8), line(4, 9), line(4, 10))
    db["bookings"].update_one({"start": "08:00"}, {"$set": {"status": "Cancelled"}})

    imported(db, line(5, 8), line(5, 9))

    assert [seat for _, seat in seats(db)][1:] == [1, 2, 0, 3]


def test_without_a_quota_no_seat_is_taken(db: Documents) -> None:
    save_policy(db, Policy(quota=None), by=ADMIN)

    imported(db, line(3, 9), line(4, 9))

    assert seats(db) == [(None, None), (None, None)]


def test_a_refused_row_leaves_no_gap_in_the_seats(db: Documents) -> None:
    booked(db, student=2, start=9)

    report = imported(db, line(4, 9), line(4, 10), line(4, 11))

    assert [one.line for one in report.refused] == [2]
    assert [seat for _, seat in seats(db)] == [0, 1]
    with pytest.raises(QuotaReached):
        booked(db, student=1, start=14)


def test_of_two_rows_for_one_slot_the_first_is_added_also_with_seats(db: Documents) -> None:
    lines = (line(4, 9), line(4, 10), line(4, 10, "S002"), line(4, 11, "S002"))

    predicted = imported(db, *lines, dry_run=True)
    report = imported(db, *lines)

    assert report == predicted
    assert [one.line for one in report.refused] == [4]


def test_a_row_whose_seat_is_lost_meanwhile_takes_another(
    db: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = quota_seats.bookings.taken_seats
    hours = iter((14, 15))

    def read_and_lose(*args: Any) -> Any:
        found = read(*args)
        if (hour := next(hours, None)) is not None:
            booked(db, student=1, start=hour)
        return found

    monkeypatch.setattr(quota_seats.bookings, "taken_seats", read_and_lose)
    report = imported(db, line(4, 9), line(4, 10, "S003"), line(5, 9))

    assert (report.added, report.refused) == (3, [])
    assert [seat for _, seat in seats(db)] == [2, 0, 1, 3]
    assert_sound(db)


def test_imports_and_bookings_at_one_moment_hold_each_seat_once(db: Documents) -> None:
    files = [[line(4, 8 + n), line(5, 8 + n), line(6, 8 + n)] for n in range(3)]

    outcomes = at_once(
        *[lambda lines=lines: imported(db, *lines) for lines in files],
        *[lambda hour=hour: booked(db, student=1, start=hour) for hour in (14, 15, 16)],
    )

    reports = of_type(outcomes, Report)
    assert [(report.added, report.refused) for report in reports] == [(3, [])] * 3
    made = len(of_type(outcomes, Booking))
    assert made + len(of_type(outcomes, QuotaReached)) == 3
    assert len(seats(db)) == 9 + made
    assert_sound(db)


def test_a_seat_that_is_freed_below_seats_beyond_the_quota_is_not_booked_again(
    db: Documents,
) -> None:
    imported(db, *(line(4, hour) for hour in (8, 9, 10)))
    first, *_ = sorted(find_bookings(db, student_id="S001"), key=lambda booking: booking.start)
    cancel(db, first.id, by=ADMIN, now=NOW)

    with pytest.raises(QuotaReached) as refused:
        booked(db, student=1, start=14)

    assert refused.value.held == 2


def test_an_imported_booking_takes_a_seat_of_its_own_student_beside_one_of_several(
    db: Documents,
) -> None:
    booked(db, student=1, start=8)
    booked(db, student_ids=("S001", "S002"), start=9)  # the second seat of one, the first of two

    report = imported(db, line(5, 10, student="S002"))

    assert (report.added, report.refused) == (1, [])
    with pytest.raises(QuotaReached):
        booked(db, student=2, start=14)
    assert_sound(db)


def test_a_seat_beyond_the_quota_of_a_later_student_of_a_row_counts_too(db: Documents) -> None:
    imported(db, line(4, 8, "S002"), line(4, 9, "S002"), line(5, 8, '"S001, S002"'))
    first, *_ = sorted(find_bookings(db, student_id="S002"), key=lambda b: (b.date, b.start))
    cancel(db, first.id, by=ADMIN, now=NOW)

    with pytest.raises(QuotaReached) as refused:
        booked(db, student=2, start=14)

    assert refused.value.held == 2
    assert_sound(db)


@pytest.mark.parametrize(
    "party",
    [{"class_name": "2-A"}, {"team_id": "u14"}],
    ids=["a class", "a team"],
)
def test_an_imported_booking_of_a_class_or_a_team_takes_a_seat_of_its_quota(
    db: Documents, party: dict[str, str]
) -> None:
    save_team(db, Team("u14", "U14"))
    save_policy(db, Policy(quota=None, class_quota=2, team_quota=2), by=ADMIN)
    column, text = ("class", "2-A") if "class_name" in party else ("team", "U14")
    rows = [f"ground-1,2026-11-24,0{hour}:00,0{hour + 1}:00,,Football,Approved,{text}"
            for hour in (7, 8)]  # fmt: skip

    report = imported(db, *rows, columns=f"ground,date,start,end,student,game,status,{column}")

    assert (report.added, report.refused) == (2, [])
    with pytest.raises(QuotaReached):
        booked(db, start=14, **party)
    assert_sound(db)
