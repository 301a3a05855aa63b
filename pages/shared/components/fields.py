"""Fields whose values the program sets too: by Back, by a button, or because an option is gone.

Each message of a browser has the values of all fields. One that it sent before it received a value
of the program has the value of before, and would bring that value back. So the value is stored
apart from its field, a value of the program gets a new field, and only changes of the newest field
count.

The value is also the default of its field. A value of the session alone is lost where a press ends
the run that opens a dialog before it has sent the field. The ``persist_state`` of Streamlit keeps
it too, and is enough where the program sets the value only as the field appears.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date as Date
from typing import Any

import streamlit as st

_NEWEST = "fields"  # name -> number of its newest field, and the value that is known to it


def typed(name: str, on_change: Callable[[], None] | None = None) -> dict[str, Any]:
    """The arguments of a field of text or time, or of a switch, for the value stored under
    ``name``.

    The value is stored before, and stays while another screen is shown. ``on_change`` is called
    after the user has changed it.
    """
    return _arguments(name, on_change) | {"value": st.session_state[name]}


def dated(
    name: str, first: Date, last: Date, on_change: Callable[[], None] | None = None
) -> dict[str, Any]:
    """As ``typed``, of a field of one date, two or none, from ``first`` to ``last``."""
    value = st.session_state[name]
    if isinstance(value, Sequence):
        within: Any = tuple(min(max(date, first), last) for date in value)
    else:
        within = value and min(max(value, first), last)
    bounds = {"value": within, "min_value": first, "max_value": last}
    return _arguments(name, on_change) | bounds


def chosen(
    name: str, options: Sequence[Any], on_change: Callable[[], None] | None = None
) -> dict[str, Any]:
    """As ``typed``, of a list of ``options`` to choose one from; a value that is none of them
    becomes None."""
    if (value := st.session_state[name]) not in options:
        value = st.session_state[name] = None
    index = None if value is None else options.index(value)
    return _arguments(name, on_change) | {"options": options, "index": index}


def pressed(
    name: str, options: Sequence[Any], on_change: Callable[[], None] | None = None
) -> dict[str, Any]:
    """As ``typed``, of a row of buttons for ``options``, or of a list to choose several from."""
    value = st.session_state[name]
    if isinstance(value, list):
        default: Any = [one for one in value if one in options]
    else:
        default = value if value in options else None
    return _arguments(name, on_change) | {"options": options, "default": default}


def _arguments(name: str, on_change: Callable[[], None] | None) -> dict[str, Any]:
    state = st.session_state
    newest: dict[str, tuple[int, Any]] = state.setdefault(_NEWEST, {})
    number, known = newest.get(name, (0, None))
    if not number or known != state[name]:
        number += 1
        newest[name] = number, state[name]
    key = f"{name}.{number}"

    def change() -> None:
        newest_number, known = newest[name]
        if newest_number == number and state[key] != known:
            state[name] = state[key]
            newest[name] = number, state[key]
            if on_change is not None:
                on_change()

    return {"key": key, "on_change": change}


def clear(prefix: str) -> None:
    """Removes the values of the session whose names begin with ``prefix``, such as those of a
    dialog."""
    for key in list(st.session_state):
        if str(key).startswith(prefix):
            del st.session_state[key]
