"""Indexes and validators: the last word on what may be stored.

Each index's name is a constant; ``ledger.py`` translates the violation of these names only.
"""

from __future__ import annotations

from typing import Any

from pymongo.database import Database
from pymongo.errors import CollectionInvalid, DuplicateKeyError, OperationFailure

from booking_core.errors import SchemaConflict
from booking_core.model import ACTIVE, Role, Status
from booking_core.policy import WALL_SHOWS

Documents = Database[dict[str, Any]]

BOOKINGS, GROUNDS, TIMETABLES = "bookings", "grounds", "timetables"
DAYS, STUDENTS, META = "days", "students", "meta"
ACCOUNTS, SESSIONS, ATTEMPTS, PROOFS = "accounts", "sessions", "attempts", "proofs"
GROUND_PHOTOS = "ground_photos"
DELEGATIONS, AUDIT, NOTICES = "delegations", "audit", "notices"

ONE_BOOKING_PER_SLOT = "one_booking_per_slot"
ONE_PLACE_PER_STUDENT = "one_place_per_student"
QUOTA_SEAT = "quota_seat"
# Of the system that this one replaces: with the status in its key it lets a Pending booking in
# beside an Approved one, and its missing fields would make our bookings collide with each other.
LEGACY_INDEX = "unique_active_booking_per_slot"
_LEGACY_KEYS = {"ground", "date", "time", "status"}

_HOLDS = {"status": {"$in": [status.value for status in ACTIVE]}}

# name -> (keys, where it holds)
UNIQUE_INDEXES: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    ONE_BOOKING_PER_SLOT: (("ground_id", "date", "cells"), _HOLDS),
    ONE_PLACE_PER_STUDENT: (
        ("student_id", "date", "cells"),
        _HOLDS | {"student_id": {"$exists": True}},
    ),
    QUOTA_SEAT: (
        ("student_id", "quota.window", "quota.seat"),
        _HOLDS | {"quota": {"$exists": True}},
    ),
}
# Newest first, within each filter of the Bookings page; then the principal's queue.
_LISTINGS = ("ground_id", "status", "student_id", "class_name", "created_by", "date")
LISTING_INDEXES: dict[str, dict[str, int]] = {
    "newest": {"created_at": -1, "_id": -1},
    "latest_change": {"updated_at": -1, "_id": -1},
    **{f"newest_by_{f}": {f: 1, "created_at": -1, "_id": -1} for f in _LISTINGS},
    "queue": {"status": 1, "date": 1, "start": 1, "_id": 1},
    # Of the audit page: one key for each entry of a history, newest first.
    "changes": {"kind": 1, "history.at": -1, "_id": -1},
    "changes_by": {"history.by": 1, "history.action": 1, "history.at": -1, "_id": -1},
    "changes_to": {"history.action": 1, "history.at": -1, "_id": -1},
}

# Of the other collections: name -> (keys, options). Those that expire are emptied by the server.
_ENDS = {"expireAfterSeconds": 0}
OTHER_INDEXES: dict[str, dict[str, tuple[dict[str, int], dict[str, Any]]]] = {
    ACCOUNTS: {
        "one_account_per_email": (
            {"email": 1},
            {"unique": True, "partialFilterExpression": {"email": {"$type": "string"}}},
        )
    },
    SESSIONS: {
        "sessions_end": ({"expires_at": 1}, _ENDS),
        "sessions_of_account": ({"account_id": 1}, {}),
    },
    ATTEMPTS: {"attempts_end": ({"expires_at": 1}, _ENDS)},
    PROOFS: {"proofs_end": ({"expires_at": 1}, _ENDS)},
    DELEGATIONS: {"delegations_to": ({"to": 1, "last": 1}, {})},
    AUDIT: {
        "audit_newest": ({"at": -1, "_id": -1}, {}),
        "audit_by": ({"by": 1, "at": -1, "_id": -1}, {}),
        "audit_of": ({"what": 1, "at": -1, "_id": -1}, {}),
    },
    NOTICES: {"notices_to": ({"to": 1, "at": -1}, {})},
}
# The names of all that are ours; what else ``index_faults`` names, ours supersede.
INDEXES = {
    *UNIQUE_INDEXES,
    *LISTING_INDEXES,
    *(i for named in OTHER_INDEXES.values() for i in named),
}

_TEXT = {"bsonType": "string"}
_DATE = {"bsonType": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
_TIME = {"bsonType": "string", "pattern": r"^\d{2}:\d{2}$"}
_COUNT = {"bsonType": ["int", "long"], "minimum": 0}

_BOOKING_PROPERTIES: dict[str, Any] = {
    "_id": _TEXT,
    "kind": {"enum": ["booking", "closure"]},
    "ground_id": {"bsonType": "string", "minLength": 1},
    "date": _DATE,
    "start": _TIME,
    "end": _TIME,
    "cells": {
        "bsonType": "array",
        "minItems": 1,
        "uniqueItems": True,
        "items": {"bsonType": "int", "minimum": 0, "maximum": 95},
    },
    "status": {"enum": [status.value for status in Status]},
    "student_id": {"bsonType": "string", "minLength": 1},
    "student_name": _TEXT,
    "class_name": _TEXT,
    "game": _TEXT,
    "purpose": _TEXT,
    "created_by": _TEXT,
    "created_by_name": _TEXT,
    "created_at": {"bsonType": "date"},
    "updated_at": {"bsonType": "date"},
    "revision": _COUNT,
    "fingerprint": _TEXT,
    "quota": {
        "bsonType": "object",
        "required": ["window", "seat"],
        "properties": {"window": _TEXT, "seat": _COUNT},
    },
    "closure_group": {"bsonType": "string", "minLength": 1},
    "history": {
        "bsonType": "array",
        "minItems": 1,
        "items": {"bsonType": "object", "required": ["at", "by", "action", "reason", "dates"]},
    },
}
_OPTIONAL = {"student_id", "quota", "closure_group"}

VALIDATORS: dict[str, dict[str, Any]] = {
    BOOKINGS: {
        "$jsonSchema": {
            "bsonType": "object",
            "required": [name for name in _BOOKING_PROPERTIES if name not in _OPTIONAL],
            "additionalProperties": False,
            "properties": _BOOKING_PROPERTIES,
            # A closure has no student; a booking always has one.
            "oneOf": [
                {"properties": {"kind": {"enum": ["booking"]}}, "required": ["student_id"]},
                {
                    "properties": {"kind": {"enum": ["closure"]}},
                    "not": {"required": ["student_id"]},
                },
            ],
        }
    },
    GROUNDS: {
        "$jsonSchema": {
            "required": ["name", "games", "order", "retired"],
            "properties": {"name": _TEXT, "games": {"bsonType": "array", "items": _TEXT}},
        }
    },
    TIMETABLES: {"$jsonSchema": {"required": ["name", "weekdays", "periods"]}},
    DAYS: {"$jsonSchema": {"required": ["timetable_id", "note"], "properties": {"_id": _DATE}}},
    STUDENTS: {
        "$jsonSchema": {
            "required": ["name", "class_name", "email", "active"],
            "properties": {"name": _TEXT, "class_name": _TEXT, "active": {"bsonType": "bool"}},
        }
    },
    # The revision of the reference data, and the policy where one was saved: whoever reads the
    # one has the other.
    META: {
        "$jsonSchema": {
            "required": ["grounds", "students"],
            "properties": {
                "policy": {
                    "bsonType": "object",
                    "additionalProperties": False,
                    "properties": {
                        "advance_days": _COUNT,
                        "lead_minutes": _COUNT,
                        "quota": {"bsonType": ["int", "long", "null"], "minimum": 1},
                        "cut_off": {"bsonType": ["string", "null"], "pattern": _TIME["pattern"]},
                        "wall_shows": {"enum": list(WALL_SHOWS)},
                    },
                }
            },
        }
    },
    GROUND_PHOTOS: {
        "$jsonSchema": {"required": ["at", "webp"], "properties": {"webp": {"bsonType": "binData"}}}
    },
    ACCOUNTS: {
        "$jsonSchema": {
            "required": ["name", "role", "email", "active", "must_change"],
            "properties": {
                "_id": {"bsonType": "string", "minLength": 1},
                "name": _TEXT,
                "role": {"enum": [role.value for role in Role]},
                "email": {"bsonType": ["string", "null"]},
                "active": {"bsonType": "bool"},
                "password_hash": {"bsonType": "string", "pattern": r"^\$argon2id\$"},
            },
        }
    },
    SESSIONS: {
        "$jsonSchema": {
            "required": ["account_id", "created_at", "seen_at", "expires_at"],
            # The hash of a token: a token itself is shorter, and never stored.
            "properties": {"_id": {"bsonType": "string", "pattern": "^[0-9a-f]{64}$"}},
        }
    },
    ATTEMPTS: {"$jsonSchema": {"required": ["expires_at"]}},
    PROOFS: {"$jsonSchema": {"required": ["expires_at"]}},
    DELEGATIONS: {
        "$jsonSchema": {
            "required": ["by", "by_name", "to", "to_name", "first", "last", "at"],
            "properties": {"first": _DATE, "last": _DATE},
        }
    },
    AUDIT: {"$jsonSchema": {"required": ["at", "by", "by_name", "action", "what", "id"]}},
    NOTICES: {
        "$jsonSchema": {
            # Facts, not prose; and of the student nothing, who must be erasable.
            "required": ["at", "to", "kind", "booking_id", "slot", "reason", "by_name", "read"],
            "properties": {
                "at": {"bsonType": "date"},
                "to": {"bsonType": "string", "minLength": 1},
                "kind": {"enum": ["displaced", "reinstated"]},
                "booking_id": _TEXT,
                "slot": {"bsonType": "object", "required": ["ground_id", "date", "start", "end"]},
                "reason": _TEXT,
                "by_name": _TEXT,
                "read": {"bsonType": "bool"},
            },
        }
    },
}


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
    keys = [_LEGACY_KEYS, *(set(fields) for fields, _ in UNIQUE_INDEXES.values())]
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
