"""Which apps use a data directory, and the lock under which its server starts and stops.

An app holds the lock on a file of its own in ``apps/``. The system drops that lock however the
app ends, so a killed app counts no longer, and no process id is trusted.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from booking_core.domain.errors import ServerFailed
from booking_core.embedded.failures import START_SECONDS, explain_os_error
from booking_core.embedded.failures import leaving as app_ends
from booking_core.embedded.layout import database_directory

STOP_SECONDS = 30.0
GUARD_SECONDS = 2 * START_SECONDS + STOP_SECONDS


@contextmanager
def guarded(
    data: Path, leaving: threading.Event | None = None, patience: float = GUARD_SECONDS
) -> Iterator[None]:
    """Hold the lock under which servers start and stop; makes the directories.

    Raises :class:`ServerFailed` for a directory that cannot be used, when another app holds the
    lock for more than ``patience`` seconds, and when ``leaving`` is set while it does.
    """
    lock = FileLock(data / "server.lock", timeout=patience)
    try:
        (data / "apps").mkdir(parents=True, exist_ok=True)
        database_directory(data).mkdir(exist_ok=True, mode=0o700)
        with lock.acquire(cancel_check=leaving.is_set if leaving is not None else None):
            yield
    except Timeout as exc:
        if leaving is not None and leaving.is_set():
            raise app_ends() from exc
        raise ServerFailed(
            f"Another app has held {exc.lock_file} for more than {patience:.0f} s.",
            "End the app that is stuck, then start this one again.",
        ) from exc
    except OSError as exc:
        raise explain_os_error(exc, data) from exc


class Membership:
    """One app's presence on a data directory, from now until ``end``. Needs the lock."""

    def __init__(self, data: Path) -> None:
        self._data = data
        name = f"{os.getpid()}-{uuid4().hex[:8]}.lock"
        self._lock = FileLock(data / "apps" / name, thread_local=False)
        self._lock.acquire(timeout=0)

    def end(self) -> None:
        """The app is present no longer. May be called more than once, and without the lock."""
        self._lock.release()

    def others(self) -> bool:
        """Whether another app is present. Removes the files of killed apps."""
        for path in (self._data / "apps").glob("*.lock"):
            if str(path) == self._lock.lock_file and self._lock.is_locked:
                continue
            probe = FileLock(path, timeout=0)
            try:
                probe.acquire()
            except Timeout:
                return True
            probe.release()
            path.unlink(missing_ok=True)
        return False
