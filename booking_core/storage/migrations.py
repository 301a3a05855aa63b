"""Making a database be as ``schema.py`` says, also while other processes do the same.

No guard is ever missing on the way: what guards the slots is dropped only when another stands.
"""

from __future__ import annotations

from typing import Any

from pymongo.database import Database
from pymongo.errors import CollectionInvalid, DuplicateKeyError, OperationFailure

from booking_core.domain.errors import SchemaConflict
from booking_core.storage.schema import (
    BOOKINGS,
    LEGACY_INDEX,
    LEGACY_KEYS,
    LISTING_INDEXES,
    META,
    OTHER_INDEXES,
    UNIQUE_INDEXES,
    VALIDATORS,
)

Documents = Database[dict[str, Any]]


def find_offenders(db: Documents, names: list[str] | None = None) -> list[dict[str, Any]]:
    """Groups of stored documents that break a unique index, at most 100 per index.

    Each is ``{"index": name, "key": {...}, "ids": [...]}``; a booking that collides with another
    in several cells is named once a cell.
    """
    offenders: list[dict[str, Any]] = []
    for name in UNIQUE_INDEXES if names is None else names:
        keys, where = UNIQUE_INDEXES[name]
        pipeline: list[dict[str, Any]] = [{"$match": where}]
        if "cells" in keys:
            pipeline.append({"$unwind": {"path": "$cells", "preserveNullAndEmptyArrays": True}})
        labels = {key: key.replace(".", "_") for key in keys}
        pipeline += [
            {
                "$group": {
                    "_id": {labels[key]: f"${key}" for key in keys},
                    "ids": {"$addToSet": {"$toString": "$_id"}},
                }
            },
            {"$match": {"ids.1": {"$exists": True}}},
            {"$sort": {"_id": 1}},
            {"$limit": 100},
        ]
        offenders += [
            {"index": name, "key": row["_id"], "ids": sorted(row["ids"])}
            for row in db[BOOKINGS].aggregate(pipeline, allowDiskUse=True)
        ]
    return offenders


def index_faults(db: Documents) -> list[str]:
    """Names of our indexes that are missing or differ, and of those that ours supersede."""
    present = db[BOOKINGS].index_information()
    faults = [name for name in UNIQUE_INDEXES if not _stands(name, present)]
    faults += [name for name in LISTING_INDEXES if not _lists(name, present)]
    for name, indexes in OTHER_INDEXES.items():
        stored = db[name].index_information()
        faults += [index for index in indexes if not _other_stands(name, index, stored)]
    return faults + _superseded(present)


def validator_faults(db: Documents) -> list[str]:
    """Names of collections whose validator is missing or differs from ours."""
    stored = {row["name"]: row.get("options", {}) for row in db.list_collections()}
    return [
        name
        for name, validator in VALIDATORS.items()
        if stored.get(name, {}).get("validator") != validator
    ]


def apply(db: Documents) -> None:
    """Create what is missing; raises SchemaConflict, with nothing changed, on unfit data."""
    present = db[BOOKINGS].index_information()
    missing = [name for name in UNIQUE_INDEXES if not _stands(name, present)]
    if missing and (offenders := find_offenders(db, missing)):
        raise SchemaConflict(offenders)

    existing = set(db.list_collection_names())
    faulty = set(validator_faults(db))
    for name, validator in VALIDATORS.items():
        if name not in existing:
            try:
                db.create_collection(name, validator=validator)
            except CollectionInvalid:  # another process made it a moment ago
                pass
            except OperationFailure as exc:
                if exc.code != 48:  # NamespaceExists: likewise
                    raise
        elif name in faulty:
            db.command("collMod", name, validator=validator)

    for name in missing:
        _build_guard(db, name)
    for name, keys in LISTING_INDEXES.items():
        if not _lists(name, present):
            _build(db, name, list(keys.items()))
    for name, indexes in OTHER_INDEXES.items():
        stored = db[name].index_information()
        for index, (keys, options) in indexes.items():
            if not _other_stands(name, index, stored):
                if index in stored:
                    _drop(db, index, name)
                db[name].create_index(list(keys.items()), name=index, **options)
    # Last: until ours stand, the old index is better than none.
    for name in _superseded(db[BOOKINGS].index_information()):
        _drop(db, name)
    db[META].update_one(
        {"_id": "revision"}, {"$setOnInsert": {"grounds": 0, "students": 0}}, upsert=True
    )


def _build_guard(db: Documents, name: str) -> None:
    """Builds a unique index; what has its name, or its keys under another name, gives way."""
    fields, where = UNIQUE_INDEXES[name]
    keys = [(field, 1) for field in fields]
    for _ in range(4):
        if not _create(db, name, keys, where):
            break
        try:
            # A hidden one counts as built, and reads cannot ask for it by name.
            db.command("collMod", BOOKINGS, index={"name": name, "hidden": False})
            return
        except OperationFailure as exc:
            if exc.code != 27:  # IndexNotFound: another process is replacing it this moment
                raise
    # What is in the way may be all that guards the slots, and others may be booking: one that
    # says the same in other words stands in. Where that one cannot be built, nothing is dropped.
    stand_in = f"{name}_stand_in"
    _create(db, stand_in, keys, where | {"_id": {"$exists": True}})
    _build(db, name, keys, where, but=stand_in)
    _drop(db, stand_in)


def _build(
    db: Documents,
    name: str,
    keys: list[tuple[str, int]],
    where: dict[str, Any] | None = None,
    but: str = "",
) -> None:
    """Builds an index in the place of whatever has its name or keys, apart from ``but``."""
    for last in (False, False, False, True):  # another process may be at the same
        if _create(db, name, keys, where, must=last):
            return
        present = db[BOOKINGS].index_information()
        same = [n for n, info in present.items() if n == name or info["key"] == keys]
        # Servers before 5.0 know indexes by their keys alone: there nothing can stand in.
        for other in [n for n in same if n != but] or same:
            _drop(db, other)


def _create(
    db: Documents,
    name: str,
    keys: list[tuple[str, int]],
    where: dict[str, Any] | None = None,
    must: bool = False,
) -> bool:
    """Whether the index now stands; False, unless it ``must``, when another has its name or keys.

    With ``where`` it is a unique one. Raises SchemaConflict for data that breaks it.
    """
    options: dict[str, Any] = (
        {} if where is None else {"unique": True, "partialFilterExpression": where}
    )
    try:
        db[BOOKINGS].create_index(keys, name=name, **options)
    except DuplicateKeyError as exc:  # booked since the look
        raise SchemaConflict(find_offenders(db)) from exc
    except OperationFailure as exc:
        if must or exc.code not in (85, 86):  # IndexOptionsConflict, IndexKeySpecsConflict
            raise
        return False
    return True


def _drop(db: Documents, name: str, collection: str = BOOKINGS) -> None:
    try:
        db[collection].drop_index(name)
    except OperationFailure as exc:
        if exc.code != 27:  # IndexNotFound: another process dropped it a moment ago
            raise


def _stands(name: str, present: Any) -> bool:
    keys, where = UNIQUE_INDEXES[name]
    info = present.get(name)
    return bool(
        info
        and info.get("unique")
        and info["key"] == [(key, 1) for key in keys]
        and info.get("partialFilterExpression") == where
        and not info.get("hidden")
        and "collation" not in info
    )


def _lists(name: str, present: Any) -> bool:
    info = present.get(name)
    return bool(info and info["key"] == list(LISTING_INDEXES[name].items()))


def _other_stands(collection: str, name: str, present: Any) -> bool:
    keys, options = OTHER_INDEXES[collection][name]
    info = present.get(name)
    return bool(
        info
        and info["key"] == list(keys.items())
        and all(info.get(option) == value for option, value in options.items())
    )


def _superseded(present: Any) -> list[str]:
    """The legacy index, and unique ones on our keys under another name.

    The latter refuse what ours refuse, or more: one without our condition would keep the slot of
    a cancelled booking for ever.
    """
    keys = [LEGACY_KEYS, *(set(fields) for fields, _ in UNIQUE_INDEXES.values())]
    return [
        name
        for name, info in present.items()
        if name == LEGACY_INDEX
        or (
            name not in UNIQUE_INDEXES
            and info.get("unique")
            and {key for key, _ in info["key"]} in keys
        )
    ]
