"""The foot of a list with several pages: which rows this page shows, and the way to the others."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

Turn = Callable[[], None] | None


def show(
    text: str, key: str, before: Turn, after: Turn, names: tuple[str, str] = ("Previous", "Next")
) -> None:
    """Draws ``text``, such as ``51–100 of 230``, and a button for the page on each side.

    A press calls ``before`` or ``after``; None: there is no such page. Without both there are no
    buttons. The key of a button is ``key`` and its name.
    """
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right"):
        st.caption(text, width="content")
        if before is None and after is None:
            return
        for name, turn in zip(names, (before, after), strict=True):
            st.button(name, key=f"{key}.{name.lower()}", disabled=turn is None, on_click=turn)
