"""Sign-in through a real identity provider, in the browser."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from app_server import AppServer, School, running_app
from axe_playwright_python.sync_playwright import Axe
from browser_windows import OpenPage
from playwright.sync_api import Page, expect
from screens import LOAD, TICK, row
from support import eventually, http_get

from booking_core import Account, Actor, Role, add_account, change_account, reset_password
from booking_core.sessions import open_session, session_of, sign_out
from pages.shared.live.address import COOKIE

SECRETS = """
[auth]
redirect_uri = "{app}/oauth2callback"
cookie_secret = "only-for-this-test-and-long-enough"
client_id = "ground-booking"
client_secret = "any"
server_metadata_url = "http://localhost:{port}/.well-known/openid-configuration"
"""
LAKSHMI = Actor("lakshmi", Role.STAFF, "Lakshmi Iyer")
CLAIMS = [
    {"sub": "lakshmi", "email": "Lakshmi@school.example", "email_verified": True},
    {"sub": "stranger", "email": "stranger@school.example", "email_verified": True},
    {"sub": "claimant", "email": "lakshmi@school.example", "email_verified": False},
]


@contextmanager
def provider() -> Iterator[int]:
    """The provider's port.

    It is a separate process, because its libraries emit deprecation warnings.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    users = [part for claims in CLAIMS for part in ("--user-claims", json.dumps(claims))]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), *users]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as process:
        try:
            eventually(lambda: _answers(process, port))
            yield port
        finally:
            process.terminate()


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    assert process.poll() is None
    try:
        return http_get(f"http://localhost:{port}/.well-known/openid-configuration").is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def federated(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AppServer, School]]:
    with provider() as port:
        secrets = SECRETS.format(app="{app}", port=port)
        home = tmp_path_factory.mktemp("home")
        with running_app(home, mongod_uri, secrets=secrets, SCHOOL_CONTACT="the office") as both:
            account = Account(LAKSHMI.id, LAKSHMI.name, LAKSHMI.role, "lakshmi@school.example")
            add_account(both[1].db, account)
            # A one-time password from before the provider: the app no longer asks to change it.
            reset_password(both[1].db, LAKSHMI.id, by=None)
            yield both


@pytest.fixture
def app(federated: tuple[AppServer, School]) -> AppServer:
    return federated[0]


@pytest.fixture
def school(federated: tuple[AppServer, School]) -> School:
    federated[1].reset()
    return federated[1]


def enter(page: Page, sub: str) -> None:
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("button", name=sub, exact=True).click()


def cookies(page: Page) -> dict[str, str]:
    """The cookies that this browser sends to the app, as an attacker may have copied them."""
    return {c["name"]: c["value"] for c in page.context.cookies(app_of(page))}


def app_of(page: Page) -> str:
    return "/".join(page.url.split("/")[:3])


def opens_screen(page: Page, url: str) -> bool:
    """Whether a screen opens in the browser of ``page``, rather than the sign-in page."""
    page.goto(url)
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(re.compile("Sign in|Bookings"))
    return heading.inner_text() == "Bookings"


def download(app: AppServer, url: str, shown: dict[str, str]) -> int:
    """The status of a download that is requested with these cookies."""
    return http_get(app.url + url, cookies=shown).status_code


def test_an_id_token_opens_one_session(
    app: AppServer, school: School, open_window: OpenPage
) -> None:
    page = open_window(f"{app.url}/bookings?from=mail", None)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    found = Axe().run(page).response["violations"]
    assert [f["id"] for f in found if f["impact"] in ("serious", "critical")] == []
    enter(page, "lakshmi")

    # The user reaches the screen that the address named.
    expect(page).to_have_url(re.compile(r"/bookings\?from=mail$"))
    expect(page.get_by_text("Lakshmi Iyer").first).to_be_visible(timeout=LOAD)
    expect(page.get_by_role("link", name="Change password")).to_have_count(0)
    [ours] = [c for c in page.context.cookies(app.url) if c["name"] == COOKIE]
    assert (ours["httpOnly"], ours["sameSite"], ours["path"]) == (True, "Lax", "/")
    session = session_of(school.db, ours["value"])
    assert session.account.id == "lakshmi"

    # Downloads need a session.
    school.book(student=1, start=14, by=LAKSHMI)
    expect(row(page, "Student 1")).to_be_visible(timeout=TICK)
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as taken:
        page.get_by_role("button", name="CSV").click()
    file = "/media/" + taken.value.url.rpartition("/media/")[2]
    copied = cookies(page)
    assert [download(app, file, shown) for shown in (copied, {})] == [200, 404]
    page.keyboard.press("Escape")

    page.get_by_role("button", name="Sign out").click()
    # The provider's session ends too, and the way back leads to the sign-in page.
    page.wait_for_url(re.compile("end_session"))
    assert COOKIE not in {c["name"] for c in page.context.cookies(app.url)}
    page.get_by_role("button", name="End session").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert session_of(school.db, ours["value"]) is None

    # An attacker who copied all cookies before that is not signed in.
    page.context.add_cookies(
        [{"name": name, "value": value, "url": app.url} for name, value in copied.items()]
    )
    assert not opens_screen(page, f"{app.url}/bookings")
    expect(page.get_by_text("You were signed out")).to_be_visible()
    assert download(app, file, copied) == 404


def test_a_session_ends_idle_or_with_its_account_and_a_new_id_token_opens_another(
    app: AppServer, school: School, open_window: OpenPage
) -> None:
    page = open_window(f"{app.url}/bookings", None)
    enter(page, "lakshmi")
    expect(page.get_by_text("Lakshmi Iyer").first).to_be_visible(timeout=LOAD)

    past = datetime.now(UTC) - timedelta(seconds=1)
    mine = {"account_id": "lakshmi"}
    assert school.db["sessions"].update_many(mine, {"$set": {"expires_at": past}}).matched_count
    sign_out(school.db, open_session(school.db, "meera"))  # so that this process reads it again
    expect(page.get_by_text("You were signed out")).to_be_visible(timeout=TICK)
    assert not opens_screen(page, f"{app.url}/bookings")

    enter(page, "lakshmi")
    expect(page.get_by_text("Lakshmi Iyer").first).to_be_visible(timeout=LOAD)
    expect(page).to_have_url(re.compile("/bookings$"))
    change_account(school.db, "lakshmi", active=False, by=None)
    try:
        expect(page.get_by_text("You were signed out")).to_be_visible(timeout=TICK)
        enter(page, "lakshmi")
        expect(page.get_by_text("Ask the office for one")).to_be_visible(timeout=LOAD)
        expect(page.get_by_role("heading", name="Bookings")).to_have_count(0)
    finally:
        change_account(school.db, "lakshmi", active=True, by=None)
    page.get_by_role("link", name="Use another account").click()
    page.get_by_role("button", name="End session").click()
    enter(page, "lakshmi")
    expect(page.get_by_text("Lakshmi Iyer").first).to_be_visible(timeout=LOAD)


@pytest.mark.parametrize(
    ("sub", "shown"),
    [
        ("stranger", "There is no account here for"),
        ("claimant", "is not verified by its provider. Ask the office"),
    ],
)
def test_an_unknown_account_or_an_unverified_address_is_refused(
    app: AppServer, open_window: OpenPage, sub: str, shown: str
) -> None:
    page = open_window(f"{app.url}/book", None)
    enter(page, sub)

    expect(page.get_by_text(shown)).to_be_visible(timeout=LOAD)
    expect(page.get_by_role("link", name="Use another account")).to_be_visible()
    expect(page.get_by_role("link", name="Bookings")).to_have_count(0)
    assert COOKIE not in cookies(page)


def test_a_user_who_declines_at_the_provider_reads_so(
    app: AppServer, open_window: OpenPage
) -> None:
    page = open_window(f"{app.url}/book", None)
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("button", name="Deny").click()

    expect(page.get_by_text("access was declined at the identity provider")).to_be_visible()
    page.get_by_role("link", name="Sign in").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_wall_is_open(app: AppServer, open_window: OpenPage) -> None:
    wall = open_window(f"{app.url}/wall")
    expect(wall.get_by_text("Ground 1", exact=True)).to_be_visible()
