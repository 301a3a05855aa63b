"""The elements of our own: the day grid, the list with actions, the wall; pulse and live line;
who is signed in, and the redirect to sign-in.

Each is a components-v2 element whose script writes text nodes only, never markup.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

_ASSETS = Path(__file__).parent / "assets"


def _component(name: str, *, style: bool = True) -> Callable[..., Any]:
    def read(file: str) -> str:
        return (_ASSETS / file).read_text(encoding="utf-8")

    return st.components.v2.component(
        name,
        css=read("tokens.css") + (read(f"{name}.css") if style else ""),
        js=read("common.js") + read(f"{name}.js"),
    )


_day_grid = _component("day_grid")
_list = _component("list")
_wall = _component("wall")
_pulse = _component("pulse", style=False)
_nudge = _component("nudge", style=False)
_live_line = _component("live_line")
_person = _component("person")
_leave = _component("leave")
_remember = _component("remember", style=False)


def day_grid(data: bytes, *, key: str) -> dict[str, str] | None:
    """The day as a table, from JSON.

    Answers ``{"ground": id, "start": "HH:MM"}`` when a cell was pressed.
    """
    _day_grid(key=key, data=data, on_pick_change=lambda: _keep(key, "pick"))
    picked: dict[str, str] | None = st.session_state.pop(f"{key}.pick", None)
    return picked


def action_list(data: dict[str, Any], *, key: str) -> dict[str, Any] | None:
    """A list with buttons; answers ``{"action": name, "ids": [...]}`` when one was pressed."""
    _list(key=key, data=data, on_act_change=lambda: _keep(key, "act"))
    acted: dict[str, Any] | None = st.session_state.pop(f"{key}.act", None)
    return acted


def _keep(key: str, trigger: str) -> None:
    """Keeps what was pressed until it is heard: the run that it began may be ended by another."""
    st.session_state[f"{key}.{trigger}"] = st.session_state[key][trigger]


def wall(data: dict[str, Any], *, key: str) -> None:
    """The wall display over the whole window."""
    _wall(key=key, data=data)


def pulse(data: dict[str, Any], *, key: str) -> str | None:
    """Reruns the fragment around it when there is news; what the screen is just now:

    ``push`` (reached by push), ``alone`` (not reached), ``hidden``, or None before it is known.
    """
    mode: str | None = st.session_state.get(key, {}).get("mode")
    _pulse(key=key, data=data | {"mode": mode}, on_mode_change=_nothing, on_turn_change=_nothing)
    return mode


def nudge(data: dict[str, Any], *, key: str) -> None:
    """Tells the pulse of the same ``date`` which version there is; it asks for it if it is new."""
    _nudge(key=key, data=data)


def live_line(data: dict[str, Any]) -> None:
    """ "Live, updated 10:12:07": goes on by itself with each sign of life that ``pulse`` tells."""
    _live_line(key="live.line", data=data)


def person(data: dict[str, Any]) -> None:
    """Who is signed in, with a form that signs out and the way to another password."""
    _person(key="session.person", data=data)


def leave(data: dict[str, Any]) -> None:
    """Leads the window to ``data["to"]``, which is told where to come back to.

    That is this address; at ``data["home"]``, where identity providers send everybody, it is the
    one that was remembered before.
    """
    _leave(key="session.leave", data=data)


def remember(data: dict[str, Any]) -> None:
    """Keeps this address, unless it is ``data["home"]``, for ``leave`` after the provider."""
    _remember(key="session.remember", data=data)


def facts(key: str, *pairs: tuple[str, str]) -> None:
    """Names and values in a frame, a line each; the values are shown literally."""
    with st.container(border=True, key=f"facts_{key}", gap="xsmall"):
        for name, value in pairs:
            left, right = st.columns([2, 5])
            left.caption(name)
            right.text(value)


def _nothing() -> None:
    """A callback's presence makes the trigger an attribute of the result."""
