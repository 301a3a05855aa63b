"""The sign-in routes of a running app, attacked over HTTP and over its WebSockets.

The file is long because starting the app is costly, and all attacks share one.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import itertools
import re
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from streamlit_client import SECRETS, is_redirected, messages_sent
from support import HTTP_SECONDS, eventually

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from app_server import AppServer, School, running_app

from booking_core import Account, Role, add_account, change_account, reset_password
from booking_core.access import login_throttle
from booking_core.sessions import open_session, session_of
from pages.shared.auth import forwarding
from pages.shared.auth.device_cookie import DEVICE_COOKIE
from pages.shared.live.address import COOKIE
from pages.shared.live.client import address_of

PASSWORD, OTHER = "four horses in a field", "five horses in a field"
SCHOOL_NAME = "Hill <b>\"&amp;' {{7*7}}"
SAME_ORIGIN = {"sec-fetch-site": "same-origin"}
HTML = {"accept": "text/html,application/xhtml+xml"}
_addresses = (f"192.0.2.{n}" for n in itertools.count(1))


@pytest.fixture(scope="module")
def running(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AppServer, School]]:
    home = tmp_path_factory.mktemp("home")
    names = {"SCHOOL_CONTACT": "Farah <b>", "SCHOOL_NAME": SCHOOL_NAME}
    with running_app(home, mongod_uri, TRUST_PROXY="on", **names) as both:
        both[1].book(student=1, start=14)
        yield both


@pytest.fixture
def school(running: tuple[AppServer, School]) -> School:
    return running[1]


@pytest.fixture
def client(running: tuple[AppServer, School]) -> Iterator[httpx.Client]:
    """An HTTP client with a separate address, without failed sign-ins."""
    headers = SAME_ORIGIN | {"x-forwarded-for": next(_addresses)}
    with httpx.Client(base_url=running[0].url, headers=headers, timeout=HTTP_SECONDS) as browser:
        yield browser


@pytest.fixture(scope="module")
def known(running: tuple[AppServer, School]) -> str:
    """The id of an account with PASSWORD that no test changes: hashing a password takes time."""
    add_account(running[1].db, Account("known", "Known <i>Rao", Role.STAFF), password=PASSWORD)
    return "known"


@pytest.fixture
def asha(school: School) -> str:
    """The id of a new account with PASSWORD."""
    account_id = f"asha{next(_numbers)}"
    add_account(school.db, Account(account_id, "Asha <i>Rao", Role.STAFF), password=PASSWORD)
    return account_id


_numbers = itertools.count(1)


def post_sign_in(client: httpx.Client, name: str, password: str = PASSWORD, **fields: str):
    return client.post("/signin", data={"name": name, "password": password} | fields)


def fail_elsewhere(school: School, name: str, times: int) -> None:
    """Counts failures for the account, as of other addresses, without verifying passwords."""
    for _ in range(times):
        login_throttle.begin(school.db, [("account", name)], datetime.now(UTC))


def test_no_script_reads_the_cookie_and_only_its_hash_is_stored(client, known, school):
    answer = post_sign_in(client, known, next="/bookings?x=1")

    assert (answer.status_code, answer.headers["location"]) == (303, "/bookings?x=1")
    cookie, device = answer.headers.get_list("set-cookie")
    name, _, rest = cookie.partition("=")
    token, _, flags = rest.partition("; ")
    assert name == COOKIE
    assert {f.lower() for f in flags.split("; ")} == {
        "httponly",
        "samesite=lax",
        "path=/",
        "max-age=43200",
    }
    assert session_of(school.db, token).account.id == known
    assert token not in str(list(school.db["sessions"].find()))
    assert re.match(rf"{DEVICE_COOKIE}=.*; HttpOnly; Max-Age=15552000; Path=/; SameSite", device)
    assert answer.cookies[DEVICE_COOKIE] not in str(list(school.db["devices"].find()))
    assert client.get("/signin", headers=HTML).headers["location"] == "/"


def test_the_cookie_is_secure_behind_a_proxy_that_ends_tls(client, known):
    answer = client.post(
        "/signin",
        data={"name": known, "password": PASSWORD},
        headers={"x-forwarded-proto": "https"},
    )

    assert "; secure" in answer.headers["set-cookie"].lower()


def test_a_token_planted_before_sign_in_is_invalid_afterwards(client, known, school):
    planted = school.token("meera")
    school.forget_tokens()
    client.cookies.set(COOKIE, planted)

    answer = post_sign_in(client, known)

    assert answer.cookies[COOKIE] != planted
    assert session_of(school.db, planted) is None


def test_an_unknown_name_and_a_wrong_password_get_the_same_page(client, known):
    wrong, unknown = (
        post_sign_in(client, known, "not the password"),
        post_sign_in(client, "x" + known, PASSWORD),
    )

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text == unknown.text.replace("x" + known, known)
    assert "do not go together" in wrong.text
    assert "set-cookie" not in wrong.headers


@pytest.mark.parametrize("name", ["", "'><script>alert(1)</script>", "a\x00b", "ä" * 300, "{$gt}"])
def test_a_malformed_name_is_refused_and_escaped(client, name):
    answer = post_sign_in(client, name)

    assert answer.status_code == 401
    assert "<script" not in answer.text


def test_guesses_are_delayed_from_one_address_and_from_many(client, asha, school):
    for _ in range(5):
        assert post_sign_in(client, asha, "guess").status_code == 401
    refused = post_sign_in(client, asha)

    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert "Too many tries" in refused.text
    fail_elsewhere(school, asha, 15)
    client.headers["x-forwarded-for"] = next(_addresses)
    assert post_sign_in(client, asha).status_code == 429


def test_made_up_names_at_one_address_keep_nobody_out(client, known):
    for number in range(5):
        assert post_sign_in(client, f"made-up-{number}", "guess").status_code == 401

    assert post_sign_in(client, known).status_code == 303


def test_a_browser_that_has_signed_in_is_not_delayed_by_guesses_elsewhere(
    client, asha, school, running
):
    assert post_sign_in(client, asha).status_code == 303
    assert client.post("/signout").status_code == 303
    with httpx.Client(base_url=running[0].url, headers=SAME_ORIGIN) as guesser:
        fail_elsewhere(school, asha, 20)
        guesser.headers["x-forwarded-for"] = next(_addresses)
        assert post_sign_in(guesser, asha).status_code == 429

    answer = post_sign_in(client, asha)

    assert answer.status_code == 303
    assert answer.cookies[COOKIE]


def test_a_browser_stays_known_after_its_user_has_changed_the_password_there(client, asha, school):
    post_sign_in(client, asha)
    fields = {"old": PASSWORD, "new": OTHER, "again": OTHER}
    assert client.post("/password", data=fields).status_code == 303
    for _ in range(5):
        assert post_sign_in(client, asha, "guess").status_code == 401
    device = client.cookies[DEVICE_COOKIE]
    client.cookies.clear()
    assert post_sign_in(client, asha, OTHER).status_code == 303  # of another key
    client.cookies.clear()
    client.cookies.set(DEVICE_COOKIE, device)

    assert post_sign_in(client, asha, OTHER).status_code == 429  # the guesses were made in it


@pytest.mark.parametrize(
    ("headers", "trusted", "expected"),
    [
        ({}, False, "10.0.0.9"),
        ({"x-forwarded-for": "1.2.3.4"}, False, "forwarded"),
        ({"x-forwarded-for": "5.6.7.8"}, False, "forwarded"),
        ({"x-forwarded-for": "1.2.3.4"}, True, "10.0.0.9"),  # the proxy has set it
    ],
)
def test_an_invented_address_is_ignored_unless_a_proxy_is_trusted(headers, trusted, expected):
    raw = [(k.encode(), v.encode()) for k, v in headers.items()]
    request = Request({"type": "http", "headers": raw, "client": ("10.0.0.9", 1)})

    assert address_of(request, trusted) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("::ffff:10.0.0.9", "10.0.0.9"),
        ("x" * 60_000, "unknown"),
    ],
)
def test_addresses_that_one_client_can_choose_are_one(host, expected):
    request = Request({"type": "http", "headers": [], "client": (host, 1)})

    assert address_of(request, True) == expected


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_a_proxy_that_is_not_trusted_is_logged_once(header, caplog, monkeypatch):
    monkeypatch.setattr(forwarding, "_seen", threading.Event())
    plain, forwarded = (
        Request({"type": "http", "headers": headers})
        for headers in ([], [(header.lower().encode(), b"1.2.3.4")])
    )

    forwarding.note(plain, False)
    forwarding.note(forwarded, True)
    assert (forwarding.is_untrusted(), caplog.messages) == (False, [])
    forwarding.note(forwarded, False)
    forwarding.note(forwarded, False)

    assert forwarding.is_untrusted()
    assert len(caplog.messages) == 1
    assert "set TRUST_PROXY=on" in caplog.text


@pytest.mark.parametrize(
    "path", ["/signin", "/signout", "/password", "/sessions", "/mail", "/signin/demo"]
)
@pytest.mark.parametrize(
    "sent",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {},
    ],
    ids=str,
)
def test_a_form_of_another_site_is_refused(client, known, school, path, sent):
    token = open_session(school.db, known)
    client.cookies.set(COOKIE, token)
    del client.headers["sec-fetch-site"]

    answer = client.post(
        path,
        data={"name": known, "password": PASSWORD, "old": PASSWORD, "new": OTHER, "again": OTHER},
        headers=sent,
    )

    assert answer.status_code == (404 if path == "/signin/demo" else 403)
    assert "set-cookie" not in answer.headers
    assert session_of(school.db, token) is not None


def test_an_old_browser_is_recognised_by_its_origin(client, known):
    del client.headers["sec-fetch-site"]
    client.headers["origin"] = str(client.base_url).rstrip("/")

    assert post_sign_in(client, known).status_code == 303


@pytest.mark.parametrize(
    "to",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "/%2Fevil.example",
        "/%5Cevil.example",
        "/book/../../evil",
        "/book\n//evil",
        " //evil",
        "javascript:alert(1)",
        "/signout",
        "/book?x=\\evil#y",
        "evil.example",
        "/" + "b" * 600,
    ],
)
def test_no_address_redirects_to_another_site(client, school, to):
    client.cookies.set(COOKIE, school.token("meera"))

    assert client.get("/signin", params={"next": to}).headers["location"] == "/"
    assert client.get("/password", params={"next": to}).status_code == 404  # has none


def test_the_form_redirects_to_no_other_site(client, known):
    assert post_sign_in(client, known, next="//evil.example").headers["location"] == "/"


def test_no_response_can_be_framed_or_sniffed(client):
    for path in ("/", "/book", "/signin", "/wall", "/_stcore/health", "/favicon.png", "/nowhere/x"):
        answer = client.get(path, headers=HTML)
        assert answer.headers["x-frame-options"] == "DENY", path
        policy = answer.headers["content-security-policy"].split("; ")
        assert {"frame-ancestors 'none'", "base-uri 'none'"} <= {*policy}, path
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert answer.headers["referrer-policy"] == "same-origin", path
    timer = client.get("/component/streamlit_autorefresh.st_autorefresh/index.html")
    assert timer.headers["x-frame-options"] == "SAMEORIGIN"


def test_the_servers_numbers_are_for_this_computer_alone(running, client):
    with httpx.Client(base_url=running[0].url, timeout=HTTP_SECONDS) as local:
        assert local.get("/_stcore/metrics").status_code == 200
        away = {"host": "grounds.school.example"}
        assert local.get("/_stcore/metrics", headers=away).status_code == 404

    assert client.get("/_stcore/metrics").status_code == 404


def test_the_sign_in_pages_run_no_script_and_escape_all_text(client, known):
    page = client.get("/signin")
    post_sign_in(client, known)
    change = client.get("/password", params={"next": "/book"})

    assert "Farah &lt;b&gt;" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert change.status_code == 200
    assert "<script" not in page.text + change.text
    assert page.headers["cache-control"] == change.headers["cache-control"] == "no-store"


def test_names_with_markup_are_text_on_each_page(client, known):
    school, next_path = "Hill &lt;b&gt;&#34;&amp;amp;&#39; {{7*7}}", "/book?x=<b>&y={{7*7}}"
    wrong = post_sign_in(client, SCHOOL_NAME, "not the password", next=next_path)
    refused = client.post("/signin", data={}, headers={"sec-fetch-site": "cross-site"})
    post_sign_in(client, known)
    own = [
        client.get(path, params={"next": next_path})
        for path in ("/password", "/sessions", "/codes", "/day-sheet")
    ]

    assert [page.status_code for page in (wrong, refused, *own)] == [401, 403, 200, 200, 200, 200]
    for page in (wrong, refused, *own):
        assert school in page.text
        assert "<b>{{" not in page.text
        assert '<b>"' not in page.text
    for page in (wrong, own[0]):
        assert 'name="next" value="/book?x=&lt;b&gt;&amp;y={{7*7}}"' in page.text
    assert f'value="{school}"' in wrong.text


def test_a_form_is_read_up_to_its_limit_only(client):
    def endless() -> Iterator[bytes]:
        for _ in range(10_000):
            yield b"name=" + b"x" * 1000 + b"&"

    form = {"content-type": "application/x-www-form-urlencoded"}
    assert client.post("/signin", content=b"x" * 9000, headers=form).status_code == 413
    with contextlib.suppress(httpx.TransportError):  # the server may close the connection first
        assert client.post("/signin", content=endless(), headers=form).status_code == 413
    assert client.post("/signin", content="a=1&" * 50, headers=form).status_code == 400
    assert client.post("/signin", content="ä".encode(), headers=form).status_code == 400
    assert client.post("/signin", json={"name": "x"}).status_code == 415
    assert client.post("/signin", files={"name": b"x"}).status_code == 415


@pytest.mark.parametrize(
    "path",
    [
        "/static/../../app.py",
        "/static/..%2f..%2f..%2fapp.py",
        "/app/static/..%2f..%2fapp.py",
        "/component/streamlit_autorefresh.st_autorefresh/..%2f..%2f__init__.py",
        "/media/..%2f..%2fapp.py",
        "/..%5c..%5capp.py",
        "//etc/passwd",
    ],
)
def test_no_path_serves_another_file(running, path):
    app, _ = running
    link = http.client.HTTPConnection("127.0.0.1", app.port, timeout=20)
    link.request("GET", path)
    answer = link.getresponse()
    body = answer.read()
    link.close()

    assert answer.status >= 400 or b"<title>Streamlit</title>" in body
    assert b"lifespan" not in body
    assert b"root:" not in body


def test_without_a_cookie_screens_redirect_to_sign_in_and_the_wall_does_not(client):
    for path in ("/", "/book", "/bookings", "/approvals", "/admin", "/nowhere"):
        answer = client.get(path, headers=HTML)
        assert answer.status_code == 303, path
        assert re.fullmatch(r"/signin\?next=%2F\w*", answer.headers["location"]), path
    assert client.get("/wall", headers=HTML).status_code == 200
    assert client.get("/media/0123.csv").status_code == 404


@pytest.mark.parametrize("page", ["", "book", "bookings", "approvals", "admin", "nowhere"])
def test_without_a_cookie_streamlit_sends_only_a_redirect(running, page):
    app, _ = running
    assert is_redirected(messages_sent(app, None, page))
    assert is_redirected(messages_sent(app, "made-up-" + "x" * 40, page))


def test_without_a_cookie_the_wall_and_the_health_route_name_no_person(running, client):
    app, _ = running
    wall = messages_sent(app, None, "wall")
    health = client.get("/_stcore/health").text + client.get("/_stcore/host-config").text

    assert "Ground 1" in wall
    assert not any(secret in wall + health for secret in SECRETS)


def test_a_stolen_token_is_invalid_after_sign_out(running, client, known):
    app, _ = running
    token = post_sign_in(client, known).cookies[COOKIE]
    assert "Student 1" in messages_sent(app, token, "bookings")

    answer = client.post("/signout")

    assert (answer.status_code, answer.headers["location"]) == (303, "/signin")
    assert f'{COOKIE}=""' in answer.headers["set-cookie"]
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    stolen = {"cookie": f"{COOKIE}={token}"}
    eventually(
        lambda: client.get("/book", headers=HTML | stolen).status_code == 303,
    )
    assert client.get("/password", headers=stolen).status_code == 303
    assert is_redirected(messages_sent(app, token, "bookings"))


def test_a_new_role_and_disabling_end_every_session_at_once(running, client, asha):
    app, school = running
    token = post_sign_in(client, asha).cookies[COOKIE]
    change_account(school.db, asha, role=Role.PRINCIPAL, by=None)
    assert eventually(lambda: is_redirected(messages_sent(app, token, "bookings")))

    token = post_sign_in(client, asha).cookies[COOKIE]
    assert "Student 1" in messages_sent(app, token, "bookings")
    change_account(school.db, asha, active=False, by=None)

    assert eventually(lambda: is_redirected(messages_sent(app, token, "bookings")))
    assert post_sign_in(client, asha).status_code == 401


def test_a_one_time_password_must_be_changed_before_any_screen_opens(running, client, asha):
    app, school = running
    one_time = reset_password(school.db, asha, by=None)

    answer = post_sign_in(client, asha, one_time, next="/bookings")
    token = answer.cookies[COOKIE]

    assert answer.headers["location"] == "/password?next=%2Fbookings"
    with httpx.Client(base_url=app.url, headers=client.headers) as other:
        again = post_sign_in(other, asha, one_time)
    assert (again.status_code, "Ask for a new one" in again.text) == (401, True)
    assert is_redirected(messages_sent(app, token, "bookings"))
    assert "set by somebody else" in client.get("/password").text
    wrong = {"old": "x" * 12, "new": OTHER, "again": OTHER}
    assert client.post("/password", data=wrong).status_code == 422
    short = {"old": one_time, "new": "short", "again": "short"}
    assert "shorter than 10" in client.post("/password", data=short).text
    easy = {"old": one_time, "new": "Password12", "again": "Password12"}
    answer = client.post("/password", data=easy).text
    assert "The new password is easy to guess" in answer
    assert "The The" not in answer
    unlike = {"old": one_time, "new": OTHER, "again": PASSWORD}
    assert "in two ways" in client.post("/password", data=unlike).text

    done = client.post(
        "/password", data={"old": one_time, "new": OTHER, "again": OTHER, "next": "/bookings"}
    )

    assert (done.status_code, done.headers["location"]) == (303, "/bookings")
    assert done.cookies[COOKIE] != token
    assert session_of(school.db, token) is None
    assert "Student 1" in messages_sent(app, done.cookies[COOKIE], "bookings")


def test_without_an_admin_sign_in_says_how_to_add_one(client, school):
    assert "account add" not in client.get("/signin").text
    school.db["accounts"].update_one({"_id": "admin"}, {"$set": {"active": False}})
    try:
        said = re.sub(r"<[^>]+>", "", client.get("/signin").text)
    finally:
        school.db["accounts"].update_one({"_id": "admin"}, {"$set": {"active": True}})

    assert "run .venv/bin/python -m booking_core account add NAME --role admin" in said


def test_a_real_school_has_no_demo_accounts(client):
    answer = client.post("/signin/demo", data={"account": "admin"})

    assert answer.status_code == 404
    assert "Meera" not in client.get("/signin").text


FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def test_a_user_ends_sessions_on_the_page_of_the_own_ones(client, known, school):
    elsewhere = open_session(school.db, known, browser="<b>Opera</b>")
    client.headers["user-agent"] = FIREFOX
    here = post_sign_in(client, known).cookies[COOKIE]

    shown = client.get("/sessions?next=/bookings").text

    assert "Firefox on Windows" in shown
    assert "&lt;b&gt;Opera" in shown
    assert shown.count("This browser") == 1
    assert here not in shown
    assert elsewhere not in shown
    id = hashlib.sha256(elsewhere.encode()).hexdigest()
    assert f'name="id" value="{id}"' in shown
    done = client.post("/sessions", data={"id": id, "next": "/bookings"})
    assert (done.status_code, done.headers["location"]) == (303, "/sessions?next=%2Fbookings")
    assert session_of(school.db, elsewhere) is None
    assert client.post("/sessions", data={"id": id}).status_code == 303  # ended already
    third = open_session(school.db, known)
    client.post("/sessions", data={})
    assert session_of(school.db, third) is None
    assert session_of(school.db, here) is not None
    assert "nowhere else" in client.get("/sessions").text


def test_the_page_of_own_sessions_ends_none_of_others_and_needs_a_session(client, known, school):
    hers = open_session(school.db, "meera")
    key = school.db["sessions"].find_one({"account_id": "meera"}, sort=[("_id", 1)])["_id"]
    for _ in range(2):
        answer = client.post("/sessions", data={"id": key})
        assert answer.status_code == 303
        assert session_of(school.db, hers) is not None
        client.cookies.set(COOKIE, open_session(school.db, known))
    assert client.post("/sessions", data={"id": "$ne"}).status_code == 400
    client.cookies.clear()

    for answer in (client.get("/sessions", headers=HTML), client.post("/sessions")):
        assert answer.headers["location"].startswith("/signin?next=")


def test_where_there_is_no_mail_server_no_page_of_mail_exists(client, known):
    post_sign_in(client, known)

    assert client.get("/mail").status_code == 404
    assert client.post("/mail", data={"wish": "daily"}).status_code == 404
