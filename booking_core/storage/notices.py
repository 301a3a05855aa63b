"""Reading and marking notices. They are written with the change that they tell of (``unit.py``)."""

from __future__ import annotations

from collections.abc import Sequence

from booking_core.domain.model import Booking
from booking_core.storage import schema
from booking_core.storage.database import Documents, collection, reachable
from booking_core.storage.documents import Document, to_booking


def find(db: Documents, to: str, unread_only: bool, limit: int) -> list[Document]:
    """Newest first."""
    condition = {"to": to} | ({"read": False} if unread_only else {})
    with reachable():
        rows = collection(db, schema.NOTICES).find(condition, sort=[("at", -1), ("_id", 1)])
        return list(rows.limit(limit))


def bookings(db: Documents, ids: Sequence[str]) -> dict[str, Booking]:
    """The bookings with these ids, those that are there."""
    if not ids:
        return {}
    with reachable():
        rows = collection(db, schema.BOOKINGS).find({"_id": {"$in": list(set(ids))}})
        return {row["_id"]: to_booking(row) for row in rows}


def mark_read(db: Documents, ids: Sequence[str], to: str) -> int:
    condition = {"_id": {"$in": list(ids)}, "to": to, "read": False}
    with reachable():
        changed = collection(db, schema.NOTICES).update_many(condition, {"$set": {"read": True}})
        return changed.modified_count
