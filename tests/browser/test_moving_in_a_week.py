"""Moving a booking in the view of a week, and by dragging it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from app_server import MEERA, School, tomorrow
from browser_windows import OpenPage
from page_checks import serious_violations
from playwright.sync_api import Locator, expect

from booking_core import Booking, get_booking
from pages.shared.text import formats

SIZES = pytest.mark.parametrize(("width", "height"), [(1440, 900), (820, 1180), (390, 844)])


@pytest.fixture
def booking(school: School) -> Booking:
    """A booking of two periods, a week from tomorrow: no day of its week is over."""
    return school.book(student=1, start=14, end=16, on=tomorrow() + timedelta(days=7), by=MEERA)


def open_dialog(open_page: OpenPage, booking: Booking, width: int, height: int) -> Locator:
    page = open_page("/bookings", viewport={"width": width, "height": height})
    page.get_by_role("button", name=f"Move: Ground 1, {day(booking)} 2–4 PM").click()
    return page.get_by_role("dialog")


def day(booking: Booking) -> str:
    return formats.day_heading(booking.date, booking.date - timedelta(days=8))


def show_week(dialog: Locator) -> None:
    dialog.get_by_text("Week", exact=True).click()
    expect(dialog.locator(".wide.of-week")).to_be_attached()


@SIZES
def test_a_booking_moves_to_another_day_of_its_week(
    open_page: OpenPage, school: School, booking: Booking, width: int, height: int
) -> None:
    dialog = open_dialog(open_page, booking, width, height)
    show_week(dialog)
    columns = dialog.locator("th.ground")
    expect(columns).to_have_count(7)
    column = (booking.date - formats.start_of_week(booking.date)).days
    own = dialog.locator(f'[data-at="6:{column}"]')
    expect(own).to_contain_text("this booking")
    other = column - 1 if column else 1
    if width == 390:  # a phone shows a day at a time
        expect(dialog.locator(f'[data-at="6:{other}"]')).to_be_hidden()
        dialog.get_by_role("button", name="Next week").click()
        dialog.get_by_role("button", name="Previous week").click()
        return
    assert serious_violations(dialog.page) == []

    dialog.locator(f'[data-at="2:{other}"]').click()
    target = formats.start_of_week(booking.date) + timedelta(days=other)
    expect(dialog.get_by_text(re.compile(r"^To Ground 1, .*10 AM – 12 PM"))).to_be_visible()
    dialog.get_by_text("Day", exact=True).click()  # the pick stays in the other view
    expect(dialog.get_by_role("button", name=re.compile("^Picked: Ground 1"))).to_have_count(2)
    dialog.get_by_role("button", name="Move booking").click()

    expect(dialog).to_have_count(0)
    moved = get_booking(school.db, booking.id)
    assert (moved.date, moved.start.hour, moved.end.hour) == (target, 10, 12)


@SIZES
def test_another_ground_of_the_week_is_chosen_above_the_grid(
    open_page: OpenPage, school: School, booking: Booking, width: int, height: int
) -> None:
    dialog = open_dialog(open_page, booking, width, height)
    show_week(dialog)

    dialog.get_by_role("group", name="Ground").get_by_role("button", name="Ground 3").click()
    expect(dialog.get_by_role("button", name="Ground 2", exact=True)).to_have_count(0)
    free = dialog.locator("[data-at][data-state=free]:visible").first
    expect(dialog.locator("[data-state=pending]")).to_have_count(0)
    free.click()
    expect(dialog.get_by_text(re.compile("^To Ground 3, "))).to_be_visible()
    dialog.get_by_role("button", name="Move booking").click()

    expect(dialog).to_have_count(0)
    assert get_booking(school.db, booking.id).ground_id == "ground-3"


def drag(dialog: Locator, at: str, to: str) -> None:
    dialog.locator(f'[data-at="{at}"]').drag_to(dialog.locator(f'[data-at="{to}"]'))


@pytest.mark.parametrize(("held", "dropped"), [("6:0", "2:1"), ("7:0", "3:1")])
def test_a_booking_is_dragged_to_a_free_cell_by_its_first_or_a_later_period(
    open_page: OpenPage, school: School, booking: Booking, held: str, dropped: str
) -> None:
    dialog = open_dialog(open_page, booking, 1440, 900)

    drag(dialog, held, dropped)

    # It begins at the cell at which its first period lies.
    expect(dialog.get_by_text(re.compile("^To Ground 3, .*10 AM – 12 PM"))).to_be_visible()
    dialog.get_by_role("button", name="Move booking").click()
    expect(dialog).to_have_count(0)
    moved = get_booking(school.db, booking.id)
    assert (moved.ground_id, moved.start.hour, moved.end.hour) == ("ground-3", 10, 12)


def test_a_booking_that_is_dragged_to_a_taken_cell_stays(
    open_page: OpenPage, school: School, booking: Booking
) -> None:
    school.book(student=2, start=10, on=booking.date, ground="ground-3")
    dialog = open_dialog(open_page, booking, 1440, 900)

    drag(dialog, "6:0", "2:1")

    expect(dialog.get_by_role("button", name="Move booking")).to_be_disabled()
    expect(dialog.get_by_text(re.compile("^Swap with"))).to_have_count(0)


def test_a_booking_of_the_week_is_swapped(
    open_page: OpenPage, school: School, booking: Booking
) -> None:
    other = school.book(student=2, start=9, end=11, on=booking.date, by=MEERA, ground="ground-1")
    dialog = open_dialog(open_page, booking, 1440, 900)
    show_week(dialog)
    column = (booking.date - formats.start_of_week(booking.date)).days

    dialog.locator(f'[data-at="1:{column}"]').click()
    dialog.get_by_role("button", name="Swap bookings").click()

    expect(dialog).to_have_count(0)
    assert get_booking(school.db, booking.id).start.hour == 9
    assert get_booking(school.db, other.id).start.hour == 14
