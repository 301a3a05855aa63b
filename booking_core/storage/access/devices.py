"""Browsers in which an account has signed in, stored under a hash. The server removes old ones."""

from __future__ import annotations

from datetime import datetime

from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.schema import schema


def is_known(db: Documents, key: str, account_id: str, epoch: int, now: datetime) -> bool:
    """Whether ``key`` is stored for this account at this epoch, and has not expired."""
    condition = {
        "_id": key,
        "account_id": account_id,
        "epoch": epoch,
        "expires_at": {"$gt": now},
    }
    with reachable():
        return collection(db, schema.DEVICES).find_one(condition, {"_id": 1}) is not None


def remember(
    db: Documents, key: str, account_id: str, epoch: int, expires_at: datetime, *, most: int
) -> None:
    """Stores ``key``, or extends it; of the account's keys the ``most`` latest stay."""
    with reachable():
        devices = collection(db, schema.DEVICES)
        fields = {"account_id": account_id, "epoch": epoch, "expires_at": expires_at}
        devices.replace_one({"_id": key}, fields, upsert=True)
        beyond = devices.find(
            {"account_id": account_id}, {"_id": 1}, sort=[("expires_at", -1)], skip=most
        )
        if ids := [row["_id"] for row in beyond]:
            devices.delete_many({"_id": {"$in": ids}})
