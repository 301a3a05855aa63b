"""The cookies over TLS: their prefix, and what becomes of cookies that were planted."""

from __future__ import annotations

import contextlib
import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from streamlit_client import is_redirected, messages_sent
from support import HTTP_SECONDS
from websockets.sync.client import connect as open_socket

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from app_server import AppServer, School, running_app

from booking_core import Account, Role, add_account
from pages.shared.auth.device_cookie import DEVICE_COOKIE
from pages.shared.live.address import COOKIE

PASSWORD = "four horses in a field"
TLS = {"x-forwarded-proto": "https"}
PLACES_OF_ONE = 2  # live connections of one account
HTML = {"accept": "text/html,application/xhtml+xml"}
SAME_ORIGIN = {"sec-fetch-site": "same-origin"}
_numbers = itertools.count(1)


@pytest.fixture(scope="module", params=["", "grounds"], ids=["root", "base path"])
def running(
    request: pytest.FixtureRequest, mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AppServer, School, str]]:
    """An app, its school, and the prefix of its cookies."""
    home, base = tmp_path_factory.mktemp("home"), {"STREAMLIT_SERVER_BASE_URL_PATH": request.param}
    places = {"TRUST_PROXY": "on", "LIVE_CONNECTIONS": str(10 * PLACES_OF_ONE)}
    with running_app(home, mongod_uri, **places, **base) as (app, school):
        school.book(student=1, start=14)
        yield app, school, "__Secure-" if request.param else "__Host-"


@pytest.fixture
def client(running: tuple[AppServer, School, str]) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=running[0].url, headers=SAME_ORIGIN, timeout=HTTP_SECONDS
    ) as browser:
        yield browser


def sign_in(client: httpx.Client, school: School, headers: dict[str, str]) -> list[str]:
    """Signs a new account in; returns the cookies that are set, each with its attributes."""
    name = f"asha{next(_numbers)}"
    add_account(school.db, Account(name, "Asha Rao", Role.STAFF), password=PASSWORD)
    form = {"name": name, "password": PASSWORD}
    answer = client.post("/signin", data=form, headers=headers)
    assert answer.status_code == 303
    return answer.headers.get_list("set-cookie")


def value_of(cookies: list[str], name: str) -> str:
    [value] = [c.partition("=")[2].partition(";")[0] for c in cookies if c.startswith(f"{name}=")]
    return value


def is_signed_in(client: httpx.Client, cookie: bytes | str, headers: dict[str, str]) -> bool:
    raw = cookie.encode() if isinstance(cookie, str) else cookie
    asked = [(k.encode(), v.encode()) for k, v in (HTML | headers).items()] + [(b"cookie", raw)]
    return client.get("/book", headers=asked).status_code == 200


def test_over_tls_both_cookies_have_the_prefix_and_the_plain_one_is_deleted(running, client):
    _, school, prefix = running

    cookies = sign_in(client, school, TLS)

    path = "Path=/grounds" if prefix == "__Secure-" else "Path=/"
    for name in (COOKIE, DEVICE_COOKIE):
        [attributes] = [c.split("; ") for c in cookies if c.startswith(f"{prefix}{name}=")]
        assert {path, "Secure", "HttpOnly"} <= set(attributes)
        assert not [a for a in attributes if a.lower().startswith("domain")]
        assert value_of(cookies, name) == '""'


def test_without_tls_the_cookies_have_no_prefix(running, client):
    cookies = sign_in(client, running[1], {})

    assert [c.partition("=")[0] for c in cookies] == [COOKIE, DEVICE_COOKIE]


@pytest.mark.parametrize("scheme", ["https", "wss"])
def test_over_tls_the_cookie_with_the_prefix_opens_screens_and_live_updates(
    running, client, scheme
):
    app, school, prefix = running
    token = value_of(sign_in(client, school, TLS), prefix + COOKIE)
    headers = {"x-forwarded-proto": scheme, "cookie": f"{prefix}{COOKIE}={token}"}

    assert is_signed_in(client, headers["cookie"], TLS)
    assert "Student 1" in messages_sent(app, None, "bookings", headers)


def test_a_cookie_that_was_planted_without_tls_signs_nobody_in(running, client):
    app, school, prefix = running
    token = school.token("meera")
    planted: list[bytes] = [
        f"{COOKIE}={token}".encode(),
        # A host of the domain can set these names. Some parsers strip the first byte.
        *(
            space + f"{prefix}{COOKIE}={token}".encode()
            for space in (b"\xa0", b"\x85", b"\xc2\xa0", "\u2000".encode())
        ),
    ]

    for cookie in planted:
        assert not is_signed_in(client, cookie, TLS), cookie
        headers = TLS | {"cookie": cookie.decode("latin-1")}
        assert is_redirected(messages_sent(app, None, "bookings", headers)), cookie
    assert is_signed_in(client, planted[0], {})


def test_a_planted_cookie_takes_no_place_of_its_account(running):
    app, school, _ = running
    url = app.url.replace("http", "ws", 1) + "/live"
    planted = TLS | {"cookie": f"{COOKIE}={school.token('meera')}"}

    with contextlib.ExitStack() as stay:
        for number in range(PLACES_OF_ONE + 1):
            headers = planted | {"x-forwarded-for": f"192.0.2.{number}"}
            screen = stay.enter_context(open_socket(url, additional_headers=headers))
            assert "version" in json.loads(screen.recv(timeout=20))


def test_the_cookie_with_the_prefix_is_read_before_a_plain_one(running):
    app, school, prefix = running
    plain, prefixed = (f"{COOKIE}={school.token(who)}" for who in ("meera", "joseph"))

    for headers in ({}, TLS):
        cookies = {"cookie": f"{plain}; {prefix}{prefixed}"}
        sent = messages_sent(app, None, "bookings", headers | cookies)
        assert "Joseph Mathew" in sent


def test_sign_out_ends_the_session_and_deletes_every_variant(running, client):
    _, school, prefix = running
    token = value_of(sign_in(client, school, TLS), prefix + COOKIE)
    cookie = f"{prefix}{COOKIE}={token}"
    client.cookies.clear()

    answer = client.post("/signout", headers=TLS | {"cookie": cookie})

    deleted = answer.headers.get_list("set-cookie")
    assert {value_of(deleted, COOKIE), value_of(deleted, prefix + COOKIE)} == {'""'}
    [attributes] = [c.split("; ") for c in deleted if c.startswith(prefix)]
    assert "Secure" in attributes  # a browser ignores the deletion without it
    assert not is_signed_in(client, cookie, TLS)


def test_a_planted_device_cookie_is_not_read(running, client):
    _, school, prefix = running
    device = value_of(sign_in(client, school, TLS), prefix + DEVICE_COOKIE)
    client.cookies.clear()

    again = sign_in(client, school, TLS | {"cookie": f"{prefix}{DEVICE_COOKIE}={device}"})
    other = sign_in(client, school, TLS | {"cookie": f"{DEVICE_COOKIE}={device}"})

    assert value_of(again, prefix + DEVICE_COOKIE) == device
    assert value_of(other, prefix + DEVICE_COOKIE) != device
