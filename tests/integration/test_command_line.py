"""``python -m booking_core``, run as a user runs it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from command_line import Run, assert_one_sentence, run, runner
from support import booked

from booking_core import (
    Account,
    Role,
    Settings,
    Status,
    Team,
    add_account,
    find_bookings,
    save_team,
)
from booking_core.domain import errors
from booking_core.domain.errors import BookingError
from booking_core.domain.messages import sentence
from booking_core.operations.doctor import examine, examine_database
from booking_core.storage.client.database import BookingDatabase
from booking_core.storage.schema import indexes, schema

TOMORROW = datetime.now(ZoneInfo("Asia/Kolkata")).date() + timedelta(days=1)
MakeDatabase = Callable[..., BookingDatabase]


@pytest.fixture
def command(db: BookingDatabase) -> Run:
    """Runs the command line on the school of ``db``."""
    return runner(db)


# Help, init, demo


def test_help_names_every_command() -> None:
    done = run("--help")

    assert done.returncode == 0
    for name in ("init", "demo", "doctor", "board", "book", "import", "backup", "restore"):
        assert f"\n  {name} " in done.stdout
    # The line can be copied: only the Python of .venv has the packages.
    assert done.stdout.startswith("Usage: .venv/bin/python -m booking_core ")


def test_init_reports_its_changes_and_then_that_the_schema_is_complete(
    make_db: MakeDatabase, mongod_uri: str
) -> None:
    db = make_db(school=False)
    db.client.drop_database(db.name)

    first, second = runner(db)("init"), runner(db)("init")

    assert (first.returncode, second.returncode) == (0, 0)
    assert "made collection bookings" in first.stdout
    assert "made index one_holder_per_claim" in first.stdout
    assert second.stdout == f"Everything is in place in {db.name}.\n"
    assert indexes.index_faults(db) == indexes.validator_faults(db) == []


def test_the_demo_loads_once_and_keeps_an_existing_school(make_db: MakeDatabase) -> None:
    db = make_db(school=False)

    first, second = runner(db)("demo"), runner(db)("demo")

    assert first.stdout == "Loaded 8 grounds and 120 students.\n"
    assert_one_sentence(second, "holds data already")


def test_without_an_address_the_embedded_server_is_used_and_stopped(tmp_path: Path) -> None:
    made = run("init", DATA_DIRECTORY=str(tmp_path))
    found = run("doctor", DATA_DIRECTORY=str(tmp_path))

    assert (made.returncode, found.returncode) == (0, 0)
    assert "WRONG" not in found.stdout


# Backup and restore


def test_a_school_is_backed_up_and_restored(
    db: BookingDatabase, make_db: MakeDatabase, tmp_path: Path
) -> None:
    held, file = booked(db), str(tmp_path / "school.gz")
    other = make_db(school=False)

    saved, restored = runner(db)("backup", file), runner(other)("restore", file)

    assert f"documents of {db.name} are in {file}." in saved.stdout
    assert restored.stdout.endswith(f"are in {other.name}.\n")
    assert find_bookings(other) == [held]
    assert_one_sentence(runner(other)("restore", file), "holds data already")


# Doctor


def test_the_doctor_reports_a_healthy_database(command: Run) -> None:
    done = command("doctor")

    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert [line.split()[0] for line in lines] == ["ok"] * 17
    assert "a write arrives after" in lines[-4]
    assert lines[-3].endswith("never recorded")  # without a booking this is no fault
    assert "off: BACKUP_DIRECTORY is not set" in lines[-2]
    assert lines[-1].endswith("no mail is set up")


def test_the_doctor_names_each_problem_with_its_remedy(db: BookingDatabase, command: Run) -> None:
    first = booked(db)
    db[schema.BOOKINGS].drop_index(schema.ONE_HOLDER_PER_CLAIM)
    db.command("collMod", schema.STUDENTS, validator={})
    stored = db[schema.BOOKINGS].find_one({"_id": first.id})
    assert stored is not None
    db[schema.BOOKINGS].insert_one(stored | {"_id": "twin"})

    done = command("doctor")

    assert done.returncode == 1
    wrong = [line for line in done.stdout.splitlines() if line.startswith("WRONG")]
    assert [line.split()[1] for line in wrong if "valid" not in line] == [
        "indexes",
        "duplicates",
        "last",  # backup
    ]
    assert any("students" in line for line in wrong)
    assert any(first.id in line and "twin" in line for line in wrong)
    assert all(" -> " in line for line in wrong)
    assert_one_sentence(command("board", "today"), "exclude each other")


def test_the_doctor_changes_no_document(db: BookingDatabase) -> None:
    booked(db)
    names = [name for name in schema.VALIDATORS if name != schema.META]
    before = {name: list(db[name].find()) for name in names}
    revision = db[schema.META].find_one({"_id": "revision"})

    assert all(finding.ok for finding in examine_database(db))

    assert {name: list(db[name].find()) for name in names} == before
    assert db[schema.META].find_one({"_id": "revision"}) == revision


def test_the_doctor_reports_a_server_that_does_not_answer() -> None:
    findings = list(examine(Settings(mongodb_uri="mongodb://127.0.0.1:1")))

    assert [(finding.name, finding.ok) for finding in findings] == [("connection", False)]
    assert "cannot be reached" in findings[0].detail


# Errors


def test_every_error_has_one_sentence() -> None:
    def kinds(kind: type[BookingError]) -> list[type[BookingError]]:
        return [kind, *(k for child in kind.__subclasses__() for k in kinds(child))]

    handled = Path(str(sys.modules["booking_core.domain.messages"].__file__)).read_text("utf-8")
    bases = {"BookingError", "RuleBroken", "Conflict", "ServerFailed"}
    for kind in kinds(BookingError):
        if kind.__module__ == errors.__name__ and kind.__name__ not in bases:
            assert f"case {kind.__name__}():" in handled
    assert sentence(errors.SchemaConflict([])).count("\n") == 0
    assert sentence(errors.ServerFailed("It is full.", "Make room.")) == "It is full. Make room."


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"MONGODB_URI": "mongodb://127.0.0.1:1"}, "cannot be reached"),
        ({"MONGODB_URI": "nonsense"}, "MONGODB_URI must start with mongodb://"),
        ({"MONGODB_URI": "mongodb://"}, "MONGODB_URI"),
        ({"SCHOOL_TIME_ZONE": "Mars/Olympus"}, "no time zone 'Mars/Olympus'"),
        ({"BOOKING_QUOTA_PER_WEEK": "many"}, "BOOKING_QUOTA_PER_WEEK must be a whole number"),
    ],
)
def test_an_invalid_setting_is_reported_in_one_sentence(
    environment: dict[str, str], words: str
) -> None:
    assert_one_sentence(run("board", "today", **environment), words)


def test_a_refused_password_is_reported_in_one_sentence(mongod_uri: str) -> None:
    address = mongod_uri.rpartition("@")[2]
    uri = f"mongodb://somebody:secret-word@{address}"

    done, found = run("board", "today", MONGODB_URI=uri), run("doctor", MONGODB_URI=uri)

    assert_one_sentence(done, "MONGODB_URI")
    assert found.returncode == 1
    assert "WRONG" in found.stdout
    for text in (done.stderr, found.stdout, found.stderr):
        assert "secret-word" not in text
        assert "Traceback" not in text


# Board and book


def test_the_board_shows_the_holder_of_each_slot(command: Run) -> None:
    command(
        *("book", "--ground", "Ground 1", "--date", "tomorrow", "--start", "09:00", "--end"),
        *("11:00", "--student", "S007", "--game", "Football", "--as", "meera"),
    )

    shown = command("board", TOMORROW.isoformat()).stdout.splitlines()

    assert shown[0] == f"{TOMORROW:%A} {TOMORROW}"
    assert shown[1].split("  ")[-1] == "Ground 3"
    assert [line.split()[0] for line in shown if "? Football, Student 7" in line] == [
        "9-10",
        "10-11",
    ]
    assert shown[2].split() == ["8-9", "free", "free", "free"]


def test_a_booking_is_made_by_names_and_printed(db: BookingDatabase, command: Run) -> None:
    done = command(
        *("book", "--ground", "Ground 2", "--date", str(TOMORROW), "--start", "9:00"),
        *("--end", "10:00", "--student", "Student 7", "--game", "Cricket"),
        *("--purpose", "Trials", "--as", "Meera Nair:staff"),
    )

    [made] = find_bookings(db)
    assert done.returncode == 0
    assert done.stdout.startswith(f"{made.reference}: Cricket on ground-2, {TOMORROW}")
    assert (made.status, made.created_by, made.purpose) == (Status.PENDING, "Meera Nair", "Trials")


@pytest.mark.parametrize(
    ("party", "whom"),
    [
        (("--student", "S007", "--student", "Student 8"), "Student 7, Student 8, 8-A, 9-A"),
        (("--class", "2-a"), "2-A, whole class"),
        (("--team", "eleven"), "First eleven"),
        (("--staff", "--supervisor", "meera"), "Staff"),
    ],
)
def test_a_booking_is_made_for_each_party(
    db: BookingDatabase, command: Run, party: tuple[str, ...], whom: str
) -> None:
    save_team(db, Team("eleven", "First eleven"))
    add_account(db, Account("meera", "Meera Nair", Role.STAFF))
    slot = ("--ground", "Ground 2", "--date", str(TOMORROW), "--start", "9:00", "--end", "10:00")
    done = command("book", *slot, *party, "--game", "Cricket", "--as", "meera")

    [made] = find_bookings(db)
    assert done.returncode == 0
    assert f"for {whom} (Pending)" in done.stdout
    assert made.whom == whom


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"--ground": "Ground 9"}, "ground 'Ground 9' is not on record"),
        ({"--student": "Nobody"}, "student 'Nobody' is not on record"),
        ({"--date": "someday"}, "date 'someday' is not like"),
        ({"--date": "2020-01-06"}, "has gone by"),
        ({"--start": "nine"}, "start 'nine' is not like 09:15"),
        ({"--start": "09:30"}, "is no run of periods"),
        ({"--game": "Chess"}, "Chess is not played on ground-1"),
        ({"--as": "meera:wizard"}, "has no role 'wizard'"),
        ({"--as": ""}, "by is missing"),
    ],
)
def test_a_refused_booking_is_reported_in_one_sentence(
    command: Run, changes: dict[str, str], words: str
) -> None:
    options = {
        "--ground": "ground-1",
        "--date": "tomorrow",
        "--start": "09:00",
        "--end": "10:00",
        "--student": "S001",
        "--game": "Football",
        "--as": "meera",
    }

    done = command("book", *(part for pair in (options | changes).items() for part in pair))

    assert_one_sentence(done, words)


def test_a_taken_slot_names_its_holder_and_free_alternatives(command: Run) -> None:
    wanted = ["book", "--ground", "ground-1", "--date", "tomorrow", "--start", "09:00"]
    wanted += ["--end", "10:00", "--game", "Football", "--as", "meera", "--student"]

    first, second = command(*wanted, "S001"), command(*wanted, "S002")

    assert first.returncode == 0
    assert_one_sentence(second, "is held by Student 1, booked by meera. Free that day: ground-1")
