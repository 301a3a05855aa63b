"""The HTTP routes of sign-in with an identity provider.

What a sign-in needs at its end (state, nonce, PKCE verifier, the screen to return to) is in a
signed cookie of this browser for ten minutes, and in no process. The nonce is spent in the
database, so one sign-in opens one session, whoever copies the cookie.
"""

from __future__ import annotations

import hmac
import json
import logging
import re
import secrets
import time
from typing import NamedTuple
from urllib.parse import quote, unquote

import anyio.to_thread
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from starlette.requests import Request
from starlette.responses import Response

from booking_core import IdTokenOutOfTime, IdTokenSpent, SignInRefused, StoreUnavailable
from booking_core.sessions import LONGEST_SESSION, IdToken, sign_in_by_id_token
from pages.shared.auth import oidc, oidc_client, own_sessions, session_cookie
from pages.shared.auth.forms import Refused
from pages.shared.auth.oidc import Provider
from pages.shared.auth.responses import message, page, redirect, unavailable
from pages.shared.live import cookies
from pages.shared.live.address import base
from pages.shared.live.runtime import Services
from pages.shared.text import messages

log = logging.getLogger(__name__)

BEGIN, SIGN_OUT = "signin/provider", "signout/provider"
_BEGUN_COOKIE = "ground_booking_sign_in"
# The name of the provider that signed this browser in, for sign-out there.
_PROVIDER_COOKIE = "ground_booking_provider"
_SECONDS = 600
_ERROR = re.compile(r"[a-z_]{1,40}")  # an error code of OAuth
_NOT_BEGUN = (
    "This sign-in was not begun in this browser, was begun more than ten minutes ago, or is "
    "finished already. Please sign in again."
)
_DECLINED = "You are not signed in, because access was declined at the identity provider."
_STILL_THERE = (
    "You are signed out here. The identity provider does not answer, so you may still be signed in "
    "there."
)


class _Begun(NamedTuple):
    """What the cookie of a sign-in holds; ``provider`` is a name, ``to`` the path of a screen."""

    provider: str
    state: str
    nonce: str
    verifier: str
    to: str


def form(shared: Services, to: str, *, ended: bool) -> Response:
    """The sign-in page, with one button a provider; a problem of the secrets in their place."""
    problem = oidc.problem()
    if problem:
        log.error("nobody can sign in: %s", problem)
    back = "" if to == f"{base()}/" else f"&next={quote(to, safe='')}"
    ways = [
        (one.label, f"{base()}/{BEGIN}?name={quote(one.name, safe='')}{back}")
        for one in ([] if problem else oidc.providers())
    ]
    return page(
        shared,
        "sign_in_elsewhere.html",
        500 if problem else 200,
        contact=shared.settings.contact,
        ways=ways,
        problem=problem,
        ended=ended,
    )


async def begin(request: Request, shared: Services, to: str) -> Response:
    """Redirects to the provider."""
    provider = _named(request.query_params.get("name", ""))
    if provider is None:
        return redirect(f"{base()}/signin")
    try:
        made = await oidc_client.authorize(provider)
    except Refused as exc:
        return _refusal(shared, exc.status, exc.text)
    begun = _Begun(provider.name, made.state, made.nonce, made.verifier, to)
    response = redirect(made.url)
    cookies.set_on(response, _BEGUN_COOKIE, _signed(begun), _SECONDS, request, shared)
    return response


async def finish(request: Request, shared: Services) -> Response:
    """Opens the session of the user whom the provider names. The cookie is good for once."""
    if not {"code", "error", "state"} & request.query_params.keys():  # back from signing out there
        return redirect(f"{base()}/signin")
    if not shared.is_usable:
        return unavailable(shared)
    try:
        response = await _opened(request, shared)
    except Refused as exc:
        response = _refusal(shared, exc.status, exc.text)
    except StoreUnavailable as exc:
        response = unavailable(shared, exc)
    cookies.delete_on(response, _BEGUN_COOKIE)
    return response


async def sign_out(request: Request, shared: Services) -> Response:
    """Redirects to where the provider ends its own session, or to the sign-in page."""
    # The provider's session would sign in the next user of this browser.
    name = unquote(cookies.read(_PROVIDER_COOKIE, request, shared) or "")
    provider = _named(name)
    try:
        address = None if provider is None else await oidc_client.sign_out_url(provider)
        response = redirect(address or f"{base()}/signin")
    except Refused as exc:
        link = (f"{base()}/signin", "Sign in")
        response = message(shared, exc.status, "Signed out", _STILL_THERE, link)
    cookies.delete_on(response, _PROVIDER_COOKIE)
    return response


async def _opened(request: Request, shared: Services) -> Response:
    """The redirect to the screen, with the cookie of the new session. Raises Refused."""
    params = request.query_params
    error = params.get("error")
    if error is not None:
        raise Refused(403, _sentence_of(error, shared))
    begun = _begun_by(request, shared)
    provider = None if begun is None else _named(begun.provider)
    if begun is None or provider is None:
        raise Refused(403, _NOT_BEGUN)
    try:
        identity = await oidc_client.identify(
            provider, params.get("code", ""), nonce=begun.nonce, verifier=begun.verifier
        )
        token = IdToken(
            id=json.dumps([provider.name, begun.nonce]),
            email=identity.email if identity.is_verified else "",
            issued_at=identity.issued_at,
        )
        browser = own_sessions.browser_of(request)
        signed_in = await anyio.to_thread.run_sync(
            lambda: sign_in_by_id_token(shared.db, token, browser=browser)
        )
    except (IdTokenSpent, IdTokenOutOfTime) as exc:
        raise Refused(403, messages.error(exc)) from exc
    except SignInRefused:
        text = _no_account(shared, identity)
        another = (f"{base()}/{SIGN_OUT}", "Use another account")
        return _of_provider(
            message(shared, 403, "Not signed in", text, another), request, shared, provider
        )
    response = await session_cookie.start(redirect(begun.to), request, shared, signed_in.token)
    return _of_provider(response, request, shared, provider)


def _of_provider(
    response: Response, request: Request, shared: Services, provider: Provider
) -> Response:
    """``response`` with the cookie that names the provider, if it has a name."""
    if provider.name:
        name, max_age = quote(provider.name, safe=""), int(LONGEST_SESSION.total_seconds())
        cookies.set_on(response, _PROVIDER_COOKIE, name, max_age, request, shared)
    return response


def _named(name: str) -> Provider | None:
    """The provider of this name; None without one, and while the secrets have a problem."""
    found = [] if oidc.problem() else oidc.providers()
    return next((one for one in found if one.name == name), None)


def _signed(begun: _Begun) -> str:
    claims = begun._asdict() | {"exp": int(time.time()) + _SECONDS}
    return jwt.encode({"alg": "HS256"}, claims, _key())


def _begun_by(request: Request, shared: Services) -> _Begun | None:
    """What the cookie of this browser holds; None if it is not of the sign-in that ends here."""
    text = cookies.read(_BEGUN_COOKIE, request, shared)
    try:
        claims = jwt.decode(text or "", _key(), algorithms=["HS256"]).claims
        jwt.JWTClaimsRegistry(exp={"essential": True}).validate(claims)
    except (JoseError, ValueError):
        return None
    begun = _Begun(*(str(claims.get(name, "")) for name in _Begun._fields))
    state = request.query_params.get("state", "")
    return begun if secrets.compare_digest(begun.state.encode(), state.encode()) else None


def _key() -> OctKey:
    """The key of the cookie, derived because Streamlit signs its own cookies by the same secret."""
    secret = oidc.cookie_secret().encode()
    return OctKey.import_key(hmac.digest(secret, _BEGUN_COOKIE.encode(), "sha256"))


def _refusal(shared: Services, status: int, text: str) -> Response:
    return message(shared, status, "Not signed in", text, (f"{base()}/signin", "Sign in"))


def _sentence_of(error: str, shared: Services) -> str:
    """The sentence for an error that the provider reports."""
    log.warning("the provider reports an error: %.100r", error)
    if error == "access_denied":
        return _DECLINED
    code = f" ({error})" if _ERROR.fullmatch(error) else ""
    return (
        f"The identity provider reports a problem{code}, so you are not signed in. Please sign in "
        f"again. If this comes back, tell {shared.settings.contact}."
    )


def _no_account(shared: Services, identity: oidc_client.Identity) -> str:
    """The sentence for a user whose ID token belongs to no account."""
    email, contact = identity.email, shared.settings.contact
    if not email:
        return f"The identity provider names no e-mail address of yours. Ask {contact} what to do."
    if not identity.is_verified:
        return f"The address {email} is not verified by its provider. Ask {contact} what to do."
    return f"There is no account here for {email}. Ask {contact} for one."
