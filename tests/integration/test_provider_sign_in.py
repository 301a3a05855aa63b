"""Sign-in with an identity provider: what opens a session, and each refusal, over HTTP."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import time_machine
from identity_provider import CLIENT, OTHER_KEY, SECRETS, IdentityProvider, identity_provider
from joserfc import jwt
from joserfc.jwk import OctKey
from support import HTTP_SECONDS

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from app_server import AppServer, School, running_app

from booking_core import Account, Role, add_account
from booking_core.sessions import session_of
from pages.shared.auth import oidc, provider_routes
from pages.shared.live.address import COOKIE

HTML = {"accept": "text/html,application/xhtml+xml"}
SAME_ORIGIN = {"sec-fetch-site": "same-origin"}
BEGUN = "ground_booking_sign_in"


@pytest.fixture(scope="module")
def running_provider() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        yield provider


@pytest.fixture
def provider(running_provider: IdentityProvider) -> IdentityProvider:
    running_provider.restore()
    return running_provider


@pytest.fixture(scope="module")
def running(
    running_provider: IdentityProvider,
    mongod_uri: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[AppServer, School]]:
    secrets = SECRETS.replace("PROVIDER", running_provider.url)
    home = tmp_path_factory.mktemp("home")
    with running_app(home, mongod_uri, secrets=secrets, SCHOOL_CONTACT="the office") as both:
        add_account(both[1].db, Account("asha", "Asha Rao", Role.STAFF, "asha@school.example"))
        yield both


@pytest.fixture
def app(running: tuple[AppServer, School]) -> AppServer:
    return running[0]


@pytest.fixture
def client(app: AppServer) -> Iterator[httpx.Client]:
    with browser_of(app) as browser:
        yield browser


def browser_of(app: AppServer) -> httpx.Client:
    return httpx.Client(base_url=app.url, headers=HTML, timeout=HTTP_SECONDS)


def begin(client: httpx.Client, path: str = "/bookings?from=mail") -> str:
    """Opens a screen and presses the button to sign in; returns the callback's address."""
    page = client.get(path, follow_redirects=True)
    assert page.status_code == 200
    [link] = [part.partition('"')[0] for part in page.text.split('<a class="go" href="')[1:]]
    answer = client.get(link.replace("&amp;", "&"))
    assert answer.status_code == 303, answer.text
    return str(httpx.get(answer.headers["location"], timeout=HTTP_SECONDS).headers["location"])


def sign_in(client: httpx.Client) -> httpx.Response:
    return client.get(begin(client))


def assert_refused(answer: httpx.Response, said: str, status: int = 403) -> None:
    """A page with the sentence, no session, and no cookie of the sign-in any more."""
    shown = answer.text.partition("<main")[2]
    assert (answer.status_code, said in shown) == (status, True), shown
    assert "Traceback" not in answer.text
    assert not [c for c in answer.headers.get_list("set-cookie") if c.startswith(COOKIE)]
    assert BEGUN not in answer.request.headers.get("cookie", "") or any(
        cookie.startswith(f'{BEGUN}="";') for cookie in answer.headers.get_list("set-cookie")
    )


def test_a_verified_address_opens_a_session_and_the_screen_that_was_asked_for(
    running, client, provider
):
    provider.claims["email"] = "ASHA@School.example"

    answer = sign_in(client)

    assert (answer.status_code, answer.headers["location"]) == (303, "/bookings?from=mail")
    session = session_of(running[1].db, client.cookies[COOKIE])
    assert (session.account.id, session.by_id_token) == ("asha", True)
    assert BEGUN not in client.cookies
    assert client.get("/bookings").status_code == 200
    # Who is signed in already is asked for nothing.
    assert client.get("/signin?next=//evil.example").headers["location"] == "/"


def test_the_browser_holds_what_a_sign_in_needs_for_ten_minutes(client, provider):
    begin(client)

    [answer] = [client.get("/signin/provider?name=&next=/book")]
    [attributes] = [
        c.lower().split("; ") for c in answer.headers.get_list("set-cookie") if c.startswith(BEGUN)
    ]
    assert {"httponly", "samesite=lax", "path=/", "max-age=600"} <= set(attributes)
    [asked] = provider.asked
    assert asked["scope"] == "openid email profile"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) > 20 < len(asked["nonce"])


def test_a_sign_in_that_one_process_began_ends_in_another(
    running, client, provider, tmp_path, mongod_uri
):
    app, school = running
    secrets = SECRETS.replace("PROVIDER", provider.url).replace("{app}", app.url)
    environment = {"MONGODB_URI": mongod_uri, "MONGODB_DATABASE": school.db.name}
    other = AppServer(tmp_path, environment, school, secrets)
    try:
        callback = begin(client).replace(app.url, other.url)
        answer = client.get(callback)
    finally:
        other.close()
        AppServer.by_port[app.port] = app

    assert (answer.status_code, answer.headers["location"]) == (303, "/bookings?from=mail")
    assert session_of(school.db, client.cookies[COOKIE]).account.id == "asha"


def test_a_callback_opens_no_second_session(running, app, client, provider):
    provider.codes_are_reusable = True
    callback = begin(client)
    copied = client.cookies[BEGUN]
    assert client.get(callback).status_code == 303
    client.cookies.delete(COOKIE)

    assert_refused(client.get(callback), "is finished already")
    # Also with a copy of the cookie, and a provider that takes its code twice.
    with browser_of(app) as thief:
        thief.cookies.set(BEGUN, copied)
        assert_refused(thief.get(callback), "This sign-in has opened its session already")
    provider.codes_are_reusable = False
    with browser_of(app) as thief:
        callback, copied = begin(thief), thief.cookies[BEGUN]
        assert thief.get(callback).status_code == 303
        thief.cookies.clear()
        thief.cookies.set(BEGUN, copied)
        assert_refused(thief.get(callback), "did not confirm this sign-in")


def test_a_callback_is_refused_without_the_state_of_this_browser(app, client, provider):
    callback = begin(client)
    with browser_of(app) as other:
        begin(other)

        assert_refused(other.get(callback), "was not begun in this browser")
    assert_refused(client.get("/oauth2callback?code=x&state=y"), "was not begun in this browser")
    assert_refused(client.get("/oauth2callback?code=x"), "was not begun in this browser")


@pytest.mark.parametrize("spoil", [lambda c: c[:-4] + "AAAA", lambda c: "x", lambda c: c + "."])
def test_a_forged_cookie_is_refused(client, provider, spoil):
    callback = begin(client)
    forged = spoil(client.cookies[BEGUN])
    client.cookies.clear()
    client.cookies.set(BEGUN, forged)

    assert_refused(client.get(callback), "was not begun in this browser")


def test_a_cookie_is_good_for_ten_minutes(monkeypatch):
    secret = "a secret of this test only"
    monkeypatch.setattr(oidc, "auth_section", lambda: {"cookie_secret": secret})
    monkeypatch.setattr(provider_routes.cookies, "read", lambda *_: signed)
    request = httpx.Request("GET", "/")
    request.query_params = {"state": "state"}
    begun = provider_routes._Begun("", "state", "nonce", "verifier", "/")
    with time_machine.travel(0, tick=False) as clock:
        signed = provider_routes._signed(begun)
        clock.shift(599)
        assert provider_routes._begun_by(request, None) == begun
        clock.shift(2)
        assert provider_routes._begun_by(request, None) is None
    claims = begun._asdict()  # without an end
    signed = jwt.encode({"alg": "HS256"}, claims, provider_routes._key())
    assert provider_routes._begun_by(request, None) is None


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"email": "stranger@school.example"}, "There is no account here for stranger@"),
        ({"email": "<b>@school.example"}, "There is no account here for &lt;b&gt;@school"),
        ({"email_verified": False}, "The address asha@school.example is not verified"),
        ({"email_verified": None}, "The address asha@school.example is not verified"),
        ({"email": None}, "names no e-mail address of yours. Ask the office"),
        ({"email": ["asha@school.example"]}, "There is no account here for"),
        ({"nonce": "of another sign-in"}, "cannot be verified"),
        ({"nonce": None}, "cannot be verified"),
        ({"aud": "another app"}, "cannot be verified"),
        ({"aud": "another app", "azp": CLIENT}, "cannot be verified"),
        ({"iss": "https://another.example"}, "cannot be verified"),
        ({"iat": "today"}, "cannot be verified"),
        ({"iat": -(10**30)}, "cannot be verified"),
        ({"exp": None}, "cannot be verified"),
    ],
)
def test_claims_that_are_not_right_open_nothing(client, provider, claims, said):
    provider.claims |= claims

    assert_refused(sign_in(client), said)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (OTHER_KEY, "RS256"),
        (OctKey.import_key("the client's secret"), "HS256"),
        (OctKey.import_key("anything that is long"), "none"),
    ],
    ids=["another key", "by the client's secret", "unsigned"],
)
def test_an_id_token_that_the_provider_has_not_signed_opens_nothing(
    client, provider, key, algorithm
):
    provider.key, provider.algorithm = key, algorithm

    assert_refused(sign_in(client), "cannot be verified")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (600, "Your sign-in is dated 10 minutes ahead"),
        (-600, "Your sign-in is dated 10 minutes back"),
        (-330, "Your sign-in is dated 6 minutes back"),
    ],
)
def test_clocks_that_differ_too_much_are_named(client, provider, seconds, said):
    provider.seconds_ahead = seconds

    answer = sign_in(client)

    # The request takes time, and the age is rounded up to whole minutes.
    earlier, later = said, said.replace("10 minutes back", "11 minutes back")
    assert_refused(answer, later if later in answer.text else earlier)
    assert "clock and the dashboard&#39;s differ" in answer.text


@pytest.mark.parametrize("seconds", [100, -100])
def test_clocks_that_differ_a_little_open_a_session(client, provider, seconds):
    provider.seconds_ahead = seconds

    assert sign_in(client).status_code == 303


def test_a_large_id_token_opens_a_session(client, provider):
    provider.claims["groups"] = [f"group-{n:03d}-of-this-school@school.example" for n in range(200)]

    answer = sign_in(client)

    assert answer.status_code == 303
    assert sum(len(cookie) for cookie in answer.headers.get_list("set-cookie")) < 2000
    assert client.get("/bookings").status_code == 200


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("error=access_denied", "access was declined at the identity provider"),
        ("error=server_error", "reports a problem (server_error), so you are not signed in"),
        ("error=<script>", "reports a problem, so you are not signed in"),
    ],
)
def test_an_error_of_the_provider_is_a_sentence(client, provider, query, said):
    begin(client)

    assert_refused(client.get(f"/oauth2callback?{query}"), said)


def test_a_provider_that_cannot_be_reached_is_a_sentence(client, provider):
    said = "The identity provider does not answer as it should at the moment"
    callback = begin(client)
    for part in provider.status:
        provider.restore()
        callback = begin(client)
        provider.status[part] = 503

        assert_refused(client.get(callback), said, 503)
    for metadata in (
        {"issuer": None},
        {"authorization_endpoint": None},
        {"token_endpoint": "nowhere"},
        {"jwks_uri": 7},
        {"jwks_uri": "http://127.0.0.1:9/jwks"},
    ):
        provider.restore()
        callback = begin(client)
        provider.metadata = metadata

        assert_refused(client.get(callback), said, 503)
    provider.metadata = {"authorization_endpoint": "javascript:alert(1)"}
    assert_refused(client.get("/signin/provider?name="), said, 503)


def test_a_provider_without_an_id_token_is_a_sentence(client, provider):
    provider.sends_id_token = False

    assert_refused(sign_in(client), "cannot be verified")


def test_signing_out_ends_both_sessions(running, client, provider):
    sign_in(client)
    token = client.cookies[COOKIE]

    answer = client.post("/signout", headers=SAME_ORIGIN)

    assert session_of(running[1].db, token) is None
    assert COOKIE not in client.cookies
    there = urlsplit(client.get(answer.headers["location"]).headers["location"])
    assert (f"http://{there.netloc}", there.path) == (provider.url, "/end")
    assert parse_qs(there.query) == {
        "ui": ["small"],
        "client_id": [CLIENT],
        "post_logout_redirect_uri": [f"{running[0].url}/oauth2callback"],
    }
    back = client.get("/oauth2callback")
    assert (back.status_code, back.headers["location"]) == (303, "/signin")


def test_without_a_place_to_sign_out_at_the_provider_the_sign_in_page_opens(client, provider):
    provider.metadata = {"end_session_endpoint": None}
    sign_in(client)

    answer = client.post("/signout", headers=SAME_ORIGIN, follow_redirects=True)

    assert (answer.status_code, answer.url.path) == (200, "/signin")
    provider.status["metadata"] = 503
    answer = client.get("/signout/provider")
    assert (answer.status_code, "may still be signed in there" in answer.text) == (503, True)


def test_a_refused_user_can_take_another_account(client, provider):
    provider.claims["email"] = "stranger@school.example"

    answer = sign_in(client)

    assert '<a href="/signout/provider">Use another account</a>' in answer.text
    there = client.get("/signout/provider").headers["location"]
    assert there.startswith(f"{provider.url}/end?")


def test_the_ways_of_passwords_and_of_streamlit_are_closed(client, provider):
    for path in ("/password", "/auth/login", "/auth/logout", "/signin/demo", "/secondfactor"):
        assert client.get(path).status_code == 404
    for path in ("/signin", "/password", "/signin/demo"):
        assert client.post(path, headers=SAME_ORIGIN).status_code == 404
    assert client.post("/signout").status_code == 403


def test_several_providers_have_a_button_each(provider, tmp_path, mongod_uri):
    section = SECRETS.replace("PROVIDER", provider.url).replace("{app}", "{app}/login/back", 1)
    shared, client_keys = section.replace("/oauth2callback", "").split("client_id", 1)
    named = "".join(f"[auth.{name}]\nclient_id{client_keys}" for name in ("google", "keycloak"))
    gone = named.replace(provider.url, "http://127.0.0.1:9", 1)
    with running_app(tmp_path, mongod_uri, secrets=shared + gone) as (app, school):
        add_account(school.db, Account("asha", "Asha Rao", Role.STAFF, "asha@school.example"))
        with browser_of(app) as client:
            page = client.get("/signin?next=/reports").text
            assert "Sign in with Google</a>" in page
            assert 'href="/signin/provider?name=keycloak&amp;next=%2Freports"' in page
            assert client.get("/signin/provider?name=google").status_code == 503
            assert client.get("/signin/provider?name=other").headers["location"] == "/signin"
            begun = client.get("/signin/provider?name=keycloak&next=/reports")
            callback = httpx.get(begun.headers["location"], timeout=HTTP_SECONDS)
            assert callback.headers["location"].startswith(f"{app.url}/login/back?code=")
            answer = client.get(callback.headers["location"])
            assert (answer.status_code, answer.headers["location"]) == (303, "/reports")
            # Signing out there is at the provider that signed in.
            client.post("/signout", headers=SAME_ORIGIN)
            there = client.get("/signout/provider").headers["location"]
            assert there.startswith(f"{provider.url}/end?")


def test_a_section_without_a_key_is_a_sentence_that_names_it(tmp_path, mongod_uri):
    secrets = SECRETS.replace("client_secret = ", "# ")
    with running_app(tmp_path, mongod_uri, secrets=secrets) as (app, _), browser_of(app) as client:
        answer = client.get("/book", follow_redirects=True)
        assert (answer.status_code, "Traceback" in answer.text) == (500, False)
        assert "[auth] in the secrets needs client_secret." in answer.text
        assert client.get("/signin/provider?name=").headers["location"] == "/signin"
        assert_refused(client.get("/oauth2callback?code=x&state=y"), "was not begun")


def test_below_a_base_path_the_callback_and_the_cookies_are_below_it_too(
    provider, tmp_path, mongod_uri
):
    secrets = SECRETS.replace("PROVIDER", provider.url)
    base = {"STREAMLIT_SERVER_BASE_URL_PATH": "grounds"}
    with running_app(tmp_path, mongod_uri, secrets=secrets, **base) as (app, school):
        add_account(school.db, Account("asha", "Asha Rao", Role.STAFF, "asha@school.example"))
        with httpx.Client(headers=HTML, timeout=HTTP_SECONDS) as client:
            begun = client.get(f"{app.url}/signin/provider?name=&next=/grounds/book")
            assert "Path=/grounds" in begun.headers["set-cookie"]
            there = httpx.get(begun.headers["location"], timeout=HTTP_SECONDS)
            answer = client.get(there.headers["location"])

            assert (answer.status_code, answer.headers["location"]) == (303, "/grounds/book")
            assert client.get(f"{app.url}/book").status_code == 200
