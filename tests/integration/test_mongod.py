"""The embedded server with real apps: their processes, signals to them, and a real mongod.

The file is long because all tests control app processes over the same pipe protocol.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo import MongoClient
from server_processes import App, servers_on, until

from booking_core.embedded import server as mongod


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
def open_app(data: Path) -> Iterator[Callable[[], App]]:
    """Opens apps on the data directory; the teardown closes the open ones in order."""
    apps: list[App] = []

    def open_() -> App:
        apps.append(App(data))
        return apps[-1]

    yield open_
    for app in apps:
        if app.process.poll() is None:
            app.send(signal.SIGTERM)


def write(uri: str, name: str) -> None:
    with MongoClient[dict[str, Any]](uri) as client:
        client.school.notes.insert_one({"_id": name})


def names(uri: str) -> list[str]:
    with MongoClient[dict[str, Any]](uri) as client:
        return sorted(note["_id"] for note in client.school.notes.find())


def test_a_started_server_has_transactions_and_change_streams(data: Path) -> None:
    with (
        mongod.start(data) as server,
        MongoClient[dict[str, Any]](server.uri) as client,
        client.school.notes.watch() as changes,
    ):
        with client.start_session() as session, session.start_transaction():
            client.school.notes.insert_one({"_id": "rain"}, session=session)

        assert changes.next()["documentKey"] == {"_id": "rain"}


def test_data_is_kept_from_one_start_to_the_next(data: Path) -> None:
    with mongod.start(data) as server:
        write(server.uri, "rain")
        before = server.address

    with mongod.start(data) as server:
        assert names(server.uri) == ["rain"]
        assert server.address == before


def test_a_killed_server_restarts_by_itself_at_its_address_with_its_data(data: Path) -> None:
    with mongod.start(data) as server:
        write(server.uri, "rain")
        uri, pid = server.uri, server.pid

        os.kill(pid, signal.SIGKILL)

        until(lambda: server.pid != pid)
        assert server.uri == uri
        assert names(uri) == ["rain"]


def test_ensure_running_returns_with_a_killed_server_running(data: Path) -> None:
    with mongod.start(data) as server:
        pid = server.pid
        os.kill(pid, signal.SIGKILL)
        until(lambda: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)

        until(lambda: (server.ensure_running(), server.pid != pid)[1])

        write(server.uri, "rain")


def test_a_server_killed_with_its_app_starts_again_with_its_data(
    data: Path, open_app: Callable[[], App]
) -> None:
    app = open_app()
    app.begin()
    old = app.server()
    write(old["uri"], "rain")
    app.send(signal.SIGKILL)
    os.kill(old["pid"], signal.SIGKILL)

    with mongod.start(data) as server:
        assert names(server.uri) == ["rain"]
        assert server.address == old["address"]


def test_a_second_app_joins_and_only_the_last_app_stops_the_server(
    data: Path, open_app: Callable[[], App]
) -> None:
    first, second = open_app(), open_app()
    first.begin()
    running = first.server()
    second.begin()
    assert second.server() == running

    first.leave()
    write(running["uri"], "rain")

    second.leave()
    assert servers_on(data) == []


def test_apps_of_one_process_share_the_server_too(data: Path) -> None:
    first, second = mongod.start(data), mongod.start(data)
    assert first.pid == second.pid

    first.close()
    write(second.uri, "rain")

    second.close()
    assert servers_on(data) == []


def test_every_app_sees_the_restart_of_a_killed_server_once(
    data: Path, open_app: Callable[[], App]
) -> None:
    app = open_app()
    app.begin()
    pid = app.server()["pid"]
    with mongod.start(data) as server:
        os.kill(pid, signal.SIGKILL)

        until(lambda: server.pid != pid)
        write(server.uri, "rain")
        assert [process.pid for process in servers_on(data)] == [server.pid]


def test_the_orphan_of_a_killed_app_is_adopted(data: Path, open_app: Callable[[], App]) -> None:
    app = open_app()
    app.begin()
    orphan = app.server()
    app.send(signal.SIGKILL)

    with mongod.start(data) as server:
        assert (server.pid, server.address) == (orphan["pid"], orphan["address"])


def test_an_orphan_is_adopted_without_the_stored_hints(
    data: Path, open_app: Callable[[], App]
) -> None:
    app = open_app()
    app.begin()
    orphan = app.server()
    app.send(signal.SIGKILL)
    (data / "server.json").unlink()

    with mongod.start(data) as server:
        assert server.pid == orphan["pid"]


def test_an_orphan_that_does_not_answer_is_replaced(
    data: Path, open_app: Callable[[], App]
) -> None:
    app = open_app()
    app.begin()
    orphan = app.server()
    write(orphan["uri"], "rain")
    app.send(signal.SIGKILL)
    os.kill(orphan["pid"], signal.SIGSTOP)

    with mongod.start(data) as server:
        assert server.pid != orphan["pid"]
        assert names(server.uri) == ["rain"]
        assert [process.pid for process in servers_on(data)] == [server.pid]


def test_a_killed_app_does_not_keep_the_server_running(
    data: Path, open_app: Callable[[], App]
) -> None:
    killed, stays = open_app(), open_app()
    for app in (killed, stays):
        app.begin()
        app.server()
    killed.send(signal.SIGKILL)

    stays.leave()

    assert servers_on(data) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_ends_the_only_app_leaves_no_server_running(
    data: Path, open_app: Callable[[], App], number: int
) -> None:
    app = open_app()
    app.begin()
    app.server()

    app.send(number)

    assert servers_on(data) == []
    assert '"exitCode":0' in (data / "mongod.log").read_text()


def test_two_apps_that_start_at_the_same_instant_share_one_server(
    data: Path, open_app: Callable[[], App]
) -> None:
    first, second = open_app(), open_app()

    first.begin()
    second.begin()

    assert first.server() == second.server()
    assert len(servers_on(data)) == 1


def test_threads_that_start_and_close_at_once_share_one_server_and_leave_none(data: Path) -> None:
    together = threading.Barrier(4)

    def start(_: int) -> mongod.EmbeddedServer:
        together.wait()
        return mongod.start(data)

    with ThreadPoolExecutor(4) as pool:
        servers = list(pool.map(start, range(4)))
        assert len({server.pid for server in servers}) == 1

        list(pool.map(lambda server: server.close(), servers * 2))

    assert servers_on(data) == []


def test_a_closed_share_neither_restarts_a_server_nor_raises(data: Path) -> None:
    server = mongod.start(data)
    server.close()

    server.ensure_running()
    server.close()

    assert servers_on(data) == []


def test_another_process_with_the_stored_process_id_is_not_touched(data: Path) -> None:
    with mongod.start(data) as server:
        before = server.address
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as innocent:
        (data / "server.json").write_text(json.dumps({"pid": innocent.pid, "address": before}))
        (data / "db" / "mongod.lock").write_text(f"{innocent.pid}\n")

        with mongod.start(data) as server:
            assert server.pid != innocent.pid
        assert innocent.poll() is None

        innocent.kill()


@pytest.mark.parametrize(
    "hints",
    [
        '{"pid": -7, "port": 700000}',
        '{"pid": 1, "address": ["m.sock"]}',
        '{"pid": 1, "address": "127.0.0.1:x"}',
        "[1, 2]",
    ],
)
def test_invalid_stored_hints_are_ignored(data: Path, hints: str) -> None:
    data.mkdir()
    (data / "server.json").write_text(hints)

    with mongod.start(data) as server:
        write(server.uri, "rain")


def test_a_running_server_can_be_joined_on_a_full_disk(data: Path) -> None:
    with mongod.start(data) as first, mongod.start(data, minimum_free_bytes=2**60) as second:
        assert first.pid == second.pid
