"""The school's identity provider, where ``[auth]`` is configured: its word is a proof at the door.

Streamlit does the talking (``st.login``) and a run of a screen hears the answer, but only a route
can set a cookie. So the run leaves the proof here, for a moment, under what this browser alone
shows to both: Streamlit's own signed cookies. No address holds it, so none can be planted. It is
in memory, because run and route are in one process: Streamlit itself needs a balancer that keeps
a browser with its process.
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
from streamlit.auth_util import get_secrets_auth_section

from booking_core import Proof

LOGOUT = "auth/logout"  # Streamlit's route behind st.logout: it clears its cookies, then asks on
_COOKIES = "_streamlit_user"  # the first letters of the names of those cookies
# Of the section itself; whatever else is in it and has a section of its own is a provider.
_AUTH = ("redirect_uri", "cookie_secret", "expose_tokens")
# What tells two words of a provider apart; all of it is signed, by the provider and by Streamlit.
_TELLING = ("provider", "iss", "sub", "email", "iat", "nonce", "jti")
_SECONDS = 60.0  # from the screen to the route: one redirect
_MOST = 1000

_left: dict[str, tuple[float, Proof]] = {}
_lock = threading.Lock()


def is_on() -> bool:
    """Whether an identity provider signs people in, and no password of ours."""
    return bool(get_secrets_auth_section())


def providers() -> list[str]:
    """The names of several providers to choose from; empty where there is one without a name."""
    section = get_secrets_auth_section().to_dict()
    if "client_id" in section:
        return []
    return [
        name for name, value in section.items() if name not in _AUTH and isinstance(value, dict)
    ]


def proof() -> Proof | None:
    """What the provider says of whoever is in this browser; None while it has said nothing.

    Without an address where it is not verified: anybody may claim one.
    """
    claims: dict[str, Any] = st.user.to_dict()
    issued_at = claims.get("iat")
    if claims.get("is_logged_in") is not True or not isinstance(issued_at, int | float):
        return None
    email = claims.get("email") if claims.get("email_verified") is True else None
    return Proof(
        id=json.dumps([claims.get(name) for name in _TELLING]),
        email=str(email or ""),
        issued_at=datetime.fromtimestamp(issued_at, UTC),
    )


def claimed() -> str:
    """The address that the provider named, verified or not, to be shown to its owner."""
    return str(st.user.to_dict().get("email") or "")


def leave(proof: Proof, cookies: Mapping[str, str]) -> None:
    """Leaves ``proof`` for the route that the browser of ``cookies`` goes to now."""
    key = _key(cookies)
    if key is None:
        return
    now = time.monotonic()
    with _lock:
        for old in [k for k, (until, _) in _left.items() if until < now]:
            del _left[old]
        while len(_left) >= _MOST:
            del _left[next(iter(_left))]
        _left[key] = now + _SECONDS, proof


def take(cookies: Mapping[str, str]) -> Proof | None:
    """What was left for the browser of ``cookies`` within the last minute; once."""
    key = _key(cookies)
    with _lock:
        until, proof = _left.pop(key or "", (0.0, None))
    return proof if time.monotonic() < until else None


def _key(cookies: Mapping[str, str]) -> str | None:
    """Of a browser that has Streamlit's cookies, all their parts; None for others."""
    own = sorted((name, cookies[name]) for name in cookies if name.startswith(_COOKIES))
    return hashlib.sha256(json.dumps(own).encode()).hexdigest() if own else None
