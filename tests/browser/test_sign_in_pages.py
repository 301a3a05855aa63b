"""Signing in and out in the browser, and the effect on open screens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from app_server import HEAD, JOSEPH, AppServer, School, running_app, sign_in_browser, today
from axe_playwright_python.sync_playwright import Axe
from browser_windows import OpenPage
from playwright.sync_api import Page, WebSocketRoute, expect
from screens import TICK, confirm_button, fill_form, open_review, row
from support import active
from tls_proxy import TlsProxy

from booking_core import (
    Account,
    Role,
    add_account,
    change_account,
    delegate,
    end_delegation,
    reset_password,
)
from pages.shared.live.address import COOKIE

PASSWORD, OTHER = "four horses in a field", "five horses in a field"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
REDIRECTED = re.compile(r"/signin\?next=")


@pytest.fixture(scope="module")
def sign_in_app(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AppServer, School]]:
    with running_app(tmp_path_factory.mktemp("home"), mongod_uri) as both:
        for name in ("asha", "ravi", "devi"):
            account = Account(name, f"{name.capitalize()} Rao", Role.STAFF)
            add_account(both[1].db, account, password=PASSWORD)
        yield both


@pytest.fixture
def app(sign_in_app: tuple[AppServer, School], school: School) -> AppServer:
    return sign_in_app[0]


@pytest.fixture
def school(sign_in_app: tuple[AppServer, School]) -> School:
    sign_in_app[1].reset()
    sign_in_app[1].forget_tokens()
    return sign_in_app[1]


def enter(page: Page, name: str, password: str = PASSWORD) -> None:
    """Signs in by keyboard alone: the name field has the focus."""
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")


def has_violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f["id"] for f in found if f["impact"] in ("serious", "critical")]


def test_sign_in_leads_to_the_requested_screen_and_lasts(
    app: AppServer, open_page: OpenPage
) -> None:
    page = open_page("/bookings", None)
    expect(page).to_have_url(REDIRECTED)
    enter(page, "asha", "not the password")
    expect(page.get_by_role("alert")).to_contain_text("do not go together")
    expect(page.get_by_label("Name")).to_have_value("asha")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("/bookings$"))
    expect(page.get_by_text("Asha Rao")).to_be_visible()
    assert COOKIE not in page.evaluate("document.cookie")

    page.reload()
    expect(page.get_by_text("Asha Rao")).to_be_visible()
    app.close()
    app.start()
    page.reload()
    expect(page.get_by_text("Asha Rao")).to_be_visible()


def test_over_tls_a_browser_keeps_the_cookie_with_the_prefix_and_a_planted_one_opens_nothing(
    mongod_uri: str, tmp_path: Path, open_window: OpenPage
) -> None:
    with running_app(tmp_path, mongod_uri, PUBLIC_URL="https://127.0.0.1") as (app, school):
        add_account(school.db, Account("asha", "Asha Rao", Role.STAFF), password=PASSWORD)
        proxy = TlsProxy(app.port)
        try:
            page = open_window(f"{proxy.url}/book", None, ignore_https_errors=True)
            planted = {"name": COOKIE, "value": school.token("meera"), "url": app.url}
            page.context.add_cookies([planted])  # without TLS; a browser sends it over TLS too
            page.reload()
            expect(page).to_have_url(REDIRECTED)
            enter(page, "asha", PASSWORD)
            expect(page.get_by_text("Asha Rao")).to_be_visible()

            kept = {str(c["name"]): c for c in page.context.cookies(proxy.url)}
            assert COOKIE not in kept
            assert kept[f"__Host-{COOKIE}"]["secure"]
            page.get_by_role("button", name="Sign out").click()
            expect(page).to_have_url(re.compile("/signin$"))
            assert f"__Host-{COOKIE}" not in str(page.context.cookies(proxy.url))
        finally:
            proxy.close()


@pytest.mark.parametrize("size", [{}, PHONE], ids=["desktop", "phone"])
def test_the_sign_in_page_is_accessible_and_every_screen_leads_to_it(
    open_page: OpenPage, school: School, size: dict
) -> None:
    reset_password(school.db, "devi", by=None)
    sign_in = open_page("/signin", None, **size)
    change = open_page("/signin", None, **size)
    change.context.add_cookies(
        [{"name": COOKIE, "value": school.token("devi"), "url": change.url.rpartition("/")[0]}]
    )
    change.goto(change.url.replace("signin", "password"))

    for page in (sign_in, change):
        assert has_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_one_time_password_is_changed_before_any_screen_opens(
    open_page: OpenPage, school: School
) -> None:
    one_time = reset_password(school.db, "ravi", by=None)
    page = open_page("/bookings", None)
    enter(page, "ravi", one_time)
    expect(page.get_by_role("heading", name="Choose a new password")).to_be_visible()
    # The address of a screen does not bypass it either.
    for address in ("/day-sheet", "/sheet-changes?at=0", "/codes", "/book"):
        page.goto(page.url.partition("/password")[0] + address)
        expect(page.get_by_role("heading", name="Choose a new password")).to_be_visible()

    page.get_by_label("Password that you have now").fill(one_time)
    page.get_by_label("New password", exact=True).fill(OTHER)
    page.get_by_label("New password, once more").fill(OTHER)
    page.get_by_role("button", name="Change password").click()

    expect(page.get_by_role("heading", name="Book a ground")).to_be_visible()
    expect(page.get_by_role("link", name="Change password")).to_be_visible()


def test_a_second_tab_is_led_to_sign_in_when_the_first_signs_out(
    open_page: OpenPage, school: School
) -> None:
    first = open_page("/book")
    second = first.context.new_page()
    second.goto(first.url.replace("/book", "/bookings?x=1"))
    expect(second.get_by_role("heading", name="Bookings", exact=True)).to_be_visible()
    wall = first.context.new_page()
    wall.goto(first.url.replace("/book", "/wall"))
    expect(wall.get_by_role("article").filter(has_text="Ground 1")).to_be_visible()

    first.get_by_role("button", name="Sign out").click()

    expect(first.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(second).to_have_url(re.compile(r"/signin\?next=%2Fbookings"), timeout=TICK)
    first.go_back()
    expect(first.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(wall.get_by_role("article").filter(has_text="Ground 1")).to_be_visible()


def test_a_disabled_account_loses_its_open_screens_at_once(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/bookings", JOSEPH.name)
    expect(page.get_by_text("You have no bookings ahead")).to_be_visible()
    try:
        change_account(school.db, "joseph", active=False, by=None)

        expect(page).to_have_url(REDIRECTED, timeout=TICK)
    finally:
        change_account(school.db, "joseph", active=True, by=None)


def test_a_stale_screen_of_a_user_whose_role_changed_books_nothing(
    open_page: OpenPage, app: AppServer, school: School
) -> None:
    page = open_page("/wall", who=None)
    sign_in_browser(page.context, app.url, JOSEPH.name)
    dropped: list[bytes] = []
    is_held = False

    def route(socket: WebSocketRoute) -> None:
        """Forwards the press to the server, and drops the server's messages to the page."""
        server = socket.connect_to_server()
        server.on_message(lambda m: dropped.append(m) if is_held else socket.send(m))

    page.route_web_socket(re.compile("/(live|_stcore/stream)"), route)
    page.goto(f"{app.url}/book")
    fill_form(page, 14, "S001")
    open_review(page)
    is_held = True
    try:
        change_account(school.db, "joseph", role=Role.PRINCIPAL, by=None)
        confirm_button(page).click()
        answered = (b"leave", b"held and waiting")
        for _ in range(400):  # the browser's events are delivered while it waits
            if any(
                word in bytes(m) for m in dropped for word in answered if not isinstance(m, str)
            ):
                break
            page.wait_for_timeout(50)

        assert active(school.db) == []
        page.goto(f"{app.url}/book")
        is_held = False
        expect(page).to_have_url(REDIRECTED)
        expect(page.get_by_text("You were signed out")).to_be_visible()
    finally:
        change_account(school.db, "joseph", role=Role.STAFF, by=None)


def test_the_queue_appears_and_disappears_with_a_delegation(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=1, start=14)
    page = open_page("/bookings", JOSEPH.name)
    expect(row(page, "Student 1")).to_be_visible()
    link = page.get_by_role("link", name="Approvals")
    expect(link).to_have_count(0)

    given = delegate(school.db, to="joseph", first=today(), last=today(), by=HEAD)
    expect(link).to_be_visible(timeout=TICK)
    link.click()
    expect(page.get_by_role("button", name="Approve: Student 1")).to_be_enabled()

    end_delegation(school.db, given.id, by=HEAD)
    expect(link).to_have_count(0, timeout=TICK)
    expect(page.get_by_role("heading", name="Approvals is not open to you")).to_be_visible()


@pytest.mark.parametrize("size", [{}, PHONE], ids=["desktop", "phone"])
def test_a_user_finds_the_own_sessions_and_signs_out_another_browser(
    open_page: OpenPage, school: School, size: dict
) -> None:
    other = open_page("/signin", None)
    enter(other, "asha")
    expect(other.get_by_role("heading", name="Book a ground")).to_be_visible()
    page = open_page("/signin", None, **size)
    enter(page, "asha")
    expect(page.get_by_role("heading", name="Book a ground")).to_be_visible()
    if size:
        page.get_by_test_id("stExpandSidebarButton").click()

    page.get_by_role("link", name="Where you are signed in").click()

    expect(page.get_by_role("heading", name="Where you are signed in")).to_be_visible()
    expect(page.get_by_text("This browser")).to_have_count(1)
    assert has_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.get_by_role("button", name="Sign out all others").click()
    expect(page.get_by_text("You are signed in nowhere else.")).to_be_visible()
    expect(other).to_have_url(REDIRECTED)
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_role("heading", name="Book a ground")).to_be_visible()
