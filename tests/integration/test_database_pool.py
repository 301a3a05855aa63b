"""A database that a test has used is as a new one for the next test."""

from __future__ import annotations

from typing import Any

from database_pool import DatabasePool
from support import booked, open_school

from booking_core import Settings, connect
from booking_core.storage.client.database import BookingDatabase


def opened(uri: str, name: str) -> BookingDatabase:
    return connect(Settings(mongodb_uri=uri, database=name, time_zone="Asia/Kolkata"))


def contents(db: BookingDatabase) -> dict[str, list[Any]]:
    rows = {name: list(db[name].find()) for name in sorted(db.list_collection_names())}
    for row in rows["meta"]:
        row.update(dict.fromkeys(row.keys() & {"grounds", "students"}))
    return rows


def test_a_used_database_is_empty_and_its_schema_is_there(mongod_uri: str) -> None:
    pool = DatabasePool(mongod_uri)
    first = opened(mongod_uri, pool.take())
    pool.note_layout(first.name)
    new, revision = contents(first), first["meta"].find_one({"_id": "revision"})
    open_school(first)
    booked(first)
    first.client.close()

    pool.give_back(first.name)
    while (name := pool.take()) != first.name:
        opened(mongod_uri, name).client.close()
        pool.give_back(name)

    again = opened(mongod_uri, name)
    assert contents(again) == new
    assert again["meta"].find_one({"_id": "revision"})["grounds"] != revision["grounds"]
    again.client.close()
    pool.close()


def test_a_database_with_another_index_or_validator_is_dropped(mongod_uri: str) -> None:
    pool = DatabasePool(mongod_uri)
    db = opened(mongod_uri, pool.take())
    pool.note_layout(db.name)

    db["bookings"].drop_index("one_holder_per_claim")
    pool.give_back(db.name)
    assert db.name not in db.client.list_database_names()

    other = opened(mongod_uri, pool.take())
    other.command("collMod", "grounds", validator={})
    pool.give_back(other.name)
    assert other.name not in db.client.list_database_names()
    db.client.close()
    other.client.close()
    pool.close()
