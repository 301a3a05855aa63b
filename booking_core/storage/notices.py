"""Storing, finding and marking notices. A notice is written with the change that it tells of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from pymongo.client_session import ClientSession

from booking_core.domain.model import Actor, Booking
from booking_core.domain.records import Notice
from booking_core.storage import readable as r
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import Document, slot_document, to_slot
from booking_core.storage.schema import schema


def insert(
    db: Documents,
    session: ClientSession | None,
    kind: str,
    changed: Sequence[Booking],
    by: Actor,
    reason: str,
) -> None:
    """A notice to the author of each of the ``changed`` bookings, in the caller's transaction."""
    documents: list[Document] = [
        {
            "_id": str(uuid4()),
            "at": booking.updated_at,
            "to": booking.created_by,
            "kind": kind,
            "booking_id": booking.id,
            "slot": slot_document(booking.slot),
            "reason": reason,
            "by_name": by.name,
            "read": False,
        }
        for booking in changed
    ]
    if documents:
        collection(db, schema.NOTICES).insert_many(documents, session=session)


def withdraw(
    db: Documents, session: ClientSession | None, changed: Sequence[Booking], at: datetime
) -> None:
    """Deletes the unread notices of a change at ``at`` to the authors of ``changed``."""
    condition = {
        "to": {"$in": [booking.created_by for booking in changed]},
        "read": False,
        "at": at,
        "booking_id": {"$in": [booking.id for booking in changed]},
    }
    collection(db, schema.NOTICES).delete_many(condition, session=session)


def find(db: Documents, to: str, unread_only: bool, limit: int) -> list[Notice]:
    """Newest first."""
    condition = {"to": to} | ({"read": False} if unread_only else {})
    with reachable():
        rows = collection(db, schema.NOTICES).find(condition, sort=[("at", -1), ("_id", 1)])
        return list(r.readable(schema.NOTICES, to_notice, rows.limit(limit)))


def to_notice(document: Document) -> Notice:
    """The value of a stored notice, without its booking. Raises Unreadable, InvalidRequest."""
    return Notice(
        r.text(document, "_id"),
        r.moment(document, "at"),
        r.text(document, "to"),
        r.text(document, "kind"),
        r.text(document, "booking_id"),
        to_slot(r.field(document, "slot", dict)),
        r.text(document, "reason"),
        r.text(document, "by_name"),
        r.field(document, "read", bool),
    )


def mark_read(db: Documents, ids: Sequence[str], to: str) -> int:
    """How many of the notices ``ids`` to ``to`` were unread."""
    condition = {"_id": {"$in": list(ids)}, "to": to, "read": False}
    with reachable():
        changed = collection(db, schema.NOTICES).update_many(condition, {"$set": {"read": True}})
        return changed.modified_count
