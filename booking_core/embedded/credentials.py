"""The secrets of the embedded server: its key file, and the password of the apps' user.

Both are made at the first start and kept in the data directory, readable by their owner alone.
The holder of the key may do everything on the server, as ``__system``, also before it has users.
So the next start completes one that was interrupted anywhere, and replaces a secret that was
lost: no data depends on the old one.
"""

from __future__ import annotations

import base64
import logging
import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure

from booking_core.domain.errors import ServerFailed
from booking_core.embedded.address import host_of
from booking_core.embedded.layout import REPLICA_SET, key_file, password_file

USER = "ground-booking"
# The least that the apps need: they neither administer users nor configure the replica set.
ROLES = ("clusterMonitor", "dbAdminAnyDatabase", "readWriteAnyDatabase")
MECHANISM = "SCRAM-SHA-256"
CONNECT_MILLISECONDS = 3000
_AUTHENTICATION_FAILED = 18
_KEY = re.compile(r"[A-Za-z0-9+/]{64,1020}={0,2}")
_PASSWORD = re.compile(r"[A-Za-z0-9_-]{32,128}")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Secret:
    """The content of the two files. Its ``repr`` shows neither."""

    key: str = field(repr=False)
    password: str = field(repr=False)

    def uri(self, address: str) -> str:
        """The connection string of the apps' user, for a server at this address."""
        return (
            f"mongodb://{USER}:{self.password}@{host_of(address)}/"
            f"?replicaSet={REPLICA_SET}&authSource=admin&authMechanism={MECHANISM}"
        )


def obtain(data: Path, password: str | None = None) -> Secret:
    """The secret of this data directory; a missing part of it is made. Needs the lock.

    ``password``: the one that the caller's connections use. It is written to the file where the
    file is missing or has another one. Raises :class:`ServerFailed` when a file exists and cannot
    be used, and :class:`OSError` when one cannot be written.
    """
    key = _read(key_file(data), _KEY)
    if key is None:
        key = _make(key_file(data), base64.b64encode(secrets.token_bytes(96)).decode(), _KEY)
    stored = _read(password_file(data), _PASSWORD)
    if stored is None or (password is not None and stored != password):
        stored = _make(password_file(data), password or secrets.token_urlsafe(32), _PASSWORD)
    return Secret(key, stored)


def system_client(address: str, secret: Secret, **options: Any) -> MongoClient[dict[str, Any]]:
    """A client that may do everything on the server that was started with this key."""
    return MongoClient(
        f"mongodb://{host_of(address)}/",
        directConnection=True,
        username="__system",
        password=secret.key,
        authSource="local",
        authMechanism=MECHANISM,
        **options,
    )


def admit(
    system: MongoClient[dict[str, Any]],
    address: str,
    data: Path,
    secret: Secret,
    others: Callable[[], bool],
) -> None:
    """Return once the apps' user logs in with the stored password and has its roles.

    A user with another password gets the stored one, unless ``others`` says that open apps use
    the other: then it raises :class:`ServerFailed`. Errors of the driver pass: the caller tries
    again.
    """
    held = _roles_held(address, secret)
    if held == set(ROLES):
        return
    known = system.admin.command("usersInfo", USER)["users"]
    if known and held is None:
        if others():
            raise ServerFailed(
                f"The password in {password_file(data)} is not the one that the open apps use.",
                "End every app on this data directory, then start again, which sets it anew.",
            )
        logger.warning("the database has a new password: the old one was lost")
    system.admin.command(
        "updateUser" if known else "createUser",
        USER,
        pwd=secret.password,
        roles=list(ROLES),
        mechanisms=[MECHANISM],
    )


def _roles_held(address: str, secret: Secret) -> set[str] | None:
    """The roles that a login with the stored password gives; None when it is refused."""
    client: MongoClient[dict[str, Any]] = MongoClient(
        secret.uri(address),
        connectTimeoutMS=CONNECT_MILLISECONDS,
        socketTimeoutMS=CONNECT_MILLISECONDS,
        serverSelectionTimeoutMS=CONNECT_MILLISECONDS,
    )
    with client:
        try:
            status = client.admin.command("connectionStatus")
        except OperationFailure as exc:
            if exc.code == _AUTHENTICATION_FAILED:
                return None
            raise
    return {row["role"] for row in status["authInfo"]["authenticatedUserRoles"]}


def _read(path: Path, shape: re.Pattern[str]) -> str | None:
    """The secret in this file, or None where there is no file.

    Raises :class:`ServerFailed` when it cannot be read, is damaged, or other users may read it.
    """
    try:
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            content = stream.read(2048).decode("ascii", "replace").strip()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise ServerFailed(
            f"The database's secret in {path} cannot be read: {exc.strerror or exc}.",
            "Start the app as the user who owns that file, or remove it to have a new one made.",
        ) from exc
    if mode & 0o077:
        raise ServerFailed(
            f"The database's secret in {path} can be read by other users of this machine.",
            "Remove that file to have a new one made, on a disk that keeps files private.",
        )
    if not shape.fullmatch(content):
        raise ServerFailed(
            f"The database's secret in {path} is damaged.",
            "Remove that file to have a new one made.",
        )
    return content


def _make(path: Path, content: str, shape: re.Pattern[str]) -> str:
    """Write a secret to its file, whole or not at all, and private from its first byte."""
    fresh = path.with_name(f"{path.name}.new")
    with suppress(FileNotFoundError):
        fresh.unlink()  # a start that was killed here left it
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)
    return _read(path, shape) or content  # not every disk keeps the mode of a file
