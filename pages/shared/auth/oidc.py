"""The school's identity provider, if ``[auth]`` is configured, and its ID tokens.

``st.login`` fetches the ID token, and only a script run can read it; but only an HTTP route can set
a cookie. So the run stores a one-time login token here for a minute, and the route takes it. The
key is a hash of Streamlit's signed cookies, which only this browser sends to both. No URL contains
the token, so no link can sign a user in to another account. The store is in memory: Streamlit needs
a load balancer that keeps a browser with one process, so run and route are in the same process.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from booking_core import IdToken
from pages.shared.live.streamlit_internals import auth_section

LOGOUT = "auth/logout"  # route of st.logout: deletes its cookies, signs out at the provider
_COOKIES = "_streamlit_user"  # prefix of the names of these cookies
# Keys of the section itself; every other key whose value is a section is a provider.
_AUTH = ("redirect_uri", "cookie_secret", "expose_tokens")
# Key of a provider's section: the claim of its ID tokens that says that the address is verified.
# Microsoft Entra sends no "email_verified"; its optional claim is "xms_edov".
_VERIFIED_CLAIM = "verified_claim"
_DEFAULT_CLAIM = "email_verified"
# As providers write true: Amazon Cognito sends text, Entra a number or text.
_TRUE = (True, "true", "True", "1")  # 1 == True
# Claims that identify an ID token; the provider and Streamlit have signed them all.
_IDENTIFYING = ("provider", "iss", "sub", "email", "iat", "nonce", "jti")
_SECONDS = 60.0  # enough for the redirect from the screen to the route
_MOST = 1000

_kept: dict[str, tuple[float, IdToken]] = {}
_lock = threading.Lock()


def is_on() -> bool:
    """Whether users sign in with an identity provider, and not with a password."""
    return bool(auth_section())


def providers() -> list[str]:
    """The names of the providers to choose from; empty if there is one without a name."""
    section = auth_section()
    if "client_id" in section:
        return []
    return [
        name for name, value in section.items() if name not in _AUTH and isinstance(value, dict)
    ]


def login_token() -> IdToken | None:
    """The one-time login token from this browser's ID token; None without an ID token.

    ``email`` is "" unless the provider has verified it, because a user can claim any address.
    """
    claims: dict[str, Any] = st.user.to_dict()
    issued_at = claims.get("iat")
    if claims.get("is_logged_in") is not True or not isinstance(issued_at, int | float):
        return None
    email = claims.get("email") if is_verified(claims) else None
    return IdToken(
        id=json.dumps([claims.get(name) for name in _IDENTIFYING]),
        email=str(email or ""),
        issued_at=datetime.fromtimestamp(issued_at, UTC),
    )


def is_verified(claims: Mapping[str, Any]) -> bool:
    """Whether the provider says that the address of this ID token belongs to its user.

    It says so in the claim that ``verified_claim`` names in its section, or in ``[auth]`` if there
    is one provider; without that key in ``email_verified``. No other claim is trusted.
    """
    section = auth_section()
    own = section.get(str(claims.get("provider")))
    if isinstance(own, dict):
        section = own
    return claims.get(str(section.get(_VERIFIED_CLAIM, _DEFAULT_CLAIM))) in _TRUE


def claimed_email() -> str:
    """The e-mail address in the ID token, verified or not; for display only."""
    return str(st.user.to_dict().get("email") or "")


def keep_for_route(token: IdToken, cookies: Mapping[str, str]) -> None:
    """Stores ``token`` for one minute, for the next request of the browser with ``cookies``."""
    key = _key(cookies)
    if key is None:
        return
    now = time.monotonic()
    with _lock:
        for old in [k for k, (until, _) in _kept.items() if until < now]:
            del _kept[old]
        while len(_kept) >= _MOST:
            del _kept[next(iter(_kept))]
        _kept[key] = now + _SECONDS, token


def take(cookies: Mapping[str, str]) -> IdToken | None:
    """Removes and returns the login token that was stored for the browser; None without one."""
    key = _key(cookies)
    with _lock:
        until, token = _kept.pop(key or "", (0.0, None))
    return token if time.monotonic() < until else None


def _key(cookies: Mapping[str, str]) -> str | None:
    """A hash of all cookies of ``st.login``, whose number varies; None without such cookies."""
    own = sorted((name, cookies[name]) for name in cookies if name.startswith(_COOKIES))
    return hashlib.sha256(json.dumps(own).encode()).hexdigest() if own else None
