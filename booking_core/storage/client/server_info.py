"""Facts about the server, as the doctor reports them. Each raises StoreUnavailable."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pymongo.errors import OperationFailure

from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.transactions import transact
from booking_core.storage.client.verbs import reachable
from booking_core.storage.schema.schema import META

_TRANSACTION_LIMIT = "transactionLifetimeLimitSeconds"


class Topology(NamedTuple):
    """``name`` of the replica set, None without one; a sharded cluster has no members here."""

    name: str | None
    members: int
    is_sharded: bool


def latency(db: Documents) -> float:
    """Milliseconds that an answer takes."""
    with reachable():
        began = time.perf_counter()
        db.client.admin.command("ping")
        return (time.perf_counter() - began) * 1000


def version(db: Documents) -> str:
    """Such as ``6.0.5``."""
    with reachable():
        return str(db.client.server_info()["version"])


def offers_zlib(db: Documents) -> bool:
    """Whether the server takes messages that are compressed with zlib."""
    with reachable():
        answer = db.client.admin.command({"hello": 1, "compression": ["zlib"]})
    return "zlib" in answer.get("compression", ())


def topology(db: Documents) -> Topology:
    """What the server belongs to."""
    hello = _hello(db)
    is_sharded = hello.get("msg") == "isdbgrid"
    return Topology(hello.get("setName"), len(hello.get("hosts", ())), is_sharded)


def clock(db: Documents) -> datetime:
    """The server's time (aware, UTC)."""
    moment: datetime = _hello(db)["localTime"]
    return moment.replace(tzinfo=UTC)


def try_transaction(db: Documents) -> None:
    """Reads in a transaction, which is the way of closings and of changes of the school."""
    transact(db, lambda session: collection(db, META).find_one({}, session=session))


def transaction_limit(db: Documents) -> int | None:
    """After how many seconds the server ends a transaction; None where it may not be read."""
    with reachable():
        try:
            answer = db.client.admin.command({"getParameter": 1, _TRANSACTION_LIMIT: 1})
        except OperationFailure:
            return None
    return int(answer[_TRANSACTION_LIMIT])


def _hello(db: Documents) -> dict[str, Any]:
    with reachable():
        return db.client.admin.command("hello")
