"""The section of Admin in the address."""

from __future__ import annotations

import re

import pytest
from app_server import ADMIN, School
from browser_windows import OpenPage
from playwright.sync_api import Page, expect


def opened(page: Page, section: str) -> None:
    """Waits until ``section`` is the chosen one."""
    expect(page.get_by_role("radio", name=section, exact=True).last).to_be_checked()


def choose(page: Page, section: str, address: str) -> None:
    page.get_by_role("radio", name=section, exact=True).click()
    opened(page, section)
    expect(page).to_have_url(re.compile(address))


def test_reload_back_and_a_sent_link_open_the_section(open_page: OpenPage, school: School) -> None:
    page = open_page("/admin", ADMIN.name)
    opened(page, "Grounds")
    choose(page, "Students", r"/admin\?section=students$")
    choose(page, "Settings", r"/admin\?section=settings$")

    page.reload()
    opened(page, "Settings")
    expect(page.get_by_role("heading", name="What the wall may show")).to_be_visible()
    page.go_back()
    opened(page, "Students")
    expect(page.get_by_role("button", name="Add a student")).to_be_visible()
    page.go_back()
    opened(page, "Grounds")
    expect(page).to_have_url(re.compile("/admin$"))
    page.go_forward()
    opened(page, "Students")
    opened(open_page("/admin?section=students", ADMIN.name), "Students")


@pytest.mark.parametrize("section", ["nowhere", "a" * 5000, "%3Cb%3E"])
def test_an_unknown_section_opens_the_first(
    open_page: OpenPage, school: School, section: str
) -> None:
    page = open_page(f"/admin?section={section}", ADMIN.name)

    opened(page, "Grounds")
    expect(page).to_have_url(re.compile("/admin$"))


def test_an_admin_reaches_closures_on_admin(open_page: OpenPage, school: School) -> None:
    page = open_page("/closures", ADMIN.name)

    expect(page.get_by_role("heading", name="Admin", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/admin\?section=closures$"))
    expect(page.get_by_role("button", name="Close grounds…")).to_be_visible()
