"""Signing in with a name and a password, and the sessions that come of it.

Whoever is refused learns nothing: an unknown name, a wrong password and a disabled account get the
same answer for the same work.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import unicodedata
from datetime import datetime
from typing import Any

from booking_core.access import passwords
from booking_core.domain.clock import moment
from booking_core.domain.errors import InvalidRequest, NotFound, SignInRefused, TooManyAttempts
from booking_core.domain.people import Session, SignedIn
from booking_core.domain.validation import check_id, check_text
from booking_core.storage import accounts as store
from booking_core.storage import attempts, sessions
from booking_core.storage.database import Documents

LONGEST = sessions.LONGEST
_LONGEST_TOKEN = 200


def sign_in(
    db: Documents, name: str, password: str, *, address: str, now: datetime | None = None
) -> SignedIn:
    """Opens a session for the account ``name``; ``address`` is where the request comes from.

    Raises SignInRefused; TooManyAttempts, without a look at the password, after five failures of
    the name or from the address; InvalidRequest, StoreUnavailable.
    """
    for field, value in (("name", name), ("password", password)):
        if not isinstance(value, str):
            raise InvalidRequest(field, "must be text")
    place, now = _place(address), moment(now)
    account_id = unicodedata.normalize("NFC", name).strip().lower()
    whence = attempts.begin(db, attempts.key_of("address", place), now)
    if whence.wait_seconds is not None:
        raise TooManyAttempts(whence.wait_seconds)
    whose = attempts.begin(db, attempts.key_of("account", account_id), now)
    if whose.wait_seconds is not None:
        # Nothing was tried, so nothing counts for others who come from there.
        attempts.take_back(db, whence)
        raise TooManyAttempts(whose.wait_seconds)
    found = store.read(db, account_id) if _is_id(account_id) else None
    stored = found.get("password_hash") if found else None
    is_right = passwords.matches(stored, password)  # always, and first: it is what takes the time
    if not is_right or found is None or stored is None or not found["active"]:
        raise SignInRefused
    attempts.take_back(db, whence)
    attempts.forget(db, whose.key)
    if passwords.is_outdated(stored):
        store.renew_hash(db, account_id, stored, passwords.hashed(password))
    return SignedIn(_open(db, found, now), store.to_account(found))


def open_session(
    db: Documents, account_id: str, *, by_proof: bool = False, now: datetime | None = None
) -> str:
    """A session for an account that has shown elsewhere who it is; the token for its browser.

    Raises InvalidRequest, NotFound, SignInRefused for one that is disabled, StoreUnavailable.
    """
    account_id, now = check_id(account_id, "account_id").lower(), moment(now)
    found = store.read(db, account_id)
    if found is None:
        raise NotFound("account", account_id)
    if not found["active"]:
        raise SignInRefused
    return _open(db, found, now, by_proof)


def session_of(db: Documents, token: str, *, now: datetime | None = None) -> Session | None:
    """The session, with the account as it is now; None for one that has ended, or never was.

    It ends 12 hours after its beginning, 60 minutes after its last use, with ``sign_out``, and
    whenever the account is disabled or gets another role or password. Raises StoreUnavailable.
    """
    key, now = _key(token), moment(now)
    kept = None if key is None else sessions.read(db, key, now)
    found = None if kept is None else store.read(db, kept["account_id"])
    if kept is None or found is None or not found["active"] or kept["epoch"] != found["epoch"]:
        return None
    return Session(
        store.to_account(found),
        kept["created_at"],
        kept["seen_at"],
        kept["expires_at"],
        kept.get("by_proof", False),
    )


def touch_session(db: Documents, token: str, *, now: datetime | None = None) -> None:
    """Notes that the session is in use, at most once a minute; one that has ended stays so."""
    key, now = _key(token), moment(now)
    if key is not None:
        sessions.touch(db, key, now)


def sign_out(db: Documents, token: str) -> None:
    """Ends the session at once everywhere; an unknown one is no error."""
    key = _key(token)
    if key is not None:
        sessions.delete(db, key)


def end_sessions(db: Documents, account_id: str) -> None:
    """Ends all sessions of an account. Raises InvalidRequest, StoreUnavailable."""
    store.raise_epoch(db, check_id(account_id, "account_id").lower())


def _open(db: Documents, account: dict[str, Any], now: datetime, by_proof: bool = False) -> str:
    token = secrets.token_urlsafe(32)
    # The epoch as it was when the password was looked at: see ``store/accounts.py``.
    key = hashlib.sha256(token.encode()).hexdigest()
    sessions.insert(db, key, account["_id"], account["epoch"], by_proof, now)
    return token


def _key(token: Any) -> str | None:
    if not isinstance(token, str) or not token.isascii() or not 0 < len(token) <= _LONGEST_TOKEN:
        return None
    return hashlib.sha256(token.encode()).hexdigest()


def _is_id(text: str) -> bool:
    try:
        return check_id(text, "name") == text
    except InvalidRequest:
        return False


def _place(address: Any) -> str:
    """What failures from an address are counted under: of IPv6 the network, which one host has."""
    text = check_text(address, "address", limit=200, required=True)
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return text
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))
