"""Accessibility of every screen, light and dark, on a desktop and a phone; nothing is cut off."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest
from app_server import ADMIN, HEAD, JOSEPH, School, today, tomorrow
from browser_windows import OpenPage
from page_checks import serious_violations, violations_in_both_schemes, wait_until_settled
from playwright.sync_api import Page, expect
from support import close_one

from booking_core import approve

DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
# axe examines each screen as it opens, and then in the other colour scheme.
OPENED_AS = ["desktop, light", "phone, dark"]
OPENED = [{"viewport": DESKTOP}, {"viewport": PHONE, "color_scheme": "dark"}]
SCREENS = [
    ("/book", "Meera Nair", "Book a ground"),
    ("/book?view=school", "Meera Nair", "Book a ground"),
    ("/bookings", "Meera Nair", "Bookings"),
    ("/approvals", HEAD.name, "Approvals"),
    ("/reports", HEAD.name, "Reports"),
]
SECTIONS = (
    "Grounds",
    "Timetables",
    "Year",
    "Closures",
    "Students",
    "Accounts",
    "Settings",
    "Health",
    "Audit",
)


def busy_day(school: School) -> None:
    """A day on which every state of a slot is visible."""
    school.book(student=1, start=14)
    approve(school.db, school.book(student=2, start=15).id, by=HEAD)
    school.book(by=JOSEPH, student=3, start=16, on=tomorrow())
    close_one(
        school.db,
        ground_id="ground-2",
        date=today(),
        start=time(14),
        end=time(18),
        reason="Rain",
        by=ADMIN,
    )


def too_wide(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"))


@pytest.mark.parametrize("opened", OPENED, ids=OPENED_AS)
def test_every_screen_is_accessible_in_both_schemes(
    open_page: OpenPage, school: School, opened: dict[str, Any]
) -> None:
    busy_day(school)
    faults = {}
    for path, who, title in SCREENS:
        page = open_page(path, who, **opened)
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        wait_until_settled(page)
        faults[path] = violations_in_both_schemes(page) + ["too wide"] * too_wide(page)

    assert faults == {path: [] for path, _, _ in SCREENS}


@pytest.mark.parametrize("opened", OPENED, ids=OPENED_AS)
def test_every_section_of_admin_is_accessible_in_both_schemes(
    open_page: OpenPage, school: School, opened: dict[str, Any]
) -> None:
    busy_day(school)
    page = open_page("/admin", ADMIN.name, **opened)
    faults = {}
    for section in SECTIONS:
        page.get_by_role("radio", name=section, exact=True).click()
        expect(page.get_by_role("radio", name=section, exact=True)).to_be_checked()
        wait_until_settled(page)
        faults[section] = violations_in_both_schemes(page) + ["too wide"] * too_wide(page)

    assert faults == {section: [] for section in SECTIONS}


@pytest.mark.parametrize("path", ["/wall", "/signin"])
def test_pages_without_sign_in_are_accessible_in_both_schemes(
    open_page: OpenPage, school: School, path: str
) -> None:
    busy_day(school)
    page = open_page(path, None, viewport=DESKTOP)
    expect(page.get_by_role("heading").first).to_be_visible()

    faults = serious_violations(page)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    faults += serious_violations(page, only="color-contrast")
    assert faults == []
