"""Browser windows, each signed in; the teardown asserts that no page shows a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlparse

from app_server import MEERA, sign_in_browser
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect
from screens import LOAD, wait_for

_POLICY = "script-src"  # Chromium names it in the message of each violation
OpenPage = Callable[..., Page]
DESKTOP: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}, "locale": "en-IN"}


@contextmanager
def windows(browser: Browser, profile: BrowserContext | None = None) -> Iterator[OpenPage]:
    """Returns ``open_window``; the teardown asserts that no page shows a fault.

    The first window with no option but a size uses the ``profile``, emptied before.
    """
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def note(fault: str) -> None:
        faults.append(fault)

    def open_one(url: str, who: str | None = MEERA.name, **options: Any) -> Page:
        origin = "/".join(url.split("/")[:3])
        if profile is not None and not options.keys() - {"viewport"} and profile not in contexts:
            context = profile
            _empty(profile, origin)
        else:
            context = browser.new_context(**DESKTOP | options)
        contexts.append(context)
        page = context.new_page()
        page.set_viewport_size((DESKTOP | options)["viewport"])
        page.on("pageerror", lambda error: "delta path" not in str(error) or note(str(error)))
        page.on("console", lambda said: _POLICY in said.text and note(said.text))
        page.on("request", lambda asked: _is_foreign(asked, f"{origin}/") and note(asked.url))
        page.set_default_timeout(LOAD)
        if who is not None and "/wall" not in url:  # the wall needs no sign-in
            sign_in_browser(context, url, who)
        page.goto(url)
        if who is not None and "/wall" not in url:
            # Streamlit loses a press of a link in the moment of a screen's first report; users are
            # slower. Screens without a heartbeat never report.
            with suppress(AssertionError):
                wait_for(page, "window.groundBookingHeartbeat?.mode", timeout=5000)
        return page

    yield open_one
    for context in contexts:
        for page in context.pages:
            if not page.is_closed() and page.url.startswith("http"):
                # No test may leave a screen with a fault.
                expect(page.locator(".stException")).to_have_count(0)
                expect(page.get_by_text("Something went wrong")).to_have_count(0)
                page.close()
        if context is not profile:
            context.close()
    # No page stays white, breaks its policy for scripts, or asks anything of another computer.
    assert faults == []


def _empty(profile: BrowserContext, origin: str) -> None:
    """Removes all state of the test before except compiled code."""
    for page in profile.pages[1:]:  # the browser would end without a page
        page.close()
    profile.clear_cookies()
    storage = {"origin": origin, "storageTypes": "local_storage"}
    profile.new_cdp_session(profile.pages[0]).send("Storage.clearDataForOrigin", storage)


def _is_foreign(asked: Request, origin: str) -> bool:
    """Whether a page of ``origin`` requests anything beyond this computer."""
    parts = urlparse(asked.url)
    if parts.scheme not in ("http", "https") or parts.hostname in ("127.0.0.1", "localhost"):
        return False
    return asked.is_navigation_request() or asked.frame.url.startswith(origin)
