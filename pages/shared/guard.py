"""What stands before every answer over HTTP: headers, and the way to the door.

WebSockets pass untouched: what they get, the screens themselves decide.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from booking_core import StoreUnavailable
from pages.shared import door, identity, services
from pages.shared.address import base

# First parts of addresses that are no screens, and of the one screen that is for everybody.
_PARTS = ("_stcore", "static", "app", "component", "live", "auth", "oauth2callback")
_OPEN = frozenset((*_PARTS, "wall", "signin", "signout", "password"))
_FILES = "media"  # what people download: exports, for one


class Guard:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        place = scope["path"].removeprefix(base()).lstrip("/").partition("/")[0]

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                _protect(MutableHeaders(scope=message), place)
            await send(message)

        request = Request(scope)
        if place == _FILES and not await _is_let_in(request):
            await PlainTextResponse("Not found", 404)(scope, receive, send_guarded)
            return
        # The door of an identity provider is a screen of Streamlit's, at every address.
        is_screen = _is_navigation(request) and place not in _OPEN and not identity.is_on()
        if is_screen and not await _is_let_in(request):
            here = f"{scope['path']}?{scope['query_string'].decode('latin-1')}".rstrip("?")
            answer = RedirectResponse(
                f"{base()}/signin?next={quote(door.safe_next(here), safe='')}",
                303,
                {"cache-control": "no-store"},
            )
            await answer(scope, receive, send_guarded)
            return
        await self._app(scope, receive, send_guarded)


def _protect(headers: MutableHeaders, place: str) -> None:
    # The timer that is the floor of the live updates sits in a frame of our own pages.
    own = place == "component"
    headers["x-frame-options"] = "SAMEORIGIN" if own else "DENY"
    if "content-security-policy" not in headers:
        headers["content-security-policy"] = f"frame-ancestors '{'self' if own else 'none'}'"
    headers["x-content-type-options"] = "nosniff"
    headers["referrer-policy"] = "same-origin"


def _is_navigation(request: Request) -> bool:
    return request.method == "GET" and "text/html" in request.headers.get("accept", "")


async def _is_let_in(request: Request) -> bool:
    """Whether the page may load. What it shows to nobody in particular, it decides itself."""
    if services.start().db is None:
        return True
    try:
        return await door.person_of(request) is not None
    except StoreUnavailable:  # the screen says so, and goes on by itself
        return True
