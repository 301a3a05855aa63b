"""The deadline of the verb that runs in this thread, and whether the verb has sent a write.

``verbs.within_deadline`` and ``verbs.reachable`` set both. A thread that waits for another
thread's read waits here, so that it keeps its own deadline and raises its own error.
"""

from __future__ import annotations

import contextlib
import copy
import math
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar

import pymongo

from booking_core.domain.errors import StoreUnavailable

_SHORTEST_SECONDS = 0.001
# A thread tries again after another thread's read has failed, if it has so much more time.
_WORTH_A_TRY_SECONDS = 1.0


class _Verb:
    """Whether a write of the verb that runs was sent: from then on its effect is not known."""

    write_sent = False


_verb: ContextVar[_Verb | None] = ContextVar("verb", default=None)
_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


@contextlib.contextmanager
def of_verb(seconds: float) -> Iterator[None]:
    """Within it, a verb with ``seconds`` runs; the blocks of ``limited`` in it share them.

    Each StoreUnavailable that leaves it says whether nothing happened for sure.
    """
    verb, end = _verb.set(_Verb()), _deadline.set(time.monotonic() + seconds)
    try:
        yield
    except StoreUnavailable as exc:
        exc.nothing_happened = is_nothing_sent()
        raise
    finally:
        _verb.reset(verb)
        _deadline.reset(end)


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """Within it, the time of a verb stands still: for work in which the database has no part.

    It has no effect within a block of ``limited``.
    """
    began = time.monotonic()
    try:
        yield
    finally:
        _deadline.set(_deadline.get() + time.monotonic() - began)


@contextlib.contextmanager
def grace(seconds: float) -> Iterator[None]:
    """Within it, this thread has ``seconds`` at least, whatever its verb has used up.

    It has no effect within a block of ``limited``.
    """
    token = _deadline.set(max(_deadline.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _deadline.reset(token)


def is_verb() -> bool:
    """Whether a verb runs in this thread."""
    return _verb.get() is not None


def note_write() -> None:
    """Records that a write is sent, if a verb runs."""
    if (verb := _verb.get()) is not None:
        verb.write_sent = True


def is_nothing_sent() -> bool:
    """Whether it is known that the verb of this thread has sent no write; False without a verb."""
    verb = _verb.get()
    return verb is not None and not verb.write_sent


@contextlib.contextmanager
def limited(seconds: float | None) -> Iterator[None]:
    """A block that has ``seconds``, or less where a block around it has less left.

    None: no limit of its own. Raises StoreUnavailable when no time is left.
    """
    if seconds_left() == 0:
        raise StoreUnavailable("the deadline has passed")
    end = math.inf if seconds is None else time.monotonic() + seconds
    token = _deadline.set(min(_deadline.get(), end))
    try:
        with pymongo.timeout(_driver_timeout()):
            yield
    finally:
        _deadline.reset(token)


def _driver_timeout() -> float | None:
    # No seconds at all would be no limit to the driver.
    left = seconds_left()
    return None if math.isinf(left) else max(left, _SHORTEST_SECONDS)


def deadline() -> float:
    """The moment, as of ``time.monotonic``, at which this thread's time is up; may be infinite."""
    return _deadline.get()


def seconds_left() -> float:
    """The seconds until ``deadline``; 0 when it has passed, infinity when there is none."""
    return max(0.0, deadline() - time.monotonic())


def wait(event: threading.Event) -> bool:
    """Whether ``event`` was set before this thread's time was up."""
    left = seconds_left()
    return event.wait(None if math.isinf(left) else left)


def outlasts(other: float) -> bool:
    """Whether this thread has clearly more time than a thread with the deadline ``other``."""
    return deadline() > other + _WORTH_A_TRY_SECONDS and seconds_left() > 0


def own(error: StoreUnavailable) -> StoreUnavailable:
    """This thread's copy of another thread's error; it says what this thread's verb has sent."""
    mine = copy.copy(error)
    mine.nothing_happened = is_nothing_sent()
    return mine
