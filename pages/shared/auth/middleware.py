"""ASGI middleware: the host, security headers on every response, redirects to sign-in, uploads.

A WebSocket passes unchanged if its host is right and there is a place for its screen: each screen
checks the session itself.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from booking_core import StoreUnavailable
from booking_core.reports import SHEET_CHANGES
from pages.shared.auth import downloads, hosts, oidc, routes
from pages.shared.auth.uploads import Uploads
from pages.shared.live import runtime
from pages.shared.live.address import (
    CALENDARS,
    CODES,
    DAY_SHEET,
    FORGOTTEN,
    LINKS,
    LOGO,
    MISSING,
    MONTH_REPORT,
    SCREENS,
    WEEK_SHEET,
    base,
)
from pages.shared.live.client import is_this_computer
from pages.shared.live.screen_places import ScreenPlaces
from pages.shared.live.streamlit_internals import STREAM_ROUTE, UPLOAD_ROUTE, inline_script_hashes

# First path segments of requests without a session check.
_NO_SCREENS = ("_stcore", "static", "app", "component", "live", "auth")
_PUBLIC = frozenset(
    (
        *_NO_SCREENS,
        *LINKS,
        CALENDARS,
        FORGOTTEN,
        LOGO,
        "wall",
        "signin",
        "signout",
        "password",
        "secondfactor",
    )
)
_FILES = "media"  # downloads, such as exports
_SHEETS = (DAY_SHEET, WEEK_SHEET, SHEET_CHANGES, MONTH_REPORT)
_PLACES = _PUBLIC | {"", "sessions", "mail", CODES, MISSING, _FILES, *_SHEETS, *SCREENS}
_POLICY = 1008  # a close code of RFC 6455
_METRICS = "/_stcore/metrics"  # numbers of sessions and sizes of caches, for this computer only
# Streamlit loads the script of each of our components as a blob. No screen needs 'unsafe-eval'.
_SCRIPTS = " ".join(("'self'", "blob:", *inline_script_hashes()))


class SignInMiddleware:
    """Answers a request for a screen or a file without a session; passes all others on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._uploads = Uploads()
        self._screens: ScreenPlaces | None = None  # made at the first screen, after the settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        path = scope["path"].removeprefix(base())
        if scope["type"] == "websocket":
            await self._serve_socket(path, scope, receive, send)
            return
        place, _, name = path.lstrip("/").partition("/")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_security_headers(MutableHeaders(scope=message), place)
            await send(message)

        if not hosts.is_answered(Request(scope), runtime.start()):
            await PlainTextResponse(hosts.REFUSAL, 421)(scope, receive, send_with_headers)
            return
        if path.startswith(_METRICS) and not is_this_computer(Request(scope)):
            await PlainTextResponse("Not found", 404)(scope, receive, send_with_headers)
            return
        if path.startswith(UPLOAD_ROUTE):
            try:
                await self._uploads.serve(self._app, scope, receive, send_with_headers)
            except HTTPException as exc:
                refusal = PlainTextResponse(exc.detail, exc.status_code)
                await refusal(scope, receive, send_with_headers)
            return
        request = Request(scope)
        if place == _FILES and not (
            downloads.may_open(request, name) and await _has_session(request)
        ):
            await PlainTextResponse("Not found", 404)(scope, receive, send_with_headers)
            return
        if path.lstrip("/") in oidc.callback_paths():
            await self._app(scope, receive, send_with_headers)
            return
        is_screen = _is_navigation(request) and place not in _PUBLIC
        if is_screen and not await _has_session(request):
            here = f"{scope['path']}?{scope['query_string'].decode('latin-1')}".rstrip("?")
            answer = RedirectResponse(
                f"{base()}/signin?next={quote(routes.safe_next(here), safe='')}",
                303,
                {"cache-control": "no-store"},
            )
            await answer(scope, receive, send_with_headers)
            return
        # Streamlit would serve its page at every path, with words of its own at an unknown one.
        if _is_navigation(request) and (place not in _PLACES or (place in SCREENS and name)):
            answer = RedirectResponse(f"{base()}/{MISSING}", 303, {"cache-control": "no-store"})
            await answer(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)

    async def _serve_socket(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        shared = runtime.start()
        if not hosts.is_answered(HTTPConnection(scope), shared):
            await send({"type": "websocket.close", "code": _POLICY})
        elif path == STREAM_ROUTE:
            if self._screens is None:
                self._screens = ScreenPlaces(shared)
            await self._screens.serve(self._app, scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _add_security_headers(headers: MutableHeaders, place: str) -> None:
    # The timer of the polling fallback is a component in a frame of the app's own pages.
    own = place == "component"
    headers["x-frame-options"] = "SAMEORIGIN" if own else "DENY"
    if "content-security-policy" not in headers:
        # Not form-action: signing out is a form, which may be redirected to an identity provider.
        frames = "'self'" if own else "'none'"
        headers["content-security-policy"] = (
            f"object-src 'none'; base-uri 'none'; frame-ancestors {frames}"
            f"{'' if own else f'; script-src {_SCRIPTS}'}"
        )
    headers["x-content-type-options"] = "nosniff"
    # The address of a link of a mail is a secret: its pages send no referrer at all.
    headers["referrer-policy"] = "no-referrer" if place in LINKS else "same-origin"


def _is_navigation(request: Request) -> bool:
    return request.method == "GET" and "text/html" in request.headers.get("accept", "")


async def _has_session(request: Request) -> bool:
    """Whether the request has a session; True also while the database cannot be reached."""
    if runtime.start().db is None:
        return True
    try:
        return await routes.person_of(request) is not None
    except StoreUnavailable:  # the screen shows the error and reconnects by itself
        return True
