"""Numbered migrations. A database remembers the number of the last one that is complete.

Each migration may be interrupted at any point and run again, and may run in several processes at
once. It runs while applications of the version before are at work: the validators refuse their
writes from its first step on, and say that the application must be updated. This application
stops with UpdateNeeded when it meets a database of a newer version.

    1   the schema with three unique indexes on marks of 15 minutes, and whatever came before it
    2   claims of 5 minutes behind the one index ``one_holder_per_claim``
    3   keys of names and ids that people cannot tell apart, behind unique indexes
    4   such keys of accounts too, and the texts of bookings and of the school's history in normal
        form, as those of the school are
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from booking_core.domain.claims import claims_of
from booking_core.domain.errors import SchemaConflict, UpdateNeeded
from booking_core.domain.names import key_of
from booking_core.storage import indexes, keys, schema
from booking_core.storage.documents import Document, to_bookings, to_ground
from booking_core.storage.readable import readable

Documents = indexes.Documents
_BATCH = 500
_REFUSED_BY_VALIDATOR = 121


def ensure(db: Documents) -> None:
    """Brings the database to the version of this application; does nothing to one that is there.

    Raises SchemaConflict, with the offenders and nothing changed, when ``find_conflicts`` finds
    any, and UpdateNeeded for a database of a newer version.
    """
    stored = version(db)
    if stored > schema.VERSION:
        raise UpdateNeeded(stored, schema.VERSION)
    # All of the data is examined before the first change of any migration.
    faults = set(indexes.index_faults(db))
    offenders: list[dict[str, Any]] = []
    if faults & schema.UNIQUE_INDEXES.keys():
        offenders += indexes.find_offenders(db)
    if stored < schema.VERSION or faults & schema.KEY_INDEXES:
        offenders += keys.find_colliding(db)
    if offenders:
        raise SchemaConflict(offenders)
    indexes.create_collections(db)
    for number, migrate in _MIGRATIONS.items():
        if stored < number:
            migrate(db)
    indexes.build_indexes(db)
    _remember(db, stored)


def find_conflicts(db: Documents) -> list[dict[str, Any]]:
    """All stored documents that break a unique index, whether or not it is built.

    As ``indexes.find_offenders`` and ``keys.find_colliding`` return them.
    """
    return indexes.find_offenders(db) + keys.find_colliding(db)


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

    Nobody can book meanwhile: the validator refuses every write to a document without claims, and
    applications of before write none. They can still change the status of a document that has its
    claims already, so active bookings come first. These exclude nothing of each other, whatever
    their status becomes. Then the index is built, and after it the others get their claims: one
    that becomes active again meets the index. The indexes of before are dropped first: without
    cells all bookings of a day would be one to them.
    """
    indexes.drop_superseded(db)
    _fill_claims(db, schema.HOLDS)
    indexes.build_unique(db)
    _fill_claims(db, {})
    _record_single_closures(db)


def _fill_claims(db: Documents, among: Mapping[str, Any]) -> None:
    without = {"claims": {"$exists": False}, "kind": {"$exists": True}}
    rows = db[schema.BOOKINGS].find({**without, **among}, batch_size=_BATCH)
    for batch in _batches(rows):
        writes = [
            UpdateOne(
                {"_id": booking.id, "claims": {"$exists": False}},
                {"$set": {"claims": claims_of(booking)}, "$unset": {"cells": ""}},
            )
            for booking in to_bookings(batch)
        ]
        if writes:
            db[schema.BOOKINGS].bulk_write(writes, ordered=False)


def _record_single_closures(db: Documents) -> None:
    """An entry of the audit log for each closure of before that has none: those without a group.

    The audit reads closures from the audit log alone.
    """
    alone = {"kind": "closure", "closure_group": {"$exists": False}}
    for closure in to_bookings(db[schema.BOOKINGS].find(alone)):
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

    A stored name that a value refuses could not be read.
    """
    for name in (schema.GROUNDS, schema.TIMETABLES, schema.STUDENTS):
        _rewrite(db, name, partial(keys.repaired, name))


def _store_normal_forms(db: Documents) -> None:
    """Migration 4: accounts get their keys; bookings and the school's history get normal forms.

    A booking keeps its id, also where that was made from the text of its game by an import.
    """
    _rewrite(db, schema.ACCOUNTS, partial(keys.repaired, schema.ACCOUNTS))
    _rewrite(db, schema.SCHOOL_HISTORY, keys.repaired_copy)
    # Grounds are in form by now. What they call a game, their bookings call it.
    games = {
        ground.id: {key_of(game): game for game in ground.games}
        for ground in readable(schema.GROUNDS, to_ground, db[schema.GROUNDS].find())
    }
    fields = dict.fromkeys(("ground_id", *keys.BOOKING_TEXTS), 1)
    repaired = partial(keys.repaired_booking, games)
    _rewrite(db, schema.BOOKINGS, repaired, {"kind": {"$exists": True}}, fields)


def _rewrite(
    db: Documents,
    name: str,
    repaired: Callable[[Document], Document],
    among: Mapping[str, Any] | None = None,
    fields: Mapping[str, Any] | None = None,
) -> None:
    """Stores what ``repaired`` returns for each document of a collection, where it differs.

    A document that cannot be read stays as it is: the validator may refuse it.
    """
    for batch in _batches(db[name].find(among, fields, batch_size=_BATCH)):
        writes = [
            # As it was read: a change made meanwhile by this version is in form already.
            UpdateOne(row, {"$set": {field: after[field] for field in after.keys() - {"_id"}}})
            for row, after in readable(name, lambda row: (row, repaired(row)), batch)
            if after != row
        ]
        try:
            if writes:
                db[name].bulk_write(writes, ordered=False)
        except BulkWriteError as exc:
            errors = (exc.details or {}).get("writeErrors", ())
            if not errors or any(error["code"] != _REFUSED_BY_VALIDATOR for error in errors):
                raise


CLAIMS = 2
_MIGRATIONS: dict[int, Callable[[Documents], None]] = {
    CLAIMS: _store_claims,
    3: _store_keys,
    4: _store_normal_forms,
}


def _batches(rows: Any) -> Iterator[list[Document]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch
