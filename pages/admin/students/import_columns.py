"""The second step of the import of students: which column of the file holds what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from booking_core import ENCODINGS, Matching, RawTable, Row, table_of
from pages.admin.students import rows
from pages.shared.components import elements
from pages.shared.text import formats

_SHOWN_ROWS, _SHOWN_NOTES, _SHOWN_NAMES = 10, 4, 6
# Label -> field, and which of its parts, from 0.
_BOXES = {
    "Roll or admission number (id)": ("id", 0),
    "E-mail": ("email", 0),
    "Name": ("name", 0),
    "Name, second part": ("name", 1),
    "Class": ("class", 0),
    "Section": ("class", 1),
}
_REQUIRED = {"id": "roll or admission number", "name": "name", "class": "class"}


def notes(sheet: RawTable) -> None:
    """Draws what of the file is not read."""
    if not sheet.notes:
        return
    first = [formats.literal(note) for note in sheet.notes[:_SHOWN_NOTES]]
    more = len(sheet.notes) - len(first)
    if more:
        first.append(f"{rows.counted(more, 'more note')} of this kind.")
    st.caption("  \n".join(first))


def encoding(sheet: RawTable, file_id: str) -> str | None:
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
        key=f"admin.students.import.letters.{file_id}",
        width=320,
    )
    return chosen if chosen != sheet.encoding else None


def choose(
    sheet: RawTable, found: Matching, current: Mapping[str, tuple[int, ...]], file_id: str
) -> dict[str, tuple[int, ...]] | None:
    """Draws a field for each column, and the first rows; returns the columns, None if incomplete.

    The field ``active`` keeps the column that was found.
    """
    for why in found.unsure.values():
        st.warning(f"{formats.literal(why)}. Choose below.", icon=":material/help:")
    places: list[int | None] = [None, *range(len(sheet.headings))]
    chosen: dict[str, list[int]] = {}
    labels = list(_BOXES)
    for start in range(0, len(labels), 2):
        for column, label in zip(st.columns(2), labels[start : start + 2], strict=True):
            name, part = _BOXES[label]
            before = current.get(name, ())
            place = column.selectbox(
                label,
                places,
                # Not ``placeholder``: a column that was found could not be unset then.
                index=places.index(before[part]) if part < len(before) else 0,
                format_func=lambda place: _heading(sheet, place),
                key=f"admin.students.import.column.{file_id}.{label}",
            )
            if place is not None:
                chosen.setdefault(name, []).append(place)
    columns = {name: tuple(found) for name, found in chosen.items()}
    used = [place for places in columns.values() for place in places]
    if active := current.get("active"):
        columns |= {} if active[0] in used else {"active": active}
    missing = [label for name, label in _REQUIRED.items() if name not in columns]
    twice = next((place for place in used if used.count(place) > 1), None)
    if missing:
        st.error(f"Choose the column of the {' and the '.join(missing)}.", icon=":material/error:")
        return None
    if twice is not None:
        heading = formats.literal(_heading(sheet, twice))
        st.error(f"“{heading}” is chosen twice.", icon=":material/error:")
        return None
    table = table_of(sheet, columns)
    _preview(table.rows[:_SHOWN_ROWS])
    return columns


def _heading(sheet: RawTable, place: int | None) -> str:
    if place is None:
        return "No column"
    return sheet.headings[place] or f"Column {place + 1}, without a heading"


def _preview(found: Sequence[Row]) -> None:
    def line(number: int, row: Row) -> dict[str, object]:
        values = row.values
        cells = [values.get(name, "") for name in ("name", "class", "email")]
        return rows.plain_row(
            f"{number}", [cells[0], values.get("id", "")], [cells[1], ""], [cells[2], ""]
        )

    elements.action_list(
        {
            "caption": "The first rows as they are read",
            "columns": ["Student", "Class", "E-mail"],
            "rows": [line(number, row) for number, row in enumerate(found)],
            "bulk": [],
            "live": True,
        },
        key="admin.students.import.rows",
    )
