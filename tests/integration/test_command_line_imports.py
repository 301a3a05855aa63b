"""``python -m booking_core import``, run as a user runs it."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Run, assert_one_sentence, runner

from booking_core import find_bookings, load_reference
from booking_core.storage.client.database import BookingDatabase
from booking_core.storage.schema import schema


@pytest.fixture
def command(db: BookingDatabase) -> Run:
    """Runs the command line on the school of ``db``."""
    return runner(db)


def booking_file(folder: Path, *lines: str) -> str:
    file = folder / "old.csv"
    file.write_text("\n".join(("ground,date,start,end,student,game,status", *lines)), "utf-8")
    return str(file)


def test_students_are_imported_and_counted(
    db: BookingDatabase, command: Run, tmp_path: Path
) -> None:
    file = tmp_path / "students.csv"
    file.write_bytes(
        "\ufeffRoll No;Name;Class\r\nS900;Zoë D'Souza;8-A\r\nS001;New;9-A\r\n".encode()
    )

    tried = command("import", "students", str(file), "--dry-run")
    done = command("import", "students", str(file))

    assert tried.stdout.splitlines() == [
        "read as id: “Roll No”",
        "read as name: “Name”",
        "read as class: “Class”",
        "1 added, 1 changed, 0 already there, 0 refused (dry run: nothing was changed)",
    ]
    assert done.stdout == "1 added, 1 changed, 0 already there, 0 refused\n"
    assert "read as id: “Roll No”" in done.stderr
    assert load_reference(db).student("S900").name == "Zoë D'Souza"


def test_bookings_are_imported_once_with_a_line_for_each_refused_row(
    db: BookingDatabase, command: Run, tmp_path: Path
) -> None:
    row = "Ground 1,2025-01-06,09:00,10:00,S001,Football,Approved"
    file = booking_file(
        tmp_path, row, row, "Ground 9,2025-01-06,09:00,10:00,S001,Football,Approved"
    )

    first = command("import", "bookings", file)
    second = command("import", "bookings", file)
    third = command("import", "bookings", file, "--create-missing")

    assert first.stdout.splitlines() == [
        "line 4: refused: ground 'Ground 9' is not on record",
        "line 3: same as line 2",
        "1 added, 0 already there, 1 repeated, 1 refused",
    ]
    assert first.returncode == 1
    assert "0 added, 1 already there, 1 repeated, 1 refused" in second.stdout
    assert "line 4: refused: Student 1 is on ground-1 then (09:00-10:00)" in third.stdout
    assert len(find_bookings(db)) == 1


def test_a_long_import_shows_its_progress(
    db: BookingDatabase, command: Run, tmp_path: Path
) -> None:
    lines = [
        f"ground-{g},2024-{m:02d}-{n:02d},09:00,10:00,S{g:03d},Football,Approved"
        for g in (1, 2)
        for m in range(1, 7)
        for n in range(1, 29)
    ]

    done = command("import", "bookings", booking_file(tmp_path, *lines))

    assert done.stdout == "336 added, 0 already there, 0 refused\n"
    assert "336 rows" in done.stderr
    assert db[schema.BOOKINGS].count_documents({}) == 336


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "cannot be read: No such file"),
        (b"", "old.csv is empty"),
        (b"\x89PNG\r\n\0\0", "old.csv is no text file"),
        (b"ground,date\nx\x81,y\n", "old.csv is no text that can be read (line 2)"),
        (b"ground,date\nx,y\n", "old.csv has no columns start, end, student, game, status"),
    ],
)
def test_a_file_that_cannot_be_imported_is_reported_in_one_sentence(
    command: Run, tmp_path: Path, data: bytes | None, words: str
) -> None:
    file = tmp_path / "old.csv"
    if data is not None:
        file.write_bytes(data)

    assert_one_sentence(command("import", "bookings", str(file)), words)
