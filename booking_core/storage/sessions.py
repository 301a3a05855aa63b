"""Sessions, stored under the hash of their token. The server removes expired ones."""

from __future__ import annotations

from datetime import datetime, timedelta

from booking_core.storage import readable as r
from booking_core.storage import schema
from booking_core.storage.database import Documents, collection, reachable
from booking_core.storage.documents import Document


def insert(
    db: Documents,
    key: str,
    account_id: str,
    epoch: int,
    *,
    by_id_token: bool,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Stores a session that begins ``now``; ``epoch`` is the one read with its account."""
    document: Document = {
        "_id": key,
        "account_id": account_id,
        "epoch": epoch,
        "by_proof": by_id_token,  # the former name of the field: sessions outlive an update
        "created_at": now,
        "seen_at": now,
        "expires_at": expires_at,
    }
    with reachable():
        collection(db, schema.SESSIONS).insert_one(document)


def read(db: Documents, key: str, now: datetime) -> Document | None:
    """The session, or None if there is none or it has expired.

    The expiry is part of the query because the server may take a minute to remove a document.
    """
    with reachable():
        sessions = collection(db, schema.SESSIONS)
        found = sessions.find_one({"_id": key, "expires_at": {"$gt": now}})
        return r.readable_one(schema.SESSIONS, checked, found)


def checked(document: Document) -> Document:
    """The document of a session, its fields checked. Raises Unreadable."""
    r.text(document, "account_id")
    r.field(document, "epoch", int)
    r.optional(document, "by_proof", bool, False)
    for name in ("created_at", "seen_at", "expires_at"):
        r.moment(document, name)
    return document


def touch(
    db: Documents,
    key: str,
    now: datetime,
    *,
    idle: timedelta,
    longest: timedelta,
    at_most_every: timedelta,
) -> None:
    """Extends the session to ``idle`` from now, and no further than ``longest`` from its start.

    Does nothing to an expired session, nor to one last seen less than ``at_most_every`` ago.
    """
    end = {"$add": ["$created_at", int(longest.total_seconds() * 1000)]}
    with reachable():
        collection(db, schema.SESSIONS).update_one(
            {"_id": key, "expires_at": {"$gt": now}, "seen_at": {"$lte": now - at_most_every}},
            [{"$set": {"seen_at": now, "expires_at": {"$min": [end, now + idle]}}}],
        )


def delete(db: Documents, key: str) -> None:
    """Removes the session; an unknown key is no error."""
    with reachable():
        collection(db, schema.SESSIONS).delete_one({"_id": key})
