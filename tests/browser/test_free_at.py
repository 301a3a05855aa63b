"""Book limited to the grounds that are free at a time, alone and together with a game."""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from app_server import School, today
from browser_windows import OpenPage
from playwright.sync_api import Locator, Page, expect
from screens import LOAD, TICK, cell

from booking_core import add_ground
from pages.shared.text import formats

WINDOWS = (1440, 820, 390)


def later() -> date:
    """A day of which no period has begun."""
    return today() + timedelta(days=2)


def open_day(open_page: OpenPage, width: int, query: str = "") -> Page:
    page = open_page(
        f"/book?date={later()}{query}", viewport={"width": width, "height": 900}, has_touch=True
    )
    expect(page.get_by_role("combobox", name="Free at")).to_be_visible(timeout=LOAD)
    return page


def choose_time(page: Page, hour: int) -> None:
    page.get_by_role("combobox", name="Free at").click()
    page.get_by_role("option", name=f"Free at {formats.clock(time(hour))}", exact=True).click()
    expect(page).to_have_url(re.compile(f"free={hour}%3A00"))


def ground(page: Page, number: int) -> Locator:
    """Returns a ground by its heading, or by its chip on a phone."""
    name = re.compile(rf"^Ground {number}\b")
    heading = page.get_by_role("columnheader", name=name)
    return heading.or_(page.get_by_role("group", name="Ground").get_by_role("button", name=name))


def free(page: Page) -> str | None:
    return parse_qs(urlsplit(page.url).query).get("free", [None])[0]


@pytest.mark.parametrize("width", WINDOWS)
def test_a_ground_that_is_taken_meanwhile_leaves_at_once_and_returns(
    open_page: OpenPage, school: School, width: int
) -> None:
    school.book(student=1, start=14, on=later())
    page = open_day(open_page, width)
    expect(ground(page, 1)).to_be_visible()

    choose_time(page, 14)
    expect(ground(page, 1)).to_have_count(0)
    expect(ground(page, 2)).to_be_visible()
    school.book(student=2, start=14, ground="ground-2", on=later())
    expect(ground(page, 2)).to_have_count(0, timeout=TICK)
    school.book(student=3, start=14, ground="ground-3", on=later())
    expect(
        page.get_by_text(
            f"No ground is free at {formats.clock(time(14))} on {formats.short_date(later())}"
        )
    ).to_be_visible(timeout=TICK)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.get_by_role("button", name="Any time").click()
    for number in (1, 2, 3):
        expect(ground(page, number)).to_be_visible()
    expect(page).not_to_have_url(re.compile("free="))
    expect(page.get_by_role("button", name="Any time")).to_have_count(0)


def test_a_time_holds_together_with_a_game_by_day_and_by_week_and_after_a_reload(
    open_page: OpenPage, school: School
) -> None:
    for number in range(4, 11):
        add_ground(school.db, f"Ground {number}", ["Chess" if number > 8 else "Football"])
    school.book(student=1, start=14, ground="ground-9", game="Chess", on=later())
    page = open_day(open_page, 1440, "&free=14:00&game=Chess")
    expect(ground(page, 10)).to_be_visible()
    expect(ground(page, 9)).to_have_count(0)
    expect(ground(page, 4)).to_have_count(0)

    page.get_by_role("radio", name="Week").click()
    expect(page).to_have_url(re.compile("view=week"))
    chips = page.get_by_role("group", name="Ground").get_by_role("button")
    # In a week Ground 9 is free at that time on other days; the shown ground stays.
    expect(chips).to_have_text(["Ground 1", "Ground 9", "Ground 10"])
    page.reload()
    expect(chips).to_have_text(["Ground 1", "Ground 9", "Ground 10"], timeout=LOAD)
    page.get_by_role("radio", name="Day").click()
    expect(page).not_to_have_url(re.compile("view="))
    expect(ground(page, 10)).to_be_visible()
    assert free(page) == "14:00"


def test_a_phone_keeps_its_ground_when_another_one_leaves(
    open_page: OpenPage, school: School
) -> None:
    page = open_day(open_page, 390, "&free=14:00")
    ground(page, 2).tap()
    expect(cell(page, 15, 2)).to_be_visible()

    school.book(student=1, start=14, on=later())
    expect(ground(page, 1)).to_have_count(0, timeout=TICK)
    expect(ground(page, 2)).to_have_attribute("aria-pressed", "true")
    cell(page, 15, 2).tap()
    expect(cell(page, 15, 2, "Picked")).to_be_visible()


def test_a_picked_ground_stays_when_a_time_is_chosen_at_which_it_is_taken(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=1, start=14, on=later())
    page = open_day(open_page, 1440)
    page.get_by_role("button", name=re.compile("^Free: Ground 1, .*10")).first.click()
    picked = page.get_by_role("button", name=re.compile("^Picked: Ground 1, "))
    expect(picked).to_be_visible()

    choose_time(page, 14)
    expect(picked).to_be_visible()
    expect(ground(page, 2)).to_be_visible()
    expect(page.get_by_text("Pick a free slot")).to_have_count(0)


@pytest.mark.parametrize("text", ["16:10", "25:00", "four", "04:00 PM", "16:00:30", "9" * 500])
def test_an_unknown_time_in_the_address_counts_as_absent(
    open_page: OpenPage, school: School, text: str
) -> None:
    page = open_day(open_page, 1280, f"&free={text}")

    for number in (1, 2, 3):
        expect(ground(page, number)).to_be_visible()
    expect(page.get_by_role("button", name="Any time")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("free="))
