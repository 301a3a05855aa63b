"""Limits on failed sign-ins, for each account name and for each network address.

The fifth failure within 15 minutes starts a delay of 30 seconds. Each failure after a delay starts
a longer one, up to 15 minutes.
"""

from __future__ import annotations

import hashlib
import math
from datetime import datetime, timedelta
from typing import Literal

from booking_core.domain.errors import TooManyAttempts
from booking_core.storage.access import attempts
from booking_core.storage.access.attempts import Attempt
from booking_core.storage.client.database import Documents

THROTTLE = attempts.Throttle(
    allowed=5,
    window=timedelta(minutes=15),
    delays=tuple(timedelta(seconds=s) for s in (30, 60, 120, 240, 480, 900)),
)


def begin(db: Documents, kind: Literal["account", "address"], text: str, now: datetime) -> Attempt:
    """Counts an attempt as failed until ``take_back`` or ``forget``.

    Raises TooManyAttempts while a delay runs; such an attempt is not counted.
    """
    attempt = attempts.count(db, _key(kind, text), THROTTLE, now)
    if attempt.blocked_until is not None:
        seconds = (attempt.blocked_until - now).total_seconds()
        raise TooManyAttempts(max(1, math.ceil(seconds)))
    return attempt


def take_back(db: Documents, attempt: Attempt) -> None:
    """Stops counting ``attempt``; other failures of its key still count."""
    attempts.take_back(db, attempt)


def forget(db: Documents, attempt: Attempt) -> None:
    """Stops counting all failures of the key of ``attempt``."""
    attempts.forget(db, attempt.key)


def _key(kind: str, text: str) -> str:
    # A hash: users type passwords into the name field, and the key has one length for any name.
    return hashlib.sha256(f"{kind}:{text}".encode("utf-8", "surrogatepass")).hexdigest()
