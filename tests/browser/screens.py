"""The screens as users see them: elements are found by role and text."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Any
from urllib.parse import urlsplit

from app_server import AppServer, sign_in_browser
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Locator, Page, expect
from support import eventually

from pages.shared.text import formats

TICK = 10_000  # a change made elsewhere is on the screen within this time (ms)
LOAD = 20_000


def switch_user(page: Page, name: str) -> None:
    """Signs the present user out and another one in, in the same browser."""
    here = page.url
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    school = AppServer.by_port[urlsplit(here).port or 0].school
    if school is not None:
        school.forget_tokens()
    sign_in_browser(page.context, here, name)
    page.goto(here)


def type_date(page: Page, label: str, day: date) -> None:
    """Types a date into one end of a field for two dates."""
    page.get_by_role("spinbutton", name=f"day, {label}").click()
    page.keyboard.type(f"{day:%d%m%Y}")
    for part, text in (("day", f"{day:%d}"), ("month", f"{day:%m}"), ("year", f"{day:%Y}")):
        expect(page.get_by_role("spinbutton", name=f"{part}, {label}")).to_have_text(text)


def type_dates(page: Page, label: str, first: date, last: date) -> None:
    """Types both dates of a field for two."""
    type_date(page, f"{label} start date", first)
    type_date(page, f"{label} end date", last)
    page.keyboard.press("Escape")  # closes the calendar
    expect(page.get_by_role("grid")).to_have_count(0)


def cell(page: Page, hour: int, ground: int = 1, state: str = "Free") -> Locator:
    """Returns the cell of the period from ``hour``; a button while it is Free or Picked."""
    # A label that only says the times, such as "9-10", is not repeated beside them.
    times = f"({hour}-{hour + 1},|{formats.span(time(hour), time(hour + 1))}$)"
    return page.get_by_role("button", name=re.compile(f"{state}: Ground {ground}, {times}"))


def place(page: Page, hour: int, ground: int = 1) -> Locator:
    """Returns the same cell of the grid in any state."""
    return page.locator(f'[data-at="{hour - 8}:{ground - 1}"]')


def student_box(page: Page) -> Locator:
    return page.get_by_role("combobox", name=re.compile("Student"))


def choose_student(page: Page, student: str) -> None:
    box = student_box(page)
    box.click()
    box.press_sequentially(student)
    option = page.get_by_role("option", name=re.compile(rf"{student}$"))
    option.click()
    expect(option).to_have_count(0)


def fill_form(page: Page, hour: int, student: str, ground: int = 1) -> None:
    """Picks a slot and a student on the Book screen."""
    cell(page, hour, ground).click()
    expect(cell(page, hour, ground, "Picked")).to_be_visible(timeout=LOAD)
    choose_student(page, student)


def open_review(page: Page) -> None:
    button = page.get_by_role("button", name=re.compile("^Review and"))
    expect(button).to_be_enabled(timeout=LOAD)
    button.click()
    expect(confirm_button(page)).to_be_enabled(timeout=LOAD)


def confirm_button(page: Page) -> Locator:
    return page.get_by_role("button", name=re.compile("^(Book|Request) this slot$"))


def confirm(page: Page) -> None:
    """Confirms the open review; returns the success dialog."""
    confirm_button(page).click()
    expect(requested(page)).to_be_visible(timeout=LOAD)


def requested(page: Page) -> Locator:
    return page.get_by_text("The slot is held and waiting for the principal's approval.")


def row(page: Page, text: str) -> Locator:
    """Returns a line of the list on Bookings or Approvals."""
    return page.get_by_role("row").filter(has_text=text)


def open_screen(page: Page, name: str) -> None:
    """Opens a screen by the link of its name. Later presses apply to that screen."""
    screen_link(page, name).click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


def screen_link(page: Page, name: str, waiting: str = r"( \d+\+? waiting)?") -> Locator:
    """Returns the link of a screen in the navigation; that of Approvals says how many wait."""
    return page.get_by_role("link", name=re.compile(f"^{name}{waiting}$"))


def show_everybody(page: Page) -> None:
    """Shows the bookings of all users on Bookings, where staff begin with their own."""
    show_tab(page, "Everybody")
    expect(page.get_by_role("radio", name="Everybody")).to_be_checked()


def show_tab(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name).or_(page.get_by_role("button", name=name)).first.click()


def wait_for(page: Page, expression: str, arg: Any = None, timeout: float = LOAD) -> None:
    """Waits (ms) until the expression is true in the page.

    Playwright's ``wait_for_function`` evaluates text within the page, which its policy forbids.
    """

    def is_true() -> bool:
        try:
            return bool(page.evaluate(expression, arg))
        except PlaywrightError as error:  # the page is being left for another
            if "context was destroyed" not in str(error):
                raise
            return False

    eventually(is_true, within=timeout / 1000)


def live_line(page: Page) -> Locator:
    return page.get_by_text(re.compile(r"updated \d+:\d\d:\d\d [AP]M")).first


def wait_for_live_updates(page: Page, count: int) -> None:
    """Returns after ``count`` live updates of the screen."""
    for _ in range(count):
        before = live_line(page).inner_text()
        expect(live_line(page)).not_to_have_text(before, timeout=TICK)
