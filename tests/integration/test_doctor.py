"""The doctor's findings on transactions, on claims, and on the watchdog of the server."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import ADMIN, booked

from booking_core import Settings, background_threads
from booking_core.embedded.binary import TRANSACTION_SECONDS
from booking_core.operations import doctor, health
from booking_core.storage import server_info
from booking_core.storage.connection import connected
from booking_core.storage.database import BookingDatabase


def finding(db: BookingDatabase, name: str) -> doctor.Finding:
    [found] = [f for f in doctor.examine_database(db, without=["feed"]) if f.name == name]
    return found


def test_the_time_limit_of_transactions_is_reported(db: BookingDatabase) -> None:
    found = finding(db, "transactions")

    assert found.ok
    assert f"end after {TRANSACTION_SECONDS} s;" in found.detail
    assert "better" not in found.detail


@pytest.mark.parametrize(("limit", "words"), [(60, "15 is better"), (None, "does not tell")])
def test_a_longer_limit_on_another_server_is_a_remark_and_no_fault(
    db: BookingDatabase, monkeypatch: pytest.MonkeyPatch, limit: int | None, words: str
) -> None:
    monkeypatch.setattr(server_info, "transaction_limit", lambda db: limit)

    found = finding(db, "transactions")

    assert found.ok
    assert found.missing == (limit is None)
    assert words in found.detail


def test_a_booking_whose_claims_differ_from_the_derived_ones_is_named(db: BookingDatabase) -> None:
    mine = booked(db)
    assert finding(db, "claims").ok

    db["bookings"].update_one({"_id": mine.id}, {"$pop": {"claims": 1}})

    found = finding(db, "claims")
    assert not found.ok
    assert mine.id in found.detail


def test_health_names_the_watchdog_of_the_embedded_server(tmp_path: Path) -> None:
    with connected(Settings(data_directory=str(tmp_path), time_zone="Asia/Kolkata")) as db:
        facts = health.facts(db, by=ADMIN, feed_lag_ms=1.0, threads=background_threads())
        found = next(f for f in facts if f.name == "background threads")

    assert "mongod-watch" in found.detail
    assert found.ok
    assert "mongod-watch" not in background_threads()
