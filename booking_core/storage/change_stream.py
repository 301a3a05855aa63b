"""A thread that follows the database's change stream and outlives every error.

A stream that breaks is resumed where it ended. Where events may have been missed, because the
server's history does not reach back so far, because another primary was elected, or because an
event was handled with an error, the follower is told to begin anew: nothing waits for an event
that was lost.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pymongo.errors import OperationFailure, PyMongoError

from booking_core.domain.errors import StoreUnavailable
from booking_core.storage import background
from booking_core.storage.database import BookingDatabase, Documents, await_majority, primary_of
from booking_core.storage.server_events import SCHEMA_CHANGES, SchemaGuard

log = logging.getLogger(__name__)

Event = Mapping[str, Any]
_BACK_OFF_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6, 2.0)
_AWAIT_MS = 1000  # how long one poll of the stream lasts without events: also the heartbeat
_SILENT_SECONDS = 3.0  # a stream without heartbeat for so long hangs, whatever the driver believes
_STOP_SECONDS = 2.0


class ChangeStream:
    """Events of the collections of ``db``, followed in the background.

    ``wanted`` are conditions on events, one of which must hold. ``handle(event)`` gets each
    event with the ``fields`` that are named, operation type and namespace; ``begin_anew()`` is
    called where events may have been missed. Both run in the thread. An event that says that the
    schema was changed by another program is not handled: the schema is ensured again, and
    ``begin_anew`` called.

    ``alive_at`` (aware, UTC) is the moment of the last heartbeat: an answer of the stream, with
    or without events. ``token`` is where the stream resumes; None: at the present.
    """

    def __init__(
        self,
        db: Documents,
        wanted: list[dict[str, Any]],
        fields: list[str],
        handle: Callable[[Event], None],
        begin_anew: Callable[[], None],
    ) -> None:
        self._db, self._handle, self._begin_anew = db, handle, begin_anew
        changes = {"operationType": {"$in": sorted(SCHEMA_CHANGES)}}
        self._pipeline: list[dict[str, Any]] = [
            {"$match": {"$or": [*wanted, changes]}},
            {"$project": dict.fromkeys(["operationType", "ns", *fields], 1)},
        ]
        self._schema = SchemaGuard(db)
        self._schema.lose()  # what happened before the first stream is not known
        if isinstance(db, BookingDatabase):
            db.is_index_known = lambda: self.connected and self._schema.is_intact
        self._primary: object = None
        self._stop = threading.Event()
        self._opened = threading.Event()
        self._thread: threading.Thread | None = None
        self._open = False
        self._heartbeat = 0.0
        self.token: Mapping[str, Any] | None = None
        self.alive_at: datetime | None = None

    @property
    def connected(self) -> bool:
        """Whether the stream is open, and answered a moment ago."""
        return self._open and time.monotonic() - self._heartbeat < _SILENT_SECONDS

    @property
    def is_running(self) -> bool:
        """Whether the thread lives."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, wait_seconds: float) -> None:
        """Starts following; returns when the stream is open, or after ``wait_seconds`` without.

        Without a database it goes on trying in the background. Starting twice does nothing.
        """
        if not self.is_running:
            # An event of its own: a thread that was stopped while the server hung ends later.
            self._stop = threading.Event()
            self._opened.clear()
            self._thread = threading.Thread(
                target=self._run, args=[self._stop], name="feed", daemon=True
            )
            self._thread.start()
            background.register(self._thread)
        self._opened.wait(wait_seconds)

    def stop(self) -> None:
        """Stops following; returns when the thread has ended, or after 2 s while a server hangs."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_STOP_SECONDS)
            background.unregister(self._thread)
            self._thread = None
        self._open = False

    def _run(self, stop: threading.Event) -> None:
        failures = 0
        while not stop.is_set():
            try:
                self._follow(stop)
                failures = 0
            except Exception as exc:  # nothing may end this thread
                if self._open:
                    failures = 0
                self._open = False
                if isinstance(exc, OperationFailure) and self.token is not None:
                    # The server answered that it cannot go on from the token: its history does
                    # not reach back so far, or the token is none of its own.
                    log.warning("the feed's history is gone; everything is read again")
                    self._lose_token()
                elif not isinstance(exc, PyMongoError | StoreUnavailable):
                    log.exception("the feed failed at an event; everything is read again")
                    self._lose_token()
                elif failures == 0 and not stop.is_set():
                    log.warning("the feed lost the database: %s", type(exc).__name__)
                pause = _BACK_OFF_SECONDS[min(failures, len(_BACK_OFF_SECONDS) - 1)]
                failures += 1
                # Jitter, so that many processes do not return in step.
                stop.wait(pause * random.uniform(0.5, 1.0))
        self._open = False

    def _follow(self, stop: threading.Event) -> None:
        """Follows one stream until it ends, another primary is elected, or ``stop`` is set."""
        resumed = self.token is not None
        options: dict[str, Any] = {"resume_after": self.token} if resumed else {}
        with self._db.watch(
            self._pipeline, max_await_time_ms=_AWAIT_MS, show_expanded_events=True, **options
        ) as stream:
            primary = primary_of(self._db)
            anew = not resumed or primary != self._primary
            if anew:
                # For a moment a new primary returns less than was acknowledged before its
                # election, until a majority confirms it; no event tells of the rest.
                await_majority(self._db)
            if not self._schema.is_intact:
                self._schema.ensure_if_lost()  # from now on its changes are events
            self._primary = primary
            self._note_heartbeat()
            self._open = True
            if anew:
                self._begin_anew()
            self._opened.set()
            while not stop.is_set() and stream.alive:
                event = stream.try_next()
                self._note_heartbeat()
                self.token = stream.resume_token
                if event is not None:
                    self._take(event)
                if self._schema.ensure_if_lost():
                    self._begin_anew()
                if primary_of(self._db) != primary:
                    return  # the driver resumes a stream without a sign: open it anew
            if not stream.alive:  # invalidated: the database was dropped or renamed
                self._lose_token()
                self._open = False

    def _take(self, event: Event) -> None:
        operation = event["operationType"]
        if operation not in SCHEMA_CHANGES:
            self._handle(event)
        elif self._schema.note(operation, event.get("ns", {}).get("coll")):
            self._begin_anew()

    def _lose_token(self) -> None:
        """The next stream begins at the present: changes until then are not seen."""
        self.token = None
        self._schema.lose()

    def _note_heartbeat(self) -> None:
        self._heartbeat = time.monotonic()
        self.alive_at = datetime.now(UTC)
