"""Browsers known to an account: those in which it has signed in with its password.

A known browser passes by the delays that others cause (``login_throttle``). It is no session: it
opens nothing without the password. Users who share a browser share its token, and the key that is
stored is of token and account together. All of an account's browsers are forgotten when its
password or its role changes.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from booking_core.access import sessions
from booking_core.domain.errors import SignInRefused
from booking_core.domain.names import sign_in_key
from booking_core.storage.access import accounts
from booking_core.storage.access import devices as store
from booking_core.storage.client.database import Documents, moment
from booking_core.storage.client.verbs import within_deadline

DEVICE_KEPT = timedelta(days=180)  # from the last sign-in of the account in that browser
MOST = 20  # of one account; the one that has not signed in for longest is forgotten
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@within_deadline
def remember_device(
    db: Documents, token: str, device: str | None = None, *, now: datetime | None = None
) -> str:
    """The device token of the browser that has just opened the session ``token`` by a password.

    ``device`` is the one that the browser has sent; it stays the same if it can be one. Raises
    SignInRefused if the session has ended, StoreUnavailable.
    """
    now = moment(db, now)
    kept = _checked(device) or secrets.token_urlsafe(32)
    # The epoch of the session and not of the account: the password may have changed since.
    found = sessions.stored_of(db, token, now)
    if found is None:
        raise SignInRefused
    key = _hash(kept, found.account_id)
    store.remember(db, key, found.account_id, found.epoch, now + DEVICE_KEPT, most=MOST)
    return kept


def is_known(db: Documents, key: str, found: accounts.StoredAccount | None, now: datetime) -> bool:
    """Whether the browser with ``key`` is known to the account ``found``."""
    # Looked up without an account too, so that an unknown name takes as long.
    id, epoch = ("", -1) if found is None else (found.account.id, found.epoch)
    return store.is_known(db, key, id, epoch, now)


def key_of(name: str, device: Any) -> str | None:
    """The key of a browser for the account ``name``; None if ``device`` cannot be a token."""
    token = _checked(device)
    return None if token is None else _hash(token, name)


def _hash(token: str, name: str) -> str:
    text = f"{token}:{sign_in_key(name)}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _checked(device: Any) -> str | None:
    """``device`` if it can be a token, else None."""
    return device if isinstance(device, str) and _TOKEN.fullmatch(device) else None
