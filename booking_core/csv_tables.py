"""Tables from CSV files as schools have them: any delimiter, any line ends, one clear refusal."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

from booking_core.errors import InvalidRequest

# How schools head these columns, in lower case and with spaces.
_OTHER_NAMES = {
    "id": ("student id", "roll", "roll no", "roll number", "student"),
    "name": ("student name",),
    "class": ("class name",),
    "email": ("e-mail", "mail"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file. ``line`` is where it begins, the header being line 1."""

    line: int
    values: dict[str, str]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(data: bytes, name: str, required: Sequence[str]) -> Table:
    """The rows of a CSV file: UTF-8, with commas, semicolons or tabs between the columns.

    Raises InvalidRequest, whose field is the file's ``name``, for what is no such file.
    """
    if b"\0" in data or data.startswith(b"PK\x03\x04"):
        raise InvalidRequest(name, "is no text file; save the sheet as “CSV UTF-8” first")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        problem = f"is not UTF-8 (line {line}); save the sheet as “CSV UTF-8” first"
        raise InvalidRequest(name, problem) from exc
    if not text.strip():
        raise InvalidRequest(name, "is empty")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    header = next(line for line in lines if line.strip())
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, strict=True)
    columns: list[str] = []
    rows: list[Row] = []
    line = 1
    try:
        for values in reader:
            if any(value.strip() for value in values):
                if not columns:
                    columns = _columns(values, name, required)
                else:
                    rows.append(_row(line, values, columns))
            line = reader.line_num + 1
    except csv.Error as exc:
        raise InvalidRequest(name, f"cannot be read from line {line} on: {exc}") from exc
    if not rows:
        raise InvalidRequest(name, "has a header and no rows under it")
    return Table(tuple(columns), tuple(rows))


def _columns(header: list[str], name: str, required: Sequence[str]) -> list[str]:
    columns = [" ".join(cell.casefold().replace("_", " ").split()) for cell in header]
    for wanted in (*required, "email"):
        if wanted not in columns:
            other = next((n for n in _OTHER_NAMES.get(wanted, ()) if n in columns), None)
            if other is not None:
                columns[columns.index(other)] = wanted
    missing = [wanted for wanted in required if wanted not in columns]
    if missing:
        noun = "column" if len(missing) == 1 else "columns"
        raise InvalidRequest(name, f"has no {noun} {', '.join(missing)} in its first line")
    doubled = sorted({c for c in columns if c and columns.count(c) > 1})
    if doubled:
        raise InvalidRequest(name, f"has the column {doubled[0]} twice")
    return columns


def _row(line: int, values: list[str], columns: list[str]) -> Row:
    # A sheet pads its rows with empty columns.
    while len(values) > len(columns) and not values[-1].strip():
        values.pop()
    if len(values) != len(columns):
        return Row(line, {}, f"has {len(values)} columns, the header {len(columns)}")
    return Row(line, {c: v.strip() for c, v in zip(columns, values, strict=True) if c})
