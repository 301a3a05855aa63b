"""The change feed: a change stream turned into version numbers.

The feed signals; the database is the truth. A change raises the version of each scope that it
touches (a day, the school, accounts, bookings), and the next reader of that scope loads it. A
stream that breaks is resumed; when its history is gone, every version is raised. No reader waits
for an event that was lost.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date as Date
from datetime import datetime
from typing import Any

from pymongo.errors import PyMongoError

from booking_core.domain.errors import StoreUnavailable
from booking_core.domain.validation import check_date
from booking_core.storage import documents
from booking_core.storage.client.database import BookingDatabase, Documents
from booking_core.storage.client.verbs import read_schema_number
from booking_core.storage.live.change_stream import ChangeStream, Event
from booking_core.storage.schema import schema, schema_number

log = logging.getLogger(__name__)

Subscriber = Callable[[Date | None, int], None]
_WANTED: list[dict[str, Any]] = [
    {"ns.coll": {"$in": [schema.BOOKINGS, schema.ACCOUNTS, schema.DELEGATIONS]}},
    # The server deletes what has ended long ago.
    {"ns.coll": schema.WAITING, "operationType": {"$in": ["insert", "update"]}},
    # A notice that is read changes no booking, nor does an offer of a swap.
    {"ns.coll": schema.NOTICES},
    {"ns.coll": schema.SWAP_OFFERS, "operationType": {"$in": ["insert", "update"]}},
    # Of the documents there, screens show the revision alone; backups and the doctor have theirs
    # beside it.
    {"ns.coll": schema.META, "documentKey._id": "revision"},
    # Only deletions of sessions matter: every active screen updates its own session.
    {"ns.coll": schema.SESSIONS, "operationType": "delete"},
]
# All that a change of a student changes in bookings.
_OF_STUDENTS = {*documents.STUDENT_NAMES, "revision"}
_PEOPLE = (schema.ACCOUNTS, schema.DELEGATIONS, schema.SESSIONS)


class Feed:
    """Versions of days and other scopes, raised by a thread that follows the database."""

    def __init__(self, db: Documents) -> None:
        self._days: defaultdict[Date, int] = defaultdict(int)
        self._school = 0
        self._bookings = 0
        self._people = 0
        self._notices = 0
        self._total = 0
        self._changed = threading.Condition()
        self._subscribers: dict[int, Subscriber] = {}
        self._next_subscriber = 0
        self._db = db
        self._stream = ChangeStream(
            db,
            _WANTED,
            ["fullDocument.date", "updateDescription.updatedFields"],
            self._handle,
            self._begin_anew,
        )

    @property
    def connected(self) -> bool:
        """Whether the stream is open, and answered a moment ago."""
        return self._stream.connected

    @property
    def alive_at(self) -> datetime | None:
        """The moment (aware, UTC) of the last heartbeat: an answer of the stream."""
        return self._stream.alive_at

    @property
    def is_running(self) -> bool:
        """Whether the thread that follows the database lives."""
        return self._stream.is_running

    def start(self, wait_seconds: float = 5.0) -> None:
        """Starts following; returns when the stream is open, or after ``wait_seconds`` without.

        Without a database it goes on trying in the background. Starting twice does nothing.
        """
        self._stream.start(wait_seconds)

    def stop(self) -> None:
        """Stops following; returns when the thread has ended, or after 2 s while a server hangs."""
        self._stream.stop()

    @property
    def total(self) -> int:
        """A number that grows with every change of bookings, notices, school and accounts."""
        return self._total

    @property
    def school(self) -> int:
        """A number that grows when grounds, timetables, days, students, policy, pictures change."""
        return self._school

    @property
    def bookings(self) -> int:
        """A number that grows when any booking or closure changes."""
        return self._bookings

    @property
    def people(self) -> int:
        """A number that grows when accounts or delegations change, and when sessions end."""
        return self._people

    @property
    def notices(self) -> int:
        """A number that grows when notices are written or read."""
        return self._notices

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

    def _handle(self, event: Event) -> None:
        source = event["ns"]["coll"]
        if source in _PEOPLE:
            self._raise_people(shown=source != schema.SESSIONS)
        elif source == schema.META:
            changed = event.get("updateDescription", {}).get("updatedFields")
            if changed is None or not changed.keys().isdisjoint(schema_number.FIELDS):
                self._read_schema_number()
            self._raise_school()
        elif source in (schema.NOTICES, schema.SWAP_OFFERS):
            self._raise_notices()
        else:
            self._raise(_dates(event))

    def _begin_anew(self) -> None:
        if isinstance(self._db, BookingDatabase):
            self._db.begin_epoch()
            self._read_schema_number()
        self._raise(None)

    def _read_schema_number(self) -> None:
        if isinstance(self._db, BookingDatabase):
            # Where it cannot be read now, the next verb reads it.
            self._db.schema_number.forget()
            with contextlib.suppress(StoreUnavailable, PyMongoError):
                read_schema_number(self._db)

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
                self._notices += 1
                signals: list[tuple[Date | None, int]] = [(None, 0)]
            else:
                for date in dates:
                    self._days[date] += 1
                signals = [(date, self._version(date)) for date in sorted(dates)]
            self._changed.notify_all()
        self._tell(signals)

    def _raise_school(self) -> None:
        """Grounds, timetables, days, students, the policy or a picture have changed."""
        with self._changed:
            self._school += 1
            self._total += 1
            self._changed.notify_all()
        self._tell([(None, 0)])

    def _raise_notices(self) -> None:
        """Notices were written or read, which no day shows."""
        with self._changed:
            self._notices += 1
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
                try:
                    callback(day, version)
                except Exception:  # a fault of one subscriber must not silence the others
                    log.exception("a subscriber of the feed failed")


def _dates(change: Mapping[str, Any]) -> set[Date] | None:
    """The days that a change of bookings touches; None where the event does not name them."""
    source = change.get("ns", {}).get("coll")
    if source == schema.WAITING:
        return _dates_of_waiting(change)
    if source != schema.BOOKINGS:
        return None
    with contextlib.suppress(KeyError, TypeError, ValueError):
        if change["operationType"] == "insert":
            return {Date.fromisoformat(change["fullDocument"]["date"])}
        if change["operationType"] == "update":
            fields: Mapping[str, Any] = change["updateDescription"]["updatedFields"]
            if fields.keys() <= _OF_STUDENTS:
                return set()  # the school changed with it, and so did every day
            found = {
                Date.fromisoformat(text)
                for name, entry in fields.items()
                if name.startswith("history.")
                for text in entry["dates"]
            }
            return found or None
    return None


def _dates_of_waiting(change: Mapping[str, Any]) -> set[Date] | None:
    """The day of an entry of the waiting list that is new, or changed."""
    with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
        if change["operationType"] == "insert":
            return {Date.fromisoformat(change["fullDocument"]["date"])}
        changed: str = change["updateDescription"]["updatedFields"]["changed"]
        return {Date.fromisoformat(changed.partition("|")[0])}
    return None
