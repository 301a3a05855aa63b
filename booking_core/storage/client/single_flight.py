"""One read for all threads that ask the same question at the same moment.

This saves queries and decides nothing: the unique index does that, for this process as for others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from booking_core.domain.errors import StoreUnavailable
from booking_core.storage.client import deadlines

T = TypeVar("T")


class _Read:
    """One read: its result, and ``deadline``, that of the thread that reads."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.value: Any = None
        self.error: BaseException | None = None
        self.is_inherited = False  # the error is that of the read before
        self.is_abandoned = False  # the time of its thread was up before it could begin
        self.deadline = deadlines.deadline()


class SharedReads:
    """Reads that are shared by the threads of this process, for as long as they wait.

    A thread gets the result of a read that began after the thread asked, never an older one: a
    thread that asks during a read waits for the next read. A failure is passed to the threads
    that wait for the next read too: while the database is away all of them fail together, and not
    one after the other. A thread never waits longer than its own deadline, and one that has
    clearly more time than the thread whose read failed tries again. No result is kept.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, _Read] = {}
        self._next: dict[Hashable, _Read] = {}

    def get(self, key: Hashable, read: Callable[[], T]) -> T:
        """The result of ``read``, called here or in another thread; raises what it raises.

        Raises StoreUnavailable when this thread's deadline passes first.
        """
        while True:
            with self._lock:
                running = self._under_way.get(key)
                mine = None if running is None else self._next.get(key)
                leads = mine is None
                if mine is None:
                    mine = _Read()
                    (self._under_way if running is None else self._next)[key] = mine
            if leads:
                self._lead(key, mine, running, read)
            else:
                _wait(mine)
                if mine.is_abandoned or _is_worth_a_try(mine):
                    continue
            if mine.error is None:
                value: T = mine.value
                return value
            # An error of its own: only this thread knows what its verb has sent.
            if isinstance(mine.error, StoreUnavailable):
                raise deadlines.own(mine.error) from mine.error
            raise mine.error

    def _lead(
        self, key: Hashable, mine: _Read, running: _Read | None, read: Callable[[], Any]
    ) -> None:
        try:
            if running is not None:
                _wait(running)
                passes_on = running.error is not None and not running.is_inherited
                if passes_on and not _is_worth_a_try(running):
                    mine.error, mine.is_inherited = running.error, True
                    mine.deadline = running.deadline
                    return
            mine.value = read()
        except BaseException as exc:
            mine.error = exc
            raise
        finally:
            with self._lock:
                if self._next.get(key) is mine:
                    # The read before is still under way: another thread has to wait for it.
                    del self._next[key]
                    mine.is_abandoned = True
                # The next read is under way from now on, and not from the moment its thread wakes:
                # a thread that asks in between must not read beside it.
                elif (following := self._next.pop(key, None)) is None:
                    del self._under_way[key]
                else:
                    self._under_way[key] = following
            mine.done.set()


def _wait(read: _Read) -> None:
    """Returns when ``read`` has ended; raises StoreUnavailable when this thread's time is up."""
    if not deadlines.wait(read.done):
        raise StoreUnavailable(
            "another thread's read took too long", nothing_happened=deadlines.is_nothing_sent()
        )


def _is_worth_a_try(read: _Read) -> bool:
    return isinstance(read.error, StoreUnavailable) and deadlines.outlasts(read.deadline)
