"""``make run`` on a data directory that exists: the time to the first answer and screen."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from time import sleep

from playwright.sync_api import Page, sync_playwright

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
    return [
        Result("make run, second start, to the first answer", answered, None, "s"),
        Result("make run, second start, to the first screen", drawn, None, "s"),
    ]


def _start(directory: Path, page: Page) -> tuple[float, float]:
    """Returns the seconds from process start to the first answer, and to the first screen."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {key: value for key, value in os.environ.items() if key != "MONGODB_URI"}
    environment |= {"PORT": str(port), "DATA_DIRECTORY": str(directory)}
    begun = clock()
    with subprocess.Popen(
        _COMMAND, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    ) as process:
        try:
            _wait_for_answer(f"http://127.0.0.1:{port}/_stcore/health", process)
            answered = clock() - begun
            page.goto(f"http://127.0.0.1:{port}/")
            page.get_by_label("Password").or_(page.get_by_role("heading")).first.wait_for()
            return answered, clock() - begun
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
