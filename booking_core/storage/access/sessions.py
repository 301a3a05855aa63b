"""Sessions, stored under the hash of their token. The server removes expired ones."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from booking_core.storage import readable as r
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import Document
from booking_core.storage.schema import schema

_BY_ID_TOKEN = "by_proof"  # the former name stays: sessions outlive an update


class StoredSession(NamedTuple):
    """A session as stored; ``epoch`` is that of its account when it began. Moments are aware.

    ``pending_secret`` is that of a second factor which its user sets up, "" for none.
    """

    account_id: str
    epoch: int
    by_id_token: bool
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    browser: str = ""
    pending_secret: str = ""

    def __repr__(self) -> str:
        return f"StoredSession(of {self.account_id!r})"  # without the secret


def insert(db: Documents, key: str, session: StoredSession) -> None:
    document: Document = {"_id": key, **session._asdict()}
    document[_BY_ID_TOKEN] = document.pop("by_id_token")
    with reachable():
        collection(db, schema.SESSIONS).insert_one(document)


def read(db: Documents, key: str, now: datetime) -> StoredSession | None:
    """The session, or None if there is none or it has expired.

    The expiry is part of the query because the server may take a minute to remove a document.
    """
    with reachable():
        sessions = collection(db, schema.SESSIONS)
        found = sessions.find_one({"_id": key, "expires_at": {"$gt": now}})
        return r.readable_one(schema.SESSIONS, to_session, found)


def to_session(document: Document) -> StoredSession:
    """The value of a stored session. Raises Unreadable."""
    return StoredSession(
        r.text(document, "account_id"),
        r.field(document, "epoch", int),
        r.optional(document, _BY_ID_TOKEN, bool, False),
        r.moment(document, "created_at"),
        r.moment(document, "seen_at"),
        r.moment(document, "expires_at"),
        r.optional(document, "browser", str, ""),
        r.optional(document, "pending_secret", str, ""),
    )


def begin_set_up(db: Documents, key: str, secret: str) -> str:
    """The secret that the session sets up: ``secret``, unless it has one already.

    Returns "" if the session has ended.
    """
    with reachable():
        sessions = collection(db, schema.SESSIONS)
        unset = {"_id": key, "pending_secret": {"$in": ["", None]}}
        sessions.update_one(unset, {"$set": {"pending_secret": secret}})
        found = sessions.find_one({"_id": key}) or {}
    return str(found.get("pending_secret", ""))


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

    Does nothing to an expired session, to one last seen less than ``at_most_every`` ago, nor to one
    that cannot be read.
    """
    end = {"$add": ["$created_at", int(longest.total_seconds() * 1000)]}
    with reachable():
        collection(db, schema.SESSIONS).update_one(
            {
                "_id": key,
                "expires_at": {"$gt": now},
                "seen_at": {"$lte": now - at_most_every},
                "created_at": {"$type": "date"},
                **schema.VALIDATORS[schema.SESSIONS],
            },
            [{"$set": {"seen_at": now, "expires_at": {"$min": [end, now + idle]}}}],
        )


def delete(db: Documents, key: str) -> None:
    """Removes the session; an unknown key is no error."""
    with reachable():
        collection(db, schema.SESSIONS).delete_one({"_id": key})


def find_of(
    db: Documents, account_id: str, epoch: int, now: datetime, *, most: int
) -> list[tuple[str, StoredSession]]:
    """Key and session of those of an account that are valid, the last used first."""
    condition = {"account_id": account_id, "epoch": epoch, "expires_at": {"$gt": now}}
    with reachable():
        rows = collection(db, schema.SESSIONS).find(condition, sort=[("seen_at", -1)], limit=most)
        return list(r.readable(schema.SESSIONS, lambda row: (row["_id"], to_session(row)), rows))


def delete_of(
    db: Documents, account_id: str, *, only: str | None = None, but: str | None = None
) -> int:
    """Removes ``only`` one key of an account, or all ``but`` one; how many it removed."""
    condition: Document = {"account_id": account_id}
    if only is not None:
        condition["_id"] = only
    elif but is not None:
        condition["_id"] = {"$ne": but}
    with reachable():
        return collection(db, schema.SESSIONS).delete_many(condition).deleted_count
