"""The cookies of this app. Over TLS their names have a prefix, so that nobody can plant them.

A browser accepts a name that begins with ``__Host-`` only over TLS and only from this host, so
neither a connection without TLS nor another host of the domain can set such a cookie. Such a name
needs the path ``/``. Below a base path the prefix is ``__Secure-``, which only TLS can set.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import HTTPConnection
from starlette.responses import Response

from pages.shared.live.address import base
from pages.shared.live.client import is_https
from pages.shared.live.runtime import Services


def read(name: str, client: HTTPConnection, shared: Services) -> str | None:
    """The value of the cookie ``name`` that the request or WebSocket shows; None without one."""
    return value_of(name, client.headers, is_tls=is_https(client, shared))


def value_of(name: str, headers: Mapping[str, str], *, is_tls: bool) -> str | None:
    """The value of the cookie ``name`` in the headers; None without one.

    Over TLS only the name with the prefix is read: a connection without TLS can set the plain one.
    """
    shown = _parsed(headers.get("cookie", ""))
    return shown.get(_prefix() + name) or (None if is_tls else shown.get(name)) or None


def set_on(
    response: Response,
    name: str,
    value: str,
    max_age: int,
    request: HTTPConnection,
    shared: Services,
) -> None:
    """Adds the cookie to the response. Browsers keep it for ``max_age`` seconds."""
    is_tls = is_https(request, shared)
    if is_tls:  # a cookie without the prefix is planted, or of an earlier version of the app
        _delete(response, name, is_tls=False)
    response.set_cookie(
        (_prefix() if is_tls else "") + name,
        value,
        max_age=max_age,
        path=base() or "/",
        secure=is_tls,
        httponly=True,
        samesite="lax",
    )


def delete_on(response: Response, name: str) -> None:
    """Deletes the cookie with and without the prefix."""
    _delete(response, name, is_tls=False)
    _delete(response, _prefix() + name, is_tls=True)


def _delete(response: Response, name: str, *, is_tls: bool) -> None:
    response.delete_cookie(name, path=base() or "/", secure=is_tls, httponly=True, samesite="lax")


def _prefix() -> str:
    return "__Secure-" if base() else "__Host-"


def _parsed(header: str) -> dict[str, str]:
    """The cookies of a header; the first of equal names, which has the longest path.

    Only spaces and tabs are stripped. Starlette strips the byte A0 too, and a browser lets any host
    of the domain set a name that begins with it, because it finds no prefix there.
    """
    found: dict[str, str] = {}
    for pair in header.split(";"):
        name, _, value = pair.partition("=")
        found.setdefault(name.strip(" \t"), value.strip(" \t"))
    return found
