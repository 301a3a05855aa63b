"""The export button, and the dialog that reads the rows and offers them as a file."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from booking_core import Actor, BookingError, reports
from pages.shared.auth import session
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages


def button(shared: Services, key: str, name: str, load: Callable[[Actor], reports.Export]) -> None:
    """Draws the button; a press calls ``load`` with the actor of that moment.

    ``name`` is the first part of the file's name.
    """
    if st.button("Export", key=key, icon=":material/download:", disabled=not shared.is_live):
        _dialog(shared, key, name, load)


@st.dialog("Export")
def _dialog(shared: Services, key: str, name: str, load: Callable[[Actor], reports.Export]) -> None:
    try:
        with st.spinner("Collecting the rows…"):
            table = load(session.actor())
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)))
        return
    count = len(table.rows)
    if not count:
        st.markdown("Nothing matches, so there is nothing to take away. Choose other filters.")
        return
    rows = f"{formats.number(count)} row{'' if count == 1 else 's'}"
    st.markdown(f"**{formats.literal(table.title)}**: {rows}, by the filters that are set.")
    if table.cut:
        st.warning(
            f"There are more than {formats.number(reports.MAX_ROWS)}. These are the first; choose "
            "fewer dates to get the rest.",
            icon=":material/content_cut:",
        )
    st.caption("The file holds names. Keep it where only those who need it can read it.")
    file = f"{name}-{shared.now():%Y-%m-%d}"
    with st.container(horizontal=True, horizontal_alignment="right"):
        # Each file is made at its press, from the rows that were read when the dialog opened.
        st.download_button(
            "CSV",
            lambda: reports.to_csv(table),
            f"{file}.csv",
            reports.CSV,
            key=f"{key}.csv",
            on_click="ignore",
        )
        st.download_button(
            "Excel (XLSX)",
            lambda: reports.to_xlsx(table),
            f"{file}.xlsx",
            reports.XLSX,
            key=f"{key}.xlsx",
            type="primary",
            on_click="ignore",
        )
