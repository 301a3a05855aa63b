"""Values of those who work with the system: sessions, proofs and handed-on decisions.

Accounts themselves are in ``model.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date as Date
from datetime import datetime

from booking_core.domain.model import Account


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in. Moments are aware (UTC); it ends at ``expires_at``.

    ``by_proof``: an identity provider's word opened it.
    """

    account: Account
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    by_proof: bool = False


@dataclass(frozen=True, slots=True)
class SignedIn:
    """``token`` is for the browser alone: what is stored is its hash."""

    token: str = field(repr=False)
    account: Account


@dataclass(frozen=True, slots=True)
class Proof:
    """An identity provider's word at ``issued_at``: who it speaks of owns the address ``email``.

    ``id`` is a text that no other word of any provider has. Make one of a verified address only.
    """

    id: str
    email: str
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Delegation:
    """Decisions in the hand of account ``to``, given by principal ``by``; dates are inclusive."""

    id: str
    by: str
    by_name: str
    to: str
    to_name: str
    first: Date
    last: Date
    at: datetime
