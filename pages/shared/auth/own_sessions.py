"""The page “Where you are signed in”: the user's own sessions, each of which can be ended."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from booking_core import Actor, NotFound
from booking_core.sessions import end_other_sessions, end_session, sessions_of
from pages.shared.auth.responses import page, redirect
from pages.shared.live import cookies
from pages.shared.live.address import COOKIE, base
from pages.shared.live.runtime import Services
from pages.shared.text import formats

PATH = "sessions"
_LONGEST_AGENT = 500
# The first that a user agent names is what it is: most of them name others after it.
_BROWSERS = {
    "Edg/": "Edge",
    "EdgA/": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser/": "Samsung Internet",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "CriOS/": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "CrOS": "ChromeOS",
    "Windows": "Windows",
    "Mac OS X": "Mac",
    "Linux": "Linux",
}


class SessionRow(NamedTuple):
    """A session of the page, with its moments as text."""

    id: str
    browser: str
    begun: str
    used: str
    is_this: bool


def browser_of(request: Request) -> str:
    """The browser's name and system, such as "Firefox on Windows"; "" if it names none of ours."""
    agent = request.headers.get("user-agent", "")[:_LONGEST_AGENT]
    browser = next((name for mark, name in _BROWSERS.items() if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS.items() if mark in agent), "")
    return f"{browser} on {system}" if browser and system else browser or system


def show(request: Request, shared: Services, person: Actor, to: str) -> Response:
    """The page. Blocks; raises StoreUnavailable."""
    now, zone = shared.now(), shared.settings.zone
    rows = [
        SessionRow(
            one.id,
            one.browser or "Unknown browser",
            formats.said_at(one.created_at, now, zone),
            formats.said_at(one.seen_at, now, zone),
            one.is_this,
        )
        for one in sessions_of(
            shared.db, by=person, token=cookies.read(COOKIE, request, shared) or ""
        )
    ]
    return page(shared, "own_sessions.html", sessions=rows, next_path=to)


def end(
    request: Request, shared: Services, person: Actor, form: dict[str, str], to: str
) -> Response:
    """Ends the session that the form names, or all others; a redirect to the page. Blocks."""
    if "id" in form:
        with suppress(NotFound):  # it has ended meanwhile
            end_session(shared.db, form["id"], by=person)
    else:
        end_other_sessions(shared.db, cookies.read(COOKIE, request, shared) or "", by=person)
    return redirect(f"{base()}/{PATH}?next={quote(to, safe='')}")
