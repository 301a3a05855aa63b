"""The accounts of the demo: they open by the link on the console, on this computer only."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support import HTTP_SECONDS

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from app_server import SAME_ORIGIN, AppServer

from pages.shared.live.address import COOKIE

ADMIN = {"account": "admin"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    home = tmp_path_factory.mktemp("home")
    # With a trusted proxy requests for every host are answered, so the demo has to look at it.
    server = AppServer(home, {"DATA_DIRECTORY": str(home / "data"), "TRUST_PROXY": "on"})
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def browser(app: AppServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=app.url, headers=SAME_ORIGIN, timeout=HTTP_SECONDS) as client:
        yield client


def test_the_link_opens_the_accounts_and_a_second_browser_needs_the_next_link(app, browser):
    link = app.demo_link()
    opened = browser.get(link, follow_redirects=True)

    assert "Meera Nair" in opened.text
    assert browser.post("/signin/demo", data=ADMIN).cookies[COOKIE]
    assert browser.get(link).status_code == 303  # the same browser loads it again
    assert httpx.get(link).status_code == 403
    assert app.demo_link() != link
    assert httpx.get(app.demo_link()).status_code == 303


def test_a_request_that_only_names_this_computer_opens_nothing(app, browser):
    headers = {"host": f"127.0.0.1:{app.port}"}
    guessed = headers | {"cookie": "ground_booking_demo=" + "x" * 32}

    assert browser.post("/signin/demo", data=ADMIN, headers=headers).status_code == 404
    assert browser.post("/signin/demo", data=ADMIN, headers=guessed).status_code == 404
    assert browser.get("/signin/demo").status_code == 403
    assert browser.get("/signin/demo", params={"key": "x" * 32}).status_code == 403
    page = browser.get("/signin").text
    assert "Meera" not in page
    assert "open the link that is printed where the dashboard was started" in page


def test_a_look_at_the_link_does_not_spend_it(app, browser):
    link = app.demo_link()

    assert browser.head(link).status_code == 403
    assert browser.get(link).status_code == 303


@pytest.mark.parametrize(
    "away",
    [
        {"host": "grounds.school.example"},
        {"host": "127.0.0.1.school.example:{port}"},
        {"x-forwarded-for": "127.0.0.1"},
        {"x-forwarded-proto": "https"},
        {"x-forwarded-host": "grounds.school.example"},
        {"x-real-ip": "127.0.0.1"},
        {"forwarded": "for=127.0.0.1"},
        {"via": "1.1 proxy"},
        {"true-client-ip": "127.0.0.1"},
    ],
    ids=str,
)
def test_behind_a_proxy_neither_link_nor_cookie_opens_the_demo(app, browser, away):
    away = {name: value.replace("{port}", str(app.port)) for name, value in away.items()}
    link = app.demo_link()

    assert browser.get(link, headers=away).status_code == 404
    browser.get(link)
    assert browser.post("/signin/demo", data=ADMIN, headers=away).status_code == 404
    assert "Meera" not in browser.get("/signin", headers=away).text


def test_a_form_of_another_site_opens_no_account(app, browser):
    browser.get(app.demo_link())
    browser.headers["sec-fetch-site"] = "cross-site"

    assert browser.post("/signin/demo", data=ADMIN).status_code == 403
