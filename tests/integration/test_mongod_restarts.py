"""A server that dies or hangs under a running app: the app continues, or ends in time."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer
from typing import Any

import pytest
from filelock import FileLock
from pymongo import MongoClient
from server_processes import servers_on
from support import DAY, NOW, booked, eventually, open_school

from booking_core import Booking, Settings, StoreUnavailable, connect, disconnect, get_booking
from booking_core.embedded import server as mongod
from booking_core.live import Feed, LiveBoards
from booking_core.storage.connection import connected
from booking_core.storage.school.students import BULK_SECONDS


class ClosingListener(TCPServer):
    """Another program on the port, which closes every connection."""

    allow_reuse_address = True


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
def without_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform without Unix sockets: the server listens on a port."""
    monkeypatch.delattr(socket, "AF_UNIX")


def test_a_database_on_the_embedded_server_reconnects_after_the_servers_death(data: Path) -> None:
    with connected(Settings(data_directory=str(data), time_zone="Asia/Kolkata")) as db:
        open_school(db)
        first = booked(db)
        assert db.embedded_server is not None

        os.kill(db.embedded_server.pid, signal.SIGKILL)

        second = eventually(lambda: tried(lambda: booked(db, student=1, start=10)))
        assert get_booking(db, first.id) == first
        assert get_booking(db, second.id) == second


@pytest.mark.usefixtures("without_sockets")
def test_an_app_continues_when_another_program_takes_the_port_of_its_killed_server(
    data: Path,
) -> None:
    db = connect(Settings(data_directory=str(data), time_zone="Asia/Kolkata"))
    open_school(db)
    feed = Feed(db)
    feed.start()
    boards = LiveBoards(db, feed)
    first = booked(db)
    server = db.embedded_server
    assert server is not None
    before = server.address

    # While the lock is held, no app restarts a server.
    with FileLock(data / "server.lock"):
        os.kill(server.pid, signal.SIGKILL)
        taker = eventually(lambda: listen_on(before))
    with taker:
        threading.Thread(target=taker.serve_forever, daemon=True).start()

        second = eventually(lambda: tried(lambda: booked(db, student=1, start=10)))
        assert server.address != before
        assert get_booking(db, first.id) == first
        eventually(lambda: feed.connected)
        eventually(lambda: set(boards.get(DAY, NOW).bookings) == {first, second})
        third = booked(db, student=2, start=11)
        eventually(lambda: boards.get(DAY, NOW).cell("ground-1", third.start).booking == third)
        # An app that starts now joins the same server.
        with connected(Settings(data_directory=str(data))) as other:
            assert get_booking(other, second.id) == second

        feed.stop()
        disconnect(db)
        taker.shutdown()


@pytest.mark.usefixtures("without_sockets")
def test_a_listener_that_never_answers_on_the_old_port_delays_the_restart_by_seconds_only(
    data: Path,
) -> None:
    with connected(Settings(data_directory=str(data), time_zone="Asia/Kolkata")) as db:
        open_school(db)
        first = booked(db)
        server = db.embedded_server
        assert server is not None
        before = server.address
        with FileLock(data / "server.lock"):
            os.kill(server.pid, signal.SIGKILL)
            # It accepts connections, because it listens, and reads nothing of them.
            silent = eventually(lambda: listen_on(before))
        with silent:
            began = time.monotonic()

            second = eventually(lambda: tried(lambda: booked(db, student=1, start=10)), within=60)

            assert time.monotonic() - began < 10
            assert server.address != before
            assert get_booking(db, first.id) == first
            assert get_booking(db, second.id) == second


def listen_on(address: str) -> ClosingListener | None:
    try:
        return ClosingListener(("127.0.0.1", int(address.rpartition(":")[2])), BaseRequestHandler)
    except OSError:  # the port is not free yet
        return None


def tried(action: Callable[[], Booking]) -> Booking | None:
    try:
        return action()
    except StoreUnavailable:
        return None


def test_a_transaction_of_a_killed_app_ends_within_twenty_seconds(data: Path) -> None:
    with mongod.start(data) as server, MongoClient[dict[str, Any]](server.uri) as client:
        name = "transactionLifetimeLimitSeconds"
        limit = client.admin.command({"getParameter": 1, name: 1})[name]

    # The server looks for expired ones at an interval of half their time.
    assert limit > BULK_SECONDS
    assert limit + limit // 2 < 20


def test_a_server_that_hangs_is_killed_when_the_last_app_leaves(data: Path) -> None:
    settings = Settings(data_directory=str(data), time_zone="Asia/Kolkata")
    db = connect(settings)
    open_school(db)
    mine = booked(db)
    assert db.embedded_server is not None
    os.kill(db.embedded_server.pid, signal.SIGSTOP)
    began = time.monotonic()

    disconnect(db)

    assert time.monotonic() - began < 6
    with connected(settings) as again:
        assert get_booking(again, mine.id) == mine
