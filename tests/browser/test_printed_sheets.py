"""The sheets to print: the ways to them, their pages on paper, and the page of their code."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from app_server import HEAD, JOSEPH, School, tomorrow
from browser_windows import OpenPage
from playwright.sync_api import Page, expect

from booking_core import Ground, approve, cancel, move, save_ground

LONG = "The very long name of a ground beside the old library and the new hall, number"


def pages_of(page: Page) -> int:
    return len(re.findall(rb"/Type /Page\b", page.pdf(prefer_css_page_size=True)))


def fill(school: School, grounds: int) -> None:
    """``grounds`` grounds with long names, and requests in all ten periods of each."""
    for number in range(grounds):
        name = f"{LONG} {number}"
        save_ground(school.db, Ground(f"g{number}", name, ("Basketball for beginners",), number))
    for number in range(grounds):
        for hour in range(8, 18):
            school.book(
                ground=f"g{number}",
                game="Basketball for beginners",
                on=tomorrow(),
                start=hour,
                # Each of the 200 students twice at most, and never twice at one time.
                student=(10 * number + hour + number // 20) % 200,
            )


def test_book_leads_to_the_sheet_of_its_day_and_of_the_week_of_a_ground(
    open_page: OpenPage, school: School
) -> None:
    page = open_page(f"/book?date={tomorrow()}")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Print this day").click()
    sheet = opened.value

    expect(sheet.get_by_role("columnheader", name="Ground")).to_be_visible()
    expect(sheet.get_by_role("row")).to_have_count(4)
    assert parse_qs(urlsplit(sheet.url).query) == {"date": [str(tomorrow())]}
    sheet.get_by_role("link", name="Back to Book").click()
    expect(sheet.get_by_role("heading", name="Book a ground")).to_be_visible()
    page.goto(page.url + "&view=week&ground=ground-2")
    week = page.get_by_role("link", name="Print this week")
    expect(week).to_have_attribute("href", re.compile("/week-sheet.*ground=ground-2"))
    page.goto(week.evaluate("link => link.href"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ground 2")
    expect(page.get_by_role("rowheader")).to_have_count(7)


def test_the_wall_leads_a_signed_in_user_to_the_sheet_of_today(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/book")
    page.goto(page.url.replace("/book", "/wall"))
    page.get_by_role("link", name="Print this day").click()

    expect(page.get_by_role("columnheader", name="Ground")).to_be_visible()


@pytest.mark.parametrize("path", ["/day-sheet", "/week-sheet?ground=ground-1", "/sheet-changes"])
def test_a_sheet_is_for_signed_in_users(open_page: OpenPage, school: School, path: str) -> None:
    page = open_page(path, None)

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert f"next=%2F{path[1:].partition('?')[0]}" in page.url


@pytest.mark.parametrize(("grounds", "most"), [(13, 2), (37, 5)])
def test_a_full_day_of_16_grounds_takes_two_pages_and_of_40_five(
    open_page: OpenPage, school: School, grounds: int, most: int
) -> None:
    fill(school, grounds)  # beside the three of the school
    page = open_page(f"/day-sheet?date={tomorrow()}")

    expect(page.get_by_role("row")).to_have_count(grounds + 4)
    assert pages_of(page) <= most
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 1062, "height": 733})  # A4 landscape without its margins
    assert page.evaluate("document.documentElement.scrollWidth") <= 1062
    head = page.locator("thead").first
    assert head.evaluate("one => getComputedStyle(one).display") == "table-header-group"


def test_the_code_says_unchanged_and_then_lists_what_changed(
    open_page: OpenPage, school: School
) -> None:
    day = tomorrow()
    stays = school.book(on=day, start=9, student="S001")
    leaves = school.book(on=day, start=10, student="S002", ground="ground-2", game="Cricket")
    page = open_page(f"/day-sheet?date={day}")
    address = str(page.locator("figure svg").get_attribute("aria-label"))

    phone = open_page("/book", viewport={"width": 390, "height": 844})
    phone.goto(address)
    expect(phone.get_by_role("heading", level=1)).to_contain_text("Unchanged since")
    approve(school.db, stays.id, by=HEAD)
    move(school.db, leaves.id, date=day + timedelta(days=1), by=JOSEPH)
    new = school.book(on=day, start=15, student="S003")
    phone.goto(address)

    expect(phone.get_by_role("heading", level=1)).to_contain_text("Changed since")
    lines = phone.get_by_role("listitem")
    expect(lines).to_have_count(3)
    expect(lines.nth(0)).to_contain_text("Approved: Volleyball, Student 1")
    expect(lines.nth(1)).to_contain_text("Moved: Cricket, Student 2")
    expect(lines.nth(2)).to_contain_text("Requested: Volleyball, Student 3")
    cancel(school.db, new.id, by=JOSEPH)
    phone.goto(address)
    expect(lines.nth(3)).to_contain_text("Cancelled")
    phone.get_by_role("link", name="Open it on Book").click()
    expect(phone.get_by_role("heading", name="Book a ground")).to_be_visible()
    assert f"date={day}" in phone.url


def test_the_code_of_a_week_names_the_first_of_its_days(
    open_page: OpenPage, school: School
) -> None:
    """Also of one from the command line, whose week may begin on another day than a screen's."""
    from booking_core.reports import week_sheet

    first = tomorrow()
    sheet = week_sheet(school.db, "ground-1", first)
    page = open_page("/book")
    page.goto(sheet.changes_address(page.url.partition("book")[0]))

    expect(page.get_by_role("heading", level=1)).to_contain_text("Unchanged since")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/day-sheet?date=2026-13-01", "date"),
        ("/day-sheet?date=1999-01-01", "date"),
        ("/day-sheet?show=all", "shows"),
        ("/week-sheet?ground=nowhere", "ground"),
        ("/sheet-changes?at=x", "at"),
        ("/sheet-changes?at=99999999999999999999", "at"),
        ("/sheet-changes?at=99999999999999", "at"),
    ],
)
def test_an_address_of_no_sheet_says_what_is_wrong_with_it(
    open_page: OpenPage, school: School, path: str, words: str
) -> None:
    page = open_page("/book")
    answer = page.goto(page.url.replace("/book", path))

    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", name="There is no such sheet")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(words)
