"""What all sessions of this process share: the database, the feed and the boards.

It lives outside the page scripts, so that no rerun and no reload makes a second one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from datetime import date as Date
from queue import SimpleQueue
from typing import Any, TypeVar
from uuid import uuid4

from booking_core import (
    BookingError,
    Feed,
    LiveBoards,
    Settings,
    StoreUnavailable,
    connect,
    disconnect,
    lapse_pending,
    load_reference,
)
from booking_core.operations.demo import load_demo
from pages.shared import views
from pages.shared.people import People

log = logging.getLogger(__name__)
T = TypeVar("T")

_OWN_CHANGE_SECONDS = 0.5
_RETRY_SECONDS = 1.0
_LAPSE_SECONDS = 60.0


@dataclass(slots=True)
class _Kept:
    version: int
    value: Any


class Services:
    """The database and what follows it. ``db`` is None until it was reached once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.db: Any = None
        self.feed: Feed
        self.boards: LiveBoards
        self.people: People
        self.problem: BookingError | None = None
        # Versions of one process mean nothing to the next, though their numbers may be the same.
        self._boot = uuid4().hex[:8]
        self._listeners: list[Callable[[Date | None], None]] = []
        self._kept: dict[Any, _Kept] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._settled = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._changed: SimpleQueue[Date | None] = SimpleQueue()  # None: the end

    def start(self) -> None:
        """Connects in the background; returns when that went well or failed once."""
        self._keeper.start()
        self._settled.wait(20)

    def stop(self) -> None:
        self._stop.set()
        self._changed.put(None)
        self._keeper.join(10)
        if self.db is not None:
            self.feed.stop()
            disconnect(self.db)

    @property
    def is_live(self) -> bool:
        """Whether what the screens show is known to be current."""
        return self.db is not None and self.feed.connected

    @property
    def alive_at(self) -> datetime | None:
        """When the database last gave a sign of life, in the school's time."""
        moment = self.feed.alive_at if self.db is not None else None
        return None if moment is None else moment.astimezone(self.settings.zone)

    def version(self, date: Date | None = None) -> str:
        """Another text whenever what screens show of ``date`` (None: of any) may have changed."""
        if self.db is None:
            return f"{self._boot}.0.away"
        number = self.feed.total if date is None else self.feed.version(date)
        number += self.feed.people  # a screen whose person has left or changed draws itself anew
        return f"{self._boot}.{number}.{'live' if self.is_live else 'away'}"

    def sign_of_life(self) -> dict[str, int]:
        """``now``, the server's clock, and ``at``, when the database was heard of (epoch ms)."""
        heard = self.feed.alive_at if self.db is not None else None
        now = datetime.now(UTC)
        return {
            "now": int(now.timestamp() * 1000),
            "at": 0 if heard is None else int(heard.timestamp() * 1000),
        }

    def subscribe(self, callback: Callable[[Date | None], None]) -> Callable[[], None]:
        """Calls ``callback(date)`` on each change, None when all days changed; from any thread.

        It must be quick. The answer, when called, unsubscribes.
        """
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    def now(self) -> datetime:
        """This moment in the school's time."""
        return datetime.now(UTC).astimezone(self.settings.zone)

    def cached(self, key: Any, load: Callable[[], T]) -> T:
        """``load()``, called once per change of anything and shared by all sessions.

        While the database is away it answers with what it knew last. Raises StoreUnavailable for
        what was never read.
        """
        version = self.feed.total
        kept = self._kept.get(key)
        if kept is not None and (kept.version == version or not self.feed.connected):
            return kept.value
        if not self.feed.connected:  # nobody waits for a database that is away
            raise StoreUnavailable("never read, and the feed is not connected")
        try:
            value = load()
        except StoreUnavailable:
            if kept is None:
                raise
            return kept.value
        with self._lock:
            if len(self._kept) > 500:  # filters make keys: keep the newest
                for old in list(self._kept)[:250]:
                    del self._kept[old]
            self._kept.pop(key, None)
            self._kept[key] = _Kept(version, value)
        return value

    @contextmanager
    def change(self) -> Iterator[None]:
        """Around a write of this session: after it, the next read shows what was written.

        The feed brings it within milliseconds; should the feed be slow, the live update follows.
        """
        before = self.feed.total
        yield
        self.feed.wait_beyond(before, _OWN_CHANGE_SECONDS)

    def _read_ahead(self) -> None:
        """Reads a changed day that somebody looks at while the screens still make up their minds.

        By the time the first of them asks, the board is there.
        """
        while (date := self._changed.get()) is not None:
            # A burst costs a read or two: the later changes find their version read already.
            if self.boards.knows(date):
                views.grid(self.boards.get(date, self.now()), None, self.is_live)

    def reference(self) -> Any:
        """Grounds, timetables and students."""
        return self.cached("reference", lambda: load_reference(self.db))

    def _keep(self) -> None:
        while self.db is None and not self._stop.is_set():
            try:
                self._connect()
            except BookingError as exc:
                if type(exc) is not type(self.problem):
                    log.error("%s", exc)
                self.problem = exc
                self._settled.set()
                self._stop.wait(_RETRY_SECONDS)
        self._settled.set()
        while not self._stop.wait(_LAPSE_SECONDS):
            try:
                if self.is_live:
                    lapse_pending(self.db)
            except BookingError as exc:
                log.warning("undecided requests could not be closed: %s", exc)

    def _connect(self) -> None:
        db = connect(self.settings)
        # Only the embedded database is ever filled: a real one belongs to its school.
        if self.settings.mongodb_uri is None:
            load_demo(db)
        feed = Feed(db)
        feed.start()
        try:
            lapse_pending(db)
            # What every screen needs, should the database go away at once.
            self._kept["reference"] = _Kept(feed.total, load_reference(db))
        except BookingError:  # the next try begins anew
            feed.stop()
            disconnect(db)
            raise
        self.feed, self.boards, self.people = feed, LiveBoards(db, feed), People(db, feed)
        self.problem = None
        self.db = db
        feed.subscribe(self._tell)
        threading.Thread(target=self._read_ahead, name="reader", daemon=True).start()
        self._tell(None)

    def _tell(self, date: Date | None, version: int = 0) -> None:
        if date is not None:
            self._changed.put(date)
        for callback in list(self._listeners):
            callback(date)


_services: Services | None = None
_lock = threading.Lock()


def start() -> Services:
    """The services of this process, started by whoever asks first: the server, as a rule."""
    global _services
    with _lock:
        if _services is None:
            _services = Services(Settings.load())
            _services.start()
        return _services


def stop() -> None:
    global _services
    with _lock:
        if _services is not None:
            _services.stop()
            _services = None
