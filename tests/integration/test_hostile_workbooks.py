"""Small workbooks that cost much: each is refused, and the threads of the application go on."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
import time as clock
import zipfile
from pathlib import Path

import psutil
import pytest
from openpyxl import Workbook
from workbook_files import HEADER, repacked, saved, workbook

from booking_core import InvalidRequest, Table, read_table
from booking_core.school.roster import COLUMNS
from booking_core.tables import workbook_process, workbooks

MB = 1024 * 1024
LIST = workbook(["S1", "Asha", "8-A"])
MOST_SECONDS, MOST_MEMORY = 10, 700 * MB


def formatted(number_format: str) -> bytes:
    book = Workbook()
    book.active.append(HEADER)
    book.active.append([1, "Asha", "8-A"])
    book.active.cell(2, 1).number_format = number_format
    return saved(book)


def shared_strings(size: int) -> bytes:
    entry = b"<si><t>aaaaaaaa</t></si>"
    space = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return b'<sst xmlns="%s">%s</sst>' % (space, entry * (size // len(entry)))


def with_strings(name: str, strings: bytes) -> bytes:
    """The list with shared strings, in a part of this name."""
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    override = b'<Override PartName="/%s" ContentType="%s"/></Types>' % (name.encode(), kind)
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(LIST)) as old, zipfile.ZipFile(file, "w", 8) as new:
        for part in old.infolist():
            new.writestr(part.filename, old.read(part).replace(b"</Types>", override))
        new.writestr(name, strings)
    return file.getvalue()


def one_cell(text: bytes) -> bytes:
    sheet = zipfile.ZipFile(io.BytesIO(LIST)).read("xl/worksheets/sheet1.xml")
    cell = b'<row r="1"><c r="A1" t="inlineStr"><is><t>%s</t></is></c></row>' % text
    return repacked(LIST, sheet1=sheet.replace(b"<sheetData>", b"<sheetData>" + cell))


class Watch:
    """What children of this process need at most, and how long a thread of it waits at most."""

    def __enter__(self) -> Watch:
        self.memory, self.pause = 0, 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        self._began = clock.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = clock.perf_counter() - self._began
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        before = clock.perf_counter()
        while not self._ended.wait(0.02):
            for child in psutil.Process().children():
                try:
                    self.memory = max(self.memory, child.memory_info().rss)
                except psutil.Error:
                    continue  # it has ended
            now = clock.perf_counter()
            self.pause, before = max(self.pause, now - before), now


def read(data: bytes) -> Table:
    return read_table(data, "list.xlsx", COLUMNS)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (formatted("[" * 40_000), "has a number format of more than 255 characters"),
        (formatted("%" * 100_000), "has a number format of more than 255 characters"),
        (formatted('"' * 256), "has a number format of more than 255 characters"),
        (with_strings("xl/sharedStrings.xml", shared_strings(60 * MB)), "unpacks to far more"),
        (repacked(LIST, styles=b" " * (3 * MB)), "unpacks to far more"),
        (repacked(LIST, theme1=b" " * (3 * MB)), "unpacks to far more"),
        (with_strings("xl/worksheets/s.xml", shared_strings(60 * MB)), "unpacks to far more"),
        (one_cell(b"x" * (60 * MB)), "holds more text than"),
    ],
    ids=["brackets", "percents", "quotes", "strings", "styles", "theme", "hidden strings", "cell"],
)
def test_a_small_workbook_that_costs_much_is_refused(data: bytes, problem: str) -> None:
    assert len(data) < 200_000
    with Watch() as seen, pytest.raises(InvalidRequest) as refused:
        read(data)

    assert problem in refused.value.problem
    assert refused.value.field == "file"
    assert seen.seconds < MOST_SECONDS
    assert seen.memory < MOST_MEMORY
    assert seen.pause < 1


@pytest.mark.parametrize("sign", ["[", "%", '"', "[$", "0", ".0", "_", "\\"])
def test_a_format_of_255_characters_is_read(sign: str) -> None:
    assert len(read(formatted((sign * 255)[:255])).rows) == 1


def run(monkeypatch: pytest.MonkeyPatch, data: bytes, **limits: int) -> str:
    """The problem of ``data`` where the process has other limits."""
    given = "".join(f"; process.{name} = {value}" for name, value in limits.items())
    start = workbooks._START.replace(
        "\nfrom", f"\nimport booking_core.tables.workbook_process as process{given}\nfrom"
    )
    monkeypatch.setattr(workbooks, "_START", start)
    with pytest.raises(InvalidRequest) as refused:
        read(data)
    return refused.value.problem


def test_a_workbook_that_needs_too_much_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "unpacks to far more" in run(monkeypatch, one_cell(b"x" * 60 * MB), MEMORY=150 * MB)


def test_a_workbook_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    others = [f"column {n}" for n in range(15)]
    rows = [[f"S{n}", "Asha", "8-A", "x", *others] for n in range(15_000)]
    data = workbook(*rows, header=[*HEADER, *others])

    assert "takes too long to read" in run(monkeypatch, data, CPU_SECONDS=1)


def test_the_process_loads_little() -> None:
    listed = workbooks._START + "\nsys.stdout.write('\\n'.join(sys.modules))"
    package = str(Path(workbooks.__file__).parents[1])

    done = subprocess.run(
        [sys.executable, "-P", "-c", listed, package, "50", "10", "100000"],
        input=LIST,
        capture_output=True,
        check=True,
    )

    row, *rest = done.stdout.decode().splitlines()
    assert json.loads(row)[2][:4] == HEADER
    loaded = {name.partition(".")[0] for name in rest[2:]}
    assert not loaded & {"streamlit", "pymongo", "argon2", "pandas", "rapidfuzz"}
    assert workbook_process.__name__ in rest
