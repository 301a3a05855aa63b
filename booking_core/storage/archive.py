"""All that is stored, out and in again, for backups; and the record of the last one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby, islice

from bson import json_util
from pymongo import MongoClient
from pymongo.errors import BulkWriteError

from booking_core.domain.errors import InvalidRequest
from booking_core.storage import migrations, schema
from booking_core.storage.database import Documents, collection, reachable
from booking_core.storage.documents import Document

# Who is signed in and by what, and who failed to, means nothing later.
_PASSING = (schema.SESSIONS, schema.ATTEMPTS, schema.PROOFS)
COLLECTIONS = tuple(sorted(name for name in schema.VALIDATORS if name not in _PASSING))
_RECORD = "backup"
_BATCH = 1000
_BULK = json_util.JSONOptions(
    json_mode=json_util.JSONMode.CANONICAL, tz_aware=True, unicode_decode_error_handler="strict"
)


def read_all(db: Documents) -> Iterator[tuple[str, str]]:
    """(collection, document as Extended JSON) of all, as of one moment."""
    client: MongoClient[Document] = db.client
    with reachable(None), client.start_session(snapshot=True) as session:
        for name in COLLECTIONS:
            for document in db.get_collection(name).find(session=session, batch_size=_BATCH):
                yield name, json_util.dumps(document, json_options=_BULK)


def is_empty(db: Documents) -> bool:
    """Whether nothing is stored but what making the schema leaves."""
    with reachable():
        return all(
            collection(db, name).find_one({}, {"_id": 1}) is None
            for name in COLLECTIONS
            if name != schema.META
        )


def write_all(db: Documents, rows: Iterable[tuple[str, str]]) -> None:
    """Stores what ``read_all`` gave in a database that is empty; on a fault it is empty again.

    Raises InvalidRequest for a database that holds data, with nothing done, and for what may not
    be stored; StoreUnavailable.
    """
    # Here, and not left to the caller: what a fault takes away again is only what came from here.
    if not is_empty(db):
        raise InvalidRequest("database", "holds data already; a backup goes into an empty one")
    try:
        with reachable(None):
            for name, group in groupby(rows, key=lambda row: row[0]):
                if name not in COLLECTIONS:
                    raise InvalidRequest("file", f"holds a collection {name!r}, which is not ours")
                documents = (json_util.loads(text, json_options=_BULK) for _, text in group)
                while batch := list(islice(documents, _BATCH)):
                    if name == schema.META:
                        for one in batch:
                            collection(db, name).replace_one({"_id": one["_id"]}, one, upsert=True)
                    else:
                        collection(db, name).insert_many(batch, ordered=False)
    except BaseException as exc:
        _clear(db)
        if isinstance(exc, BulkWriteError):
            reason = exc.details["writeErrors"][0].get("errmsg", "")
            problem = f"holds what may not be stored ({reason.partition(' full error')[0]})"
            raise InvalidRequest("file", problem) from exc
        raise


def _clear(db: Documents) -> None:
    with reachable(None):
        for name in COLLECTIONS:
            if name != schema.META:
                db.get_collection(name).delete_many({})
        migrations.ensure(db)


def record(db: Documents, at: datetime, documents: int, size: int) -> None:
    """Notes that a backup was made; ``size`` in bytes."""
    with reachable():
        collection(db, schema.META).update_one(
            {"_id": _RECORD},
            {"$set": {"grounds": 0, "students": 0, "at": at, "documents": documents, "size": size}},
            upsert=True,
        )


def last_record(db: Documents) -> Document | None:
    """``{at, documents, size}`` of the last backup; None where none was recorded."""
    with reachable():
        return collection(db, schema.META).find_one({"_id": _RECORD})


def size(db: Documents) -> tuple[int, int]:
    """Bytes on disk, and how many bookings and closures there are, about."""
    with reachable():
        stats = db.command("dbStats")
        count = collection(db, schema.BOOKINGS).estimated_document_count()
    return int(stats["storageSize"] + stats["indexSize"]), count


def disk(db: Documents) -> tuple[int, int] | None:
    """Bytes free and in all, where the server keeps its data; None where it does not tell."""
    with reachable():
        stats = db.command("dbStats")
    total = int(stats.get("fsTotalSize", 0))
    return (total - int(stats["fsUsedSize"]), total) if total else None
