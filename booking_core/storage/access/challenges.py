"""Challenges, stored under the hash of their token. The server removes expired ones.

A challenge is open between the right password of an account and the code of its second factor.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from booking_core.storage import readable as r
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import Document
from booking_core.storage.schema import schema


class StoredChallenge(NamedTuple):
    """``epoch`` is that of the account when its password was checked; ``tries``: codes so far."""

    account_id: str
    epoch: int
    tries: int
    expires_at: datetime


def insert(db: Documents, key: str, challenge: StoredChallenge) -> None:
    with reachable():
        collection(db, schema.CHALLENGES).insert_one({"_id": key, **challenge._asdict()})


def read(db: Documents, key: str, now: datetime, *, most_tries: int) -> StoredChallenge | None:
    """The challenge; None if it was answered, has expired, or had ``most_tries`` codes."""
    with reachable():
        found = collection(db, schema.CHALLENGES).find_one(_open(key, now, most_tries))
        return r.readable_one(schema.CHALLENGES, _to_challenge, found)


def count_try(db: Documents, key: str, now: datetime, *, most_tries: int) -> bool:
    """Counts a code, before it is compared; False, and nothing is counted, if no try is left.

    So parallel codes get no more comparisons than the same codes one after another.
    """
    with reachable():
        counted = collection(db, schema.CHALLENGES).update_one(
            _open(key, now, most_tries), {"$inc": {"tries": 1}}
        )
    return counted.modified_count == 1


def spend(db: Documents, key: str) -> bool:
    """Removes the challenge; of parallel calls exactly one returns True."""
    with reachable():
        return collection(db, schema.CHALLENGES).delete_one({"_id": key}).deleted_count == 1


def _open(key: str, now: datetime, most_tries: int) -> Document:
    return {"_id": key, "expires_at": {"$gt": now}, "tries": {"$lt": most_tries}}


def _to_challenge(document: Document) -> StoredChallenge:
    return StoredChallenge(
        r.text(document, "account_id"),
        r.field(document, "epoch", int),
        r.field(document, "tries", int),
        r.moment(document, "expires_at"),
    )
