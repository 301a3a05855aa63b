"""Counting tries at the door: each is counted before the password is looked at.

So of many tries at the same moment no more come through than of as many one after another. One
that turns out well is taken back.
"""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from booking_core.storage import schema
from booking_core.storage.database import Documents, collection, reachable

ALLOWED = 5  # the fifth failure within the window begins the delays
WINDOW = timedelta(minutes=15)
DELAYS = tuple(timedelta(seconds=s) for s in (30, 60, 120, 240, 480, 900))
_KEPT = 8  # of the latest tries; a delay lies between any two beyond the fifth
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


class Try:
    """One counted try. ``wait_seconds`` is None where it may be made."""

    def __init__(self, key: str, id: str, wait_seconds: int | None) -> None:
        self.key, self.id, self.wait_seconds = key, id, wait_seconds


def key_of(kind: str, text: str) -> str:
    """What is stored of whatever was typed: always as short, and nothing to read."""
    return hashlib.sha256(f"{kind}:{text}".encode("utf-8", "surrogatepass")).hexdigest()


def begin(db: Documents, key: str, now: datetime) -> Try:
    """Counts a try as a failure, unless a delay runs: then it counts for nothing."""
    id = uuid4().hex
    for last in (False, True):
        try:
            with reachable():
                after: Any = collection(db, schema.ATTEMPTS).find_one_and_update(
                    {"_id": key},
                    _counted(id, now),
                    upsert=True,
                    return_document=ReturnDocument.AFTER,
                )
            break
        except DuplicateKeyError:  # another made the document at this very moment
            if last:
                raise
    if any(entry["id"] == id for entry in after["recent"]):
        return Try(key, id, None)
    return Try(key, id, max(1, math.ceil((after["until"] - now).total_seconds())))


def take_back(db: Documents, tried: Try) -> None:
    """As if this try had never been made."""
    mine = {"$eq": ["$by", tried.id]}
    with reachable():
        collection(db, schema.ATTEMPTS).update_one(
            {"_id": tried.key, "recent.id": tried.id},
            [
                {
                    "$set": {
                        "recent": {
                            "$filter": {
                                "input": "$recent",
                                "cond": {"$ne": ["$$this.id", tried.id]},
                            }
                        },
                        "until": {"$cond": [mine, _NEVER, "$until"]},
                        "level": {"$cond": [mine, {"$subtract": ["$level", 1]}, "$level"]},
                    }
                }
            ],
        )


def forget(db: Documents, key: str) -> None:
    """All failures of ``key``."""
    with reachable():
        collection(db, schema.ATTEMPTS).delete_one({"_id": key})


def _counted(id: str, now: datetime) -> list[dict[str, Any]]:
    """One atomic change: the try is counted, and the delay after it begins, if none runs yet."""
    until = [now + delay for delay in DELAYS]
    longest = len(DELAYS) - 1
    return [
        {
            "$set": {
                "recent": {
                    "$filter": {
                        "input": {"$ifNull": ["$recent", []]},
                        "cond": {"$gt": ["$$this.at", now - WINDOW]},
                    }
                },
                # A window without a delay, and the next one is a short one again.
                "level": {
                    "$cond": [
                        {"$lt": [{"$ifNull": ["$until", _NEVER]}, now - WINDOW]},
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
                                -_KEPT,
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
                                {"$gte": [{"$size": "$recent"}, ALLOWED]},
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
                        {"$arrayElemAt": [until, {"$min": ["$level", longest]}]},
                        "$until",
                    ]
                },
                "by": {"$cond": ["$delayed", id, {"$ifNull": ["$by", ""]}]},
                "level": {"$cond": ["$delayed", {"$add": ["$level", 1]}, "$level"]},
            }
        },
        {"$set": {"expires_at": {"$add": [{"$max": ["$until", now]}, _millis(WINDOW)]}}},
        {"$unset": ["open", "delayed"]},
    ]


def _millis(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)
