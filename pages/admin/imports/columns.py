"""The second step of an import: which column of the file holds what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st

from booking_core import ENCODINGS, Matching, RawTable, Row, Table, table_of
from pages.admin.students import rows
from pages.shared.components import elements
from pages.shared.live.runtime import Services
from pages.shared.text import formats

_SHOWN_ROWS, _SHOWN_NOTES, _SHOWN_NAMES = 10, 4, 6


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a list, and how its first rows are shown.

    ``boxes``: label -> field, and which of its parts, from 0. ``names``: required field -> its name
    in a sentence. ``hidden``: fields without a box, which keep the column that was found.
    ``cells`` are those of a row below the headings ``columns``: a text and a second line each.
    """

    boxes: Mapping[str, tuple[str, int]]
    names: Mapping[str, str]
    columns: tuple[str, ...]
    cells: Callable[[Services, Table, Row], list[list[str]]]
    hidden: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(self.names)


def notes(sheet: RawTable) -> None:
    """Draws what of the file is not read."""
    if not sheet.notes:
        return
    first = [formats.literal(note) for note in sheet.notes[:_SHOWN_NOTES]]
    more = len(sheet.notes) - len(first)
    if more:
        first.append(f"{rows.counted(more, 'more note')} of this kind.")
    st.caption("  \n".join(first))


def encoding(sheet: RawTable, key: str, file_id: str) -> str | None:
    """Draws the guessed encoding with the names that depend on it; returns another chosen one."""
    if not sheet.guessed or sheet.encoding not in ENCODINGS:
        return None
    texts = (cell.strip() for row in sheet.rows for cell in row.cells)
    names = list(dict.fromkeys(text for text in texts if not text.isascii()))
    shown = ", ".join(f"“{formats.literal(name[:40])}”" for name in names[:_SHOWN_NAMES])
    st.warning(
        "The file does not say how its letters are written, so this is a guess. "
        f"Are these right? {shown}",
        icon=":material/translate:",
    )
    chosen = st.selectbox(
        "Letters",
        ENCODINGS,
        index=ENCODINGS.index(sheet.encoding),
        key=f"{key}.import.letters.{file_id}",
        width=320,
    )
    return chosen if chosen != sheet.encoding else None


def choose(
    shared: Services,
    fields: Fields,
    sheet: RawTable,
    found: Matching,
    current: Mapping[str, tuple[int, ...]],
    key: str,
    file_id: str,
) -> dict[str, tuple[int, ...]] | None:
    """Draws a box for each field, and the first rows; returns the columns, None if incomplete."""
    for why in found.unsure.values():
        st.warning(f"{formats.literal(why)}. Choose below.", icon=":material/help:")
    places: list[int | None] = [None, *range(len(sheet.headings))]
    chosen: dict[str, list[int]] = {}
    labels = list(fields.boxes)
    for start in range(0, len(labels), 2):
        for column, label in zip(st.columns(2), labels[start : start + 2], strict=False):
            name, part = fields.boxes[label]
            before = current.get(name, ())
            place = column.selectbox(
                label,
                places,
                # Not ``placeholder``: a column that was found could not be unset then.
                index=places.index(before[part]) if part < len(before) else 0,
                format_func=lambda place: _heading(sheet, place),
                key=f"{key}.import.column.{file_id}.{label}",
            )
            if place is not None:
                chosen.setdefault(name, []).append(place)
    columns = {name: tuple(found) for name, found in chosen.items()}
    used = [place for parts in columns.values() for place in parts]
    for name in fields.hidden:
        if (kept := current.get(name)) and kept[0] not in used:
            columns[name] = kept
    missing = [label for name, label in fields.names.items() if name not in columns]
    twice = next((place for place in used if used.count(place) > 1), None)
    if missing:
        wanted = formats.listed([f"the {name}" for name in missing])
        st.error(f"Choose the column of {wanted}.", icon=":material/error:")
        return None
    if twice is not None:
        heading = formats.literal(_heading(sheet, twice))
        st.error(f"“{heading}” is chosen twice.", icon=":material/error:")
        return None
    table = table_of(sheet, columns)
    _preview(shared, fields, table, key)
    return columns


def _heading(sheet: RawTable, place: int | None) -> str:
    if place is None:
        return "No column"
    return sheet.headings[place] or f"Column {place + 1}, without a heading"


def _preview(shared: Services, fields: Fields, table: Table, key: str) -> None:
    found = table.rows[:_SHOWN_ROWS]
    cells = [fields.cells(shared, table, row) for row in found]
    elements.action_list(
        {
            "caption": "The first rows as they are read",
            "columns": list(fields.columns),
            "rows": [rows.plain_row(str(number), *line) for number, line in enumerate(cells)],
            "bulk": [],
            "live": True,
        },
        key=f"{key}.import.rows",
    )
