"""Choices that a change from outside can take away: the user is told, and never finds another one
chosen in silence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date as Date
from typing import TypeVar

import streamlit as st

T = TypeVar("T")


def option(key: str, options: Sequence[T]) -> T:
    """The one of ``options`` that is stored under ``key``, the first one without any.

    For a field that always has a choice: Streamlit says that it may return None.
    """
    chosen = st.session_state.get(key)
    return next((one for one in options if one == chosen), options[0])


def date_range(key: str) -> tuple[Date, ...]:
    """The dates in the range field ``key``: both, only the first, or none."""
    chosen = st.session_state.get(key)
    return tuple(chosen) if isinstance(chosen, tuple | list) else ()


def keep_date(key: str, first: Date, last: Date) -> Date | None:
    """Moves the date stored under ``key`` into ``first`` to ``last``, before its field is drawn.

    Returns the date that was chosen if it is outside; None if it stays. Streamlit would put the
    default of the field in its place.
    """
    chosen: Date = st.session_state[key]
    kept = min(max(chosen, first), last)
    if kept == chosen:  # a value that is set would undo a choice made meanwhile
        return None
    st.session_state[key] = kept
    return chosen
