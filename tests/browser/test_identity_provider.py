"""Signing in through an identity provider that really runs, in the browser."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from app_server import AppServer, School, running_app
from conftest import OpenPage
from playwright.sync_api import Page, expect
from screens import LOAD, TICK
from support import eventually

from booking_core import Account, Role, add_account, change_account

SECRETS = """
[auth]
redirect_uri = "{app}/oauth2callback"
cookie_secret = "only-for-this-test-and-long-enough"
client_id = "ground-booking"
client_secret = "any"
server_metadata_url = "http://localhost:{port}/.well-known/openid-configuration"
"""
CLAIMS = [
    {"sub": "lakshmi", "email": "Lakshmi@school.example", "email_verified": True},
    {"sub": "stranger", "email": "stranger@school.example", "email_verified": True},
    {"sub": "claimant", "email": "lakshmi@school.example", "email_verified": False},
]


@contextmanager
def provider() -> Iterator[int]:
    """Its port. A process of its own: it warns of what will change in its libraries."""
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
        return httpx.get(f"http://localhost:{port}/.well-known/openid-configuration").is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def federated(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AppServer, School]]:
    home: Path = tmp_path_factory.mktemp("home")
    with (
        provider() as port,
        running_app(home, mongod_uri, SCHOOL_CONTACT="the office") as (app, school),
    ):
        app.close()
        (home / ".streamlit").mkdir(exist_ok=True)
        secrets = SECRETS.format(app=app.url, port=port)
        (home / ".streamlit" / "secrets.toml").write_text(secrets, encoding="utf-8")
        app.start()
        account = Account("lakshmi", "Lakshmi Iyer", Role.STAFF, "lakshmi@school.example")
        add_account(school.db, account)
        yield app, school


def enter(page: Page, sub: str) -> None:
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name=sub, exact=True).click()


def test_the_verified_address_picks_the_account_and_an_admin_may_take_it_away(
    federated: tuple[AppServer, School], open_window: OpenPage
) -> None:
    app, school = federated
    page = open_window(f"{app.url}/bookings", None)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    enter(page, "lakshmi")
    expect(page.get_by_text("Lakshmi Iyer")).to_be_visible(timeout=LOAD)
    expect(page.get_by_role("heading", name="Book a ground")).to_be_visible()
    expect(page.get_by_role("link", name="Change password")).to_have_count(0)

    change_account(school.db, "lakshmi", active=False, by=None)
    expect(page.get_by_text("Ask the office for one")).to_be_visible(timeout=TICK)
    expect(page.get_by_role("heading", name="Book a ground")).to_have_count(0)
    change_account(school.db, "lakshmi", active=True, by=None)
    page.reload()
    expect(page.get_by_text("Lakshmi Iyer")).to_be_visible()

    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile("end_session|logout|localhost|/$"))
    page.goto(f"{app.url}/book")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(page.get_by_role("heading", name="Book a ground")).to_have_count(0)


@pytest.mark.parametrize(
    ("sub", "told"),
    [
        ("stranger", "There is no account here for"),
        ("claimant", "is not verified by its provider. Ask the office"),
    ],
)
def test_nobody_gets_in_without_an_account_or_with_an_address_that_is_only_claimed(
    federated: tuple[AppServer, School], open_window: OpenPage, sub: str, told: str
) -> None:
    app, _ = federated
    page = open_window(f"{app.url}/book", None)
    enter(page, sub)

    expect(page.get_by_text(told)).to_be_visible(timeout=LOAD)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    expect(page.get_by_role("link", name="Bookings")).to_have_count(0)


def test_the_doors_of_passwords_are_closed_and_the_wall_is_open(
    federated: tuple[AppServer, School], open_window: OpenPage
) -> None:
    app, _ = federated
    ours = {"sec-fetch-site": "same-origin"}
    for path in ("/signin", "/password"):
        assert httpx.get(app.url + path).status_code == 404
    for path in ("/signin", "/signout", "/password", "/signin/demo"):
        assert httpx.post(app.url + path, headers=ours).status_code == 404
    wall = open_window(f"{app.url}/wall")
    expect(wall.get_by_text("Ground 1", exact=True)).to_be_visible()
