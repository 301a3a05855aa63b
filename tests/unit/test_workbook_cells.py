"""The cells of an Excel workbook are read as Excel displays them."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import pytest
from openpyxl import Workbook
from workbook_files import HEADER, repacked, saved, workbook

from booking_core import Student, Table, read_sheet, read_table
from booking_core.school.roster import COLUMNS, compare


def read(data: bytes) -> Table:
    return read_table(data, "list.xlsx", COLUMNS)


def formatted(*cells: tuple[Any, str]) -> bytes:
    """A workbook whose rows are (roll number, format of its cell)."""
    book = Workbook()
    book.active.append(HEADER)
    for line, (value, number_format) in enumerate(cells, start=2):
        book.active.append([value, "Asha", "8-A"])
        book.active.cell(line, 1).number_format = number_format
    return saved(book)


def ids(table: Table) -> list[str]:
    return [row.values["id"] for row in table.rows]


def test_numbers_dates_and_booleans_read_as_displayed() -> None:
    day = datetime(2026, 6, 1)  # noqa: DTZ001 - a sheet has no time zone
    row = [101, "Uma", 8.0, None, 12.5, True, day, date(2026, 6, 2), time(9, 15)]

    [found] = read_sheet(
        workbook(row, header=[*HEADER, "a", "active", "c", "d", "e"]), "list.xlsx"
    ).rows

    assert list(found.cells[: len(row)]) == [
        "101", "Uma", "8", "", "12.5", "TRUE", "2026-06-01", "2026-06-02", "09:15",
    ]  # fmt: skip


def test_a_roll_number_reads_with_the_zeros_and_letters_of_its_format() -> None:
    table = read(
        formatted((1, "00000"), (2.0, "00000"), (3, '"S"000'), (101, "0.00"), (4, "General"))
    )

    assert ids(table) == ["00001", "00002", "S003", "101", "4"]


def test_text_that_looks_like_a_number_keeps_its_zeros() -> None:
    book = Workbook()
    book.active.append(HEADER)
    book.active.append(["00007", "Asha", "8-A"])
    book.active.cell(2, 1).quotePrefix = True  # typed with an apostrophe in front

    assert ids(read(saved(book))) == ["00007"]


def test_a_list_with_padded_roll_numbers_has_no_leaving_and_no_new_student() -> None:
    known = {f"{n:05d}": Student(f"{n:05d}", "Asha", "8-A") for n in range(1, 6)}

    plan = compare(read(formatted(*((n, "00000") for n in range(1, 6)))).rows, known, 0)

    assert (plan.new, plan.leaving, plan.unchanged) == ((), (), 5)


def test_a_formula_reads_as_its_saved_value_and_is_not_run() -> None:
    # A formula that a program wrote has no saved value, and the import computes none.
    data = workbook(["=1+1", '=HYPERLINK("http://x.org","Asha")', "8-A", None])
    solved = repacked(
        data,
        sheet1=b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        b'<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c>'
        b'<c r="B1" t="inlineStr"><is><t>name</t></is></c>'
        b'<c r="C1" t="inlineStr"><is><t>class</t></is></c></row>'
        b'<row r="2"><c r="A2"><f>100+1</f><v>101</v></c>'
        b'<c r="B2" t="str"><f>"As"&amp;"ha"</f><v>Asha</v></c>'
        b'<c r="C2" t="inlineStr"><is><t>8-A</t></is></c></row></sheetData></worksheet>',
    )

    [unsolved] = read(data).rows
    [found] = read(solved).rows

    assert (unsolved.values["id"], unsolved.values["name"]) == ("", "")
    assert found.values == {"id": "101", "name": "Asha", "class": "8-A"}


@pytest.mark.parametrize("error", ["#REF!", "#N/A", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"])
def test_a_cell_with_an_error_is_named_by_its_address(error: str) -> None:
    [row] = read(workbook(["S1", error, "8-A", None])).rows

    assert row.problem == f"has an error ({error}) in cell B2"
    assert row.values["id"] == "S1"


def test_text_that_looks_like_an_error_is_text() -> None:
    book = Workbook()
    book.active.append(HEADER)
    book.active.append(["S1", "#N/A", "8-A"])
    book.active.cell(2, 2).data_type = "s"

    [row] = read(saved(book)).rows

    assert (row.problem, row.values["name"]) == ("", "#N/A")
