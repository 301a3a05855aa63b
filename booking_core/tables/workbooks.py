"""Reads the rows of an Excel workbook's visible sheets, each cell as a person reads it there.

The unpacked size of each part is checked before anything is unpacked; then a process of its own
(``workbook_process``) reads the file. Macros are not read. A formula gives the value that was
stored when the workbook was saved; it is not computed.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path

from booking_core.domain.errors import InvalidRequest
from booking_core.tables.workbook_process import (
    CPU_SECONDS,
    DAMAGED,
    MOST_OTHER,
    MOST_TEXTS,
    TOO_LARGE,
)

ENDINGS = ("xlsx", "xlsm")
LOCKED = "is locked with a password; save it without one"
OLD = "is of a kind that is not read (.xls, .xlsb, .ods); save it as “Excel workbook (.xlsx)”"
_PARTS, _UNPACKED = 1000, 64 * 1024 * 1024
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")  # a part of a locked .xlsx
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # .xls, and what holds an encrypted .xlsx
_UNREAD = "takes too long to read; save its sheet as “CSV UTF-8” and use that file"
_SECONDS = 2 * CPU_SECONDS
_one_at_a_time = threading.Lock()
# A package of the same name and folder, without the modules that the whole package imports: they
# take twice as long to load as the file takes to read.
_START = """
import sys, types
package = types.ModuleType("booking_core")
package.__path__ = [sys.argv[1]]
sys.modules["booking_core"] = package
from booking_core.tables.workbook_process import main
main(*map(int, sys.argv[2:]))
"""


def is_zip(data: bytes) -> bool:
    return data.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def old_or_locked(data: bytes, ending: str) -> str:
    """Why a workbook of this kind is not read; "" for other files."""
    if data.startswith(_OLE):
        return LOCKED if _ENCRYPTED in data else OLD
    return OLD if ending in ("xls", "xlsb", "ods") else ""


@dataclass(frozen=True, slots=True)
class SheetLines:
    """(line number, cells, problem) of each row that is not empty, and ranges like A1:C1."""

    name: str
    lines: list[tuple[int, list[str], str]]
    merged: list[str]


@dataclass(frozen=True, slots=True)
class Workbook:
    """``cut``: the workbook has more rows. ``from_1904``: the serial numbers of its dates do."""

    sheets: list[SheetLines]
    cut: bool
    from_1904: bool


def read_workbook(data: bytes, *, columns: int, rows: int, text: int) -> Workbook:
    """The visible sheets of a workbook.

    The problem of a row names the first cell that holds an error; it is empty where no cell does.
    Reads at most ``rows`` rows, one cell of a row more than ``columns``, and no row after the one
    with which the cells have more than ``text`` characters. Raises InvalidRequest.
    """
    _check(data)
    *lines, last = _read(data, columns + 1, rows, text).splitlines() or [b""]
    end = json.loads(last)
    if end["problem"] is not None:
        raise InvalidRequest("file", end["problem"])
    sheets = [
        SheetLines(name, [], merged)
        for name, merged in zip(end["sheets"], end["merged"], strict=True)
    ]
    for line in lines:
        sheet, number, cells, problem = json.loads(line)
        sheets[sheet].lines.append((number, cells, problem))
    return Workbook(sheets, end["cut"], end["from_1904"])


def _read(data: bytes, *limits: int) -> bytes:
    package = Path(__file__).parents[1]
    command = [sys.executable, "-P", "-c", _START, str(package), *map(str, limits)]
    try:
        with _one_at_a_time:  # each may take a core and MEMORY
            done = subprocess.run(
                command,
                input=data,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # may quote the file
                timeout=_SECONDS,
                check=True,
            )
    except (OSError, subprocess.SubprocessError) as exc:
        raise InvalidRequest("file", _UNREAD) from exc
    return done.stdout


def _check(data: bytes) -> None:
    """Refuses files that are no workbook or unpack to too much. Unpacks nothing."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError) as exc:
        raise InvalidRequest("file", DAMAGED) from exc
    if any(part.flag_bits & 1 for part in parts):
        raise InvalidRequest("file", LOCKED)
    # Only these two methods never unpack more than the stated size of a part.
    if any(p.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for p in parts):
        raise InvalidRequest("file", DAMAGED)
    if (
        len(parts) > _PARTS
        or sum(part.file_size for part in parts) > _UNPACKED
        or any(part.file_size > _most(part.filename) for part in parts)
    ):
        raise InvalidRequest("file", TOO_LARGE)


def _most(part: str) -> int:
    """The most bytes that the part of this name may unpack to."""
    folder, _, name = part.lower().lstrip("/").rpartition("/")
    if folder in ("xl/worksheets", "xl/media"):
        return _UNPACKED
    return MOST_TEXTS if name == "sharedstrings.xml" else MOST_OTHER
