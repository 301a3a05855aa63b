"""The editor of a term: its dates and holidays, and the bookings that a holiday would meet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date as Date
from typing import Any

import streamlit as st

from booking_core import Holiday, InvalidRequest, Reference, Term, add_terms, save_term
from pages.admin import widgets
from pages.shared.components import elements, fields
from pages.shared.live import fragment
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages

SAID = "admin.year.said"
_PREFIX = "admin.term."
_WAS, _LINES, _NEXT = "admin.term.was", "admin.term.lines", "admin.term.next"
_NAME, _DATES, _PROBLEM = "admin.term.name", "admin.term.dates", "admin.term.problem"
_NEW = "new term"  # in place of an id, which is made at the first save and has no spaces
_WHY, _WHEN = "why", "when"


def is_open() -> bool:
    return _LINES in st.session_state


def open_editor(term: Term | None) -> None:
    """Opens the editor in the next run, for ``term`` or (None) a new one."""
    close()
    state: Any = st.session_state
    state[_WAS], state[_LINES] = term, []
    state[_NAME] = term.name if term else ""
    state[_DATES] = (term.first, term.last) if term else ()
    for holiday in term.holidays if term else ():
        _add(holiday)


def close() -> None:
    fields.clear(_PREFIX)


def show(shared: Services) -> None:
    """Draws the editor and the preview."""
    fragment.live(shared, "admin.term", lambda: _editor(shared))


def _field(line: int, name: str) -> str:
    return f"{_PREFIX}{name}.{line}"


def _add(holiday: Holiday | None = None) -> None:
    """Adds a line. A number is never used twice, so that no line gets the text of a removed one."""
    state: Any = st.session_state
    line = state.get(_NEXT, 0)
    state[_NEXT] = line + 1
    state[_LINES] = [*state[_LINES], line]
    state[_field(line, _WHY)] = holiday.name if holiday else ""
    state[_field(line, _WHEN)] = (holiday.first, holiday.last) if holiday else ()


def _remove(line: int) -> None:
    state = st.session_state
    state[_LINES] = [kept for kept in state[_LINES] if kept != line]


def _editor(shared: Services) -> None:
    state: Any = st.session_state
    if not is_open():  # a callback has just closed it
        st.rerun()
    for key in (_DATES, *(_field(line, _WHEN) for line in state[_LINES])):
        state[key] = state[key]  # drawn again, a date field has its default: today
    was: Term | None = state[_WAS]
    st.markdown("##### New term" if was is None else "##### Edit term")
    left, right = st.columns([1.5, 1], gap="medium")
    with left, st.container(border=True, key="card_admin.term"):
        st.text_input(
            "Name", key=_NAME, persist_state="session", max_chars=120, placeholder="Term 1"
        )
        st.date_input(
            "First and last day", key=_DATES, persist_state="session", format=formats.date_field()
        )
        _holidays(state[_LINES])
    wanted = _typed()
    with right, st.container(border=True, key="card_admin.term.preview"):
        st.markdown("##### Before you save")
        problem = _preview(shared, wanted) if isinstance(wanted, Term) else wanted
        if isinstance(wanted, str) and _is_untouched():
            st.caption("Bookings that a holiday would meet are listed here.")
        elif problem:
            widgets.problem(problem)
            st.caption("Nothing is saved, and nothing of what is typed is lost.")
        widgets.problem(state.get(_PROBLEM))
    elements.unsaved(wanted != was and not _is_untouched(), key="admin.term.unsaved")
    with st.container(horizontal=True):
        st.button(
            "Save term",
            key="admin.term.save",
            type="primary",
            disabled=bool(problem) or wanted == was or not shared.is_live,
            on_click=_save,
            args=(shared, wanted),
        )
        st.button("Back", key="admin.term.back", on_click=close)


def _is_untouched() -> bool:
    """Whether it is a new term in which nothing is filled in."""
    state = st.session_state
    return not (state[_WAS] or state[_NAME].strip() or state[_DATES] or state[_LINES])


def _holidays(lines: Sequence[int]) -> None:
    """Draws a line of fields for each holiday."""
    st.markdown("Holidays")
    st.caption("Nothing can be booked on them. For a single day, choose it twice.")
    # In a container of their own, so that the button below keeps its place as lines come and go.
    with st.container():
        for number, line in enumerate(lines, start=1):
            with st.container(horizontal=True, gap="xsmall", key=f"holiday_{line}"):
                st.text_input(
                    f"Name of holiday {number}",
                    key=_field(line, _WHY),
                    persist_state="session",
                    max_chars=120,
                    placeholder="Autumn break",
                    label_visibility="collapsed",
                )
                st.date_input(
                    f"Days of holiday {number}",
                    key=_field(line, _WHEN),
                    persist_state="session",
                    format=formats.date_field(),
                    label_visibility="collapsed",
                    width=230,
                )
                st.button(
                    f"Remove holiday {number}",
                    key=f"icon_{_field(line, 'remove')}",
                    icon=":material/close:",
                    type="tertiary",
                    on_click=_remove,
                    args=(line,),
                )
    st.button("Add a holiday", key="admin.term.add", icon=":material/add:", on_click=_add)


def _typed() -> Term | str:
    """The form as a term, or a sentence about its first error."""
    state: Any = st.session_state
    was: Term | None = state[_WAS]
    if not state[_NAME].strip():
        return "Give the term a name."
    if (days := _both(state[_DATES])) is None:
        return "Choose the first and the last day of the term."
    holidays = []
    for number, line in enumerate(state[_LINES], start=1):
        name = state[_field(line, _WHY)].strip()
        if not name:
            return f"Give holiday {number} a name."
        if (of_holiday := _both(state[_field(line, _WHEN)])) is None:
            return f"Choose the first and the last day of “{name}”."
        try:
            holidays.append(Holiday(name, *of_holiday))
        except InvalidRequest as exc:
            return f"“{name}”: {messages.error(exc)}"
    try:
        return Term(was.id if was else _NEW, state[_NAME], *days, tuple(holidays))
    except InvalidRequest as exc:
        return messages.error(exc)


def _both(picked: object) -> tuple[Date, Date] | None:
    """The first and the last day that a field has; None until both are chosen."""
    if not isinstance(picked, tuple) or len(picked) != 2:
        return None
    return picked


def _preview(shared: Services, wanted: Term) -> str:
    """Draws the bookings that would not fit; returns a sentence if the term overlaps another."""
    known: Reference = shared.reference()
    try:
        calendar = known.calendar.with_terms([wanted])
    except InvalidRequest as exc:
        return messages.error(exc)
    st.markdown(
        f"**{formats.literal(wanted.name)}** · {formats.days(wanted.first, wanted.last)}, "
        f"{widgets.counted(len(wanted.holidays), 'holiday')}"
    )
    widgets.would_not_fit(shared, calendar, wanted)
    return ""


def _save(shared: Services, wanted: Term) -> None:
    state = st.session_state
    was: Term | None = state[_WAS]
    if was is None:
        text = widgets.attempt(shared, lambda by: add_terms(shared.db, [wanted], by=by))
    else:
        text = widgets.attempt(shared, lambda by: save_term(shared.db, wanted, by=by, was=was))
    state[_PROBLEM] = text
    if text is None:
        close()
        state[SAID] = f"{wanted.name} is saved. Every screen shows it."
