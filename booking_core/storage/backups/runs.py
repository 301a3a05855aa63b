"""The lease under which one process of many makes the automatic backup, and how the last one went.

One document has both. The lease ends by itself: a process that is killed or cut off holds it for
LEASE at most.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pymongo.errors import DuplicateKeyError

from booking_core.storage import readable as r
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.schema import schema

LEASE = timedelta(minutes=2)
_RUN = "automatic_backup"


class BackupRun(NamedTuple):
    """``done_for``: the time for which the last good automatic backup was made; None for none.

    ``failed_at`` and ``problem`` are of the last attempt, if it failed. Moments are aware (UTC).
    """

    done_for: datetime | None = None
    failed_at: datetime | None = None
    problem: str = ""


def take(db: Documents, token: str, due: datetime, now: datetime) -> bool:
    """Takes the lease for ``token``.

    False where another process has it, where an attempt failed a moment ago, and where the backup
    for ``due`` is made already.
    """
    condition = {
        "_id": _RUN,
        "$and": [
            {"$or": [{"until": {"$exists": False}}, {"until": {"$lte": now}}]},
            {"$or": [{"done_for": {"$exists": False}}, {"done_for": {"$lt": due}}]},
        ],
    }
    held = {"by": token, "until": now + LEASE}
    with reachable():
        try:
            done = collection(db, schema.META).update_one(
                condition,
                {"$set": held, "$setOnInsert": {"grounds": 0, "students": 0}},
                upsert=True,
            )
        except DuplicateKeyError:  # it exists, and the condition does not hold
            return False
    return bool(done.matched_count or done.upserted_id)


def renew(db: Documents, token: str, now: datetime) -> bool:
    """Extends the lease of ``token``; False where it has lost it."""
    return _change(db, token, {"$set": {"until": now + LEASE}})


def finish(db: Documents, token: str, due: datetime) -> bool:
    """Ends the lease of ``token``: the backup for ``due`` is made. False where it was lost."""
    unset = dict.fromkeys(("by", "until", "failed_at", "problem"), "")
    return _change(db, token, {"$set": {"done_for": due}, "$unset": unset})


def fail(db: Documents, token: str, at: datetime, problem: str, pause: timedelta) -> bool:
    """Notes why the attempt of ``token`` failed; the lease can be taken again after ``pause``."""
    kept = {"failed_at": at, "problem": problem, "until": at + pause}
    return _change(db, token, {"$set": kept, "$unset": {"by": ""}})


def note_problem(db: Documents, due: datetime, at: datetime, problem: str) -> None:
    """Notes what went wrong after the backup for ``due``, unless another one was made since."""
    with reachable():
        collection(db, schema.META).update_one(
            {"_id": _RUN, "done_for": due}, {"$set": {"failed_at": at, "problem": problem}}
        )


def last(db: Documents) -> BackupRun:
    """How the last automatic backups went."""
    with reachable():
        kept = collection(db, schema.META).find_one({"_id": _RUN}) or {}
    return BackupRun(
        r.moment(kept, "done_for") if "done_for" in kept else None,
        r.moment(kept, "failed_at") if "failed_at" in kept else None,
        str(kept.get("problem", "")),
    )


def _change(db: Documents, token: str, change: dict[str, Any]) -> bool:
    with reachable():
        outcome = collection(db, schema.META).update_one({"_id": _RUN, "by": token}, change)
    return bool(outcome.matched_count)
