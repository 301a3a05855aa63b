"""Counters of sign-in attempts, by key. Every attempt is counted before its password is checked.

So parallel attempts get no more checks than the same number of attempts one after another. An
attempt that succeeds is taken back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.schema import schema

_SPARE = 3  # attempts kept beyond those that count: one that is taken back leaves enough
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Throttle:
    """The ``allowed``-th attempt within ``window`` starts the first of ``delays``.

    Each attempt after a delay starts the next delay; the last one repeats. After a ``window``
    without a delay, the delays begin with the first again.
    """

    allowed: int
    window: timedelta
    delays: tuple[timedelta, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """``blocked_until`` is None if the attempt was counted, else the end of the running delay."""

    key: str
    id: str
    blocked_until: datetime | None


def count(db: Documents, key: str, throttle: Throttle, now: datetime) -> Attempt:
    """Counts an attempt, atomically, unless a delay runs: then nothing is counted."""
    id = uuid4().hex
    for is_last in (False, True):
        try:
            with reachable():
                after: Any = collection(db, schema.ATTEMPTS).find_one_and_update(
                    {"_id": key},
                    _counted(id, throttle, now),
                    upsert=True,
                    return_document=ReturnDocument.AFTER,
                )
            break
        except DuplicateKeyError:  # another thread has inserted the document meanwhile
            if is_last:
                raise
    was_counted = any(entry["id"] == id for entry in after["recent"])
    return Attempt(key, id, None if was_counted else after["until"])


def take_back(db: Documents, attempt: Attempt) -> None:
    """Removes a counted attempt, and the delay that it started."""
    is_mine = {"$eq": ["$by", attempt.id]}
    with reachable():
        collection(db, schema.ATTEMPTS).update_one(
            {"_id": attempt.key, "recent.id": attempt.id},
            [
                {
                    "$set": {
                        "recent": {
                            "$filter": {
                                "input": "$recent",
                                "cond": {"$ne": ["$$this.id", attempt.id]},
                            }
                        },
                        "until": {"$cond": [is_mine, _NEVER, "$until"]},
                        "level": {"$cond": [is_mine, {"$subtract": ["$level", 1]}, "$level"]},
                    }
                }
            ],
        )


def forget(db: Documents, key: str) -> None:
    """Removes all attempts and the delay of ``key``."""
    with reachable():
        collection(db, schema.ATTEMPTS).delete_one({"_id": key})


def _counted(id: str, throttle: Throttle, now: datetime) -> list[dict[str, Any]]:
    """One atomic update: counts the attempt and starts the delay after it, if none runs yet."""
    window_start = now - throttle.window
    ends = [now + delay for delay in throttle.delays]
    last_level = len(ends) - 1
    window_millis = int(throttle.window.total_seconds() * 1000)
    return [
        {
            "$set": {
                "recent": {
                    "$filter": {
                        "input": {"$ifNull": ["$recent", []]},
                        "cond": {"$gt": ["$$this.at", window_start]},
                    }
                },
                # After a whole window without a delay, the delays begin with the shortest again.
                "level": {
                    "$cond": [
                        {"$lt": [{"$ifNull": ["$until", _NEVER]}, window_start]},
                        0,
                        {"$ifNull": ["$level", 0]},
                    ]
                },
                "until": {"$ifNull": ["$until", _NEVER]},
            }
        },
        {"$set": {"open": {"$lte": ["$until", now]}}},
        {
            "$set": {
                "recent": {
                    "$cond": [
                        "$open",
                        {
                            "$slice": [
                                {"$concatArrays": ["$recent", [{"id": id, "at": now}]]},
                                -(throttle.allowed + _SPARE),
                            ]
                        },
                        "$recent",
                    ]
                }
            }
        },
        {
            "$set": {
                "delayed": {
                    "$and": [
                        "$open",
                        {
                            "$or": [
                                {"$gte": [{"$size": "$recent"}, throttle.allowed]},
                                {"$gt": ["$level", 0]},
                            ]
                        },
                    ]
                }
            }
        },
        {
            "$set": {
                "until": {
                    "$cond": [
                        "$delayed",
                        {"$arrayElemAt": [ends, {"$min": ["$level", last_level]}]},
                        "$until",
                    ]
                },
                "by": {"$cond": ["$delayed", id, {"$ifNull": ["$by", ""]}]},
                "level": {"$cond": ["$delayed", {"$add": ["$level", 1]}, "$level"]},
            }
        },
        {"$set": {"expires_at": {"$add": [{"$max": ["$until", now]}, window_millis]}}},
        {"$unset": ["open", "delayed"]},
    ]
