"""Migrating databases of earlier versions: beside running apps, interrupted, and in parallel."""

from __future__ import annotations

import subprocess
import sys
import threading
from copy import deepcopy
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
import version_one
from command_line import run
from pymongo import MongoClient
from pymongo.errors import DuplicateKeyError, WriteError
from support import (
    ADMIN,
    DAY,
    HEAD,
    NOW,
    active,
    assert_sound,
    at_once,
    booked,
    eventually,
    request_for,
)

from booking_core import (
    Ground,
    SchemaConflict,
    Settings,
    SlotTaken,
    UpdateNeeded,
    approve,
    book,
    cancel,
    change_ground,
    connect,
    day_board,
    ensure_schema,
    find_closures,
    get_booking,
    lift_closure,
    move,
    save_ground,
)
from booking_core.domain.claims import claims_of
from booking_core.reports import find_changes
from booking_core.storage.bookings import claims_repair
from booking_core.storage.schema import indexes, migrations, schema
from pages.shared.auth import responses
from pages.shared.live.runtime import Services

ROOT = Path(__file__).resolve().parents[2]
RETIRED = set(version_one.UNIQUE)


@pytest.fixture
def old(mongod_uri):
    """``old(rows)``: creates a database of the first version with these bookings; its name."""
    client = MongoClient(mongod_uri, tz_aware=True)
    names = []

    def make(rows=()):
        names.append(f"test_{uuid4().hex[:12]}")
        version_one.create(client[names[-1]], list(rows))
        return client[names[-1]]

    yield make
    for name in names:
        client.drop_database(name)
    client.close()


def opened(uri, old_db):
    return connect(Settings(mongodb_uri=uri, database=old_db.name, time_zone="Asia/Kolkata"))


def everything(db):
    return (
        {name: db[name].index_information() for name in sorted(db.list_collection_names())},
        {row["name"]: row["options"] for row in db.list_collections()},
        {name: sorted(db[name].find(), key=str) for name in sorted(db.list_collection_names())},
    )


ROWS = [
    version_one.row(student_id="S001", quota={"window": "2026-W48", "seat": 0}),
    version_one.row(student_id="S002", start="10:15", end="11:45", status="Approved"),
    version_one.row(student_id="S003", status="Cancelled"),
    version_one.closure(start="12:00", end="00:00"),
]


def test_a_database_of_the_first_version_is_migrated_to_the_present_one(old, mongod_uri):
    before = old(ROWS)
    kept = {row["_id"]: row for row in before.bookings.find()}

    db = opened(mongod_uri, before)

    assert indexes.index_faults(db) == indexes.validator_faults(db) == []
    assert not RETIRED & set(db.bookings.index_information())
    assert migrations.version(db) == schema.VERSION
    for row in db.bookings.find():
        assert row.pop("claims") == claims_of(get_booking(db, row["_id"]))
        assert row == {k: v for k, v in kept[row["_id"]].items() if k != "cells"}
    with pytest.raises(SlotTaken) as refused:
        booked(db, student=9, start=9, game="Football")
    assert refused.value.held_by.id == ROWS[0]["_id"]
    moved = move(db, ROWS[1]["_id"], start=DAY_TEN, end=DAY_ELEVEN, by=HEAD, now=NOW)
    assert moved.slot.start == DAY_TEN
    assert len(day_board(db, DAY, NOW).bookings) == 3
    assert_sound(db)
    db.client.close()


NEXT_DAY = DAY + timedelta(days=1)
DAY_TEN, DAY_ELEVEN = request_for(start=10).start, request_for(start=10).end


# What the grounds and bookings of schema 5 did not have.
SINCE_FIVE = {
    schema.GROUNDS: {"surfaces"},
    schema.BOOKINGS: {
        *("surfaces", "series", "party", "team_id", "supervisor", "set_place"),
    },
}


def put_back_to_five(db):
    """Makes a database of schema 5: without surfaces, parties, series and the waiting list."""
    for name, fields in SINCE_FIVE.items():
        for row in db[name].find():
            assert not fields & row.keys()
        validator = deepcopy(schema.VALIDATORS[name])
        for field in fields:
            del validator["$jsonSchema"]["properties"][field]
        db.command("collMod", name, validator=validator)
    for name in (schema.TEAMS, schema.WAITING, schema.SWAP_OFFERS):
        db.drop_collection(name)
    for name in (schema.BY_SERIES, schema.BY_SUPERVISOR):
        db.bookings.drop_index(name)
    db.meta.update_one({"_id": "revision"}, {"$set": {"schema": 5}})


@pytest.mark.parametrize("number", [1, 5])
def test_a_ground_of_before_surfaces_is_divided_and_collides_with_its_half(
    old, make_db, mongod_uri, number
):
    if number == 1:
        before = old(ROWS)
    else:
        before = make_db()
        booked(before, game="Football")
        put_back_to_five(before)
    (kept,) = active(before, start="09:00")

    db = opened(mongod_uri, before)

    assert indexes.index_faults(db) == indexes.validator_faults(db) == []
    change_ground(db, "ground-1", surfaces=("ground-1", "strip"), by=ADMIN, now=NOW)
    save_ground(db, Ground("half", "Half", ("Football",), 9, surfaces=("strip",)))
    with pytest.raises(SlotTaken) as refused:
        booked(db, ground="half", student=9, game="Football")
    assert refused.value.held_by.id == kept["_id"]
    half = booked(db, ground="half", student=9, start=13, game="Football", on=NEXT_DAY)
    with pytest.raises(SlotTaken) as refused:
        booked(db, student=8, start=13, game="Football", on=NEXT_DAY)
    assert refused.value.held_by == half
    assert_sound(db)
    db.client.close()


MANY = [version_one.row(student_id=f"S{n:03d}", status="Cancelled") for n in range(40)]


def test_a_migration_says_how_far_it_is(old, mongod_uri, monkeypatch, caplog):
    monkeypatch.setattr(migrations, "_BATCH", 10)
    before, said = old(MANY), []

    settings = Settings(mongodb_uri=mongod_uri, database=before.name, time_zone="Asia/Kolkata")
    db = connect(settings, said.append)

    assert {progress.total for progress in said} == {len(MANY)}
    assert [p.step for p in said] == sorted(p.step for p in said)
    assert {p.step for p in said} == set(range(1, said[0].steps + 1))
    assert [p.done for p in said if p.step == 2] == [0, 10, 20, 30, 40]
    assert "step 2 of 12: 0 of 40 bookings. Nothing can be booked until it is done" in caplog.text
    assert "the migration of 40 bookings took" in caplog.text
    said.clear()
    ensure_schema(db, said.append)
    assert said == []
    db.client.close()


def test_a_migration_is_announced_to_running_applications_before_its_first_change(old, mongod_uri):
    before, found = old(MANY), []

    def look(progress):
        if progress.step == 2 and not found:
            found.append(before.meta.find_one({"_id": "revision"}))

    settings = Settings(mongodb_uri=mongod_uri, database=before.name, time_zone="Asia/Kolkata")
    connect(settings, look).client.close()

    assert (found[0]["migrating"], found[0].get("schema")) == (schema.VERSION, None)
    after = before.meta.find_one({"_id": "revision"})
    assert after["schema"] == schema.VERSION
    assert "migrating" not in after


def test_screens_say_that_a_migration_runs_and_how_far_it_is(old, mongod_uri, monkeypatch):
    before, go_on, batches = old(MANY), threading.Event(), migrations._batches

    def paused_batches(rows):
        for batch in batches(rows):
            yield batch
            go_on.wait(60)

    monkeypatch.setattr(migrations, "_BATCH", 10)
    monkeypatch.setattr(migrations, "_batches", paused_batches)
    settings = Settings(mongodb_uri=mongod_uri, database=before.name, time_zone="Asia/Kolkata")
    shared = Services(settings)
    try:
        shared.start()

        eventually(lambda: "step 2 of 12: 10 of 40 bookings" in shared.not_connected()[1])
        assert shared.db is None
        page = bytes(responses.unavailable(shared).body).decode()
        assert "Nothing can be booked until it is done." in page
        assert "refresh" in responses.unavailable(shared).headers
        go_on.set()
        eventually(lambda: shared.is_live)
    finally:
        go_on.set()
        shared.stop()


def test_init_prints_how_far_a_migration_is(old, mongod_uri):
    before = old(MANY)

    ran = run("init", MONGODB_URI=mongod_uri, MONGODB_DATABASE=before.name)

    assert "The database is being updated to this version, step 2 of 12" in ran.stderr
    assert ran.returncode == 0


def test_a_single_closure_of_an_earlier_version_can_be_lifted_and_is_in_the_audit_once(
    old, mongod_uri
):
    db = opened(mongod_uri, old(ROWS))

    (closure,) = find_closures(db, from_date=DAY)
    lift_closure(db, closure.id, by=ADMIN, now=NOW)

    changes = find_changes(db, by=ADMIN, first=NOW.date(), last=NOW.date(), what="closure")
    assert sorted(change.action for change in changes) == ["closed", "lifted"]
    db.client.close()


def test_a_migration_makes_every_running_application_reload_the_school(old, mongod_uri):
    before = old(ROWS)

    opened(mongod_uri, before).client.close()

    meta = before.meta.find_one({"_id": "revision"})
    assert (meta["grounds"], meta["students"]) > (3, 4)


def test_an_application_of_the_first_version_is_refused_after_the_migration(old, mongod_uri):
    before = old(ROWS)
    opened(mongod_uri, before).client.close()

    with pytest.raises(WriteError) as on_insert:
        before.bookings.insert_one(version_one.row(start="14:00", end="15:00"))
    with pytest.raises(WriteError):  # a move of the first version
        before.bookings.update_one({"_id": ROWS[0]["_id"]}, {"$set": {"cells": [1, 2, 3]}})

    assert "must be updated" in str(on_insert.value.details)
    assert before.bookings.count_documents({}) == len(ROWS)


def bookings_of_a_term():
    """Some thousand bookings of a term."""
    days = [f"2026-{month:02d}-{day:02d}" for month in (11, 12) for day in range(1, 29)]
    return [
        version_one.row(
            ground_id=f"ground-{ground}",
            student_id=f"S{ground:02d}{hour:02d}",
            date=day,
            start=f"{hour:02d}:00",
            end=f"{hour + 1:02d}:00",
        )
        for day in days
        for ground in range(6)
        for hour in range(8, 18)
    ]


def test_a_migration_that_is_killed_at_any_point_is_completed_by_the_next(old, mongod_uri):
    before = old(bookings_of_a_term())
    open_it = (
        "import sys; from booking_core import Settings, connect; print('ready', flush=True);"
        "connect(Settings(mongodb_uri=sys.argv[1], database=sys.argv[2]))"
    )
    command = [sys.executable, "-c", open_it, mongod_uri, before.name]
    kills, again = 0, version_one.row(date="2026-11-01", start="08:00", end="09:00")
    while migrations.version(before) < schema.VERSION:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            # Each run gets further than the one before.
            process.wait(0.05 * 1.25**kills)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
        process.stdout.close()
        assert kills < 40
        # a unique index guards every slot at all times
        with pytest.raises((DuplicateKeyError, WriteError)):
            before.bookings.insert_one(again)

    assert kills >= 3
    assert before.bookings.count_documents({"claims": {"$exists": False}}) == 0
    assert indexes.index_faults(before) == indexes.validator_faults(before) == []
    assert indexes.find_offenders(before) == list(claims_repair.find_wrong(before)) == []


def test_several_applications_may_migrate_at_once(old, mongod_uri):
    before = old(ROWS + bookings_of_a_term()[:600])

    outcomes = at_once(*[partial(ensure_schema, before)] * 4)

    assert outcomes == [None] * 4
    assert indexes.index_faults(before) == indexes.validator_faults(before) == []
    assert list(claims_repair.find_wrong(before)) == []


BROKEN = {
    "one slot twice": [version_one.row(), version_one.row(student_id="S002", start="09:45")],
    "a student twice": [version_one.row(), version_one.row(ground_id="ground-2")],
    "a seat twice": [
        version_one.row(quota={"window": "2026-W48", "seat": 0}),
        version_one.row(quota={"window": "2026-W48", "seat": 0}, date="2026-11-25"),
    ],
}


@pytest.mark.parametrize("rows", BROKEN.values(), ids=BROKEN)
def test_data_that_breaks_a_claim_is_listed_and_nothing_is_changed(old, mongod_uri, rows):
    before = old()
    for name in RETIRED:
        before.bookings.drop_index(name)
    before.bookings.insert_many(rows)
    state = everything(before)

    with pytest.raises(SchemaConflict) as refused:
        opened(mongod_uri, before)

    ids = sorted(row["_id"] for row in rows)
    assert refused.value.offenders
    assert all(offender["ids"] == ids for offender in refused.value.offenders)
    assert all(offender["key"]["claims"] for offender in refused.value.offenders)
    assert everything(before) == state


def of_accounts(**fields):
    return {"name": "A", "role": "staff", "email": None, "active": True, "must_change": False} | (
        fields
    )


COLLIDING = {
    "two addresses": [
        of_accounts(_id="one", email="caf\u00e9@a.bc"),
        of_accounts(_id="two", email="cafe\u0301@a.bc"),
    ],
    "two ids": [of_accounts(_id="strasse"), of_accounts(_id="stra\u00dfe")],
    "an id that cannot be typed": [of_accounts(_id="rene\u0301")],
}


@pytest.mark.parametrize("rows", COLLIDING.values(), ids=COLLIDING)
def test_accounts_that_collide_are_listed_and_nothing_is_changed(old, mongod_uri, rows):
    before = old(ROWS)
    before.accounts.insert_many(rows)
    state = everything(before)

    with pytest.raises(SchemaConflict) as refused:
        opened(mongod_uri, before)

    (offender,) = refused.value.offenders
    assert offender["collection"] == schema.ACCOUNTS
    assert offender["ids"] == sorted(row["_id"] for row in rows)
    assert everything(before) == state


def test_all_kinds_of_conflicts_are_listed_at_once(old, mongod_uri):
    before = old()
    for name in RETIRED:
        before.bookings.drop_index(name)
    before.bookings.insert_many(BROKEN["one slot twice"])
    before.accounts.insert_many(COLLIDING["two addresses"])

    with pytest.raises(SchemaConflict) as refused:
        opened(mongod_uri, before)

    kinds = {offender["collection"] for offender in refused.value.offenders}
    assert kinds == {schema.BOOKINGS, schema.ACCOUNTS}


def reinstate(db, booking_id):
    """The write by which the first version reinstates a booking that a closure revoked."""
    return db.bookings.update_one(
        {"_id": booking_id, "status": "Revoked"},
        {
            "$set": {"status": "Approved", "updated_at": NOW},
            "$inc": {"revision": 1},
            "$push": {"history": version_one.row()["history"][0] | {"action": "reinstated"}},
        },
    )


def test_a_slot_is_not_given_back_twice_by_the_first_version_during_the_migration(
    old, mongod_uri, monkeypatch
):
    held = version_one.row(student_id="S001", status="Approved")
    revoked = [version_one.row(student_id=f"S00{n}", status="Revoked") for n in (2, 3)]
    alone = version_one.row(student_id="S004", status="Revoked", start="14:00", end="15:00")
    before = old([held, *revoked, alone])
    refusals = []

    def try_to_reinstate():
        for row in revoked:
            try:
                assert reinstate(before, row["_id"]).matched_count == 0
            except (DuplicateKeyError, WriteError) as exc:
                refusals.append(type(exc))

    batches, build = migrations._batches, indexes._build

    def batches_beside_the_first_version(rows):
        for batch in batches(rows):
            try_to_reinstate()
            yield batch
            try_to_reinstate()

    def build_beside_the_first_version(*arguments):
        try_to_reinstate()
        build(*arguments)

    monkeypatch.setattr(migrations, "_batches", batches_beside_the_first_version)
    monkeypatch.setattr(indexes, "_build", build_beside_the_first_version)
    db = opened(mongod_uri, before)

    # Before the conversion by the validator, after it by the index; so never.
    assert set(refusals) == {WriteError, DuplicateKeyError}
    assert active(db) == [before.bookings.find_one({"_id": held["_id"]})]
    assert reinstate(before, alone["_id"]).modified_count == 1
    assert indexes.find_offenders(db) == list(claims_repair.find_wrong(db)) == []
    db.client.close()


def test_bookings_of_before_are_moved_and_approved_under_the_game_of_their_ground(old, mongod_uri):
    spelled = ["Pe\u0301tanque", "Table  Tennis", "FOOTBALL"]
    rows = [
        version_one.row(
            student_id=f"S00{n}",
            student_name="Rene\u0301e",
            class_name="10\u00a0-  B",
            game=game,
            start=f"{n + 9:02d}:00",
            end=f"{n + 10:02d}:00",
        )
        for n, game in enumerate(spelled)
    ]
    before = old([*rows, version_one.closure(date="2026-11-25")])
    games = {"games": ["Football", "FOOTBALL", *spelled[:2]]}
    before.grounds.update_one({}, {"$set": games})
    copy = {"grounds": list(before.grounds.find()), "timetables": [], "days": []}
    copy["grounds"][0]["games"] = ["Cri\u200bcket"]
    before.school_history.insert_one({"_id": "2026-11-20"} | copy)

    db = opened(mongod_uri, before)

    found = [get_booking(db, row["_id"]) for row in rows]
    assert [b.game for b in found] == ["P\u00e9tanque", "Table Tennis", "Football"]
    assert {(b.student_name, b.class_name) for b in found} == {("Ren\u00e9e", "10 - B")}
    assert [b.revision for b in found] == [0, 0, 0]
    for number, row in enumerate(rows):
        slot = request_for(start=12 + number)
        move(db, row["_id"], start=slot.start, end=slot.end, by=HEAD, now=NOW)
    for row in rows:
        approve(db, row["_id"], by=HEAD, now=NOW)
    assert db.school_history.find_one()["grounds"][0]["games"] == ["Cricket"]
    state = everything(db)
    migrations._store_normal_forms(db)
    assert everything(db) == state
    db.client.close()


def test_a_database_of_a_newer_version_is_left_unchanged(db):
    db.meta.update_one({"_id": "revision"}, {"$set": {"schema": schema.VERSION + 1}})
    before = everything(db)

    with pytest.raises(UpdateNeeded) as refused:
        ensure_schema(db)

    assert (refused.value.stored, refused.value.known) == (schema.VERSION + 1, schema.VERSION)
    assert everything(db) == before


def test_a_running_application_stops_with_a_sentence_when_the_database_is_migrated(db):
    made = booked(db)
    db.meta.update_one(
        {"_id": "revision"}, {"$set": {"schema": schema.VERSION + 1}, "$inc": {"grounds": 1}}
    )

    with pytest.raises(UpdateNeeded):
        book(db, request_for(student=2, start=10), by=HEAD, now=NOW)
    with pytest.raises(UpdateNeeded):
        move(db, made.id, start=DAY_TEN, end=DAY_ELEVEN, by=HEAD, now=NOW)

    assert [row["_id"] for row in active(db)] == [made.id]
    db.meta.update_one({"_id": "revision"}, {"$set": {"schema": schema.VERSION}})
    assert cancel(db, made.id, by=HEAD, now=NOW)
