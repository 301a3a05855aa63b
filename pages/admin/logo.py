"""The school's logo: what the screens show, and the fields that change it."""

from __future__ import annotations

import streamlit as st

from booking_core import remove_school_logo, save_school_logo
from pages.admin import pictures
from pages.shared.live import logo
from pages.shared.live.runtime import Services

_KEY = "admin.logo"


def form(shared: Services) -> None:
    """Draws the logo, and fields that change or remove it at once."""
    left, _ = st.columns(2, gap="medium")
    with left, st.container(border=True, key="card_admin.logo"):
        st.markdown("##### The school's logo")
        st.caption(
            "It stands above the school's name in the sidebar and at sign-in, and on the wall "
            "where that has room. It changes as soon as a file is chosen."
        )
        shown = logo.shown(shared)
        if shown is not None:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.html(
                    f'<img class="logo" src="{shown.address}" alt="The present logo">',
                    width="content",
                )
                is_removed = st.button("Remove logo", key=f"{_KEY}.remove")
            if is_removed:
                pictures.attempt(shared, _KEY, lambda by: remove_school_logo(shared.db, by=by))
                st.rerun()
        pictures.field(
            shared,
            _KEY,
            "A new logo" if shown else "Logo (optional)",
            "PNG, JPEG or WebP of at most 1 MB. A PNG with a transparent background looks best.",
            lambda by, data: save_school_logo(shared.db, data, by=by),
            shown_by="app",
        )
