"""A backup that contradicts itself is listed from the file, and restored by options alone."""

from __future__ import annotations

import pytest
import version_one
from backup_files import assert_empty
from command_line import assert_one_sentence, run, runner
from support import booked

from booking_core import InvalidRequest, connect, disconnect, find_bookings, load_reference
from booking_core.operations import backups, doctor
from booking_core.storage.backups.decisions import Decisions

ACCENT = "e\u0301"


@pytest.fixture
def old(db, tmp_path):
    """(file, twins): a backup of the first version with every kind of contradiction."""
    db.client.drop_database(db.name)
    twins = [version_one.row(student_id=f"S00{n}") for n in (1, 2)]
    other = version_one.row(student_id="s001", start="12:00", end="13:00")
    version_one.create(db, [])
    for name in ("one_booking_per_slot", "one_place_per_student"):
        db["bookings"].drop_index(name)
    db["bookings"].insert_many([*twins, other])
    db["students"].insert_one({**db["students"].find_one({"_id": "S001"}), "_id": "s001"})
    ground = db["grounds"].find_one({})
    db["grounds"].insert_one({**ground, "_id": ACCENT})
    account = {"name": "A", "role": "staff", "active": True, "must_change": False, "epoch": 0}
    db["accounts"].insert_many(account | {"_id": id, "email": "one@b.cd"} for id in ("one", "two"))
    file = tmp_path / "old.gz"
    backups.save(db, file)
    db.client.drop_database(db.name)
    again = connect(db.booking_settings)
    disconnect(again)
    return file, sorted(row["_id"] for row in twins)


def test_an_old_backup_with_twins_and_clashing_ids_is_restored_by_the_command_line(db, old):
    file, twins = old
    command = runner(db)
    listed = run("restore", str(file), "--check", MONGODB_URI="mongodb://127.0.0.1:1/")

    refused = command("restore", str(file))
    options = [
        *("--cancel", twins[1], "--rename", "students/s001=S901"),
        *("--rename", "grounds/'e\\u0301'=ground-e", "--set", "grounds/'e\\u0301'/name=North"),
        *("--set", "accounts/two/email="),
    ]
    free = command("restore", str(file), "--check", *options)
    done = command("restore", str(file), *options)

    assert listed.returncode == 1
    for words in (
        f"booking {twins[0]} (ground-1 2026-11-24 09:00-10:00 Pending, Asha) and booking",
        f"exclude each other; for example --cancel {twins[1]}",
        "students/S001 and students/s001 cannot be told apart; for example --rename",
        "grounds/'e\\u0301' has an id that cannot be typed",
        "have one name; for example --set",
        "accounts/one and accounts/two have one email; for example --set accounts/two/email=NEW",
    ):
        assert words in listed.stdout
    assert_one_sentence(refused, "contradicts itself: ")
    assert f"restore --check {file}” lists all of it" in refused.stderr
    assert "Nothing in" in free.stdout, free.stdout
    assert done.returncode == 0, done.stderr
    school = connect(db.booking_settings)
    stored = {booking.id: booking for booking in find_bookings(school)}
    assert [stored[id].status.value for id in twins] == ["Pending", "Cancelled"]
    assert stored[twins[1]].history[-1].by == "system"
    assert {b.student_id for b in stored.values()} == {"S001", "S002", "S901"}
    assert load_reference(school).grounds["ground-e"].name == "North"
    assert all(f.ok for f in doctor.examine_database(school, without=["feed", "bookings"]))
    disconnect(school)


def test_a_document_of_another_program_can_be_left_out(db, tmp_path):
    booked(db)
    db["bookings"].insert_one({"_id": "old", "status": "Pending"}, bypass_document_validation=True)
    file = tmp_path / "school.gz"
    backups.save(db, file)
    db.client.drop_database(db.name)
    disconnect(connect(db.booking_settings))
    command = runner(db)

    listed = command("restore", str(file), "--check")
    refused = command("restore", str(file))
    done = command("restore", str(file), "--leave-out", "bookings/old")

    assert "bookings/old cannot be read: no kind; for example --leave-out" in listed.stdout
    assert_one_sentence(refused, "“restore --check” lists such documents")
    assert done.returncode == 0, done.stderr
    assert db["bookings"].count_documents({}) == 1


def test_a_backup_without_contradictions_is_said_to_be_so(db, tmp_path):
    booked(db)
    backups.save(db, tmp_path / "school.gz")

    done = runner(db)("restore", str(tmp_path / "school.gz"), "--check")

    assert done.returncode == 0
    assert "Nothing in" in done.stdout


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"rename": ["S001=S2"]}, "--rename"),
        ({"rename": ["bookings/x=y"]}, "--rename"),
        ({"rename": ["students/x="]}, "--rename"),
        ({"values": ["students/S001/name=X"]}, "--set"),
        ({"values": ["grounds/g/name="]}, "--set"),
        ({"leave_out": ["nowhere/x"]}, "--leave-out"),
    ],
)
def test_a_malformed_decision_is_refused_by_the_name_of_its_option(options, field):
    with pytest.raises(InvalidRequest) as error:
        Decisions.parse(**options)

    assert error.value.field == field


def test_a_decision_about_a_document_that_the_backup_lacks_changes_nothing(empty, db, tmp_path):
    backups.save(db, tmp_path / "school.gz")

    with pytest.raises(InvalidRequest, match="has no students/nobody"):
        backups.load(
            empty, tmp_path / "school.gz", Decisions.parse(rename=["students/nobody=S901"])
        )

    assert_empty(empty)
