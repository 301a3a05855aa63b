"""One browser and one app per worker; an empty school and new windows for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from app_server import MEERA, AppServer, School, running_app
from browser_windows import DESKTOP, OpenPage, windows
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from screens import LOAD

from scripts.browser import FLAGS, find

HERE = Path(__file__).parent
expect.set_options(timeout=LOAD)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets failed browser tests run again: three apps and browsers share two cores here.

    The summary reports each rerun; a test that fails three times fails.
    """
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.flaky(reruns=2))


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """Chromium's profile on disk. Tests that need it fail if Chromium is missing.

    The profile keeps Streamlit's compiled code, so later pages open in a tenth less time.
    """
    path = find()
    assert path is not None, "no Chromium here: python scripts/browser.py installs one"
    with sync_playwright() as playwright:
        kept = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=path,
            args=FLAGS,
            **DESKTOP,
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
    """Three grounds, 8:00 to 18:00, students S000 to S199, no bookings; it is not eleven yet."""
    running[1].reset()
    return running[1]


@pytest.fixture
def open_window(browser: Browser, profile: BrowserContext) -> Iterator[OpenPage]:
    """Opens an address in a separate browser: ``open_window(url, "Joseph", **context)``.

    The default account is Meera's; ``who=None`` opens the window without signing in.
    """
    with windows(browser, profile) as open_one:
        yield open_one


@pytest.fixture
def open_page(app: AppServer, open_window: OpenPage) -> OpenPage:
    """Opens a screen of the shared app: ``open_page("/book", "Joseph Mathew")``."""

    def open_one(path: str = "/book", who: str | None = MEERA.name, **options: Any) -> Page:
        return open_window(app.url + path, who, **options)

    return open_one
