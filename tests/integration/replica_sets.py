"""A replica set of three real servers; tests can kill, suspend and restart its members."""

from __future__ import annotations

import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError
from server_processes import until

from booking_core.embedded.address import free_port
from booking_core.embedded.binary import find_binary

NAME = "trio"


class Member:
    """One server of the set, on a port that it keeps."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._data.mkdir(parents=True)
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def runs(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        """Starts the server if it does not run, and resumes one that was suspended."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            return
        command = [
            *(str(find_binary()), "--replSet", NAME, "--bind_ip", "127.0.0.1"),
            *("--port", str(self.port), "--dbpath", str(self._data), "--nounixsocket"),
            *("--logpath", str(self._data / "mongod.log"), "--logappend", "--quiet"),
            *("--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "64"),
            *("--wiredTigerEngineConfigString", "log=(prealloc=false,file_max=16MB)"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        ]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, start_new_session=True
        )

    def stop(self) -> None:
        """Suspends the server; its connections stay open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """Ends the server as a power cut does; returns when the process is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            self._process = None


class ReplicaSet:
    """Three members; a primary without a majority steps down after three seconds."""

    def __init__(self, data: Path) -> None:
        self.members = [Member(data / str(number)) for number in range(3)]
        hosts = [{"_id": n, "host": member.address} for n, member in enumerate(self.members)]
        settings = {
            "electionTimeoutMillis": 3000,
            "heartbeatIntervalMillis": 200,
            "heartbeatTimeoutSecs": 1,
            "catchUpTimeoutMillis": 0,
        }
        config = {"_id": NAME, "members": hosts, "settings": settings}
        until(lambda: all(self._hello(member) for member in self.members))
        with self._direct(self.members[0]) as client:
            client.admin.command("replSetInitiate", config)
            until(lambda: self._is(self.members[0], "secondary"))
            with suppress(OperationFailure):  # skips the election timeout before the first election
                client.admin.command("replSetStepUp")
        self.whole()

    @property
    def uri(self) -> str:
        return f"mongodb://{','.join(m.address for m in self.members)}/?replicaSet={NAME}"

    def primary(self) -> Member:
        """Returns the primary as soon as there is one."""
        found: list[Member] = []

        def find_primary() -> bool:
            found[:] = [m for m in self.members if self._is(m, "isWritablePrimary")]
            return bool(found)

        until(find_primary)
        return found[0]

    def others(self, primary: Member) -> list[Member]:
        return [member for member in self.members if member is not primary]

    def whole(self) -> None:
        """Returns when every member runs and follows one primary."""
        for member in self.members:
            member.start()
        until(lambda: sum(self._is(m, "isWritablePrimary") for m in self.members) == 1)
        until(lambda: sum(self._is(m, "secondary") for m in self.members) == 2)

    def step_down(self) -> None:
        """Makes another member win an election."""
        with self._direct(self.primary()) as client, suppress(PyMongoError):
            client.admin.command("replSetStepDown", 10)

    def close(self) -> None:
        for member in self.members:
            member.kill()

    def _is(self, member: Member, role: str) -> bool:
        return bool(self._hello(member).get(role))

    def _hello(self, member: Member) -> dict[str, Any]:
        if not member.runs:
            return {}
        try:
            with self._direct(member) as client:
                return dict(client.admin.command("hello"))
        except PyMongoError:
            return {}

    @staticmethod
    def _direct(member: Member) -> MongoClient[dict[str, Any]]:
        return MongoClient(
            "127.0.0.1",
            member.port,
            directConnection=True,
            serverSelectionTimeoutMS=1000,
            connectTimeoutMS=1000,
            socketTimeoutMS=2000,
        )
