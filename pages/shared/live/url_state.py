"""The state of a screen in its address: reload, Back, a bookmark and a sent link restore it.

A screen reads its parameters before its fields are drawn, and writes them once its state is known.
While a user presses on a screen, the session state decides: a request that the browser sent before
it received the new address still has the old one. Fields whose values are in the address are drawn
by ``fields``, for the same reason.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import streamlit as st

from pages.shared.live.streamlit_internals import take_history_navigation

MAX_LENGTH = 120  # characters of a parameter; a longer one is ignored
_SCREEN, _ENTERED = "url.screen", "url.entered"
_ADDRESSED = "url.addressed"  # the last screen that has sent parameters
_BACK = "url.back"  # parameters to show after Back


def enter(screen: str) -> None:
    """Notes the screen of this run; to be called in every run, before the screen is drawn."""
    state = st.session_state
    is_other = state.get(_SCREEN) != screen
    if is_other:
        state[_SCREEN], state[_ENTERED] = screen, True
    if (back := take_history_navigation()) is not None:
        state[_BACK] = back
    elif is_other:
        state.pop(_BACK, None)


def is_entered() -> bool:
    """Whether no run of the screen has called ``read`` since it was opened."""
    return bool(st.session_state[_ENTERED])


def read(names: Collection[str], apply: Callable[[Mapping[str, str]], None]) -> None:
    """Calls ``apply`` with the parameters to show, if this run has to adopt any.

    These are the parameters of the address after Back, Forward or the opening of an address; absent
    ones have their default. Between two screens the address is empty, and the session state stays.
    """
    state = st.session_state
    back: Mapping[str, str] | None = state.get(_BACK)
    shown = st.query_params.to_dict() if back is None else back
    asked = {name: shown[name] for name in names if name in shown}
    given = {name: text for name, text in asked.items() if 0 < len(text) <= MAX_LENGTH}
    if back is not None or (is_entered() and given):
        apply(given)
    # Not before: another request may have ended this run above.
    state.pop(_BACK, None)
    state[_ENTERED] = False


def write(values: Mapping[str, str]) -> None:
    """Puts ``values`` into the address; empty ones are left out, as those of the default.

    Each run sends them: a message of an earlier run may be lost when a request ends that run, and
    the address that the browser has reported may be older than the last one sent to it. A screen
    that has had none so far sends none: after a quick Back, it would empty the address that the
    browser has by then.
    """
    state = st.session_state
    values = {name: text for name, text in values.items() if text}
    screen = state.get(_SCREEN)
    if values or st.query_params or state.get(_ADDRESSED) == screen:
        state[_ADDRESSED] = screen
        st.query_params.from_dict(values)
