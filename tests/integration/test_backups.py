"""Backups: written completely, restored completely or not at all, in any JSON layout."""

from __future__ import annotations

import gzip
import json
import stat
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
import version_one
from backup_files import (
    assert_empty,
    contents,
    lines_of,
    make_empty,
    rewritten,
    without_counters,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from support import ADMIN, NOW, booked

from booking_core import find_bookings, load_reference
from booking_core.domain.errors import SchemaConflict, UpdateNeeded
from booking_core.operations import backups, health
from booking_core.reports import find_changes
from booking_core.storage.backups import archive
from booking_core.storage.extended_json import to_json
from booking_core.storage.schema import indexes, schema


def last_backup(db, **options):
    [fact] = [f for f in health.health_findings(db, by=ADMIN, feed_lag_ms=1.0, **options)
              if f.name == "last backup"]  # fmt: skip
    return fact.detail


# Backup and restore


def test_a_restored_backup_holds_every_document(backed_up, school, make_db):
    before, file = backed_up
    other = make_db(school=False)

    done = backups.load(other, file)

    assert without_counters(contents(other)) == without_counters(before)
    assert done.documents == sum(map(len, before.values()))
    assert abs(datetime.now(UTC) - done.made_at) < timedelta(minutes=5)
    assert find_bookings(other) == find_bookings(school[0])
    assert load_reference(other).policy.quota == 3
    assert booked(other, student=2, start=12).status == "Pending"
    assert find_changes(other, by=ADMIN, first=NOW.date(), last=NOW.date())


def shuffled(value, random):
    """Returns ``value`` with the keys of all its objects in another order."""
    if isinstance(value, list):
        return [shuffled(entry, random) for entry in value]
    if not isinstance(value, dict):
        return value
    return {key: shuffled(value[key], random) for key in random.sample(list(value), len(value))}


@settings(max_examples=20)
@given(
    seed=st.integers(0, 2**32),
    comma=st.sampled_from([",", ", ", " ,\t"]),
    colon=st.sampled_from([":", ": ", " : "]),
    ascii=st.booleans(),
    indent=st.sampled_from(["", "  ", "\t"]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    end=st.sampled_from(["", "\n", "\r\n\r\n", "\n \n\n"]),
    mark=st.sampled_from(["", "\ufeff"]),
)
def test_every_reserialisation_of_a_backup_restores_the_same_database(
    backed_up, bare, tmp_path, seed, comma, colon, ascii, indent, line_end, end, mark
):
    before, whole = backed_up
    make_empty(bare)
    random = Random(seed)  # draws of hypothesis itself would be one for each key of a document
    lines = [
        indent
        + json.dumps(
            shuffled(json.loads(line), random), ensure_ascii=ascii, separators=(comma, colon)
        )
        for line in gzip.decompress(whole.read_bytes()).decode().split("\n")
        if line
    ]

    done = backups.load(bare, rewritten(tmp_path / "again.gz", mark + line_end.join(lines) + end))

    assert without_counters(contents(bare)) == without_counters(before)
    assert done.documents == sum(map(len, before.values()))


def test_a_backup_is_readable_by_its_owner_only_and_is_recorded(db, tmp_path):
    file = tmp_path / "school.gz"
    file.write_text("an older one")
    file.chmod(0o644)

    backups.save(db, file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]
    assert "(today)" in last_backup(db)
    assert "9 days ago" in last_backup(db, now=datetime.now(UTC) + timedelta(days=9))
    # At 23:30 in the school; Health reads it half an hour and an hour later.
    at = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
    archive.record(db, at, 12, 3_400_000)
    for minutes, ago in ((29, "today"), (30, "a day ago"), (60, "a day ago")):
        found = last_backup(db, now=at + timedelta(minutes=minutes))
        assert found == f"2026-11-23 23:30 ({ago}), 12 documents, 3.4 MB"


def test_sessions_are_not_in_a_backup(db, tmp_path):
    now = datetime.now(UTC)
    db[schema.SESSIONS].insert_one(
        {"_id": "0" * 64, "account_id": "x", "created_at": now, "seen_at": now, "expires_at": now}
    )
    backups.save(db, tmp_path / "school.gz")

    collections = {json.loads(line).get("in") for line in lines_of(tmp_path / "school.gz")}

    assert "grounds" in collections
    assert "sessions" not in collections


# Backups of other versions


def of_version(file, version, *bookings):
    """Returns the backup as an application with this version of the schema wrote it."""
    revision = {"_id": "revision", "grounds": 1, "students": 1}
    entries = [("bookings", row) for row in bookings]
    entries.append(("meta", revision if version == 1 else revision | {"schema": version}))
    lines = [to_json({"in": name, "is": document}) for name, document in entries]
    header = {"kind": "ground-booking backup", "format": 1, "at": NOW.isoformat()}
    end = {"end": {"bookings": len(bookings), "meta": 1}}
    return rewritten(file, "\n".join([json.dumps(header), *lines, json.dumps(end)]))


def test_a_backup_of_the_first_version_is_migrated_to_the_present_schema(empty, tmp_path):
    rows = [version_one.row(start=f"{hour:02d}:00", end=f"{hour + 1:02d}:00") for hour in (9, 10)]

    done = backups.load(empty, of_version(tmp_path / "old.gz", 1, *rows))

    assert done.documents == 3
    found = empty[schema.BOOKINGS].find().sort("start")
    assert [(row["start"], len(row["claims"]), "cells" in row) for row in found] == [
        ("09:00", 24, False),
        ("10:00", 24, False),
    ]
    assert empty[schema.META].find_one({"_id": "revision"})["schema"] == schema.VERSION
    assert indexes.index_faults(empty) == indexes.validator_faults(empty) == []


@pytest.mark.parametrize(
    ("version", "error"), [(1, SchemaConflict), (schema.VERSION + 1, UpdateNeeded)]
)
def test_a_backup_that_cannot_be_migrated_leaves_nothing(empty, tmp_path, version, error):
    twice = [version_one.row(), version_one.row()]

    with pytest.raises(error):
        backups.load(empty, of_version(tmp_path / "old.gz", version, *twice))

    assert_empty(empty)
