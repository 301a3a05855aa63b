"""The running mongod of a data directory: its process, whether it lives, how it is ended.

A process id from a file is a hint, and decides nothing: only a process whose command line names
mongod, this database directory and this log file is ever returned, and so ever stopped.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import psutil

from booking_core.embedded.address import HOST, is_socket, known
from booking_core.embedded.failures import leaving as app_ends
from booking_core.embedded.layout import database_directory, key_file, log_file

KILLED_SECONDS = 10.0
END_SECONDS = 2.0


class Running(NamedTuple):
    """A mongod that apps started on a data directory, and the address at which it listens.

    ``asks`` is False for one of an older version, which requires no login.
    """

    process: psutil.Process
    address: str
    asks: bool


def find(data: Path, pid: int | None = None) -> Running | None:
    """The mongod that apps started on this data, or None. ``pid`` is one more hint."""
    hints = [pid, stored_hints(data).pid]
    with suppress(OSError, ValueError):
        hints.append(int((database_directory(data) / "mongod.lock").read_text()))
    for hint in hints:
        if hint is None:
            continue
        with suppress(psutil.Error, ValueError, OverflowError):
            process = psutil.Process(hint)
            if _is_dying(process):
                _is_gone_within(process, KILLED_SECONDS)
                continue
            running = _running_if_ours(process, data)
            if running is not None and lives(process):
                return running
    return None


def _is_dying(process: psutil.Process) -> bool:
    """Whether a mongod was killed and still holds its address; it has no command line then."""
    if process.status() == psutil.STATUS_ZOMBIE:
        return True
    return "mongod" in process.name() and not process.cmdline()


def _running_if_ours(process: psutil.Process, data: Path) -> Running | None:
    command = process.cmdline()
    options = dict(pairwise(command))
    log = str(log_file(data))
    if (
        command
        and "mongod" in Path(command[0]).name
        and options.get("--dbpath") == str(database_directory(data))
        and (f"--logpath={log}" in command or options.get("--logpath") == log)
    ):
        asks = options.get("--keyFile") == str(key_file(data))
        bound = options.get("--bind_ip", HOST)
        address = bound if is_socket(bound) else f"{HOST}:{int(options['--port'])}"
        return Running(process, address, asks)
    return None


def end_all(data: Path, address: str | None = None) -> None:
    """Kill each mongod that apps started on this data, also one that hangs before it listens.

    ``address``: only those that were started for it.
    """
    deadline = time.monotonic() + END_SECONDS
    # Looked up again each time: a process that is killed may have forked a moment before.
    while (found := [*_all_of(data, address)]) and time.monotonic() < deadline:
        for process in found:
            with suppress(psutil.Error):
                process.kill()
        for process in found:
            _ends(process, END_SECONDS)


def _all_of(data: Path, address: str | None) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error, ValueError, KeyError):
            running = _running_if_ours(process, data)
            if running is not None and address in (None, running.address) and lives(process):
                yield process


def lives(process: psutil.Process) -> bool:
    """Whether the process may still hold files and ports.

    A killed process is a zombie while its last threads still release both.
    """
    try:
        return bool(process.is_running()) and (
            process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1
        )
    except psutil.Error:
        return False


def stop(process: psutil.Process, patience: float) -> None:
    """Ask mongod to end in order; after ``patience`` seconds, end it. Its journal survives both."""
    with suppress(psutil.Error):
        process.terminate()
        if not _ends(process, patience):
            process.kill()
            _ends(process, KILLED_SECONDS)


def _ends(process: psutil.Process, patience: float) -> bool:
    if not _is_gone_within(process, patience):
        return False
    with suppress(OSError):
        os.waitpid(process.pid, os.WNOHANG)  # process 1 of a container must collect orphans
    return True


def _is_gone_within(process: psutil.Process, patience: float) -> bool:
    return comes_true(lambda: not lives(process), patience)


def comes_true(
    condition: Callable[[], bool], patience: float, leaving: threading.Event | None = None
) -> bool:
    """Whether ``condition`` comes true within ``patience`` seconds.

    Raises :class:`ServerFailed` when ``leaving`` is set before that.
    """
    deadline = time.monotonic() + patience
    while not condition():
        if leaving is not None and leaving.is_set():
            raise app_ends()
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class Hints(NamedTuple):
    """What the last start stored. Hints only: no process of this id need be ours."""

    pid: int | None = None
    address: str | None = None


def stored_hints(data: Path) -> Hints:
    """Process id and address as the last start stored them, each None where it is not usable."""
    try:
        stored = json.loads((data / "server.json").read_text())
        # Earlier versions stored the number of a port.
        address = stored.get("address", f"{HOST}:{stored.get('port')}")
        return Hints(int(stored["pid"]), known(data, address))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Hints()


def store_hints(data: Path, running: Running) -> None:
    """Store the process id and the address for the next start. Raises :class:`OSError`."""
    stored = Hints(running.process.pid, running.address)
    if stored == stored_hints(data):
        return  # joining changes nothing, so it works on a full disk too
    fresh = data / "server.json.new"
    fresh.write_text(json.dumps(stored._asdict()))
    fresh.replace(data / "server.json")
