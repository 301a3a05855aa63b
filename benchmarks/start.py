"""``make run`` on a data directory that exists: the time to the first answer and screen, and to the
end while the database hangs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep

from playwright.sync_api import Page, sync_playwright

from booking_core.embedded.process import find as find_server
from scripts.browser import FLAGS

from .measure import Result, clock, say
from .screens import ROOT

_COMMAND = (sys.executable, "scripts/run.py")  # as in the Makefile
_PATIENCE = 180.0  # seconds; the first start may download a mongod


def measure() -> list[Result]:
    """Two starts, of which the second is measured: the first one creates the database."""
    say("make run: the second start to the first screen")
    with (
        tempfile.TemporaryDirectory(prefix="ground-booking-bench-") as directory,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=FLAGS)
        page = browser.new_page()
        _start(Path(directory), page)
        answered, drawn = _start(Path(directory), page)
        browser.close()
        ended = _end_under_a_hang(Path(directory))
    return [
        Result("make run, second start, to the first answer", answered, None, "s"),
        Result("make run, second start, to the first screen", drawn, None, "s"),
        Result("SIGTERM to the end of the app, while its database hangs", ended, None, "s"),
    ]


def _start(directory: Path, page: Page) -> tuple[float, float]:
    """Returns the seconds from process start to the first answer, and to the first screen."""
    begun = clock()
    with _running(directory) as (_, url):
        answered = clock() - begun
        page.goto(url)
        page.get_by_label("Password").or_(page.get_by_role("heading")).first.wait_for()
        return answered, clock() - begun


def _end_under_a_hang(directory: Path) -> float:
    """Returns the seconds from SIGTERM to the end of the process, with mongod suspended."""
    with _running(directory) as (process, _):
        server = find_server(directory)
        if server is None:
            raise RuntimeError("the embedded server does not run")
        server.process.suspend()
        begun = clock()
        process.terminate()
        process.wait(60)
        return clock() - begun


@contextmanager
def _running(directory: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The process and the address of ``make run``, once it answers; it is ended afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {key: value for key, value in os.environ.items() if key != "MONGODB_URI"}
    environment |= {"PORT": str(port), "DATA_DIRECTORY": str(directory)}
    url = f"http://127.0.0.1:{port}/"
    with subprocess.Popen(
        _COMMAND, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    ) as process:
        try:
            _wait_for_answer(f"{url}_stcore/health", process)
            yield process, url
        finally:
            process.terminate()
            process.wait(60)


def _wait_for_answer(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = clock() + _PATIENCE
    while process.poll() is None and clock() < deadline:
        try:
            with urllib.request.urlopen(url):
                return
        except (urllib.error.URLError, ConnectionError):
            sleep(0.01)
    raise RuntimeError("make run did not answer")
