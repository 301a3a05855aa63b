"""An app that ends while its server hangs: it ends in time, and leaves no server behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock
from pymongo import MongoClient
from server_processes import APP, WAIT, App, servers_on
from support import eventually

from booking_core.embedded import address

# Starts the server in a thread that does not hold up the end of the app, as the screens do.
APP_WITH_A_THREAD = f"""{WAIT}
import signal, sys, threading
from pathlib import Path
from booking_core.embedded import server as mongod

signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
print("ready", flush=True)
wait()
threading.Thread(target=mongod.start, args=[Path(sys.argv[1])], daemon=True).start()
wait()
"""
MOST_SECONDS = 10


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data directory. The test fails if a server still runs on it at the end."""
    directory = tmp_path.resolve() / "data"
    yield directory
    left = servers_on(directory)
    for process in left:
        process.kill()
    assert not left


@pytest.fixture
def open_app(data: Path) -> Iterator[Callable[..., App]]:
    """Opens apps on the data directory; the teardown kills those that still run."""
    apps: list[App] = []

    def open_(program: str = APP) -> App:
        apps.append(App(data, program))
        apps[-1].begin()
        return apps[-1]

    yield open_
    for app in apps:
        if app.process.poll() is None:
            app.send(signal.SIGKILL)


def seconds_to_end(app: App) -> float:
    began = time.monotonic()
    app.send(signal.SIGTERM)
    return time.monotonic() - began


def freeze_at_birth(data: Path, *, besides: int | None = None) -> None:
    """Suspends the processes of the next server as soon as they appear."""

    def frozen() -> bool:
        born = [process for process in servers_on(data) if process.pid != besides]
        for process in born:
            process.suspend()
        return bool(born) and all(p.status() == psutil.STATUS_STOPPED for p in born)

    eventually(frozen)


def test_an_app_ends_in_time_while_the_successor_of_its_server_is_frozen_at_birth(
    data: Path, open_app: Callable[..., App]
) -> None:
    app = open_app()
    pid = app.server()["pid"]
    os.kill(pid, signal.SIGKILL)
    freeze_at_birth(data, besides=pid)

    assert seconds_to_end(app) < MOST_SECONDS
    assert servers_on(data) == []


def test_an_app_ends_in_time_while_the_successor_of_its_server_listens_and_hangs(
    data: Path, open_app: Callable[..., App]
) -> None:
    app = open_app()
    old = app.server()
    os.kill(old["pid"], signal.SIGKILL)
    eventually(lambda: not address.listens(old["address"]))
    eventually(lambda: address.listens(old["address"]))
    # The killed one may still be listed, and be gone by now.
    for process in servers_on(data):
        if process.pid != old["pid"]:
            process.suspend()

    assert seconds_to_end(app) < MOST_SECONDS
    assert servers_on(data) == []


def test_an_app_ends_in_time_while_the_first_start_of_its_server_hangs(
    data: Path, open_app: Callable[..., App]
) -> None:
    app = open_app(APP_WITH_A_THREAD)
    freeze_at_birth(data)

    assert seconds_to_end(app) < MOST_SECONDS
    assert servers_on(data) == []


def test_an_app_ends_in_time_while_another_holds_the_lock_of_the_data_directory(
    data: Path, open_app: Callable[..., App]
) -> None:
    app = open_app()
    pid = app.server()["pid"]

    with FileLock(data / "server.lock"):
        os.kill(pid, signal.SIGKILL)

        assert seconds_to_end(app) < MOST_SECONDS


def test_an_app_that_abandons_a_restart_leaves_it_to_the_other_app(
    data: Path, open_app: Callable[..., App]
) -> None:
    first, second = open_app(), open_app()
    running = first.server()
    assert second.server() == running
    psutil.Process(second.process.pid).suspend()
    os.kill(running["pid"], signal.SIGKILL)
    freeze_at_birth(data, besides=running["pid"])

    assert seconds_to_end(first) < MOST_SECONDS
    psutil.Process(second.process.pid).resume()

    with MongoClient[dict[str, Any]](running["uri"]) as client:
        client.school.notes.insert_one({"_id": "rain"})
    assert len(servers_on(data)) == 1
    second.leave()


def test_the_last_app_ends_a_server_that_hung_in_the_restart_of_a_killed_app(
    data: Path, open_app: Callable[..., App]
) -> None:
    first, second = open_app(), open_app()
    pid = first.server()["pid"]
    second.server()
    psutil.Process(second.process.pid).suspend()
    os.kill(pid, signal.SIGKILL)
    freeze_at_birth(data, besides=pid)
    first.send(signal.SIGKILL)
    psutil.Process(second.process.pid).resume()

    assert seconds_to_end(second) < MOST_SECONDS
    assert servers_on(data) == []
