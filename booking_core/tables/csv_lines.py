"""Reads the rows of a CSV file with any usual delimiter and line end."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator

from booking_core.domain.errors import InvalidRequest
from booking_core.tables.column_names import known_headings

DELIMITERS = ",;\t|"
_STATED = re.compile(r'"?sep=(.)"?\s*')  # the first line of a CSV file for Excel
_SAMPLE = 60  # lines


def read_lines(text: str) -> Iterator[tuple[int, list[str], str]]:
    """Yields (line number, cells, problem) of each row; a CSV file has no problem of one row.

    Raises InvalidRequest where quotes do not match up.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    stated = _STATED.fullmatch(lines[0])
    skipped = int(stated is not None)
    delimiter = stated[1] if stated else _delimiter(lines[:_SAMPLE])
    reader = csv.reader((f"{line}\n" for line in lines[skipped:]), delimiter=delimiter, strict=True)
    line = 1 + skipped
    try:
        for cells in reader:
            yield line, cells, ""
            line = reader.line_num + 1 + skipped
    except csv.Error as exc:
        raise InvalidRequest("file", f"cannot be read from line {line} on: {exc}") from exc


def _delimiter(lines: list[str]) -> str:
    """The delimiter that finds most known headings, then most rows of one length."""

    def fitness(delimiter: str) -> tuple[int, int]:
        try:
            rows = list(csv.reader((f"{line}\n" for line in lines), delimiter=delimiter))
        except csv.Error:  # a cell that is too long: the whole file is refused for it
            return 0, 0
        lengths = Counter(len(row) for row in rows if len(row) > 1)
        return max(map(known_headings, rows), default=0), max(lengths.values(), default=0)

    return max(DELIMITERS, key=fitness)
