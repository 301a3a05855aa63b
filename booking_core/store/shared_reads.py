"""What threads of one process do together: one read for all, and one behind another.

This spares work and decides nothing: the unique indexes do that, for this process as for others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
_PATIENCE_SECONDS = 1.0  # behind somebody whose write hangs; the index keeps the order anyway


class _Read:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting = 0
        self.begun = 0
        self.answered = 0
        self.value: Any = None


class SharedReads:
    """Thirty-one losers of one race ask the same question: one of them reads, and all know.

    An answer is only ever given to those who asked before its read began, so nobody is told
    anything older than the question. Nothing is kept once nobody waits for it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reads: dict[Hashable, _Read] = {}

    def get(self, key: Hashable, read: Callable[[], T], *, asked_already: bool = False) -> T:
        """What ``read`` returns, here or in another thread; raises what it raises here.

        ``asked_already`` tells that whoever uses ``key`` asked before any read for it could begin.
        """
        with self._lock:
            mine = self._reads.setdefault(key, _Read())
            mine.waiting += 1
            asked = 0 if asked_already else mine.begun
        try:
            with mine.lock:
                if mine.answered <= asked:
                    mine.begun += 1
                    number = mine.begun
                    mine.value = read()
                    mine.answered = number
                value: T = mine.value
                return value
        finally:
            with self._lock:
                mine.waiting -= 1
                if not mine.waiting:
                    del self._reads[key]


class Queues:
    """Whoever comes first for a key goes ahead; the others wait for that one alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead: dict[Hashable, threading.Event] = {}

    @contextmanager
    def behind(self, key: Hashable) -> Iterator[threading.Event | None]:
        """Yields None to whoever goes ahead; to the others, once that one left, what tells it so.

        All who waited for the same one get the same event.
        """
        left = threading.Event()
        with self._lock:
            ahead = self._ahead.setdefault(key, left)
        if ahead is not left:
            ahead.wait(_PATIENCE_SECONDS)
            yield ahead
            return
        try:
            yield None
        finally:
            with self._lock:
                del self._ahead[key]
            left.set()
