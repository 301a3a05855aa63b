"""Which columns of a list hold what: by headings, by values, as given, as the last time."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Run, assert_one_sentence, runner
from support import ADMIN, MEERA

from booking_core import (
    InvalidRequest,
    NotAllowed,
    keep_columns,
    load_reference,
    read_sheet,
    read_table,
    suggest_columns,
    table_of,
)
from booking_core.operations.history_import import BOOKING_COLUMNS
from booking_core.school.roster import COLUMNS
from booking_core.storage.client.database import BookingDatabase, Documents
from booking_core.storage.schema import indexes
from booking_core.tables.columns import Matching, match

TWO_IDS = "Adm No,Roll No,Student Name,Std\nA1,1,Asha,8-A\nA2,1,Ravi,8-B\n"


def found(text: str, required: tuple[str, ...] = COLUMNS) -> Matching:
    head, *rows = [line.split(",") for line in text.splitlines()]
    return match(head, rows, required)


@pytest.mark.parametrize(
    ("headings", "columns"),
    [
        ("Adm No,Name,Std", {"id": (0,), "name": (1,), "class": (2,)}),
        ("GR No.,Name of Student,Form", {"id": (0,), "name": (1,), "class": (2,)}),
        ("UPN,Legal Surname,Legal First Name,Reg Group",
         {"id": (0,), "name": (2, 1), "class": (3,)}),
        ("Enrolment No,First Name,Middle Name,Surname,Class/Section",
         {"id": (0,), "name": (1, 2, 3), "class": (4,)}),
        ("S.No.,Pravesh Kramank,Vidyarthi ka Naam,Kaksha,Varg",
         {"id": (1,), "name": (2,), "class": (3, 4)}),
        ("अनुक्रमांक,छात्र का नाम,कक्षा,वर्ग", {"id": (0,), "name": (1,), "class": (2, 3)}),
        ("Roll No,Student's Name,Grade,Section,E-mail ID",
         {"id": (0,), "name": (1,), "class": (2, 3), "email": (4,)}),
    ],
)  # fmt: skip
def test_headings_of_schools_are_known(headings: str, columns: dict[str, tuple[int, ...]]) -> None:
    assert found(f"{headings}\n") == Matching(columns)


def test_an_own_section_is_not_added_to_a_class_that_has_it() -> None:
    assert found("id,name,class,section\nA1,A,8-A,A\nA2,B,8-B,B\n").columns["class"] == (2,)
    assert found("id,name,class,section\nA1,A,8,A\nA2,B,8-B,B\n").columns["class"] == (2, 3)


def test_a_section_that_some_classes_have_is_asked_for() -> None:
    mixed = found("id,name,class,section\nA1,A,8-A,A\nA2,B,9,B\n")

    assert mixed.columns["class"] == (2, 3)
    assert "class" in mixed.unsure


def test_a_section_alone_is_no_class() -> None:
    sheet = read_sheet(b"id,name,class,section\nA1,A,8,A\nA2,B,,B\n", "list.csv")
    rows = table_of(sheet, found("id,name,class,section\nA1,A,8,A\nA2,B,,B\n").columns).rows

    assert [row.values["class"] for row in rows] == ["8-A", ""]


def test_a_column_that_is_not_chosen_is_not_read() -> None:
    sheet = read_sheet(b"id,name,class,email,active\nA1,A,8,a@b.example,no\n", "list.csv")
    [row] = table_of(sheet, {"id": (0,), "name": (1,), "class": (2,)}).rows

    assert row.values == {"id": "A1", "name": "A", "class": "8"}


def test_of_two_ids_the_one_that_differs_in_every_row_is_proposed_and_asked_for() -> None:
    [(name, why)] = found(TWO_IDS).unsure.items()

    assert found(TWO_IDS).columns["id"] == (0,)
    assert name == "id"
    assert why == (
        "“Adm No” or “Roll No” could be the id, which no two students share; "
        "several rows of “Roll No” have the same value or none"
    )
    swapped = "Roll No,Adm No,Name,Std\n1,A1,Asha,8-A\n2,A2,Ravi,8-B\n"
    assert found(swapped).columns["id"] == (1,)  # both differ: that of the school
    with pytest.raises(InvalidRequest, match="file: is not clear: “Adm No” or “Roll No”"):
        read_table(TWO_IDS.encode(), "list.csv", COLUMNS)


@pytest.mark.parametrize(
    ("headings", "field"),
    [
        ("id,First Name,Class", "name"),
        ("id,Name,Surname,Class", "name"),
        ("id,Name,Year Group,Reg Group", "class"),
        ("id,Name,Full Name,Student Name,Class,Class", "class"),
    ],
)
def test_what_is_not_sure_is_asked(headings: str, field: str) -> None:
    assert list(found(f"{headings}\n").unsure) == [field]


def test_an_export_of_bookings_names_its_columns() -> None:
    headings = "Reference,Date,Start,End,Ground,Game,Roll number,Student,Class,Purpose,Status,For"

    matching = found(f"{headings}\n", BOOKING_COLUMNS)

    assert (matching.unsure, matching.missing) == ({}, ())
    assert matching.columns["student"] == (7,)


# The columns of the last list


def test_the_columns_of_the_last_list_are_sure(db: Documents) -> None:
    sheet = read_sheet(TWO_IDS.encode(), "list.csv")
    keep_columns(db, sheet, {"id": (0,), "name": (2,), "class": (3,)}, by=ADMIN)

    again = read_sheet(b"x,Std,ROLL NO,Adm.No,Student Name\n1,8-A,1,A1,Asha\n", "list.csv")
    other = read_sheet(b"Adm No,Roll No,Name,Std\nA1,1,Asha,8-A\n", "list.csv")

    assert suggest_columns(db, again) == Matching({"id": (3,), "name": (4,), "class": (1,)})
    assert list(suggest_columns(db, other).unsure) == ["id"]
    assert indexes.validator_faults(db) == []


def test_the_columns_of_the_last_list_hide_no_new_one(db: Documents) -> None:
    last = read_sheet(b"Adm No,Name,Class\nA1,A,8-A\n", "list.csv")
    keep_columns(db, last, {"id": (0,), "name": (1,), "class": (2,)}, by=ADMIN)
    text = b"Adm No,Name,Class,Section,E-mail\nA1,A,8,A,a@b.example\n"

    columns = suggest_columns(db, read_sheet(text, "list.csv")).columns

    assert columns == {"id": (0,), "name": (1,), "class": (2, 3), "email": (4,)}


def test_only_an_admin_keeps_columns(db: Documents) -> None:
    with pytest.raises(NotAllowed):
        keep_columns(db, read_sheet(TWO_IDS.encode(), "list.csv"), {"id": (0,)}, by=MEERA)
    assert db["meta"].find_one({"_id": "student_columns"}) is None


# The command line


@pytest.fixture
def command(db: BookingDatabase) -> Run:
    return runner(db)


def test_the_command_line_asks_for_a_column_and_takes_it(
    command: Run, db: Documents, tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text(f"Class list\n{TWO_IDS}Total,2\n", encoding="utf-8")
    asked = command("import", "students", str(file))
    given = command("import", "students", str(file), "--dry-run", "--map", "adm no=id")
    done = command("import", "students", str(file), "--map", "Adm No=id")

    assert_one_sentence(asked, "list.csv is not clear: “Adm No” or “Roll No” could be the id")
    assert "Say which with --map “HEADING=id”" in asked.stderr
    assert given.stdout.splitlines() == [
        "read as name: “Student Name”",
        "read as class: “Std”",
        "read as id: “Adm No”",
        "Line 1 is not read, above the headings: “Class list”.",
        "Line 5 is not read, a total: “Total 2”.",
        "2 added, 0 already there, 0 refused (dry run: nothing was changed)",
    ]
    assert done.returncode == 0
    assert load_reference(db).students["A2"].name == "Ravi"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("Adm No=number", "--map has no field 'number': id, name, class, email, active"),
        ("Number=id", "--map names 'Number', and the file has no column of it: “Adm No”"),
        ("Adm No=email --map Std=email", "--map gives email two columns"),
        ("id", "--map 'id' is not like \"Adm No=id\""),
        ("Student Name=id", "list.csv has no column name in line 1"),
    ],
)
def test_a_wrong_map_is_refused_in_one_sentence(
    command: Run, tmp_path: Path, given: str, words: str
) -> None:
    file = tmp_path / "list.csv"
    file.write_text(TWO_IDS, encoding="utf-8")

    options = [part for text in given.split(" --map ") for part in ("--map", text)]

    assert_one_sentence(command("import", "students", str(file), *options), words)
