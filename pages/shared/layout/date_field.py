"""The field of a date that the buttons beside it change too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date as Date

import streamlit as st

from pages.shared.text import formats


def draw(key: str, first: Date, last: Date, *, on_change: Callable[[], None]) -> None:
    """Draws the field of the date stored under ``key``, from ``first`` to ``last``.

    Each message of a browser has the values of all fields. A quick second press still has the date
    of before the first one, and would take the first one back. So a date that a press has set gets
    a new field, and only a value that a field did not have before counts.
    """
    state, counter, value = st.session_state, f"{key}.number", f"{key}.value"
    if state.get(value) != state[key]:
        state[counter], state[value] = state.get(counter, 0) + 1, state[key]
    number = state[counter]
    field = f"{key}.{number}"
    state.setdefault(field, state[key])  # dropped while another screen was shown

    def change() -> None:
        if state.get(counter) == number and state[field] != state[value]:
            state[key] = state[value] = state[field]
            on_change()

    st.date_input(
        "Date",
        key=field,
        min_value=first,
        max_value=last,
        format=formats.date_field(),
        label_visibility="collapsed",
        on_change=change,
        width=150,
    )
