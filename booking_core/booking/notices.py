"""Notices to the authors of bookings that somebody else changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from booking_core.domain.errors import InvalidRequest
from booking_core.domain.model import Actor, Booking, Slot
from booking_core.domain.rules import check_actor
from booking_core.domain.validation import check_id, check_limit
from booking_core.storage import booking_queries
from booking_core.storage import documents as d
from booking_core.storage import notices as store
from booking_core.storage.database import Documents, within_deadline

LIMIT = 50


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice, as facts. ``kind`` is ``displaced`` or ``reinstated``; ``at`` is aware (UTC).

    ``slot`` is the booking's slot at that time; ``booking`` is the booking as it is now, None
    when it is not stored any more.
    """

    id: str
    at: datetime
    to: str
    kind: str
    booking_id: str
    slot: Slot
    reason: str
    by_name: str
    read: bool
    booking: Booking | None = None


@within_deadline
def notices_for(
    db: Documents, account_id: str, *, unread_only: bool = True, limit: int = LIMIT
) -> list[Notice]:
    """The notices to ``account_id``, newest first, at most ``limit`` (1 to 1000)."""
    account_id = check_id(account_id, "account_id")
    check_limit(limit)
    rows = store.find(db, account_id, unread_only, limit)
    found = booking_queries.of_ids(db, {row["booking_id"] for row in rows}) if rows else []
    bookings = {booking.id: booking for booking in found}
    return [
        Notice(
            row["_id"],
            row["at"],
            row["to"],
            row["kind"],
            row["booking_id"],
            d.to_slot(row["slot"]),
            row["reason"],
            row["by_name"],
            row["read"],
            bookings.get(row["booking_id"]),
        )
        for row in rows
    ]


@within_deadline
def mark_read(db: Documents, ids: Iterable[str], *, by: Actor) -> int:
    """Marks the notices ``ids`` to ``by`` as read; how many were unread."""
    check_actor(by)
    if isinstance(ids, str) or not isinstance(ids, Iterable):
        raise InvalidRequest("ids", "must be a list of ids")
    return store.mark_read(db, [check_id(id, "ids") for id in ids], by.id)
