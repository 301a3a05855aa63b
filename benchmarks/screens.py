"""The screens: the time of Confirm, of a first paint, and of a rerun without a change."""

from __future__ import annotations

import itertools
import os
import re
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path

import psutil
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_socket
from websockets.typing import Subprotocol

from booking_core import (
    Account,
    Actor,
    AlreadyExists,
    BookingRequest,
    Ground,
    Period,
    Role,
    Settings,
    Student,
    Timetable,
    add_account,
    book,
    connect,
    save_ground,
    save_students,
    save_timetable,
)
from booking_core.sessions import open_session
from booking_core.storage.client.database import BookingDatabase
from pages.shared.live.address import COOKIE
from scripts.browser import FLAGS

from .measure import Result, clock, median, milliseconds, say

ROOT = Path(__file__).resolve().parents[1]
GROUNDS, HOURS, CONFIRMS, RERUNS, ROUNDS, PAINTS = 10, range(8, 22), 9, 60, 3, 9
APP = ("streamlit", "run", "app.py")
_STAFF = Actor("meera", Role.STAFF, "Meera Nair")
_FINISHED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
_ONE_LINE = """import streamlit as st

@st.fragment
def line():
    st.text("One line of text")

line()
"""
# Measured in the page: from the click to the first frame that shows the text.
_WATCH = """() => new Promise(done => {
  const words = "waiting for the principal"
  let pressed = 0
  addEventListener("click", () => { pressed = performance.now() }, { capture: true, once: true })
  const watcher = new MutationObserver(() => {
    if (!pressed || !document.body.innerText.includes(words)) return
    watcher.disconnect()
    requestAnimationFrame(() => { window.took = performance.now() - pressed })
  })
  watcher.observe(document.body, { childList: true, subtree: true, characterData: true })
  done()
})"""


def create_screens(uri: str, zone: str = "UTC") -> tuple[BookingDatabase, dict[str, str]]:
    """Creates a school of 10 grounds and 14 periods; returns the environment of an app on it.

    Its one account is for ``session_token``.
    """
    name = f"screens_{zone.rpartition('/')[2].replace('+', 'p')}"
    settings = Settings(mongodb_uri=uri, database=name, time_zone=zone, quota=None)
    db = connect(settings)
    save_timetable(
        db,
        Timetable(
            "regular", tuple(Period(f"{h}", time(h), time(h + 1)) for h in HOURS), tuple(range(7))
        ),
    )
    for number in range(GROUNDS):
        save_ground(db, Ground(f"ground-{number}", f"Ground {number}", ("Football",), number))
    save_students(db, [Student(f"S{n:03d}", f"Student {n}", "10-A") for n in range(120)])
    with suppress(AlreadyExists):
        add_account(db, Account(_STAFF.id, _STAFF.name, _STAFF.role))
    return db, {
        "MONGODB_URI": uri,
        "MONGODB_DATABASE": name,
        "SCHOOL_TIME_ZONE": zone,
        "BOOKING_QUOTA_PER_WEEK": "none",
    }


def session_token(db: BookingDatabase, now: datetime | None = None) -> str:
    """Opens a session that begins at ``now``; returns its token, for the cookie of a viewer."""
    return open_session(db, _STAFF.id, now=now)


def sign_in(context: BrowserContext, port: int, token: str) -> BrowserContext:
    context.add_cookies([{"name": COOKIE, "value": token, "url": f"http://127.0.0.1:{port}"}])
    return context


def open_window(browser: Browser, port: int, token: str, size: ViewportSize) -> Page:
    """Opens a page of a browser that is signed in."""
    return sign_in(browser.new_context(viewport=size, bypass_csp=True), port, token).new_page()


def measurements(uri: str) -> Iterator[Callable[[], Result]]:
    db, environment = create_screens(uri)
    yield lambda: ticks(db, environment)
    yield lambda: confirms(db, environment)
    yield lambda: paints(db, environment)


def ticks(db: BookingDatabase, environment: dict[str, str]) -> Result:
    """Measures fragment reruns per second of processor time: Book and one line of text in turn."""
    say("a rerun of the Book screen without a change, against a fragment of one line")
    with tempfile.TemporaryDirectory(prefix="ground-booking-bench-") as directory:
        script = Path(directory) / "one_line.py"
        script.write_text(_ONE_LINE, encoding="utf-8")
        with (
            app(APP, environment) as (port, process),
            app(("streamlit", "run", str(script)), environment) as (other_port, other_process),
        ):
            ours = _Viewer(port, process, "book", session_token(db))
            theirs = _Viewer(other_port, other_process, "")
            rates: list[tuple[float, float]] = []
            for turn in range(ROUNDS + 1):
                pair = (
                    (ours.rate(), theirs.rate()) if turn % 2 else (theirs.rate(), ours.rate())[::-1]
                )
                if turn:  # the first round is a warm-up
                    rates.append(pair)
            parts = {"Book, wall clock": ours.wall, "one line, wall clock": theirs.wall}
            ours.close()
            theirs.close()
    return Result(
        "fragment reruns per second of a core on Book, no change, against one line of text",
        median([mine for mine, _ in rates]),
        median([other for _, other in rates]),
        "/s",
        at_least=0.5,
        parts=parts,
    )


def confirms(db: BookingDatabase, environment: dict[str, str]) -> Result:
    """Measures milliseconds from the click on Confirm to the success dialog, p50, in a browser."""
    say(f"Confirm to the success dialog, {CONFIRMS} times")
    alone = [milliseconds(partial(book, db, r, by=_STAFF)) for r in _requests()]
    took: list[float] = []
    with app(APP, environment) as (port, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=FLAGS)
        page = open_window(browser, port, session_token(db), {"width": 1440, "height": 1000})
        for number in range(CONFIRMS):
            took.append(_confirm(page, f"http://127.0.0.1:{port}/book", f"S{number:03d}"))
        browser.close()
    whole, core = median(took), median(alone)
    return Result(
        "Confirm pressed to the success dialog, p50",
        whole,
        None,
        "ms",
        parts={"book() alone": core, "reruns, wire and browser": whole - core},
    )


def paints(db: BookingDatabase, environment: dict[str, str]) -> Result:
    """Measures the first paint of a week on Book against that of a day, p50, in a browser (ms)."""
    say(f"the first paint of a day, a week and the school, {PAINTS} times in turn")
    day = datetime.now(UTC).date() + timedelta(days=3)
    shown = {
        "day": ("", ".wide:not(.of-week) .cell"),
        "week": ("&view=week", ".of-week .cell"),
        "school": ("&view=school", "td button.free"),
    }
    took: dict[str, list[float]] = {view: [] for view in shown}
    with app(APP, environment) as (port, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=FLAGS)
        page = open_window(browser, port, session_token(db), {"width": 1440, "height": 1000})
        for turn in range(PAINTS + 1):
            for view, (query, cell) in shown.items():
                page.goto(f"http://127.0.0.1:{port}/book?date={day}{query}", wait_until="commit")
                page.locator(cell).first.wait_for(timeout=20_000)
                if turn:  # the first round is a warm-up
                    took[view].append(float(page.evaluate("performance.now()")))
        browser.close()
    return Result(
        "first paint of a week on Book, against that of a day, p50",
        median(took["week"]),
        median(took["day"]),
        "ms",
        at_most=2,
        parts={"all grounds of the school": median(took["school"])},
    )


def _requests() -> list[BookingRequest]:
    day = datetime.now(UTC).date() + timedelta(days=3)
    return [
        BookingRequest("ground-9", day, time(h), time(h + 1), "S119", "Football") for h in HOURS
    ]


def _confirm(page: Page, url: str, student: str) -> float:
    page.goto(url)
    # The script is faster than a user: it waits until the screen is live and shows the day.
    page.wait_for_function("window.groundBookingHeartbeat?.mode", timeout=20_000)
    today = page.get_by_text(re.compile("^Today$")).first
    if today.count():
        page.get_by_role("button", name="Next day").click()
        expect(today).to_have_count(0, timeout=20_000)
    page.locator("button.free").nth(int(student[1:])).click()
    box = page.get_by_role("combobox", name=re.compile("Student"))
    box.click()
    box.press_sequentially(student)
    page.get_by_role("option", name=re.compile(f"{student}$")).click()
    review = page.get_by_role("button", name=re.compile("^Review and"))
    expect(review).to_be_enabled(timeout=20_000)
    review.click()
    button = page.get_by_role("button", name=re.compile("^(Book|Request) this slot$"))
    expect(button).to_be_enabled(timeout=20_000)
    page.evaluate(_WATCH)
    button.click()
    page.wait_for_function("window.took !== undefined", timeout=20_000)
    return float(page.evaluate("window.took"))


class _Viewer:
    """A client of Streamlit's protocol that measures the processor time of its server."""

    def __init__(self, port: int, process: psutil.Process, page: str, token: str = "") -> None:
        self._process, self.wall = process, 0.0
        self._socket: ClientConnection = open_socket(
            f"ws://127.0.0.1:{port}/_stcore/stream",
            subprotocols=[Subprotocol("streamlit")],
            additional_headers={"Cookie": f"{COOKIE}={token}"} if token else {},
            max_size=None,
        )
        first = BackMsg()
        first.rerun_script.page_name = page
        self._fragment = ""
        self._send(first)
        if page:  # a second time, with warm caches
            self._send(first)

    def rate(self) -> float:
        """Returns reruns per second of processor time."""
        message = BackMsg()
        message.rerun_script.fragment_id = self._fragment
        before, begun = self._spent(), clock()
        for _ in range(RERUNS):
            self._send(message)
        self.wall = RERUNS / (clock() - begun)
        return RERUNS / (self._spent() - before)

    def close(self) -> None:
        self._socket.close()

    def _spent(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def _send(self, message: BackMsg) -> None:
        self._socket.send(message.SerializeToString())
        while True:
            answer = ForwardMsg.FromString(self._socket.recv(timeout=30))
            if answer.delta.fragment_id:
                self._fragment = answer.delta.fragment_id
            if answer.WhichOneof("type") == "script_finished":
                assert answer.script_finished in _FINISHED, answer
                return


@contextmanager
def app(module: Sequence[str], environment: dict[str, str]) -> Iterator[tuple[int, psutil.Process]]:
    """Starts a server with this project's configuration, usually ``streamlit run app.py``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", *module, "--server.port", str(port)]
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.DEVNULL
    ) as process:
        try:
            for _ in itertools.count():
                if process.poll() is not None:
                    raise RuntimeError(f"{module} ended")
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health"):
                        break
                except (urllib.error.URLError, ConnectionError):
                    continue
            yield port, psutil.Process(process.pid)
        finally:
            process.terminate()
