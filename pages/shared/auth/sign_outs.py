"""Sign-out that does not depend on the database.

A session that cannot be ended now is refused by this process at once. A thread ends it in the
database, and so for the other processes, as soon as the database can be reached.
"""

from __future__ import annotations

import logging
import threading

from booking_core import BookingError
from booking_core.live import BackgroundThread
from booking_core.sessions import end_missed_sign_outs
from booking_core.sessions import sign_out as end_session
from pages.shared.live.runtime import Services

log = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0


def sign_out(shared: Services, token: str) -> None:
    """Ends the session of ``token``; of a database that is away, as soon as it can be reached.

    Until then this process refuses the token. Raises nothing for a database that is away.
    """
    try:
        # No attempt while the database is away: the user would wait for it.
        end_session(shared.db if shared.is_live else None, token)
    except BookingError as exc:
        log.warning("a session that was signed out is ended later: %s", exc)
        _end_later(shared)


class _Ending:
    """The thread that ends the sessions whose sign-out the database has missed."""

    def __init__(self, shared: Services) -> None:
        self.shared = shared
        self.due = threading.Event()
        self._thread = BackgroundThread("sign-outs", self._step)
        self._thread.start()

    def _step(self) -> None:
        self.due.wait()
        self.due.clear()
        try:
            if self.shared.db is not None:
                end_missed_sign_outs(self.shared.db)
                return
        except BookingError as exc:
            log.debug("sessions cannot be ended yet: %s", exc)
        self.due.set()
        self._thread.stopping.wait(_RETRY_SECONDS)


_ending: _Ending | None = None
_lock = threading.Lock()


def _end_later(shared: Services) -> None:
    global _ending
    with _lock:
        if _ending is None:
            _ending = _Ending(shared)
        _ending.shared = shared
    _ending.due.set()
