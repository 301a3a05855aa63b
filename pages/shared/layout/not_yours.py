"""What stands at an address that the user has no screen for, with a link to one that they have."""

from __future__ import annotations

import streamlit as st

from pages.shared.live import fragment
from pages.shared.live.runtime import Services

# Path of a screen that not every role has -> who has it.
_WHO = {
    "approvals": "Principals decide on requests there, and users to whom a principal has "
    "delegated decisions.",
    "closures": "Principals and admins close grounds there.",
    "admin": "Admins look after grounds, timetables, students, accounts and settings there.",
}


def show(shared: Services, name: str, title: str) -> None:
    """Says that the screen at the path ``name`` is not for the user."""
    _page(
        shared,
        f"{title} is not open to you",
        f"{_WHO[name]} Your account does not have this screen.",
    )


def no_such_address(shared: Services) -> None:
    """Says that no screen has this address."""
    _page(
        shared,
        "There is no screen here",
        "The address is mistyped, or the link is from an older version.",
    )


def _page(shared: Services, title: str, text: str) -> None:
    fragment.heartbeat(shared, "not_yours.heartbeat")  # a new role or a delegation may open it
    st.title(title, anchor=False)
    st.markdown(text)
    st.page_link("book/screen.py", label="Go to Book", icon=":material/arrow_forward:")
