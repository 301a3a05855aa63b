"""Students and accounts that were erased do not come back with an older backup."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest
from backup_files import make_empty
from support import ADMIN, HEAD, MEERA, NOW, booked

from booking_core import (
    Account,
    Actor,
    InvalidRequest,
    Role,
    Student,
    add_account,
    approve,
    erase_account,
    erase_student,
    find_accounts,
    find_bookings,
    finish_erasures,
    load_reference,
    save_student,
    set_active,
)
from booking_core.operations import backups
from booking_core.storage import erasures
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
    assert erasures.on_record(other) == erasures.on_record(db)


def test_a_database_that_was_emptied_remembers_its_erasures(db, older):
    kept = list(db["meta"].find({"_id": {"$regex": "^erased/"}}))
    make_empty(db)["meta"].insert_many(kept)

    assert backups.load(db, older).erased == 1

    assert mentions(db) == []
    assert len(erasures.on_record(db)) == 1


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
    assert len(erasures.on_record(db)) == 1


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
    assert "accounts." not in done.stdout
    assert mentions(other) == []


TEACHER = Actor("jquorn", Role.STAFF, "Jorun Quorn")


def names_teacher(db):
    texts = ("jquorn", "jorun", "quorn")
    rows = [(name, row) for name in db.list_collection_names() for row in db[name].find()]
    return {name for name, row in rows if any(text in repr(row).casefold() for text in texts)}


@pytest.fixture
def with_teacher(db, tmp_path):
    """A backup that has a teacher with a booking, whose account is erased in ``db`` afterwards."""
    for actor in (ADMIN, HEAD, MEERA, TEACHER):
        add_account(db, Account(actor.id, actor.name, actor.role), by=ADMIN, now=NOW)
    approve(db, booked(db, by=TEACHER).id, by=HEAD, now=NOW)
    booked(db, student=1, start=15)
    file = tmp_path / "older.gz"
    backups.save(db, file)
    erase_account(db, TEACHER.id, by=ADMIN, now=LATER)
    return file


@pytest.mark.parametrize("finished", [True, False], ids=["finished", "noted"])
def test_a_newer_backup_has_the_accounts_of_an_older_one_erased_again(
    db, with_teacher, make_db, tmp_path, finished
):
    if finished:
        finish_erasures(db, now=FINISHED)
    newer, other = tmp_path / "newer.gz", make_db(school=False)
    backups.save(db, newer)

    done = backups.load(other, with_teacher, erasures_of=newer)

    assert (done.erased, done.accounts) == (0, 1)
    assert names_teacher(other) == set()
    assert {one.id for one in find_accounts(other)} == {"admin", "head", "meera"}
    by = sorted(booking.created_by_name for booking in find_bookings(other))
    assert by[0].startswith("Former staff ")
    assert by[1] == "Meera"
    assert erasures.on_record(other) == erasures.on_record(db)


def test_an_entry_of_an_erased_account_leads_neither_to_the_name_nor_to_the_bookings(
    db, with_teacher
):
    finish_erasures(db, now=FINISHED)

    [entry] = db["meta"].find({"salt": {"$exists": True}})
    assert names_teacher(db) == set()
    assert entry.keys() == {"_id", "grounds", "students", "salt", "hash"}
    [pseudonym] = {b.created_by for b in find_bookings(db)} - {MEERA.id}
    assert pseudonym.removeprefix("former-staff-") not in repr(entry)


def test_the_backup_of_an_erasure_that_is_not_finished_is_finished_after_the_restore(
    db, with_teacher, make_db, tmp_path
):
    newer, other = tmp_path / "newer.gz", make_db(school=False)
    backups.save(db, newer)
    assert backups.load(other, newer).accounts == 0
    assert names_teacher(other) == {"meta"}

    finish_erasures(other, now=FINISHED)

    assert names_teacher(other) == set()


def test_a_new_account_with_the_sign_in_name_of_an_erased_one_is_restored(
    db, with_teacher, make_db, tmp_path
):
    finish_erasures(db, now=FINISHED)
    add_account(db, Account(TEACHER.id, "Somebody New", Role.STAFF), by=ADMIN)
    newer, other = tmp_path / "newer.gz", make_db(school=False)
    backups.save(db, newer)

    assert backups.load(other, newer, erasures_of=newer).accounts == 0

    assert "Somebody New" in {one.name for one in find_accounts(other)}


def test_a_student_with_the_name_of_an_erased_account_is_no_account(
    db, with_teacher, make_db, tmp_path
):
    """An erasure of an account erases no student, though the roll number is the sign-in name."""
    older, other = tmp_path / "with_student.gz", make_db(school=False)
    save_student(db, Student(TEACHER.id, "Nils Berg", "1-A"))
    finish_erasures(db, now=FINISHED)
    newer = tmp_path / "newer.gz"
    backups.save(db, newer)
    kept = [row for row in db["meta"].find() if str(row["_id"]).startswith("erased")]
    db["meta"].delete_many({"_id": {"$in": [row["_id"] for row in kept]}})
    backups.save(db, older)

    done = backups.load(other, older, erasures_of=newer)

    assert done.erased == 0
    assert TEACHER.id in load_reference(other).students


def test_the_erasure_of_a_student_erases_no_account_with_that_name(db, make_db, tmp_path):
    older, newer, other = tmp_path / "older.gz", tmp_path / "newer.gz", make_db(school=False)
    save_student(db, LEAVER)
    add_account(db, Account(LEAVER.id, "Nils Berg", Role.STAFF))
    backups.save(db, older)
    erase(db)
    backups.save(db, newer)

    done = backups.load(other, older, erasures_of=newer)

    assert (done.erased, done.accounts) == (1, 0)
    assert [one.name for one in find_accounts(other)] == ["Nils Berg"]
