"""One read for all threads that ask the same question at the same moment.

This saves queries and decides nothing: the unique index does that, for this process as for others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class _Read:
    def __init__(self) -> None:
        self.done = threading.Event()
        self.value: Any = None
        self.error: BaseException | None = None
        self.inherited = False


class SharedReads:
    """Reads that are shared by the threads of this process, for as long as they wait.

    A thread gets the result of a read that began after the thread asked, never an older one: a
    thread that asks during a read waits for the next read. A failure is passed to the threads
    that wait for the next read too: while the database is away all of them fail together, and not
    one after the other. No result is kept.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, _Read] = {}
        self._next: dict[Hashable, _Read] = {}

    def get(self, key: Hashable, read: Callable[[], T]) -> T:
        """The result of ``read``, called here or in another thread; raises what it raises."""
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
            mine.done.wait()
        if mine.error is not None:
            raise mine.error
        value: T = mine.value
        return value

    def _lead(
        self, key: Hashable, mine: _Read, running: _Read | None, read: Callable[[], Any]
    ) -> None:
        try:
            if running is not None:
                running.done.wait()
                if running.error is not None and not running.inherited:
                    mine.error, mine.inherited = running.error, True
                    return
            mine.value = read()
        except BaseException as exc:
            mine.error = exc
            raise
        finally:
            with self._lock:
                # The next read is under way from now on, and not from the moment its thread wakes:
                # a thread that asks in between must not read beside it.
                if (following := self._next.pop(key, None)) is None:
                    del self._under_way[key]
                else:
                    self._under_way[key] = following
            mine.done.set()
