"""Reads a workbook in a process of its own, which has limits of memory and time.

The library that reads workbooks needs much more of both for a hostile file than the file's size
tells, and stops every other thread of its process meanwhile. ``workbooks`` starts this module with
the file on the standard input. It writes one JSON text for each row, then one that tells the end.
"""

from __future__ import annotations

import io
import json
import os
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, time, timedelta
from itertools import islice
from typing import Any
from xml.parsers import expat

from booking_core.domain.validation import InvalidRequest
from booking_core.tables.number_formats import check_format, shown_moment, shown_number

DAMAGED = "is damaged, or no workbook (.xlsx) at all"
TOO_LARGE = "unpacks to far more than a list of students can be"
MEMORY, CPU_SECONDS = 512 * 1024 * 1024, 30
# Bytes of one part, unpacked. A sheet may have all that a workbook may.
MOST_TEXTS, MOST_OTHER = 16 * 1024 * 1024, 2 * 1024 * 1024
_LAST_LINE = 1_048_576  # of a sheet, in Excel
_Row = tuple[int, list[str], str]


def main(columns: int, rows: int, text: int) -> None:
    """Writes the rows of the first visible sheet: at most ``rows`` of them with a text in a cell.

    A row has at most ``columns`` cells. Ends after the row with which the cells have more than
    ``text`` characters.
    """
    _limit()
    problem = None
    try:
        _write(_rows(sys.stdin.buffer.read(), columns), rows, text)
    except InvalidRequest as exc:
        problem = exc.problem
    except MemoryError:
        problem = TOO_LARGE
    sys.stdout.write(json.dumps({"problem": problem}) + "\n")


def _limit() -> None:
    """Limits this process, where the platform can; the application limits its time anyway."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        os.nice(10)
    except (ImportError, OSError, ValueError):
        return


def _write(found: Iterator[_Row], rows: int, text: int) -> None:
    try:
        for row in islice((row for row in found if any(map(str.strip, row[1]))), rows):
            sys.stdout.write(json.dumps(row) + "\n")
            text -= sum(map(len, row[1]))
            if text < 0:
                return
    except (InvalidRequest, MemoryError):
        raise
    except Exception as exc:  # The library fails on damaged files with errors of many types.
        raise InvalidRequest("file", DAMAGED) from exc


def _rows(data: bytes, columns: int) -> Iterator[_Row]:
    """Yields (line number, cells, problem) of each row that is not empty."""
    _check_parts(data)
    # The library imports it where it can and needs it for arrays only; it takes half of the start.
    sys.modules.setdefault("numpy", None)  # type: ignore[arg-type]
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    sheet = next(sheet for sheet in book.worksheets if sheet.sheet_state == "visible")
    # A sheet may state a larger size than it has, and would be padded to that size.
    sheet.reset_dimensions()
    for line, cells in enumerate(sheet.iter_rows(max_col=columns), start=1):
        if line > _LAST_LINE:
            raise InvalidRequest("file", DAMAGED)
        if any(cell.value is not None for cell in cells):
            yield line, [_text(cell) for cell in cells], _problem(cells)


def _check_parts(data: bytes) -> None:
    """Refuses what the library would take long for: it reads these parts whole.

    Number formats that are too long, which it takes quadratic time to match; texts and styles under
    the name of a sheet. The list of parts says what each of them is, whatever its name.
    """

    def check(_: str, attributes: dict[str, str]) -> None:
        check_format(attributes.get("formatCode", ""))
        kind, name = attributes.get("ContentType", ""), attributes.get("PartName", "").lstrip("/")
        if not kind.endswith(".worksheet+xml"):
            most = MOST_TEXTS if kind.endswith(".sharedStrings+xml") else MOST_OTHER
            if sizes.get(name, 0) > most:
                raise InvalidRequest("file", TOO_LARGE)

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sizes = {part.filename: part.file_size for part in archive.infolist()}
        for part in archive.infolist():
            if part.file_size > MOST_OTHER:
                continue
            parser = expat.ParserCreate()
            parser.StartElementHandler = check
            try:
                parser.Parse(archive.read(part), True)
            except expat.ExpatError:
                continue  # no XML: a picture, or what the library refuses


def _problem(cells: tuple[Any, ...]) -> str:
    # By the type of the cell: a text may read "#N/A" too.
    broken = next((cell for cell in cells if cell.data_type == "e"), None)
    return "" if broken is None else f"has an error ({broken.value}) in cell {broken.coordinate}"


def _text(cell: Any) -> str:
    """The cell as a person reads it in the sheet."""
    match cell.value:
        case None:
            return ""
        case bool() as value:
            return str(value).upper()
        case int() | float() as value:
            return shown_number(value, cell.number_format)
        case date() | time() | timedelta() as value:
            return shown_moment(value, cell.number_format)
        case value:
            return str(value)
