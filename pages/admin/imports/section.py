"""The view for imports: the choice between students and bookings, and the steps of a file."""

from __future__ import annotations

import streamlit as st

from pages.admin.imports import bookings, students, wizard
from pages.shared.live.runtime import Services

_KINDS = {"Students": students.KIND, "Bookings": bookings.KIND}
_CHOICE = "admin.import.kind"


def adopt(text: str) -> bool:
    """Whether the address, with ``text`` as its parameter, shows an import; then it is chosen."""
    found = [name for name, kind in _KINDS.items() if kind.adopt(text)]
    if found:
        st.session_state[_CHOICE] = found[0]
    return bool(found)


def address() -> str:
    """The parameter of the address while a file is open in the chosen import; else ""."""
    return _KINDS[st.session_state.get(_CHOICE) or "Students"].address()


def show(shared: Services) -> None:
    """Draws the view."""
    st.session_state.setdefault(_CHOICE, "Students")
    chosen = st.segmented_control(
        "What to import",
        list(_KINDS),
        required=True,
        key=_CHOICE,
        persist_state="session",
        label_visibility="collapsed",
    )
    wizard.show(shared, _KINDS[chosen or "Students"])
