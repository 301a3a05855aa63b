"""The state of a screen is in its address, and what was typed stays in the tab."""

from __future__ import annotations

import random
import re
from contextlib import suppress
from datetime import date as Date
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from app_server import AppServer, School, today, tomorrow
from browser_windows import OpenPage
from page_checks import wait_until_settled
from playwright.sync_api import Page, TimeoutError, expect
from screens import (
    LOAD,
    cell,
    choose_student,
    confirm,
    confirm_button,
    fill_form,
    open_review,
    open_screen,
    student_box,
    wait_for,
)

from pages.shared.text import formats, messages

SLOT = re.compile(r"\?date=\d{4}-\d\d-\d\d&ground=ground-\d&from=\d\d%3A00&to=\d\d%3A00$")


def parameters(page: Page) -> dict[str, str]:
    return {name: texts[0] for name, texts in parse_qs(urlsplit(page.url).query).items()}


def picked(page: Page) -> list[str]:
    """Returns the names of the cells that the board marks as picked."""
    cells = page.get_by_role("button", name=re.compile("^Picked: "))
    names: list[str] = cells.evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    return names


def panel(page: Page) -> str:
    return page.locator(".st-key-inset_slot").inner_text(timeout=500)


def next_day(page: Page, count: int = 1) -> None:
    for _ in range(count):
        before = page.url
        page.get_by_role("button", name="Next day").click()
        expect(page).not_to_have_url(before)


def test_a_reload_and_a_sent_link_show_the_same_day_and_slot(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/book")
    next_day(page, 2)
    cell(page, 14, 2).click()
    expect(page).to_have_url(SLOT)
    assert parameters(page) == {
        "date": (today() + timedelta(days=2)).isoformat(),
        "ground": "ground-2",
        "from": "14:00",
        "to": "15:00",
    }

    page.reload()
    expect(cell(page, 14, 2, "Picked")).to_be_visible()
    colleague = open_page(f"/book?{urlsplit(page.url).query}", "Joseph Mathew")
    expect(cell(colleague, 14, 2, "Picked")).to_be_visible()
    expect(colleague.locator(".st-key-inset_slot")).to_contain_text("Ground 2")


def test_back_and_forward_return_to_the_days_and_slots_before(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/book")
    next_day(page)
    cell(page, 14).click()
    expect(cell(page, 14, state="Picked")).to_be_visible()
    expect(page).to_have_url(SLOT)
    open_screen(page, "Bookings")
    wait_until_settled(page)

    page.go_back()
    expect(cell(page, 14, state="Picked")).to_be_visible()
    wait_until_settled(page)
    page.go_back()
    expect(cell(page, 14)).to_be_visible()
    wait_until_settled(page)
    assert parameters(page) == {"date": tomorrow().isoformat()}
    page.go_forward()
    expect(cell(page, 14, state="Picked")).to_be_visible()


@pytest.mark.parametrize(
    "query",
    [
        "date=yesterday",
        "date=2020-02-30&ground=ground-1&from=09:00&to=10:00",
        "date={day}&ground=nowhere&from=14:00&to=15:00",
        "date={day}&ground=ground-1&from=14:10&to=15:00",
        "date={day}&ground=ground-1&from=15:00&to=14:00",
        "date={day}&ground=" + "g" * 5000,
    ],
)
def test_an_address_with_an_invalid_slot_shows_the_board_without_one(
    open_page: OpenPage, school: School, query: str
) -> None:
    page = open_page("/book?" + query.format(day=tomorrow().isoformat()))

    expect(page.get_by_text("Pick a free slot")).to_be_visible(timeout=LOAD)
    expect(page.get_by_role("button", name=re.compile("^Free")).first).to_be_visible()
    assert "ground" not in parameters(page)
    assert picked(page) == []


def test_what_was_typed_comes_back_after_a_reload_for_the_same_account_only(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/book")
    next_day(page)
    fill_form(page, 14, "S007")
    page.get_by_label("Purpose").fill("Practice for the final")
    page.get_by_label("Purpose").press("Tab")
    expect(page.get_by_role("button", name=re.compile("^Review and"))).to_be_enabled()
    wait_for(page, "sessionStorage.getItem('ground-booking-draft')?.includes('final')")

    page.reload()
    expect(page.get_by_role("button", name=re.compile("^Review and"))).to_be_enabled(timeout=LOAD)
    expect(page.get_by_label("Purpose")).to_have_value("Practice for the final")
    expect(student_box(page)).to_have_value(re.compile("S007"))
    open_review(page)
    confirm(page)
    page.reload()
    expect(page.get_by_text("Pick a free slot")).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('ground-booking-draft')") is None


def test_a_half_made_booking_goes_on_by_itself_after_the_app_was_killed(
    open_page: OpenPage, app: AppServer, school: School
) -> None:
    page = open_page("/book")
    next_day(page)
    fill_form(page, 14, "S007")
    expect(page.get_by_role("button", name=re.compile("^Review and"))).to_be_enabled()
    before = parameters(page)

    app.kill()
    app.start()

    expect(page.get_by_text(messages.SESSION_RENEWED)).to_be_visible(timeout=LOAD)
    expect(cell(page, 14, state="Picked")).to_be_visible(timeout=LOAD)
    open_review(page)
    assert parameters(page) == before
    expect(page.get_by_role("dialog")).to_contain_text("S007")
    confirm(page)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_board_panel_review_and_address_speak_of_one_slot_after_any_presses(
    open_page: OpenPage, school: School, seed: int
) -> None:
    choice = random.Random(seed)
    page = open_page("/book", "Anand Rao")

    def day(page: Page) -> None:
        way = choice.choice(["Next", "Previous"])
        button = page.get_by_role("button", name=re.compile(f"^{way} (day|week)$"))
        if button.is_enabled():
            button.click()

    def press_cell(page: Page) -> None:
        free = page.get_by_role("button", name=re.compile("^Free: ")).all()
        if free:
            choice.choice(free).click()

    def view(page: Page) -> None:
        page.get_by_role("radio", name=choice.choice(["Day", "Week"])).click()

    def ground(page: Page) -> None:  # of a week
        chips = page.get_by_role("group", name="Ground").get_by_role("button").all()
        if chips and chips[0].is_visible():
            choice.choice(chips).click()

    def visit(page: Page) -> None:
        open_screen(page, choice.choice(["Bookings", "Approvals", "Reports"]))
        open_book(page)

    def back(page: Page) -> None:
        page.go_back()
        if not page.url.startswith("http"):  # the empty page before the first screen
            page.go_forward()

    def reload(page: Page) -> None:
        page.reload()

    for _ in range(25):
        wait_until_settled(page)  # a button that a run is about to disable takes no press
        choice.choice(
            [day, day, press_cell, press_cell, press_cell, view, ground, visit, back, reload]
        )(page)
        if "/book" not in urlsplit(page.url).path or "/bookings" in page.url:
            open_book(page)
        check_one_slot(page)
    if not picked(page):
        page.get_by_role("button", name=re.compile("^Free: ")).first.click()
        expect(page.locator(".st-key-inset_slot")).to_be_visible()
    check_one_slot(page)
    choose_student(page, "S007")
    open_review(page)
    slot = parameters(page)
    hours = f"{int(slot['from'][:2]) % 12 or 12}"
    expect(page.get_by_role("dialog")).to_contain_text(f"Ground {slot['ground'][-1]}")
    expect(page.get_by_role("dialog")).to_contain_text(re.compile(rf"\b{hours}\b"))
    expect(confirm_button(page)).to_be_enabled()


def open_book(page: Page) -> None:
    page.get_by_role("link", name="Book", exact=True).click()
    expect(page.get_by_role("heading", name="Book a ground")).to_be_visible()


def check_one_slot(page: Page) -> None:
    """Asserts that address, date field, view, board and panel agree once the screen is at rest."""

    def is_one() -> bool:
        slot = parameters(page)
        marked = picked(page)
        # After Back the new field of the view is beside the old one for a moment.
        is_week = page.get_by_role("radio", name="Week", checked=True).count() > 0
        steps = page.get_by_role("button", name="Next week" if is_week else "Next day").count()
        if is_week != (slot.get("view") == "week") or not steps:
            return False
        if "from" not in slot:
            return not marked and page.get_by_text("Pick a free slot").is_visible()
        if not marked or not page.locator(".st-key-inset_slot").is_visible():
            return False
        shown = [
            page.get_by_role("spinbutton", name=part).inner_text(timeout=500)
            for part in ("day", "month", "year")
        ]
        first, last = int(slot["from"][:2]), int(slot["to"][:2])
        ground = f"Ground {slot['ground'][-1]}"
        date = formats.short_date(Date.fromisoformat(slot["date"]))
        place = f"{ground}, {date}, " if is_week else f"{ground}, "
        return (
            shown == slot["date"].split("-")[::-1]
            and len(marked) == last - first
            and all(f"Picked: {place}" in name for name in marked)
            and ground in panel(page)
            and date in panel(page)
        )

    for _ in range(100):
        with suppress(TimeoutError):  # the panel was redrawn meanwhile
            if is_one():
                return
        page.wait_for_timeout(100)
    raise AssertionError((page.url, picked(page)))
