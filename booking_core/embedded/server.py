"""The embedded server: a real mongod, a replica set of one, shared by every app on its data.

- Starting and stopping happen under one lock file in the data directory, so no two apps do
  either at the same moment.
- The app that leaves last stops the server. When the last app was killed, its server runs on
  as an orphan until the next start, which adopts it if it answers and replaces it if not.
- A process is touched only when its command line names mongod, this database directory and
  this log file. A process id from a file is a hint, and decides nothing.
- The server requires a login. A server of an older version, which did not, is replaced.
- It listens at a Unix socket, which other users cannot reach (``address``). A server of an older
  version stays on its port while apps use it, and comes back at a socket.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType

from booking_core.domain.errors import ServerFailed
from booking_core.embedded.address import choose, clear, is_socket
from booking_core.embedded.binary import (
    MINIMUM_FREE_BYTES,
    check_room,
    find_binary,
    launch,
)
from booking_core.embedded.credentials import Secret, obtain
from booking_core.embedded.failures import CannotListen, DataLocked, in_use_by_another, too_slow
from booking_core.embedded.membership import STOP_SECONDS, Membership, guarded
from booking_core.embedded.primary import ANSWER_SECONDS, become_primary, responds
from booking_core.embedded.process import (
    Running,
    end_all,
    find,
    lives,
    stop,
    store_hints,
    stored_hints,
)

ATTEMPTS = 5
WATCH_SECONDS = 0.25
RETRY_SECONDS = 15.0
HANGING_SECONDS = 1.0
# An app ends within ten seconds, whatever hangs. It waits no longer than this for each step.
ABANDON_SECONDS = 2.0
LOCK_SECONDS = 1.0
LEAVE_SECONDS = 4.0

logger = logging.getLogger(__name__)


class EmbeddedServer:
    """One app's share in the running server. Made by :func:`start`; a context manager.

    While it is open, a thread (``watchdog``) restarts a server that died. ``uri`` and
    ``address`` stay the same over a restart, unless another program took the port, or a socket
    replaces it: see ``on_move``.
    """

    def __init__(
        self,
        data_directory: Path,
        membership: Membership,
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
        self._closing = threading.Lock()
        self._closed = False
        self._leaving = threading.Event()
        self._owner = os.getpid()
        self._followers: list[Callable[[str], None]] = []
        self.watchdog = threading.Thread(target=self._watch, name="mongod-watch", daemon=True)

    @property
    def uri(self) -> str:
        """The connection string, password included: for drivers, never for logs or screens.

        Through it a driver waits for the primary after a restart.
        """
        return self._secret.uri(self.address)

    @property
    def pid(self) -> int:
        """The process id of mongod."""
        return int(self._running.process.pid)

    @property
    def address(self) -> str:
        """The path of the socket at which the server listens, or ``127.0.0.1:PORT``."""
        return self._running.address

    def on_move(self, follow: Callable[[str], None]) -> None:
        """Call ``follow(uri)`` after each restart at another address, from the watching thread."""
        self._followers.append(follow)

    def ensure_running(self) -> None:
        """Return with the server running: at once if it lives, else restarted.

        Does nothing after :meth:`close`. Raises :class:`ServerFailed` when it cannot restart, and
        when :meth:`close` is called meanwhile.
        """
        if lives(self._running.process):
            return
        with self._mutex:
            if self._leaving.is_set() or lives(self._running.process):
                return
            before = self.uri
            with guarded(self.data_directory, self._leaving):
                self._running, self._secret = _join_or_launch(
                    self.data_directory,
                    self._membership,
                    self.address,
                    self._minimum_free_bytes,
                    self._leaving,
                    self._secret.password,
                )
            logger.warning("the database server had ended; it runs again at %s", self.address)
            if self.uri != before:
                for follow in self._followers:
                    follow(self.uri)

    def close(self) -> None:
        """Leave. The last app to leave stops the server, and returns when it has ended.

        Takes less than ten seconds: a server that hangs is killed, and a restart that is under
        way is abandoned. Safe to call from any thread and more than once.
        """
        if os.getpid() != self._owner:
            return  # a forked child inherits the object, not the right to stop the server
        self._leaving.set()
        with self._closing:
            if self._closed:
                return
            self._membership.end()  # first: an app that holds the lock for long counts us no more
            restarts = not self._mutex.acquire(timeout=ABANDON_SECONDS)
            if restarts and not self._membership.others():
                # The restart holds the lock and waits for an answer of a server that hangs.
                end_all(self.data_directory)
                restarts = not self._mutex.acquire(timeout=ABANDON_SECONDS)
            if not restarts:
                try:
                    self._leave()
                finally:
                    self._mutex.release()
            self._closed = True
            atexit.unregister(self.close)
        if threading.current_thread() is not self.watchdog:
            self.watchdog.join(ABANDON_SECONDS)

    def _leave(self) -> None:
        try:
            with guarded(self.data_directory, patience=LOCK_SECONDS):
                _leave(self.data_directory, self._membership, self.pid)
        except ServerFailed as failure:
            # An app that holds the lock for long starts the server, or is stopping it.
            logger.warning("the database server is left to another app: %s", failure)

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
            except Exception as failure:  # nothing may end this thread
                if self._leaving.is_set():
                    return
                unexpected = not isinstance(failure, ServerFailed)
                message = "the database server had ended and cannot restart: %s"
                logger.error(message, failure, exc_info=unexpected)
                pause = min(2 * pause, RETRY_SECONDS)
            else:
                pause = WATCH_SECONDS


def start(data_directory: Path, *, minimum_free_bytes: int = MINIMUM_FREE_BYTES) -> EmbeddedServer:
    """Join the server that runs on this data directory, or start one, and wait until it is primary.

    Every call takes a share of its own, which :meth:`EmbeddedServer.close` or the end of the
    interpreter gives back. No server is started with less than ``minimum_free_bytes`` on the disk.
    Called in the main thread, it also lets SIGTERM and SIGHUP end the interpreter in order,
    where they have no handler. Raises :class:`ServerFailed`.
    """
    if os.name != "posix":
        raise ServerFailed(
            f"The embedded database does not run on this platform ({sys.platform}).",
            "Set MONGODB_URI to a MongoDB server of your own.",
        )
    data = Path(data_directory).expanduser().resolve()
    with _abandoned_at_exit() as leaving, guarded(data, leaving):
        membership = Membership(data)
        try:
            running, secret = _join_or_launch(
                data, membership, stored_hints(data).address, minimum_free_bytes, leaving
            )
            server = EmbeddedServer(data, membership, running, secret, minimum_free_bytes)
        except BaseException:
            _leave(data, membership)
            raise
    atexit.register(server.close)
    _end_in_order_on_signals()
    server.watchdog.start()
    return server


@contextmanager
def _abandoned_at_exit() -> Iterator[threading.Event]:
    """An event that is set when the interpreter ends, which then waits for the end of the block.

    A start in another thread than the main one would otherwise leave its server behind.
    """
    leaving, ended = threading.Event(), threading.Event()

    def abandon() -> None:
        leaving.set()
        ended.wait(LEAVE_SECONDS + ABANDON_SECONDS)

    atexit.register(abandon)
    try:
        yield leaving
    finally:
        ended.set()
        atexit.unregister(abandon)


def _join_or_launch(
    data: Path,
    membership: Membership,
    address: str | None,
    minimum_free_bytes: int,
    leaving: threading.Event,
    password: str | None = None,
) -> tuple[Running, Secret]:
    """The primary on this data: the one that runs, else a new one. ``address``: of the last one.

    ``password`` is the one that this app's connections use already. Raises :class:`ServerFailed`,
    also when ``leaving`` is set before the server is primary.
    """
    # Other apps may be of an earlier version, which finds a server by its port only.
    in_use = membership.others()
    sockets = True
    for _ in range(ATTEMPTS):
        secret = obtain(data, password)
        running = find(data)
        if running is not None and not running.asks:
            logger.warning("a database server that asked for no password is replaced")
            stop(running.process, STOP_SECONDS)
            running = None
        if running is None:
            check_room(data, minimum_free_bytes)
            # A server that an app started before it was killed, and that has not locked the data
            # yet, would take the place of the new one's socket.
            end_all(data)
            chosen = choose(data, address, in_use=in_use, sockets=sockets)
            if not is_socket(chosen):
                logger.warning("other users of this machine reach the database server's port")
            try:
                launch(find_binary(), data, chosen, leaving)
            except BaseException as exc:
                clear(chosen)
                if isinstance(exc, DataLocked):
                    raise in_use_by_another(data) from exc
                if not isinstance(exc, CannotListen):
                    raise
                sockets = sockets and not is_socket(chosen)
                address = None  # the next try takes another
                continue
            running = find(data)
        if running is not None:
            if become_primary(running, data, secret, membership.others, leaving):
                store_hints(data, running)
                return running, secret
            stop(running.process, ANSWER_SECONDS)
            address = running.address
    raise too_slow(data)


def _leave(data: Path, membership: Membership, pid: int | None = None) -> None:
    membership.end()
    if membership.others():
        return
    running = find(data, pid)
    if running is not None:
        # Its journal survives a kill, and the end of an app must not wait for a hanging server.
        stop(running.process, LEAVE_SECONDS if responds(running.address) else HANGING_SECONDS)
    end_all(data)  # also one that was started by an app that was killed, and that hung at once
    for address in (running and running.address, stored_hints(data).address):
        if address is not None:
            clear(address)


def _end_in_order_on_signals() -> None:
    """Let SIGTERM and SIGHUP run what is registered with atexit, where they have no handler."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _exit_on_signal)


def _exit_on_signal(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
