"""Notices to the authors of bookings that somebody else changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from booking_core.domain.errors import InvalidRequest
from booking_core.domain.model import Actor
from booking_core.domain.records import Notice
from booking_core.domain.rules import check_actor
from booking_core.domain.validation import check_id, check_limit
from booking_core.storage import notices as store
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.client.database import Documents
from booking_core.storage.client.verbs import within_deadline

LIMIT = 50


@within_deadline
def notices_for(
    db: Documents, account_id: str, *, unread_only: bool = True, limit: int = LIMIT
) -> list[Notice]:
    """The notices to ``account_id``, newest first, at most ``limit`` (1 to 1000)."""
    account_id = check_id(account_id, "account_id")
    check_limit(limit)
    found = store.find(db, account_id, unread_only, limit)
    stored = booking_queries.of_ids(db, {notice.booking_id for notice in found}) if found else []
    bookings = {booking.id: booking for booking in stored}
    return [replace(notice, booking=bookings.get(notice.booking_id)) for notice in found]


@within_deadline
def mark_read(db: Documents, ids: Iterable[str], *, by: Actor) -> int:
    """Marks the notices ``ids`` to ``by`` as read; how many were unread."""
    check_actor(by)
    if isinstance(ids, str) or not isinstance(ids, Iterable):
        raise InvalidRequest("ids", "must be a list of ids")
    return store.mark_read(db, [check_id(id, "ids") for id in ids], by.id)
