"""Reads and writes whole databases for backups, and keeps the record of the last backup."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby, islice
from typing import NamedTuple, TypeVar

import bson
from pymongo import MongoClient
from pymongo.errors import BulkWriteError

from booking_core.domain.errors import InvalidRequest, UpdateNeeded
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import Document
from booking_core.storage.extended_json import to_json
from booking_core.storage.schema import migrations, schema

# Sessions, challenges, known devices, failed sign-ins and used ID tokens expire; a restored one
# would have no meaning, and a restored mail would be sent again and its links would be open.
_PASSING = (
    schema.MAILS,
    schema.MAIL_LINKS,
    schema.SESSIONS,
    schema.CHALLENGES,
    schema.DEVICES,
    schema.ATTEMPTS,
    schema.PROOFS,
)
COLLECTIONS = tuple(sorted(name for name in schema.VALIDATORS if name not in _PASSING))
_RECORD = "backup"
T = TypeVar("T")
_BATCH = 1000
_DUPLICATE_KEY = 11000


class Entry(NamedTuple):
    """A stored document with its collection and its line in a backup."""

    line: int
    collection: str
    document: Document


def read_all(db: Documents) -> Iterator[tuple[str, str]]:
    """Yields (collection, line of a backup) of each document that is stored, as of one moment."""
    client: MongoClient[Document] = db.client
    with reachable(None), client.start_session(snapshot=True) as session:
        for name in COLLECTIONS:
            for document in db.get_collection(name).find(session=session, batch_size=_BATCH):
                yield name, to_json({"in": name, "is": document})


def is_empty(db: Documents) -> bool:
    """Whether nothing is stored but what the migrations of an empty database leave."""
    with reachable():
        return all(
            collection(db, name).find_one({}, {"_id": 1}) is None
            for name in COLLECTIONS
            if name != schema.META
        )


def clear(db: Documents) -> None:
    """Deletes all that is stored, sessions too, but for what an empty database has."""
    with reachable(None):
        for name in schema.VALIDATORS:
            if name != schema.META:
                db.get_collection(name).delete_many({})


def schema_version(entry: Entry) -> int | None:
    """The version of the schema that ``entry`` states; None for an entry that states none."""
    if entry.collection != schema.META or entry.document["_id"] != "revision":
        return None
    return int(entry.document.get("schema", 1))


def write_all(
    db: Documents,
    entries: Iterable[Entry],
    expected: Mapping[str, int],
    version: int,
    finish: Callable[[], T],
) -> T:
    """Stores ``entries`` in an empty database and brings them to the present schema.

    ``expected`` is the number of documents for each collection, ``version`` the version of their
    schema. Returns what ``finish`` does, which is called last. A failure, also one of ``entries``
    or of ``finish``, leaves the database as it was. Raises InvalidRequest for a database that holds
    data, for a document that may not be stored, and for another number of stored documents;
    UpdateNeeded, SchemaConflict, StoreUnavailable.
    """
    if version > schema.VERSION:
        raise UpdateNeeded(version, schema.VERSION)
    # Checked here and not by the caller: undoing a failure deletes all that is stored.
    if not is_empty(db):
        raise InvalidRequest(
            "database", "holds data already; a backup goes into an empty one (or see --replace)"
        )
    with reachable():
        meta = list(collection(db, schema.META).find())
    try:
        with reachable(None):
            if version < schema.VERSION:
                # Without the present validators and indexes, which refuse the older documents.
                for name in COLLECTIONS:
                    db.drop_collection(name)
            db.get_collection(schema.META).delete_many({})
            for name, group in groupby(entries, key=lambda entry: entry.collection):
                while batch := list(islice(group, _BATCH)):
                    _insert(db, name, batch)
            for name in COLLECTIONS:
                stored = db.get_collection(name).count_documents({})
                if stored != (stated := expected.get(name, 0)):
                    problem = f"holds {stated} documents of {name}; stored: {stored}"
                    raise InvalidRequest("file", problem)
            # Not those of the backup: a process may keep what came after them before.
            db.get_collection(schema.META).update_one(
                {"_id": "revision"}, {"$set": migrations.new_counters()}
            )
            migrations.ensure(db)
            return finish()
    except BaseException:
        _undo(db, meta)
        raise


def _insert(db: Documents, name: str, batch: list[Entry]) -> None:
    try:
        db.get_collection(name).insert_many([entry.document for entry in batch], ordered=False)
    except BulkWriteError as exc:
        error = min(exc.details["writeErrors"], key=lambda error: int(error["index"]))
        message = str(error.get("errmsg", ""))
        reason = message.partition(" full error")[0]
        if error["code"] == _DUPLICATE_KEY and " index: _id_ " in message:
            reason = f"an earlier line has the same _id in {name}"
        raise _unfit(batch[error["index"]].line, reason) from exc
    except (bson.errors.BSONError, OverflowError) as exc:
        for entry in batch:
            try:
                bson.encode(entry.document)
            except (bson.errors.BSONError, OverflowError) as reason:
                raise _unfit(entry.line, reason) from exc
        raise


def _unfit(line: int, reason: object) -> InvalidRequest:
    hint = "“restore --check” lists such documents"
    return InvalidRequest("file", f"holds what may not be stored (line {line}: {reason}); {hint}")


def _undo(db: Documents, meta: list[Document]) -> None:
    with reachable(None):
        for name in COLLECTIONS:
            db.get_collection(name).delete_many({})
        if meta:
            db.get_collection(schema.META).insert_many(meta)
        migrations.ensure(db)  # of an older backup, validators and indexes were dropped


def record(db: Documents, at: datetime, documents: int, size: int) -> None:
    """Records that a backup was made; ``size`` in bytes."""
    with reachable():
        collection(db, schema.META).update_one(
            {"_id": _RECORD},
            {"$set": {"grounds": 0, "students": 0, "at": at, "documents": documents, "size": size}},
            upsert=True,
        )


class LastBackup(NamedTuple):
    """When a backup was made (aware), of how many documents, and its size in bytes."""

    at: datetime
    documents: int
    size: int


def last_record(db: Documents) -> LastBackup | None:
    """The last backup that was recorded; None when none was."""
    with reachable():
        kept = collection(db, schema.META).find_one({"_id": _RECORD})
    return None if kept is None else LastBackup(kept["at"], kept["documents"], kept["size"])


def size(db: Documents) -> tuple[int, int]:
    """Bytes on disk, and the approximate number of bookings and closures."""
    with reachable():
        stats = db.command("dbStats")
        count = collection(db, schema.BOOKINGS).estimated_document_count()
    return int(stats["storageSize"] + stats["indexSize"]), count


def disk(db: Documents) -> tuple[int, int] | None:
    """Free and total bytes of the server's disk; None when the server does not say."""
    with reachable():
        stats = db.command("dbStats")
    total = int(stats.get("fsTotalSize", 0))
    return (total - int(stats["fsUsedSize"]), total) if total else None
