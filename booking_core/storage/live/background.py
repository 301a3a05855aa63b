"""Threads in the background that outlive any error, and which of them run."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

_BACK_OFF_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6, 2.0)

_registered: set[threading.Thread] = set()
_lock = threading.Lock()


def pause_after(failures: int) -> float:
    """How many seconds to wait after so many failures in succession: 0.1 at first, 2 at most.

    With jitter, so that many processes do not return in step.
    """
    longest = _BACK_OFF_SECONDS[min(failures, len(_BACK_OFF_SECONDS) - 1)]
    return longest * random.uniform(0.5, 1.0)


class BackgroundThread:
    """Calls ``step`` again and again until ``stop``. An exception is logged and ends nothing.

    After an exception it waits before the next call (``pause_after``). A call without one resets
    the wait.
    """

    def __init__(self, name: str, step: Callable[[], None]) -> None:
        self.stopping = threading.Event()
        self._step = step
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Starts the thread and registers it; once in its life."""
        self._thread.start()
        register(self._thread)

    def stop(self, seconds: float = 10.0) -> None:
        """Lets no further call begin; waits up to ``seconds`` for the end of the present one.

        A step that waits for something else has to be woken by the caller.
        """
        self.stopping.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(seconds)
        unregister(self._thread)

    def _run(self) -> None:
        failures = 0
        while not self.stopping.is_set():
            try:
                self._step()
            except Exception:
                log.exception("the thread “%s” goes on after an error", self._thread.name)
                self.stopping.wait(pause_after(failures))
                failures += 1
            else:
                failures = 0


def register(thread: threading.Thread) -> None:
    """Makes ``threads`` tell of a thread that was started."""
    with _lock:
        _registered.add(thread)


def unregister(thread: threading.Thread) -> None:
    """Makes ``threads`` forget a thread that ended because it was told to."""
    with _lock:
        _registered.discard(thread)


def threads() -> dict[str, bool]:
    """Name of each background thread that was started and not stopped -> whether it runs.

    Of several with one name, whether all of them do.
    """
    with _lock:
        known = sorted(_registered, key=lambda thread: thread.name)
    found: dict[str, bool] = {}
    for thread in known:
        found[thread.name] = found.get(thread.name, True) and thread.is_alive()
    return found
