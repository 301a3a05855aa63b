"""HTTP routes of sign-in: sign in and out, password, second factor, own sessions, the demo.

They set and delete the session cookie, which no script of a page can read. Their error pages do not
reveal whether a name exists. This module must not import a module with Streamlit components: the
server loads it before Streamlit runs, and Streamlit would not serve components registered so early.
The file is long because all routes are listed and wrapped in one place.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from booking_core import (
    BookingError,
    InvalidRequest,
    NotFound,
    SecondFactorNeeded,
    SignInRefused,
    StoreUnavailable,
    TooManyAttempts,
    change_password,
    has_admin,
)
from booking_core.demo import DEMO_ACCOUNTS
from booking_core.messages import COMMAND
from booking_core.sessions import SHORTEST_PASSWORD, open_session, sign_in
from pages.shared.auth import (
    forgotten_password,
    forwarding,
    mail_cancellations,
    mail_decisions,
    oidc,
    own_mail,
    own_sessions,
    provider_routes,
    second_factor,
    session_cookie,
    signing_in,
)
from pages.shared.auth.demo import PATH as DEMO
from pages.shared.auth.demo import demo
from pages.shared.auth.forms import Refused, form_of
from pages.shared.auth.responses import message, page, redirect, too_many, unavailable
from pages.shared.auth.signing_in import first_page, off_loop
from pages.shared.live import cookies, logo, runtime
from pages.shared.live.address import COOKIE, LINKS, base
from pages.shared.live.runtime import Services
from pages.shared.live.session_cache import Person
from pages.shared.text import messages

FIRST_ADMIN = f"{COMMAND} account add NAME --role admin"
# The path of a screen: one segment, without escapes, so that it cannot name another host.
_SCREEN = re.compile(r"/[A-Za-z0-9_-]{0,40}(\?[!-\[\]-~]{0,400})?")
_NO_SCREENS = (
    "/signin",
    "/signout",
    "/password",
    "/sessions",
    "/mail",
    "/secondfactor",
    "/forgotten",
)
_NOT_CHANGED = "The database cannot be reached, so your password was not changed. Please try again."
_UNKNOWN = (
    "The database has stopped answering, and it is not known whether your password was changed. "
    "If you have to sign in again, try the new one first."
)
_CHANGED = "Your new password is stored. Sign in with it as soon as the database can be reached."


def safe_next(text: str | None) -> str:
    """``text`` if it is the path of a screen of this app, else the base path."""
    first = f"{base()}/"
    if not text or not text.startswith(first):
        return first
    rest = text[len(base()) :]
    if not _SCREEN.fullmatch(rest) or rest.partition("?")[0] in _NO_SCREENS:
        return first
    return text


async def person_of(request: Request) -> Person | None:
    """The signed-in user of the request; None without a session. Raises StoreUnavailable."""
    shared = runtime.start()
    token = cookies.read(COOKIE, request, shared)
    if not token or shared.db is None:
        return None
    return await off_loop(lambda: shared.sessions.known(token))


async def before_screens(request: Request, shared: Services) -> Response | None:
    """Where a user goes who may see no screen yet: to sign-in, a new password or the second factor.

    None for one who may. To be asked by every route outside Streamlit that shows what screens show.
    Raises StoreUnavailable.
    """
    to = safe_next(f"{request.url.path}?{request.url.query}".rstrip("?"))
    person = await person_of(request)
    if person is None:
        return redirect(f"{base()}/signin?next={quote(to, safe='')}")
    if oidc.is_on():
        return None
    first = await off_loop(lambda: first_page(shared, person.account, to))
    return None if first == to else redirect(first)


def _handler(route: Callable[..., Any], federated: bool | None) -> Callable[[Request], Any]:
    """A request handler that calls ``route`` and answers errors with a page.

    ``federated`` True: only with an identity provider; False: only without one; None: always.
    """

    async def handle(request: Request) -> Response:
        shared = runtime.start()
        forwarding.note(request, shared.settings.trust_proxy)
        try:
            if federated not in (None, oidc.is_on()):
                raise Refused(404, "There is nothing at this address.")
            await off_loop(lambda: logo.shown(shared))  # read now, for the page that is made below
            response: Response = await route(request, shared)
        except Refused as exc:
            title = "Not found" if exc.status == 404 else "Not done"
            response = message(shared, exc.status, title, exc.text)
        except StoreUnavailable as exc:
            response = unavailable(shared, exc)
        return response

    return handle


def _with_form(
    route: Callable[[Request, Services, dict[str, str], str], Awaitable[Response]],
) -> Callable[[Request, Services], Awaitable[Response]]:
    """A route that gets the fields of its form, none for GET, and the screen to return to."""

    async def answer(request: Request, shared: Services) -> Response:
        form = await form_of(request) if request.method == "POST" else {}
        if not shared.is_usable:
            return unavailable(shared)
        to = safe_next(form.get("next") or request.query_params.get("next"))
        return await route(request, shared, form, to)

    return answer


async def _sign_in_page(
    request: Request, shared: Services, form: dict[str, str], to: str
) -> Response:
    if await person_of(request) is not None:
        return redirect(to)
    ended = cookies.read(COOKIE, request, shared) is not None
    if oidc.is_on():
        return provider_routes.form(shared, to, ended=ended)
    return await _sign_in_form(request, shared, to, ended=ended)


async def _sign_in(request: Request, shared: Services, form: dict[str, str], to: str) -> Response:
    name = form.get("name", "")
    try:
        signed_in = await signing_in.attempt(
            request, shared, sign_in, name, form.get("password", "")
        )
    except StoreUnavailable:
        raise
    except SecondFactorNeeded as exc:
        return second_factor.ask_for_code(request, shared, exc.challenge, to)
    except TooManyAttempts as exc:
        response = await _sign_in_form(request, shared, to, name, messages.error(exc), 429)
        return too_many(response, exc)
    except SignInRefused as exc:
        return await _sign_in_form(request, shared, to, name, messages.error(exc), 401)
    except BookingError:  # a malformed name, which no account has
        return await _sign_in_form(request, shared, to, "", messages.error(SignInRefused()), 401)
    return await signing_in.go_on(request, shared, signed_in.account, signed_in.token, to)


async def _begin(request: Request, shared: Services) -> Response:
    to = safe_next(request.query_params.get("next"))
    return await provider_routes.begin(request, shared, to)


async def _nothing(request: Request, shared: Services) -> Response:
    raise Refused(404, "There is nothing at this address.")


async def _demo(request: Request, shared: Services) -> Response:
    """GET: the link on the console. POST: signs in with an account of the demo."""
    if request.method != "POST":
        opened: Response = await off_loop(lambda: demo.open(shared, request))
        return opened
    if not await off_loop(lambda: demo.is_open(shared, request)):
        raise Refused(404, "There is nothing at this address.")
    form = await form_of(request)
    chosen = form.get("account", "")
    if chosen not in {account.id for account in DEMO_ACCOUNTS}:
        raise Refused(400, "There is no such account.")
    try:
        token = await off_loop(
            lambda: open_session(shared.db, chosen, browser=own_sessions.browser_of(request))
        )
    except (NotFound, SignInRefused) as exc:
        raise Refused(400, "This account is not there any more.") from exc
    to = safe_next(form.get("next"))
    return await session_cookie.start(redirect(to), request, shared, token)


async def _sign_out(request: Request, shared: Services) -> Response:
    await form_of(request)
    await session_cookie.end(request, shared)
    path = provider_routes.SIGN_OUT if oidc.is_on() else "signin"
    response = redirect(f"{base()}/{path}")
    session_cookie.delete(response)
    return response


async def _password(request: Request, shared: Services, form: dict[str, str], to: str) -> Response:
    person = await person_of(request)
    if person is None:
        return redirect(f"{base()}/signin?next={quote(to, safe='')}")
    account = person.account
    if not account.has_password:
        raise Refused(404, "Your account has no password to change.")

    def ask(problem: str = "", status: int = 200) -> Response:
        return page(
            shared,
            "new_password.html",
            status,
            account_id=account.id,
            next_path=to,
            problem=problem,
            forced=account.must_change,
            shortest=SHORTEST_PASSWORD,
        )

    if request.method == "GET":
        return ask()
    if form.get("new") != form.get("again"):
        return ask("The new password was typed in two ways. Please type it again.", 422)
    try:
        changed = await off_loop(
            lambda: change_password(
                shared.db, account.id, old=form.get("old", ""), new=form.get("new", "")
            )
        )
    except StoreUnavailable as exc:  # no page that reloads itself: it would hide the outcome
        return ask(_NOT_CHANGED if exc.nothing_happened else _UNKNOWN, 503)
    except TooManyAttempts as exc:
        return too_many(ask(messages.error(exc), 429), exc)
    except SignInRefused:
        return ask("The password that you have now is another one. Please type it again.", 422)
    except NotFound:  # the account was removed meanwhile
        return redirect(f"{base()}/signin")
    except BookingError as exc:
        return ask(messages.error(exc).replace("The password", "The new password", 1), 422)
    try:
        token = await off_loop(
            lambda: open_session(shared.db, account.id, browser=own_sessions.browser_of(request))
        )
    except StoreUnavailable:
        response = message(
            shared, 503, "Password changed", _CHANGED, (f"{base()}/signin", "Sign in")
        )
        session_cookie.delete(response)  # the change has ended this session
        return response
    except (NotFound, SignInRefused):  # the account was removed or disabled meanwhile
        return redirect(f"{base()}/signin")
    return await signing_in.go_on(request, shared, changed, token, to)


async def _second_factor(
    request: Request, shared: Services, form: dict[str, str], to: str
) -> Response:
    token = cookies.read(COOKIE, request, shared) or ""
    # Read anew: the page differs by what it has just changed itself.
    person = await off_loop(lambda: shared.sessions.read(token)) if token else None
    if person is None:
        return redirect(f"{base()}/signin?next={quote(to, safe='')}")
    return await second_factor.own(request, shared, person, form, to)


async def _own_sessions(
    request: Request, shared: Services, form: dict[str, str], to: str
) -> Response:
    person = await person_of(request)
    if person is None:
        return redirect(f"{base()}/signin?next={quote(to, safe='')}")
    actor = person.account.actor
    if request.method == "GET":
        return await off_loop(lambda: own_sessions.show(request, shared, actor, to))
    try:
        return await off_loop(lambda: own_sessions.end(request, shared, actor, form, to))
    except InvalidRequest as exc:
        raise Refused(400, "There is no such session.") from exc


async def _own_mail(request: Request, shared: Services, form: dict[str, str], to: str) -> Response:
    person = await person_of(request)
    if person is None:
        return redirect(f"{base()}/signin?next={quote(to, safe='')}")
    try:
        if request.method == "GET":
            return await off_loop(lambda: own_mail.show(shared, person, to))
        return await off_loop(lambda: own_mail.save(shared, person, form, to))
    except NotFound:  # the account was removed or disabled meanwhile
        return redirect(f"{base()}/signin")


async def _sign_in_form(
    request: Request,
    shared: Services,
    to: str,
    name: str = "",
    problem: str = "",
    status: int = 200,
    ended: bool = False,
) -> Response:
    admin, is_near, is_open = await off_loop(
        lambda: (
            has_admin(shared.db),
            demo.is_near(shared, request),
            demo.is_open(shared, request),
        )
    )
    return page(
        shared,
        "sign_in.html",
        status,
        contact=shared.settings.contact,
        by_mail=forgotten_password.is_offered(shared),
        next_path="" if to == f"{base()}/" else to,
        name=name[:200],
        problem=problem,
        ended=ended,
        has_admin=admin,
        first_admin=FIRST_ADMIN,
        demo=DEMO_ACCOUNTS if is_open else (),
        is_demo=is_near,
    )


def routes() -> list[Route]:
    """The routes, below the base path of the app."""

    def at(path: str, route: Callable[..., Any], *methods: str, federated: bool | None) -> Route:
        return Route(f"{base()}/{path}", _handler(route, federated), methods=methods)

    return [
        at("signin", _with_form(_sign_in_page), "GET", federated=None),
        at("signin", _with_form(_sign_in), "POST", federated=False),
        at(DEMO, _demo, "GET", "POST", federated=False),
        at(provider_routes.BEGIN, _begin, "GET", federated=True),
        at(provider_routes.SIGN_OUT, provider_routes.sign_out, "GET", federated=True),
        # Before Streamlit's own routes of sign-in, which would take these paths.
        *(
            at(path, provider_routes.finish, "GET", federated=True)
            for path in sorted(oidc.callback_paths())
        ),
        at("auth/{rest:path}", _nothing, "GET", "POST", federated=None),
        at("signout", _sign_out, "POST", federated=None),
        at("password", _with_form(_password), "GET", "POST", federated=False),
        at(second_factor.CODE, _with_form(second_factor.code), "GET", "POST", federated=False),
        at(signing_in.SECOND_FACTOR, _with_form(_second_factor), "GET", "POST", federated=False),
        at(forgotten_password.PATH, forgotten_password.ask, "GET", "POST", federated=False),
        at(forgotten_password.LINK_PATH, forgotten_password.choose, "GET", "POST", federated=False),
        at(mail_cancellations.PATH, mail_cancellations.answer, "GET", "POST", federated=None),
        at(mail_decisions.PATH, mail_decisions.answer, "GET", "POST", federated=None),
        # Streamlit would answer what is beside the links of mails.
        *(
            at(f"{place}{rest}", _nothing, "GET", "POST", federated=None)
            for place in LINKS
            for rest in ("", "/{rest:path}")
        ),
        at(own_mail.PATH, _with_form(_own_mail), "GET", "POST", federated=None),
        at(own_sessions.PATH, _with_form(_own_sessions), "GET", "POST", federated=None),
    ]
