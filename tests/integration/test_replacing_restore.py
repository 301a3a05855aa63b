"""A backup in place of what a database holds, and what a backup says about itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from backup_files import contents, lines_of, rewritten, without_counters
from command_line import ROOT, assert_one_sentence, runner
from support import booked, run_at_terminal

from booking_core import InvalidRequest, UpdateNeeded
from booking_core.operations import backups
from booking_core.storage.backups import archive
from booking_core.storage.client.database import BookingDatabase
from booking_core.storage.schema import schema
from booking_core.version import version

BackedUp = tuple[dict[str, Any], Path]


@pytest.fixture
def other(db: BookingDatabase) -> BookingDatabase:
    """A school with other data than the backup, and a session."""
    booked(db, student=9, start=15)
    now = datetime.now(UTC)
    db[schema.SESSIONS].insert_one(
        {"_id": "0" * 64, "account_id": "x", "created_at": now, "seen_at": now, "expires_at": now}
    )
    return db


def bookings(db: BookingDatabase) -> list[str]:
    return [row["_id"] for row in contents(db)["bookings"]]


def test_what_a_database_holds_is_replaced_and_kept_in_a_backup(
    backed_up: BackedUp, other: BookingDatabase, tmp_path: Path
) -> None:
    before, kept = contents(other), tmp_path / "before.gz"

    done = backups.load(other, backed_up[1], replaced=kept)

    assert without_counters(contents(other)) == without_counters(backed_up[0])
    assert done.documents == sum(map(len, backed_up[0].values()))
    assert other[schema.SESSIONS].count_documents({}) == 0
    backups.load(other, kept, replaced=tmp_path / "again.gz")
    assert without_counters(contents(other)) == without_counters(before)


def test_an_empty_database_has_nothing_to_keep(
    backed_up: BackedUp, empty: BookingDatabase, tmp_path: Path
) -> None:
    backups.load(empty, backed_up[1], replaced=tmp_path / "before.gz")

    assert without_counters(contents(empty)) == without_counters(backed_up[0])
    assert list(tmp_path.iterdir()) == []


def _unstorable(lines: list[str]) -> list[str]:
    """A student without a class, which the validator refuses."""
    place = next(n for n, line in enumerate(lines) if '"in":"students"' in line)
    lines[place] = lines[place].replace('"class_name"', '"class"')
    return lines


def _newer(lines: list[str]) -> list[str]:
    stated = f'"schema":{{"$numberInt":"{schema.VERSION}"}}'
    assert any(stated in line for line in lines)
    return [line.replace(stated, '"schema":{"$numberInt":"99"}') for line in lines]


@pytest.mark.parametrize(
    ("damage", "error", "is_kept"),
    [
        (_unstorable, InvalidRequest, True),
        (_newer, UpdateNeeded, False),
        (lambda lines: lines[:-1], InvalidRequest, False),
    ],
    ids=["unstorable", "newer", "cut"],
)
def test_a_backup_that_cannot_be_restored_replaces_nothing(
    backed_up: BackedUp,
    other: BookingDatabase,
    tmp_path: Path,
    damage: Callable[[list[str]], list[str]],
    error: type[Exception],
    is_kept: bool,
) -> None:
    before, kept = contents(other), tmp_path / "before.gz"
    file = rewritten(tmp_path / "wrong.gz", "\n".join(damage(lines_of(backed_up[1]))))

    with pytest.raises(error):
        backups.load(other, file, replaced=kept)

    assert without_counters(contents(other)) == without_counters(before)
    assert kept.exists() == is_kept


def test_data_that_cannot_be_brought_back_are_named_by_their_file(
    backed_up: BackedUp, other: BookingDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise InvalidRequest("file", "is wrong")

    monkeypatch.setattr(archive, "write_all", fails)
    kept = tmp_path / "before.gz"

    with pytest.raises(InvalidRequest) as raised:
        backups.load(other, backed_up[1], replaced=kept)

    assert raised.value.field == "database"
    assert str(kept) in raised.value.problem
    assert backups.contents(kept).counts["students"] == 200


def test_the_command_replaces_only_the_database_that_is_named(
    backed_up: BackedUp, other: BookingDatabase, tmp_path: Path
) -> None:
    file = tmp_path / "school.gz"
    file.write_bytes(backed_up[1].read_bytes())
    command, mine = runner(other), bookings(other)

    assert_one_sentence(command("restore", str(file)), "holds data already")
    assert_one_sentence(command("restore", str(file), "--replace"), "needs the name")
    assert_one_sentence(command("restore", str(file), "--replace", "other"), "names 'other'")
    assert bookings(other) == mine
    assert list(tmp_path.iterdir()) == [file]

    done = command("restore", str(file), "--replace", other.name)

    assert done.returncode == 0, done.stderr
    assert bookings(other) != mine
    [kept] = set(tmp_path.iterdir()) - {file}
    assert done.stdout.startswith(f"What {other.name} holds is written to {kept} first.\n")


def test_at_a_terminal_the_name_is_typed(
    backed_up: BackedUp, other: BookingDatabase, tmp_path: Path
) -> None:
    file = tmp_path / "school.gz"
    file.write_bytes(backed_up[1].read_bytes())
    settings = other.booking_settings
    environment = {"MONGODB_URI": str(settings.mongodb_uri), "MONGODB_DATABASE": other.name}
    mine = bookings(other)
    command = [sys.executable, "-m", "booking_core", "restore", str(file), "--replace"]
    options = {"cwd": ROOT, "env": os.environ | environment}

    refused, _ = run_at_terminal(command, {"Type its name: ": "no"}, **options)
    assert (refused, bookings(other)) == (1, mine)
    done, shown = run_at_terminal(command, {"Type its name: ": other.name}, **options)

    assert done == 0, shown
    assert bookings(other) != mine


def test_a_check_says_what_a_backup_holds(
    backed_up: BackedUp, other: BookingDatabase, tmp_path: Path
) -> None:
    command, file = runner(other), backed_up[1]

    done = command("restore", str(file), "--check")
    newer = rewritten(tmp_path / "newer.gz", "\n".join(_newer(lines_of(file))))
    refused = command("restore", str(newer), "--check")

    lines = done.stdout.splitlines()
    assert f", made by version {version()}" in lines[0]
    assert "     200 students" in lines
    assert lines[-1] == f"Nothing in {file} keeps it from being restored."
    assert_one_sentence(refused, "newer")
