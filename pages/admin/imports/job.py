"""Work of some minutes in a thread of its own, and the part of a screen that shows how far it is.

A run of a screen may be ended at any moment, and an import must not end with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import streamlit as st
from streamlit_autorefresh import st_autorefresh

from pages.shared.live import screen_user
from pages.shared.live.runtime import Services
from pages.shared.text import formats

T = TypeVar("T")
_SHORT_SECONDS = 1.5  # work that is done by then shows no bar
_EVERY_MILLISECONDS = 500


class Job(Generic[T]):
    """Calls ``work`` in a thread, with a function that takes the number of rows done since then.

    ``total`` is the number of rows.
    """

    def __init__(self, work: Callable[[Callable[[int], object]], T], total: int) -> None:
        self.total, self.done = total, 0
        self._work = work
        self._result: list[T] = []
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="import", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result.append(self._work(self._count))
        except Exception as exc:  # noqa: BLE001 - ``result`` raises it
            self._error = exc

    def _count(self, rows: int) -> None:
        self.done += rows

    def is_over(self, seconds: float = 0.0) -> bool:
        """Whether the work has ended; waits up to ``seconds`` for that."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def result(self) -> T:
        """What the work returned, once it is over; raises the error that ended it."""
        if self._error is not None:
            raise self._error
        return self._result[0]


def wait(shared: Services, job: Job[T], text: str, key: str) -> bool:
    """Whether ``job`` is over; if not, draws a bar with ``text`` and reruns it at the end."""
    if job.is_over(_SHORT_SECONDS):
        return True

    @st.fragment
    def bar() -> None:
        screen_user.check(shared)
        if job.is_over():
            screen_user.rerun_without_activity()
        st_autorefresh(interval=_EVERY_MILLISECONDS, key=f"{key}.timer")
        rows = f"{formats.number(job.done)} of {formats.number(job.total)} rows"
        st.progress(min(job.done / max(job.total, 1), 1.0), f"{text} {rows}")

    bar()
    return False
