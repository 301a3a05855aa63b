"""Who is signed in, as this process knows it.

A session is read once, and again when accounts or sessions have changed anywhere, which the feed
tells: a tick with nothing new asks the database nothing, and whoever is signed out or disabled is
out at once everywhere.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from datetime import date as Date
from typing import Any

from booking_core import Account, Feed, StoreUnavailable, decides, session_of, touch_session
from pages.shared import identity

_TOUCH_SECONDS = 60.0
_MOST = 5000  # of them kept, ended ones and made-up ones included


@dataclass(frozen=True, slots=True)
class Person:
    """An account that is let in; ``decides`` by its role or because it was handed on today."""

    account: Account
    decides: bool


@dataclass(slots=True)
class _Kept:
    version: int
    date: Date
    person: Person | None
    ends_at: datetime
    touched: float


class People:
    """The sessions of one database, as far as somebody has shown their token."""

    def __init__(self, db: Any, feed: Feed) -> None:
        self._db, self._feed = db, feed
        self._kept: dict[str, _Kept] = {}

    def known(self, token: str) -> Person | None:
        """Who that is, None for nobody any more; asks the database only when that may be news.

        While the database is away, what was known last. Raises StoreUnavailable where nothing was.
        """
        kept = self._kept.get(_key(token))
        if kept is None:
            return self.read(token)
        is_over = kept.person is not None and datetime.now(UTC) >= kept.ends_at
        if not self._feed.connected:
            return None if is_over else kept.person
        if is_over or kept.version != self._feed.people or kept.date != self._today():
            return self.read(token)
        return kept.person

    def read(self, token: str) -> Person | None:
        """Who that is by the database itself, at this moment. Raises StoreUnavailable."""
        if not self._feed.connected:  # nobody waits for a database that is away
            raise StoreUnavailable("the feed is not connected")
        # Before the look: what changes in between is looked at once more.
        version, date, key = self._feed.people, self._today(), _key(token)
        account, ends_at = self._look(token)
        person = None if account is None else Person(account, decides(self._db, account.actor))
        old = self._kept.pop(key, None)
        while len(self._kept) >= _MOST:
            self._kept.pop(next(iter(self._kept)), None)
        touched = old.touched if old is not None else time.monotonic() - _TOUCH_SECONDS
        self._kept[key] = _Kept(version, date, person, ends_at, touched)
        return person

    def touch(self, token: str) -> None:
        """Somebody is at work: notes it, at most once a minute, while the database is there."""
        kept = self._kept.get(_key(token))
        if kept is None or time.monotonic() - kept.touched < _TOUCH_SECONDS:
            return
        kept.touched = time.monotonic()
        try:
            touch_session(self._db, token)
            self.read(token)  # it ends later now
        except StoreUnavailable:
            kept.touched = 0.0

    def _look(self, token: str) -> tuple[Account | None, datetime]:
        session = session_of(self._db, token)
        # When the school changes its door, whoever came in by the other one is out.
        if session is None or session.by_proof != identity.is_on():
            return None, datetime.now(UTC)
        return session.account, session.expires_at

    def _today(self) -> Date:
        return datetime.now(self._db.booking_settings.zone).date()


def _key(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
