"""Every screen, light and dark, on a desk and a telephone: usable by everybody, and nothing cut."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest
from app_server import ADMIN, HEAD, JOSEPH, School, today, tomorrow
from looking import serious, settled, shut_out
from playwright.sync_api import Page, expect
from support import close_one
from windows import OpenPage

from booking_core import approve

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
# Each is looked at as it opens, and then in the other scheme.
OPENED_AS = ["desk by light", "phone in the dark"]
OPENED = [{"viewport": DESK}, {"viewport": PHONE, "color_scheme": "dark"}]
SCREENS = [
    ("/book", "Meera Nair", "Book a ground"),
    ("/bookings", "Meera Nair", "Bookings"),
    ("/approvals", HEAD.name, "Approvals"),
    ("/reports", HEAD.name, "Reports"),
]
SECTIONS = (
    "Grounds",
    "Timetables",
    "Closures",
    "Students",
    "Accounts",
    "Settings",
    "Health",
    "Audit",
)


def busy_day(school: School) -> None:
    """A day on which every state is to be seen."""
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
def test_no_screen_shuts_anybody_out(
    open_page: OpenPage, school: School, opened: dict[str, Any]
) -> None:
    busy_day(school)
    faults = {}
    for path, who, title in SCREENS:
        page = open_page(path, who, **opened)
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        settled(page)
        faults[path] = shut_out(page) + ["too wide"] * too_wide(page)

    assert faults == {path: [] for path, _, _ in SCREENS}


@pytest.mark.parametrize("opened", OPENED, ids=OPENED_AS)
def test_no_section_of_the_desk_shuts_anybody_out(
    open_page: OpenPage, school: School, opened: dict[str, Any]
) -> None:
    busy_day(school)
    page = open_page("/admin", ADMIN.name, **opened)
    faults = {}
    for section in SECTIONS:
        page.get_by_role("radio", name=section, exact=True).click()
        expect(page.get_by_role("radio", name=section, exact=True)).to_be_checked()
        settled(page)
        faults[section] = shut_out(page) + ["too wide"] * too_wide(page)

    assert faults == {section: [] for section in SECTIONS}


@pytest.mark.parametrize("path", ["/wall", "/signin"])
def test_what_nobody_signs_in_for_is_open_to_everybody(
    open_page: OpenPage, school: School, path: str
) -> None:
    busy_day(school)
    page = open_page(path, None, viewport=DESK)
    expect(page.get_by_role("heading").first).to_be_visible()

    faults = serious(page)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    faults += serious(page, only="color-contrast")
    assert faults == []
