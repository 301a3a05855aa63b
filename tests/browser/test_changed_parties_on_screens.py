"""Changing for whom a booking is, on Bookings: this one, this and the following, or all to come."""

from __future__ import annotations

import re
from datetime import datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from app_server import HEAD, JOSEPH, MEERA, ZONE, School, tomorrow
from browser_windows import OpenPage
from page_checks import serious_violations, wait_until_settled
from playwright.sync_api import Locator, Page, expect
from screens import TICK, choose_student, row
from support import request_for

from booking_core import (
    Booking,
    Policy,
    SeriesRequest,
    approve,
    book_series,
    cancel,
    change_party,
    find_series,
    get_booking,
    save_policy,
)
from pages.shared.text import formats


@pytest.fixture
def made(school: School) -> tuple[Booking, ...]:
    """A series of four dates at 9, a week between two, the first tomorrow."""
    save_policy(school.db, Policy(quota=None, advance_days=30))
    request = SeriesRequest(first=request_for(student=1, on=tomorrow()), count=4)
    now = datetime.now(ZoneInfo(ZONE))
    return book_series(school.db, request, by=MEERA, submission_id=uuid4(), now=now).bookings


def open_dialog(page: Page, booking: Booking) -> Locator:
    line = row(page, booking.party_name).filter(has_text=formats.short_date(booking.date))
    line.get_by_role("button", name=re.compile("^Details")).click()
    opener = page.get_by_role("dialog").get_by_role("button", name="For whom…")
    expect(opener).to_be_enabled()
    wait_until_settled(page)
    opener.press("Enter")
    dialog = page.get_by_role("dialog", name="For whom is this booking?")
    expect(dialog).to_be_visible()
    return dialog


def test_an_approved_booking_goes_to_another_student_and_waits_again(
    open_page: OpenPage, school: School
) -> None:
    booking = school.book(student=1, start=14, on=tomorrow(), by=MEERA)
    approve(school.db, booking.id, by=HEAD)
    page = open_page("/bookings", MEERA.name, viewport={"width": 390, "height": 844})
    dialog = open_dialog(page, booking)
    expect(dialog).to_contain_text("The principal then decides on it again.")

    choose_student(page, "S050")
    button = dialog.get_by_role("button", name="Change booking")
    expect(button).to_be_enabled()
    assert serious_violations(page) == []
    button.click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text("The booking is for Student 50, 1-A now.")).to_be_visible()
    stored = get_booking(school.db, booking.id)
    assert (stored.student_id, stored.status.value) == ("S050", "Pending")
    assert stored.slot == booking.slot


@pytest.mark.parametrize(
    ("width", "choice", "number", "expected"),
    [
        (1440, "This and the following", 3, ["S001", "S050", "S050", "S050"]),
        (390, "All to come", 4, ["S050"] * 4),
    ],
)
def test_the_chosen_dates_of_a_series_go_to_another_student(
    open_page: OpenPage,
    school: School,
    made: tuple[Booking, ...],
    width: int,
    choice: str,
    number: int,
    expected: list[str],
) -> None:
    page = open_page("/bookings", MEERA.name, viewport={"width": width, "height": 900})
    dialog = open_dialog(page, made[1])
    expect(dialog.get_by_role("radio", name="Only this one")).to_be_checked()
    dialog.get_by_text(choice, exact=True).click()
    expect(dialog).to_contain_text(f"{number}\u00a0dates, all free")

    choose_student(page, "S050")
    button = dialog.get_by_role("button", name=f"Change {number}\u00a0dates")
    expect(button).to_be_enabled()
    wait_until_settled(page)
    assert serious_violations(page) == []
    button.click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text(f"{number}\u00a0dates are for Student 50, 1-A now.")).to_be_visible()
    assert [b.student_id for b in find_series(school.db, str(made[0].series))] == expected


def test_who_is_busy_is_listed_and_nothing_is_written(
    open_page: OpenPage, school: School, made: tuple[Booking, ...]
) -> None:
    change_party(school.db, made[2].id, student_id="S003", by=MEERA)
    page = open_page("/bookings", MEERA.name)
    dialog = open_dialog(page, made[1])
    dialog.get_by_text("All to come", exact=True).click()
    choose_student(page, "S050")
    button = dialog.get_by_role("button", name="Change 3\u00a0dates")
    expect(button).to_be_enabled()
    day = formats.short_date(made[2].date)
    expect(dialog).to_contain_text(f"{day} stays as it is: it was changed by itself.")

    other = school.book(student=50, ground="ground-3", start=9, on=made[1].date)

    expect(dialog).to_contain_text("3\u00a0dates: 2 free, 1 not", timeout=TICK)
    expect(button).to_be_disabled()
    cancel(school.db, other.id, by=HEAD)
    expect(dialog).to_contain_text("3\u00a0dates, all free", timeout=TICK)


def test_no_button_for_a_booking_of_somebody_else(open_page: OpenPage, school: School) -> None:
    school.book(student=3, start=14, on=tomorrow(), by=MEERA)
    page = open_page("/bookings?whose=everybody", JOSEPH.name)
    row(page, "Student 3").get_by_role("button", name=re.compile("^Details")).click()
    expect(page.get_by_role("dialog")).to_contain_text("Student 3")
    expect(page.get_by_role("dialog").get_by_role("button", name="For whom…")).to_have_count(0)
