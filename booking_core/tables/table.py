"""Reads tables from CSV files and Excel workbooks: rows with their line numbers.

The kind and the size of a file are checked before it is read. ``read_sheet`` finds headings and
rows; ``columns`` matches headings with fields; ``table_of`` makes the rows of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from booking_core.domain.errors import InvalidRequest
from booking_core.tables import class_sheets, csv_lines, encodings, workbooks
from booking_core.tables import columns as matching
from booking_core.tables.column_names import heading_key, known_headings
from booking_core.tables.table_area import Area, Line, find_area

# Lines that are no rows: titles, totals, headings of further sheets.
_SPARE_LINES = 500
# What an export of ours puts an apostrophe before, so that a spreadsheet reads it as text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a file may hold. ``text`` is characters in all cells together."""

    bytes: int = 5 * 1024 * 1024
    rows: int = 20_000
    columns: int = 50
    text: int = 20_000_000


@dataclass(frozen=True, slots=True)
class SheetRow:
    """``sheet`` is "" where the file has one sheet with rows; ``cells`` may be fewer than columns.

    A row with a ``problem`` cannot be used.
    """

    sheet: str
    line: int
    cells: list[str]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RawTable:
    """The headings and rows of a file, before its columns are matched with fields.

    ``notes`` are sentences about what is not read. ``encoding`` is "" for a workbook; ``guessed``:
    the file does not state it. ``from_1904``: the serial numbers of its dates begin in 1904.
    ``has_class_sheets``: the last heading is that of the names of the sheets, which are
    the classes of their rows.
    """

    line: int
    headings: tuple[str, ...]
    rows: tuple[SheetRow, ...]
    notes: tuple[str, ...] = ()
    encoding: str = ""
    guessed: bool = False
    from_1904: bool = False
    has_class_sheets: bool = False

    @property
    def width(self) -> int:
        """The number of columns in the file."""
        return len(self.headings) - self.has_class_sheets

    def match(self, required: Sequence[str]) -> matching.Matching:
        return matching.match(self.headings, [row.cells for row in self.rows], required)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file. ``line`` is the line on which it begins; the first line has number 1.

    A row with a ``problem`` cannot be used; its ``values`` are those cells that could be read.
    ``sheet`` is "" where the file has one sheet with rows. ``letters``: field -> column letters.
    """

    line: int
    values: dict[str, str]
    problem: str = ""
    sheet: str = ""
    letters: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def place(self) -> str:
        """``line 5``, ``line 5 of the sheet “8-A”``."""
        return place_of(self.line, self.sheet)

    def cell(self, name: str) -> str:
        """The address of a field's cell, like C5; "" if it has no column."""
        return f"{self.letters[name]}{self.line}" if name in self.letters else ""


@dataclass(frozen=True, slots=True)
class Table:
    """``guessed`` is true when the encoding of the file had to be guessed."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    guessed: bool = False
    notes: tuple[str, ...] = ()
    from_1904: bool = False


UPLOAD = Limits()


def place_of(line: int, sheet: str) -> str:
    """``line 5``, ``line 5 of the sheet “8-A”``; ``sheet`` "": the file has one with rows."""
    return f"line {line}" + (f" of the sheet “{sheet}”" if sheet else "")


def read_table(
    data: bytes, name: str, required: Sequence[str], *, limits: Limits = UPLOAD
) -> Table:
    """The rows of a file whose columns are matched by their headings; ``name`` is the file's name.

    Raises InvalidRequest for the field "file", in one sentence: as ``read_sheet``, and where a
    required column is missing or several could be it.
    """
    sheet = read_sheet(data, name, limits=limits)
    return table_of(sheet, sure_columns(sheet, required))


def sure_columns(sheet: RawTable, required: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """The columns of the fields; raises InvalidRequest where one is missing or not sure."""
    found = sheet.match(required)
    check_complete(sheet, found.missing)
    if found.unsure:
        raise InvalidRequest("file", f"is not clear: {next(iter(found.unsure.values()))}")
    return found.columns


def check_complete(sheet: RawTable, missing: Sequence[str]) -> None:
    """Raises InvalidRequest where fields are ``missing``."""
    if missing:
        noun = "column" if len(missing) == 1 else "columns"
        names = f"has no {noun} {', '.join(missing)} in line {sheet.line}"
        raise InvalidRequest("file", f"{names}, where {matching.listed(sheet.headings)} is")


def read_sheet(
    data: bytes, name: str, *, limits: Limits = UPLOAD, encoding: str | None = None
) -> RawTable:
    """The headings and rows of a CSV file or of a workbook's visible sheets.

    CSV: with commas, semicolons, tabs or bars, in UTF-8, UTF-16, or an encoding of
    ``encodings.GUESSES``, which ``encoding`` may name. Workbook: .xlsx or .xlsm; formulas and
    macros are not run. Raises InvalidRequest for the field "file", in one sentence.
    """
    if len(data) > limits.bytes:
        raise InvalidRequest("file", f"is larger than {_megabytes(limits.bytes)}")
    ending = name.rpartition(".")[2].casefold() if "." in name else ""
    if refused := workbooks.old_or_locked(data, ending):
        raise InvalidRequest("file", refused)
    if ending in workbooks.ENDINGS:
        return _read_workbook(data, limits)
    if workbooks.is_zip(data):
        raise InvalidRequest("file", "is a workbook or an archive, so its name must end in .xlsx")
    text = encodings.decode(data, encoding)
    lines = list(_within(csv_lines.read_lines(text.text), limits))
    area = find_area(lines)
    if area is None:
        raise InvalidRequest("file", "is empty")
    rows = [SheetRow("", *line) for line in area.rows]
    sheet = _sheet([area], rows, area.notes, limits)
    return RawTable(
        sheet.line, sheet.headings, sheet.rows, sheet.notes, text.encoding, text.guessed
    )


def _within(lines: Iterable[Line], limits: Limits) -> Iterator[Line]:
    """``lines`` with a text in a cell; raises InvalidRequest as soon as they are too many."""
    room, left = limits.text, limits.rows + _SPARE_LINES
    for line in lines:
        if not any(cell.strip() for cell in line[1]):
            continue
        room -= sum(map(len, line[1]))
        left -= 1
        if room < 0:
            raise InvalidRequest("file", "holds more text than a list can")
        if left < 0:
            raise InvalidRequest("file", f"has more than {limits.rows} rows")
        yield line


def _read_workbook(data: bytes, limits: Limits) -> RawTable:
    book = workbooks.read_workbook(
        data, columns=limits.columns, rows=limits.rows + _SPARE_LINES, text=limits.text
    )
    found: list[tuple[workbooks.SheetLines, Area]] = []
    room = limits.text
    for sheet in book.sheets:
        room -= sum(len(cell) for _, cells, _ in sheet.lines for cell in cells)
        if room < 0:
            raise InvalidRequest("file", "holds more text than a list can")
        if (area := find_area(sheet.lines)) is not None:
            found.append((sheet, area))
    if book.cut:
        raise InvalidRequest("file", f"has more than {limits.rows} rows")
    if not found:
        raise InvalidRequest("file", "is empty")
    main = _main(area for _, area in found)
    keys = [heading_key(cell) for cell in main.headings]
    joined = [(s, a) for s, a in found if [heading_key(cell) for cell in a.headings] == keys]
    notes: list[str] = []
    rows: list[SheetRow] = []
    for sheet, area in found:
        if (sheet, area) not in joined:
            notes.append(f"The sheet “{sheet.name}” is not read: it has other headings.")
            continue
        several = len(joined) > 1
        notes += [f"Sheet “{sheet.name}”: {note}" if several else note for note in area.notes]
        name = sheet.name if several else ""
        rows += [SheetRow(name, *line) for line in _unmerged(area, sheet.merged)]
    if len(joined) > 1:
        names = ", ".join(f"“{sheet.name}”" for sheet, _ in joined)
        notes.insert(0, f"The sheets {names} are read as one list.")
    read = _sheet([area for _, area in joined], rows, notes, limits)
    headings, notes = read.headings, list(read.notes)
    if is_by_class := class_sheets.are_classes(headings, [sheet.name for sheet, _ in joined]):
        headings = (*headings, class_sheets.SHEET_NAME)
        notes.insert(1, "The class of a row is the name of its sheet.")
    return RawTable(
        read.line,
        headings,
        read.rows,
        tuple(notes),
        from_1904=book.from_1904,
        has_class_sheets=is_by_class,
    )


def _main(areas: Iterable[Area]) -> Area:
    """The first table with headings that are known, else the first with rows."""
    found = list(areas)
    known = (area for area in found if area.rows and known_headings(area.headings) > 1)
    filled = (area for area in found if area.rows and len(area.headings) > 1)
    return next(known, None) or next(filled, None) or found[0]


def _sheet(
    areas: Sequence[Area], rows: Sequence[SheetRow], notes: Sequence[str], limits: Limits
) -> RawTable:
    headings = areas[0].headings
    if len(headings) > limits.columns:
        raise InvalidRequest("file", f"has more than {limits.columns} columns")
    if len(rows) > limits.rows:
        raise InvalidRequest("file", f"has more than {limits.rows} rows")
    if not rows:
        raise InvalidRequest("file", "has a header and no rows under it")
    return RawTable(areas[0].line, tuple(headings), tuple(rows), tuple(notes))


def _unmerged(area: Area, ranges: Sequence[str]) -> Iterator[Line]:
    """The rows of ``area``; one that has merged cells gets a problem that names them."""
    spans = sorted(filter(None, (_span(text, len(area.headings)) for text in ranges)))
    place, reach, named = 0, 0, ""
    for line, cells, problem in area.rows:
        while place < len(spans) and spans[place][0] <= line:
            if spans[place][1] > reach:
                _, reach, named = spans[place]
            place += 1
        yield line, cells, f"has merged cells ({named})" if line <= reach else problem


def _span(merged: str, columns: int) -> tuple[int, int, str] | None:
    """The first and the last row of ``A1:C1``; None if it lies beside the table."""
    first, _, last = merged.partition(":")
    column = first.rstrip("0123456789")
    if _place_of(column) >= columns:
        return None
    return int(first[len(column) :]), int(last.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")), merged


def table_of(sheet: RawTable, columns: matching.Columns) -> Table:
    """The rows of ``sheet`` with the fields of ``columns``; other columns are left out."""
    names = dict(sorted(columns.items(), key=lambda item: item[1]))
    width = sheet.width
    letters = {name: _letters(at[0]) for name, at in columns.items() if at[0] < width}
    rows = tuple(_row(row, names, letters, width) for row in sheet.rows)
    return Table(tuple(names), rows, sheet.guessed, sheet.notes, sheet.from_1904)


def _row(
    row: SheetRow, names: Mapping[str, tuple[int, ...]], letters: Mapping[str, str], width: int
) -> Row:
    cells = row.cells
    values = {}
    for name, places in names.items():
        parts = [_part(row, place, width) for place in places]
        # A section alone is no class: the cells of the class may have been merged.
        is_whole = name != "class" or parts[0]
        values[name] = matching.JOINED.get(name, " ").join(filter(None, parts)) if is_whole else ""
    problem = row.problem
    if any(cell.strip() for cell in cells[width:]):
        problem = f"has {_filled(cells)} columns, the header {width}"
    return Row(row.line, values, problem, row.sheet, letters)


def _part(row: SheetRow, place: int, width: int) -> str:
    """The text of a row in the column at ``place``; behind the last one is the sheet's name."""
    if place == width:
        return row.sheet
    return _value(row.cells[place]) if place < len(row.cells) else ""


def _value(cell: str) -> str:
    text = cell.strip()
    if text.startswith("'") and text[1:].lstrip().startswith(_FORMULA):
        return text[1:].strip()
    return text


def _filled(cells: Sequence[str]) -> int:
    """The number of cells without the empty ones that a sheet adds at the end of a row."""
    return max(place for place, cell in enumerate(cells, start=1) if cell.strip())


def _letters(place: int) -> str:
    """The letters of the column at ``place``, which counts from 0: A to Z, then AA."""
    text = ""
    while place >= 0:
        place, letter = divmod(place, 26)
        text, place = chr(ord("A") + letter) + text, place - 1
    return text


def _place_of(letters: str) -> int:
    place = 0
    for letter in letters:
        place = 26 * place + ord(letter) - ord("A") + 1
    return place - 1


def _megabytes(size: int) -> str:
    return f"{size // (1024 * 1024)} MB"
