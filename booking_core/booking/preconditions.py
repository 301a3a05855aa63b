"""What every verb begins with: who acts, on which booking, at which moment."""

from __future__ import annotations

from booking_core.domain.errors import AlreadyDecided, NotFound
from booking_core.domain.model import Status
from booking_core.storage import bookings as ledger
from booking_core.storage import documents as d
from booking_core.storage.database import Documents

# A slot that is freed and taken again between our write and our look at it is tried anew, this
# often; each round needs another user to win and to leave within a millisecond.
ROUNDS = 5


def must_exist(db: Documents, booking_id: str) -> d.Document:
    kept = ledger.read(db, booking_id)
    if kept is None:
        raise NotFound("booking", booking_id)
    return kept


def already_decided(kept: d.Document) -> AlreadyDecided:
    last = kept["history"][-1]
    return AlreadyDecided(Status(kept["status"]), last["by_name"], last["at"])
