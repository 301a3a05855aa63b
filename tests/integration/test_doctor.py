"""The doctor's findings on transactions, on claims, and on the watchdog of the server."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import version_one
from command_line import ROOT, assert_one_sentence, runner
from support import ADMIN, MEERA, NOW, active, booked, make_index_non_unique, run_at_terminal

from booking_core import SchemaMissing, Settings, cancel
from booking_core.embedded.binary import TRANSACTION_SECONDS
from booking_core.live import background_threads
from booking_core.operations import doctor, health, repair
from booking_core.storage.client import server_info
from booking_core.storage.client.database import BookingDatabase
from booking_core.storage.connection import connected
from booking_core.storage.schema import schema


def finding(db: BookingDatabase, name: str) -> doctor.Finding:
    [found] = [f for f in doctor.examine_database(db, without=["feed"]) if f.name == name]
    return found


def test_the_time_limit_of_transactions_is_reported(db: BookingDatabase) -> None:
    found = finding(db, "transactions")

    assert found.ok
    assert f"end after {TRANSACTION_SECONDS} s;" in found.detail
    assert "better" not in found.detail


@pytest.mark.parametrize(
    ("limit", "words"),
    [(60, f"up to 90 s ({TRANSACTION_SECONDS} is better"), (None, "does not tell")],
)
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


def wrong_claim(db: BookingDatabase, id: str) -> None:
    """Puts a claim that is nobody's in the place of the first one."""
    db["bookings"].update_one({"_id": id}, {"$set": {"claims.0": "ground|nowhere|2026-11-24|000"}})


def test_repair_says_what_it_would_change_and_asks(db: BookingDatabase) -> None:
    mine = booked(db)
    right = active(db)
    wrong_claim(db, mine.id)
    wrong = active(db)
    remedy = finding(db, "claims").remedy
    command = [sys.executable, "-m", "booking_core", "doctor", "--repair"]
    uri = str(db.booking_settings.mongodb_uri)
    environment = os.environ | {"MONGODB_URI": uri, "MONGODB_DATABASE": db.name}

    refused, asked = run_at_terminal(command, {"[y/N]": "n"}, cwd=ROOT, env=environment)
    unchanged = active(db) == wrong
    done, shown = run_at_terminal(command, {"[y/N]": "y"}, cwd=ROOT, env=environment)

    assert "doctor --repair”" in remedy
    assert (refused, unchanged, done) == (1, True, 0)
    assert f"booking {mine.id} (ground-1 2026-11-24 09:00-10:00, Pending)" in asked
    assert "1 claims to add, 1 to remove" in asked
    assert "1 repaired, 0 left" in shown
    assert [sorted(row.pop("claims")) for row in active(db)] == [sorted(right[0]["claims"])]
    assert finding(db, "claims").ok


def test_repair_leaves_a_booking_whose_claims_another_one_holds(db: BookingDatabase) -> None:
    first = booked(db)
    db["bookings"].update_one({"_id": first.id}, {"$set": {"claims": ["ground|x|2026-11-24|000"]}})
    second = booked(db, student=1)
    alone = booked(db, student=2, start=12)
    wrong_claim(db, alone.id)

    done = runner(db)("doctor", "--repair", "--yes")

    assert done.returncode == 1
    assert f"{first.id} (ground-1 2026-11-24 09:00-10:00, Pending): stays as it is" in done.stdout
    assert f"{second.id} holds its slot" in done.stdout
    assert "1 repaired, 1 left as they are" in done.stdout
    cancel(db, first.id, by=MEERA, now=NOW)
    assert runner(db)("doctor", "--repair", "--yes").returncode == 0
    assert finding(db, "claims").ok
    assert "agree with the bookings" in runner(db)("doctor", "--repair").stdout


def test_bookings_that_have_each_others_claims_are_repaired_together(db: BookingDatabase) -> None:
    made = [booked(db), booked(db, student=1, start=12)]
    ids = [booking.id for booking in made]
    claims = [db["bookings"].find_one({"_id": id})["claims"] for id in ids]
    db["bookings"].update_one({"_id": ids[0]}, {"$set": {"claims": ["ground|x|2026-11-24|000"]}})
    db["bookings"].update_one({"_id": ids[1]}, {"$set": {"claims": claims[0]}})

    done = runner(db)("doctor", "--repair", "--yes")

    assert "2 repaired, 0 left" in done.stdout
    assert [db["bookings"].find_one({"_id": id})["claims"] for id in ids] == claims


def test_nothing_is_repaired_without_the_unique_index(db: BookingDatabase) -> None:
    wrong_claim(db, booked(db).id)
    repairs = repair.find_repairs(db)
    make_index_non_unique(db)

    with pytest.raises(SchemaMissing):
        repair.repair(db, repairs)

    assert not finding(db, "claims").ok


def test_an_id_that_is_no_text_gets_an_advice_of_its_own(old: BookingDatabase) -> None:
    old["students"].insert_one({**old["students"].find_one({"_id": "S001"}), "_id": 42})

    found = finding(old, "names")

    assert "students 42" in found.detail
    assert "“students” give each an id that is text" in found.remedy
    assert "normal form" not in found.remedy


def test_the_advice_for_an_id_names_each_field_that_refers_to_it(old: BookingDatabase) -> None:
    for name in ("grounds", "timetables", "students"):
        row = old[name].find_one({})
        old[name].insert_one({**row, "_id": "e\u0301" + row["_id"], "name": "Other"})
    account = {"name": "A", "role": "staff", "email": None, "active": True, "must_change": False}
    old["accounts"].insert_one(account | {"_id": "e\u0301"})

    remedy = finding(old, "names").remedy

    for field in ("created_by of “bookings”", "to of “notices”", "by and to of “delegations”",
                  "slot of “notices”", "“ground_photos”", "timetable_id of “days”",
                  "“school_history”", "doctor --repair”"):  # fmt: skip
        assert field in remedy


@pytest.fixture
def old(db: BookingDatabase) -> BookingDatabase:
    """An empty database of the first version, in the place of ``db``."""
    db.client.drop_database(db.name)
    version_one.create(db, [])
    return db


def test_accounts_and_students_that_collide_are_named_with_a_remedy_for_each(
    old: BookingDatabase,
) -> None:
    account = {"name": "A", "role": "staff", "active": True, "must_change": False}
    old["accounts"].insert_many(
        account | {"_id": id, "email": email}
        for id, email in [("a", "caf\u00e9@b.cd"), ("b", "cafe\u0301@b.cd"), ("e\u0301", None)]
    )
    old["students"].insert_one({**old["students"].find_one({"_id": "S001"}), "_id": "s001"})
    state = list(old["accounts"].find())

    found = finding(old, "names")
    done = runner(old)("init")

    for text in ("students S001 and s001", "accounts a and b", "accounts 'e\\u0301'"):
        assert text in found.detail
        assert text in done.stderr
    for text in ("“students” give", "“accounts” change or remove", "“accounts” give each"):
        assert text in found.remedy
    assert finding(old, "duplicates").ok
    for name in ("indexes", "validators"):
        assert "“names”" in finding(old, name).remedy
    assert_one_sentence(done, "1 group of students that cannot be told apart")
    assert "1 group of accounts that" in done.stderr
    assert "1 account with an id that cannot be typed" in done.stderr
    assert "doctor” says how" in done.stderr
    assert list(old["accounts"].find()) == state


def test_what_the_doctor_says_of_conflicting_bookings_lets_init_go_on(old: BookingDatabase) -> None:
    old["bookings"].drop_index("one_booking_per_slot")
    rows = [version_one.row(student_id=f"S00{n}") for n in range(3)]
    old["bookings"].insert_many(rows)
    ids = sorted(row["_id"] for row in rows)

    found = finding(old, "duplicates")
    assert f"bookings {' and '.join(ids)}" in found.detail
    assert "all but one of each to “Cancelled”" in found.remedy
    assert finding(old, "names").ok
    assert finding(old, "claims").missing
    assert_one_sentence(runner(old)("init"), "1 group of bookings that exclude each other")
    old["bookings"].update_many({"_id": {"$in": ids[1:]}}, {"$set": {"status": "Cancelled"}})

    assert runner(old)("init").returncode == 0
    assert finding(old, "claims").ok
    assert finding(old, "indexes").ok


def test_active_documents_of_another_program_get_a_remedy_of_their_own(
    db: BookingDatabase,
) -> None:
    db.client.drop_database(db.name)
    db["bookings"].insert_many({"_id": f"old-{n}", "status": "Pending"} for n in range(2))

    found = finding(db, "duplicates")

    assert "of another program: bookings old-0 and old-1" in found.detail
    assert "to another collection" in found.remedy
    assert "Cancelled" not in found.remedy


def test_a_database_of_a_newer_version_is_not_to_be_repaired_by_this_one(
    db: BookingDatabase,
) -> None:
    db["meta"].update_one({"_id": "revision"}, {"$set": {"schema": schema.VERSION + 1}})
    db["bookings"].drop_index(schema.BY_DAY)

    assert "update this application" in finding(db, "indexes").remedy


def test_health_names_the_watchdog_of_the_embedded_server(tmp_path: Path) -> None:
    with connected(Settings(data_directory=str(tmp_path), time_zone="Asia/Kolkata")) as db:
        facts = health.health_findings(db, by=ADMIN, feed_lag_ms=1.0, threads=background_threads())
        found = next(f for f in facts if f.name == "background threads")

    assert "mongod-watch" in found.detail
    assert found.ok
    assert "mongod-watch" not in background_threads()
