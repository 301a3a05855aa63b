"""Choices that a change from outside can take away: the user is told, and never finds another one
chosen in silence."""

from __future__ import annotations

from datetime import date as Date

import streamlit as st


def keep_date(key: str, first: Date, last: Date) -> Date | None:
    """Moves the date stored under ``key`` into ``first`` to ``last``, before its field is drawn.

    Returns the date that was chosen if it is outside; None if it stays. Streamlit would put the
    default of the field in its place.
    """
    chosen: Date = st.session_state[key]
    kept = st.session_state[key] = min(max(chosen, first), last)
    return None if kept == chosen else chosen
