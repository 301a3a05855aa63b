"""Making a running mongod the primary of its replica set, with the apps' user let in."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from booking_core.embedded.address import host_of, is_socket, listens
from booking_core.embedded.credentials import Secret, admit, system_client
from booking_core.embedded.failures import START_SECONDS, too_slow, unreachable
from booking_core.embedded.layout import REPLICA_SET, database_directory
from booking_core.embedded.process import Running, comes_true, lives, stop

ANSWER_SECONDS = 3.0
SELF_SECONDS = 1.0
_HELLO_MILLISECONDS = 1000
_NOT_YET_INITIALIZED = 94

logger = logging.getLogger(__name__)


def become_primary(
    running: Running,
    data: Path,
    secret: Secret,
    others: Callable[[], bool],
    leaving: threading.Event,
) -> bool:
    """True once the server is primary and lets the apps' user in.

    False when it ended, lost its socket, listens and does not answer the holder of the key, or has
    to start again at this address. Raises :class:`ServerFailed` when it answers, and is still no
    primary after a minute, when ``others`` use it at a socket that is not there for this app, and
    when ``leaving`` is set before.
    """
    process, address = running.process, running.address
    if not comes_true(lambda: has_place(address) or not lives(process), ANSWER_SECONDS, leaving):
        # Cleaners of /tmp remove files, and services may have a /tmp of their own.
        if others():
            raise unreachable(data, address)
        return False
    # A server that still recovers does not listen yet.
    if not comes_true(lambda: listens(address) or not lives(process), START_SECONDS, leaving):
        raise too_slow(data)
    milliseconds = int(ANSWER_SECONDS * 1000)
    client = system_client(
        address,
        secret,
        connectTimeoutMS=milliseconds,
        socketTimeoutMS=milliseconds,
        # Short, so that the death of the server is noticed between two tries.
        serverSelectionTimeoutMS=250,
    )
    served: list[str] = []

    def answers() -> bool:
        with suppress(PyMongoError):
            options = client.admin.command("getCmdLineOpts")["parsed"]
            served.append(options["storage"]["dbPath"])
        return bool(served) or not lives(process)

    def settles() -> bool:
        # The server drops connections when its role changes, so an error here ends nothing.
        with suppress(PyMongoError):
            if client.admin.command("hello")["isWritablePrimary"]:
                admit(client, address, data, secret, others)
                return True
            configure(client, address)
        return not lives(process)

    with client:
        comes_true(answers, ANSWER_SECONDS, leaving)
        if served != [str(database_directory(data))]:
            return False
        # A server at another address than before asks at the old one whether it is itself. Where a
        # program listens there that never answers, it waits for 30 s, and does nothing meanwhile.
        if stored_elsewhere(client, address) and not comes_true(settles, SELF_SECONDS, leaving):
            with suppress(PyMongoError):
                if store_address(client, address):
                    stop(process, 0)
                    return False
        if not comes_true(settles, START_SECONDS, leaving):
            raise too_slow(data)
    return lives(process)


def has_place(address: str) -> bool:
    """Whether the server's socket is there. A server makes it before it recovers its data."""
    return not is_socket(address) or Path(address).exists()


def configure(client: MongoClient[dict[str, Any]], address: str) -> None:
    """Make the replica set consist of this server at this address, and nothing else."""
    alone = {"_id": REPLICA_SET, "members": [{"_id": 0, "host": address}]}
    try:
        stored = client.admin.command("replSetGetConfig")["config"]
        if [member["host"] for member in stored["members"]] != [address]:
            # Forced: a plain change needs the vote of the member at the old address, which is gone.
            changed = {**stored, "members": alone["members"], "version": stored["version"] + 1}
            client.admin.command("replSetReconfig", changed, force=True)
    except OperationFailure as exc:
        if exc.code == _NOT_YET_INITIALIZED:
            client.admin.command("replSetInitiate", alone)
        else:
            logger.debug("the replica set is not ready to be configured: %s", exc)


def stored_elsewhere(client: MongoClient[dict[str, Any]], address: str) -> bool:
    """Whether the server's files say that the replica set is at another address than this."""
    with suppress(PyMongoError):
        stored = client.local["system.replset"].find_one()
        return stored is not None and [member["host"] for member in stored["members"]] != [address]
    return False


def store_address(client: MongoClient[dict[str, Any]], address: str) -> bool:
    """Whether the files say now, and did not before, that the replica set is this server alone.

    The server takes notice at its next start.
    """
    if not stored_elsewhere(client, address):
        return False
    change = {"$set": {"members": [{"_id": 0, "host": address}]}, "$inc": {"version": 1}}
    done = client.local.command(
        "update",
        "system.replset",
        updates=[{"q": {"_id": REPLICA_SET}, "u": change}],
    )
    client.admin.command("fsync")  # a server in this state does not wait for the journal
    return bool(done.get("nModified"))


def responds(address: str) -> bool:
    """Whether the server at the address answers within a second; one that hangs does not."""
    client: MongoClient[dict[str, Any]] = MongoClient(
        f"mongodb://{host_of(address)}/",
        directConnection=True,
        connectTimeoutMS=_HELLO_MILLISECONDS,
        socketTimeoutMS=_HELLO_MILLISECONDS,
        serverSelectionTimeoutMS=_HELLO_MILLISECONDS,
    )
    with client, suppress(PyMongoError):
        return bool(client.admin.command("hello"))
    return False
