"""Sessions as stored, under the hash of their token. The server removes those that have ended."""

from __future__ import annotations

from datetime import datetime, timedelta

from booking_core.storage import schema
from booking_core.storage.database import Documents, collection, reachable
from booking_core.storage.documents import Document

LONGEST = timedelta(hours=12)
IDLE = timedelta(minutes=60)
TOUCH = timedelta(minutes=1)  # how often a session in use is written down as such


def insert(
    db: Documents, key: str, account_id: str, epoch: int, by_proof: bool, now: datetime
) -> None:
    document: Document = {
        "_id": key,
        "account_id": account_id,
        "epoch": epoch,
        "by_proof": by_proof,
        "created_at": now,
        "seen_at": now,
        "expires_at": now + min(LONGEST, IDLE),
    }
    with reachable():
        collection(db, schema.SESSIONS).insert_one(document)


def read(db: Documents, key: str, now: datetime) -> Document | None:
    """The session, unless it has ended: the server may take a minute to remove it."""
    with reachable():
        return collection(db, schema.SESSIONS).find_one({"_id": key, "expires_at": {"$gt": now}})


def touch(db: Documents, key: str, now: datetime) -> bool:
    """Notes that it was used; whether that was written. One that has ended stays ended."""
    last = {"$add": ["$created_at", int(LONGEST.total_seconds() * 1000)]}
    with reachable():
        outcome = collection(db, schema.SESSIONS).update_one(
            {"_id": key, "expires_at": {"$gt": now}, "seen_at": {"$lte": now - TOUCH}},
            [{"$set": {"seen_at": now, "expires_at": {"$min": [last, now + IDLE]}}}],
        )
    return outcome.modified_count == 1


def delete(db: Documents, key: str) -> None:
    with reachable():
        collection(db, schema.SESSIONS).delete_one({"_id": key})
