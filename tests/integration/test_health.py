"""The findings on the installation that an admin sees."""

from __future__ import annotations

import shutil
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from support import ADMIN, HEAD, MEERA, booked

import booking_core
from booking_core import (
    NotAllowed,
    Settings,
)
from booking_core.operations import doctor, health
from booking_core.storage.backups import archive
from booking_core.storage.client import server_info
from booking_core.storage.client.database import open_database
from booking_core.storage.client.verbs import reachable


def facts(db, **options):
    return {f.name: f for f in health.health_findings(db, by=ADMIN, **options)}


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
    assert (found["last backup"].detail, found["last backup"].missing) == ("never recorded", True)
    assert found["last mail"].detail == "no mail is set up"


@pytest.mark.parametrize(("days", "is_fine"), [(None, False), (9, False), (8, True), (0, True)])
def test_a_school_with_bookings_needs_a_backup_of_the_last_eight_days(db, days, is_fine):
    booked(db)
    if days is not None:
        archive.record(db, datetime.now(UTC) - timedelta(days=days), 12, 3_400_000)

    found = facts(db, feed_lag_ms=1.0)["last backup"]
    told = {one.name: one for one in doctor.examine(db.booking_settings)}["last backup"]

    assert found.ok == told.ok == is_fine
    assert is_fine or ("-m booking_core backup FILE" in found.remedy and not found.missing)


def test_a_proxy_that_is_not_trusted_is_wrong(db):
    assert "proxy" not in facts(db, feed_lag_ms=1.0)
    assert facts(db, feed_lag_ms=1.0, proxy_untrusted=False)["proxy"].ok

    found = facts(db, feed_lag_ms=1.0, proxy_untrusted=True)["proxy"]
    assert not found.ok
    assert "TRUST_PROXY=on" in found.remedy


def test_a_known_lag_is_not_measured_again(db):
    before = db["meta"].find_one({"_id": "doctor"})

    assert facts(db, feed_lag_ms=3.0)["feed"].detail == "a write arrives after 3.0 ms"
    assert not facts(db, feed_lag_ms=5000.0)["feed"].ok
    assert db["meta"].find_one({"_id": "doctor"}) == before


def test_the_disk_of_the_data_is_reported_and_a_full_one_is_wrong(db, embedded, monkeypatch):
    """The server of another machine reports its disk; here both are the same disk."""
    there = facts(db, feed_lag_ms=1.0)["disk"]
    usage = shutil.disk_usage(
        Path(db.client.admin.command("getCmdLineOpts")["parsed"]["storage"]["dbPath"])
    )
    assert (there.ok, there.missing) == (usage.free > health.LOW_DISK_BYTES, False)
    assert there.detail.endswith(f"of {doctor.in_bytes(usage.total)} free")
    monkeypatch.setattr(archive, "disk", lambda db: (10**9, 10**12))
    assert not facts(db, feed_lag_ms=1.0)["disk"].ok
    monkeypatch.setattr(archive, "disk", lambda db: None)
    assert facts(db, feed_lag_ms=1.0)["disk"].missing
    full = SimpleNamespace(total=10**12, used=10**12, free=10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: full)

    disk = facts(embedded, feed_lag_ms=1.0)["disk"]

    assert (disk.ok, disk.detail) == (False, "1.0 GB of 1.0 TB free")


def test_an_unavailable_database_is_one_wrong_finding_beside_the_rest(monkeypatch):
    monkeypatch.setattr(server_info, "reachable", lambda: reachable(0.2))
    away = open_database("mongodb://127.0.0.1:1/", Settings())

    found = facts(away)
    away.client.close()

    assert [name for name, fact in found.items() if not fact.ok] == ["connection"]
    assert set(found) == {"connection", "disk", "last mail", "version"}


@pytest.mark.parametrize("by", [MEERA, HEAD], ids=["staff", "principal"])
def test_only_an_admin_sees_health(school, by):
    with pytest.raises(NotAllowed):
        health.health_findings(school[0], by=by)


def test_the_version_is_that_of_the_project(db):
    project = Path(booking_core.__file__).parents[1] / "pyproject.toml"

    stated = tomllib.loads(project.read_text())["project"]["version"]

    assert facts(db, feed_lag_ms=1.0)["version"].detail == stated
