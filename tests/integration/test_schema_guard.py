"""Another program drops or alters a database under a running app."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from support import DAY, at_once, booked, eventually, open_school

from booking_core import SchemaConflict, ensure_schema
from booking_core.live import Feed
from booking_core.storage.client.database import BookingDatabase
from booking_core.storage.live import change_feed, schema_guard
from booking_core.storage.schema import indexes, schema


@pytest.fixture
def following(db: BookingDatabase) -> Iterator[Feed]:
    feed = Feed(db)
    feed.start()
    assert feed.connected
    yield feed
    feed.stop()


def is_whole(db: BookingDatabase) -> bool:
    return not indexes.index_faults(db) and not indexes.validator_faults(db)


def test_a_dropped_database_has_its_schema_again_within_seconds(
    db: BookingDatabase, following: Feed
) -> None:
    booked(db)
    before = following.version(DAY)

    db.client.drop_database(db.name)

    eventually(lambda: is_whole(db), within=10)
    eventually(lambda: following.version(DAY) > before and following.connected, within=10)
    open_school(db)
    second = booked(db)
    assert second.status == "Pending"


@pytest.mark.parametrize(
    "name", [schema.ONE_HOLDER_PER_CLAIM, "one_account_per_email"], ids=["claims", "accounts"]
)
def test_a_dropped_index_is_built_again(db: BookingDatabase, following: Feed, name: str) -> None:
    of = schema.BOOKINGS if name in schema.UNIQUE_INDEXES else schema.ACCOUNTS

    db[of].drop_index(name)

    eventually(lambda: is_whole(db), within=10)


def test_a_loosened_validator_is_set_again(db: BookingDatabase, following: Feed) -> None:
    db.command("collMod", schema.BOOKINGS, validator={})

    eventually(lambda: is_whole(db), within=10)


def test_a_renamed_collection_is_created_again(db: BookingDatabase, following: Feed) -> None:
    db[schema.BOOKINGS].rename("bookings_of_before")

    eventually(lambda: is_whole(db), within=10)


def test_a_schema_that_cannot_be_restored_is_retried_and_does_not_stop_the_feed(
    db: BookingDatabase,
    following: Feed,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tried: list[int] = []

    def ensure(db: BookingDatabase) -> None:
        tried.append(1)
        if len(tried) < 3:
            raise SchemaConflict([])
        ensure_schema(db)

    monkeypatch.setattr(schema_guard, "ensure_schema", ensure)
    db[schema.ACCOUNTS].drop_index("one_account_per_email")

    eventually(lambda: len(tried) == 1)
    before = following.version(DAY)
    booked(db)
    assert following.wait(DAY, before, 10) > before
    eventually(lambda: is_whole(db))
    assert len(tried) >= 3
    assert "is not restored" in caplog.text


def test_ensuring_the_schema_reports_no_change(db: BookingDatabase, following: Feed) -> None:
    booked(db)
    eventually(lambda: following.version(DAY) > 1)
    before = following.total

    ensure_schema(db)

    booked(db, student=1, start=10)
    eventually(lambda: following.total > before)
    assert following.total == before + 1


def test_several_threads_restore_a_dropped_schema_at_once(db: BookingDatabase) -> None:
    db.client.drop_database(db.name)

    assert at_once(*[lambda: ensure_schema(db)] * 6) == [None] * 6

    assert is_whole(db)


def test_the_thread_of_the_feed_survives_any_error(
    db: BookingDatabase,
    following: Feed,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR)
    fails = [True]

    def faulty(change: object) -> object:
        if fails:
            fails.pop()
            raise RuntimeError("a fault of ours")
        return dates(change)

    dates = change_feed._dates
    monkeypatch.setattr(change_feed, "_dates", faulty)
    before = following.version(DAY)

    booked(db)

    eventually(lambda: not fails)
    # The feed reports a change that it failed to handle: every day is read again.
    assert following.wait(DAY, before, 10) > before
    assert following.is_running
    eventually(lambda: following.connected)
    assert "a fault of ours" in caplog.text
    following.stop()
    assert not following.is_running
