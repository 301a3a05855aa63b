"""Moving dates of a series on Bookings: this one, this and the following, or all to come."""

from __future__ import annotations

import re
from datetime import datetime, time
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from app_server import HEAD, MEERA, ZONE, School, tomorrow
from browser_windows import OpenPage
from page_checks import serious_violations
from playwright.sync_api import Locator, Page, expect
from screens import TICK, row
from support import request_for

from booking_core import (
    Booking,
    Policy,
    SeriesRequest,
    approve_series,
    book_series,
    cancel,
    find_series,
    move,
    move_series,
    save_policy,
)
from pages.shared.text import formats

SIZES = [(1440, 900), (820, 1180), (390, 844)]


@pytest.fixture
def made(school: School) -> tuple[Booking, ...]:
    """A series of four dates at 9, a week between two, the first tomorrow."""
    save_policy(school.db, Policy(quota=None, advance_days=30))
    request = SeriesRequest(first=request_for(student=1, on=tomorrow()), count=4)
    now = datetime.now(ZoneInfo(ZONE))
    return book_series(school.db, request, by=MEERA, submission_id=uuid4(), now=now).bookings


def stored(school: School, made: tuple[Booking, ...]) -> list[tuple[str, int]]:
    """The ground and the first hour of each date."""
    return [(b.ground_id, b.start.hour) for b in find_series(school.db, str(made[0].series))]


def open_dialog(page: Page, booking: Booking) -> Locator:
    line = row(page, "Student 1").filter(has_text=formats.short_date(booking.date))
    line.get_by_role("button", name=re.compile("^Move: ")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("radio", name="Only this one")).to_be_checked()
    return dialog


def choose(page: Page, dialog: Locator, field: str, option: str) -> None:
    box = dialog.get_by_role("combobox", name=re.compile(field))
    box.click()
    page.get_by_role("option", name=option, exact=True).click()
    expect(page.get_by_role("option")).to_have_count(0)


@pytest.mark.parametrize(
    ("size", "choice", "number", "expected"),
    [
        (SIZES[0], "This and the following", 3, [9, 11, 11, 11]),
        (SIZES[1], "All to come", 4, [11] * 4),
        (SIZES[2], "All to come", 4, [11] * 4),
    ],
)
def test_the_chosen_dates_of_a_series_move(
    open_page: OpenPage,
    school: School,
    made: tuple[Booking, ...],
    size: tuple[int, int],
    choice: str,
    number: int,
    expected: list[int],
) -> None:
    page = open_page("/bookings", MEERA.name, viewport={"width": size[0], "height": size[1]})
    dialog = open_dialog(page, made[1])
    dialog.get_by_text(choice, exact=True).click()
    expect(dialog).to_contain_text(f"{number}\u00a0dates, all free")
    expect(dialog.get_by_role("button", name="Move", exact=True)).to_be_disabled()

    choose(page, dialog, "Ground", "Ground 3")
    choose(page, dialog, "Time", "11 AM – 12 PM")
    button = dialog.get_by_role("button", name=f"Move {number}\u00a0dates")
    expect(button).to_be_enabled()
    assert serious_violations(page) == []
    button.click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text(f"{number}\u00a0dates moved to Ground 3")).to_be_visible()
    grounds = ["ground-1" if hour == 9 else "ground-3" for hour in expected]
    assert stored(school, made) == list(zip(grounds, expected, strict=True))
    undo = page.locator(".st-key-bar_undo").get_by_role("button", name="Undo")
    expect(undo).to_be_in_viewport(ratio=1)
    undo.click()

    expect(page.get_by_text(f"{number} bookings are as before.")).to_be_visible()
    assert stored(school, made) == [("ground-1", 9)] * len(made)


def test_only_the_dates_that_have_moved_go_back(
    open_page: OpenPage, school: School, made: tuple[Booking, ...]
) -> None:
    series, there = str(made[0].series), {"ground_id": "ground-3", "start": time(11)}
    move_series(school.db, series, **there, end=time(12), from_date=made[3].date, by=MEERA)
    page = open_page("/bookings", MEERA.name)
    dialog = open_dialog(page, made[1])
    dialog.get_by_text("All to come", exact=True).click()
    choose(page, dialog, "Ground", "Ground 3")
    choose(page, dialog, "Time", "11 AM – 12 PM")
    dialog.get_by_role("button", name="Move 3\u00a0dates").click()
    page.locator(".st-key-bar_undo").get_by_role("button", name="Undo").click()

    expect(page.get_by_text("3 bookings are as before.")).to_be_visible()
    assert stored(school, made) == [("ground-1", 9)] * 3 + [("ground-3", 11)]


def test_what_is_in_the_way_is_listed_and_nothing_is_written(
    open_page: OpenPage, school: School, made: tuple[Booking, ...]
) -> None:
    approve_series(school.db, str(made[0].series), by=HEAD)
    move(school.db, made[2].id, start=time(15), end=time(16), by=HEAD)
    page = open_page("/bookings", MEERA.name)
    dialog = open_dialog(page, made[1])
    dialog.get_by_text("All to come", exact=True).click()
    expect(dialog).to_contain_text("3\u00a0dates, all free")
    expect(dialog).to_contain_text("The principal then decides again")
    day = formats.short_date(made[2].date)
    expect(dialog).to_contain_text(f"{day} stays as it is: it was moved by itself.")
    choose(page, dialog, "Time", "10–11 AM")
    button = dialog.get_by_role("button", name="Move 3\u00a0dates")
    expect(button).to_be_enabled()

    taken = school.book(student=2, start=10, on=made[1].date)

    expect(dialog).to_contain_text("3\u00a0dates: 2 free, 1 not", timeout=TICK)
    expect(dialog).to_contain_text(f"booked for {taken.class_name}")
    expect(button).to_be_disabled()
    assert stored(school, made) == [("ground-1", hour) for hour in (9, 9, 15, 9)]

    cancel(school.db, taken.id, by=HEAD)
    cancel(school.db, made[3].id, by=HEAD)
    expect(dialog).to_contain_text("2\u00a0dates, all free", timeout=TICK)
    dialog.get_by_role("button", name="Move 2\u00a0dates").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert stored(school, made) == [("ground-1", hour) for hour in (10, 10, 15, 9)]
