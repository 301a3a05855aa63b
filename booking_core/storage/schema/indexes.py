"""Creating collections, indexes and validators as ``schema.py`` says, also while other processes
do the same.

While an index is replaced it is missing for a moment. Nothing is booked twice then: every write of
a booking names the index of claims, and the server refuses it without that index. An index of that
name that is not unique is found before the write (``bookings/writes.py``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pymongo.database import Database
from pymongo.errors import CollectionInvalid, DuplicateKeyError, OperationFailure

from booking_core.domain.claims import claims_of
from booking_core.domain.errors import SchemaConflict
from booking_core.storage.documents import to_bookings
from booking_core.storage.schema import schema

Documents = Database[dict[str, Any]]
_MOST_OFFENDERS = 100
_INDEX_NOT_FOUND, _NAMESPACE_EXISTS = 27, 48
_KEY_CONFLICTS = (85, 86)  # IndexOptionsConflict, IndexKeySpecsConflict


def find_offenders(
    db: Documents, advance: Callable[[int], object] = lambda count: None
) -> list[dict[str, Any]]:
    """Groups of active bookings that have a claim in common, at most 100.

    Each is ``{"collection": "bookings", "index": name, "key": {"claims": claim}, "ids": [...]}``.
    The claims are derived from the bookings' own fields, so the stored ones may be missing. Active
    documents that cannot be read, such as those of another program, have no claims: to the index
    that is one claim, None. ``advance(count)`` is called as bookings are read.
    """
    rows = db[schema.BOOKINGS].find(schema.HOLDS).sort([("date", 1)]).allow_disk_use(True)
    return offenders_among(rows, advance)


def offenders_among(
    rows: Iterable[dict[str, Any]], advance: Callable[[int], object] = lambda count: None
) -> list[dict[str, Any]]:
    """As ``find_offenders``, of active bookings that are ordered by date."""
    offenders: list[dict[str, Any]] = []
    holders: defaultdict[str, list[str]] = defaultdict(list)
    foreign: list[str] = []
    week = None
    for row in rows:
        advance(1)
        booking = next(to_bookings([row]), None)
        if booking is None:
            if not row.get("claims"):
                foreign.append(str(row["_id"]))
            continue
        if week != booking.date.isocalendar()[:2]:
            # No claim reaches into another week: only the claims of one week are kept in memory.
            offenders += _shared(holders)
            holders.clear()
            week = booking.date.isocalendar()[:2]
        for claim in claims_of(booking):
            holders[claim].append(booking.id)
    offenders += _shared(holders) + _shared({None: foreign})
    return offenders[:_MOST_OFFENDERS]


def _shared(holders: Mapping[Any, list[str]]) -> list[dict[str, Any]]:
    """The claims that have several holders."""
    return [
        {
            "collection": schema.BOOKINGS,
            "index": schema.ONE_HOLDER_PER_CLAIM,
            "key": {"claims": claim},
            "ids": sorted(ids),
        }
        for claim, ids in holders.items()
        if len(ids) > 1
    ]


def index_faults(db: Documents) -> list[str]:
    """The names of indexes that are missing or differ, and of those that ours supersede."""
    present = db[schema.BOOKINGS].index_information()
    faults = [name for name in schema.UNIQUE_INDEXES if not _is_unique(name, present)]
    faults += [name for name in schema.LISTING_INDEXES if not _is_listing(name, present)]
    for collection, indexes in schema.OTHER_INDEXES.items():
        stored = db[collection].index_information()
        faults += [name for name in indexes if not _is_other(collection, name, stored)]
    return faults + _superseded(present)


def is_claims_index_right(db: Documents) -> bool:
    """Whether the index of claims is there, and unique."""
    present = db[schema.BOOKINGS].index_information()
    return all(_is_unique(name, present) for name in schema.UNIQUE_INDEXES)


def validator_faults(db: Documents) -> list[str]:
    """The names of collections whose validator is missing or differs."""
    stored = {row["name"]: row.get("options", {}) for row in db.list_collections()}
    return [
        name
        for name, validator in schema.VALIDATORS.items()
        if stored.get(name, {}).get("validator") != validator
    ]


def create_collections(db: Documents) -> None:
    """Creates the collections that are missing, and sets the validators that differ."""
    existing = set(db.list_collection_names())
    for name in validator_faults(db):
        validator = schema.VALIDATORS[name]
        if name in existing:
            db.command("collMod", name, validator=validator)
            continue
        try:
            db.create_collection(name, validator=validator)
        except CollectionInvalid:  # another process created it a moment ago
            pass
        except OperationFailure as exc:
            if exc.code != _NAMESPACE_EXISTS:
                raise


def build_indexes(db: Documents) -> None:
    """Builds the indexes that are missing or differ, then drops those that ours supersede.

    Raises SchemaConflict when stored documents break a unique index, which is then not built.
    """
    build_unique(db)
    present = db[schema.BOOKINGS].index_information()
    for name, keys in schema.LISTING_INDEXES.items():
        if not _is_listing(name, present):
            where = schema.LISTING_WHERE.get(name)
            options = {} if where is None else {"partialFilterExpression": where}
            _build(db, schema.BOOKINGS, name, keys, options)
    for collection, indexes in schema.OTHER_INDEXES.items():
        stored = db[collection].index_information()
        for name, (keys, options) in indexes.items():
            if not _is_other(collection, name, stored):
                _build(db, collection, name, keys, options)
    drop_superseded(db)


def build_unique(db: Documents) -> None:
    """Builds the index of claims if it is missing or differs. Raises SchemaConflict."""
    present = db[schema.BOOKINGS].index_information()
    for name, (fields, where) in schema.UNIQUE_INDEXES.items():
        if not _is_unique(name, present):
            options = {
                "unique": True,
                "partialFilterExpression": where,
                "storageEngine": schema.COMPRESSED,
            }
            _build(db, schema.BOOKINGS, name, dict.fromkeys(fields, 1), options)


def drop_superseded(db: Documents) -> None:
    """Drops the indexes of earlier versions, and unique ones that refuse what ours allow."""
    for name in _superseded(db[schema.BOOKINGS].index_information()):
        _drop(db, schema.BOOKINGS, name)


def _build(
    db: Documents, collection: str, name: str, keys: dict[str, int], options: dict[str, Any]
) -> None:
    """Builds an index in the place of any that has its name or its keys."""
    pairs = list(keys.items())
    for last in (False, False, True):
        for other, info in db[collection].index_information().items():
            if other == name and _is_same(info, pairs, options):
                # A hidden index counts as built, and reads cannot ask for it by name.
                db.command("collMod", collection, index={"name": name, "hidden": False})
                return
            if other == name or info["key"] == pairs:
                _drop(db, collection, other)
        try:
            db[collection].create_index(pairs, name=name, **options)
            return
        except DuplicateKeyError as exc:
            raise SchemaConflict([_refused(db, collection, name, options, exc)]) from exc
        except OperationFailure as exc:
            if last or exc.code not in _KEY_CONFLICTS:  # another process built one meanwhile
                raise


def _refused(
    db: Documents, collection: str, name: str, options: dict[str, Any], exc: DuplicateKeyError
) -> dict[str, Any]:
    """The documents because of which the index ``name`` is not built, as an offender."""
    key = (exc.details or {}).get("keyValue") or {}
    condition = {**options.get("partialFilterExpression", {}), **key}
    ids = sorted(str(row["_id"]) for row in db[collection].find(condition, {"_id": 1}))
    return {"collection": collection, "index": name, "key": key, "ids": ids}


def _is_same(
    info: Mapping[str, Any], pairs: list[tuple[str, int]], options: Mapping[str, Any]
) -> bool:
    """Whether an index has these keys and options; how its pages are stored does not matter."""
    return (
        info["key"] == pairs
        and "collation" not in info
        and all(info.get(k) == v for k, v in options.items() if k != "storageEngine")
    )


def _drop(db: Documents, collection: str, name: str) -> None:
    try:
        db[collection].drop_index(name)
    except OperationFailure as exc:
        if exc.code != _INDEX_NOT_FOUND:  # another process dropped it a moment ago
            raise


def _is_unique(name: str, present: Mapping[str, Any]) -> bool:
    keys, where = schema.UNIQUE_INDEXES[name]
    info = present.get(name)
    return bool(
        info
        and info.get("unique")
        and info["key"] == [(key, 1) for key in keys]
        and info.get("partialFilterExpression") == where
        and not info.get("hidden")
        and "collation" not in info
    )


def _is_listing(name: str, present: Mapping[str, Any]) -> bool:
    info = present.get(name)
    keys = list(schema.LISTING_INDEXES[name].items())
    where = schema.LISTING_WHERE.get(name)
    return bool(
        info
        and info["key"] == keys
        and info.get("partialFilterExpression") == where
        and not info.get("hidden")
    )


def _is_other(collection: str, name: str, present: Mapping[str, Any]) -> bool:
    keys, options = schema.OTHER_INDEXES[collection][name]
    info = present.get(name)
    return bool(
        info
        and info["key"] == list(keys.items())
        and all(info.get(option) == value for option, value in options.items())
    )


def _superseded(present: Mapping[str, Any]) -> list[str]:
    """The indexes of earlier versions, and unique ones on our keys under another name.

    The latter refuse what ours refuse, or more: one without our condition would keep the slot of
    a cancelled booking for ever.
    """
    keys = [schema.LEGACY_KEYS, *(set(fields) for fields, _ in schema.UNIQUE_INDEXES.values())]
    return [
        name
        for name, info in present.items()
        if name in schema.RETIRED_INDEXES
        or (
            name not in schema.UNIQUE_INDEXES
            and info.get("unique")
            and {key for key, _ in info["key"]} in keys
        )
    ]
