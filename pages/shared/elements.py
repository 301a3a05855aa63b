"""The elements with markup of their own: the day grid, the list with actions, the wall.

Each is a components-v2 element whose script writes text nodes only, never markup.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

_ASSETS = Path(__file__).parent / "assets"


def _component(name: str) -> Callable[..., Any]:
    def read(file: str) -> str:
        return (_ASSETS / file).read_text(encoding="utf-8")

    return st.components.v2.component(
        name,
        css=read("tokens.css") + read(f"{name}.css"),
        js=read("common.js") + read(f"{name}.js"),
    )


_day_grid = _component("day_grid")
_list = _component("list")
_wall = _component("wall")


def day_grid(data: dict[str, Any], *, key: str) -> dict[str, str] | None:
    """The day as a table; answers ``{"ground": id, "start": "HH:MM"}`` when a cell was pressed."""
    picked: dict[str, str] | None = _day_grid(key=key, data=data, on_pick_change=_nothing).pick
    return picked


def action_list(data: dict[str, Any], *, key: str) -> dict[str, Any] | None:
    """A list with buttons; answers ``{"action": name, "ids": [...]}`` when one was pressed."""
    acted: dict[str, Any] | None = _list(key=key, data=data, on_act_change=_nothing).act
    return acted


def wall(data: dict[str, Any], *, key: str) -> None:
    """The wall display over the whole window."""
    _wall(key=key, data=data)


def _nothing() -> None:
    """A callback's presence makes the trigger an attribute of the result."""
