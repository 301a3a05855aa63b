"""Where the server listens: a Unix socket, or a port of 127.0.0.1 where there can be no socket.

Every user of a machine can connect to its ports. Only users who may enter the directory of a socket
can connect to it: here, the owner alone.

An address is a text as MongoDB writes it: the path of a socket, or ``127.0.0.1:PORT``.
"""

from __future__ import annotations

import os
import random
import re
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

HOST = "127.0.0.1"
SOCKET = "m.sock"

# Below the range from which systems pick ports for outgoing connections, so that the port is
# still free when a server comes back to it.
PORTS = range(20000, 30000)

# For data directories whose own path a socket cannot have. Every system has this directory.
SHARED = Path("/tmp")
_PREFIX = "ground-booking-"

# The driver writes the members of a replica set in lower case, and takes what follows a colon for
# a port; the server takes a comma for the end of a path.
_UNDERSTOOD = re.compile(r"/[a-z0-9_./-]+", re.ASCII)


def is_socket(address: str) -> bool:
    """Whether the address is the path of a socket."""
    return address.startswith("/")


def host_of(address: str) -> str:
    """The address as a connection string names it."""
    return quote(address, safe="") if is_socket(address) else address


def choose(data: Path, stored: str | None, *, in_use: bool, sockets: bool = True) -> str:
    """The address for the next server on this data. Needs the lock.

    ``stored`` is the address of the last server. While it is ``in_use`` by open apps it is kept
    where that is possible; else a socket replaces a port. With ``sockets`` False it is a port.
    """

    def wanted() -> Iterator[str]:
        if stored is not None and in_use:
            yield stored
        if sockets:
            yield str(data / "socket" / SOCKET)
            if stored is not None and is_socket(stored):
                yield stored
            with suppress(OSError):
                if _keeps_names(SHARED):
                    yield str(Path(tempfile.mkdtemp(prefix=_PREFIX, dir=SHARED)) / SOCKET)
        if stored is not None:
            yield stored

    for address in wanted():
        if (sockets or not is_socket(address)) and is_free(address):
            return address
        clear(address)
    return f"{HOST}:{free_port()}"


def is_free(address: str) -> bool:
    """Whether a server of ours could listen there now.

    A socket that a killed server left is removed: no server listens on it. Its directory is made
    where it is missing.
    """
    if is_socket(address):
        return _takes_sockets(Path(address))
    with socket.socket() as probe:
        # As mongod does: connections of a server that was just killed stay for a while.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, _port(address)))
        except (OSError, OverflowError):
            return False
    return True


def listens(address: str) -> bool:
    """Whether something accepts connections at the address."""
    path = is_socket(address)
    with socket.socket(socket.AF_UNIX if path else socket.AF_INET) as probe:
        probe.settimeout(3.0)
        return probe.connect_ex(address if path else (HOST, _port(address))) == 0


def free_port() -> int:
    """A port that was free a moment ago."""
    for port in random.sample(PORTS, 50):
        if is_free(f"{HOST}:{port}"):
            return port
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def clear(address: str) -> None:
    """Remove a socket that no server uses, with its directory."""
    if is_socket(address) and _is_private(Path(address).parent):
        with suppress(OSError):
            Path(address).unlink(missing_ok=True)
        with suppress(OSError):
            Path(address).parent.rmdir()


def known(data: Path, address: object) -> str | None:
    """The address that an earlier start stored, or None when it is none that :func:`choose` makes.

    An address from a file is a hint: it never leads to a path that is not ours.
    """
    if not isinstance(address, str):
        return None
    path = Path(address)
    made = path.parent.parent == SHARED and path.parent.name.startswith(_PREFIX)
    if path.name == SOCKET and (made or path.parent == data / "socket"):
        return address
    host, _, port = address.partition(":")
    return address if host == HOST and port.isdecimal() and 0 < int(port) < 2**16 else None


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def _takes_sockets(path: Path) -> bool:
    if not hasattr(socket, "AF_UNIX") or not _UNDERSTOOD.fullmatch(str(path)):
        return False
    with suppress(OSError):
        with suppress(FileExistsError):
            path.parent.mkdir(mode=0o700)
        if not _is_private(path.parent):
            return False
        path.unlink(missing_ok=True)
        # Not every disk holds sockets, and systems take about 100 bytes for the path.
        with socket.socket(socket.AF_UNIX) as probe:
            probe.bind(str(path))
        path.unlink()
        return True
    return False


def _is_private(directory: Path) -> bool:
    """Whether this user alone may enter the directory, and nobody else may replace it."""
    try:
        own = directory.lstat()
    except OSError:
        return False
    return (
        stat.S_ISDIR(own.st_mode)  # a link could lead anywhere
        and own.st_uid == os.geteuid()
        and not own.st_mode & 0o077
        and (directory.parent != SHARED or _keeps_names(SHARED))
    )


def _keeps_names(shared: Path) -> bool:
    """Whether users cannot rename or remove what others have in this directory."""
    return bool(shared.stat().st_mode & stat.S_ISVTX)
