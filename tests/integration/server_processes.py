"""The server processes of a data directory, from the process list."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil


def servers_on(data: Path) -> list[psutil.Process]:
    """Returns the server processes that use this data directory."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if str(data / "db") in command and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Returns when ``condition`` is true; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.01)
