"""The credentials of the embedded server: its users, its secret files, and interrupted starts.

The file is long because every test needs the same processes that are killed at a given step.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from server_processes import servers_on, until

from booking_core.domain.errors import ServerFailed
from booking_core.embedded import address, binary, credentials
from booking_core.embedded import server as mongod

ROOT = Path(__file__).parents[2]
SECRETS = ("mongod.key", "mongod.password")
UNAUTHORIZED, REFUSED = 13, 18

# Starts the server; the process is killed at the first call of the named function.
KILLED_APP = """
import importlib, os, signal, sys
from pathlib import Path
from booking_core.embedded import server as mongod

module, name = sys.argv[2].rsplit(".", 1)
killed = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
setattr(importlib.import_module(module), name, killed)
mongod.start(Path(sys.argv[1]))
"""


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data directory. The test fails if a server still runs on it at the end."""
    directory = tmp_path.resolve() / "data"
    yield directory
    left = servers_on(directory)
    for process in left:
        process.kill()
    assert not left


def start_as_before(data: Path) -> MongoClient[dict[str, Any]]:
    """Starts a server without authentication, as older versions did; returns an open client."""
    (data / "db").mkdir(parents=True)
    port = address.free_port()
    command = [str(binary.find_binary()), "--replSet", "rs0", "--bind_ip", "127.0.0.1"]
    command += ["--port", str(port), "--dbpath", str(data / "db"), "--nounixsocket", "--fork"]
    command += ["--logpath", str(data / "mongod.log"), "--logappend", "--quiet"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    [process] = servers_on(data)
    (data / "server.json").write_text(json.dumps({"pid": process.pid, "port": port}))
    client = MongoClient[dict[str, Any]]("127.0.0.1", port, directConnection=True)
    alone = {"_id": "rs0", "members": [{"_id": 0, "host": f"127.0.0.1:{port}"}]}
    client.admin.command("replSetInitiate", alone)
    until(lambda: client.admin.command("hello")["isWritablePrimary"])
    client.school.notes.insert_one({"_id": "rain"})
    return client


def killed_at(data: Path, where: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED_APP, str(data), where], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL


def unauthenticated(at: str) -> MongoClient[dict[str, Any]]:
    """A client without a password."""
    return MongoClient(f"mongodb://{address.host_of(at)}/", directConnection=True)


def notes(uri: str) -> list[str]:
    with MongoClient[dict[str, Any]](uri) as client:
        return sorted(note["_id"] for note in client.school.notes.find())


def write(uri: str, name: str) -> None:
    with MongoClient[dict[str, Any]](uri) as client:
        client.school.notes.insert_one({"_id": name})


def secrets_of(data: Path) -> list[str]:
    return [(data / name).read_text() for name in SECRETS]


def failure(data: Path) -> ServerFailed:
    with pytest.raises(ServerFailed) as caught:
        mongod.start(data)
    for sentence in (caught.value.problem, caught.value.remedy):
        assert sentence.endswith(".")
        assert sentence.count(". ") == 0
        for name in SECRETS:
            if (data / name).is_file() and (content := (data / name).read_text()):
                assert content not in sentence
    return caught.value


# Authentication


def test_without_a_password_nothing_is_read_written_or_configured(data: Path) -> None:
    with mongod.start(data) as server, unauthenticated(server.address) as client:
        write(server.uri, "rain")
        attempts = (
            lambda: client.school.notes.find_one(),
            lambda: client.school.notes.insert_one({}),
            lambda: client.list_database_names(),
            lambda: client.school.watch(),
            lambda: client.admin.command("createUser", "me", pwd="me", roles=["root"]),
            lambda: client.admin.command("replSetGetConfig"),
            lambda: client.admin.command("shutdown"),
        )
        for attempt in attempts:
            with pytest.raises(OperationFailure) as refused:
                attempt()
            assert refused.value.code == UNAUTHORIZED


@pytest.mark.parametrize("user", [credentials.USER, "__system", "nobody"])
def test_a_wrong_password_is_refused(mongod_uri: str, user: str) -> None:
    source = "local" if user == "__system" else "admin"
    host = mongod_uri.rpartition("@")[2].partition("/")[0]
    uri = f"mongodb://{user}:{'x' * 43}@{host}/?directConnection=true&authSource={source}"
    with MongoClient[dict[str, Any]](uri) as client, pytest.raises(OperationFailure) as refused:
        client.school.notes.find_one()

    assert refused.value.code == REFUSED


def test_the_apps_user_cannot_create_users_or_reconfigure_the_server(mongod_uri: str) -> None:
    with MongoClient[dict[str, Any]](mongod_uri) as client:
        for command in ({"createUser": "me", "pwd": "me", "roles": []}, {"replSetReconfig": {}}):
            with pytest.raises(OperationFailure) as refused:
                client.admin.command(command)
            assert refused.value.code == UNAUTHORIZED


def test_after_a_killed_start_no_other_client_creates_the_first_user(
    data: Path,
) -> None:
    killed_at(data, "booking_core.embedded.primary.admit")
    [orphan] = servers_on(data)
    at = dict(pairwise(orphan.cmdline()))["--bind_ip"]
    with unauthenticated(at) as client, pytest.raises(OperationFailure) as refused:
        client.admin.command("createUser", "me", pwd="me", roles=["root"])

    assert refused.value.code == UNAUTHORIZED
    with mongod.start(data) as server:
        assert server.pid == orphan.pid
        write(server.uri, "rain")


# Secret files


def test_the_secret_is_in_two_private_files_and_nowhere_else(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    mask = os.umask(0)
    try:
        server = mongod.start(data)
    finally:
        os.umask(mask)
    with server, MongoClient[dict[str, Any]](server.uri) as client:
        command = psutil.Process(server.pid).cmdline()
        pid = server.pid
        os.kill(pid, signal.SIGKILL)
        until(lambda: server.pid != pid)
        doctor = subprocess.run(
            [sys.executable, "-m", "booking_core", "doctor"],
            cwd=ROOT,
            env={k: v for k, v in os.environ.items() if k != "MONGODB_URI"}
            | {"DATA_DIRECTORY": str(data)},
            capture_output=True,
            text=True,
        )
        shown = [*command, caplog.text, repr(client), repr(server), repr(server._secret)]
        shown += [doctor.stdout, doctor.stderr]

    assert [(data / name).stat().st_mode & 0o777 for name in SECRETS] == [0o600, 0o600]
    assert "it runs again" in caplog.text
    assert "MongoDB" in doctor.stdout
    everything = [path for path in data.rglob("*") if path.is_file() and path.name not in SECRETS]
    for secret in secrets_of(data):
        assert not [text for text in shown if secret in text]
        assert not [path for path in everything if secret.encode() in path.read_bytes()]


def test_each_data_directory_has_a_separate_secret(tmp_path: Path) -> None:
    here, there = (tmp_path / name for name in ("here", "there"))
    for data in (here, there):
        data.mkdir()
        credentials.obtain(data)

    assert not set(secrets_of(here)) & set(secrets_of(there))


@pytest.mark.parametrize("name", SECRETS)
def test_an_unusable_secret_is_named_with_a_remedy(data: Path, name: str) -> None:
    data.mkdir()
    credentials.obtain(data)
    path = data / name

    path.chmod(0o640)
    assert "can be read by other users" in failure(data).problem

    path.chmod(0o600)
    path.write_text("")
    failed = failure(data)
    assert f"{path} is damaged" in failed.problem
    assert failed.remedy == "Remove that file to have a new one made."

    path.unlink()
    path.mkdir()
    assert f"{path} cannot be read" in failure(data).problem
    assert servers_on(data) == []


# Data of older versions


def test_a_data_directory_of_an_older_version_is_used_with_its_data(data: Path) -> None:
    start_as_before(data).close()
    [old] = servers_on(data)
    old.terminate()
    until(lambda: servers_on(data) == [])

    with mongod.start(data) as server, unauthenticated(server.address) as client:
        assert notes(server.uri) == ["rain"]
        with pytest.raises(OperationFailure):
            client.school.notes.find_one()


def test_a_server_without_authentication_is_replaced_and_not_joined(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    start_as_before(data).close()
    [old] = servers_on(data)
    old_address = f"127.0.0.1:{dict(pairwise(old.cmdline()))['--port']}"

    with mongod.start(data) as server:
        assert server.pid != old.pid
        assert notes(server.uri) == ["rain"]
        assert [process.pid for process in servers_on(data)] == [server.pid]
        assert "asked for no password" in caplog.text
        assert not address.listens(old_address)
        # An open app of an older version finds its server by these two options, and stops one that
        # does not answer it.
        options = dict(pairwise(psutil.Process(server.pid).cmdline()))
        assert options["--dbpath"] == str(data / "db")
        assert options.get("--logpath") != str(data / "mongod.log")


# Interrupted starts, lost secrets


@pytest.mark.parametrize(
    "where",
    [
        pytest.param("os.fsync", id="key half written"),
        pytest.param("booking_core.embedded.credentials.password_file", id="key without password"),
        pytest.param("booking_core.embedded.primary.configure", id="server without replica set"),
        pytest.param("booking_core.embedded.server.store_hints", id="user without hints"),
    ],
)
def test_a_start_that_was_killed_is_completed_by_the_next(data: Path, where: str) -> None:
    killed_at(data, where)

    with mongod.start(data) as server:
        write(server.uri, "rain")
        assert [process.pid for process in servers_on(data)] == [server.pid]
    assert not list(data.glob("*.new"))


def test_a_lost_secret_is_replaced_and_the_data_kept(data: Path) -> None:
    with mongod.start(data) as server:
        write(server.uri, "rain")
    lost = secrets_of(data)
    for name in SECRETS:
        (data / name).unlink()

    with mongod.start(data) as server:
        assert notes(server.uri) == ["rain"]

    assert not set(secrets_of(data)) & set(lost)


def test_a_password_that_open_apps_use_is_not_replaced(data: Path) -> None:
    with mongod.start(data) as server:
        (data / "mongod.password").unlink()

        failed = failure(data)

        assert "is not the one that the open apps use" in failed.problem
        write(server.uri, "rain")
        uri, pid = server.uri, server.pid
        os.kill(pid, signal.SIGKILL)
        until(lambda: server.pid != pid)
        assert server.uri == uri
        assert notes(uri) == ["rain"]
        # The open app has stored its password again, so that others can join.
        with mongod.start(data) as second:
            assert second.uri == uri
