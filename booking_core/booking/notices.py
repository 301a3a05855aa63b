"""What people are told of their bookings when others changed them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from booking_core.domain.errors import InvalidRequest
from booking_core.domain.model import Actor, Booking, Slot
from booking_core.domain.rules import check_actor
from booking_core.domain.validation import check_id, check_limit
from booking_core.storage import documents as d
from booking_core.storage import notices as mailbox
from booking_core.storage.database import Documents

LIMIT = 50


@dataclass(frozen=True, slots=True)
class Notice:
    """One message, as facts. ``kind`` is ``displaced`` or ``reinstated``; ``at`` is aware (UTC).

    ``slot`` is where the booking was then; ``booking`` is what it is now, None when it is gone.
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


def notices_for(
    db: Documents, account_id: str, *, unread_only: bool = True, limit: int = LIMIT
) -> list[Notice]:
    """What ``account_id`` was told, newest first, at most ``limit`` (1 to 1000)."""
    account_id = check_id(account_id, "account_id")
    check_limit(limit)
    rows = mailbox.find(db, account_id, unread_only, limit)
    bookings = mailbox.bookings(db, [row["booking_id"] for row in rows])
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


def mark_read(db: Documents, ids: Iterable[str], *, by: Actor) -> int:
    """Marks those of ``ids`` that were sent to ``by``; how many were unread."""
    check_actor(by)
    if isinstance(ids, str) or not isinstance(ids, Iterable):
        raise InvalidRequest("ids", "must be a list of ids")
    return mailbox.mark_read(db, [check_id(id, "ids") for id in ids], by.id)


def notice_document(
    kind: str, booking: Booking, by: Actor, reason: str, at: datetime
) -> d.Document:
    """What is stored to tell who made ``booking`` that ``by`` changed it."""
    slot = d.slot_fields(booking.ground_id, booking.date, booking.start, booking.end)
    del slot["cells"]
    return {
        "_id": str(uuid4()),
        "at": at,
        "to": booking.created_by,
        "kind": kind,
        "booking_id": booking.id,
        "slot": slot,
        "reason": reason,
        "by_name": by.name,
        "read": False,
    }
