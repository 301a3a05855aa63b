"""The dialog of Bookings that shows the addresses of calendars, and the secret one of the user."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import httpx
from app_server import MEERA, School
from browser_windows import OpenPage
from playwright.sync_api import Locator, Page, expect
from support import HTTP_SECONDS, eventually

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))
from calendar_reading import events_of

from booking_core.calendars import calendar_address_made_at, revoke_calendar_address


def open_dialog(page: Page) -> Locator:
    page.get_by_role("button", name="Calendar…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Anyone who has the address can read it")).to_be_visible()
    return dialog


def close(dialog: Locator) -> None:
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)


def shown_address(dialog: Locator) -> str:
    """The address that the dialog shows, with its button to copy it."""
    code = dialog.locator("[data-testid=stCode]")
    expect(code).to_contain_text(re.compile(r"/calendars/.*\.ics"))
    code.hover()
    expect(dialog.get_by_role("button", name="Copy to clipboard")).to_be_visible()
    return code.locator("code").inner_text().strip()


def summaries(address: str) -> list[str] | None:
    """The events at an address; None where there is no calendar."""
    answer = httpx.get(address, timeout=HTTP_SECONDS)
    if answer.status_code == 404:
        return None
    return [str(event["SUMMARY"]) for event in events_of(answer.content).values()]


def test_a_user_makes_replaces_and_revokes_the_address_of_the_own_calendar(
    open_page: OpenPage, school: School
) -> None:
    revoke_calendar_address(school.db, by=MEERA)
    school.book(student=1, start=14, by=MEERA)
    page = open_page("/bookings")
    dialog = open_dialog(page)
    expect(dialog.locator("[data-testid=stCode]")).to_have_count(0)
    dialog.get_by_role("button", name="Make an address").click()
    first = shown_address(dialog)
    assert summaries(first) == ["Requested: Volleyball: Student 1, 2-A"]

    close(dialog)
    dialog = open_dialog(page)
    expect(dialog.get_by_text("It cannot be shown again")).to_be_visible()
    expect(dialog.locator("[data-testid=stCode]")).to_have_count(0)
    dialog.get_by_role("button", name="Replace…").click()
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog.get_by_role("button", name="Replace…")).to_be_visible()
    assert summaries(first) is not None
    dialog.get_by_role("button", name="Replace…").click()
    dialog.get_by_role("button", name="Replace the address").click()
    second = shown_address(dialog)
    assert second != first
    assert summaries(first) is None
    assert summaries(second) == ["Requested: Volleyball: Student 1, 2-A"]

    close(dialog)
    dialog = open_dialog(page)
    dialog.get_by_role("button", name="Revoke…").click()
    dialog.get_by_role("button", name="Revoke the address").click()
    expect(dialog.get_by_role("button", name="Make an address")).to_be_visible()
    assert summaries(second) is None
    assert calendar_address_made_at(school.db, by=MEERA) is None


def test_the_dialog_shows_the_addresses_of_the_school_and_of_each_ground(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=1, start=14)
    dialog = open_dialog(open_page("/bookings"))
    for name, path, count in (
        ("All grounds", "/calendars/school.ics", 1),
        ("Ground 1", "/calendars/grounds/ground-1.ics", 1),
        ("Ground 2", "/calendars/grounds/ground-2.ics", 0),
    ):
        dialog.get_by_role("combobox", name="Calendar").click()
        dialog.page.get_by_role("option", name=name, exact=True).click()
        expect(dialog.locator("[data-testid=stCode]")).to_contain_text(path)
        expect(dialog.get_by_text("no names of students")).to_be_visible()
        address = shown_address(dialog)
        eventually(lambda a=address, n=count: len(summaries(a)) == n)
