"""Hashes of the login tokens that have opened a session."""

from __future__ import annotations

from datetime import datetime

from pymongo.errors import DuplicateKeyError

from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.schema import schema


def spend(db: Documents, key: str, until: datetime) -> bool:
    """Stores ``key`` until ``until``; False if it is stored already.

    Of parallel calls with one key, exactly one returns True.
    """
    try:
        with reachable():
            collection(db, schema.PROOFS).insert_one({"_id": key, "expires_at": until})
    except DuplicateKeyError:
        return False
    return True
