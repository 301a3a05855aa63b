"""Lines of an Excel workbook's first sheet. What it would unpack to is checked before that.

Macros are never looked at; of a formula the value that it had when the workbook was saved is read.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from booking_core.domain.errors import InvalidRequest

ENDINGS = ("xlsx", "xlsm")
OLD_OR_LOCKED = (
    "is locked with a password, or of an old kind; "
    "save it as “Excel workbook (.xlsx)” without a password"
)
# What a cell shows whose formula failed.
ERRORS = frozenset(
    {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#SPILL!", "#CALC!"}
)
_PARTS, _UNPACKED = 1000, 64 * 1024 * 1024
_LAST_LINE = 1_048_576  # of a sheet, in Excel
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # .xls, and what holds an encrypted .xlsx
_DAMAGED = "is damaged, or no workbook (.xlsx) at all"


def is_zip(data: bytes) -> bool:
    return data.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def is_old_or_locked(data: bytes, ending: str) -> bool:
    return data.startswith(_OLE) or ending in ("xls", "xlsb", "ods")


def read_lines(data: bytes, columns: int) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row of the first sheet that is not hidden.

    At most one cell more than ``columns`` of a row is looked at. Raises InvalidRequest.
    """
    _check(data)
    # Only whoever has a workbook waits for the library to be loaded.
    from openpyxl import load_workbook

    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        try:
            sheet = next(sheet for sheet in book.worksheets if sheet.sheet_state == "visible")
            # The size that a sheet claims need not be true, and empty rows would be made up to it.
            sheet.reset_dimensions()
            rows = sheet.iter_rows(max_col=columns + 1, values_only=True)
            for line, cells in enumerate(rows, start=1):
                if line > _LAST_LINE:
                    raise InvalidRequest("file", _DAMAGED)
                if cells.count(None) < len(cells):  # most of a sheet is empty
                    yield line, [_text(value) for value in cells]
        finally:
            book.close()
    except InvalidRequest:
        raise
    except Exception as exc:  # whatever a foreign file trips the library with
        raise InvalidRequest("file", _DAMAGED) from exc


def _check(data: bytes) -> None:
    """Refuses what is no workbook, and what would fill the memory. Unpacks nothing."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError) as exc:
        raise InvalidRequest("file", _DAMAGED) from exc
    if any(part.flag_bits & 1 for part in parts):
        raise InvalidRequest("file", OLD_OR_LOCKED)
    # Nothing more than a part's stated size is ever unpacked, but only by these two methods.
    if any(p.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for p in parts):
        raise InvalidRequest("file", _DAMAGED)
    if len(parts) > _PARTS or sum(part.file_size for part in parts) > _UNPACKED:
        raise InvalidRequest("file", "unpacks to far more than a list of students can be")


def _text(value: Any) -> str:
    """A cell as a person reads it there."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))  # a roll number that Excel keeps as 101.0
        case datetime() if value.time() == time(0):
            return value.date().isoformat()
        case datetime():
            return value.isoformat(" ", "minutes")
        case date():
            return value.isoformat()
        case time():
            return value.isoformat("minutes")
        case _:
            return str(value)
