"""Values of sign-in and delegation. ``Account`` is in ``model.py``."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date as Date
from datetime import datetime

from booking_core.domain.model import Account


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser. Moments are aware (UTC); the session ends at ``expires_at``.

    ``by_id_token`` is true if an identity provider's ID token opened it.
    """

    account: Account
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    by_id_token: bool = False


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as its own user sees it, without the token. Moments are aware (UTC).

    ``browser`` is "" if it is not known; ``is_this``: of the browser that asks.
    """

    id: str
    browser: str
    created_at: datetime
    seen_at: datetime
    is_this: bool


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session. ``token`` goes to the browser only; the database stores its hash."""

    token: str = field(repr=False)
    account: Account


@dataclass(frozen=True, slots=True)
class SecondFactorSetUp:
    """What an authenticator app needs: ``key`` in base32, and ``uri``, which holds the key too."""

    key: str = field(repr=False)
    uri: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class IdToken:
    """The content of an ID token: a provider confirmed at ``issued_at`` who owns ``email``.

    It opens one session. ``id`` differs from the id of every other ID token of any provider.
    Callers must make one for a verified address only.
    """

    id: str
    email: str
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Delegation:
    """The account ``to`` decides for the principal ``by``. Dates are inclusive; ``at`` is aware."""

    id: str
    by: str
    by_name: str
    to: str
    to_name: str
    first: Date
    last: Date
    at: datetime
