"""Numbered migrations. A database remembers the number of the last one that is complete.

Each migration may be interrupted at any point and run again, and may run in several processes at
once. It runs while applications of the version before are at work: the validators refuse their
writes from its first step on, and say that the application must be updated. This application
stops with UpdateNeeded when it meets a database of a newer version.

    1   the schema with three unique indexes on marks of 15 minutes, and whatever came before it
    2   claims of 5 minutes behind the one index ``one_holder_per_claim``
    3   keys of names and ids that people cannot tell apart, behind unique indexes
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from pymongo import UpdateOne
from pymongo.errors import OperationFailure

from booking_core.domain.claims import claims_of
from booking_core.domain.errors import SchemaConflict, UpdateNeeded
from booking_core.storage import indexes, keys, schema
from booking_core.storage.documents import Document, to_booking

Documents = indexes.Documents
_BATCH = 500
# IndexNotFound, IndexBuildAborted, Interrupted, BackgroundOperationInProgressForNamespace
_BUSY = (27, 276, 11601, 12587)
_TRIES = 50


def ensure(db: Documents) -> None:
    """Brings the database to the version of this application; does nothing to one that is there.

    Raises SchemaConflict, with the offenders and nothing changed, when stored bookings break a
    claim or two names or ids are one, and UpdateNeeded for a database of a newer version.
    """
    for tries_left in reversed(range(_TRIES)):
        try:
            _ensure(db)
            return
        except OperationFailure as exc:
            if not tries_left or exc.code not in _BUSY:
                raise
        # Another process builds or drops an index of the same collection at this moment.
        time.sleep(random.uniform(0.1, 0.3))


def _ensure(db: Documents) -> None:
    stored = version(db)
    if stored > schema.VERSION:
        raise UpdateNeeded(stored, schema.VERSION)
    missing = set(schema.UNIQUE_INDEXES) & set(indexes.index_faults(db))
    if missing and (offenders := indexes.find_offenders(db)):
        raise SchemaConflict(offenders)
    if stored < _KEYS and (offenders := keys.find_colliding(db)):
        raise SchemaConflict(offenders)
    indexes.create_collections(db)
    for number, migrate in _MIGRATIONS.items():
        if stored < number:
            migrate(db)
    indexes.build_indexes(db)
    _remember(db, stored)


def version(db: Documents) -> int:
    """The number of the last complete migration; 0 for an empty database, or a foreign one."""
    kept = db[schema.META].find_one({"_id": "revision"}) or {}
    return int(kept.get("schema", 1 if kept else 0))


def new_counters() -> dict[str, int]:
    """Revisions for a school that was not here before.

    Random ones: a process may still keep the school that had the same name, and no number of it
    may come again when the database was dropped.
    """
    return {name: secrets.randbelow(2**48) for name in (schema.GROUNDS, schema.STUDENTS)}


def _remember(db: Documents, stored: int) -> None:
    meta = db[schema.META]
    meta.update_one(
        {"_id": "revision"},
        {"$setOnInsert": {**new_counters(), "schema": schema.VERSION}},
        upsert=True,
    )
    if stored < schema.VERSION:
        # The counters move too, so that every running application reads everything again.
        meta.update_one(
            {"_id": "revision", "schema": {"$not": {"$gte": schema.VERSION}}},
            {"$set": {"schema": schema.VERSION}, "$inc": {"grounds": 1, "students": 1}},
        )


def _store_claims(db: Documents) -> None:
    """Migration 2: every booking gets its claims in place of its cells.

    Nobody can book meanwhile, so no slot needs a guard: the validator refuses bookings without
    claims, which an application of before writes, and this one needs the index on claims. The
    indexes of before are dropped first: without cells all bookings of a day would be one to them.
    """
    indexes.drop_superseded(db)
    without = {"claims": {"$exists": False}, "kind": {"$exists": True}}
    rows = db[schema.BOOKINGS].find(without, batch_size=_BATCH)
    for batch in _batches(rows):
        writes = [
            UpdateOne(
                {"_id": row["_id"], "claims": {"$exists": False}},
                {"$set": {"claims": claims_of(to_booking(row))}, "$unset": {"cells": ""}},
            )
            for row in batch
        ]
        db[schema.BOOKINGS].bulk_write(writes, ordered=False)
    _record_single_closures(db)


def _record_single_closures(db: Documents) -> None:
    """An entry of the audit log for each closure of before that has none: those without a group.

    The audit reads closures from the audit log alone.
    """
    alone = {"kind": "closure", "closure_group": {"$exists": False}}
    for row in db[schema.BOOKINGS].find(alone):
        closure = to_booking(row)
        for place, entry in enumerate(closure.history):
            written = {
                "at": entry.at,
                "by": entry.by,
                "by_name": entry.by_name,
                "action": entry.action,
                "what": "closure",
                "id": closure.id,
                "details": {
                    "grounds": [closure.ground_id],
                    "first": closure.date.isoformat(),
                    "last": closure.date.isoformat(),
                    "start": f"{closure.start:%H:%M}",
                    "end": f"{closure.end:%H:%M}",
                    "reason": closure.purpose,
                    "displaced": 0,
                },
            }
            id = f"{closure.id}/{place}"
            db[schema.AUDIT].update_one({"_id": id}, {"$setOnInsert": written}, upsert=True)


def _store_keys(db: Documents) -> None:
    """Migration 3: grounds, timetables and students get their keys, and texts in normal form.

    Accounts get texts in normal form: a stored name that a value refuses could not be read.
    """
    for name in (*schema.KEYED, schema.ACCOUNTS):
        for batch in _batches(db[name].find(batch_size=_BATCH)):
            writes = [
                # As it was read: a change made meanwhile by this version is in form already.
                UpdateOne(row, {"$set": {field: after[field] for field in after.keys() - {"_id"}}})
                for row in batch
                if (after := keys.repaired(name, row)) != row
            ]
            if writes:
                db[name].bulk_write(writes, ordered=False)


_KEYS = 3
_MIGRATIONS: dict[int, Callable[[Documents], None]] = {2: _store_claims, _KEYS: _store_keys}


def _batches(rows: Any) -> Iterator[list[Document]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch
