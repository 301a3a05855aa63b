"""The state of a screen in its address: reload, Back, a bookmark and a sent link restore it.

A screen reads its parameters before its fields are drawn, and writes them once its state is known.
While a user presses on a screen, the session state decides: a request that the browser sent before
it received the new address still has the old one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import streamlit as st

from pages.shared.live.streamlit_internals import is_history_navigation

MAX_LENGTH = 120  # characters of a parameter; a longer one is ignored
_SCREEN, _ENTERED, _SENT = "url.screen", "url.entered", "url.sent"


def enter(screen: str) -> None:
    """Notes the screen of this run; to be called in every run, before the screen is drawn."""
    state = st.session_state
    state[_ENTERED] = state.get(_SCREEN) != screen
    state[_SCREEN] = screen


def read(names: Collection[str], apply: Callable[[Mapping[str, str]], None]) -> None:
    """Calls ``apply`` with the parameters to show, if this run has to adopt any.

    These are the parameters of the address after Back, Forward or the opening of an address; absent
    ones have their default. Between two screens the address is empty, and the session state stays.
    """
    asked = {name: st.query_params[name] for name in names if name in st.query_params}
    given = {name: text for name, text in asked.items() if 0 < len(text) <= MAX_LENGTH}
    if is_history_navigation() or (st.session_state[_ENTERED] and given):
        apply(given)


def write(values: Mapping[str, str]) -> None:
    """Puts ``values`` into the address; empty ones are left out, as those of the default."""
    values = {name: text for name, text in values.items() if text}
    state = st.session_state
    # The address that the browser has reported may be older than the last one sent to it.
    if values != st.query_params.to_dict() or values != state.get(_SENT):
        st.query_params.from_dict(values)
    state[_SENT] = values
