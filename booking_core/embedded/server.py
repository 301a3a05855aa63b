"""The embedded server: a real mongod, a replica set of one, shared by every app on its data.

Who may do what, and when:

- Starting and stopping happen under one lock file in the data directory, so no two apps do
  either at the same moment.
- An app is present while it holds the lock on its own file in ``apps/``. The system drops that
  lock however the app ends, so a killed app counts no longer, and no process id is trusted.
- The app that leaves last stops the server. When the last one was killed, its server runs on
  as an orphan until the next start, which adopts it if it answers and replaces it if not.
- A process is touched only when its command line names mongod, this database directory and
  this log file. A process id from a file is a hint, never a proof.
- The server answers nobody who does not log in. A server from before that was so is replaced.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout
from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from booking_core.domain.errors import ServerFailed
from booking_core.embedded.binary import (
    HOST,
    MINIMUM_FREE_BYTES,
    REPLICA_SET,
    START_SECONDS,
    DataLocked,
    PortTaken,
    check_room,
    database_directory,
    explain_os_error,
    find_binary,
    free_port,
    in_use,
    is_free,
    launch,
    listens,
    too_slow,
)
from booking_core.embedded.credentials import Secret, admit, obtain, system_client
from booking_core.embedded.process import (
    Running,
    comes_true,
    find,
    lives,
    stop,
    store_hints,
    stored_hints,
)

ATTEMPTS = 5
WATCH_SECONDS = 0.25
RETRY_SECONDS = 15.0
ANSWER_SECONDS = 3.0
STOP_SECONDS = 30.0
GUARD_SECONDS = 2 * START_SECONDS + STOP_SECONDS
_NOT_YET_INITIALIZED = 94

logger = logging.getLogger(__name__)


class EmbeddedServer:
    """One app's share in the running server. Made by :func:`start`; a context manager.

    While it is open, a thread restarts a server that died. ``uri`` and ``port`` stay the same
    over a restart, unless another program took the port meanwhile.
    """

    def __init__(
        self,
        data_directory: Path,
        membership: FileLock,
        running: Running,
        secret: Secret,
        minimum_free_bytes: int,
    ) -> None:
        self.data_directory = data_directory
        self._membership = membership
        self._running = running
        self._secret = secret
        self._minimum_free_bytes = minimum_free_bytes
        self._mutex = threading.Lock()
        self._leaving = threading.Event()
        self._owner = os.getpid()
        self._watchdog = threading.Thread(target=self._watch, name="mongod-watch", daemon=True)

    @property
    def uri(self) -> str:
        """The connection string, password included: for drivers, never for logs or screens.

        Through it a driver waits for the primary after a restart.
        """
        return self._secret.uri(self.port)

    @property
    def pid(self) -> int:
        """The process id of mongod."""
        return int(self._running.process.pid)

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        return self._running.port

    def ensure_running(self) -> None:
        """Return with the server running: at once if it lives, else restarted on its port.

        Does nothing after :meth:`close`. Raises :class:`ServerFailed` when it cannot restart.
        """
        if lives(self._running.process):
            return
        with self._mutex:
            if self._leaving.is_set() or lives(self._running.process):
                return
            with _guard(self.data_directory):
                self._running, self._secret = _join_or_launch(
                    self.data_directory,
                    self._membership,
                    self.port,
                    self._minimum_free_bytes,
                    self._secret.password,
                )
        logger.warning("the database server had ended; it runs again on port %d", self.port)

    def close(self) -> None:
        """Leave. The last app to leave stops the server, and returns when it has ended.

        Safe to call from any thread and more than once. Raises nothing but
        :class:`ServerFailed`, when another app holds the data directory's lock for minutes.
        """
        if os.getpid() != self._owner:
            return  # a forked child inherits the object, not the right to stop the server
        self._leaving.set()
        with self._mutex:
            if not self._membership.is_locked:
                return
            atexit.unregister(self.close)
            with _guard(self.data_directory):
                _leave(self.data_directory, self._membership, self.pid)
        if threading.current_thread() is not self._watchdog:
            self._watchdog.join()

    def __enter__(self) -> EmbeddedServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _watch(self) -> None:
        pause = WATCH_SECONDS
        while not self._leaving.wait(pause):
            try:
                self.ensure_running()
            except ServerFailed as failure:
                logger.error("the database server had ended and cannot restart: %s", failure)
                pause = min(2 * pause, RETRY_SECONDS)
            else:
                pause = WATCH_SECONDS


def start(data_directory: Path, *, minimum_free_bytes: int = MINIMUM_FREE_BYTES) -> EmbeddedServer:
    """Join the server that runs on this data directory, or start one, and wait until it is primary.

    Every call takes a share of its own, which :meth:`EmbeddedServer.close` or the end of the
    interpreter gives back. ``minimum_free_bytes`` is the room below which no server is started.
    Called in the main thread, it also lets SIGTERM and SIGHUP end the interpreter in order,
    where nobody handles them. Raises :class:`ServerFailed`.
    """
    if os.name != "posix":
        raise ServerFailed(
            f"The embedded database does not run on this platform ({sys.platform}).",
            "Set MONGODB_URI to a MongoDB server of your own.",
        )
    data = Path(data_directory).expanduser().resolve()
    with _guard(data):
        membership = FileLock(
            data / "apps" / f"{os.getpid()}-{uuid4().hex[:8]}.lock", thread_local=False
        )
        membership.acquire(timeout=0)
        try:
            running, secret = _join_or_launch(
                data, membership, stored_hints(data).get("port"), minimum_free_bytes
            )
            server = EmbeddedServer(data, membership, running, secret, minimum_free_bytes)
        except BaseException:
            _leave(data, membership)
            raise
    atexit.register(server.close)
    _end_in_order_on_signals()
    server._watchdog.start()
    return server


@contextmanager
def _guard(data: Path) -> Iterator[None]:
    """Hold the lock under which servers start and stop. Errors of the disk become ours."""
    try:
        (data / "apps").mkdir(parents=True, exist_ok=True)
        database_directory(data).mkdir(exist_ok=True, mode=0o700)
        with FileLock(data / "server.lock", timeout=GUARD_SECONDS):
            yield
    except Timeout as exc:
        raise ServerFailed(
            f"Another app has held {exc.lock_file} for more than {GUARD_SECONDS:.0f} s.",
            "End the app that is stuck, then start this one again.",
        ) from exc
    except OSError as exc:
        raise explain_os_error(exc, data) from exc


def _join_or_launch(
    data: Path,
    membership: FileLock,
    port: int | None,
    minimum_free_bytes: int,
    password: str | None = None,
) -> tuple[Running, Secret]:
    """The primary on this data: the one that runs, else a new one, by preference on the port.

    ``password`` is the one that this app's connections use already.
    """
    for _ in range(ATTEMPTS):
        secret = obtain(data, password)
        running = find(data)
        if running is not None and not running.asks:
            logger.warning("a database server that asked for no password is replaced")
            stop(running.process, STOP_SECONDS)
            running = None
        if running is None:
            check_room(data, minimum_free_bytes)
            chosen = port if port is not None and is_free(port) else free_port()
            port = None  # a second try takes another
            try:
                launch(find_binary(), data, chosen)
            except PortTaken:
                continue
            except DataLocked as exc:
                # Either a stranger's, or one whose app was killed before it could say where it is.
                if not comes_true(lambda: find(data) is not None, ANSWER_SECONDS):
                    raise in_use(data) from exc
            running = find(data)
        if running is not None:
            if _become_primary(running, data, secret, lambda: _others(data, membership)):
                store_hints(data, running)
                return running, secret
            stop(running.process, ANSWER_SECONDS)
    raise too_slow(data)


def _others(data: Path, membership: FileLock) -> bool:
    """Whether another app is present. Forgets those that ended without saying so."""
    for path in (data / "apps").glob("*.lock"):
        if str(path) == membership.lock_file and membership.is_locked:
            continue
        probe = FileLock(path, timeout=0)
        try:
            probe.acquire()
        except Timeout:
            return True
        probe.release()
        path.unlink(missing_ok=True)
    return False


def _leave(data: Path, membership: FileLock, pid: int | None = None) -> None:
    membership.release()
    if _others(data, membership):
        return
    running = find(data, pid)
    if running is not None:
        stop(running.process, STOP_SECONDS)


def _become_primary(
    running: Running, data: Path, secret: Secret, others: Callable[[], bool]
) -> bool:
    """True once the server is primary and lets the apps' user in.

    False when it ended, or listens and does not answer whoever has the key. Raises
    :class:`ServerFailed` when it answers, and is still no primary after a minute.
    """
    process, port = running.process, running.port
    # One that still recovers does not listen yet.
    if not comes_true(lambda: listens(port) or not lives(process), START_SECONDS):
        raise too_slow(data)
    milliseconds = int(ANSWER_SECONDS * 1000)
    client = system_client(
        port,
        secret,
        connectTimeoutMS=milliseconds,
        socketTimeoutMS=milliseconds,
        # Short, so that between two tries one sees that a server killed a moment ago is gone.
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
                admit(client, port, data, secret, others)
                return True
            _configure(client, f"{HOST}:{port}")
        return not lives(process)

    with client:
        comes_true(answers, ANSWER_SECONDS)
        if served != [str(database_directory(data))]:
            return False
        if not comes_true(settles, START_SECONDS):
            raise too_slow(data)
    return lives(process)


def _configure(client: MongoClient[dict[str, Any]], host: str) -> None:
    """Make the replica set consist of this server at this host and port, and nothing else."""
    alone = {"_id": REPLICA_SET, "members": [{"_id": 0, "host": host}]}
    try:
        stored = client.admin.command("replSetGetConfig")["config"]
        if [member["host"] for member in stored["members"]] != [host]:
            # Forced: a plain change needs the vote of the member at the old port, which is gone.
            changed = {**stored, "members": alone["members"], "version": stored["version"] + 1}
            client.admin.command("replSetReconfig", changed, force=True)
    except OperationFailure as exc:
        if exc.code == _NOT_YET_INITIALIZED:
            client.admin.command("replSetInitiate", alone)
        else:
            logger.debug("the replica set is not ready to be configured: %s", exc)


def _end_in_order_on_signals() -> None:
    """Let SIGTERM and SIGHUP run what is registered with atexit, unless somebody handles them."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _exit_on_signal)


def _exit_on_signal(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
