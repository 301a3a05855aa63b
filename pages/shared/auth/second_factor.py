"""The pages of the second factor: the code at sign-in, setting it up, and changing it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import segno
from starlette.requests import Request
from starlette.responses import Response

from booking_core import (
    AlreadyExists,
    BookingError,
    ChallengeOver,
    ChangedMeanwhile,
    NotAllowed,
    NotFound,
    SignInRefused,
    StoreUnavailable,
    TooManyAttempts,
    WrongCode,
)
from booking_core.sessions import (
    CHALLENGE_OPEN,
    SecondFactorSetUp,
    begin_second_factor,
    confirm_second_factor,
    is_challenge_open,
    must_set_up_second_factor,
    open_session,
    recovery_codes_left,
    renew_recovery_codes,
    sign_in_by_code,
    turn_off_second_factor,
)
from pages.shared.auth import own_sessions, session_cookie, signing_in
from pages.shared.auth.forms import Refused
from pages.shared.auth.responses import message, page, redirect, too_many
from pages.shared.auth.signing_in import SECOND_FACTOR as PATH
from pages.shared.auth.signing_in import off_loop
from pages.shared.live import cookies
from pages.shared.live.address import COOKIE, base
from pages.shared.live.runtime import Services
from pages.shared.live.session_cache import Person
from pages.shared.text import messages

CODE = "signin/code"
CHALLENGE_COOKIE = "ground_booking_challenge"
_WRONG_PASSWORD_OR_CODE = "This is not your password. Please type it again, or a code of the app."
_STOPPED = "The database cannot be reached, so nothing was changed. Please try again."
_UNKNOWN = (
    "The database has stopped answering, and it is not known whether anything was changed. Load "
    "this page again before you go on."
)


def ask_for_code(request: Request, shared: Services, challenge: str, to: str) -> Response:
    """A redirect to the page for the code; ``challenge`` goes into a cookie."""
    response = redirect(f"{base()}/{CODE}?next={quote(to, safe='')}")
    max_age = int(CHALLENGE_OPEN.total_seconds())
    cookies.set_on(response, CHALLENGE_COOKIE, challenge, max_age, request, shared)
    return response


async def code(request: Request, shared: Services, form: dict[str, str], to: str) -> Response:
    """The page for the code. POST: opens the session if the code of ``form`` is right."""
    challenge = cookies.read(CHALLENGE_COOKIE, request, shared) or ""

    def ask(problem: str = "", status: int = 200) -> Response:
        return page(shared, "code.html", status, next_path=to, problem=problem)

    if request.method == "GET":
        if await off_loop(lambda: is_challenge_open(shared.db, challenge)):
            return ask()
        return redirect(f"{base()}/signin?next={quote(to, safe='')}")
    try:
        signed_in = await signing_in.attempt(
            request, shared, sign_in_by_code, challenge, form.get("code", "")
        )
    except TooManyAttempts as exc:
        return too_many(ask(messages.error(exc), 429), exc)
    except WrongCode as exc:
        if await off_loop(lambda: is_challenge_open(shared.db, challenge)):
            return ask(messages.error(exc), 401)
        return _over(shared, to)
    except ChallengeOver:
        return _over(shared, to)
    response = await signing_in.go_on(request, shared, signed_in.account, signed_in.token, to)
    cookies.delete_on(response, CHALLENGE_COOKIE)
    return response


async def own(
    request: Request, shared: Services, person: Person, form: dict[str, str], to: str
) -> Response:
    """The page of the user's own second factor, and what its buttons do."""
    account, token = person.account, cookies.read(COOKIE, request, shared) or ""
    if account.has_second_factor:
        return await _change(request, shared, token, form, to)
    forced = must_set_up_second_factor(account, shared.reference().policy)
    try:
        made = await off_loop(lambda: begin_second_factor(shared.db, token))
    except NotAllowed as exc:
        raise Refused(
            403, "A second factor is for principals and admins who have a password here."
        ) from exc
    except (AlreadyExists, SignInRefused):  # set up or signed out meanwhile
        return redirect(f"{base()}/{PATH}")

    def ask(problem: str = "", status: int = 200) -> Response:
        return page(
            shared,
            "set_up_second_factor.html",
            status,
            key=made.key,
            uri=made.uri,
            picture=_qr_code(made),
            next_path=to,
            problem=problem,
            forced=forced,
        )

    if request.method == "GET":
        return ask()
    try:
        codes = await off_loop(
            lambda: confirm_second_factor(shared.db, token, form.get("code", ""))
        )
    except BookingError as exc:
        return _answer(shared, exc, ask)
    response = page(shared, "recovery_codes.html", codes=codes, next_path=to)
    try:
        opened = await off_loop(
            lambda: open_session(shared.db, account.id, browser=own_sessions.browser_of(request))
        )
    except BookingError:  # the codes are shown here only, so they are shown all the same
        session_cookie.delete(response)
        return response
    return await session_cookie.start(response, request, shared, opened, by_password=True)


async def _change(
    request: Request, shared: Services, token: str, form: dict[str, str], to: str
) -> Response:
    """The page of a second factor that is on: new recovery codes, or turning it off."""
    is_required = shared.reference().policy.second_factor
    try:
        left = await off_loop(lambda: recovery_codes_left(shared.db, token))
    except (NotFound, SignInRefused):  # turned off or signed out meanwhile
        return redirect(f"{base()}/{PATH}")

    def ask(problem: str = "", status: int = 200) -> Response:
        return page(
            shared,
            "second_factor.html",
            status,
            left=left,
            next_path=to,
            problem=problem,
            is_required=is_required,
        )

    if request.method == "GET":
        return ask()
    password_or_code = form.get("password_or_code", "")
    try:
        if form.get("do") == "codes":
            codes = await off_loop(lambda: renew_recovery_codes(shared.db, token, password_or_code))
            return page(shared, "recovery_codes.html", codes=codes, next_path=to)
        if form.get("do") == "off":
            await off_loop(lambda: turn_off_second_factor(shared.db, token, password_or_code))
            return redirect(f"{base()}/{PATH}?next={quote(to, safe='')}" if is_required else to)
    except BookingError as exc:
        return _answer(shared, exc, ask)
    raise Refused(400, "This form cannot be read.")


def _answer(shared: Services, exc: BookingError, ask: Callable[[str, int], Response]) -> Response:
    """The page again with the reason of a refusal."""
    match exc:
        case StoreUnavailable():  # no page that reloads itself: it would hide the outcome
            return ask(_STOPPED if exc.nothing_happened else _UNKNOWN, 503)
        case TooManyAttempts():
            return too_many(ask(messages.error(exc), 429), exc)
        case WrongCode():
            return ask(messages.error(exc), 422)
        case AlreadyExists() | NotFound() | ChangedMeanwhile():
            return redirect(f"{base()}/{PATH}")
        case SignInRefused():
            return ask(_WRONG_PASSWORD_OR_CODE, 422)
    return ask(messages.error(exc), 422)


def _over(shared: Services, to: str) -> Response:
    address = f"{base()}/signin?next={quote(to, safe='')}"
    text = messages.error(ChallengeOver())
    response = message(shared, 401, "Not signed in", text, (address, "Sign in"))
    cookies.delete_on(response, CHALLENGE_COOKIE)
    return response


def _qr_code(made: SecondFactorSetUp) -> str:
    """The QR code as a ``data:`` URL, dark on light in every colour scheme."""
    code = segno.make(made.uri, error="m", micro=False)
    return code.svg_data_uri(border=4, dark="#14213a", light="#fff", omitsize=True)
