"""The links of mails in a browser: a request is decided, and open screens follow."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from app_server import ADMIN, HEAD, AppServer, School, running_app
from axe_playwright_python.sync_playwright import Axe
from browser_windows import OpenPage
from playwright.sync_api import Page, expect
from screens import TICK, row
from support import eventually

from booking_core import Account, Role, add_account, change_account, get_booking

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))
from smtp_server import SmtpServer, smtp_server

PUBLIC_URL = "http://grounds.school.example"


@pytest.fixture(scope="module")
def server() -> Iterator[SmtpServer]:
    with smtp_server() as running:
        yield running


@pytest.fixture(scope="module")
def mail_app(
    mongod_uri: str, server: SmtpServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AppServer, School]]:
    with running_app(
        tmp_path_factory.mktemp("home"),
        mongod_uri,
        SMTP_HOST="127.0.0.1",
        SMTP_PORT=str(server.port),
        SMTP_SECURITY="none",
        MAIL_FROM="grounds@school.example",
        PUBLIC_URL=PUBLIC_URL,
    ) as both:
        yield both


@pytest.fixture
def app(mail_app: tuple[AppServer, School]) -> AppServer:
    return mail_app[0]


@pytest.fixture
def school(mail_app: tuple[AppServer, School], server: SmtpServer) -> School:
    mail_app[1].reset()
    server.mails.clear()
    return mail_app[1]


def path_in_mail(server: SmtpServer, path: str) -> str:
    """The path of the first link below ``path`` in the next mail."""
    mail = eventually(lambda: next(iter(server.mails), None), within=60)
    found = re.search(rf"{PUBLIC_URL}(/{path}/[\w-]+)", mail.get_body(("plain",)).get_content())
    assert found is not None
    return found[1]


def assert_accessible(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


def test_a_request_is_approved_from_its_mail_and_an_open_screen_follows(
    school: School, server: SmtpServer, app: AppServer, open_page: OpenPage, open_window: OpenPage
) -> None:
    change_account(school.db, HEAD.id, email="head@school.example", by=ADMIN)
    mine = school.book(student=1, start=14)
    approvals = open_page("/approvals", HEAD.name)
    waiting = row(approvals, "Student 1").get_by_role("button", name="Approve")
    expect(waiting).to_be_visible()

    page = open_window(f"{app.url}{path_in_mail(server, 'decide')}", None, locale="en-GB")
    expect(page.get_by_role("heading", name="Decide on a request")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="Approved")).to_be_visible()

    assert get_booking(school.db, mine.id).last_decision.by_mail
    expect(waiting).to_have_count(0, timeout=TICK)


def test_a_forgotten_password_is_set_by_its_mail_and_signs_in(
    school: School, server: SmtpServer, app: AppServer, open_window: OpenPage
) -> None:
    account = Account("asha", "Asha Rao", Role.STAFF, "asha@school.example")
    add_account(school.db, account, password="four horses in a field")
    page = open_window(f"{app.url}/signin", None, locale="en-GB")
    page.get_by_role("link", name="Forgot your password?").click()
    expect(page.get_by_role("heading", name="Forgot your password?")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Name or e-mail address").fill("Asha@school.example")
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Look at your mail")).to_be_visible()

    page.goto(f"{app.url}{path_in_mail(server, 'newpassword')}")
    expect(page.get_by_role("heading", name="Choose a new password")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("New password", exact=True).fill("seven otters on a hill")
    page.get_by_label("New password, once more").fill("seven otters on a hill")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("heading", name="Password changed")).to_be_visible()
    page.get_by_role("link", name="Sign in", exact=True).click()
    page.get_by_label("Name").fill("asha")
    page.get_by_label("Password").fill("seven otters on a hill")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", name="Book")).to_be_visible(timeout=TICK)
