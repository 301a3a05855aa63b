"""Passwords: what one must be, its argon2id hash, and one-time ones."""

from __future__ import annotations

import secrets
import threading
import unicodedata
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from booking_core.domain.errors import InvalidRequest

SHORTEST, LONGEST = 10, 200
# Without letters and digits that are read as each other: these are dictated and copied by hand.
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"

_hasher = PasswordHasher()
# A hash takes 64 MiB and all cores for a moment; who asks for a hundred at once is made to wait.
_at_once = threading.BoundedSemaphore(4)


def check(value: Any, *names: str) -> str:
    """``value``; raises InvalidRequest unless it has 10 to 200 characters and is none of ``names``.

    Any character will do, but those that cannot be written down at all.
    """
    if not isinstance(value, str):
        raise InvalidRequest("password", "must be text")
    if not _is_text(value):
        raise InvalidRequest("password", "contains a character that cannot be used")
    if len(value) < SHORTEST:
        raise InvalidRequest("password", f"is shorter than {SHORTEST} characters")
    if len(value) > LONGEST:
        raise InvalidRequest("password", f"is longer than {LONGEST} characters")
    if not value.strip():
        raise InvalidRequest("password", "is blank")
    if value.strip().casefold() in {name.casefold() for name in names}:
        raise InvalidRequest("password", "is the name")
    return value


def hashed(password: str) -> str:
    """Its argon2id hash, with the salt and the parameters inside."""
    with _at_once:
        return _hasher.hash(_normal(password))


def matches(stored: str | None, password: str) -> bool:
    """Whether ``password`` is the one of ``stored``; None: it never is, at the same cost."""
    text = _normal(password) if len(password) <= LONGEST and _is_text(password) else ""
    with _at_once:
        try:
            return _hasher.verify(stored or _nobodys(), text) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(stored: str) -> bool:
    """Whether ``stored`` was made with other parameters than are used today."""
    return _hasher.check_needs_rehash(stored)


def one_time() -> str:
    """A password to be read out, such as ``k7pm-x2qd-vw9h``: 59 bits."""
    return "-".join("".join(secrets.choice(_READABLE) for _ in range(4)) for _ in range(3))


def _is_text(value: str) -> bool:
    """Whether ``value`` can be written as UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _normal(password: str) -> str:
    # One letter with its accent is typed as one sign on one keyboard and as two on another.
    return unicodedata.normalize("NFKC", password)


@cache
def _nobodys() -> str:
    """A hash that no password has: of something random, forgotten at once."""
    return _hasher.hash(secrets.token_urlsafe(32))
