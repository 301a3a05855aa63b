"""Reads the rows of a CSV file with any delimiter, line end and usual encoding."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from booking_core.domain.errors import InvalidRequest


def decode(data: bytes) -> tuple[str, bool]:
    """Returns the text, and whether its encoding had to be guessed. Raises InvalidRequest."""
    if b"\0" in data:
        raise InvalidRequest("file", "is no text file; save the sheet as “CSV UTF-8” first")
    try:
        return data.decode("utf-8-sig"), False
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
    try:
        # What Excel writes as plain “CSV” on Windows in Western Europe, India and America.
        return data.decode("cp1252"), True
    except UnicodeDecodeError as exc:
        problem = f"is no text that can be read (line {line}); save the sheet as “CSV UTF-8” first"
        raise InvalidRequest("file", problem) from exc


def read_lines(text: str) -> Iterator[tuple[int, list[str], str]]:
    """Yields (line number, cells, problem) of each row; a CSV file has no problem of one row.

    Raises InvalidRequest where quotes do not match up.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    header = next((line for line in lines if line.strip()), "")
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, cells, ""
            line = reader.line_num + 1
    except csv.Error as exc:
        raise InvalidRequest("file", f"cannot be read from line {line} on: {exc}") from exc
