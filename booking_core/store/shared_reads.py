"""What threads of one process do together: one read for all, and a look round.

This spares work and decides nothing: the unique indexes do that, for this process as for others.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


class _Read:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting = 0
        self.begun = 0
        self.ended = 0
        self.value: Any = None
        self.error: Exception | None = None


class SharedReads:
    """Thirty-one losers of one race ask the same question: one of them reads, and all know.

    An answer is only ever given to those who asked before its read began, so nobody is told
    anything older than the question. A failure is given to those who waited for the read too:
    while the database is away they fail together, and not one after the other. Nothing is kept
    once nobody waits for it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reads: dict[Hashable, _Read] = {}

    def get(self, key: Hashable, read: Callable[[], T]) -> T:
        """What ``read`` returns, here or in another thread; raises what it raises."""
        with self._lock:
            mine = self._reads.setdefault(key, _Read())
            mine.waiting += 1
            asked, under_way = mine.begun, mine.begun > mine.ended
        try:
            with mine.lock:
                if mine.error is not None and mine.ended + under_way > asked:
                    raise mine.error
                if mine.error is not None or mine.ended <= asked:
                    self._read(mine, read)
                value: T = mine.value
                return value
        finally:
            with self._lock:
                mine.waiting -= 1
                if not mine.waiting:
                    del self._reads[key]

    def _read(self, mine: _Read, read: Callable[[], Any]) -> None:
        with self._lock:
            mine.begun += 1
        mine.error = None
        try:
            mine.value = read()
        except Exception as exc:
            mine.error = exc
            raise
        finally:
            with self._lock:
                mine.ended += 1


class Crowds:
    """Counts who is in a block for the same thing at the same moment. Nobody waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside: Counter[Hashable] = Counter()

    @contextmanager
    def enter(self, key: Hashable) -> Iterator[int]:
        """Yields how many were inside already."""
        with self._lock:
            before = self._inside[key]
            self._inside[key] += 1
        try:
            yield before
        finally:
            with self._lock:
                self._inside[key] -= 1
                if not self._inside[key]:
                    del self._inside[key]
