"""What threads of one process do together: one read for all, and one who goes first.

This spares work and decides nothing: the unique indexes do that, for this process as for others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


class _Read:
    def __init__(self) -> None:
        self.done = threading.Event()
        self.value: Any = None
        self.error: BaseException | None = None
        self.inherited = False


class SharedReads:
    """Thirty-one losers of one race ask the same question: one of them reads, and all know.

    An answer is only ever given to those who asked before its read began, so nobody is told
    anything older than the question: who comes during a read waits for the next. A failure is
    given to those who waited for the read too: while the database is away they fail together,
    and not one after the other. Nothing is kept once it is answered.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, _Read] = {}
        self._next: dict[Hashable, _Read] = {}

    def get(self, key: Hashable, read: Callable[[], T]) -> T:
        """What ``read`` returns, here or in another thread; raises what it raises."""
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
                # The next one is under way from now on, and not from when its leader wakes: who
                # comes in between must not read beside it.
                if (following := self._next.pop(key, None)) is None:
                    del self._under_way[key]
                else:
                    self._under_way[key] = following
            mine.done.set()


class Turn:
    """One thread's turn at a key.

    ``found`` is what the one who went first left for those who wait; None for that one itself,
    and where it left nothing. A value set here is left likewise.
    """

    def __init__(self, end: Callable[[Turn], bool] | None = None, found: Any = None) -> None:
        self.found = found
        self.waiting = 0
        self.done = threading.Event()
        self._end = end

    def close(self) -> bool:
        """Lets nobody else join; whether anybody waits for what this one leaves.

        What is looked up after this was asked for before, by everybody who is told of it.
        """
        return self._end is not None and self._end(self)


class Turns:
    """Of those who want the same thing at the same moment, one goes first and the others wait.

    They wait for that one alone, and once: what it left open they try side by side.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[Hashable, Turn] = {}

    @contextmanager
    def take(self, key: Hashable, seconds: float) -> Iterator[Turn]:
        """A turn at ``key``, after at most ``seconds`` of waiting for the one before."""

        def end(turn: Turn) -> bool:
            with self._lock:
                if self._open.get(key) is turn:
                    del self._open[key]
                return turn.waiting > 0

        with self._lock:
            first = self._open.get(key)
            if first is None:
                mine = self._open[key] = Turn(end)
            else:
                first.waiting += 1
        if first is not None:
            first.done.wait(seconds)
            yield Turn(found=first.found)
            return
        try:
            yield mine
        finally:
            end(mine)
            mine.done.set()
