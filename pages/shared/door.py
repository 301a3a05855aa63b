"""The routes at the door: signing in and out, another password, the demo's accounts.

They set and clear the session's cookie, which no script of a page can read. What they refuse tells
nobody whether a name exists. Nothing here may import a component: the server loads this module
before Streamlit runs, and would not serve the component then.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from booking_core import (
    BookingError,
    NotFound,
    SignInRefused,
    StoreUnavailable,
    TooManyAttempts,
    change_password,
    has_admin,
    open_session,
    sign_in,
    sign_in_by_proof,
    sign_out,
)
from booking_core.access.passwords import SHORTEST
from booking_core.access.sessions import LONGEST
from booking_core.operations.demo import DEMO_ACCOUNTS
from pages.shared import door_page as page
from pages.shared import identity, services, words
from pages.shared.address import COOKIE, base
from pages.shared.forms import Refused, form_of
from pages.shared.people import Person
from pages.shared.services import Services

_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_FORWARDING = ("forwarded", "via", "x-real-ip")
# A screen's address lies one level below the app's: no second slash, no escapes, no other host.
_SCREEN = re.compile(r"/[A-Za-z0-9_-]{0,40}(\?[!-\[\]-~]{0,400})?")
_DOORS = ("/signin", "/signout", "/password")


def safe_next(text: str | None) -> str:
    """``text`` if it is the address of a screen here, else that of the first screen."""
    first = f"{base()}/"
    if not text or not text.startswith(first):
        return first
    rest = text[len(base()) :]
    if not _SCREEN.fullmatch(rest) or rest.partition("?")[0] in _DOORS:
        return first
    return text


def address_of(request: Request, trust_proxy: bool) -> str:
    """From where the request comes, for counting failures.

    The server has put the address that a proxy on this computer names in the place of the proxy's
    own. Unless that proxy is trusted, whoever names an address is counted with all who do: nobody
    gets a new count by making one up.
    """
    if "x-forwarded-for" in request.headers and not trust_proxy:
        return "forwarded"
    return request.client.host if request.client else "unknown"


def is_this_computer(request: Request) -> bool:
    """Whether somebody at this very computer asks, with nobody between."""
    host = request.headers.get("host", "").lower()
    name = host[: host.rfind(":")] if re.search(r":\d+$", host) else host
    if name not in _LOOPBACK_NAMES or request.client is None:
        return False
    if any(h.startswith("x-forwarded") or h in _FORWARDING for h in request.headers):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def is_demo(shared: Services, request: Request) -> bool:
    """Whether the demo's accounts may be taken without a password."""
    return (
        shared.db is not None
        and shared.settings.mongodb_uri is None
        and is_this_computer(request)
        and bool(shared.reference().demo)
    )


async def person_of(request: Request) -> Person | None:
    """Who is signed in by the cookie of ``request``. Raises StoreUnavailable."""
    shared, token = services.start(), request.cookies.get(COOKIE)
    if not token or shared.db is None:
        return None
    return await _off_loop(lambda: shared.people.known(token))


def _answers(route: Callable[..., Any], federated: bool | None) -> Callable[[Request], Any]:
    """Around a route: what is the same for all of them.

    ``federated``: whether it is there where an identity provider signs people in, or where none
    does; None: in both.
    """

    async def answer(request: Request) -> Response:
        shared = services.start()
        try:
            if federated not in (None, identity.is_on()):
                raise Refused(404, "There is nothing at this address.")
            response: Response = await route(request, shared)
        except Refused as exc:
            title = "Not found" if exc.status == 404 else "Not done"
            response = _plain(shared, exc.status, title, exc.text)
        except StoreUnavailable as exc:
            response = _away(shared, exc)
        return response

    return answer


async def _signin(request: Request, shared: Services) -> Response:
    if request.method == "POST":
        return await _sign_in(request, shared)
    if shared.db is None:
        return _away(shared, shared.problem)
    to = safe_next(request.query_params.get("next"))
    if await person_of(request) is not None:
        return _to(to)
    return await _form(request, shared, to, ended=COOKIE in request.cookies)


async def _sign_in(request: Request, shared: Services) -> Response:
    form = await form_of(request)
    if shared.db is None:
        return _away(shared, shared.problem)
    to, name = safe_next(form.get("next")), form.get("name", "")
    try:
        signed_in = await _off_loop(
            lambda: sign_in(
                shared.db,
                name,
                form.get("password", ""),
                address=address_of(request, shared.settings.trust_proxy),
            )
        )
    except StoreUnavailable:
        raise
    except TooManyAttempts as exc:
        response = await _form(request, shared, to, name, words.error(exc), 429)
        response.headers["retry-after"] = str(exc.wait_seconds)
        return response
    except SignInRefused as exc:
        return await _form(request, shared, to, name, words.error(exc), 401)
    except BookingError:  # a name or a password that none can be
        return await _form(request, shared, to, "", words.error(SignInRefused()), 401)
    if signed_in.account.must_change:
        to = f"{base()}/password?next={quote(to, safe='')}"
    return await _let_in(request, shared, signed_in.token, to)


async def _provider(request: Request, shared: Services) -> Response:
    """In by the proof that the screen at the door has left for this very browser."""
    to = safe_next(request.query_params.get("next"))
    if shared.db is None:
        return _away(shared, shared.problem)
    if await person_of(request) is not None:
        return _to(to)
    proof = identity.take(request.cookies)
    if proof is None:
        # A page, and no way back by itself: a proof that never arrives must not go in circles.
        text = "Nothing has come from your identity provider for this browser yet."
        return _plain(shared, 403, "Not signed in", text, (f"{base()}/", "Sign in"))
    try:
        signed_in = await _off_loop(lambda: sign_in_by_proof(shared.db, proof))
    except SignInRefused:  # as of this moment; the screen there says why
        return _to(to)
    return await _let_in(request, shared, signed_in.token, to)


async def _demo(request: Request, shared: Services) -> Response:
    if not await _off_loop(lambda: is_demo(shared, request)):
        raise Refused(404, "There is nothing at this address.")
    form = await form_of(request)
    chosen = form.get("account", "")
    if chosen not in {who.id for who in DEMO_ACCOUNTS}:
        raise Refused(400, "There is no such account.")
    try:
        token = await _off_loop(lambda: open_session(shared.db, chosen))
    except (NotFound, SignInRefused) as exc:
        raise Refused(400, "This account is not there any more.") from exc
    return await _let_in(request, shared, token, safe_next(form.get("next")))


async def _signout(request: Request, shared: Services) -> Response:
    await form_of(request)
    await _end(request, shared)
    # Out of the provider's session too, or whoever sits down next is let in by it.
    response = _to(f"{base()}/{identity.LOGOUT}" if identity.is_on() else f"{base()}/signin")
    response.delete_cookie(COOKIE, path=base() or "/", httponly=True, samesite="lax")
    return response


async def _password(request: Request, shared: Services) -> Response:
    form = await form_of(request) if request.method == "POST" else {}
    if shared.db is None:
        return _away(shared, shared.problem)
    to = safe_next(form.get("next") or request.query_params.get("next"))
    person = await person_of(request)
    if person is None:
        return _to(f"{base()}/signin?next={quote(to, safe='')}")
    account, school = person.account, shared.settings.school_name
    if not account.has_password:
        raise Refused(404, "Your account has no password to change.")

    def ask(problem: str = "", status: int = 200) -> Response:
        return _html(
            page.new_password(
                base(),
                school,
                account.id,
                next_path=to,
                problem=problem,
                forced=account.must_change,
                shortest=SHORTEST,
            ),
            status,
        )

    if request.method == "GET":
        return ask()
    if form.get("new") != form.get("again"):
        return ask("The new password was typed in two ways. Please type it again.", 422)
    try:
        await _off_loop(
            lambda: change_password(
                shared.db, account.id, old=form.get("old", ""), new=form.get("new", "")
            )
        )
        token = await _off_loop(lambda: open_session(shared.db, account.id))
    except StoreUnavailable:
        raise
    except TooManyAttempts as exc:
        response = ask(words.error(exc), 429)
        response.headers["retry-after"] = str(exc.wait_seconds)
        return response
    except SignInRefused:
        return ask("The password that you have now is another one. Please type it again.", 422)
    except NotFound:  # the account has gone at this moment
        return _to(f"{base()}/signin")
    except BookingError as exc:
        return ask(words.error(exc).replace("password", "The new password", 1), 422)
    return await _let_in(request, shared, token, to)


async def _form(
    request: Request,
    shared: Services,
    to: str,
    name: str = "",
    problem: str = "",
    status: int = 200,
    ended: bool = False,
) -> Response:
    admin, demo = await _off_loop(lambda: (has_admin(shared.db), is_demo(shared, request)))
    return _html(
        page.sign_in(
            base(),
            shared.settings.school_name,
            shared.settings.contact,
            next_path="" if to == f"{base()}/" else to,
            name=name[:200],
            problem=problem,
            ended=ended,
            has_admin=admin,
            demo=DEMO_ACCOUNTS if demo else (),
        ),
        status,
    )


async def _let_in(request: Request, shared: Services, token: str, to: str) -> Response:
    """To ``to`` with a session that begins now; the one before it ends."""
    await _end(request, shared)
    response = _to(to)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(LONGEST.total_seconds()),
        path=base() or "/",
        secure=_is_https(request, shared),
        httponly=True,
        samesite="lax",
    )
    return response


async def _end(request: Request, shared: Services) -> None:
    token = request.cookies.get(COOKIE)
    if token and shared.db is not None:
        await _off_loop(lambda: sign_out(shared.db, token))


def _is_https(request: Request, shared: Services) -> bool:
    return (
        request.url.scheme == "https"
        or request.headers.get("x-forwarded-proto", "").strip().lower() == "https"
        or (shared.settings.public_url or "").startswith("https:")
    )


def _away(shared: Services, problem: BookingError | None) -> Response:
    text = "The database is starting." if problem is None else words.error(problem)
    door = f"{base()}/" if identity.is_on() else f"{base()}/signin"
    response = _plain(shared, 503, "Not connected yet", text, (door, "Try again"))
    response.headers["refresh"] = f"2; url={door}"
    return response


def _plain(
    shared: Services, status: int, title: str, text: str, link: tuple[str, str] | None = None
) -> Response:
    return _html(page.plain(base(), shared.settings.school_name, title, text, link), status)


def _html(text: str, status: int = 200) -> Response:
    response = HTMLResponse(text, status)
    response.headers["content-security-policy"] = page.policy(base())
    response.headers["cache-control"] = "no-store"
    return response


def _to(address: str) -> Response:
    return RedirectResponse(address, 303, {"cache-control": "no-store"})


async def _off_loop(work: Callable[[], Any]) -> Any:
    return await anyio.to_thread.run_sync(work)


def routes() -> list[Route]:
    """Under the address that the app is served at."""

    def at(path: str, route: Callable[..., Any], *methods: str, federated: bool | None) -> Route:
        return Route(f"{base()}/{path}", _answers(route, federated), methods=methods)

    return [
        at("signin", _signin, "GET", "POST", federated=False),
        at("signin/demo", _demo, "POST", federated=False),
        at("signin/provider", _provider, "GET", federated=True),
        at("signout", _signout, "POST", federated=None),
        at("password", _password, "GET", "POST", federated=False),
    ]
