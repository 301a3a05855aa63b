"""A cache of the sessions whose tokens this process has seen.

A session is read once, and again after each change of accounts or sessions. So a poll without a
change costs no query, and a user who is signed out or disabled loses access at once on every
screen. A token that was signed out in this process is refused before the cache is looked at: while
the database cannot be reached, the cached session would still be valid.
"""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime
from typing import Any

from booking_core import Account, StoreUnavailable, decides
from booking_core.live import Scope, ScopedCache, present
from booking_core.sessions import is_signed_out, session_of, touch_session
from pages.shared.live.streamlit_internals import auth_section

_TOUCH_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in account; ``decides``: by its role or by a delegation of today."""

    account: Account
    decides: bool


@dataclass(slots=True)
class _Known:
    """The session of a token as last read. ``ends_at`` has no meaning if ``person`` is None."""

    person: Person | None
    ends_at: datetime


class SessionCache:
    """The sessions of one database."""

    def __init__(self, db: Any, cache: ScopedCache) -> None:
        self._db, self._cache = db, cache
        self._touched: dict[str, float] = {}  # key of a token -> time of its last write (monotonic)
        self._lock = threading.Lock()

    def known(self, token: str) -> Person | None:
        """The person signed in with ``token``; None without a session.

        Reads the database only after a change. While it cannot be reached, the cached person.
        Raises StoreUnavailable if there is none.
        """
        if is_signed_out(token):
            return None
        known = self._cache.get(
            Scope.ACCOUNTS, _key(token), lambda: self._load(token), also=self._today()
        )
        if known.person is None or present(self._db) < known.ends_at:
            return known.person
        # The session has ended, unless another process has extended it.
        return self.read(token) if self._cache.connected else None

    def read(self, token: str) -> Person | None:
        """The person signed in with ``token`` as stored now. Raises StoreUnavailable."""
        if is_signed_out(token):
            return None
        known = self._cache.renew(
            Scope.ACCOUNTS, _key(token), lambda: self._load(token), also=self._today()
        )
        return known.person

    def touch(self, token: str) -> None:
        """Extends the session after user activity, at most once a minute.

        Does nothing while the database cannot be reached.
        """
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
            self.read(token)  # caches the new end of the session
        except StoreUnavailable:
            with self._lock:
                self._touched.pop(key, None)

    def _load(self, token: str) -> _Known:
        session = session_of(self._db, token)
        # A session ends if the school has changed between passwords and an identity provider.
        if session is None or session.by_id_token != bool(auth_section()):
            return _Known(None, present(self._db))
        account = session.account
        return _Known(Person(account, decides(self._db, account.actor)), session.expires_at)

    def _today(self) -> Date:
        """Part of the cache key, because delegations begin and end with a day."""
        return present(self._db).astimezone(self._db.booking_settings.zone).date()


def _key(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
