"""How long a write takes to arrive in a change stream, measured without waking a screen."""

from __future__ import annotations

import time

from pymongo.errors import OperationFailure

from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.schema import schema

_PROBE = "doctor"


class NoChangeStream(Exception):
    """The server opens no change stream."""


def measure(db: Documents, seconds: float) -> float | None:
    """Milliseconds from a write to its event; None where no event comes within ``seconds``.

    The write goes to a document of its own, which the feeds of running apps leave out. Raises
    NoChangeStream, StoreUnavailable.
    """
    pipeline = [{"$match": {"ns.coll": schema.META, "documentKey._id": _PROBE}}]
    with reachable(2 * seconds):
        try:
            stream = db.watch(pipeline, max_await_time_ms=round(seconds * 1000))
        except OperationFailure as exc:
            raise NoChangeStream(str(exc)) from exc
        with stream:
            began = time.perf_counter()
            collection(db, schema.META).update_one(
                {"_id": _PROBE},
                {"$set": {"grounds": 0, "students": 0}, "$inc": {"visits": 1}},
                upsert=True,
            )
            while time.perf_counter() - began < seconds:
                if stream.try_next() is not None:
                    return (time.perf_counter() - began) * 1000
    return None
