"""Where the embedded server listens: a private Unix socket, else a port of 127.0.0.1."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer
from typing import Any

import psutil
import pytest
from pymongo import MongoClient
from server_processes import App, servers_on, until

from booking_core.domain.errors import ServerFailed
from booking_core.embedded import address, binary, credentials
from booking_core.embedded import server as mongod
from booking_core.embedded.failures import CannotListen
from booking_core.embedded.membership import Membership

LONG = "a-directory-whose-name-alone-is-nearly-as-long-as-the-path-of-a-socket-may-be-in-bytes"
NOBODY = 65534

# Connects to the socket as another user; prints the error that it gets.
AS_NOBODY = f"""
import os, socket, sys
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
try:
    socket.socket(socket.AF_UNIX).connect(sys.argv[1])
except OSError as refused:
    print(type(refused).__name__)
"""


class ClosingListener(TCPServer):
    """Another program on the port, which closes every connection."""

    allow_reuse_address = True


@pytest.fixture
def base() -> Iterator[Path]:
    """A directory with a short path. The test fails if a server still runs below it at the end."""
    directory = Path(tempfile.mkdtemp(prefix="addresses-", dir="/tmp")).resolve()
    yield directory
    left = [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(str(directory) in word for word in process.info["cmdline"] or [])
        and "mongod" in (process.info["cmdline"] or [""])[0]
        and process.status() != psutil.STATUS_ZOMBIE
    ]
    for process in left:
        process.kill()
    shutil.rmtree(directory, ignore_errors=bool(left))
    assert not left


@pytest.fixture
def data(base: Path) -> Path:
    """A data directory in which the socket has room."""
    return base / "data"


@pytest.fixture
def long(base: Path) -> Path:
    """A data directory whose path is too long for a socket."""
    return base / LONG


@pytest.fixture
def without_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform without Unix sockets."""
    monkeypatch.delattr(socket, "AF_UNIX")


def ports(server: mongod.EmbeddedServer) -> set[Any]:
    """The addresses at which the server has a port."""
    return {tuple(one.laddr) for one in psutil.Process(server.pid).net_connections("inet")}


def write(uri: str, name: str) -> None:
    with MongoClient[dict[str, Any]](uri) as client:
        client.school.notes.insert_one({"_id": name})


def names(uri: str) -> list[str]:
    with MongoClient[dict[str, Any]](uri) as client:
        return sorted(note["_id"] for note in client.school.notes.find())


def modes(path: str) -> tuple[int, int]:
    """The modes of a socket and of its directory."""
    return Path(path).stat().st_mode & 0o777, Path(path).parent.stat().st_mode & 0o777


def connect_as_nobody(path: str) -> str:
    if os.geteuid() != 0:
        pytest.skip("this user may not act as another one")
    command = [sys.executable, "-c", AS_NOBODY, path]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def is_short(path: str) -> bool:
    return path.startswith("/tmp/ground-booking-")


# The socket


def test_the_server_opens_no_port_and_its_socket_is_private(data: Path) -> None:
    mask = os.umask(0)
    try:
        server = mongod.start(data)
    finally:
        os.umask(mask)
    with server:
        assert server.address == str(data / "socket" / "m.sock")
        assert ports(server) == set()
        assert modes(server.address) == (0o600, 0o700)
        write(server.uri, "rain")


def test_another_user_cannot_connect_to_the_socket(long: Path) -> None:
    with mongod.start(long) as server:
        assert connect_as_nobody(server.address) == "PermissionError"


def test_no_socket_is_made_beside_the_own_one(data: Path) -> None:
    with mongod.start(data) as server:
        bound = {one.laddr for one in psutil.Process(server.pid).net_connections("unix")}

        assert bound - {""} == {server.address}


def test_the_directory_of_the_socket_ends_with_the_server(data: Path) -> None:
    with mongod.start(data):
        pass

    assert not (data / "socket").exists()


@pytest.mark.parametrize("name", [LONG, "Data", "data,more", "data:1", "größe", "a b%41"])
def test_a_path_that_no_socket_can_have_gets_a_short_private_directory(
    base: Path, name: str
) -> None:
    data = base / name
    with mongod.start(data) as server:
        before = server.address
        assert is_short(before)
        assert modes(before) == (0o600, 0o700)
        assert ports(server) == set()
        write(server.uri, "rain")
        with mongod.start(data) as second:
            assert second.address == before
    assert not Path(before).parent.exists()

    with mongod.start(data) as server:
        assert server.address == before
        assert names(server.uri) == ["rain"]


def test_a_socket_that_a_killed_server_left_does_not_stop_the_next(long: Path) -> None:
    with mongod.start(long) as server:
        before, pid = server.address, server.pid
        write(server.uri, "rain")

        os.kill(pid, signal.SIGKILL)

        until(lambda: server.pid != pid)
        assert server.address == before
        assert names(server.uri) == ["rain"]


def test_a_socket_that_was_left_is_replaced_when_nothing_is_stored_of_it(data: Path) -> None:
    path = data / "socket" / "m.sock"
    path.parent.mkdir(0o700, parents=True)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))

    with mongod.start(data) as server:
        assert server.address == str(path)
        write(server.uri, "rain")


@pytest.mark.parametrize("over", [0, 1])
def test_a_path_of_just_the_longest_length_is_used_and_a_longer_one_is_not(
    base: Path, over: int
) -> None:
    longest = 103 if sys.platform == "darwin" else 107
    name = "d" * (longest + over - len(f"{base}//socket/m.sock"))
    data = base / name
    with mongod.start(data) as server:
        assert is_short(server.address) == bool(over)
        write(server.uri, "rain")


def test_a_directory_in_tmp_that_another_user_has_made_is_not_used(long: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("this user may not give a file to another one")
    with mongod.start(long) as server:
        before = Path(server.address).parent
    before.mkdir(0o700)
    os.chown(before, NOBODY, NOBODY)
    try:
        with mongod.start(long) as server:
            assert Path(server.address).parent != before
            assert is_short(server.address)
            write(server.uri, "rain")
        assert list(before.iterdir()) == []
    finally:
        before.rmdir()


def test_a_link_in_place_of_the_directory_is_not_followed(long: Path, base: Path) -> None:
    with mongod.start(long) as server:
        before = Path(server.address).parent
    elsewhere = base / "elsewhere"
    elsewhere.mkdir(0o700)
    before.symlink_to(elsewhere)
    try:
        with mongod.start(long) as server:
            assert Path(server.address).parent != before
        assert list(elsewhere.iterdir()) == []
    finally:
        before.unlink()


def test_a_directory_that_others_may_enter_is_not_used(data: Path) -> None:
    data.mkdir()
    (data / "socket").mkdir()
    (data / "socket").chmod(0o755)

    with mongod.start(data) as server:
        assert is_short(server.address)
        assert modes(server.address) == (0o600, 0o700)


def test_a_stored_path_that_no_start_has_made_is_not_used(data: Path, base: Path) -> None:
    elsewhere = base / "elsewhere" / "m.sock"
    elsewhere.parent.mkdir(0o700)
    elsewhere.touch()
    data.mkdir()
    (data / "server.json").write_text(json.dumps({"pid": 1, "address": str(elsewhere)}))

    # While another app is open, the stored address would be the first choice.
    app = another_app(data)
    with mongod.start(data) as server:
        app.end()
        assert server.address == str(data / "socket" / "m.sock")
    assert elsewhere.exists()


def another_app(data: Path) -> Membership:
    """An app that is open on the data, and does not restart a server."""
    (data / "apps").mkdir(parents=True, exist_ok=True)
    return Membership(data)


def test_an_orphan_whose_socket_was_removed_is_replaced(long: Path) -> None:
    orphan = orphan_on(long)
    shutil.rmtree(Path(orphan["address"]).parent)

    with mongod.start(long) as server:
        assert server.pid != orphan["pid"]
        assert [process.pid for process in servers_on(long)] == [server.pid]
        write(server.uri, "rain")


def orphan_on(data: Path) -> dict[str, Any]:
    app = App(data)
    app.begin()
    orphan = app.server()
    app.send(signal.SIGKILL)
    return orphan


def test_a_server_of_open_apps_whose_socket_is_not_there_is_left_running(long: Path) -> None:
    with mongod.start(long) as server:
        directory = Path(server.address).parent
        aside = directory.with_name(f"{directory.name}-aside")
        directory.rename(aside)
        try:
            with pytest.raises(ServerFailed) as failed:
                mongod.start(long)
        finally:
            aside.rename(directory)

        assert f"listens at {server.address}" in failed.value.problem
        assert [process.pid for process in servers_on(long)] == [server.pid]
        write(server.uri, "rain")


def test_a_server_of_a_killed_start_that_has_not_locked_the_data_yet_is_ended(data: Path) -> None:
    data.mkdir()
    at = str(data / "socket" / "m.sock")
    command = ["mongod", "-c", "input()", "--bind_ip", at, "--dbpath", str(data / "db")]
    command.append(f"--logpath={data / 'mongod.log'}")
    with (
        subprocess.Popen(command, executable=sys.executable, stdin=subprocess.PIPE) as orphan,
        mongod.start(data) as server,
    ):
        assert orphan.pid not in psutil.pids()
        write(server.uri, "rain")


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        pytest.param("shared", 0o777, id="others may rename what is in it"),
        pytest.param("Shared", 0o1777, id="no socket can have its path"),
    ],
)
def test_a_shared_directory_that_cannot_be_used_is_left_as_it_was(
    base: Path, long: Path, monkeypatch: pytest.MonkeyPatch, name: str, mode: int
) -> None:
    shared = base / name
    shared.mkdir()
    shared.chmod(mode)
    monkeypatch.setattr(address, "SHARED", shared)

    with mongod.start(long) as server:
        assert server.address.startswith("127.0.0.1:")
    assert list(shared.iterdir()) == []


def test_a_stored_directory_is_not_used_where_others_may_rename_it(
    base: Path, long: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = base / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    monkeypatch.setattr(address, "SHARED", shared)
    with mongod.start(long) as server:
        assert server.address.startswith(str(shared))
    shared.chmod(0o777)

    with mongod.start(long) as server:
        assert server.address.startswith("127.0.0.1:")


# A port


@pytest.mark.usefixtures("without_sockets")
def test_without_sockets_the_server_listens_on_the_loopback_address_only(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with mongod.start(data) as server:
        host, _, port = server.address.partition(":")
        assert ports(server) == {(host, int(port))}
        assert host == "127.0.0.1"
        assert f"@127.0.0.1:{port}/?replicaSet=rs0" in server.uri
        assert "other users of this machine reach" in caplog.text
        before = server.address

    with mongod.start(data) as server:
        assert server.address == before


def test_a_server_that_refuses_sockets_gets_a_port(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = binary.find_binary()
    refuse = f'case "$*" in *.sock*) exit 48;; esac\nexec {real} "$@"\n'
    program = tmp_path / "bin" / "mongod"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{refuse}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)

    with mongod.start(data) as server:
        assert server.address.startswith("127.0.0.1:")
        write(server.uri, "rain")


def test_a_listener_that_fails_for_a_socket_is_reported_as_such(data: Path) -> None:
    (data / "db").mkdir(parents=True)
    credentials.obtain(data)

    with pytest.raises(CannotListen):
        binary.launch(binary.find_binary(), data, str(data / "none" / "m.sock"), threading.Event())


@pytest.mark.usefixtures("without_sockets")
def test_a_port_in_use_by_another_program_is_changed_and_the_data_kept(data: Path) -> None:
    with mongod.start(data) as server:
        write(server.uri, "rain")
        before = server.address
    taken = ("127.0.0.1", int(before.rpartition(":")[2]))
    with ClosingListener(taken, BaseRequestHandler) as taker:
        threading.Thread(target=taker.serve_forever, daemon=True).start()

        with mongod.start(data) as server:
            assert server.address != before
            assert names(server.uri) == ["rain"]

        taker.shutdown()


def test_a_port_lost_between_choosing_and_listening_is_reported_as_taken(data: Path) -> None:
    (data / "db").mkdir(parents=True)
    credentials.obtain(data)
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", 0))
        taker.listen()
        taken = f"127.0.0.1:{taker.getsockname()[1]}"

        with pytest.raises(CannotListen):
            binary.launch(binary.find_binary(), data, taken, threading.Event())


# From a port to a socket


def on_a_port(data: Path, monkeypatch: pytest.MonkeyPatch) -> mongod.EmbeddedServer:
    """A server as earlier versions started it."""
    with monkeypatch.context() as patched:
        patched.delattr(socket, "AF_UNIX")
        server = mongod.start(data)
    assert server.address.startswith("127.0.0.1:")
    return server


def test_data_of_a_version_with_a_port_move_to_a_socket(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with on_a_port(data, monkeypatch) as server:
        write(server.uri, "rain")
        port = int(server.address.rpartition(":")[2])
    (data / "server.json").write_text(json.dumps({"pid": 1, "port": port}))

    with mongod.start(data) as server:
        assert server.address == str(data / "socket" / "m.sock")
        assert ports(server) == set()
        assert names(server.uri) == ["rain"]


def test_a_killed_server_on_a_port_comes_back_at_a_socket_for_its_only_app(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with on_a_port(data, monkeypatch) as server:
        followed: list[str] = []
        server.on_move(followed.append)
        write(server.uri, "rain")

        os.kill(server.pid, signal.SIGKILL)

        until(lambda: bool(followed))
        assert server.address == str(data / "socket" / "m.sock")
        assert names(*followed) == ["rain"]


def test_a_running_server_on_a_port_is_joined_and_stays_there_while_apps_use_it(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with on_a_port(data, monkeypatch) as before:
        write(before.uri, "rain")
        with mongod.start(data) as joined:
            assert joined.address == before.address
            pid = joined.pid

            os.kill(pid, signal.SIGKILL)

            until(lambda: joined.pid != pid and before.pid == joined.pid)
            assert joined.address == before.address
            assert names(joined.uri) == ["rain"]


def test_a_start_beside_an_open_app_of_a_version_with_a_port_keeps_the_port(data: Path) -> None:
    app = another_app(data)
    port = address.free_port()
    (data / "server.json").write_text(json.dumps({"pid": 1, "port": port}))

    with mongod.start(data) as server:
        app.end()
        assert server.address == f"127.0.0.1:{port}"
