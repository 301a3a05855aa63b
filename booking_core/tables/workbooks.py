"""Reads the rows of an Excel workbook's first visible sheet, each cell as a person reads it there.

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
from collections.abc import Iterator
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
OLD_OR_LOCKED = (
    "is locked with a password, or of an old kind; "
    "save it as “Excel workbook (.xlsx)” without a password"
)
_PARTS, _UNPACKED = 1000, 64 * 1024 * 1024
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


def is_old_or_locked(data: bytes, ending: str) -> bool:
    return data.startswith(_OLE) or ending in ("xls", "xlsb", "ods")


def read_lines(
    data: bytes, *, columns: int, rows: int, text: int
) -> Iterator[tuple[int, list[str], str]]:
    """Yields (line number, cells, problem) of each row that is not empty.

    ``problem`` names the first cell that holds an error; it is empty where no cell does. Reads at
    most one row more than ``rows``, one cell of a row more than ``columns``, and no row after the
    one with which the cells have more than ``text`` characters. Raises InvalidRequest.
    """
    _check(data)
    # The header is one row more.
    *lines, end = _read(data, columns + 1, rows + 2, text).splitlines() or [b""]
    for line in lines:
        number, cells, problem = json.loads(line)
        yield number, cells, problem
    if (refused := json.loads(end)["problem"]) is not None:
        raise InvalidRequest("file", refused)


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
        raise InvalidRequest("file", OLD_OR_LOCKED)
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
