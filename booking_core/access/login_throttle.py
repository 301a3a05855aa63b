"""Limits on failed sign-ins.

Each key below has a count of its own. Most keys get five failures within 15 minutes, then a delay
of 30 seconds, and after each further failure a longer one, up to 15 minutes:

- an account from one network address,
- an account in a browser in which it has signed in before (``devices``),
- the old password, when a signed-in user changes it, or shows it to change the second factor,
- the mails that are asked for about a forgotten password, by the name or address that is typed,
- the codes of an account's second factor, from all addresses: only who has its password gets here.

Some keys are shared by people who did not fail. They get far more failures, and their delays only
slow guessing down:

- an account from all addresses: a botnet must not keep its owner out,
- an address with all accounts: a whole school may share one,
- an address with all links of mails: programs that look for harm in mails open old ones,
- an address with all mails about forgotten passwords.

A browser that is known to the account is counted by its own key alone, so nobody else can delay it.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from booking_core.domain.errors import TooManyAttempts
from booking_core.domain.validation import check_text
from booking_core.storage.access import attempts
from booking_core.storage.access.attempts import Attempt, Throttle
from booking_core.storage.client.database import Documents

Kind = Literal[
    "pair",
    "device",
    "change",
    "code",
    "account",
    "address",
    "link",
    "forgotten",
    "forgotten at address",
]
_WINDOW = timedelta(minutes=15)
OWN = Throttle(
    allowed=5,
    window=_WINDOW,
    delays=tuple(timedelta(seconds=s) for s in (30, 60, 120, 240, 480, 900)),
)
_SLOWING = tuple(timedelta(seconds=s) for s in (5, 10, 20, 30))
THROTTLES: dict[Kind, Throttle] = {
    "pair": OWN,
    "device": OWN,
    "change": OWN,
    "code": OWN,
    "account": Throttle(allowed=20, window=_WINDOW, delays=_SLOWING),
    "address": Throttle(allowed=100, window=_WINDOW, delays=_SLOWING),
    "forgotten": OWN,
    "forgotten at address": Throttle(allowed=100, window=_WINDOW, delays=_SLOWING),
    "link": Throttle(allowed=100, window=_WINDOW, delays=_SLOWING),
}


def begin(db: Documents, keys: Sequence[tuple[Kind, str]], now: datetime) -> list[Attempt]:
    """Counts an attempt of each key as failed until ``succeed``.

    Raises TooManyAttempts while the delay of one of them runs; such an attempt is not counted.
    """
    counted: list[Attempt] = []
    for kind, text in keys:
        attempt = attempts.count(db, _key(kind, text), THROTTLES[kind], now)
        if attempt.blocked_until is not None:
            # No password will be checked, so the other keys must not be delayed for it.
            take_back(db, counted)
            seconds = (attempt.blocked_until - now).total_seconds()
            raise TooManyAttempts(max(1, math.ceil(seconds)))
        counted.append(attempt)
    return counted


def succeed(db: Documents, counted: Sequence[Attempt]) -> None:
    """Forgets the failures of the first key of ``begin``; takes back the attempts of the others.

    The others are shared: the failures that others caused still count.
    """
    attempts.forget(db, counted[0].key)
    take_back(db, counted[1:])


def take_back(db: Documents, counted: Sequence[Attempt]) -> None:
    """Counts these attempts neither as failures nor as successes."""
    for attempt in counted:
        attempts.take_back(db, attempt)


def forget(db: Documents, account_key: str) -> None:
    """Forgets the failures of an account; those at one address end by themselves."""
    for kind in ("change", "code", "account"):
        attempts.forget(db, _key(kind, account_key))


def host_of(address: object) -> str:
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


def _key(kind: str, text: str) -> str:
    # A hash: users type passwords into the name field, and the key has one length for any name.
    return hashlib.sha256(f"{kind}:{text}".encode("utf-8", "surrogatepass")).hexdigest()
