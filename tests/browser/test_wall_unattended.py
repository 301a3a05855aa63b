"""The wall display unattended: its clock, its recovery from failures, and its use of memory."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from app_server import ZONE, AppServer, School, running_app
from browser_windows import OpenPage
from playwright.sync_api import Browser, WebSocketRoute, expect
from screens import TICK, wait_for
from support import eventually
from wall_screen import ROOT, book, fill, sized

RECOVERY = 25_000
UNSERVED = 45_000  # longer than the 35 seconds that a page waits for Streamlit


@pytest.fixture(scope="module")
def wall_app(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AppServer, School]]:
    """An app of these tests alone: some of them stop it."""
    with running_app(tmp_path_factory.mktemp("home"), mongod_uri) as both:
        yield both


@pytest.fixture
def app(wall_app: tuple[AppServer, School], school: School) -> AppServer:
    return wall_app[0]


@pytest.fixture
def school(wall_app: tuple[AppServer, School]) -> School:
    wall_app[1].reset()
    return wall_app[1]


def test_a_display_with_a_wrong_clock_shows_the_schools_time(
    app: AppServer, school: School, browser: Browser
) -> None:
    context = browser.new_context(timezone_id="America/New_York")
    page = context.new_page()
    page.add_init_script(
        """const real = Date.now, Real = Date
        Date = class extends Real {
          constructor(...given) { super(...(given.length ? given : [real() + 3600000])) }
          static now() { return real() + 3600000 }
        }"""
    )
    page.goto(f"{app.url}/wall")
    expect(page.get_by_role("article")).to_have_count(3)

    def shows_school_time() -> bool:
        shown = page.locator(".clock").inner_text()
        return shown == f"{datetime.now(ZoneInfo(ZONE)):%I:%M %p}".removeprefix("0")

    eventually(shows_school_time, within=5)
    updated = page.locator(".live").inner_text()
    assert re.fullmatch(r"Live updated \d+:\d\d:\d\d [AP]M", updated)
    assert abs(_seconds(updated) - _seconds(f"{datetime.now(ZoneInfo(ZONE)):%I:%M:%S %p}")) < 10
    context.close()


def _seconds(text: str) -> int:
    at = time.strptime(" ".join(text.split()[-2:]), "%I:%M:%S %p")
    return at.tm_hour * 3600 + at.tm_min * 60 + at.tm_sec


def test_ten_seconds_without_a_message_turn_the_frame_red_until_it_reconnects(
    app: AppServer, school: School, open_page: OpenPage
) -> None:
    book(school, student=1)
    page = open_page("/wall")
    expect(page.locator(".live")).to_contain_text("Live updated")

    with app.frozen():
        expect(page.locator(".live")).to_have_text(
            re.compile(r"Not live since \d+:\d\d:\d\d [AP]M"), timeout=15_000
        )
        frame = page.locator(".wall").evaluate(
            "node => getComputedStyle(node, '::after').borderTopColor"
        )
        assert frame == "rgb(217, 45, 32)"
        expect(page.get_by_role("article").first).to_contain_text("Volleyball")
        clock = page.locator(".clock").inner_text()
        assert re.fullmatch(r"\d?\d:\d\d [AP]M", clock)

    expect(page.locator(".live")).to_contain_text("Live updated", timeout=RECOVERY)
    expect(page.locator(".wall")).not_to_have_class(re.compile("away"))


@pytest.mark.parametrize("pressed", [False, True], ids=["rested", "pressed"])
def test_the_wall_continues_by_itself_after_the_app_was_restarted(
    app: AppServer, school: School, open_page: OpenPage, pressed: bool
) -> None:
    page = open_page("/wall")
    expect(page.get_by_role("article")).to_have_count(3)

    if pressed:  # the live client is quiet then, and Streamlit begins no session by itself
        page.mouse.click(5, 5)
    app.kill()
    expect(page.locator(".live")).to_contain_text("Not live since", timeout=15_000)
    expect(page.get_by_text("Connection error")).to_be_hidden()
    app.start()

    expect(page.locator(".live")).to_contain_text("Live updated", timeout=RECOVERY)
    book(school, student=1)
    expect(page.get_by_role("article").first).to_contain_text("Volleyball", timeout=TICK)


@pytest.mark.parametrize("lost", ["/(live|_stcore/stream)", "/_stcore/stream"])
def test_a_page_that_is_no_longer_served_says_so_and_reloads_itself(
    app: AppServer, school: School, browser: Browser, lost: str
) -> None:
    context = browser.new_context()
    page = context.new_page()
    sockets: list[WebSocketRoute] = []
    blocked = False

    def connect(socket: WebSocketRoute) -> None:
        if blocked:
            socket.close()
            return
        sockets.append(socket)
        socket.connect_to_server()

    page.route_web_socket(re.compile(lost), connect)
    page.goto(f"{app.url}/wall")
    expect(page.get_by_role("article")).to_have_count(3)
    page.evaluate("window.old = true")

    blocked = True
    for socket in sockets:
        socket.close()
    with page.expect_event(
        "framenavigated", lambda frame: frame == page.main_frame, timeout=90_000
    ):
        expect(page.locator(".live")).to_contain_text("Not live since", timeout=UNSERVED)
    blocked = False

    expect(page.locator(".live")).to_contain_text("Live updated", timeout=60_000)
    assert page.evaluate("window.old") is None
    context.close()


def test_a_wall_without_changes_stays_live(open_page: OpenPage, school: School) -> None:
    page = open_page("/wall")
    expect(page.get_by_role("article")).to_have_count(3)
    page.evaluate(
        """() => {
            window.old = true
            window.words = new Set()
            ROOT
            new MutationObserver(() => words.add(root.querySelector(".live b").textContent))
              .observe(root, { subtree: true, childList: true, characterData: true })
        }""".replace("ROOT", ROOT)
    )
    wait_for(page, "() => performance.now() > 50000", timeout=60_000)

    assert page.evaluate("window.old")
    assert page.evaluate("[...words]") == ["Live"]


def test_weeks_of_redrawing_leak_no_memory(open_page: OpenPage, school: School) -> None:
    fill(school, 12)
    page = open_page("/wall", **sized("1280x720"))
    expect(page.get_by_role("article")).to_have_count(12)
    session = page.context.new_cdp_session(page)

    def counted() -> tuple[int, int]:
        page.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        session.send("HeapProfiler.collectGarbage")
        counts = session.send("Memory.getDOMCounters")
        return counts["nodes"], counts["jsEventListeners"]

    def redraw(times: int) -> None:
        page.evaluate(
            "times => { for (let n = 0; n < times; n++) dispatchEvent(new Event('resize')) }", times
        )

    redraw(20)
    nodes, listeners = counted()
    redraw(300)
    book(school, 3, student=150, game="Football")
    expect(page.get_by_text("Just changed")).to_be_visible(timeout=TICK)
    expect(page.get_by_text("Just changed")).to_have_count(0, timeout=12_000)
    later_nodes, later_listeners = counted()

    # One drawing of twelve cards has some 600 nodes: a leak in 300 drawings would be 180,000.
    assert later_nodes - nodes < 300
    assert later_listeners - listeners < 10


def test_reruns_leave_no_performance_marks_in_the_browser(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/wall")
    expect(page.get_by_text("Free").first).to_be_visible()
    page.evaluate(
        """() => {
            window.drawn = 0
            const count = event => { drawn += event.detail.by === "rerun" }
            addEventListener("ground-booking:heartbeat", count)
        }"""
    )

    for number in range(1, 9):
        before = page.evaluate("drawn")
        book(school, student=number, ground=f"ground-{number % 3 + 1}", start=8 + number)
        eventually(lambda before=before: page.evaluate("drawn") > before)

    # Streamlit sets two or three a rerun, and never removes one.
    assert page.evaluate("performance.getEntriesByType('mark').length") < 8
    assert page.evaluate("performance.getEntriesByType('measure').length") < 8
