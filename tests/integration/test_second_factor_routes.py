"""The pages of the second factor over HTTP, of a running app."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pyotp
import pytest
from support import ADMIN, HTTP_SECONDS, eventually

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from app_server import AppServer, School, running_app

from booking_core import (
    Account,
    Policy,
    Role,
    add_account,
    get_account,
    reset_password,
    save_policy,
)
from booking_core.sessions import open_session, session_of
from pages.shared.auth.second_factor import CHALLENGE_COOKIE
from pages.shared.live.address import COOKIE

PASSWORD, OTHER = "four horses in a field", "five horses in a field"
SAME_ORIGIN = {"sec-fetch-site": "same-origin"}
HTML = {"accept": "text/html,application/xhtml+xml"}
_addresses = (f"192.0.2.{n}" for n in itertools.count(1))
_numbers = itertools.count(1)
KEY = re.compile(r'<code class="key">([A-Z2-7 ]+)</code>')
RECOVERY = re.compile(r"<li><code>([a-z2-9-]{11})</code></li>")


@pytest.fixture(scope="module")
def running(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AppServer, School]]:
    home = tmp_path_factory.mktemp("home")
    with running_app(home, mongod_uri, TRUST_PROXY="on", SCHOOL_NAME="Test <b>&school") as both:
        yield both


@pytest.fixture
def school(running: tuple[AppServer, School]) -> School:
    save_policy(running[1].db, Policy(), by=ADMIN)
    return running[1]


@pytest.fixture
def client(running: tuple[AppServer, School]) -> Iterator[httpx.Client]:
    """An HTTP client with a separate address, without failed sign-ins."""
    headers = SAME_ORIGIN | HTML | {"x-forwarded-for": next(_addresses)}
    with httpx.Client(base_url=running[0].url, headers=headers, timeout=HTTP_SECONDS) as browser:
        yield browser


@pytest.fixture
def farah(school: School) -> str:
    """The id of a new admin with PASSWORD."""
    account_id = f"farah{next(_numbers)}"
    add_account(school.db, Account(account_id, "Farah <i>Rao", Role.ADMIN), password=PASSWORD)
    return account_id


def code_of(key: str, steps: int = 0) -> str:
    return pyotp.TOTP(key).at(datetime.now(UTC) + steps * timedelta(seconds=30))


def post_sign_in(client: httpx.Client, name: str, password: str = PASSWORD) -> httpx.Response:
    return client.post("/signin", data={"name": name, "password": password, "next": "/bookings"})


def key_on(page: httpx.Response) -> str:
    [shown] = KEY.findall(page.text)
    return str(shown).replace(" ", "")


def set_up(client: httpx.Client, name: str) -> tuple[str, list[str]]:
    """Signs in and sets up a second factor, a step back: so the code of now is not used up."""
    assert post_sign_in(client, name).headers["location"] == "/bookings"
    key = key_on(client.get("/secondfactor"))
    shown = client.post("/secondfactor", data={"code": code_of(key, -1), "next": "/reports"})
    assert shown.status_code == 200
    return key, RECOVERY.findall(shown.text)


def test_set_up_and_sign_in_over_http(client: httpx.Client, farah: str, school: School) -> None:
    key, codes = set_up(client, farah)
    own = client.cookies[COOKIE]
    assert len(codes) == 10
    assert session_of(school.db, own) is not None
    client.cookies.clear()

    asked = post_sign_in(client, farah)
    assert COOKIE not in asked.cookies
    assert asked.headers["location"] == "/signin/code?next=%2Fbookings"
    flags = {one.lower() for one in asked.headers["set-cookie"].split("; ")[1:]}
    assert flags == {"httponly", "samesite=lax", "path=/", "max-age=300"}
    page = client.get(asked.headers["location"])
    assert "6 digits" in page.text
    wrong = client.post("/signin/code", data={"code": "12", "next": "/bookings"})
    assert (wrong.status_code, "This code is wrong" in wrong.text) == (401, True)
    done = client.post("/signin/code", data={"code": code_of(key), "next": "/bookings"})

    assert (done.status_code, done.headers["location"]) == (303, "/bookings")
    assert session_of(school.db, done.cookies[COOKIE]).account.id == farah  # type: ignore[union-attr]
    assert CHALLENGE_COOKIE not in client.cookies
    again = client.post("/signin/code", data={"code": codes[0]})
    assert again.status_code == 401


def test_the_challenge_opens_no_screen_and_no_other_page(
    client: httpx.Client, farah: str, school: School
) -> None:
    set_up(client, farah)
    client.cookies.clear()
    post_sign_in(client, farah)
    challenge = client.cookies[CHALLENGE_COOKIE]
    client.cookies.clear()
    client.cookies.set(COOKIE, challenge)

    for path in ("/book", "/admin", "/secondfactor", "/password", "/sessions"):
        assert client.get(path).headers["location"].startswith("/signin"), path


def test_five_wrong_codes_lead_back_to_the_password(
    client: httpx.Client, farah: str, school: School
) -> None:
    set_up(client, farah)
    client.cookies.clear()
    post_sign_in(client, farah)

    pages = [client.post("/signin/code", data={"code": "999"}) for _ in range(5)]

    assert [page.status_code for page in pages] == [401] * 5
    assert "Sign in again" in pages[-1].text
    assert client.get("/signin/code").headers["location"].startswith("/signin?next=")


def test_a_form_of_another_site_sets_nothing_up(
    client: httpx.Client, farah: str, school: School
) -> None:
    post_sign_in(client, farah)
    key = key_on(client.get("/secondfactor"))

    for path in ("/secondfactor", "/signin/code"):
        refused = client.post(
            path, data={"code": code_of(key)}, headers={"sec-fetch-site": "cross-site"}
        )
        assert refused.status_code == 403

    assert not get_account(school.db, farah).has_second_factor


def test_the_pages_load_no_script_and_escape_what_was_typed(
    client: httpx.Client, farah: str, school: School
) -> None:
    post_sign_in(client, farah)
    page = client.get("/secondfactor?next=/book")

    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert "<script" not in page.text
    assert "<b>&school" not in page.text
    assert 'src="data:image/svg+xml' in page.text
    assert "otpauth://totp/" in page.text


def test_when_the_school_asks_for_it_no_screen_opens_before_it_is_set_up(
    client: httpx.Client, farah: str, school: School
) -> None:
    save_policy(school.db, Policy(second_factor=True), by=ADMIN)

    def asked() -> str:
        client.cookies.clear()
        return str(post_sign_in(client, farah).headers["location"])

    eventually(lambda: asked() == "/secondfactor?next=%2Fbookings")
    page = client.get("/secondfactor?next=/bookings")
    assert "Your school asks" in page.text
    done = client.post("/secondfactor", data={"code": code_of(key_on(page)), "next": "/bookings"})
    assert 'href="/bookings"' in done.text


def test_a_one_time_password_is_changed_before_the_second_factor_is_set_up(
    client: httpx.Client, farah: str, school: School
) -> None:
    save_policy(school.db, Policy(second_factor=True), by=ADMIN)
    once = reset_password(school.db, farah, by=None)
    first = post_sign_in(client, farah, once)
    assert first.headers["location"].startswith("/password?next=")

    changed = client.post("/password", data={"old": once, "new": OTHER, "again": OTHER})

    assert changed.headers["location"].startswith("/secondfactor?next=")


def test_new_codes_and_turning_off_ask_for_a_proof(
    client: httpx.Client, farah: str, school: School
) -> None:
    _, codes = set_up(client, farah)
    assert "10 recovery codes of 10 left" in client.get("/secondfactor").text

    wrong = client.post("/secondfactor", data={"do": "off", "password_or_code": OTHER})
    assert (wrong.status_code, "not your password" in wrong.text) == (422, True)
    renewed = client.post("/secondfactor", data={"do": "codes", "password_or_code": PASSWORD})
    assert not set(RECOVERY.findall(renewed.text)) & set(codes)
    assert (
        client.post("/secondfactor", data={"do": "x", "password_or_code": PASSWORD}).status_code
        == 400
    )
    off = client.post(
        "/secondfactor", data={"do": "off", "password_or_code": PASSWORD, "next": "/book"}
    )

    assert off.headers["location"] == "/book"
    assert not get_account(school.db, farah).has_second_factor
    assert "Set up a second factor" in client.get("/secondfactor").text


def test_staff_and_accounts_without_a_password_set_up_nothing(
    client: httpx.Client, school: School
) -> None:
    number = next(_numbers)
    add_account(school.db, Account(f"s{number}", "Staff", Role.STAFF), password=PASSWORD)
    for name in (f"s{number}", "admin"):
        client.cookies.set(COOKIE, open_session(school.db, name))
        refused = client.get("/secondfactor")
        assert refused.status_code == 403
        assert "principals and admins" in refused.text


def test_many_wrong_codes_are_answered_with_the_wait(
    client: httpx.Client, farah: str, school: School
) -> None:
    post_sign_in(client, farah)
    key = key_on(client.get("/secondfactor"))
    for _ in range(5):
        assert client.post("/secondfactor", data={"code": "12"}).status_code == 422

    late = client.post("/secondfactor", data={"code": code_of(key)})

    assert late.status_code == 429
    assert int(late.headers["retry-after"]) > 0
    assert key_on(late) == key
