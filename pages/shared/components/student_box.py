"""The choice of a student: a search field above a select box."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import streamlit as st

from booking_core import Reference, find_students
from pages.shared.components import fields

LONGEST_SEARCH = 120  # characters; a client can send more than its field takes
_SEARCH_FROM = 8  # number of students; fewer need no search field


def student_box(
    known: Reference,
    *,
    key: str,
    active: bool | None = None,
    placeholder: str,
    label: str = "Student",
    others: Callable[[str], dict[str, str]] = lambda text: {},
    on_change: Callable[[], None] | None = None,
    width: int | Literal["stretch"] = "stretch",
    find_width: int | Literal["stretch"] = "stretch",
) -> str | None:
    """The id of the chosen student, or the value of another option; None without a choice.

    ``others``: for a searched text, the options that are no students, value -> label.

    The search filters the options, and chooses the student if it finds only one. It exists because
    the select box itself does not match accents, apostrophes, other orders of words, or typos.
    """
    state, find_key = st.session_state, f"{key}.find"

    def choose_only_match() -> None:
        found = find_students(known, searched(find_key), active=active)
        if len(found) == 1 and state.get(find_key) and not others(searched(find_key)):
            state[key] = found[0].id
            if on_change is not None:
                on_change()

    if len(known.students) >= _SEARCH_FROM:
        st.text_input(
            f"Find a {label[0].lower()}{label[1:]}",
            key=find_key,
            placeholder=f"Find a {label[0].lower()}{label[1:]}",
            label_visibility="collapsed",
            max_chars=LONGEST_SEARCH,
            on_change=choose_only_match,
            width=find_width,
        )
    text = searched(find_key)
    found = {student.id: student for student in find_students(known, text, active=active)}
    chosen = known.students.get(state.get(key) or "")
    if chosen is not None and active in (None, chosen.active):
        # The present choice stays an option during a search for another student.
        found.setdefault(chosen.id, chosen)
    options = {id: f"{one.name} · {one.class_name} · {id}" for id, one in found.items()}
    options |= others(text)
    if (value := state.get(key)) is not None and value not in options and value in others(""):
        options[value] = others("")[value]
    state.setdefault(key, None)
    st.selectbox(
        label,
        format_func=lambda id: options[id],
        placeholder=f"{len(options)} found" if text else placeholder,
        width=width,
        **fields.chosen(key, list(options), on_change),
    )
    picked: str | None = state.get(key)
    return picked


def searched(key: str) -> str:
    """The text in the search field ``key``."""
    return (st.session_state.get(key) or "")[:LONGEST_SEARCH]
