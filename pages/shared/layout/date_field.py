"""The field of a date that the buttons beside it change too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date as Date

import streamlit as st

from pages.shared.components import fields
from pages.shared.text import formats


def draw(key: str, first: Date, last: Date, *, on_change: Callable[[], None]) -> None:
    """Draws the field of the date stored under ``key``, from ``first`` to ``last``."""
    st.date_input(
        "Date",
        format=formats.date_field(),
        label_visibility="collapsed",
        width=150,
        **fields.dated(key, first, last, on_change),
    )
