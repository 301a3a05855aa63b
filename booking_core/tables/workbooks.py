"""Reads the rows of an Excel workbook's first visible sheet, each cell as a person reads it there.

The unpacked size is checked before anything is unpacked. Macros are not read. A formula gives the
value that was stored when the workbook was saved; it is not computed.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Any

from booking_core.domain.errors import InvalidRequest
from booking_core.tables.number_formats import shown_moment, shown_number

ENDINGS = ("xlsx", "xlsm")
OLD_OR_LOCKED = (
    "is locked with a password, or of an old kind; "
    "save it as “Excel workbook (.xlsx)” without a password"
)
_PARTS, _UNPACKED = 1000, 64 * 1024 * 1024
_LAST_LINE = 1_048_576  # of a sheet, in Excel
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # .xls, and what holds an encrypted .xlsx
_DAMAGED = "is damaged, or no workbook (.xlsx) at all"


def is_zip(data: bytes) -> bool:
    return data.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def is_old_or_locked(data: bytes, ending: str) -> bool:
    return data.startswith(_OLE) or ending in ("xls", "xlsb", "ods")


def read_lines(data: bytes, columns: int) -> Iterator[tuple[int, list[str], str]]:
    """Yields (line number, cells, problem) of each row that is not empty.

    ``problem`` names the first cell that holds an error; it is empty where no cell does. At most
    one cell more than ``columns`` of a row is read. Raises InvalidRequest.
    """
    _check(data)
    # Loaded late, because it is slow to load and only workbooks need it.
    from openpyxl import load_workbook

    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        try:
            sheet = next(sheet for sheet in book.worksheets if sheet.sheet_state == "visible")
            # A sheet may state a larger size than it has, and would be padded to that size.
            sheet.reset_dimensions()
            for line, cells in enumerate(sheet.iter_rows(max_col=columns + 1), start=1):
                if line > _LAST_LINE:
                    raise InvalidRequest("file", _DAMAGED)
                if any(cell.value is not None for cell in cells):
                    yield line, [_text(cell) for cell in cells], _problem(cells)
        finally:
            book.close()
    except InvalidRequest:
        raise
    except Exception as exc:  # The library fails on damaged files with errors of many types.
        raise InvalidRequest("file", _DAMAGED) from exc


def _check(data: bytes) -> None:
    """Refuses files that are no workbook or unpack to too much. Unpacks nothing."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError) as exc:
        raise InvalidRequest("file", _DAMAGED) from exc
    if any(part.flag_bits & 1 for part in parts):
        raise InvalidRequest("file", OLD_OR_LOCKED)
    # Only these two methods never unpack more than the stated size of a part.
    if any(p.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for p in parts):
        raise InvalidRequest("file", _DAMAGED)
    if len(parts) > _PARTS or sum(part.file_size for part in parts) > _UNPACKED:
        raise InvalidRequest("file", "unpacks to far more than a list of students can be")


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
