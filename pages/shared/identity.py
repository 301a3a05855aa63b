"""Signing in through the school's identity provider, where ``[auth]`` is configured.

Streamlit does the talking (``st.login``); here is what of its answer counts.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import streamlit as st
from streamlit.auth_util import get_secrets_auth_section

from pages.shared.people import Ticket

# Of the section itself; whatever else is in it and has a section of its own is a provider.
_AUTH = ("redirect_uri", "cookie_secret", "expose_tokens")


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


def ticket() -> Ticket | None:
    """What the provider says of whoever is in this browser; None while it has said nothing.

    Only a verified address counts: anybody may claim one. The moment of signing in is the
    provider's (``iat``), so that a day's session ends with the day.
    """
    claims: dict[str, Any] = st.user.to_dict()
    since = claims.get("iat")
    if claims.get("is_logged_in") is not True or not isinstance(since, int | float):
        return None
    email = claims.get("email") if claims.get("email_verified") is True else None
    return Ticket(email=str(email or ""), since=datetime.fromtimestamp(since, UTC))


def claimed() -> str:
    """The address that the provider named, verified or not, to be shown to its owner."""
    return str(st.user.to_dict().get("email") or "")
