"""A database that is dropped and filled again while a process keeps what it has read of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import ADMIN, open_school

from booking_core import (
    Ground,
    Student,
    UnknownStudent,
    ensure_schema,
    load_reference,
    save_ground,
    save_students,
)
from booking_core.operations import backups
from booking_core.storage.client.database import BookingDatabase
from booking_core.storage.connection import connected


def test_the_school_of_a_dropped_database_is_forgotten(db: BookingDatabase) -> None:
    for _ in range(2):
        db.client.drop_database(db.name)
        ensure_schema(db)
        # As many changes as the school before had, so that the counters are raised as often.
        save_ground(db, Ground("ground-1", "Old ground", ("Cricket",)))
        save_students(db, [Student("S001", "Old student", "8-A")])
        load_reference(db)
        with connected(db.booking_settings) as other:
            other.client.drop_database(db.name)
            ensure_schema(other)
            save_ground(other, Ground("ground-1", "New ground", ("Cricket",)))
            save_students(other, [Student("S002", "New student", "8-A")])

        known = load_reference(db)

        assert known.ground("ground-1").name == "New ground"
        assert set(known.students) == {"S002"}
        with pytest.raises(UnknownStudent):
            known.student("S001")


def test_a_school_is_read_anew_after_its_backup_was_restored(
    db: BookingDatabase, tmp_path: Path
) -> None:
    file = tmp_path / "school.jsonl.gz"
    backups.save(db, file)
    save_ground(db, Ground("ground-1", "After the backup", ("Cricket",)), by=ADMIN)
    save_students(db, [Student("S001", "After the backup", "8-A")])
    load_reference(db)
    with connected(db.booking_settings) as other:
        other.client.drop_database(db.name)
        ensure_schema(other)
        backups.load(other, file)
        save_ground(other, Ground("ground-1", "After the restore", ("Cricket",)), by=ADMIN)
        save_students(other, [Student("S002", "After the restore", "8-A")])

    known = load_reference(db)

    assert known.ground("ground-1").name == "After the restore"
    assert known.student("S002").name == "After the restore"
    assert known.student("S001").name == "Student 1"


def test_without_a_revision_nothing_is_kept(db: BookingDatabase) -> None:
    with connected(db.booking_settings) as other:
        other.client.drop_database(db.name)
        assert load_reference(db).grounds == {}
        ensure_schema(other)
        open_school(other)
        other["meta"].delete_many({})

    assert len(load_reference(db).grounds) == 3
