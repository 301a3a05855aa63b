"""Cancelling a date of a series on Bookings: this one, this and the following, or all to come."""

from __future__ import annotations

import re
from datetime import datetime, time
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from app_server import MEERA, ZONE, School, tomorrow
from browser_windows import OpenPage
from playwright.sync_api import Locator, Page, expect
from screens import row
from support import request_for

from booking_core import Booking, SeriesRequest, Status, book_series, cancel, find_series, move
from pages.shared.text import formats

SIZES = [(1440, 900), (820, 1180), (390, 844)]
C, P = Status.CANCELLED, Status.PENDING


@pytest.fixture
def made(school: School) -> tuple[Booking, ...]:
    """A series of four dates, a week between two, the first tomorrow."""
    request = SeriesRequest(first=request_for(student=1, on=tomorrow()), count=4)
    now = datetime.now(ZoneInfo(ZONE))
    return book_series(school.db, request, by=MEERA, submission_id=uuid4(), now=now).bookings


def statuses(school: School, made: tuple[Booking, ...]) -> list[Status]:
    return [booking.status for booking in find_series(school.db, str(made[0].series))]


def line(page: Page, booking: Booking) -> Locator:
    """Returns the line of a date on Bookings."""
    return row(page, "Student 1").filter(has_text=formats.short_date(booking.date))


def open_dialog(page: Page, booking: Booking) -> Locator:
    line(page, booking).get_by_role("button", name=re.compile("^Cancel: ")).click()
    dialog = page.get_by_role("dialog", name=re.compile("^Cancel (this booking|which dates)"))
    expect(dialog).to_contain_text("stays on record as cancelled")
    return dialog


@pytest.mark.parametrize(
    ("size", "choice", "button", "toast", "expected"),
    [
        (SIZES[0], "Only this one", "Cancel booking", "Booking cancelled.", [P, C, P, P]),
        (
            SIZES[1],
            "This and the following, 3 dates",
            "Cancel 3 bookings",
            "3 bookings cancelled.",
            [P, C, C, C],
        ),
        (
            SIZES[2],
            "All to come, 4 dates",
            "Cancel 4 bookings",
            "4 bookings cancelled.",
            [C, C, C, C],
        ),
    ],
)
def test_the_chosen_dates_of_a_series_are_cancelled(
    open_page: OpenPage,
    school: School,
    made: tuple[Booking, ...],
    size: tuple[int, int],
    choice: str,
    button: str,
    toast: str,
    expected: list[Status],
) -> None:
    page = open_page("/bookings", MEERA.name, viewport={"width": size[0], "height": size[1]})
    dialog = open_dialog(page, made[1])
    expect(dialog.get_by_role("radio", name="Only this one")).to_be_checked()

    dialog.get_by_text(choice, exact=True).click()
    pressed = dialog.get_by_role("button", name=button, exact=True)
    expect(pressed).to_be_visible()
    pressed.click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text(toast)).to_be_visible()
    expect(line(page, made[1])).to_contain_text("Cancelled")
    assert statuses(school, made) == expected


def test_the_dialog_offers_what_is_left_and_begins_with_this_one(
    open_page: OpenPage, school: School, made: tuple[Booking, ...]
) -> None:
    page = open_page("/bookings", MEERA.name)
    dialog = open_dialog(page, made[0])  # all that follow are all to come
    expect(dialog.get_by_role("radio")).to_have_count(2)
    dialog.get_by_text("This and the following, 4 dates").click()
    expect(dialog).to_contain_text("4 dates Volleyball")
    dialog.get_by_role("button", name="Keep them").click()
    expect(page.get_by_role("dialog")).to_have_count(0)

    dialog = open_dialog(page, made[3])  # nothing follows
    expect(dialog.get_by_role("radio", name="All to come, 4 dates")).to_be_visible()
    expect(dialog.get_by_role("radio")).to_have_count(2)
    expect(dialog.get_by_role("radio", name="Only this one")).to_be_checked()
    dialog.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)

    for booking in made[:3]:
        cancel(school.db, booking.id, by=MEERA)
    expect(line(page, made[2])).to_contain_text("Cancelled")
    dialog = open_dialog(page, made[3])
    expect(dialog.get_by_role("radio")).to_have_count(0)


def test_dates_that_changed_since_they_were_shown_are_not_cancelled(
    open_page: OpenPage, school: School, made: tuple[Booking, ...]
) -> None:
    page = open_page("/bookings", MEERA.name)
    dialog = open_dialog(page, made[1])
    dialog.get_by_text("All to come, 4 dates").click()
    expect(dialog.get_by_role("button", name="Cancel 4 bookings", exact=True)).to_be_visible()
    now = datetime.now(ZoneInfo(ZONE))
    move(school.db, made[2].id, start=time(15), end=time(16), by=MEERA, now=now)

    dialog.get_by_role("button", name="Cancel 4 bookings", exact=True).click()

    expect(dialog).to_contain_text("The dates of this series changed while you looked.")
    assert statuses(school, made) == [P, P, P, P]
    dialog.get_by_role("button", name="Cancel 4 bookings", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert statuses(school, made) == [C, C, C, C]


def test_details_name_the_series_of_a_booking(
    open_page: OpenPage, school: School, made: tuple[Booking, ...]
) -> None:
    school.book(student=2, on=tomorrow(), start=11, by=MEERA)
    page = open_page("/bookings", MEERA.name)
    line(page, made[0]).get_by_role("button", name=re.compile("^Details: ")).click()
    expect(page.get_by_role("dialog")).to_contain_text("Part of a series of 4 dates, ")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)

    row(page, "Student 2").get_by_role("button", name=re.compile("^Details: ")).click()
    expect(page.get_by_role("dialog")).to_contain_text("Student 2")
    expect(page.get_by_role("dialog")).not_to_contain_text("series")
