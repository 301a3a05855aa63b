"""Reads a workbook in a process of its own, which has limits of memory and time.

The library that reads workbooks needs much more of both for a hostile file than the file's size
tells, and stops every other thread of its process meanwhile. ``workbooks`` starts this module with
the file on the standard input. It writes one JSON text for each row, then one that tells the end.

The library is openpyxl: a faster one gives no number formats, and a roll number 007 would be 7.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Any
from xml.parsers import expat

from booking_core.domain.validation import InvalidRequest
from booking_core.tables.number_formats import check_format, shown_moment, shown_number

DAMAGED = "is damaged, or no workbook (.xlsx) at all"
TOO_LARGE = "unpacks to far more than a list can be"
MEMORY, CPU_SECONDS = 512 * 1024 * 1024, 30
# Bytes of one part, unpacked. A sheet may have all that a workbook may.
MOST_TEXTS, MOST_OTHER = 16 * 1024 * 1024, 2 * 1024 * 1024
_LAST_LINE = 1_048_576  # of a sheet, in Excel
_Row = tuple[int, int, list[str], str]
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"')
_MOST_MERGED, _CHUNK, _LONGEST_TAG = 10_000, 1024 * 1024, 200
# What a text of a sheet writes for a character: “_x000D_” is a carriage return.
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
# Namespaces of “Strict Open XML”, and those that the library knows.
_STRICT = b"http://purl.oclc.org/ooxml/"
_NAMESPACES = (
    (
        b"http://purl.oclc.org/ooxml/spreadsheetml/main",
        b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    ),
    (
        b"http://purl.oclc.org/ooxml/officeDocument/relationships",
        b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    ),
    (
        b"http://purl.oclc.org/ooxml/drawingml/main",
        b"http://schemas.openxmlformats.org/drawingml/2006/main",
    ),
)


def main(columns: int, rows: int, text: int) -> None:
    """Writes (sheet, line, cells, problem) of each row of the visible sheets that is not empty.

    At most ``rows`` of them, of at most ``columns`` cells. Ends after the row with which the cells
    have more than ``text`` characters. The last line has the problem with the file or None, the
    names of the sheets, their merged cells, whether rows are left, and whether dates begin in 1904.
    """
    _limit()
    end: dict[str, Any] = {"problem": None}
    try:
        _write(sys.stdin.buffer.read(), columns, rows, text, end)
    except InvalidRequest as exc:
        end["problem"] = exc.problem
    except MemoryError:
        end["problem"] = TOO_LARGE
    sys.stdout.write(json.dumps(end) + "\n")


def _limit() -> None:
    """Limits this process, where the platform can; the application limits its time anyway."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        os.nice(10)
    except (ImportError, OSError, ValueError):
        return


def _write(data: bytes, columns: int, rows: int, text: int, end: dict[str, Any]) -> None:
    try:
        _check_parts(data)
        data = _transitional(data)
        # The library imports it where it can and needs it for arrays only: half of the start.
        sys.modules.setdefault("numpy", None)  # type: ignore[arg-type]
        from openpyxl import load_workbook
        from openpyxl.utils.datetime import CALENDAR_MAC_1904

        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        end |= {"sheets": [sheet.title for sheet in sheets], "cut": False}
        end["from_1904"] = book.epoch == CALENDAR_MAC_1904
        for row in _rows(sheets, columns):
            if rows == 0:
                end["cut"] = True
                break
            sys.stdout.write(json.dumps(row) + "\n")
            rows -= 1
            text -= sum(map(len, row[2]))
            if text < 0:
                break
        end["merged"] = [_merged(data, sheet) for sheet in sheets]
    except (InvalidRequest, MemoryError):
        raise
    except Exception as exc:  # The library fails on damaged files with errors of many types.
        raise InvalidRequest("file", DAMAGED) from exc


def _rows(sheets: list[Any], columns: int) -> Iterator[_Row]:
    for number, sheet in enumerate(sheets):
        # A sheet may state a larger size than it has, and would be padded to that size.
        sheet.reset_dimensions()
        for line, cells in enumerate(sheet.iter_rows(max_col=columns), start=1):
            if line > _LAST_LINE:
                raise InvalidRequest("file", DAMAGED)
            texts = [_text(cell) for cell in cells]
            if any(map(str.strip, texts)):
                yield number, line, texts, _problem(cells)


def _transitional(data: bytes) -> bytes:
    """A workbook in “Strict Open XML” with the namespaces of the usual kind; others as they are."""
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        main = "xl/workbook.xml"
        if main not in old.namelist() or _STRICT not in old.read(main):
            return data
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as new:
            for part in old.infolist():
                content = old.read(part)
                for strict, usual in _NAMESPACES:
                    content = content.replace(strict, usual)
                new.writestr(part.filename, content)
    return file.getvalue()


def _merged(data: bytes, sheet: Any) -> list[str]:
    """The ranges of merged cells, like A1:C1. The library does not read them row by row."""
    found: list[str] = []
    with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(sheet._worksheet_path) as part:
        before = b""
        while chunk := part.read(_CHUNK):
            window = before + chunk
            last = 0
            for match in _MERGED.finditer(window):
                found.append(match[1].decode())
                last = match.end()
            if len(found) > _MOST_MERGED:
                raise InvalidRequest("file", TOO_LARGE)
            before = window[max(last, len(window) - _LONGEST_TAG) :]
    return found


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
            return _ESCAPED.sub(_unescaped, str(value))


def _unescaped(found: re.Match[str]) -> str:
    letter = chr(int(found[1], 16))
    return found[0] if "\ud800" <= letter <= "\udfff" else letter
