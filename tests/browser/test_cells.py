"""What a cell of the grid says when it is pressed."""

from __future__ import annotations

import re
from datetime import time

from app_server import ADMIN, JOSEPH, MEERA, School, tomorrow
from browser_windows import OpenPage
from playwright.sync_api import Page, expect
from screens import place
from support import close_one

from booking_core import Policy, save_policy


def tomorrows_grid(page: Page) -> None:
    page.get_by_role("button", name="Next day").click()
    expect(page).to_have_url(re.compile(tomorrow().isoformat()))


def test_a_taken_cell_says_who_has_it_and_what_for(open_page: OpenPage, school: School) -> None:
    school.book(student=3, start=14, on=tomorrow(), by=JOSEPH)
    page = open_page("/book")
    tomorrows_grid(page)

    page.get_by_role("button", name=re.compile("^Requested: Ground 1, 14-15")).click()

    dialog = page.get_by_role("dialog")
    for text in ("Requested", "Student 3", "Joseph Mathew"):
        expect(dialog).to_contain_text(text)


def test_a_closed_cell_says_why(open_page: OpenPage, school: School) -> None:
    close_one(
        school.db,
        ground_id="ground-1",
        date=tomorrow(),
        start=time(14),
        end=time(15),
        reason="Rain: pitch under water",
        by=ADMIN,
    )
    page = open_page("/book")
    tomorrows_grid(page)

    page.get_by_role("button", name=re.compile("^Closed: Ground 1, 14-15")).click()

    expect(page.get_by_role("dialog")).to_contain_text("Rain: pitch under water")


def test_a_cell_that_a_rule_holds_names_the_rule(open_page: OpenPage, school: School) -> None:
    save_policy(school.db, Policy(lead_minutes=7 * 24 * 60), by=ADMIN)
    page = open_page("/book")
    tomorrows_grid(page)

    page.get_by_role("button", name=re.compile("^Closed: Ground 1, 14-15")).click()

    expect(page.get_by_role("dialog")).to_contain_text("Book at least 7 days ahead")


def test_own_bookings_are_outlined_and_others_are_not(open_page: OpenPage, school: School) -> None:
    school.book(student=3, start=14, on=tomorrow(), by=MEERA)
    school.book(student=4, start=15, on=tomorrow(), by=JOSEPH)
    page = open_page("/book")
    tomorrows_grid(page)

    expect(place(page, 14)).to_have_class(re.compile(r"\bmine\b"))
    expect(place(page, 15)).to_contain_text("Requested")
    expect(place(page, 15)).not_to_have_class(re.compile(r"\bmine\b"))


def test_a_line_marks_the_present_time(open_page: OpenPage, school: School) -> None:
    page = open_page("/book")
    row = page.get_by_role("row").filter(has_text="now").bounding_box()
    line = page.locator(".line").bounding_box()
    assert row
    assert line
    assert row["y"] - 2 <= line["y"] <= row["y"] + row["height"] + 2

    tomorrows_grid(page)
    expect(page.locator(".line")).to_have_count(0)
