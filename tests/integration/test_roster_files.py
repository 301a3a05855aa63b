"""Uploaded files, valid and hostile: each is read as a table or refused in one sentence."""

from __future__ import annotations

import io
import subprocess
import sys
import time as clock
import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from workbook_files import HEADER, repacked, saved, workbook

from booking_core import InvalidRequest, Limits, Student, Table, plan_roster, read_table
from booking_core.school.roster import COLUMNS, compare
from booking_core.storage.client.database import Documents

SMALL = Limits(bytes=2000, rows=3, columns=4, text=200)


def read(data: bytes, name: str = "list.xlsx", **options: Any) -> Table:
    return read_table(data, name, COLUMNS, **options)


def refused(data: bytes, name: str = "list.xlsx", **options: Any) -> str:
    """Returns the sentence about a refused file."""
    with pytest.raises(InvalidRequest) as caught:
        read(data, name, **options)
    assert caught.value.field == "file"
    assert "\n" not in caught.value.problem
    return caught.value.problem


# Workbooks


def test_a_workbook_reads_like_the_same_list_as_text() -> None:
    sheet = read(workbook(["S1", "Asha Rao", "8-A", None], ["S2", "Ravi", "8-B", "r@x.org"]))
    text = read(b"Roll No.,Name,Class,E-mail\nS1,Asha Rao,8-A,\nS2,Ravi,8-B,r@x.org\n", "l.csv")

    assert sheet == text
    assert sheet.rows[1].values == {
        "id": "S2",
        "name": "Ravi",
        "class": "8-B",
        "email": "r@x.org",
    }


def test_line_numbers_are_those_of_the_sheet_and_count_empty_lines() -> None:
    table = read(workbook([], ["S1", "Asha", "8-A"], [None, " "], ["S2", "Ravi", "8-B"]))

    assert [row.line for row in table.rows] == [3, 5]


def test_the_first_visible_sheet_is_read() -> None:
    book = load_workbook(io.BytesIO(workbook(["S1", "Asha", "8-A"])))
    book.create_sheet("Notes", 0).append(["nothing to see"])
    book.worksheets[0].sheet_state = "hidden"

    assert read(saved(book)).rows[0].values["id"] == "S1"


def test_macros_are_never_read() -> None:
    data = repacked(workbook(["S1", "Asha", "8-A"]), vbaProject=b"Sub AutoOpen()\nEnd Sub")

    assert read(data, "list.xlsm").rows[0].values["name"] == "Asha"


def test_a_sheet_that_claims_a_million_rows_costs_only_its_actual_rows() -> None:
    data = workbook(["S1", "Asha", "8-A"])
    sheet = zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml")
    claimed = sheet.replace(b'ref="A1:D2"', b'ref="A1:XFD1048576"')
    assert claimed != sheet
    began = clock.process_time()

    assert len(read(repacked(data, sheet1=claimed)).rows) == 1

    assert clock.process_time() - began < 1


def test_a_row_number_beyond_every_sheet_causes_no_endless_work() -> None:
    data = workbook(["S1", "Asha", "8-A"])
    sheet = zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml")
    far = sheet.replace(b'<row r="2"', b'<row r="99999999999"')
    assert far != sheet

    assert "is damaged" in refused(repacked(data, sheet1=far))


# Files that are no list


LOCKED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le")


@pytest.mark.parametrize(
    ("data", "name", "problem"),
    [
        (LOCKED, "list.xlsx", "is locked with a password; save it without one"),
        (LOCKED, "list.csv", "is locked with a password; save it without one"),
        (LOCKED[:600], "list.xls", "is of a kind that is not read (.xls, .xlsb, .ods)"),
        (b"anything", "list.ods", "is of a kind that is not read (.xls, .xlsb, .ods)"),
        (b"id,name,class\nS1,A,8-A\n", "list.xlsx", "is damaged, or no workbook"),
        (b"", "list.xlsx", "is damaged, or no workbook"),
        (b"", "list.csv", "is empty"),
        (workbook(["S1", "A", "8-A"]), "list.csv", "its name must end in .xlsx"),
        (workbook(["S1", "A", "8-A"])[:-300], "list.xlsx", "is damaged, or no workbook"),
        (b"\x89PNG\r\n\x1a\n\0\0", "list.csv", "is no text file"),
        (b"<html><script>alert(1)</script></html>", "list.csv", "has a header and no rows"),
        (b"<b>list</b>\n<i>of</i>", "list.csv", "has no columns id, name, class in line 1"),
        (workbook(["S1", "A"], header=["Roll", "Name"]), "list.xlsx", "has no column class"),
        (workbook(header=HEADER), "list.xlsx", "has a header and no rows under it"),
        (saved(Workbook()), "list.xlsx", "is empty"),
        (repacked(workbook(["S1"]), workbook=b"<workbook"), "list.xlsx", "is damaged"),
        (repacked(workbook(["S1"]), sheet1=b"\xff\xfe garbage"), "list.xlsx", "is damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_no_list_is_refused_in_one_sentence(
    data: bytes, name: str, problem: str
) -> None:
    assert problem in refused(data, name)


def test_an_archive_that_is_no_workbook_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../../etc/passwd", "root")

    assert "is damaged" in refused(file.getvalue())


def test_an_encrypted_part_is_refused() -> None:
    data = bytearray(workbook(["S1", "A", "8-A"]))
    place = data.find(b"PK\x01\x02")
    data[place + 8] |= 1  # an archive with a password sets this flag on its parts

    assert "is locked with a password" in refused(bytes(data))


# Limits


@pytest.mark.parametrize(
    ("data", "name", "problem"),
    [
        (b"id,name,class\n" + b"x" * 2000, "l.csv", "is larger than"),
        (b"id,name,class\n" + b"S,A,8\n" * 4, "l.csv", "has more than 3 rows"),
        (b"id,name,class,a,b\nS,A,8,,\n", "l.csv", "has more than 4 columns"),
        (b"id,name,class\nS1," + b"n" * 300 + b",8-A\n", "l.csv", "holds more text than"),
    ],
)
def test_a_file_beyond_a_limit_is_refused(data: bytes, name: str, problem: str) -> None:
    assert problem in refused(data, name, limits=SMALL)


def test_a_workbook_has_the_same_limits() -> None:
    rows = [["S", "A", "8", None]] * 4

    assert "has more than 3 rows" in refused(workbook(*rows), limits=Limits(rows=3))
    assert "has more than 3 columns" in refused(workbook(*rows), limits=Limits(columns=3))
    wide = workbook(["S1", "A", "8-A", *["x"] * 16_000])
    assert len(read(wide).rows[0].problem) > 0


def test_twenty_thousand_rows_are_read_and_one_more_is_not() -> None:
    lines = [f"R{n},Student {n},{n % 12 + 1}-A" for n in range(20_001)]

    assert len(read("\n".join(["id,name,class", *lines[:-1]]).encode(), "l.csv").rows) == 20_000
    assert "has more than 20000 rows" in refused(
        "\n".join(["id,name,class", *lines]).encode(), "l.csv"
    )


def test_an_archive_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    data = repacked(workbook(["S1", "A", "8-A"]), sheet1=b" " * (65 * 1024 * 1024))
    assert len(data) < 200_000

    def opened(*args: Any, **options: Any) -> None:
        raise AssertionError("it was unpacked")

    monkeypatch.setattr(zipfile.ZipFile, "open", opened)
    assert "unpacks to far more" in refused(data)


def test_an_archive_of_a_thousand_parts_is_refused() -> None:
    data = repacked(workbook(["S1"]), **{f"part{n}": b"x" for n in range(1000)})

    assert "unpacks to far more" in refused(data)


def test_a_compression_without_a_size_limit_is_refused() -> None:
    # The library would unpack it completely, whatever size its part states.
    data = repacked(workbook(["S1", "A", "8-A"]), packing=zipfile.ZIP_LZMA)

    assert "is damaged" in refused(data)


def test_expanding_entities_are_refused() -> None:
    grown = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "{"ha" * 50}">{grown}]><x>&a11;</x>'
    began = clock.process_time()

    problem = refused(repacked(workbook(["S1", "A", "8-A"]), sheet1=bomb.encode()))

    assert "is damaged" in problem
    assert clock.process_time() - began < 5


# Characters


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_letters_beyond_ascii_are_read_in_every_usual_encoding(
    encoding: str, delimiter: str
) -> None:
    text = "\r\n".join(
        delimiter.join(row) for row in (["roll", "name", "class"], ["S1", "José Müller", "8-A"])
    )

    table = read(text.encode(encoding), "list.csv")

    assert table.rows[0].values["name"] == "José Müller"
    assert table.guessed == (encoding == "cp1252")


def test_names_of_every_script_are_accepted_and_characters_that_reorder_a_line_are_not(
    db: Documents,
) -> None:
    names = ["आशा राव", "محمد علي", "李小龍", "<script>alert(1)</script>", "*b* [x](y)", "=1+1"]
    hidden = ["Asha \u202egnp", "Asha \u2066x", "As\x07ha"]
    lines = [f"N{n},{name},8-A" for n, name in enumerate([*names, *hidden])]

    plan = plan_roster(db, read("\n".join(["id,name,class", *lines]).encode(), "list.csv").rows)

    assert [student.name for student in plan.new] == names
    assert [(w.field, w.problem) for w in plan.wrong] == [
        ("name", "contains a character that cannot be used")
    ] * 3


def test_every_usual_spelling_of_a_heading_is_accepted() -> None:
    for heading in ("ID", "Roll No.", "roll_number", "Admission No", "Student ID"):
        table = read(f"{heading},Student Name,Class,E-mail\nS1,A,8-A,\n".encode(), "list.csv")
        assert compare(table.rows, {}, 0).new == (Student("S1", "A", "8-A"),)


def test_the_library_for_workbooks_is_loaded_only_for_a_workbook(tmp_path: Path) -> None:
    check = (
        "import sys, booking_core; booking_core.read_table(b'id,name,class\\nS,A,8', 'l.csv', ());"
        "assert not [m for m in sys.modules if m.startswith('openpyxl')]"
    )

    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


def test_the_command_line_reads_a_workbook(db: Documents, tmp_path: Path) -> None:
    file = tmp_path / "list.xlsx"
    file.write_bytes(workbook(["N1", "Nila", "8-A"], [None, "Nobody", "8-A"]))
    settings = db.booking_settings
    environment = {"MONGODB_URI": str(settings.mongodb_uri), "MONGODB_DATABASE": settings.database}

    done = subprocess.run(
        [sys.executable, "-m", "booking_core", "import", "students", str(file)],
        capture_output=True,
        text=True,
        env=environment,
    )

    assert "line 3: refused: id is missing" in done.stdout
    assert "1 added, 0 already there, 1 refused" in done.stdout
    assert db["students"].find_one({"_id": "N1"})["name"] == "Nila"
