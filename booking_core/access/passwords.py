"""Passwords: rules for a new one, argon2id hashes, and one-time passwords."""

from __future__ import annotations

import secrets
import threading
import unicodedata
from datetime import timedelta
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from booking_core.access.common_passwords import is_common
from booking_core.domain.errors import InvalidRequest
from booking_core.storage.client import deadlines

SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200
ONE_TIME = timedelta(hours=72)  # from its issue a one-time password signs in, once
# Without letters and digits that look alike, because one-time passwords are dictated and copied.
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"

_hasher = PasswordHasher()
# A hash takes 64 MiB and all cores for a moment, so a hundred parallel requests have to wait. The
# wait is none for the database, so it takes nothing from the deadline.
_at_once = threading.BoundedSemaphore(4)


def check(value: Any, *names: str) -> str:
    """``value``. Raises InvalidRequest unless it has 10 to 200 characters and is not easy to guess.

    ``names`` are those of the account and of the school (``common_passwords``). Every character is
    allowed that can be encoded as UTF-8.
    """
    if not isinstance(value, str):
        raise InvalidRequest("password", "must be text")
    if not _is_text(value):
        raise InvalidRequest("password", "contains a character that cannot be used")
    if len(value) < SHORTEST_PASSWORD:
        raise InvalidRequest("password", f"is shorter than {SHORTEST_PASSWORD} characters")
    if len(value) > LONGEST_PASSWORD:
        raise InvalidRequest("password", f"is longer than {LONGEST_PASSWORD} characters")
    if not value.strip():
        raise InvalidRequest("password", "is blank")
    if is_common(value, names):
        raise InvalidRequest(
            "password",
            "is easy to guess: it is made of common words, names, rows of keys or digits. "
            "Choose a few unusual words together",
        )
    return value


def hashed(password: str) -> str:
    """The argon2id hash, which includes the salt and the parameters."""
    with deadlines.paused(), _at_once:
        return _hasher.hash(_normal(password))


def matches(stored: str | None, password: str) -> bool:
    """Whether ``stored`` is a hash of ``password``. None never is, after the same work."""
    text = _normal(password) if len(password) <= LONGEST_PASSWORD and _is_text(password) else ""
    with deadlines.paused(), _at_once:
        try:
            return _hasher.verify(stored or _unused_hash(), text) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(stored: str) -> bool:
    """Whether ``stored`` was made with other parameters than the present ones."""
    return _hasher.check_needs_rehash(stored)


def one_time_password(*names: str) -> str:
    """A random password such as ``k7pm-x2qd-vw9h``, with 59 bits, that ``check`` accepts."""
    while True:
        parts = ("".join(secrets.choice(_READABLE) for _ in range(4)) for _ in range(3))
        made = "-".join(parts)
        if not is_common(made, names):  # one in 10,000 is hardly more than digits
            return made


def _is_text(value: str) -> bool:
    """Whether ``value`` can be encoded as UTF-8: a lone surrogate cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _normal(password: str) -> str:
    # Keyboards differ: some type an accented letter as one code point, others as two.
    return unicodedata.normalize("NFKC", password)


@cache
def _unused_hash() -> str:
    """The hash of a random password that nobody knows, for accounts without a hash."""
    return _hasher.hash(secrets.token_urlsafe(32))
