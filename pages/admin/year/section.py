"""The section for the school's year: terms with their holidays, and weeks A and B."""

from __future__ import annotations

from datetime import date as Date
from typing import Any

import streamlit as st

from booking_core import Reference, Term, add_terms, remove_term, save_week_a
from pages.admin import widgets
from pages.admin.year import editor
from pages.shared.components import elements
from pages.shared.live import fragment
from pages.shared.live.runtime import Services
from pages.shared.text import formats

_OPEN, _SAID, _PROBLEM = "admin.year.open", editor.SAID, "admin.year.problem"
_LETTERS, _WEEK_A, _WAS = "admin.year.letters", "admin.year.week_a", "admin.year.was"
_PAGE = "admin.year.page"


def show(shared: Services) -> None:
    """Draws the section."""
    if said := st.session_state.pop(_SAID, None):
        st.toast(formats.literal(said), icon=":material/check:")
    if editor.is_open():
        editor.show(shared)
        return
    fragment.live(shared, "admin.year", lambda: _overview(shared))
    match st.session_state.pop(_OPEN, None):
        case ("remove", term_id):
            _remove(shared, term_id)
        case ("copy", _):
            _copy(shared)


def _overview(shared: Services) -> None:
    known: Reference = shared.reference()
    left, right = st.columns([1.5, 1], gap="medium")
    with left:
        _terms(shared, known)
    with right, st.container(border=True, key="card_admin.year.weeks"):
        _weeks(shared, known)


def _terms(shared: Services, known: Reference) -> None:
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.markdown("##### Terms", width="content")
        with st.container(horizontal=True, width="content"):
            if known.year.terms and st.button(
                "Copy to the next year…", key="admin.year.copy", icon=":material/content_copy:"
            ):
                _ask("copy", "")
            if st.button("Add a term", key="admin.year.add", type="primary", icon=":material/add:"):
                editor.open_editor(None)
                st.rerun()
    if not known.year.terms:
        with st.container(border=True, key="card_admin.year.none"):
            st.markdown("##### No term yet")
            st.caption(
                "Add one with its holidays, on which nothing can be booked. Days outside all terms "
                "follow their weekday’s timetable."
            )
    today = shared.now().date()
    for term in known.year.terms:
        if term.last >= today:
            _term(term, today)
    past = [term for term in reversed(known.year.terms) if term.last < today]
    if past:
        st.markdown("###### Past terms")
    shown, first = widgets.page(past, _PAGE)
    for term in shown:
        _term(term, today)
    if len(past) > widgets.PAGE:
        widgets.page_foot(len(past), first, _PAGE)


def _term(term: Term, today: Date) -> None:
    key, name = f"admin.year.{term.id}", formats.literal(term.name)
    with st.container(border=True, key=f"card_{key}", horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch", gap=None):
            now = " · :blue[now]" if term.first <= today <= term.last else ""
            st.markdown(f"**{name}** · {formats.days(term.first, term.last)}{now}")
            st.caption(_holidays(term))
        with st.container(horizontal=True, width="content"):
            if st.button("Edit", key=f"{key}.edit", help=f"Dates and holidays of {name}"):
                editor.open_editor(term)
                st.rerun()
            if st.button("Remove…", key=f"{key}.remove", help=f"Remove {name}"):
                _ask("remove", term.id)


def _holidays(term: Term) -> str:
    """The holidays of a term as markdown: ``Autumn break, Mon 12 – Fri 16 Oct``."""
    found = [
        formats.literal(f"{holiday.name}, {formats.days(holiday.first, holiday.last, year=False)}")
        for holiday in term.holidays
    ]
    return " · ".join(found) or "No holidays"


def _weeks(shared: Services, known: Reference) -> None:
    state: Any = st.session_state
    stored, today = known.year.week_a, shared.now().date()
    # The form follows what is stored, until the user changes it.
    if _LETTERS not in state or (state[_WAS] != stored and _typed(state) == state[_WAS]):
        state[_LETTERS], state[_WEEK_A], state[_WAS] = stored is not None, stored or today, stored
    state[_WEEK_A] = state[_WEEK_A]  # drawn again, a date field has its default: today
    st.markdown("##### Weeks A and B")
    st.toggle("Weeks alternate between A and B", key=_LETTERS, persist_state="session")
    if state[_LETTERS]:
        st.date_input(
            "A day of a week A",
            key=_WEEK_A,
            persist_state="session",
            format=formats.date_field(),
            width=200,
        )
    wanted = _typed(state)
    week = known.calendar.with_week_a(wanted).plan(today).week
    if week:
        st.caption(
            f"This week is a week {week}. The letters alternate from Monday to Sunday, also over "
            "holidays. A timetable can belong to one of them."
        )
    else:
        st.caption("All weeks have the same timetables.")
    if wanted != stored:
        widgets.would_not_fit(shared, known.calendar.with_week_a(wanted), ("week a", wanted))
    widgets.problem(state.get(_PROBLEM))
    elements.unsaved(wanted != stored, key="admin.year.unsaved")
    st.button(
        "Save",
        key="admin.year.save",
        type="primary",
        disabled=wanted == stored or (state[_LETTERS] and wanted is None) or not shared.is_live,
        on_click=_save_weeks,
        args=(shared, wanted),
    )


def _typed(state: Any) -> Date | None:
    """The day of a week A as the form has it; None without letters or without a day."""
    day = state[_WEEK_A] if state[_LETTERS] else None
    return day if isinstance(day, Date) else None


def _save_weeks(shared: Services, wanted: Date | None) -> None:
    text = widgets.attempt(shared, lambda by: save_week_a(shared.db, wanted, by=by))
    st.session_state[_PROBLEM] = text
    if text is None:
        st.session_state[_WAS] = wanted
        st.session_state[_SAID] = "Saved. Every screen shows it."


def _ask(dialog: str, subject: str) -> None:
    st.session_state[_OPEN] = (dialog, subject)
    st.rerun()


def _close(said: str) -> None:
    st.session_state[_SAID] = said
    st.rerun()


@st.dialog("Remove this term?")
def _remove(shared: Services, term_id: str) -> None:
    term = next((one for one in shared.reference().year.terms if one.id == term_id), None)
    if term is None:
        return
    st.markdown(
        f"**{formats.literal(term.name)}** · {formats.days(term.first, term.last)}  \n"
        + _holidays(term)
    )
    st.caption(
        "Its dates follow their weekday’s timetable again, its holidays too. Bookings stay as they "
        "are."
    )
    failed = st.container()
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep it", key="admin.year.remove.keep"):
            st.rerun()
        if st.button("Remove term", key="danger_admin.year.remove", type="primary"):
            text = widgets.attempt(shared, lambda by: remove_term(shared.db, term_id, by=by))
            if text is None:
                _close(f"{term.name} is removed.")
            with failed:
                widgets.problem(text)


@st.dialog("Copy to the next year?")
def _copy(shared: Services) -> None:
    known: Reference = shared.reference()
    copied = known.year.next_terms()
    st.caption(
        "The terms and holidays of the last year, 52 weeks later: each date keeps its weekday and "
        "its letter. Change what differs afterwards."
    )
    for term in copied:
        st.markdown(
            f"**{formats.literal(term.name)}** · {formats.days(term.first, term.last)}  \n"
            f":gray[{_holidays(term)}]"
        )
    # With ids that no stored term has, so that the preview has both years.
    preview = [Term(f"copy {number}", t.name, t.first, t.last, t.holidays)
               for number, t in enumerate(copied)]  # fmt: skip
    widgets.would_not_fit(shared, known.calendar.with_terms(preview), ("copied", copied))
    failed = st.container()
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Back", key="admin.year.copy.back"):
            st.rerun()
        label = f"Add {widgets.counted(len(copied), 'term')}"
        if st.button(label, key="admin.year.copy.save", type="primary"):
            text = widgets.attempt(shared, lambda by: add_terms(shared.db, copied, by=by))
            if text is None:
                _close("The terms of the next year are saved.")
            with failed:
                widgets.problem(text)
