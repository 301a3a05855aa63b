"""The user for whom a screen was drawn, and the checks of live updates."""

from __future__ import annotations

import streamlit as st

from booking_core import Actor, StoreUnavailable
from pages.shared.live import cookies, runtime
from pages.shared.live.address import COOKIE
from pages.shared.live.client import is_screen_https
from pages.shared.live.runtime import Services
from pages.shared.live.session_cache import Person

# Keys of the session state. DRAWN: the user of the last full run.
TOKEN, DRAWN = "session.token", "session.drawn_for"
AUTOMATIC = "session.automatic"  # whether a live update, and not the user, caused this run


def actor() -> Actor:
    """The user of the last full run; for live updates, never for actions.

    Reads nothing and is no user activity. ``check`` reruns the screen when its user changes.
    """
    drawn: Person | None = st.session_state.get(DRAWN)
    if drawn is None:
        st.rerun()
    return drawn.account.actor


def decides() -> bool:
    """Whether the user of the last full run may decide, by its role or by a delegation."""
    drawn: Person | None = st.session_state.get(DRAWN)
    return drawn is not None and drawn.decides


def check(shared: Services) -> None:
    """Reruns the whole screen if its user has signed out or changed; for live updates.

    It is no user activity, and reads nothing while no account or session has changed.
    """
    drawn: Person | None = st.session_state.get(DRAWN)
    if drawn is None:  # the wall display, which needs no session
        return
    if shared.outdated is not None:
        rerun_without_activity()  # the screen then says that an update is needed
    current = token()
    try:
        person = None if current is None else shared.sessions.known(current)
    except StoreUnavailable:
        return
    if person != drawn:
        rerun_without_activity()


def rerun_without_activity() -> None:
    """``st.rerun()`` that does not extend the session."""
    st.session_state[AUTOMATIC] = True
    st.rerun()


def token() -> str | None:
    """The session token of this browser; None without one."""
    if not len(st.context.headers):
        # The browser has disconnected during this run; an action in it still needs its user.
        kept: str | None = st.session_state.get(TOKEN)
        return kept
    headers = st.context.headers
    is_tls = is_screen_https(headers, runtime.start())
    return cookies.value_of(COOKIE, headers, is_tls=is_tls)
