"""The database becomes unavailable under open screens, and returns."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from app_server import MEERA, AppServer, School, running_app
from browser_windows import OpenPage
from playwright.sync_api import Page, expect
from screens import LOAD, cell, confirm, confirm_button, fill_form, open_review, place
from support import active, eventually

from booking_core.embedded import server as mongod

DETECTION = 20_000  # the driver notices an unanswered connection later than a closed one
RECOVERY = 8_000
NOT_LIVE = re.compile(r"Not live\s*since \d+:\d\d:\d\d [AP]M")


class OwnServer:
    """A server that a test stops and restarts at the same address."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._server = mongod.start(data)
        self.uri = self._server.uri

    def stop(self, way: str) -> None:
        if way == "hangs":
            psutil.Process(self._server.pid).send_signal(signal.SIGSTOP)
        else:
            self._server.close()

    def restart(self, way: str) -> None:
        if way == "hangs":
            psutil.Process(self._server.pid).send_signal(signal.SIGCONT)
        else:
            self._server = mongod.start(self._data)
            assert self._server.uri == self.uri

    def close(self) -> None:
        self._server.close()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OwnServer, AppServer, School]]:
    server = OwnServer(tmp_path_factory.mktemp("own"))
    with running_app(tmp_path_factory.mktemp("home"), server.uri) as (app, school):
        yield server, app, school
    server.close()


def _live(page: Page) -> None:
    expect(page.get_by_text(re.compile(r"updated \d+:\d\d:\d\d [AP]M")).first).to_be_visible(
        timeout=RECOVERY
    )


@pytest.mark.parametrize("way", ["ends", "hangs"])
def test_screens_keep_their_last_data_and_continue_when_the_database_returns(
    own: tuple[OwnServer, AppServer, School], open_window: OpenPage, way: str
) -> None:
    server, app, school = own
    school.reset()
    school.book(student=9, start=15, by=MEERA)
    book, bookings, wall = (open_window(f"{app.url}/{s}") for s in ("book", "bookings", "wall"))
    approvals = open_window(f"{app.url}/approvals", "Anand Rao")
    approve = approvals.get_by_role("button", name="Approve: Student 9")
    expect(approve).to_be_enabled()
    expect(bookings.get_by_role("row").filter(has_text="Student 9")).to_be_visible()
    expect(wall.get_by_text("Ground 1", exact=True)).to_be_visible()
    fill_form(book, 14, "S001")
    open_review(book)

    server.stop(way)
    try:
        for page in (book, bookings, wall, approvals):
            expect(page.get_by_text(NOT_LIVE).first).to_be_visible(timeout=DETECTION)
        expect(confirm_button(book)).to_be_disabled()
        expect(approve).to_be_disabled()
        expect(book.get_by_role("dialog")).to_contain_text("button comes back by itself")
        expect(place(book, 15)).to_contain_text("Requested")
        expect(bookings.get_by_role("row").filter(has_text="Student 9")).to_be_visible()
        expect(wall.get_by_text("Ground 1", exact=True)).to_be_visible()
        # A window that is opened now shows the same.
        late = open_window(f"{app.url}/book")
        expect(place(late, 15)).to_contain_text("Requested", timeout=LOAD)
        expect(late.get_by_text(NOT_LIVE).first).to_be_visible()
        expect(cell(late, 14)).to_have_count(0)
        for page in (book, bookings, wall, approvals, late):
            assert "Traceback" not in page.locator("body").inner_text()
            assert "pymongo" not in page.locator("body").inner_text()
    finally:
        server.restart(way)

    for page in (book, bookings, wall, approvals, late):
        _live(page)
    expect(approve).to_be_enabled()
    expect(confirm_button(book)).to_be_enabled()
    confirm(book)
    assert len(active(school.db)) == 2
    expect(place(late, 14)).to_contain_text("Requested")


def test_a_killed_embedded_database_restarts_by_itself(
    open_window: OpenPage, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    app = AppServer(tmp_path, {"DATA_DIRECTORY": str(data)})
    try:
        page = open_window(f"{app.url}/bookings", None)
        expect(page.get_by_text("open the link that is printed")).to_be_visible()
        page.goto(app.demo_link())
        page.goto(f"{app.url}/bookings")
        page.get_by_role("button", name="Meera Nair").click()
        expect(page.get_by_text("Demo data: a made-up school", exact=False).first).to_be_visible()
        _live(page)
        [server] = [p for p in psutil.process_iter(["cmdline"]) if _serves(p, data)]

        server.kill()

        eventually(lambda: any(_serves(p, data) for p in psutil.process_iter(["cmdline"])))
        _live(page)
        details = page.get_by_role("button", name=re.compile("^Details")).first
        expect(details).to_be_enabled()
        details.click()
        expect(page.get_by_role("dialog")).to_contain_text("Requested by")
    finally:
        app.close()


def test_an_app_without_a_database_says_so_and_recovers_by_itself(
    open_window: OpenPage, tmp_path: Path
) -> None:
    server = OwnServer(tmp_path / "server")
    server.stop("ends")
    app = AppServer(tmp_path, {"MONGODB_URI": server.uri, "MONGODB_DATABASE": "late"})
    try:
        pages = [open_window(f"{app.url}{path}", None) for path in ("/", "/bookings", "/wall")]
        sign_in = open_window(f"{app.url}/signin", None)
        for page in (*pages, sign_in):
            expect(page.get_by_role("heading", name="Not connected yet")).to_be_visible()
            expect(page.get_by_text("The database cannot be reached")).to_be_visible()

        server.restart("ends")

        expect(pages[-1].get_by_text("No grounds yet")).to_be_visible(timeout=LOAD)
        for page in (*pages[:-1], sign_in):
            expect(page.get_by_text("There is no admin yet")).to_be_visible(timeout=LOAD)
    finally:
        app.close()
        server.close()


def _serves(process: psutil.Process, data: Path) -> bool:
    command = process.info["cmdline"] or []
    return str(data / "db") in command and process.status() != psutil.STATUS_ZOMBIE
