"""Apps on a data directory, and its server processes from the process list."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]

# Waits for a line of input as a server waits for events: a signal that the system gives to another
# thread wakes no read of the main thread, and Python runs its handler in the main thread alone.
WAIT = """
import os, select

def wait():
    while not select.select([0], [], [], 0.1)[0]:
        pass
    os.read(0, 1)
"""

# Prints "ready", starts the server after the first line of input, ends after the second.
APP = f"""{WAIT}
import json, sys
from pathlib import Path
from booking_core.embedded import server as mongod

print("ready", flush=True)
wait()
server = mongod.start(Path(sys.argv[1]))
print(json.dumps(dict(pid=server.pid, address=server.address, uri=server.uri)), flush=True)
wait()
"""


class App:
    """An app process on a data directory."""

    def __init__(self, data: Path, program: str = APP) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self._read_line() == "ready"

    def begin(self) -> None:
        self._write_line()

    def server(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self._read_line())
        return said

    def leave(self) -> None:
        self._write_line()
        self._wait()

    def send(self, number: int) -> None:
        self.process.send_signal(number)
        self._wait()

    def _wait(self) -> None:
        self.process.wait(60)
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()

    def _write_line(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def _read_line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


def connection_to(address: str, seconds: float | None = None) -> socket.socket:
    """An open connection to the server at this address, with a time limit for each call."""
    if address.startswith("/"):
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(seconds)
        link.connect(address)
        return link
    host, _, port = address.partition(":")
    return socket.create_connection((host, int(port)), seconds)


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
