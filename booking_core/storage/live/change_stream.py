"""A thread that follows the database's change stream and outlives every error.

A stream that breaks is resumed where it ended. Where events may have been missed, because the
server's history does not reach back so far, because another primary was elected, or because an
event was handled with an error, the follower is told to begin anew: nothing waits for an event
that was lost.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pymongo.errors import OperationFailure, PyMongoError

from booking_core.domain.errors import StoreUnavailable
from booking_core.storage.client.database import BookingDatabase, Documents, present, primary_of
from booking_core.storage.client.transactions import await_majority
from booking_core.storage.live import background
from booking_core.storage.live.schema_guard import SCHEMA_CHANGES, SchemaGuard

log = logging.getLogger(__name__)

Event = Mapping[str, Any]
_GATHER_SECONDS = 0.003  # between two reads of events that follow each other closely
_AWAIT_MS = 1000  # how long one poll of the stream lasts without events: also the heartbeat
_SILENT_SECONDS = 3.0  # a stream without heartbeat for so long hangs, whatever the driver believes
_STOP_SECONDS = 2.0


class _Run:
    """What one thread knows: a thread that is stopped while the server hangs may end much later."""

    def __init__(self, db: Documents, before: _Run | None = None) -> None:
        self._db = db
        self.stop = threading.Event()
        self.opened = threading.Event()
        self.thread: threading.Thread | None = None
        self.open = False
        self.heartbeat = 0.0
        self.schema = SchemaGuard(db)
        self.alive_at: datetime | None = None
        self.token: Mapping[str, Any] | None = None
        self.primary: object = None
        if before is None:
            self.schema.lose()  # what happened before the first stream is not known
        else:
            self.alive_at, self.token, self.primary = before.alive_at, before.token, before.primary
            if before.is_running:
                self.schema.lose()  # that thread may have seen a change of the schema
            else:
                self.schema = before.schema

    @property
    def is_running(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    def note_heartbeat(self) -> None:
        self.heartbeat = time.monotonic()
        self.alive_at = present(self._db)


class ChangeStream:
    """Events of the collections of ``db``, followed in the background.

    ``wanted`` are conditions on events, one of which must hold. ``handle(event)`` gets each
    event with the ``fields`` that are named, operation type and namespace; ``begin_anew()`` is
    called where events may have been missed. Both run in the thread. An event that says that the
    schema was changed by another program is not handled: the schema is ensured again, and
    ``begin_anew`` called.

    The state of the stream belongs to its thread. ``stop`` abandons both, so a thread that hangs
    and ends after the next ``start`` changes nothing of the thread that follows it.
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
        self._current = _Run(db)
        if isinstance(db, BookingDatabase):
            db.is_index_known = lambda: self.connected and self._current.schema.is_intact

    @property
    def connected(self) -> bool:
        """Whether the stream is open, and answered a moment ago."""
        run = self._current
        return run.open and time.monotonic() - run.heartbeat < _SILENT_SECONDS

    @property
    def alive_at(self) -> datetime | None:
        """The moment (aware, UTC) of the last heartbeat: an answer, with or without events."""
        return self._current.alive_at

    @property
    def token(self) -> Mapping[str, Any] | None:
        """Where the stream resumes; None: at the present."""
        return self._current.token

    @token.setter
    def token(self, token: Mapping[str, Any] | None) -> None:
        self._current.token = token

    @property
    def is_running(self) -> bool:
        """Whether the thread lives."""
        return self._current.is_running

    def start(self, wait_seconds: float) -> None:
        """Starts following; returns when the stream is open, or after ``wait_seconds`` without.

        Without a database it goes on trying in the background. Starting twice does nothing.
        """
        if not self.is_running:
            run = self._current = _Run(self._db, self._current)
            run.thread = threading.Thread(target=self._run, args=[run], name="feed", daemon=True)
            run.thread.start()
            background.register(run.thread)
        self._current.opened.wait(wait_seconds)

    def stop(self) -> None:
        """Stops following; returns when the thread has ended, or after 2 s while a server hangs."""
        run = self._current
        run.stop.set()
        if run.thread is not None:
            if run.thread is not threading.current_thread():
                run.thread.join(_STOP_SECONDS)
            background.unregister(run.thread)
        self._current = _Run(self._db, run)

    def _run(self, run: _Run) -> None:
        failures = 0
        while not run.stop.is_set():
            try:
                self._follow(run)
                failures = 0
            except Exception as exc:  # nothing may end this thread
                if run.open:
                    failures = 0
                run.open = False
                if isinstance(exc, OperationFailure) and run.token is not None:
                    # The server answered that it cannot go on from the token: its history does
                    # not reach back so far, or the token is none of its own.
                    log.warning("the feed's history is gone; everything is read again")
                    self._lose_token(run)
                elif not isinstance(exc, PyMongoError | StoreUnavailable):
                    log.exception("the feed failed at an event; everything is read again")
                    self._lose_token(run)
                elif failures == 0 and not run.stop.is_set():
                    log.warning("the feed lost the database: %s", type(exc).__name__)
                run.stop.wait(background.pause_after(failures))
                failures += 1
        run.open = False

    def _follow(self, run: _Run) -> None:
        """Follows one stream until it ends, another primary is elected, or ``run`` is stopped."""
        resumed = run.token is not None
        options: dict[str, Any] = {"resume_after": run.token} if resumed else {}
        with self._db.watch(
            self._pipeline, max_await_time_ms=_AWAIT_MS, show_expanded_events=True, **options
        ) as stream:
            primary = primary_of(self._db)
            anew = not resumed or primary != run.primary
            if anew:
                # For a moment a new primary returns less than was acknowledged before its
                # election, until a majority confirms it; no event tells of the rest.
                await_majority(self._db)
            if not run.schema.is_intact:
                run.schema.ensure_if_lost()  # from now on its changes are events
            run.primary = primary
            run.note_heartbeat()
            run.open = True
            if anew:
                self._begin_anew()
            run.opened.set()
            gathered = time.monotonic()
            while not run.stop.is_set() and stream.alive:
                event = stream.try_next()
                run.note_heartbeat()
                run.token = stream.resume_token
                if event is not None:
                    self._take(run, event)
                    gathered = self._gather(run, gathered)
                if run.schema.ensure_if_lost():
                    self._begin_anew()
                if primary_of(self._db) != primary:
                    return  # the driver resumes a stream without a sign: open it anew
            if not stream.alive:  # invalidated: the database was dropped or renamed
                self._lose_token(run)
                run.open = False

    @staticmethod
    def _gather(run: _Run, before: float) -> float:
        """Waits for a moment, unless it has just done so; returns when it last did.

        Under load, many events come with one answer then; each answer costs the server and this
        process as much as a booking does.
        """
        now = time.monotonic()
        if now - before < _GATHER_SECONDS:
            return before
        run.stop.wait(_GATHER_SECONDS)
        return time.monotonic()

    def _take(self, run: _Run, event: Event) -> None:
        operation = event["operationType"]
        if operation not in SCHEMA_CHANGES:
            self._handle(event)
        elif run.schema.note(operation, event.get("ns", {}).get("coll")):
            self._begin_anew()

    @staticmethod
    def _lose_token(run: _Run) -> None:
        """The next stream begins at the present: changes until then are not seen."""
        run.token = None
        run.schema.lose()
