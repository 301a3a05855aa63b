"""A screen that comes back, from the lost network or from sleep, is whole within seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from app_server import School, running_app
from browser_windows import OpenPage
from playwright.sync_api import Page, expect
from screens import LOAD, cell, fill_form, live_line, open_review, place
from tls_proxy import TlsProxy

NEVER = "3600"  # no timer helps: only what the test does brings the screen back
BACK = 8_000  # five seconds, and what a busy machine adds (ms)
# The clock jumps, as it does when a computer wakes up.
_SLEEP = """seconds => {
  const now = Date.now
  Date.now = () => now() + seconds * 1000
}"""


@pytest.fixture(scope="module")
def behind(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[TlsProxy, School]]:
    """An app behind a proxy."""
    timer = {"LIVE_FLOOR_SECONDS": NEVER, "LIVE_ALONE_SECONDS": "60"}
    home = tmp_path_factory.mktemp("home")
    with running_app(home, mongod_uri, **timer) as (app, school):
        proxy = TlsProxy(app.port)
        yield proxy, school
        proxy.close()


@pytest.fixture
def proxy(behind: tuple[TlsProxy, School]) -> TlsProxy:
    behind[1].reset()
    return behind[0]


@pytest.fixture
def school(behind: tuple[TlsProxy, School]) -> School:
    return behind[1]


# Streamlit does not name its session to the server, which has forgotten it after two minutes.
_FORGET = """() => {
  const Socket = WebSocket
  window.WebSocket = class extends Socket {
    constructor(url, protocols) {
      super(url, protocols?.slice(0, 2))
    }
  }
}"""


def open_book(proxy: TlsProxy, open_window: OpenPage) -> Page:
    """Opens Book, and picks a slot and a student there."""
    page = open_window(f"{proxy.url}/book", ignore_https_errors=True)
    fill_form(page, 14, "S001")
    page.get_by_label("Purpose").fill("Half a sent")
    page.get_by_label("Purpose").press("Tab")
    expect(page.get_by_role("button", name="Review and request")).to_be_enabled()
    return page


def expect_whole(page: Page, hour: int, within: float = BACK) -> None:
    """Expects that the booking at ``hour`` is shown, and all that was picked and typed."""
    expect(place(page, hour)).to_contain_text("Requested", timeout=within)
    expect(live_line(page)).to_be_visible()
    expect(page.get_by_text("Not live", exact=True)).to_have_count(0)
    expect(cell(page, 14, state="Picked")).to_be_visible()
    expect(page.get_by_label("Purpose")).to_have_value("Half a sent")
    expect(page.get_by_text("The connection is lost")).to_have_count(0)


@pytest.mark.parametrize("way", ["network", "sleep", "router"])
def test_connections_that_are_dead_without_an_end_are_replaced(
    proxy: TlsProxy, open_window: OpenPage, school: School, way: str
) -> None:
    page = open_book(proxy, open_window)

    proxy.silence()
    school.book(student=2, start=16)
    if way == "network":
        page.evaluate("dispatchEvent(new Event('online'))")
    elif way == "sleep":
        page.evaluate(_SLEEP, 600)
    # Nothing tells of a router that has forgotten the connections but 12 s without a heartbeat.
    expect_whole(page, 16, BACK if way != "router" else BACK + 16_000)


def test_a_screen_whose_session_is_forgotten_begins_anew(
    proxy: TlsProxy, open_window: OpenPage, school: School
) -> None:
    page = open_book(proxy, open_window)
    page.evaluate(_FORGET)
    try:
        proxy.is_down = True
        proxy.cut()
        # Until then Streamlit runs the screen by itself when it is connected again.
        expect(page.get_by_text("The connection is lost")).to_be_visible(timeout=LOAD)
        school.book(student=2, start=16)
    finally:
        proxy.is_down = False

    expect_whole(page, 16)


def test_a_lost_connection_is_named_in_our_words_until_it_is_back(
    proxy: TlsProxy, open_window: OpenPage, school: School
) -> None:
    page = open_book(proxy, open_window)
    open_review(page)
    try:
        proxy.is_down = True
        proxy.cut()

        lost = page.get_by_role("dialog").filter(has_text="The connection is lost")
        expect(lost).to_contain_text("This device does not reach the dashboard", timeout=LOAD)
        expect(lost).to_contain_text("It goes on by itself as soon as it can.")
        expect(page.get_by_text("Streamlit")).to_have_count(0)
        school.book(student=2, start=16)
    finally:
        proxy.is_down = False

    expect_whole(page, 16)
    expect(page.get_by_role("dialog", name="Review booking")).to_be_visible()
