"""The strip of Book: how free each day of five weeks is, and the way to a day."""

from __future__ import annotations

import re
from datetime import date, time, timedelta

import pytest
from app_server import ADMIN, School, is_of_no_screen, today
from browser_windows import OpenPage
from playwright.sync_api import Locator, Page, expect
from screens import LOAD, TICK, cell, wait_for_live_updates
from support import close_one

from booking_core import add_ground, save_days
from pages.shared.text import formats


def day(number: int) -> date:
    return today() + timedelta(days=number)


def strip(page: Page) -> Locator:
    return page.get_by_role("toolbar", name=re.compile("^Days"))


def mark(page: Page, number: int, text: str = "") -> Locator:
    """Returns the mark of a day by what it says."""
    return strip(page).get_by_role(
        "button", name=re.compile(f"^{formats.short_date(day(number))}: {text}")
    )


def open_book(open_page: OpenPage, width: int, query: str = "") -> Page:
    page = open_page(
        f"/book?date={day(1)}{query}", viewport={"width": width, "height": 900}, has_touch=True
    )
    expect(mark(page, 1, "30 of 30 free")).to_be_visible(timeout=LOAD)
    return page


@pytest.mark.parametrize("width", [1440, 820, 390])
def test_a_change_of_any_week_appears_at_once_and_a_press_leads_to_its_day(
    open_page: OpenPage, school: School, width: int
) -> None:
    save_days(school.db, [day(3)], timetable_id=None, note="Sports day")
    page = open_book(open_page, width)
    expect(mark(page, 1)).to_have_attribute("aria-pressed", "true")
    expect(mark(page, 1)).to_be_in_viewport(ratio=1)
    expect(mark(page, 3, "no school, Sports day")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    school.book(student=1, start=14, on=day(25))
    expect(mark(page, 25, "29 of 30 free")).to_be_visible(timeout=TICK)
    for number in (1, 2, 3):
        close_one(
            school.db,
            ground_id=f"ground-{number}",
            date=day(12),
            start=time(0),
            end=time(0),
            reason="Rain",
            by=ADMIN,
        )
    expect(mark(page, 12, "closed")).to_be_visible(timeout=TICK)

    mark(page, 25).tap()
    expect(page).to_have_url(re.compile(f"date={day(25)}"))
    expect(cell(page, 14, 1, "Requested")).to_be_visible()
    expect(mark(page, 25)).to_have_attribute("aria-pressed", "true")
    expect(mark(page, 25)).to_be_in_viewport(ratio=1)


def test_days_behind_the_last_one_to_book_cannot_be_pressed(
    open_page: OpenPage, school: School
) -> None:
    page = open_book(open_page, 1440)

    expect(mark(page, 30, "30 of 30 free")).to_be_enabled()
    marks = strip(page).get_by_role("button")
    behind = (formats.start_of_week(day(30)) + timedelta(days=6) - day(30)).days
    expect(marks).to_have_count(min(31 + behind, 35))
    for number in range(31, min(31 + behind, 35)):
        expect(mark(page, number, "not open yet")).to_be_disabled()


def test_the_figures_follow_the_game_the_time_and_the_ground_of_a_week(
    open_page: OpenPage, school: School
) -> None:
    for number in range(4, 11):
        add_ground(school.db, f"Ground {number}", ["Chess" if number > 8 else "Football"])
    school.book(student=1, start=14, ground="ground-9", game="Chess", on=day(9))
    page = open_page(f"/book?date={day(1)}", viewport={"width": 1440, "height": 900})
    expect(mark(page, 9, "99 of 100 free")).to_be_visible(timeout=LOAD)

    page.get_by_role("radio", name="Chess").click()
    expect(mark(page, 9, "19 of 20 free")).to_be_visible()
    page.get_by_role("combobox", name="Free at").click()
    page.get_by_role("option", name=f"Free at {formats.clock(time(14))}", exact=True).click()
    expect(mark(page, 9, "1 of 2 free")).to_be_visible()
    expect(page.get_by_text("Free at 2 PM on grounds for Chess")).to_be_visible()
    page.get_by_role("button", name="Any time").click()
    expect(mark(page, 9, "19 of 20 free")).to_be_visible()

    page.get_by_role("radio", name="Week").click()
    expect(page.get_by_text("Free on Ground 1", exact=True)).to_be_visible()
    expect(mark(page, 9, "10 of 10 free")).to_be_visible()
    mark(page, 9).click()
    expect(page).to_have_url(re.compile(f"view=week.*date={day(9)}"))
    page.get_by_role("radio", name="School").click()
    expect(page.get_by_text("Free on grounds for Chess")).to_be_visible()
    mark(page, 8).click()
    expect(page).to_have_url(re.compile(f"view=school.*date={day(8)}"))


def test_the_arrow_keys_go_from_day_to_day_and_a_live_update_keeps_the_focus(
    open_page: OpenPage, school: School
) -> None:
    page = open_book(open_page, 1280)
    stops = strip(page).locator("button[tabindex='0']")
    expect(stops).to_have_count(1)

    mark(page, 1).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(mark(page, 7)).to_be_focused()
    expect(stops).to_have_count(1)
    school.book(student=1, start=14, on=day(7))
    expect(mark(page, 7, "29 of 30 free")).to_be_focused(timeout=TICK)
    page.keyboard.press("End")
    expect(mark(page, 30)).to_be_focused()
    page.keyboard.press("Home")
    expect(mark(page, 0)).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"date={day(2)}"))
    expect(mark(page, 2)).to_have_attribute("aria-pressed", "true")


def test_a_live_update_reads_only_the_day_that_changed(open_page: OpenPage, school: School) -> None:
    page = open_book(open_page, 1440)
    wait_for_live_updates(page, 1)

    with school.recorded() as busy:
        school.book(student=1, start=14, on=day(20))
        expect(mark(page, 20, "29 of 30 free")).to_be_visible(timeout=TICK)

    commands = [e["command"] for e in busy if not is_of_no_screen(e)]
    read = {text for one in commands for text in re.findall(r"\d{4}-\d\d-\d\d(?!T)", repr(one))}
    shown = {day(number).isoformat() for number in range(35)}
    assert read & shown == {day(20).isoformat()}
