"""The field that changes a picture at once: the photo of a ground, the school's logo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import streamlit as st

from booking_core import Actor
from pages.admin import widgets
from pages.shared.live.runtime import Services


def field(
    shared: Services,
    key: str,
    label: str,
    help: str,
    save: Callable[[Actor, bytes], Any],
    *,
    shown_by: Literal["app", "fragment"] = "fragment",
) -> None:
    """Draws the field for a file, which ``save`` gets, and the reason of the last refusal.

    ``shown_by``: what is drawn anew after a change.
    """
    number = st.session_state.setdefault(f"{key}.number", 0)
    file = st.file_uploader(
        label,
        ["png", "jpg", "jpeg", "webp"],
        key=f"{key}.file.{number}",
        help=help,
        max_upload_size=1,
    )
    if file is not None:
        data = file.getvalue()
        attempt(shared, key, lambda by: save(by, data))
        st.session_state[f"{key}.number"] = number + 1  # a new key empties the field
        st.rerun(scope=shown_by)
    widgets.problem(st.session_state.pop(f"{key}.problem", None))


def attempt(shared: Services, key: str, change: Callable[[Actor], Any]) -> None:
    """Calls ``change`` with the present user; ``field`` shows why it was refused."""
    st.session_state[f"{key}.problem"] = widgets.attempt(shared, change)
