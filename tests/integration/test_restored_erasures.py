"""Students who were erased do not come back with a backup that is older than the erasure."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest
from backup_files import make_empty
from support import ADMIN, NOW, booked

from booking_core import (
    InvalidRequest,
    Student,
    erase_student,
    find_bookings,
    finish_erasures,
    load_reference,
    save_student,
    set_active,
)
from booking_core.operations import backups
from booking_core.storage.school import erasure

LEAVER = Student("R4711", "Zarqa Quill", "10-B", "zarqa.quill@example.org")
LATER = NOW + timedelta(days=3)
FINISHED = LATER + timedelta(minutes=5)


def erase(db):
    set_active(db, LEAVER.id, False, by=ADMIN)
    erase_student(db, LEAVER.id, by=ADMIN, now=LATER)
    finish_erasures(db, now=FINISHED)


def mentions(db):
    texts = (LEAVER.id.casefold(), "zarqa", "quill")
    rows = [(name, row) for name in db.list_collection_names() for row in db[name].find()]
    return [name for name, row in rows if any(text in repr(row).casefold() for text in texts)]


@pytest.fixture
def older(db, tmp_path):
    """A backup that has the student with a booking, who is erased in ``db`` afterwards."""
    save_student(db, LEAVER)
    booked(db, student=LEAVER.id, purpose="Zarqa says goodbye")
    booked(db, student=1, start=15)
    file = tmp_path / "older.gz"
    backups.save(db, file)
    erase(db)
    return file


def test_an_erasure_leaves_an_entry_that_does_not_name_the_student(db, older):
    [entry] = db["meta"].find({"salt": {"$exists": True}})

    assert mentions(db) == []
    assert entry.keys() == {"_id", "grounds", "students", "salt", "hash"}
    # Nor does it lead to the bookings, by whose pseudonym a correct guess would find them.
    [former] = {b.student_id for b in find_bookings(db) if b.student_name == "Former student"}
    assert former not in repr(entry)


def test_a_newer_backup_has_the_students_of_an_older_one_erased_again(db, older, make_db, tmp_path):
    newer, other = tmp_path / "newer.gz", make_db(school=False)
    backups.save(db, newer)

    done = backups.load(other, older, erasures_of=newer)

    assert done.erased == 1
    assert mentions(other) == []
    assert sorted(b.student_name for b in find_bookings(other)) == ["Former student", "Student 1"]
    assert erasure.erasures(other) == erasure.erasures(db)


def test_a_database_that_was_emptied_remembers_its_erasures(db, older):
    kept = list(db["meta"].find({"_id": {"$regex": "^erased/"}}))
    make_empty(db)["meta"].insert_many(kept)

    assert backups.load(db, older).erased == 1

    assert mentions(db) == []
    assert len(erasure.erasures(db)) == 1


def test_without_the_erasures_the_student_comes_back(older, make_db):
    other = make_db(school=False)

    assert backups.load(other, older).erased == 0

    assert LEAVER.id in load_reference(other).students


def test_a_new_student_with_the_roll_number_of_an_erased_one_is_restored(db, older, tmp_path):
    save_student(db, Student(LEAVER.id, "Noor Jahan", "1-A"))
    newer = tmp_path / "newer.gz"
    backups.save(db, newer)
    kept = list(db["meta"].find({"_id": {"$regex": "^erased/"}}))
    make_empty(db)["meta"].insert_many(kept)

    assert backups.load(db, newer, erasures_of=newer).erased == 0

    assert load_reference(db).students[LEAVER.id].name == "Noor Jahan"


def test_a_failure_while_erasing_again_stores_nothing(db, older, monkeypatch):
    kept = list(db["meta"].find({"_id": {"$regex": "^erased/"}}))
    make_empty(db)["meta"].insert_many(kept)

    def fail(*_):
        raise RuntimeError("interrupted")

    monkeypatch.setattr(erasure, "take_out", fail)
    with pytest.raises(RuntimeError, match="interrupted"):
        backups.load(db, older)

    assert db["students"].count_documents({}) == 0
    assert len(erasure.erasures(db)) == 1


def test_a_damaged_backup_of_erasures_is_named(db, older, make_db, tmp_path):
    newer = tmp_path / "newer.gz"
    newer.write_bytes(b"no backup")

    with pytest.raises(InvalidRequest) as refused:
        backups.load(make_db(school=False), older, erasures_of=newer)

    assert refused.value.field == "--erasures-of"


def test_the_command_line_says_how_many_were_erased_again(db, older, make_db, tmp_path):
    newer, other = tmp_path / "newer.gz", make_db(school=False)
    backups.save(db, newer)
    settings = other.booking_settings

    done = subprocess.run(
        [sys.executable, "-m", "booking_core", "restore", str(older), "--erasures-of", str(newer)],
        capture_output=True,
        text=True,
        env={"MONGODB_URI": str(settings.mongodb_uri), "MONGODB_DATABASE": settings.database},
    )

    assert done.returncode == 0, done.stderr
    assert "Erased again, because erased after the backup: 1 students." in done.stdout
    assert mentions(other) == []
