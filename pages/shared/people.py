"""The signed-in accounts, as this process knows them.

A session is read once, and again when the feed tells that accounts or sessions have changed
anywhere: a poll without news costs no query, and a user who is signed out or disabled is out at
once everywhere.
"""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from datetime import date as Date
from typing import Any

from booking_core import (
    Account,
    Scope,
    ScopedCache,
    StoreUnavailable,
    decides,
    session_of,
    touch_session,
)
from pages.shared import identity

_TOUCH_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in account; ``decides`` by its role or by a delegation of today."""

    account: Account
    decides: bool


@dataclass(slots=True)
class _Known:
    """What the database said of a token. ``ends_at`` means nothing where ``person`` is None."""

    person: Person | None
    ends_at: datetime


class People:
    """The sessions of one database whose tokens this process has seen."""

    def __init__(self, db: Any, cache: ScopedCache) -> None:
        self._db, self._cache = db, cache
        self._touched: dict[str, float] = {}  # of the last minute
        self._lock = threading.Lock()

    def known(self, token: str) -> Person | None:
        """The person signed in with ``token``, None for nobody; no query when nothing changed.

        While the database is away, as last known. Raises StoreUnavailable where nothing is known.
        """
        known = self._cache.get(
            Scope.ACCOUNTS, _key(token), lambda: self._load(token), also=self._today()
        )
        if known.person is None or datetime.now(UTC) < known.ends_at:
            return known.person
        # Over as far as this process knows; another process may have prolonged it.
        return self.read(token) if self._cache.connected else None

    def read(self, token: str) -> Person | None:
        """The person as the database has it at this moment. Raises StoreUnavailable."""
        known = self._cache.renew(
            Scope.ACCOUNTS, _key(token), lambda: self._load(token), also=self._today()
        )
        return known.person

    def touch(self, token: str) -> None:
        """Notes user activity in the session, at most once a minute and while it is reachable."""
        key, now = _key(token), time.monotonic()
        if self._cache.peek(Scope.ACCOUNTS, key) is None:
            return
        with self._lock:
            if now - self._touched.get(key, -_TOUCH_SECONDS) < _TOUCH_SECONDS:
                return
            lately = {k: at for k, at in self._touched.items() if now - at < _TOUCH_SECONDS}
            self._touched = lately | {key: now}
        try:
            touch_session(self._db, token)
            self.read(token)  # it ends later now
        except StoreUnavailable:
            with self._lock:
                self._touched.pop(key, None)

    def _load(self, token: str) -> _Known:
        session = session_of(self._db, token)
        # When the school changes its way of signing in, sessions of the other way end.
        if session is None or session.by_proof != identity.is_on():
            return _Known(None, datetime.now(UTC))
        account = session.account
        return _Known(Person(account, decides(self._db, account.actor)), session.expires_at)

    def _today(self) -> Date:
        """Delegations begin and end with a day."""
        return datetime.now(self._db.booking_settings.zone).date()


def _key(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
