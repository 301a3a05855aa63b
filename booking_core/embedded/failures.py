"""Why the embedded server did not start: one sentence for the cause, one for the remedy."""

from __future__ import annotations

import errno
import platform
import re
import shutil
import signal
from pathlib import Path

from booking_core.domain.errors import ServerFailed
from booking_core.embedded.address import is_socket
from booking_core.embedded.layout import database_directory, log_file

START_SECONDS = 60
OWN_URI = "or set MONGODB_URI to a MongoDB server of your own."
_MISSING_LIBRARY = re.compile(
    r"error while loading shared libraries: ([^\s:]+)|Library not loaded: (\S+)"
)
_LIBRARY_PACKAGES = {
    "libcurl.so.4": "libcurl4",
    "libssl.so.3": "libssl3",
    "libcrypto.so.3": "libssl3",
    "liblzma.so.5": "liblzma5",
}
_OLD_C_LIBRARY = re.compile(r"version [`'](\w+_[\d.]+)' not found")
_NO_ROOM = ("No space left on device", "Disk quota exceeded")
_PORT_TAKEN = ("Address already in use",)
_LOCKED = ("DBPathInUse", "Unable to lock the lock file", "lock file is held by another")
_OTHER_VERSION = ("Wrong mongod version", "UPGRADE PROBLEM")
_NEWER_FILES = ("unsupported WiredTiger file version", "unsupported WiredTiger log file version")
# The version that the data asks for, then the lowest one that this mongod accepts.
_VERSIONS = re.compile(r"version: \\*\"([\d.]+)\\*\".*?expected '([\d.]+)'")
_DAMAGED = ("WT_TRY_SALVAGE", "database corruption detected", "Failed to start up WiredTiger")
_NOT_WRITABLE = (
    "Permission denied",
    "Operation not permitted",
    "Read-only file system",
    "read-only directory",
)
# In the log's lines of these severities such words have no consequences.
_HARMLESS = ('"s":"I"', '"s":"W"', '"s":"D')
_NEXT_TO_NOTHING = 2**20
_NEED_DOWNGRADE, _DB_LOCK_HELD, _NET_ERROR = 62, 100, 48


class CannotListen(Exception):
    """The server cannot listen at the address, such as a port that another program just took."""


class DataLocked(Exception):
    """A running mongod holds the database directory."""


def too_slow(data_directory: Path) -> ServerFailed:
    """The sentence for a server that neither answers nor ends."""
    return ServerFailed(
        f"The database server did not become ready within {START_SECONDS} s.",
        f"Read the end of {log_file(data_directory)}, then start the app again.",
    )


def leaving() -> ServerFailed:
    """The sentence for a start that ends because its app ends."""
    return ServerFailed(
        "The database server was not started, because this app is ending.",
        "Start the app again.",
    )


def explain_os_error(exc: OSError, data_directory: Path) -> ServerFailed:
    """The sentence for a data directory that the app itself cannot use."""
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return _no_room(data_directory)
    if exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return _not_writable(data_directory)
    if exc.errno in (errno.ENOTDIR, errno.EEXIST):
        return ServerFailed(
            f"The data directory {data_directory} cannot be made, because a file is in its place.",
            "Move that file away, or choose another data directory.",
        )
    return ServerFailed(
        f"The data directory {data_directory} cannot be used: {exc.strerror or exc}.",
        "Repair it, or choose another data directory.",
    )


def in_use_by_another(data_directory: Path) -> ServerFailed:
    """The sentence for a data directory that a server of another program uses."""
    return ServerFailed(
        f"Another MongoDB server, which this app did not start, uses {data_directory}.",
        "Stop that server, or choose another data directory.",
    )


def unreachable(data_directory: Path, address: str) -> ServerFailed:
    """The sentence for the server of other open apps whose socket is not there for this app."""
    return ServerFailed(
        f"The database server of the open apps on {data_directory} listens at {address}, which is"
        " not there for this app.",
        "End those apps first, or start this one where it has the same /tmp.",
    )


def cannot_execute(binary: Path, exc: OSError) -> ServerFailed:
    """The sentence for a program that the system refuses to run."""
    if isinstance(exc, PermissionError) or exc.errno == errno.EROFS:
        return ServerFailed(
            f"The database server program {binary} may not be run by this user.",
            f"Run chmod a+rx {binary} as its owner, on a disk that is not mounted noexec.",
        )
    # A file that is there and still "not found" names a loader that this system lacks.
    return ServerFailed(
        f"The database server program {binary} is not made for this platform ({platform_name()}).",
        f"Install MongoDB 6.0 or newer for this platform, with mongod on the PATH, {OWN_URI}",
    )


def explain_exit(
    code: int, said: str, binary: Path, data_directory: Path, address: str
) -> Exception:
    """The exception for a mongod that ended with ``code`` and wrote ``said`` while it started.

    :class:`CannotListen`, :class:`DataLocked` or :class:`ServerFailed`.
    """

    def says(phrases: tuple[str, ...]) -> bool:
        return any(phrase in said for phrase in phrases)

    if library := _MISSING_LIBRARY.search(said):
        return _missing_library(library[1] or library[2])
    if needed := _OLD_C_LIBRARY.search(said):
        return ServerFailed(
            f"This system is too old for {binary}, which needs {needed[1]}.",
            f"Use Debian 12, Ubuntu 22.04 or newer, install a mongod made for it, {OWN_URI}",
        )
    if code == -signal.SIGILL:
        return ServerFailed(
            "This processor lacks the AVX instructions that the database server needs.",
            f"Run the app on a newer computer, {OWN_URI}",
        )
    if says(_NO_ROOM):
        return _no_room(data_directory)
    if code == _NET_ERROR and is_socket(address):
        return CannotListen()  # before the log is read for files: it may say "permission denied"
    if any(
        phrase in line
        for line in said.splitlines()
        if not any(mark in line for mark in _HARMLESS)
        for phrase in _NOT_WRITABLE
    ):
        return _files_not_writable(data_directory)
    if code == _DB_LOCK_HELD and says(_LOCKED):
        return DataLocked()
    if code == _NEED_DOWNGRADE or says(_OTHER_VERSION + _NEWER_FILES):
        return _other_version(said, binary, data_directory)
    if says(_PORT_TAKEN):
        return CannotListen()
    # A full disk can cut the log off before it says so.
    if shutil.disk_usage(data_directory).free < _NEXT_TO_NOTHING:
        return _no_room(data_directory)
    if says(_DAMAGED):
        return ServerFailed(
            f"The data in {data_directory} is damaged.",
            "Restore it from a backup, or choose another data directory.",
        )
    return ServerFailed(
        f"The database server ended with exit code {code} while starting.",
        f"Read the end of {log_file(data_directory)}, which says why.",
    )


def _missing_library(library: str) -> ServerFailed:
    package = _LIBRARY_PACKAGES.get(library)
    if package:
        install = f"Run apt-get install {package} (Debian, Ubuntu)"
    else:
        install = f"Install the package that provides {library}"
    return ServerFailed(
        f"The database server cannot start because the shared library {library} is missing.",
        f"{install}, {OWN_URI}",
    )


def _other_version(said: str, binary: Path, data_directory: Path) -> ServerFailed:
    versions = _VERSIONS.search(said)
    if versions and _comparable(versions[1]) < _comparable(versions[2]):
        return ServerFailed(
            f"The data in {data_directory} was written by MongoDB {versions[1]}, which is too old"
            f" for {binary}.",
            "Upgrade it through each version of MongoDB between, or choose another data directory.",
        )
    return ServerFailed(
        f"The data in {data_directory} was written by a newer version of MongoDB than {binary}.",
        "Put a mongod of that version or newer on the PATH, or choose another data directory.",
    )


def _comparable(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part]


def _no_room(data_directory: Path) -> ServerFailed:
    return ServerFailed(
        f"There is no room left on the disk that holds {data_directory}.",
        "Free some space on it, or choose a data directory on another disk.",
    )


def _not_writable(data_directory: Path) -> ServerFailed:
    return ServerFailed(
        f"The data directory {data_directory} cannot be written to by this user.",
        "Give this user the right to write there, or choose another data directory.",
    )


def _files_not_writable(data_directory: Path) -> ServerFailed:
    return ServerFailed(
        "The database server may not write its files in"
        f" {database_directory(data_directory)}; the data itself is not damaged.",
        "Make that directory and each file in it writable for this user (chown, chmod, chattr -i),"
        " or choose another data directory.",
    )


def platform_name() -> str:
    """System and processor, as a sentence names them."""
    return f"{platform.system()} {platform.machine()}"
