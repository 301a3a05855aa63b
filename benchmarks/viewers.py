"""Many open screens: the delay of a change on all of them, and their cost without changes."""

from __future__ import annotations

import itertools
import os
import random
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import partial
from time import sleep
from time import time as wall_time

import psutil
from playwright.sync_api import Page, ViewportSize, sync_playwright
from websockets.sync.server import ServerConnection, serve

from booking_core import Actor, Booking, BookingRequest, Role, book, cancel
from booking_core.storage.client.database import BookingDatabase
from scripts.browser import FLAGS

from .crowd import Crowd
from .measure import Result, clock, median, percentile, say
from .screens import APP, HOURS, app, create_screens, open_window, session_token, sign_in

CROWDS = (1, 25, 100)
CHANGES, IDLE_SECONDS, FLOOR_SECONDS = 40, 60.0, 15.0
_STAFF = Actor("meera", Role.STAFF, "Meera Nair")
_WEEK = "?view=week&ground=ground-0"
_DESKTOP: ViewportSize = {"width": 1440, "height": 1000}
# A frame is painted between its animation callback and the next task: the task reads the clock.
_PAINTED = """done => requestAnimationFrame(() => {
  const after = new MessageChannel()
  after.port1.onmessage = () => done(performance.timeOrigin + performance.now())
  after.port2.postMessage(null)
})"""
# The moment (epoch ms) at which the first frame that has a text in a cell is painted.
_WATCH = """([at, words]) => {
  window.seen = new Promise(done => {
    const roots = [...document.querySelectorAll("*")].map(e => e.shadowRoot).filter(Boolean)
    const root = roots.find(r => r.querySelector("[data-at]"))
    const look = () => {
      if (!root.querySelector(`[data-at="${at}"]`)?.textContent.includes(words)) return false
      ;(PAINTED)(done)
      return true
    }
    const watcher = new MutationObserver(() => { if (look()) watcher.disconnect() })
    watcher.observe(root, { childList: true, subtree: true, characterData: true })
  })
  return null
}""".replace("PAINTED", _PAINTED)
_BARE = """address => new Promise(ready => {
  const line = document.createElement("p")
  document.body.append(line)
  const socket = new WebSocket(address)
  socket.onopen = () => ready(null)
  socket.onmessage = event => {
    line.textContent = event.data
    ;(PAINTED)(moment => { window.bare = moment })
  }
})""".replace("PAINTED", _PAINTED)


class BareSocket:
    """A WebSocket server that sends the given texts to its one client."""

    def __init__(self) -> None:
        self._client: ServerConnection | None = None
        self._server = serve(self._keep, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def send(self, text: str) -> None:
        assert self._client is not None
        self._client.send(text)

    def close(self) -> None:
        self._server.shutdown()

    def _keep(self, client: ServerConnection) -> None:
        self._client = client
        for _ in client:
            pass


def measurements(uri: str) -> Iterator[Callable[[], Result]]:
    # A zone in which it is about six in the morning: all periods of today are upcoming.
    ahead = (6 - datetime.now(UTC).hour + 12) % 24 - 12
    db, environment = create_screens(uri, f"Etc/GMT{-ahead:+d}")
    yield from pixels(db, environment)
    for count in CROWDS:
        yield from crowds(db, environment, count)


def pixels(db: BookingDatabase, environment: dict[str, str]) -> Iterator[Callable[[], Result]]:
    """One viewer: from the commit to the pixels, by push, by the timer, by a bare WebSocket."""
    say(f"commit to pixels in a browser, {CHANGES} changes by push, then 20 by the timer")
    pushed: list[float] = []
    weekly: list[float] = []
    bare: list[float] = []
    timed: list[float] = []
    with app(APP, environment) as (port, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=FLAGS)
        token = session_token(db)
        page, socket = _open_book(open_window(browser, port, token, _DESKTOP), port), BareSocket()
        page.evaluate(_BARE, socket.url)
        changes = _changes(db)
        for number in range(CHANGES + 6):
            took = _to_pixels(next(changes), page)
            page.evaluate("window.bare = 0")
            sent = wall_time() * 1000
            socket.send(str(number))
            page.wait_for_function("window.bare > 0")
            if number >= 6:  # the first ones are a warm-up
                pushed.append(took)
                bare.append(max(0.0, page.evaluate("window.bare") - sent))
        socket.close()
        page.close()
        page = _open_book(open_window(browser, port, token, _DESKTOP), port, _WEEK)
        in_week = _changes(db, _column_of_today(db, page))
        for number in range(CHANGES + 6):
            took = _to_pixels(next(in_week), page)
            if number >= 6:
                weekly.append(took)
        page.close()
        context = sign_in(browser.new_context(viewport=_DESKTOP, bypass_csp=True), port, token)
        context.route_web_socket(re.compile("/live"), lambda live: live.close())
        page = _open_book(context.new_page(), port)
        dice = random.Random(1)
        for _ in range(20):
            sleep(dice.random())  # at any moment between two of its timer runs
            timed.append(_to_pixels(next(changes), page))
        browser.close()
    yield lambda: Result(
        "commit to pixels, 1 viewer, p50: st_autorefresh(1 s) against push",
        median(timed),
        median(pushed),
        "ms",
        at_least=8,
        parts={"push p95": percentile(pushed, 95), "timer p95": percentile(timed, 95)},
    )
    yield lambda: Result(
        "commit to pixels, 1 viewer, p50: a week on Book against a day",
        median(weekly),
        median(pushed),
        "ms",
        at_most=2,
        parts={"week p95": percentile(weekly, 95)},
    )
    yield lambda: Result(
        "commit to pixels, 1 viewer, p50: push against a bare WebSocket",
        median(pushed),
        median(bare),
        "ms",
        at_most=6,
    )


def crowds(
    db: BookingDatabase, environment: dict[str, str], count: int
) -> Iterator[Callable[[], Result]]:
    """``count`` viewers: their cost without changes, and the delay of the last one to render."""
    say(f"{count} viewers: opening them ...")
    with app(APP, environment) as (port, process), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=FLAGS)
        today = datetime.now(db.booking_settings.zone).date()
        token = session_token(db)
        crowd = Crowd(port, token, "book", f"?date={today}", FLOOR_SECONDS)
        try:
            for _ in range(3):  # memory that the first sessions take is not counted
                crowd.grow(5)
                crowd.shrink(0)
            before = process.memory_info().rss
            crowd.grow(count)
            yield lambda: _idle(crowd, process)
            after = process.memory_info().rss
            yield lambda: Result(
                f"server memory per idle viewer, of {count}",
                (after - before) / count / 2**20,
                1.0,
                "MB",
                at_most=1 if count == CROWDS[-1] else None,
            )
            page = _open_book(open_window(browser, port, token, _DESKTOP), port)
            yield lambda: _rendered(db, crowd, page)
        finally:
            crowd.close()
            browser.close()


def _idle(crowd: Crowd, process: psutil.Process) -> Result:
    count = len(crowd.viewers)
    say(f"{count} viewers: {IDLE_SECONDS:.0f} s without a change")
    before, begun = _spent(process), clock()
    sleep(IDLE_SECONDS)
    return Result(
        f"server CPU with {count} idle viewers, push up",
        (_spent(process) - before) / (clock() - begun) * 100,
        100.0,
        "% of a core",
        at_most=0.05 if count == CROWDS[-1] else None,
    )


def _rendered(db: BookingDatabase, crowd: Crowd, page: Page) -> Result:
    count = len(crowd.viewers)
    say(f"{count} viewers and a browser: 20 changes until the last has rendered")
    last: list[float] = []
    shown: list[float] = []
    changes = _changes(db)
    for number in range(22):
        begun = clock()
        took = _to_pixels(next(changes), page)
        while any(viewer.rendered_at < begun for viewer in crowd.viewers):
            if clock() > begun + 20:
                raise RuntimeError("a viewer did not render within 20 s")
            sleep(0.005)
        if number >= 2:
            last.append((max(viewer.rendered_at for viewer in crowd.viewers) - begun) * 1000)
            shown.append(took)
    return Result(
        f"commit to the last of {count} viewers rendered, p95",
        percentile(last, 95),
        1500.0,
        "ms",
        at_most=1 if count == CROWDS[-1] else None,
        parts={"p50": percentile(last, 50), "browser among them p50": percentile(shown, 50)},
    )


@dataclass
class _Change:
    """One change of today on the first ground: ``words`` appear in the cell ``at``."""

    at: str
    words: str
    make: Callable[[], object]


def _changes(db: BookingDatabase, column: int = 0) -> Iterator[_Change]:
    """Yields a booking and its cancellation, hour after hour; ``column`` is that of the grid."""
    today = datetime.now(db.booking_settings.zone).date()
    for row, hour in itertools.cycle(enumerate(HOURS)):
        wanted = BookingRequest("ground-0", today, time(hour), time(hour + 1), "S001", "Football")
        made: list[Booking] = []
        yield _Change(f"{row}:{column}", "Requested", partial(_book, db, wanted, made))
        yield _Change(f"{row}:{column}", "Free", partial(_cancel, db, made))


def _book(db: BookingDatabase, wanted: BookingRequest, made: list[Booking]) -> None:
    made.append(book(db, wanted, by=_STAFF))


def _cancel(db: BookingDatabase, made: list[Booking]) -> None:
    cancel(db, made[0].id, by=_STAFF)


def _to_pixels(change: _Change, page: Page) -> float:
    """Returns the time from the end of the write to the first frame that shows it (ms)."""
    sleep(0.25)  # the change feed batches changes that follow each other closely
    page.evaluate(_WATCH, [change.at, change.words])
    change.make()
    committed = wall_time() * 1000
    return max(0.0, float(page.evaluate("window.seen")) - committed)


def _column_of_today(db: BookingDatabase, page: Page) -> int:
    """The column of today in the week: the one in which a booking of today appears."""
    booked, freed = itertools.islice(_changes(db), 2)
    booked.make()
    shown = page.locator("[data-at]").filter(has_text=booked.words)
    column = str(shown.first.get_attribute("data-at")).partition(":")[2]
    freed.make()
    return int(column)


def _open_book(page: Page, port: int, query: str = "") -> Page:
    page.goto(f"http://127.0.0.1:{port}/book{query}")
    page.locator("[data-at]").first.wait_for(timeout=30_000)
    sleep(1.5)  # the screen first learns whether push reaches it
    return page


def _spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
