"""The head of every screen but the wall: its title, the live line, and the note about demo data."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared.layout import bell
from pages.shared.live import fragment
from pages.shared.live.runtime import Services


def show(shared: Services, title: str) -> None:
    """Draws the head of the screen."""
    left, right = st.columns([2.4, 7], vertical_alignment="center")
    _fill(shared, title, left, right)


def with_controls(shared: Services, title: str, key: str) -> DeltaGenerator:
    """Draws the head, and returns the container ``key`` at its end, for controls."""
    left, middle, right = st.columns([2.4, 4.4, 2.6], vertical_alignment="center")
    controls = right.container(horizontal=True, gap="small", horizontal_alignment="right", key=key)
    _fill(shared, title, left, middle)
    return controls


def _fill(shared: Services, title: str, left: DeltaGenerator, right: DeltaGenerator) -> None:
    with left.container(
        horizontal=True, vertical_alignment="center", gap="small", key="head_title"
    ):
        st.title(title, anchor=False, width="content")
        bell.show(shared)
    with right:
        fragment.line(shared)
    if shared.reference().demo:  # not in the sidebar, which may be collapsed
        st.caption(":material/science: Demo data: a made-up school, safe to try things on.")
