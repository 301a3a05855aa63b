"""Addresses of screens that a role does not have, and addresses of no screen."""

from __future__ import annotations

import re

import pytest
from app_server import ADMIN, HEAD, MEERA, School, today
from browser_windows import OpenPage
from playwright.sync_api import Page, expect

from booking_core import Actor, delegate


def leads_to_book(page: Page) -> None:
    """Asserts that nothing of Streamlit's own stands there, and follows the link to Book."""
    expect(page.get_by_text("Page not found")).to_have_count(0)
    page.get_by_role("main").get_by_role("link", name="Go to Book").click()
    expect(page.get_by_role("heading", name="Book a ground")).to_be_visible()
    expect(page).to_have_url(re.compile("/book$"))


@pytest.mark.parametrize(
    ("path", "who", "title"),
    [
        ("/admin", MEERA, "Admin"),
        ("/closures", MEERA, "Closures"),
        ("/approvals", MEERA, "Approvals"),
        ("/approvals", ADMIN, "Approvals"),
    ],
)
def test_a_screen_of_another_role_says_so_and_leads_to_book(
    open_page: OpenPage, school: School, path: str, who: Actor, title: str
) -> None:
    page = open_page(path, who.name)

    expect(page.get_by_role("heading", name=f"{title} is not open to you")).to_be_visible()
    expect(page).to_have_title(f"{title} · Ground booking")
    expect(page.get_by_role("link", name=title, exact=True)).to_have_count(0)
    leads_to_book(page)


def test_a_delegation_opens_the_screen_at_once(open_page: OpenPage, school: School) -> None:
    page = open_page("/approvals")
    expect(page.get_by_role("heading", name="Approvals is not open to you")).to_be_visible()

    delegate(school.db, to=MEERA.id, first=today(), last=today(), by=HEAD)

    expect(page.get_by_role("heading", name="Approvals", exact=True)).to_be_visible()


@pytest.mark.parametrize("path", ["/nowhere", "/book/nowhere", "/admin.php", "/missing"])
def test_an_address_of_no_screen_says_so_and_leads_to_book(
    open_page: OpenPage, school: School, path: str
) -> None:
    page = open_page(path)

    expect(page.get_by_role("heading", name="There is no screen here")).to_be_visible()
    leads_to_book(page)


def test_closures_has_an_address_and_old_bookmarks_of_a_principal_lead_there(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/admin", HEAD.name)

    expect(page.get_by_role("heading", name="Closures", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("/closures$"))
    expect(page).to_have_title("Closures · Ground booking")
    expect(page.get_by_role("radio")).to_have_count(0)  # no sections of Admin
