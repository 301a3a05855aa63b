"""The database, the feed and the cache that all sessions of this process share.

They live outside the page scripts, so that no rerun and no reload makes a second one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from datetime import date as Date
from queue import SimpleQueue
from typing import Any, TypeVar
from uuid import uuid4

from booking_core import (
    BackgroundThread,
    Board,
    BookingError,
    Feed,
    LiveBoards,
    Reference,
    Scope,
    ScopedCache,
    Settings,
    Slot,
    connect,
    disconnect,
    lapse_pending,
    load_reference,
    scoped_cache,
)
from booking_core.operations.demo import load_demo
from pages.shared import views
from pages.shared.people import People

log = logging.getLogger(__name__)
T = TypeVar("T")

_OWN_CHANGE_SECONDS = 0.5
_RETRY_SECONDS = 1.0
_LAPSE_SECONDS = 60.0
_STOP_SECONDS = 1.0


class Services:
    """The database and what follows it. ``db`` is None until it was reached once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.db: Any = None
        self.feed: Feed
        self.cache: ScopedCache
        self.boards: LiveBoards
        self.people: People
        self.problem: BookingError | None = None
        # Versions of one process mean nothing to the next, though their numbers may be the same.
        self._boot = uuid4().hex[:8]
        self._listeners: list[Callable[[Date | None], None]] = []
        self._settled = threading.Event()
        self._changed: SimpleQueue[Date | None] = SimpleQueue()  # None: the end
        self._keeper = BackgroundThread("keeper", self._keep)
        self._reader = BackgroundThread("reader", self._read_ahead)

    def start(self) -> None:
        """Connects in the background; returns when that succeeded or failed once."""
        self._reader.start()
        self._keeper.start()
        self._settled.wait(20)

    def stop(self) -> None:
        """Ends the background threads and closes the connection.

        Takes a few seconds at most, also while the database hangs.
        """
        self._keeper.stopping.set()
        self._reader.stopping.set()
        self._changed.put(None)
        if self.db is not None:
            self.feed.stop()
        self._keeper.stop(_STOP_SECONDS)
        self._reader.stop(_STOP_SECONDS)
        if self.db is not None:
            disconnect(self.db)

    def follow(self, db: Any, feed: Feed) -> None:
        """Shows the data of ``db``, as current as ``feed`` keeps it."""
        self.feed, self.cache = feed, scoped_cache(db)
        self.cache.follow(feed)
        self.boards = LiveBoards(db, feed, cache=self.cache, known=lambda: self._reference_of(db))
        self.people = People(db, self.cache)
        self.db = db  # last: screens look at it before they use the others

    @property
    def is_live(self) -> bool:
        """Whether the screens are known to show the current data."""
        return self.db is not None and self.feed.connected

    @property
    def alive_at(self) -> datetime | None:
        """The database's last heartbeat, in the school's time."""
        moment = self.feed.alive_at if self.db is not None else None
        return None if moment is None else moment.astimezone(self.settings.zone)

    def version(self, date: Date | None = None) -> str:
        """A text that differs when screens of ``date`` (None: of any day) may have changed."""
        if self.db is None:
            return f"{self._boot}.0.away"
        number = self.feed.total if date is None else self.feed.version(date)
        number += self.feed.people  # a screen is drawn anew when its person left or changed
        return f"{self._boot}.{number}.{'live' if self.is_live else 'away'}"

    def heartbeat(self) -> dict[str, int]:
        """``now``, the server's clock, and ``at``, the database's last heartbeat (epoch ms)."""
        alive_at = self.feed.alive_at if self.db is not None else None
        now = datetime.now(UTC)
        return {
            "now": int(now.timestamp() * 1000),
            "at": 0 if alive_at is None else int(alive_at.timestamp() * 1000),
        }

    def subscribe(self, callback: Callable[[Date | None], None]) -> Callable[[], None]:
        """Calls ``callback(date)`` on each change, None when all days changed; from any thread.

        It must return quickly. Returns a function that unsubscribes.
        """
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    def now(self) -> datetime:
        """This moment in the school's time."""
        return datetime.now(UTC).astimezone(self.settings.zone)

    def cached(self, scope: Scope | tuple[Scope, ...], key: Any, load: Callable[[], T]) -> T:
        """``load()``, called once per change of ``scope`` and shared by all sessions.

        While the database is away, the last known value. Raises StoreUnavailable where there is
        none, and what ``load`` raises.
        """
        return self.cache.get(scope, key, load)

    def grid(self, board: Board, picked: Slot | None) -> bytes:
        """The day grid's payload, made once for all sessions that see the same board."""
        live = self.is_live
        return self.cache.derive(
            board.date, ("grid", picked, live), board, lambda: views.grid(board, picked, live)
        )

    def reference(self) -> Reference:
        """Grounds, timetables, days, students and the policy."""
        return self._reference_of(self.db)

    @contextmanager
    def change(self) -> Iterator[None]:
        """Around a write of this session: after it, the next read shows the write.

        The feed brings it within milliseconds. Where the feed is slow, the live update follows.
        """
        before = self.feed.total
        yield
        self.feed.wait_beyond(before, _OWN_CHANGE_SECONDS)

    def _reference_of(self, db: Any) -> Reference:
        return self.cache.get(
            Scope.SCHOOL, "reference", lambda: load_reference(db), try_while_away=True
        )

    def _read_ahead(self) -> None:
        """Reads the next changed day, if a screen shows it, before the first screen asks."""
        date = self._changed.get()
        # A burst costs a read or two: the later changes find their version read already.
        if date is not None and self.boards.knows(date):
            self.grid(self.boards.get(date, self.now()), None)

    def _keep(self) -> None:
        """Connects; from then on, lapses undecided requests once a minute."""
        if self.db is None:
            try:
                self._connect()
            except BookingError as exc:
                if type(exc) is not type(self.problem):
                    log.error("%s", exc)
                self.problem = exc
                self._settled.set()
                self._keeper.stopping.wait(_RETRY_SECONDS)
            finally:
                self._settled.set()
        elif not self._keeper.stopping.wait(_LAPSE_SECONDS) and self.is_live:
            try:
                lapse_pending(self.db)
            except BookingError as exc:
                log.warning("undecided requests could not be closed: %s", exc)

    def _connect(self) -> None:
        db = connect(self.settings)
        feed = Feed(db)
        try:
            # Only the embedded database is ever filled: a real one belongs to its school.
            if self.settings.mongodb_uri is None:
                load_demo(db)
            feed.start()
            lapse_pending(db)
            self.follow(db, feed)
            self.reference()  # every screen needs it, should the database go away at once
        except BaseException:  # the next try begins anew
            self.db = None
            feed.stop()
            disconnect(db)
            raise
        self.problem = None
        feed.subscribe(self._tell)
        self._tell(None)

    def _tell(self, date: Date | None, version: int = 0) -> None:
        if date is not None:
            self._changed.put(date)
        for callback in list(self._listeners):
            callback(date)


_services: Services | None = None
_lock = threading.Lock()


def start() -> Services:
    """The services of this process, started by the first caller: the server, as a rule."""
    global _services
    with _lock:
        if _services is None:
            _services = Services(Settings.load())
            _services.start()
        return _services


def stop() -> None:
    """Stops the services of this process."""
    global _services
    with _lock:
        if _services is not None:
            _services.stop()
            _services = None
