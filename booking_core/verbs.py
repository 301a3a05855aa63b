"""What every verb begins with: who acts, on which booking, at which moment."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from booking_core.errors import AlreadyDecided, InvalidRequest, NotFound
from booking_core.model import Actor, Status, check_id, check_now
from booking_core.store import documents as d
from booking_core.store import ledger
from booking_core.store.database import Documents

# A slot that is freed and taken again between our write and our look at it is tried anew, this
# often; each round needs another user to win and to leave within a millisecond.
ROUNDS = 5


def check_actor(by: Actor) -> None:
    if not isinstance(by, Actor):
        raise InvalidRequest("by", "must be an Actor")


def check_booking_id(value: Any) -> str:
    if isinstance(value, UUID):
        return str(value)
    return check_id(value, "booking_id")


def check_limit(value: Any) -> None:
    """How many of a list are asked for: 1 to 1000."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1000:
        raise InvalidRequest("limit", "must be a whole number from 1 to 1000")


def moment(now: datetime | None) -> datetime:
    checked = check_now(now)
    return d.clock() if checked is None else d.to_millis(checked)


def must_exist(db: Documents, booking_id: str) -> d.Document:
    kept = ledger.read(db, booking_id)
    if kept is None:
        raise NotFound("booking", booking_id)
    return kept


def already_decided(kept: d.Document) -> AlreadyDecided:
    last = kept["history"][-1]
    return AlreadyDecided(Status(kept["status"]), last["by_name"], last["at"])
