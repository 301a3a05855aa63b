"""Reads tables from CSV files and Excel workbooks: rows with their line numbers.

The kind and the size of a file are checked before it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from booking_core.domain.errors import InvalidRequest
from booking_core.tables import csv_lines, workbooks

# The line on which a row begins, its cells, and why the row cannot be used (empty: it can).
Line = tuple[int, list[str], str]

# How schools head these columns, in lower case, without dots and underscores.
_OTHER_NAMES = {
    "id": (
        "student id",
        "roll",
        "roll no",
        "roll number",
        "rollno",
        "admission no",
        "admission number",
        "student",
    ),
    "name": ("student name", "full name"),
    "class": ("class name", "class section", "grade"),
    "email": ("e-mail", "mail", "email address", "e-mail address"),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a file may hold. ``text`` is characters in all cells together."""

    bytes: int = 5 * 1024 * 1024
    rows: int = 20_000
    columns: int = 50
    text: int = 20_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file. ``line`` is the line on which it begins; the first line has number 1.

    A row with a ``problem`` cannot be used; its ``values`` are those cells that could be read.
    """

    line: int
    values: dict[str, str]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """``guessed`` is true when the encoding of the file had to be guessed."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    guessed: bool = False


UPLOAD = Limits()


def read_table(
    data: bytes, name: str, required: Sequence[str], *, limits: Limits = UPLOAD
) -> Table:
    """Returns the rows of a CSV file or of a workbook's first sheet; ``name`` is the file's name.

    CSV: UTF-8 or Windows-1252, with commas, semicolons or tabs. Workbook: .xlsx or .xlsm; formulas
    and macros are not run. Raises InvalidRequest for the field "file", in one sentence.
    """
    if len(data) > limits.bytes:
        raise InvalidRequest("file", f"is larger than {_megabytes(limits.bytes)}")
    ending = name.rpartition(".")[2].casefold() if "." in name else ""
    guessed = False
    lines: Iterator[Line]
    if workbooks.is_old_or_locked(data, ending):
        raise InvalidRequest("file", workbooks.OLD_OR_LOCKED)
    if ending in workbooks.ENDINGS:
        lines = workbooks.read_lines(
            data, columns=limits.columns, rows=limits.rows, text=limits.text
        )
    elif workbooks.is_zip(data):
        raise InvalidRequest("file", "is a workbook or an archive, so its name must end in .xlsx")
    else:
        text, guessed = csv_lines.decode(data)
        lines = csv_lines.read_lines(text)
    columns: list[str] = []
    rows: list[Row] = []
    room = limits.text
    for line, cells, problem in lines:
        if not any(cell.strip() for cell in cells):
            continue
        room -= sum(map(len, cells))
        if room < 0:
            raise InvalidRequest("file", "holds more text than a list of students can")
        if not columns:
            _trim(cells, 0)
            if len(cells) > limits.columns:
                raise InvalidRequest("file", f"has more than {limits.columns} columns")
            columns = _columns(cells, required)
        elif len(rows) == limits.rows:
            raise InvalidRequest("file", f"has more than {limits.rows} rows")
        else:
            # A workbook leaves out empty cells at the end of a row; a CSV file writes them.
            padded = ending in workbooks.ENDINGS
            rows.append(_row(line, cells, columns, problem, padded=padded))
    if not columns:
        raise InvalidRequest("file", "is empty")
    if not rows:
        raise InvalidRequest("file", "has a header and no rows under it")
    return Table(tuple(columns), tuple(rows), guessed)


def _columns(header: list[str], required: Sequence[str]) -> list[str]:
    columns = [_heading(cell) for cell in header]
    for wanted in (*required, "email"):
        if wanted not in columns:
            other = next((n for n in _OTHER_NAMES.get(wanted, ()) if n in columns), None)
            if other is not None:
                columns[columns.index(other)] = wanted
    missing = [wanted for wanted in required if wanted not in columns]
    if missing:
        noun = "column" if len(missing) == 1 else "columns"
        raise InvalidRequest("file", f"has no {noun} {', '.join(missing)} in its first line")
    doubled = sorted({c for c in columns if c and columns.count(c) > 1})
    if doubled:
        raise InvalidRequest("file", f"has the column {doubled[0]} twice")
    return columns


def _heading(cell: str) -> str:
    return " ".join(cell.casefold().replace("_", " ").replace(".", " ").split())


def _row(line: int, cells: list[str], columns: list[str], problem: str, *, padded: bool) -> Row:
    _trim(cells, len(columns))
    found = len(cells)
    cells += [""] * (len(columns) - found if padded else 0)
    values = {c: v.strip() for c, v in zip(columns, cells, strict=False) if c}
    if len(cells) != len(columns):
        problem = f"has {found} columns, the header {len(columns)}"
    return Row(line, values, problem)


def _trim(cells: list[str], least: int) -> None:
    """Removes the empty cells that a sheet adds at the end of a row, down to ``least`` cells."""
    while len(cells) > least and not cells[-1].strip():
        cells.pop()


def _megabytes(size: int) -> str:
    return f"{size // (1024 * 1024)} MB"
