"""Setting up a second factor and signing in with it, in the browser."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from app_server import ADMIN, AppServer, School, running_app
from axe_playwright_python.sync_playwright import Axe
from browser_windows import OpenPage
from playwright.sync_api import Page, expect
from screens import show_tab

from booking_core import Account, Policy, Role, add_account, get_account, save_policy

PASSWORD = "four horses in a field"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


@pytest.fixture(scope="module")
def sign_in_app(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AppServer, School]]:
    with running_app(tmp_path_factory.mktemp("home"), mongod_uri) as both:
        yield both


@pytest.fixture
def app(sign_in_app: tuple[AppServer, School], school: School) -> AppServer:
    return sign_in_app[0]


@pytest.fixture
def school(sign_in_app: tuple[AppServer, School]) -> School:
    sign_in_app[1].reset()
    sign_in_app[1].forget_tokens()
    return sign_in_app[1]


@pytest.fixture
def asha(school: School) -> str:
    """The id of a new principal with PASSWORD."""
    return added(school, "asha", Role.PRINCIPAL)


def added(school: School, name: str, role: Role) -> str:
    id = f"{name}{next(_numbers)}"
    add_account(school.db, Account(id, f"{name.capitalize()} Rao", role), password=PASSWORD)
    return id


_numbers = itertools.count(1)


def enter(page: Page, name: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")


def code_of(key: str, steps: int = 0) -> str:
    return pyotp.TOTP(key).at(datetime.now(UTC) + steps * timedelta(seconds=30))


def assert_well_made(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert [f["id"] for f in found if f["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


@pytest.mark.parametrize("size", [{}, PHONE], ids=["desktop", "phone"])
def test_a_second_factor_is_set_up_before_any_screen_and_asked_for_at_sign_in(
    open_page: OpenPage, school: School, asha: str, size: dict
) -> None:
    save_policy(school.db, Policy(second_factor=True), by=ADMIN)
    page = open_page("/bookings", None, **size)
    enter(page, asha)
    heading(page, "Set up a second factor")
    # The address of a screen does not bypass it.
    for address in ("/day-sheet", "/codes", "/bookings"):
        page.goto(page.url.partition("/secondfactor")[0] + address)
        heading(page, "Set up a second factor")
    expect(page.get_by_alt_text("QR code")).to_be_visible()
    assert page.get_by_alt_text("QR code").evaluate("img => img.naturalWidth") > 0
    assert_well_made(page)

    key = str(page.locator("code.key").text_content()).replace(" ", "")
    page.get_by_label("Code").fill("000")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This code is wrong")
    page.get_by_label("Code").fill(code_of(key, -1))
    page.keyboard.press("Enter")
    heading(page, "Your recovery codes")
    expect(page.get_by_role("listitem")).to_have_count(10)
    recovery = page.get_by_role("listitem").first.text_content()
    assert_well_made(page)
    page.get_by_role("link", name="I have kept them").click()
    expect(page).to_have_url(re.compile("/bookings$"))
    heading(page, "Bookings")

    for code in (code_of(key), recovery or ""):
        page.context.clear_cookies()
        page.goto(page.url.partition("/bookings")[0] + "/bookings")
        enter(page, asha)
        heading(page, "Your code")
        expect(page.get_by_label("Code")).to_be_focused()
        assert_well_made(page)
        page.keyboard.type(code)
        page.keyboard.press("Enter")
        heading(page, "Bookings")


def test_a_user_finds_the_page_in_the_sidebar_and_an_admin_resets_it(
    open_page: OpenPage, school: School, asha: str
) -> None:
    page = open_page("/bookings", None)
    enter(page, asha)
    page.get_by_role("link", name="Second factor").click()
    heading(page, "Set up a second factor")
    key = str(page.locator("code.key").text_content()).replace(" ", "")
    page.get_by_label("Code").fill(code_of(key, -1))
    page.keyboard.press("Enter")
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_role("link", name="Second factor").click()
    heading(page, "Your second factor")
    assert_well_made(page)
    page.get_by_role("link", name="Back").click()
    heading(page, "Bookings")

    admin = open_page("/admin", ADMIN.name)
    show_tab(admin, "Accounts")
    admin.get_by_role("button", name=f"Reset the second factor: Asha Rao ({asha})").click()
    admin.get_by_role("button", name="Reset second factor", exact=True).click()
    expect(admin.get_by_text("Second factor reset.")).to_be_visible()

    assert not get_account(school.db, asha).has_second_factor
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_an_open_screen_leads_to_the_set_up_when_an_admin_asks_for_it(
    open_page: OpenPage, school: School
) -> None:
    meena = added(school, "meena", Role.ADMIN)
    page = open_page("/admin", None)
    enter(page, meena)
    show_tab(page, "Settings")
    page.get_by_text("With a second factor", exact=True).click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved. It holds from now on.")).to_be_visible()

    show_tab(page, "Accounts")
    heading(page, "Set up a second factor")
