"""The change feed: a change stream turned into version numbers.

The feed signals; the database is the truth. A change raises the version of each scope that it
touches (a day, the school, accounts, bookings), and the next reader of that scope loads it. A
stream that breaks is resumed; when its history is gone, every version is raised. No reader waits
for an event that was lost.
"""

from __future__ import annotations

import contextlib
import logging
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from datetime import date as Date
from typing import Any

from pymongo.errors import OperationFailure, PyMongoError

from booking_core.domain.validation import check_date
from booking_core.storage import background, schema
from booking_core.storage.database import Documents

log = logging.getLogger(__name__)

Subscriber = Callable[[Date | None, int], None]
_BACK_OFF_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6, 2.0)
_AWAIT_MS = 1000  # how long one poll of the stream lasts without events: also the heartbeat
_SILENT_SECONDS = 3.0  # a stream without heartbeat for so long hangs, whatever the driver believes
_WATCHED = (schema.BOOKINGS, schema.ACCOUNTS, schema.DELEGATIONS)
_PEOPLE = (schema.ACCOUNTS, schema.DELEGATIONS, schema.SESSIONS)


class Feed:
    """Versions of days and other scopes, raised by a thread that follows the database.

    ``alive_at`` (aware, UTC) is the moment of the last heartbeat: an answer of the stream, with
    or without events.
    """

    def __init__(self, db: Documents) -> None:
        self._db = db
        self._days: defaultdict[Date, int] = defaultdict(int)
        self._school = 0
        self._bookings = 0
        self._people = 0
        self._total = 0
        self._token: Mapping[str, Any] | None = None
        self._changed = threading.Condition()
        self._subscribers: dict[int, Subscriber] = {}
        self._next_subscriber = 0
        self._stop = threading.Event()
        self._opened = threading.Event()
        self._thread: threading.Thread | None = None
        self._open = False
        self._sign = 0.0
        self.alive_at: datetime | None = None

    @property
    def connected(self) -> bool:
        """Whether the stream is open, and answered a moment ago."""
        return self._open and time.monotonic() - self._sign < _SILENT_SECONDS

    def start(self, wait_seconds: float = 5.0) -> None:
        """Starts following; returns when the stream is open, or after ``wait_seconds`` without.

        Without a database it goes on trying in the background. Starting twice does nothing.
        """
        if self._thread is None or not self._thread.is_alive():
            self._stop.clear()
            self._opened.clear()
            self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
            self._thread.start()
            background.register(self._thread)
        self._opened.wait(wait_seconds)

    def stop(self) -> None:
        """Stops following; returns when the thread has ended."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
            background.unregister(self._thread)
            self._thread = None
        self._open = False

    @property
    def total(self) -> int:
        """A number that grows with every change of bookings, school, accounts and delegations."""
        return self._total

    @property
    def school(self) -> int:
        """A number that grows when grounds, timetables, days, students, policy or photos change."""
        return self._school

    @property
    def bookings(self) -> int:
        """A number that grows when any booking or closure changes."""
        return self._bookings

    @property
    def people(self) -> int:
        """A number that grows when accounts or delegations change, and when sessions end."""
        return self._people

    def version(self, date: Date) -> int:
        """A number that grows whenever ``date`` changes, for as long as this Feed lives.

        Every day changes with the school: its board shows grounds and periods.
        """
        with self._changed:
            return self._version(check_date(date, "date"))

    def wait(self, date: Date, version: int, seconds: float) -> int:
        """The version of ``date`` as soon as it differs from ``version``, or after ``seconds``."""
        with self._changed:
            self._changed.wait_for(lambda: self._version(date) != version, timeout=seconds)
            return self._version(date)

    def wait_beyond(self, total: int, seconds: float) -> bool:
        """Whether ``self.total`` passed ``total`` within ``seconds``."""
        with self._changed:
            return self._changed.wait_for(lambda: self._total > total, timeout=seconds)

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """Calls ``callback(date, version)`` on each change of a day; returns what unsubscribes it.

        The callback gets None and 0 when every day changed, and when ``people`` did, which raises
        the version of no day. It runs in the feed's thread and must return quickly.
        """
        with self._changed:
            key = self._next_subscriber
            self._next_subscriber += 1
            self._subscribers[key] = callback

        def unsubscribe() -> None:
            with self._changed:
                self._subscribers.pop(key, None)

        return unsubscribe

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                self._follow()
                failures = 0
            except PyMongoError as exc:
                if self._open:
                    failures = 0
                self._open = False
                if isinstance(exc, OperationFailure) and self._token is not None:
                    # An answer, not a silence: the server cannot go on from the token, be it
                    # older than its history or none of its own. Beginning anew is always safe.
                    log.warning("the feed's history is gone; every day is read again")
                    self._token = None
                elif failures == 0:
                    log.warning("the feed lost the database: %s", type(exc).__name__)
                pause = _BACK_OFF_SECONDS[min(failures, len(_BACK_OFF_SECONDS) - 1)]
                failures += 1
                # Jitter, so that many processes do not return in step.
                self._stop.wait(pause * random.uniform(0.5, 1.0))
        self._open = False

    def _follow(self) -> None:
        pipeline: list[dict[str, Any]] = [
            {
                "$match": {
                    "$or": [
                        {"ns.coll": {"$in": list(_WATCHED)}},
                        # Of the documents there, screens show the revision alone; backups and
                        # migrations have theirs beside it. None: the collection was dropped.
                        {"ns.coll": schema.META, "documentKey._id": {"$in": ["revision", None]}},
                        # Only deletions of sessions matter: every active screen updates its own
                        # session.
                        {"ns.coll": schema.SESSIONS, "operationType": "delete"},
                    ]
                }
            },
            {
                "$project": {
                    "operationType": 1,
                    "ns": 1,
                    "fullDocument.date": 1,
                    "updateDescription.updatedFields": 1,
                }
            },
        ]
        resumed = self._token is not None
        options: dict[str, Any] = {"resume_after": self._token} if resumed else {}
        with self._db.watch(pipeline, max_await_time_ms=_AWAIT_MS, **options) as stream:
            self._heard()
            self._open = True
            if not resumed:
                # Whatever happened before the stream opened was not seen.
                self._raise(None)
            self._opened.set()
            while not self._stop.is_set() and stream.alive:
                change = stream.try_next()
                self._heard()
                self._token = stream.resume_token
                if change is None:
                    continue
                source = change.get("ns", {}).get("coll")
                if source in _PEOPLE:
                    self._raise_people(shown=source != schema.SESSIONS)
                elif source == schema.META:
                    self._raise_school()
                else:
                    self._raise(_dates(change))
            if not stream.alive:  # invalidated: the database was dropped or renamed
                self._token = None
                self._open = False

    def _heard(self) -> None:
        self._sign = time.monotonic()
        self.alive_at = datetime.now(UTC)

    def _version(self, date: Date) -> int:
        return self._school + self._days.get(date, 0)

    def _raise(self, dates: set[Date] | None) -> None:
        """Bookings of these dates changed; None: what changed is unknown, so all is raised."""
        with self._changed:
            self._total += 1
            self._bookings += 1
            if dates is None:
                self._school += 1
                self._people += 1
                signals: list[tuple[Date | None, int]] = [(None, 0)]
            else:
                for date in dates:
                    self._days[date] += 1
                signals = [(date, self._version(date)) for date in sorted(dates)]
            self._changed.notify_all()
        self._tell(signals)

    def _raise_school(self) -> None:
        """Grounds, timetables, days, students, the policy or a photo have changed."""
        with self._changed:
            self._school += 1
            self._total += 1
            self._changed.notify_all()
        self._tell([(None, 0)])

    def _raise_people(self, shown: bool) -> None:
        """Accounts, delegations or sessions have changed, and no day with them.

        ``shown``: screens show the change, so ``total`` grows; no screen shows that a session
        ended.
        """
        with self._changed:
            self._people += 1
            self._total += shown
            self._changed.notify_all()
        self._tell([(None, 0)])

    def _tell(self, signals: list[tuple[Date | None, int]]) -> None:
        with self._changed:
            subscribers = list(self._subscribers.values())
        for callback in subscribers:
            for day, version in signals:
                # A fault of one subscriber must not silence the others.
                with _logged("a subscriber of the feed failed"):
                    callback(day, version)


def _dates(change: Mapping[str, Any]) -> set[Date] | None:
    """The days that a change of bookings touches; None where the event does not name them."""
    if change.get("ns", {}).get("coll") != schema.BOOKINGS:
        return None
    with contextlib.suppress(KeyError, TypeError, ValueError):
        if change["operationType"] == "insert":
            return {Date.fromisoformat(change["fullDocument"]["date"])}
        if change["operationType"] == "update":
            fields: Mapping[str, Any] = change["updateDescription"]["updatedFields"]
            found = {
                Date.fromisoformat(text)
                for name, entry in fields.items()
                if name.startswith("history.")
                for text in entry["dates"]
            }
            return found or None
    return None


@contextlib.contextmanager
def _logged(message: str) -> Any:
    try:
        yield
    except Exception:
        log.exception(message)
