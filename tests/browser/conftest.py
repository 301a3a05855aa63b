"""One browser and one app per worker; an emptied school and fresh windows for every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
from app_server import MEERA, AppServer, School, let_in, running_app
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
from screens import LOAD

from scripts.browser import FLAGS, find

HERE = Path(__file__).parent
OpenPage = Callable[..., Page]
expect.set_options(timeout=LOAD)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in a browser may be tried again: three apps and browsers share two cores here.

    A rerun is told in the summary; what fails three times fails.
    """
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.flaky(reruns=2))


DESK: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}, "locale": "en-IN"}


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """Chromium's profile on disk. Without a Chromium every test that needs it fails.

    What it has compiled of Streamlit's code, the next page need not: a page costs a quarter less.
    """
    path = find()
    assert path is not None, "no Chromium here: python scripts/browser.py installs one"
    with sync_playwright() as playwright:
        kept = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=path,
            args=FLAGS,
            **DESK,
        )
        yield kept
        kept.close()


@pytest.fixture(scope="session")
def browser(profile: BrowserContext) -> Browser:
    assert profile.browser is not None
    return profile.browser


@pytest.fixture(scope="session")
def running(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AppServer, School]]:
    """The app that the tests of this worker share."""
    with running_app(tmp_path_factory.mktemp("home"), mongod_uri) as both:
        yield both


@pytest.fixture
def app(running: tuple[AppServer, School], school: School) -> AppServer:
    return running[0]


@pytest.fixture
def school(running: tuple[AppServer, School]) -> School:
    """Three grounds, 8 to 18 o'clock, students S000 to S199, nothing booked; it is past nine."""
    running[1].reset()
    return running[1]


@contextmanager
def windows(browser: Browser, profile: BrowserContext | None = None) -> Iterator[OpenPage]:
    """What ``open_window`` is; at the end none of its pages shows a fault.

    The first window without options has the ``profile``, emptied before.
    """
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def note(fault: str) -> None:
        faults.append(fault)

    def open_one(url: str, who: str | None = MEERA.name, **options: Any) -> Page:
        origin = "/".join(url.split("/")[:3])
        if profile is not None and not options and profile not in contexts:
            context = profile
            _empty(profile, origin)
        else:
            context = browser.new_context(**DESK | options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: "delta path" not in str(error) or note(str(error)))
        page.on("request", lambda asked: _is_foreign(asked, f"{origin}/") and note(asked.url))
        page.set_default_timeout(LOAD)
        if who is not None and "/wall" not in url:  # the wall is for everybody
            let_in(context, url, who)
        page.goto(url)
        if who is not None and "/wall" not in url:
            # A link pressed in the very moment in which a screen reports itself for the first
            # time is lost to Streamlit; people are slower. Screens without a pulse never report.
            with suppress(PlaywrightTimeoutError):
                page.wait_for_function("window.groundBookingPulse?.mode", timeout=5000)
        return page

    yield open_one
    for context in contexts:
        for page in context.pages:
            if not page.is_closed() and page.url.startswith("http"):
                # Whatever a test looked at: no screen ever ends in a fault.
                expect(page.locator(".stException")).to_have_count(0)
                expect(page.get_by_text("Something went wrong")).to_have_count(0)
                page.close()
        if context is not profile:
            context.close()
    # Nor in a white page, and no screen asks anybody but this computer for anything.
    assert faults == []


def _empty(profile: BrowserContext, origin: str) -> None:
    """Leaves nothing of the test before, however it ended, but what is compiled."""
    for page in profile.pages[1:]:  # without one the browser would end
        page.close()
    profile.clear_cookies()
    storage = {"origin": origin, "storageTypes": "local_storage"}
    profile.new_cdp_session(profile.pages[0]).send("Storage.clearDataForOrigin", storage)


@pytest.fixture
def open_window(browser: Browser, profile: BrowserContext) -> Iterator[OpenPage]:
    """Opens an address in a browser of its own: ``open_window(url, "Joseph", **context)``.

    Meera is signed in there unless somebody else is named, and nobody with ``who=None``.
    """
    with windows(browser, profile) as open_one:
        yield open_one


def _is_foreign(asked: Request, origin: str) -> bool:
    """Whether a page of ``origin`` asks for something beyond this computer."""
    parts = urlparse(asked.url)
    if parts.scheme not in ("http", "https") or parts.hostname in ("127.0.0.1", "localhost"):
        return False
    return asked.is_navigation_request() or asked.frame.url.startswith(origin)


@pytest.fixture
def open_page(app: AppServer, open_window: OpenPage) -> OpenPage:
    """Opens a screen of the shared app: ``open_page("/book", "Joseph Mathew")``."""

    def open_one(path: str = "/book", who: str | None = MEERA.name, **options: Any) -> Page:
        return open_window(app.url + path, who, **options)

    return open_one
