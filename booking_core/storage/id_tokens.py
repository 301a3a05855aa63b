"""Which words of an identity provider have opened their session, under a hash of each."""

from __future__ import annotations

from datetime import datetime

from pymongo.errors import DuplicateKeyError

from booking_core.storage import schema
from booking_core.storage.database import Documents, collection, reachable


def spend(db: Documents, key: str, until: datetime) -> bool:
    """Whether nobody spent it before: of all who try, now or until ``until``, one does."""
    try:
        with reachable():
            collection(db, schema.PROOFS).insert_one({"_id": key, "expires_at": until})
    except DuplicateKeyError:
        return False
    return True


def is_spent(db: Documents, key: str) -> bool:
    with reachable():
        return collection(db, schema.PROOFS).find_one({"_id": key}, {"_id": 1}) is not None
