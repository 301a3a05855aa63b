"""Excel workbooks made for tests."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from openpyxl import Workbook

HEADER = ["Roll No.", "Name", "Class", "E-mail"]


def workbook(*rows: list[Any], header: list[Any] | None = None) -> bytes:
    book = Workbook()
    for row in (header or HEADER, *rows):
        book.active.append(row)
    return saved(book)


def saved(book: Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def repacked(data: bytes, packing: int = zipfile.ZIP_DEFLATED, **changed: bytes) -> bytes:
    """Returns the workbook with replaced parts; a part is named without folder and extension."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(file, "w", packing) as new,
    ):
        for part in old.infolist():
            stem = part.filename.rpartition("/")[2].partition(".")[0]
            new.writestr(part.filename, changed.pop(stem, None) or old.read(part))
        for name, text in changed.items():
            new.writestr(f"xl/{name}.xml", text)
    return file.getvalue()
