"""Sign-in with a name and a password.

An unknown name, a wrong password and a disabled account get the same answer after the same work,
so that nobody learns which names exist.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime
from typing import Any

from booking_core.access import devices, login_throttle, passwords, sessions
from booking_core.domain.errors import InvalidRequest, OneTimePasswordOver, SignInRefused
from booking_core.domain.names import MAX_ID, find_unusable, sign_in_key
from booking_core.domain.people import SignedIn
from booking_core.domain.validation import check_text
from booking_core.storage.access import accounts
from booking_core.storage.client.database import Documents, moment
from booking_core.storage.client.verbs import within_deadline


@within_deadline
def sign_in(
    db: Documents,
    name: str,
    password: str,
    *,
    address: str,
    device: str | None = None,
    browser: str = "",
    now: datetime | None = None,
) -> SignedIn:
    """Opens a session for the account ``name``; ``address`` is the client's network address.

    ``device``: the token of ``remember_device`` that the browser has sent; ``browser``: see
    ``open_session``. Raises SignInRefused;
    OneTimePasswordOver; TooManyAttempts, without checking the password, while a delay runs after
    failures (``login_throttle``); InvalidRequest, StoreUnavailable.
    """
    for field, value in (("name", name), ("password", password)):
        if not isinstance(value, str):
            raise InvalidRequest(field, "must be text")
    host, now = _host(address), moment(db, now)
    # Spellings that find one account are one name to the throttle too.
    account_key = sign_in_key(name)
    found = accounts.read(db, name) if _may_be_key(account_key) else None
    device_key = devices.key_of(name, device)
    if device_key is not None and devices.is_known(db, device_key, found, now):
        counted = login_throttle.begin(db, [("device", device_key)], now)
    else:
        pair = f"{host} {account_key}"
        counted = login_throttle.begin(
            db, [("pair", pair), ("account", account_key), ("address", host)], now
        )
    stored = found.password_hash if found else None
    # Compared in every case, before anything else is looked at: hashing takes nearly all the time.
    is_right = passwords.matches(stored, password)
    if not is_right or found is None or stored is None or not found.account.active:
        raise SignInRefused
    # Spent before the session opens: the other order could open two sessions.
    if found.account.must_change and not accounts.spend_one_time(
        db, found, issued_after=now - passwords.ONE_TIME
    ):
        raise OneTimePasswordOver
    login_throttle.succeed(db, counted)
    if passwords.is_outdated(stored):
        accounts.renew_hash(db, found.account.id, stored, passwords.hashed(password))
    token = sessions.begin(db, found, by_id_token=False, browser=browser, now=now)
    return SignedIn(token, found.account)


def _may_be_key(text: str) -> bool:
    """Whether an account may have this key: one letter of an id is up to three of its key."""
    return 0 < len(text) <= 3 * MAX_ID and find_unusable(text) is None


def _host(address: Any) -> str:
    """The key for failures from ``address``: an IPv6 network, because one host has all of it."""
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
