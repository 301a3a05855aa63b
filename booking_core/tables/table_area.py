"""Finds the table within the lines of a sheet: its headings, its rows, and what is around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from booking_core.tables.column_names import TOTALS, heading_key, known_headings

# The line on which a row begins, its cells, and why the row cannot be used (empty: it can).
Line = tuple[int, list[str], str]
HEADING_LINES = 20  # the headings are looked for in so many lines with a text
_TOTAL_STARTS = frozenset(text[:2] for text in TOTALS)
_SHOWN = 60  # characters of a line that is not read


@dataclass(frozen=True, slots=True)
class Area:
    """The ``headings`` as the sheet writes them, on ``line``; ``rows`` have a text in a cell.

    ``notes`` are sentences about the lines that are not read.
    """

    line: int
    headings: list[str]
    rows: list[Line]
    notes: list[str]


def find_area(lines: Sequence[Line]) -> Area | None:
    """The table of a sheet's ``lines``, in order; None for none."""
    filled = [line for line in lines if any(cell.strip() for cell in line[1])]
    if not filled:
        return None
    place = _heading_place(filled)
    number, cells, _ = filled[place]
    headings = [" ".join(cell.split()) for cell in cells]
    while headings and not headings[-1]:
        headings.pop()
    notes = [_not_read(line, "above the headings") for line in filled[:place]]
    rows: list[Line] = []
    for line in filled[place + 1 :]:
        if _is_total(line[1]):
            notes.append(_not_read(line, "a total"))
        elif _same_headings(line[1], headings):
            notes.append(f"Line {line[0]} is not read: the headings again.")
        else:
            rows.append(line)
    while rows and _is_footer(rows[-1], rows[-2] if rows[1:] else None, len(headings)):
        notes.append(_not_read(rows.pop(), "under the table"))
    return Area(number, headings, rows, notes)


def _heading_place(filled: Sequence[Line]) -> int:
    """The first row with most known headings; without any, the first of several cells."""
    first = filled[:HEADING_LINES]
    known = [known_headings(line[1]) for line in first]
    if most := max(known):
        return known.index(most)
    wide = (n for n, line in enumerate(first) if sum(map(bool, map(str.strip, line[1]))) > 1)
    return next(wide, 0)


def _is_total(cells: Sequence[str]) -> bool:
    first = next(cell for cell in cells if cell.strip()).strip()
    if first[:2].casefold() not in _TOTAL_STARTS:  # a history has millions of rows
        return False
    return heading_key(first).rstrip("0123456789 ") in TOTALS


def _same_headings(cells: Sequence[str], headings: Sequence[str]) -> bool:
    if len(headings) < 2 or " ".join(cells[0].split()) != headings[0]:
        return False
    found = [" ".join(cell.split()) for cell in cells]
    return [*found, *[""] * (len(headings) - len(found))][: len(headings)] == headings


def _is_footer(line: Line, before: Line | None, columns: int) -> bool:
    """Whether the last row is a sentence: one cell with several words.

    A student whose name and class were forgotten is none: the row is shown as a wrong one.
    """
    texts = [cell.strip() for cell in line[1] if cell.strip()]
    if len(texts) != 1 or columns < 3 or len(texts[0].split()) < 2:
        return False
    is_apart = before is None or line[0] > before[0] + 1
    return is_apart or len(texts[0].split()) > 2 or ":" in texts[0]


def _not_read(line: Line, what: str) -> str:
    text = " ".join(" ".join(line[1]).split())
    shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
    return f"Line {line[0]} is not read, {what}: “{shown}”."
