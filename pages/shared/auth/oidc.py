"""The school's identity providers, as ``[auth]`` of the secrets names them.

The keys are those of Streamlit: ``redirect_uri`` and ``cookie_secret``, and of each provider
``client_id``, ``client_secret``, ``server_metadata_url`` and ``client_kwargs``. One provider has
them in ``[auth]`` itself, several have them in ``[auth.NAME]``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from pages.shared.live.address import LOGO, MISSING, SCREENS, base
from pages.shared.live.streamlit_internals import auth_section

# Keys of the section itself; every other key whose value is a section is a provider.
_AUTH = ("redirect_uri", "cookie_secret", "expose_tokens")
_OF_PROVIDER = ("client_id", "client_secret", "server_metadata_url")
# Key of a provider's section: the claim of its ID tokens that says that the address is verified.
# Microsoft Entra sends no "email_verified"; its optional claim is "xms_edov".
_VERIFIED_CLAIM = "verified_claim"
_DEFAULT_CLAIM = "email_verified"
# As providers write true: Amazon Cognito sends text, Entra a number or text.
_TRUE = (True, "true", "True", "1")  # 1 == True
_CALLBACK = "oauth2callback"  # Streamlit's own path, which schools have registered
_PATH = re.compile(r"[\w-]+(/[\w-]+)*", re.ASCII)
# First path segments that lead elsewhere.
_TAKEN = frozenset(
    (
        *(
            *SCREENS,
            LOGO,
            MISSING,
            "signin",
            "signout",
            "password",
            "secondfactor",
            "sessions",
            "mail",
            "live",
        ),
        *("auth", "media", "static", "component", "app", "_stcore"),
    )
)


@dataclass(frozen=True, slots=True)
class Provider:
    """An identity provider; ``name`` is "" for one without a name."""

    name: str
    client_id: str
    client_secret: str = field(repr=False)
    metadata_url: str
    client_kwargs: dict[str, Any]
    verified_claim: str

    @property
    def label(self) -> str:
        return f"Sign in with {self.name.capitalize()}" if self.name else "Sign in"

    def is_verified(self, claims: Mapping[str, Any]) -> bool:
        """Whether the provider says that the address of this ID token belongs to its user.

        It says so in one claim, by default ``email_verified``. No other claim is trusted, because a
        user can claim any address.
        """
        return claims.get(self.verified_claim) in _TRUE


def is_on() -> bool:
    """Whether users sign in with an identity provider, and not with a password."""
    return bool(auth_section())


def providers() -> list[Provider]:
    """The providers to choose from. Only for a section without a ``problem``."""
    return [
        Provider(
            name,
            str(one["client_id"]),
            str(one["client_secret"]),
            str(one["server_metadata_url"]),
            dict(one.get("client_kwargs", {})),
            str(one.get(_VERIFIED_CLAIM, _DEFAULT_CLAIM)),
        )
        for name, one in _sections().items()
    ]


def problem() -> str:
    """A sentence about what is missing or wrong in ``[auth]``; "" if nothing is."""
    section, found = auth_section(), _sections()
    for key in ("redirect_uri", "cookie_secret"):
        if not _is_text(section.get(key)):
            return f"[auth] in the secrets needs {key}."
    path = _named_path()
    if path is not None and path.partition("/")[0] in _TAKEN:
        return f"redirect_uri of [auth] names /{path}, which leads elsewhere. Use /{_CALLBACK}."
    if not found:
        return "[auth] in the secrets names no provider: it needs client_id."
    for name, one in found.items():
        where = f"[auth.{name}]" if name else "[auth]"
        for key in _OF_PROVIDER:
            if not _is_text(one.get(key)):
                return f"{where} in the secrets needs {key}."
        if not isinstance(one.get("client_kwargs", {}), dict):
            return f"client_kwargs of {where} must be a section."
    return ""


def redirect_uri() -> str:
    """The address to which providers redirect; ``{port}`` in it is the server's port."""
    return str(auth_section()["redirect_uri"]).replace("{port}", str(st.get_option("server.port")))


def cookie_secret() -> str:
    return str(auth_section()["cookie_secret"])


def callback_paths() -> set[str]:
    """The paths, below the base path, to which providers redirect; each without its first slash.

    That of ``redirect_uri``, and Streamlit's own, to which a proxy may shorten the first.
    """
    named = _named_path()
    is_free = named is not None and named.partition("/")[0] not in _TAKEN
    return {_CALLBACK, named} if named is not None and is_free else {_CALLBACK}


def _sections() -> dict[str, dict[str, Any]]:
    """Each provider's section by its name."""
    section = auth_section()
    if any(key in section for key in _OF_PROVIDER):
        return {"": section}
    return {
        name: value
        for name, value in section.items()
        if name not in _AUTH and isinstance(value, dict)
    }


def _named_path() -> str | None:
    """The path of ``redirect_uri`` below the base path; None if it has none there."""
    try:
        path = urlsplit(str(auth_section().get("redirect_uri") or "")).path
    except ValueError:
        return None
    below = path.removeprefix(f"{base()}/")
    return below if below != path and _PATH.fullmatch(below) else None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)
