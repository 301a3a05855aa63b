"""Indexes and validators: created once, and never over data that breaks them.

The file is long because every test starts from the same database without a schema.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

import pytest
from pymongo import MongoClient
from pymongo.errors import DuplicateKeyError, WriteError
from support import DAY, at_once, booked

from booking_core import (
    InvalidRequest,
    SchemaConflict,
    SchemaMissing,
    Settings,
    StoreUnavailable,
    connect,
    ensure_schema,
)
from booking_core.domain.claims import claims_of
from booking_core.storage import connection
from booking_core.storage.bookings import claims_repair
from booking_core.storage.documents import to_booking
from booking_core.storage.schema import indexes, schema

MOMENT = datetime(2026, 11, 23, tzinfo=UTC)


def document(**changes):
    """A valid booking, as stored, with its derived claims."""
    made = {
        "_id": str(uuid4()),
        "kind": "booking",
        "ground_id": "ground-1",
        "date": DAY.isoformat(),
        "start": "09:00",
        "end": "10:00",
        "status": "Pending",
        "student_id": "S001",
        "student_name": "Asha",
        "class_name": "10-B",
        "game": "Volleyball",
        "purpose": "",
        "created_by": "meera",
        "created_by_name": "Meera",
        "created_at": MOMENT,
        "updated_at": MOMENT,
        "revision": 0,
        "fingerprint": "",
        "history": [
            {
                "at": MOMENT,
                "by": "meera",
                "by_name": "Meera",
                "action": "requested",
                "reason": "",
                "dates": [],
            }
        ],
    } | {name: value for name, value in changes.items() if name != "claims"}
    return made | {"claims": changes.get("claims", claims_of(to_booking(made)))}


def state(db):
    """Returns everything that ensure_schema could change."""
    return (
        {name: db[name].index_information() for name in sorted(db.list_collection_names())},
        {row["name"]: row["options"] for row in db.list_collections()},
        sorted(db[schema.META].find(), key=str),
    )


@pytest.fixture
def bare(mongod_uri):
    """A database without a schema, as another program left it."""
    client = MongoClient(mongod_uri, tz_aware=True)
    name = f"test_{uuid4().hex[:12]}"
    yield client[name]
    client.drop_database(name)
    client.close()


def test_ensuring_the_schema_again_changes_nothing(db):
    before = state(db)

    ensure_schema(db)

    assert state(db) == before
    assert indexes.index_faults(db) == []
    assert indexes.validator_faults(db) == []


def test_several_processes_may_ensure_the_schema_at_once(bare):
    outcomes = at_once(*[partial(ensure_schema, bare)] * 6)

    assert outcomes == [None] * 6
    assert indexes.index_faults(bare) == []


def test_missing_or_altered_parts_of_the_schema_are_restored(db):
    db.bookings.drop_index(schema.ONE_HOLDER_PER_CLAIM)
    db.bookings.drop_index(schema.BY_DAY)
    db.bookings.create_index([("student_id", 1)], name=schema.BY_DAY)
    db.command("collMod", schema.BOOKINGS, validator={})
    assert indexes.index_faults(db) == [schema.ONE_HOLDER_PER_CLAIM, schema.BY_DAY]
    assert indexes.validator_faults(db) == [schema.BOOKINGS]

    ensure_schema(db)

    assert indexes.index_faults(db) == []
    assert indexes.validator_faults(db) == []


CLASHES = {
    "slot": (
        {"student_id": "S001"},
        {"student_id": "S002", "status": "Approved", "start": "09:45", "end": "10:15"},
    ),
    "student": ({"ground_id": "ground-1"}, {"ground_id": "ground-2"}),
    "seat": (
        {"quota": {"window": "2026-W48", "seat": 0}},
        {"quota": {"window": "2026-W48", "seat": 0}, "date": "2026-11-25"},
    ),
}


@pytest.mark.parametrize("kind", CLASHES)
def test_data_that_breaks_a_claim_is_listed_and_nothing_is_changed(bare, kind):
    rows = [document(**changes) for changes in CLASHES[kind]]
    bare.bookings.insert_many(rows)
    before = state(bare)

    with pytest.raises(SchemaConflict) as refused:
        ensure_schema(bare)

    ids = sorted(row["_id"] for row in rows)
    assert refused.value.offenders
    for offender in refused.value.offenders:
        assert offender["index"] == schema.ONE_HOLDER_PER_CLAIM
        assert offender["ids"] == ids
        assert offender["key"]["claims"]
    assert all(id_ in str(refused.value) for id_ in ids)
    assert state(bare) == before


def test_active_documents_of_another_program_are_listed_too(bare):
    bare.bookings.insert_many({"_id": f"old-{n}", "status": "Pending"} for n in range(2))

    with pytest.raises(SchemaConflict) as refused:
        ensure_schema(bare)

    assert [offender["ids"] for offender in refused.value.offenders] == [["old-0", "old-1"]]


def test_stored_claims_that_differ_from_the_derived_ones_are_found(db):
    kept = booked(db)
    assert list(claims_repair.find_wrong(db)) == []

    db.bookings.update_one({"_id": kept.id}, {"$set": {"claims": ["ground|ground-2|x|000"]}})

    assert [one.booking.id for one in claims_repair.find_wrong(db)] == [kept.id]


def test_bookings_that_hold_no_slot_break_no_index(bare):
    bare.bookings.insert_many(
        [document(status=status) for status in ("Cancelled", "Rejected", "Revoked", "Approved")]
    )

    ensure_schema(bare)

    assert indexes.index_faults(bare) == []


@pytest.mark.parametrize("legacy_name", [schema.LEGACY_INDEX, "ground_1_date_1_time_1_status_1"])
def test_the_legacy_index_is_replaced_by_the_index_on_claims(bare, legacy_name):
    bare.bookings.create_index(
        [("ground", 1), ("date", 1), ("time", 1), ("status", 1)], name=legacy_name, unique=True
    )
    assert legacy_name in indexes.index_faults(bare)

    ensure_schema(bare)

    assert legacy_name not in bare.bookings.index_information()
    assert indexes.index_faults(bare) == []
    bare.bookings.insert_many([document(), document(start="10:00", end="11:00", student_id="S002")])


def test_the_legacy_index_is_kept_while_the_data_breaks_the_index_on_claims(bare):
    bare.bookings.create_index([("other", 1)], name=schema.LEGACY_INDEX)
    bare.bookings.insert_many([document(), document()])

    with pytest.raises(SchemaConflict):
        ensure_schema(bare)

    assert schema.LEGACY_INDEX in bare.bookings.index_information()


UNIQUE_INDEX = schema.UNIQUE_INDEXES[schema.ONE_HOLDER_PER_CLAIM]
SLOT_KEYS = [(key, 1) for key in UNIQUE_INDEX[0]]
CONFLICTING_INDEXES = {
    "the same under another name": {"unique": True, "partialFilterExpression": UNIQUE_INDEX[1]},
    "unique for all": {"unique": True},
    "unique for some": {"unique": True, "partialFilterExpression": {"status": "Approved"}},
    "a list": {},
}


@pytest.mark.parametrize("options", CONFLICTING_INDEXES.values(), ids=CONFLICTING_INDEXES)
@pytest.mark.parametrize("name", ["other", "claims_1", "newest_by_kind", "by_day"])
def test_an_index_on_the_same_keys_under_another_name_is_replaced(bare, name, options):
    bare.bookings.create_index(SLOT_KEYS, name=name, **options)

    ensure_schema(bare)

    assert indexes.index_faults(bare) == []
    present = bare.bookings.index_information()
    assert not [n for n in present if n.endswith("_stand_in")]
    bare.bookings.insert_many([document(status="Cancelled"), document(status="Cancelled")])
    bare.bookings.insert_one(document())
    with pytest.raises(DuplicateKeyError, match=schema.ONE_HOLDER_PER_CLAIM):
        bare.bookings.insert_one(document(student_id="S002"))


@pytest.mark.parametrize(
    "options",
    [
        *CONFLICTING_INDEXES.values(),
        CONFLICTING_INDEXES["the same under another name"] | {"hidden": True},
        CONFLICTING_INDEXES["the same under another name"]
        | {"collation": {"locale": "en", "strength": 1}},
    ][1:],
    ids=str,
)
def test_an_index_of_the_same_name_with_other_options_is_replaced(bare, options):
    bare.bookings.create_index(SLOT_KEYS, name=schema.ONE_HOLDER_PER_CLAIM, **options)
    assert schema.ONE_HOLDER_PER_CLAIM in indexes.index_faults(bare)

    ensure_schema(bare)

    assert indexes.index_faults(bare) == []


def test_an_index_for_lists_with_other_keys_or_another_name_is_replaced(bare):
    bare.bookings.create_index(
        list(schema.LISTING_INDEXES["newest_by_kind"].items()), name="by_age"
    )
    bare.bookings.create_index([("start", 1)], name=schema.BY_DAY)
    assert schema.BY_DAY in indexes.index_faults(bare)

    ensure_schema(bare)

    assert indexes.index_faults(bare) == []
    assert "by_age" not in bare.bookings.index_information()


def test_nothing_is_booked_while_an_index_is_replaced(db, monkeypatch):
    db.bookings.drop_index(schema.ONE_HOLDER_PER_CLAIM)
    db.bookings.create_index(
        SLOT_KEYS, name="other", **CONFLICTING_INDEXES["the same under another name"]
    )
    drop, outcomes = indexes._drop, []

    def drop_and_try(*arguments):
        drop(*arguments)
        outcomes.extend(at_once(partial(booked, db, student=1), partial(booked, db, student=2)))

    monkeypatch.setattr(indexes, "_drop", drop_and_try)
    ensure_schema(db)

    assert len(outcomes) == 2
    assert all(isinstance(outcome, SchemaMissing) for outcome in outcomes)
    assert indexes.index_faults(db) == []


def test_a_double_booking_since_the_check_is_listed(bare, monkeypatch):
    rows = [document(), document(student_id="S002")]
    build = indexes._build

    def book_twice_and_build(*arguments):
        monkeypatch.setattr(indexes, "_build", build)
        bare.bookings.insert_many(rows)
        return build(*arguments)

    monkeypatch.setattr(indexes, "_build", book_twice_and_build)
    with pytest.raises(SchemaConflict) as refused:
        ensure_schema(bare)

    ids = sorted(row["_id"] for row in rows)
    assert {tuple(offender["ids"]) for offender in refused.value.offenders} == {tuple(ids)}
    assert schema.ONE_HOLDER_PER_CLAIM not in bare.bookings.index_information()


def test_an_index_on_another_collection_that_is_not_built_names_that_collection(bare, monkeypatch):
    ensure_schema(bare)
    bare.students.drop_index(schema.ONE_STUDENT_PER_ID)
    student = {"name": "A", "class_name": "1-A", "email": None, "active": True, "id_key": "s001"}
    build = indexes._build

    def add_and_build(*arguments):
        monkeypatch.setattr(indexes, "_build", build)
        bare.students.insert_many(student | {"_id": id} for id in ("s001", "S001"))
        return build(*arguments)

    monkeypatch.setattr(indexes, "_build", add_and_build)
    with pytest.raises(SchemaConflict) as refused:
        ensure_schema(bare)

    assert refused.value.offenders == (
        {
            "collection": schema.STUDENTS,
            "index": schema.ONE_STUDENT_PER_ID,
            "key": {"id_key": "s001"},
            "ids": ["S001", "s001"],
        },
    )


def test_several_processes_may_replace_an_index_at_once(bare):
    bare.bookings.create_index(
        SLOT_KEYS, name="other", **CONFLICTING_INDEXES["the same under another name"]
    )
    bare.bookings.create_index([("other", 1)], name=schema.BY_DAY)

    outcomes = at_once(*[partial(ensure_schema, bare)] * 6)

    assert outcomes == [None] * 6
    assert indexes.index_faults(bare) == []


def test_a_valid_document_is_accepted_and_a_conflicting_one_is_refused_by_the_index(db):
    db.bookings.insert_one(document())

    for changes in ({"student_id": "S002", "status": "Approved"}, {"ground_id": "ground-2"}):
        with pytest.raises(DuplicateKeyError, match=schema.ONE_HOLDER_PER_CLAIM):
            db.bookings.insert_one(document(**changes))
    db.bookings.insert_one(document(status="Cancelled"))


@pytest.mark.parametrize(
    "changes",
    [
        {"claims": []},
        {"claims": "ground|ground-1|2026-11-24|108"},
        {"claims": ["ground|g|d|1", "ground|g|d|1"]},
        {"claims": [108]},
        {"claims": ["coach|c|d|1"]},
        {"cells": [36]},
        {"status": "pending"},
        {"status": None},
        {"kind": "party"},
        {"kind": "closure"},
        {"date": "24.11.2026"},
        {"date": MOMENT},
        {"start": "9"},
        {"ground_id": ""},
        {"ground_id": {"$gt": ""}},
        {"student_id": ""},
        {"created_at": "yesterday"},
        {"revision": -1},
        {"quota": {"window": "2026-W48"}},
        {"quota": {"window": "2026-W48", "seat": -1}},
        {"history": []},
        {"surprise": 1},
    ],
    ids=str,
)
def test_the_database_refuses_a_malformed_booking(db, changes):
    with pytest.raises(WriteError, match="validation"):
        db.bookings.insert_one(document() | changes)

    assert db.bookings.count_documents({}) == 0


@pytest.mark.parametrize("field", sorted(set(document()) - {"_id"}))
def test_the_database_refuses_a_booking_without_one_of_its_fields(db, field):
    row = document()
    del row[field]

    with pytest.raises(WriteError, match="validation"):
        db.bookings.insert_one(row)


def test_documents_of_every_operation_pass_a_validation_of_the_whole_collection(db):
    booked(db)

    broken = db.bookings.count_documents({"$nor": [schema.VALIDATORS[schema.BOOKINGS]]})

    assert broken == 0


def test_a_server_that_does_not_answer_is_reported_within_five_seconds():
    started = datetime.now(UTC)

    with pytest.raises(StoreUnavailable):
        connect(Settings(mongodb_uri="mongodb://127.0.0.1:9/", database="nowhere"))

    assert (datetime.now(UTC) - started).total_seconds() < 6


@pytest.mark.parametrize("uri", ["mongodb://", "mongodb://h:99999"])
def test_a_malformed_address_is_reported_as_a_settings_error(uri):
    with pytest.raises(InvalidRequest) as refused:
        connect(Settings(mongodb_uri=uri, database="nowhere"))

    assert refused.value.field == "MONGODB_URI"


def test_a_server_older_than_version_six_is_refused(db, monkeypatch):
    monkeypatch.setattr(connection, "_OLDEST_WIRE_VERSION", 99)

    with pytest.raises(InvalidRequest, match=r"older than MongoDB 6\.0"):
        connect(db.booking_settings)
