"""The facts of health, and backups that come back whole or not at all."""

from __future__ import annotations

import gzip
import json
import shutil
import stat
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from support import ADMIN, HEAD, MEERA, NOW, booked

import booking_core
from booking_core import (
    InvalidRequest,
    NotAllowed,
    Settings,
    approve,
    find_bookings,
    find_changes,
    get_booking,
    load_reference,
)
from booking_core.operations import backups, health
from booking_core.storage import archive, indexes, schema, server_info
from booking_core.storage.database import open_database, reachable


def facts(db, **options):
    return {f.name: f for f in health.facts(db, by=ADMIN, **options)}


@pytest.fixture
def embedded(db, tmp_path):
    """The same database with the settings of an app that runs its own server."""
    settings = Settings(database=db.name, data_directory=str(tmp_path / "not" / "yet"))
    opened = open_database(db.booking_settings.mongodb_uri, settings)
    yield opened
    opened.client.close()


def test_a_healthy_installation_has_a_finding_for_each_condition(embedded):
    found = facts(embedded)

    assert [name for name, fact in found.items() if not fact.ok] == []
    assert set(found) >= {"connection", "replica set", "feed", "size", "disk", "version"}
    assert set(found) >= {"last mail", "last backup"}
    assert "a write arrives after" in found["feed"].detail
    assert found["last backup"].detail.startswith("never recorded")
    assert found["last mail"].detail == "no mail is set up"


def test_a_lag_that_is_known_is_not_measured_again(db):
    before = db["meta"].find_one({"_id": "doctor"})

    assert facts(db, feed_lag_ms=3.0)["feed"].detail == "a write arrives after 3.0 ms"
    assert not facts(db, feed_lag_ms=5000.0)["feed"].ok
    assert db["meta"].find_one({"_id": "doctor"}) == before


def test_the_disk_is_that_of_the_data_and_a_full_one_is_wrong(db, embedded, monkeypatch):
    """The server of another machine reports its disk; here both are the same disk."""
    there = facts(db, feed_lag_ms=1.0)["disk"]
    usage = shutil.disk_usage(
        Path(db.client.admin.command("getCmdLineOpts")["parsed"]["storage"]["dbPath"])
    )
    assert (there.ok, there.missing) == (usage.free > health.LOW_DISK_BYTES, False)
    assert there.detail.endswith(f"of {health._bytes(usage.total)} free")
    monkeypatch.setattr(archive, "disk", lambda db: (10**9, 10**12))
    assert not facts(db, feed_lag_ms=1.0)["disk"].ok
    monkeypatch.setattr(archive, "disk", lambda db: None)
    assert facts(db, feed_lag_ms=1.0)["disk"].missing
    full = SimpleNamespace(total=10**12, used=10**12, free=10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: full)

    disk = facts(embedded, feed_lag_ms=1.0)["disk"]

    assert (disk.ok, disk.detail) == (False, "1.0 GB of 1.0 TB free")


def test_a_database_that_is_away_is_one_wrong_line_beside_the_rest(monkeypatch):
    monkeypatch.setattr(server_info, "reachable", lambda: reachable(0.2))
    away = open_database("mongodb://127.0.0.1:1/", Settings())

    found = facts(away)
    away.client.close()

    assert [name for name, fact in found.items() if not fact.ok] == ["connection"]
    assert set(found) == {"connection", "disk", "last mail", "version"}


@pytest.mark.parametrize("by", [MEERA, HEAD], ids=["staff", "principal"])
def test_only_an_admin_looks(school, by):
    with pytest.raises(NotAllowed):
        health.facts(school[0], by=by)


def test_the_version_is_that_of_the_project(db):
    project = Path(booking_core.__file__).parents[1] / "pyproject.toml"

    stated = tomllib.loads(project.read_text())["project"]["version"]

    assert facts(db, feed_lag_ms=1.0)["version"].detail == stated


# Backups


def test_a_backup_comes_back_with_everything_in_it(db, make_db, tmp_path):
    first = booked(db)
    approve(db, first.id, by=HEAD, now=NOW)
    booked(db, student=1, start=10, purpose='tricky ","is":{}\n"}')
    file = tmp_path / "school.gz"

    count = backups.save(db, file)
    other = make_db(school=False)
    made_at, restored = backups.load(other, file)

    assert restored == count
    assert abs(datetime.now(UTC) - made_at) < timedelta(minutes=1)
    assert find_bookings(other) == find_bookings(db)
    assert get_booking(other, first.id) == get_booking(db, first.id)
    assert load_reference(other).students == load_reference(db).students
    assert load_reference(other).plan(first.date) == load_reference(db).plan(first.date)
    for name in (schema.AUDIT, schema.BOOKINGS):
        assert list(other[name].find().sort("_id")) == list(db[name].find().sort("_id"))
    assert booked(other, student=2, start=12).status == "Pending"
    assert find_changes(other, by=ADMIN, first=first.date - timedelta(1), last=first.date)


def test_a_backup_is_for_its_owner_alone_and_is_on_record(db, tmp_path):
    file = tmp_path / "school.gz"
    file.write_text("an older one")
    file.chmod(0o644)

    backups.save(db, file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]
    assert "(today)" in facts(db, feed_lag_ms=1.0)["last backup"].detail
    later = datetime.now(UTC) + timedelta(days=9)
    assert "9 days ago" in facts(db, feed_lag_ms=1.0, now=later)["last backup"].detail
    # At 23:30 in the school; looked at half an hour and an hour later.
    at = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
    archive.record(db, at, 12, 3_400_000)
    for minutes, ago in ((29, "today"), (30, "a day ago"), (60, "a day ago")):
        found = facts(db, feed_lag_ms=1.0, now=at + timedelta(minutes=minutes))["last backup"]
        assert found.detail == f"2026-11-23 23:30 ({ago}), 12 documents, 3.4 MB"


def test_who_is_signed_in_is_not_in_a_backup(db, tmp_path):
    now = datetime.now(UTC)
    db[schema.SESSIONS].insert_one(
        {"_id": "0" * 64, "account_id": "x", "created_at": now, "seen_at": now, "expires_at": now}
    )
    backups.save(db, tmp_path / "school.gz")

    text = gzip.decompress((tmp_path / "school.gz").read_bytes()).decode()

    assert '"in":"grounds"' in text
    assert '"in":"sessions"' not in text


def test_a_school_that_is_there_is_left_alone(db, tmp_path):
    backups.save(db, tmp_path / "school.gz")
    before = sorted(row["_id"] for row in db[schema.AUDIT].find())

    with pytest.raises(InvalidRequest, match="holds data already"):
        backups.load(db, tmp_path / "school.gz")

    assert sorted(row["_id"] for row in db[schema.AUDIT].find()) == before


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _without_a_row(data: bytes) -> bytes:
    lines = gzip.decompress(data).decode().splitlines(keepends=True)
    return gzip.compress("".join([lines[0], *lines[2:]]).encode())


def _without_an_end(data: bytes) -> bytes:
    lines = gzip.decompress(data).decode().splitlines(keepends=True)
    return gzip.compress("".join(lines[:-1]).encode())


def _of_another_kind(data: bytes) -> bytes:
    return gzip.compress(json.dumps({"kind": "other"}).encode())


DAMAGES = [
    _cut,
    _without_a_row,
    _without_an_end,
    _of_another_kind,
    lambda data: data[:50] + b"\x00\x01\x02" + data[53:],
    lambda data: b"id,name\n1,x\n",
    lambda data: b"",
    lambda data: gzip.compress(b"[]\n"),
]


def test_a_damaged_file_is_refused_and_writes_nothing(school, make_db, tmp_path):
    file = tmp_path / "school.gz"
    backups.save(school[0], file)
    whole = file.read_bytes()
    other = make_db(school=False)

    for damage in DAMAGES:
        file.write_bytes(damage(whole))
        with pytest.raises(InvalidRequest) as refused:
            backups.load(other, file)
        assert refused.value.field == "school.gz"

    assert other[schema.GROUNDS].find_one() is None


def test_what_may_not_be_stored_leaves_the_database_empty(school, make_db, tmp_path):
    file = tmp_path / "school.gz"
    backups.save(school[0], file)
    text = gzip.decompress(file.read_bytes()).decode()
    file.write_bytes(gzip.compress(text.replace('"active": true', '"active": "x"').encode()))
    other = make_db(school=False)

    with pytest.raises(InvalidRequest, match="may not be stored"):
        backups.load(other, file)

    assert all(other[n].find_one() is None for n in (schema.GROUNDS, schema.STUDENTS))
    assert indexes.index_faults(other) == []


@pytest.mark.parametrize("place", ["", "missing/school.gz"])
def test_a_place_that_cannot_be_written_is_named(school, tmp_path, place):
    with pytest.raises(InvalidRequest, match="cannot be written"):
        backups.save(school[0], tmp_path / place)
