"""One timetable on the desk: its periods and weekdays, and what they would do before they do it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import date as Date
from datetime import time, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from booking_core import (
    InvalidRequest,
    Period,
    Reference,
    Timetable,
    add_timetable,
    save_timetable,
)
from booking_core.model import minutes
from pages.shared import live, words
from pages.shared.desk import parts
from pages.shared.services import Services

_WAS, _ROWS, _ROUND = "admin.editor.was", "admin.editor.rows", "admin.editor.round"
_NAME, _WEEKDAYS, _DATE = "admin.editor.name", "admin.editor.weekdays", "admin.editor.date"
_PROBLEM, _SAID, _PREFIX = "admin.editor.problem", "admin.days.said", "admin.editor."
_NEW = "new timetable"  # no id: that is made when it is saved, and never has a space
_COLUMNS = ("Period", "Begins", "Ends")
_NO_PERIOD = "Add at least one period."


def is_open() -> bool:
    return _ROWS in st.session_state


def open_editor(table: Timetable | None, weekdays: Iterable[int] = ()) -> None:
    """From the next run on, ``table`` is edited; None: a new one, on ``weekdays`` to begin with."""
    close()
    state = st.session_state
    state[_WAS] = table
    state[_ROUND] = 0
    state[_ROWS] = _frame(table.periods if table else ())
    state[_NAME] = table.name if table else ""
    state[_WEEKDAYS] = list(table.weekdays if table else weekdays)


def close() -> None:
    for key in list(st.session_state):
        if str(key).startswith(_PREFIX):
            del st.session_state[key]


def show(shared: Services) -> None:
    """Draws the editor, with the preview beside it."""
    live.fragment(shared, "admin.timetable", lambda: _editor(shared))


def _frame(periods: Iterable[Period]) -> pd.DataFrame:
    rows = [(p.label, p.start, p.end) for p in periods]
    return pd.DataFrame(rows, columns=list(_COLUMNS), dtype=object)


def _editor(shared: Services) -> None:
    state: Any = st.session_state
    if not is_open():  # closed by a press of this very run
        st.rerun()
    for key in (_NAME, _WEEKDAYS):
        state[key] = state[key]
    was: Timetable | None = state[_WAS]
    st.markdown("##### New timetable" if was is None else "##### Edit timetable")
    left, right = st.columns([1.5, 1], gap="medium")
    with left, st.container(border=True, key="card_admin.editor"):
        st.text_input("Name", key=_NAME, max_chars=120, placeholder="Half day")
        st.pills(
            "Weekdays on which it holds",
            range(7),
            selection_mode="multi",
            key=_WEEKDAYS,
            format_func=parts.WEEKDAYS.__getitem__,
            help="None, where it is only for special dates, such as exams.",
        )
        st.markdown("Periods")
        edited = st.data_editor(
            state[_ROWS],
            key=f"{_PREFIX}table.{state[_ROUND]}",
            num_rows="dynamic",
            hide_index=True,
            height=35 * min(max(len(state[_ROWS]) + 2, 6), 26) + 3,
            alt="The periods of this timetable: name, begin and end",
            column_config={
                "Period": st.column_config.TextColumn(
                    max_chars=120, help="Left empty, it is named by its times."
                ),
                "Begins": st.column_config.TimeColumn(format="h:mm A", step=900),
                "Ends": st.column_config.TimeColumn(format="h:mm A", step=900),
            },
        )
        st.caption(
            "Press a cell to change it, the last line to add a period. A time may be typed, "
            "such as 14:15; periods begin and end on a quarter of an hour."
        )
        _filler()
    wanted = _typed(edited)
    with right, st.container(border=True, key="card_admin.editor.preview"):
        st.markdown("##### Before you save")
        if isinstance(wanted, Timetable):
            _preview(shared, wanted)
        elif wanted == _NO_PERIOD and was is None:  # where everybody begins is no mistake
            st.caption(
                "The day as it will be is shown here. “Fill in equal periods” is the quickest way "
                "to begin; then change what differs in the table."
            )
        else:
            parts.problem(wanted)
            st.caption("Nothing is saved, and nothing of what is typed is lost.")
    if isinstance(wanted, Timetable):
        parts.problem(state.get(_PROBLEM))
    with st.container(horizontal=True):
        st.button(
            "Save timetable",
            key="admin.editor.save",
            type="primary",
            disabled=isinstance(wanted, str) or wanted == was or not shared.is_live,
            on_click=_save,
            args=(shared, wanted),
        )
        st.button("Back", key="admin.editor.back", on_click=close)


def _filler() -> None:
    """Rows of equal length, to begin with."""
    with st.popover("Fill in equal periods", icon=":material/table_rows:"):
        first = st.time_input(
            "The first begins", time(8), step=900, format="12h", key=f"{_PREFIX}first"
        )
        length = st.number_input("Minutes each", 15, 240, 60, 15, key=f"{_PREFIX}length")
        pause = st.number_input("Minutes between", 0, 120, 0, 15, key=f"{_PREFIX}pause")
        count = st.number_input("How many", 1, 24, 8, key=f"{_PREFIX}count")
        st.caption("They take the place of what is in the table.")
        st.button(
            "Fill in",
            key="admin.editor.fill",
            on_click=_fill,
            args=(first, length, pause, count),
        )


def _fill(first: time | None, length: int, pause: int, count: int) -> None:
    periods = []
    start = minutes(first or time(8))
    # On the grain of the slots, whatever was typed, and within one day.
    length, pause = max(length // 15, 1) * 15, pause // 15 * 15
    for _ in range(count):
        if start + length > 24 * 60:
            break
        begin, end = (time(m % 1440 // 60, m % 60) for m in (start, start + length))
        periods.append(Period(words.span(begin, end), begin, end))
        start += length + pause
    state = st.session_state
    state[_ROWS] = _frame(periods)
    state[_ROUND] += 1  # a table of its own: the old one's edits are of other rows


def _typed(edited: pd.DataFrame) -> Timetable | str:
    """The form as a timetable, or the sentence that says what is missing or wrong."""
    state = st.session_state
    was: Timetable | None = state[_WAS]
    periods = []
    for number, row in enumerate(edited.itertuples(index=False), start=1):
        label, start, end = (None if pd.isna(value) else value for value in row)
        start, end = _time(start), _time(end)
        if label is None and start is None and end is None:
            continue  # a line just added
        name = f"“{label}”" if label else f"Line {number}"
        if start is None or end is None:
            return f"{name}: choose when it {'begins' if start is None else 'ends'}."
        try:
            periods.append(Period(label or words.span(start, end), start, end))
        except InvalidRequest as exc:
            return f"{name}: {words.error(exc)}"
    if not periods:
        return _NO_PERIOD
    try:
        if not state[_NAME].strip():
            return "Give the timetable a name."
        id = was.id if was else _NEW
        return Timetable(id, periods, state[_WEEKDAYS] or (), state[_NAME])
    except InvalidRequest as exc:
        return words.error(exc)


def _time(value: Any) -> Any:
    """What stands in a cell as a time; the editor of a table that began empty tells it as text."""
    if isinstance(value, str):
        with suppress(ValueError):
            return time.fromisoformat(value)
    return value


def _preview(shared: Services, wanted: Timetable) -> None:
    known: Reference = shared.reference()
    today = shared.now().date()
    calendar = known.calendar.with_timetable(wanted)
    for other in known.calendar.gives_way(wanted).values():
        moved = set(known.timetables[other.id].weekdays) - set(other.weekdays)
        verb = "moves" if len(moved) == 1 else "move"
        st.markdown(
            f":material/swap_horiz: {parts.weekday_names(sorted(moved))} {verb} here from "
            f"{words.literal(other.name)}."
        )
    before = known.timetables.get(wanted.id)
    left = set(before.weekdays if before else ()) - set(wanted.weekdays)
    if left:
        st.markdown(
            f":material/event_busy: No school on {parts.weekday_names(sorted(left))}, until "
            "another timetable has it."
        )
    date = st.date_input("Look at a date", _next(wanted, today), key=_DATE, format="DD/MM/YYYY")
    if isinstance(date, Date):
        plan = calendar.plan(date)
        table = calendar.timetables.get(plan.timetable_id or "")
        parts.plan(plan, today, table.name if table else "")
    parts.would_not_fit(shared, calendar, wanted)


def _next(wanted: Timetable, today: Date) -> Date:
    """The next date that has this timetable by its weekday; today where none has."""
    days = (today + timedelta(days=n) for n in range(7))
    return next((day for day in days if day.weekday() in wanted.weekdays), today)


def _save(shared: Services, wanted: Timetable) -> None:
    state = st.session_state
    was: Timetable | None = state[_WAS]
    if was is None:
        text = parts.attempt(
            shared,
            lambda by: add_timetable(
                shared.db, wanted.name, wanted.periods, wanted.weekdays, by=by
            ),
        )
    else:
        text = parts.attempt(shared, lambda by: save_timetable(shared.db, wanted, by=by, was=was))
    state[_PROBLEM] = text
    if text is None:
        close()
        state[_SAID] = f"{wanted.name} is saved. Every screen shows it."
