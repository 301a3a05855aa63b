"""The secret address of a user's calendar: one at most for each account, until it is replaced."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Any

from booking_core.domain.errors import NotFound
from booking_core.domain.model import Account, Actor
from booking_core.domain.rules import check_actor
from booking_core.storage.access import accounts
from booking_core.storage.client.database import Documents, moment
from booking_core.storage.client.verbs import within_deadline

_MOST_CHARACTERS = 200


@within_deadline
def make_calendar_address(db: Documents, *, by: Actor, now: datetime | None = None) -> str:
    """The secret of the address of the calendar of ``by``; an earlier one ends.

    Only its hash is stored, so it cannot be shown again. It ends when it is replaced or revoked,
    and when the account is disabled or erased; a new password leaves it. Raises InvalidRequest,
    NotFound without an active account of ``by``, StoreUnavailable.
    """
    check_actor(by)
    secret, now = secrets.token_urlsafe(32), moment(db, now)
    made = accounts.put_calendar(
        db, by.id, _hash(secret), action="made the calendar address of", by=by, now=now
    )
    if not made:
        raise NotFound("account", by.id)
    return secret


@within_deadline
def revoke_calendar_address(db: Documents, *, by: Actor, now: datetime | None = None) -> bool:
    """Ends the address of the calendar of ``by`` at once; False if there was none.

    Raises InvalidRequest, StoreUnavailable.
    """
    check_actor(by)
    return accounts.put_calendar(
        db,
        by.id,
        None,
        action="revoked the calendar address of",
        by=by,
        now=moment(db, now),
    )


@within_deadline
def calendar_address_made_at(db: Documents, *, by: Actor) -> datetime | None:
    """When ``by`` made the address of the own calendar (aware, UTC); None without one.

    Raises InvalidRequest, StoreUnavailable.
    """
    check_actor(by)
    return accounts.calendar_made_at(db, by.id)


@within_deadline
def account_of_calendar(db: Documents, secret: Any) -> Account | None:
    """The account whose calendar has the address with ``secret``; None for any other text.

    Each text costs one read, so that the time tells nothing either. Raises StoreUnavailable.
    """
    text = secret if isinstance(secret, str) else ""
    return accounts.read_by_calendar(db, _hash(text[: _MOST_CHARACTERS + 1]))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
