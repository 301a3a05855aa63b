"""The state of the list on Bookings is in its address."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from app_server import MEERA, School, today, tomorrow
from browser_windows import OpenPage
from playwright.sync_api import Page, expect
from screens import LOAD, open_screen, row, show_everybody, show_tab, wait_for


def parameters(page: Page) -> dict[str, str]:
    return {name: texts[0] for name, texts in parse_qs(urlsplit(page.url).query).items()}


def has(shown: Page, **expected: str) -> None:
    # Read in the browser: Playwright learns of a new address only while it waits.
    wait_for(
        shown,
        """expected => {
            const given = Object.fromEntries(new URLSearchParams(location.search))
            return Object.keys({ ...given, ...expected })
                .every(name => given[name] === expected[name])
        }""",
        arg=expected,
    )


def set_all(page: Page) -> None:
    """Shows everybody's requested bookings of one student, ground and class, by request."""
    show_everybody(page)
    expect(page.get_by_text("2 bookings, ")).to_be_visible()
    page.get_by_role("searchbox", name="Search").fill("s001")
    page.get_by_role("searchbox", name="Search").press("Enter")
    expect(page.get_by_text("1 booking, ")).to_be_visible()
    has(page, whose="everybody", search="s001")
    page.get_by_role("button", name="Filters").click()
    for label, option in (("Ground", "Ground 2"), ("Status", "Requested"), ("Class", "2-A")):
        page.get_by_role("combobox", name=label).click()
        page.get_by_role("option", name=option, exact=True).click()
        expect(page.get_by_role("combobox", name=label)).to_have_value(option)
    show_tab(page, "By when it was asked")
    has(page, **ALL)
    page.keyboard.press("Escape")


ALL = {
    "whose": "everybody",
    "search": "s001",
    "ground": "ground-2",
    "status": "pending",
    "class": "2-A",
    "order": "asked",
}


def check_all(page: Page) -> None:
    expect(page.get_by_text("1 booking, newest request first")).to_be_visible(timeout=LOAD)
    expect(row(page, "Student 1")).to_be_visible()
    expect(page.get_by_role("searchbox", name="Search")).to_have_value("s001")
    expect(page.get_by_role("radio", name="Everybody")).to_be_checked()
    expect(page.get_by_role("button", name="Filters · 3")).to_be_visible()
    has(page, **ALL)


def test_reload_another_screen_and_a_sent_link_show_the_same_list(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=1, start=14, ground="ground-2")
    school.book(student=2, start=14)
    page = open_page("/bookings")
    set_all(page)
    check_all(page)

    page.reload()
    check_all(page)
    colleague = open_page(f"/bookings?{urlsplit(page.url).query}", "Joseph Mathew")
    check_all(colleague)
    open_screen(page, "Reports")
    open_screen(page, "Bookings")
    check_all(page)


def test_back_and_forward_return_to_the_lists_before(open_page: OpenPage, school: School) -> None:
    school.book(student=1, start=14, by=MEERA)
    school.book(student=2, start=15)
    page = open_page("/bookings")
    expect(page.get_by_text("1 booking, ")).to_be_visible()
    show_everybody(page)
    has(page, whose="everybody")
    show_tab(page, "Past")
    has(page, whose="everybody", when="past")
    expect(page.get_by_text("No past bookings")).to_be_visible()

    page.go_back()
    expect(page.get_by_text("2 bookings, ")).to_be_visible()
    # For a moment the field of before Back stands before the new one.
    expect(page.get_by_role("radio", name="Upcoming").last).to_be_checked()
    page.go_back()
    expect(page.get_by_text("1 booking, ")).to_be_visible()
    expect(page.get_by_role("radio", name="Mine").last).to_be_checked()
    page.go_forward()
    expect(page.get_by_text("2 bookings, ")).to_be_visible()
    assert parameters(page) == {"whose": "everybody"}


def test_a_page_is_restored_with_the_pages_before_it(open_page: OpenPage, school: School) -> None:
    for number in range(110):
        days, place = divmod(number, 30)
        on, ground = tomorrow() + timedelta(days=days), f"ground-{place % 3 + 1}"
        school.book(student=number, on=on, start=8 + place // 3, ground=ground, by=MEERA)
    page = open_page("/bookings")
    for shown in ("51–100", "101–110"):
        page.get_by_role("button", name="Next").click()
        expect(page.get_by_text(shown, exact=True)).to_be_visible()
    has(page, page="3")

    page.reload()
    expect(page.get_by_text("101–110", exact=True)).to_be_visible(timeout=LOAD)
    page.get_by_role("button", name="Previous").click()
    expect(page.get_by_text("51–100", exact=True)).to_be_visible()
    has(page, page="2")
    page.go_back()
    expect(page.get_by_text("101–110", exact=True)).to_be_visible()
    # A filter begins at the first page again.
    show_everybody(page)
    expect(page.get_by_text("1–50", exact=True)).to_be_visible()
    has(page, whose="everybody")


def test_the_dates_of_an_address_take_the_place_of_upcoming_and_past(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=1, on=tomorrow(), start=14, by=MEERA)
    school.book(student=2, on=tomorrow() + timedelta(days=3), start=14, by=MEERA)
    dates = {"from": today().isoformat(), "to": (today() + timedelta(days=2)).isoformat()}
    page = open_page(f"/bookings?when=past&from={dates['from']}&to={dates['to']}")

    expect(page.get_by_text("1 booking, soonest first")).to_be_visible(timeout=LOAD)
    expect(row(page, "Student 1")).to_be_visible()
    expect(page.get_by_role("radio", name="Past")).to_be_disabled()
    has(page, when="past", **dates)


@pytest.mark.parametrize(
    "query",
    [
        "whose=nobody&when=never&order=up&status=lost&page=two",
        "ground=nowhere&class=nobody&page=0",
        "from=yesterday&to=2026-02-30",
        "from=2026-03-02&to=2026-03-01",
        "from=0001-01-01&to=9999-12-31",
        "page=99999999999999999999",
        "page=7",
        "search=" + "s" * 5000,
    ],
)
def test_an_unknown_value_in_the_address_counts_as_absent(
    open_page: OpenPage, school: School, query: str
) -> None:
    school.book(student=1, start=14, by=MEERA)
    school.book(student=2, start=15)

    page = open_page(f"/bookings?{query}")

    expect(page.get_by_text("1 booking, soonest first")).to_be_visible(timeout=LOAD)
    expect(row(page, "Student 1")).to_be_visible()
    has(page)
