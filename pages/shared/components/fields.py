"""Fields whose values the program sets too: by Back, by a button, or because an option is gone.

Each message of a browser has the values of all fields. One that it sent before it received a value
of the program has the value of before, and would bring that value back. So the value is stored
apart from its field, a value of the program gets a new field, and only changes of the newest field
count.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st


def arguments(name: str, on_change: Callable[[], None] | None = None) -> dict[str, Any]:
    """The arguments ``key`` and ``on_change`` of the field of the value stored under ``name``.

    The value is stored before, and stays while another screen is shown. ``on_change`` is called
    after the user has changed it.
    """
    state, counter, known = st.session_state, f"{name}.number", f"{name}.value"
    if counter not in state or state[known] != state[name]:
        state[counter], state[known] = state.get(counter, 0) + 1, state[name]
    number = state[counter]
    key = f"{name}.{number}"
    state.setdefault(key, state[name])  # Streamlit drops it while another screen is shown

    def change() -> None:
        if state.get(counter) == number and state[key] != state[known]:
            state[name] = state[known] = state[key]
            if on_change is not None:
                on_change()

    return {"key": key, "on_change": change}


def clear(prefix: str) -> None:
    """Removes the values of the session whose names begin with ``prefix``, such as those of a
    dialog."""
    for key in list(st.session_state):
        if str(key).startswith(prefix):
            del st.session_state[key]
