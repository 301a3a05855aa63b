"""Mail on the screens: the page of a user's wish, and the test mail on Health."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from app_server import ADMIN, JOSEPH, AppServer, School, running_app
from axe_playwright_python.sync_playwright import Axe
from browser_windows import OpenPage
from playwright.sync_api import expect
from screens import show_tab

from booking_core import MailWish, change_account, get_account

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))
from smtp_server import SmtpServer, smtp_server


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
    ) as both:
        yield both


@pytest.fixture
def app(mail_app: tuple[AppServer, School]) -> AppServer:
    return mail_app[0]


@pytest.fixture
def school(mail_app: tuple[AppServer, School]) -> School:
    mail_app[1].reset()
    return mail_app[1]


def test_a_user_chooses_one_mail_a_day_and_returns_to_the_screen_of_before(
    school: School, open_page: OpenPage
) -> None:
    change_account(school.db, JOSEPH.id, email="joseph@school.example", by=ADMIN)
    page = open_page("/bookings", JOSEPH.name)
    page.get_by_role("link", name="Mail", exact=True).click()
    expect(page.get_by_role("heading", name="Mail")).to_be_visible()
    expect(page.get_by_text("To joseph@school.example")).to_be_visible()
    expect(page.get_by_role("radio", name="At once")).to_be_checked()
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []

    page.get_by_role("radio", name="Once a day").check()
    page.get_by_role("button", name="Save").click()

    page.wait_for_url("**/bookings*")
    assert get_account(school.db, JOSEPH.id).mail is MailWish.DAILY


def test_without_an_address_the_page_says_so(school: School, open_page: OpenPage) -> None:
    change_account(school.db, JOSEPH.id, email=None, by=ADMIN)
    page = open_page("/mail", JOSEPH.name)

    expect(page.get_by_text("Your account has no e-mail address")).to_be_visible()
    expect(page.get_by_role("radio")).to_have_count(0)


def test_an_admin_sends_a_test_mail_and_reads_the_answer(
    school: School, open_page: OpenPage, server: SmtpServer
) -> None:
    server.answers["gone@school.example"] = "550 No such user"
    page = open_page("/admin", ADMIN.name)
    show_tab(page, "Health")
    address = page.get_by_label("Address for a test mail")
    said = {
        "nobody": "The e-mail address is no e-mail address.",
        "gone@school.example": "did not take the mail: 550 No such user.",
        "farah@school.example": "The mail server has taken the mail.",
    }
    for typed, answer in said.items():
        address.fill(typed)
        page.get_by_role("button", name="Send a test mail").click()
        expect(page.get_by_text(answer)).to_be_visible()

    assert server.recipients == ["farah@school.example"]
