"""Signing out while the database is away: the session is over at once, and stays so.

Each app here has a server of its own, which the tests stop and start at the same address.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from streamlit_client import is_redirected, messages_sent
from support import eventually

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from app_server import AppServer, School, running_app

from booking_core import Account, Role, StoreUnavailable, add_account, change_account
from booking_core.embedded import server as mongod
from booking_core.sessions import Session, open_session, session_of
from pages.shared.live.address import COOKIE

PASSWORD, OTHER = "four horses in a field", "five horses in a field"
HTML = {"accept": "text/html,application/xhtml+xml"}
SCREEN_MESSAGE = "Student 1"  # on the list of bookings
PROVIDER = """
[auth]
redirect_uri = "{app}/oauth2callback"
cookie_secret = "a secret of this test only"
client_id = "school"
client_secret = "another secret"
server_metadata_url = "http://127.0.0.1:9/.well-known/openid-configuration"
"""


class OwnServer:
    def __init__(self, data: Path) -> None:
        self._data = data
        self._server = mongod.start(data)
        self.uri = self._server.uri

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """No server answers inside the block."""
        self._server.close()
        try:
            yield
        finally:
            self._server = mongod.start(self._data)
            assert self._server.uri == self.uri

    def close(self) -> None:
        self._server.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServer]:
    own = OwnServer(tmp_path_factory.mktemp("own"))
    yield own
    own.close()


@pytest.fixture(scope="module")
def running(
    server: OwnServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AppServer, School]]:
    with running_app(tmp_path_factory.mktemp("home"), server.uri) as both:
        both[1].book(student=1, start=14)
        add_account(both[1].db, Account("asha", "Asha Rao", Role.STAFF), password=PASSWORD)
        yield both


def browser_of(app: AppServer, token: str | None = None) -> httpx.Client:
    """A browser with this cookie. A busy machine may take long to answer."""
    headers = {"sec-fetch-site": "same-origin"}
    cookies = {} if token is None else {COOKIE: token}
    return httpx.Client(base_url=app.url, headers=headers, cookies=cookies, timeout=60)


def opens(app: AppServer, token: str) -> bool:
    """Whether a browser with this cookie gets a screen, and no redirect to sign-in."""
    with browser_of(app, token) as browser:
        return browser.get("/bookings", headers=HTML).status_code == 200


def assert_signed_out(answer: httpx.Response, to: str = "/signin") -> None:
    assert (answer.status_code, answer.headers["location"]) == (303, to)
    assert f'{COOKIE}=""' in answer.headers["set-cookie"]
    assert "max-age=0" in answer.headers["set-cookie"].lower()


def stored(school: School, token: str) -> Session | None:
    """The session in the database, which may have come back just now.

    This process has not signed it out: the app has, which is another process.
    """

    def look() -> tuple[Session | None] | None:
        try:
            return (session_of(school.db, token),)
        except StoreUnavailable:
            return None

    [session] = eventually(look)
    return session


def test_a_session_that_is_signed_out_while_the_database_is_away_never_opens_a_screen_again(
    running, server
):
    app, school = running
    token, other = open_session(school.db, "asha"), open_session(school.db, "asha")
    assert SCREEN_MESSAGE in messages_sent(app, token, "bookings")
    assert SCREEN_MESSAGE in messages_sent(app, other, "bookings")

    with server.stopped():
        with browser_of(app, token) as browser:
            assert_signed_out(browser.post("/signout"))
        with browser_of(app) as browser:
            assert browser.get("/signin").status_code == 503
        assert not opens(app, token)
        assert is_redirected(messages_sent(app, token, "bookings"))
        assert opens(app, other)

    refused: list[bool] = []

    def is_ended() -> bool:
        refused.append(not opens(app, token))
        return stored(school, token) is None

    eventually(is_ended, within=60)
    assert all(refused)
    assert stored(school, other) is not None
    eventually(lambda: SCREEN_MESSAGE in messages_sent(app, other, "bookings"), within=60)
    assert is_redirected(messages_sent(app, token, "bookings"))
    with browser_of(app, token) as browser:
        assert browser.get("/signin").status_code == 200


def test_a_change_that_the_database_has_missed_is_not_said_to_be_made(running, server):
    app, school = running
    token = open_session(school.db, "asha")
    assert opens(app, token)
    form = {"old": PASSWORD, "new": OTHER, "again": OTHER}

    with server.stopped(), browser_of(app, token) as browser:
        answer = browser.post("/password", data=form)

        assert answer.status_code == 503
        assert "your password was not changed" in answer.text
        assert "refresh" not in answer.headers
        assert "set-cookie" not in answer.headers
        with pytest.raises(StoreUnavailable) as error:
            change_account(school.db, "asha", active=False, by=None)
        assert error.value.nothing_happened
    assert stored(school, token) is not None

    with browser_of(app, token) as browser:

        def changed() -> httpx.Response | None:
            answer = browser.post("/password", data=form)
            return answer if answer.is_redirect else None

        done = eventually(changed, within=60)
    assert done.headers["location"] == "/"
    assert stored(school, done.cookies[COOKIE]).account.id == "asha"
    assert stored(school, token) is None


def test_a_sign_out_before_the_first_connection_ends_the_session_too(running, server):
    app, school = running
    token = open_session(school.db, "asha")
    app.close()

    with server.stopped():
        app.start()
        with browser_of(app, token) as browser:
            assert_signed_out(browser.post("/signout"))

    eventually(lambda: stored(school, token) is None, within=60)
    eventually(lambda: is_redirected(messages_sent(app, token, "bookings")), within=60)
    assert not opens(app, token)


def test_a_sign_out_while_the_database_is_away_goes_on_to_the_identity_provider(
    server, tmp_path_factory
):
    home = tmp_path_factory.mktemp("home")
    with running_app(home, server.uri, secrets=PROVIDER) as (app, school):
        school.book(student=1, start=14)
        token = open_session(school.db, "meera", by_id_token=True)
        assert SCREEN_MESSAGE in messages_sent(app, token, "bookings")

        with server.stopped():
            with browser_of(app, token) as browser:
                assert_signed_out(browser.post("/signout"), "/signout/provider")
            assert SCREEN_MESSAGE not in messages_sent(app, token, "bookings")

        eventually(lambda: stored(school, token) is None, within=60)
        assert SCREEN_MESSAGE not in messages_sent(app, token, "bookings")
