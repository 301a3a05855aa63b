"""The dashboard's own components: day grid, list with actions, wall, live client, live line, user.

Each is a Streamlit component (v2). Its script writes text nodes only, never markup.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import streamlit as st

_MODES = ("push", "alone", "hidden")  # of the live client
ASSETS = Path(__file__).parent / "assets"


def _component(name: str, *, style: bool = True) -> Callable[..., Any]:
    def read(file: str) -> str:
        return (ASSETS / file).read_text(encoding="utf-8")

    return st.components.v2.component(
        name,
        css=read("tokens.css") + (read(f"{name}.css") if style else ""),
        js=read("common.js") + read(f"{name}.js"),
    )


_day_grid = _component("day_grid")
_school_grid = _component("school_grid")
_day_strip = _component("day_strip")
_list = _component("list")
_wall = _component("wall")
_live_client = _component("live_client", style=False)
_poll = _component("poll", style=False)
_live_line = _component("live_line")
_person = _component("person")
_draft = _component("draft", style=False)
_leave = _component("leave")
_unsaved = _component("unsaved", style=False)
_waiting = _component("waiting", style=False)


def day_grid(
    data: bytes,
    *,
    me: str,
    now: datetime,
    shows: str | None = None,
    key: str,
) -> dict[str, str] | None:
    """Draws a day or a week as a table, from the JSON of ``payloads.grid``, ``payloads.move_grid``
    or ``week_payloads.grid``.

    The bookings of the account ``me`` are outlined, and a line marks ``now``. A phone shows one
    column at a time, first the one with the id ``shows``.
    Returns ``{"ground": id, "date": "YYYY-MM-DD", "start": "HH:MM"}`` if a cell was pressed, free
    or not; else None. With the start "" if a day or a ground beside the table was pressed, and then
    with "" also for the ground or the date that the press does not name.
    """
    # Added to the bytes, which all sessions share.
    values = {"me": me, "now": int(now.timestamp() * 1000), "shows": shows}
    own = json.dumps(values).encode()
    data = data[:-1] + b"," + own[1:]
    _day_grid(key=key, data=data, on_pick_change=lambda: _keep(key, "pick", _is_cell))
    picked: dict[str, str] | None = st.session_state.pop(f"{key}.pick", None)
    return picked


def school_grid(data: bytes, *, key: str) -> dict[str, str] | None:
    """Draws all grounds on some days, from the JSON of ``school_payloads.grid``.

    Returns ``{"ground": id, "date": "YYYY-MM-DD", "start": ""}`` if a cell was pressed, else None.
    """
    _school_grid(key=key, data=data, on_pick_change=lambda: _keep(key, "pick", _is_cell))
    picked: dict[str, str] | None = st.session_state.pop(f"{key}.pick", None)
    return picked


def day_strip(data: bytes, *, chosen: str, key: str) -> str | None:
    """Draws a mark for each of some days, from the JSON of ``strip_payloads.strip``.

    ``chosen``: the day that the screen shows (ISO). Returns the day that was pressed (ISO), or
    None.
    """
    data = data[:-1] + b"," + json.dumps({"chosen": chosen}).encode()[1:]
    _day_strip(key=key, data=data, on_pick_change=lambda: _keep(key, "pick", _is_text))
    picked: str | None = st.session_state.pop(f"{key}.pick", None)
    return picked


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def action_list(data: dict[str, Any], *, key: str) -> dict[str, Any] | None:
    """Draws a list with buttons.

    Returns ``{"action": name, "ids": [...]}`` if a button was pressed, else None. A client can send
    any value: one that no button of this session's list sends is dropped.
    """
    state, sent_key = st.session_state, f"{key}.sent"
    sent, before = _sent_by(data), state.get(sent_key, [])
    # The window may still show the list before the last one.
    state[sent_key] = before if before[:1] == [sent] else [sent, *before[:1]]
    _list(
        key=key,
        data=data,
        on_act_change=lambda: _keep(key, "act", lambda act: _is_of(state[sent_key], act)),
    )
    return take_press(key)


def take_press(key: str) -> dict[str, Any] | None:
    """The press in the list ``key`` as ``action_list`` returns it, for a run without that list."""
    acted: dict[str, Any] | None = st.session_state.pop(f"{key}.act", None)
    return acted


def _keep(key: str, trigger: str, is_usable: Callable[[Any], bool]) -> None:
    """Stores a press until it is handled: another rerun may end the run that the press began."""
    value = st.session_state.get(key, {}).get(trigger)
    if is_usable(value):
        st.session_state[f"{key}.{trigger}"] = value


def _is_cell(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"ground", "date", "start"}
        and all(isinstance(part, str) for part in value.values())
    )


def _is_of(lists: Iterable[Mapping[str, set[str]]], value: Any) -> bool:
    match value:
        case {"action": str(action), "ids": [_, *_] as ids} if len(value) == 2:
            known = {id for sent in lists for id in sent.get(action, ())}
            texts = {id for id in ids if isinstance(id, str)}
            return len(texts) == len(ids) and texts <= known
    return False


def _sent_by(data: dict[str, Any]) -> dict[str, set[str]]:
    """Each action of a list -> the ids that its buttons send."""
    sent: dict[str, set[str]] = {}
    for row in data["rows"]:
        bulk = data["bulk"] if row.get("selectable") else ()
        for action in (*row["actions"], *bulk):
            sent.setdefault(action["name"], set()).add(row["id"])
    return sent


def wall(data: dict[str, Any], *, key: str) -> None:
    """Draws the wall display over the whole window."""
    _wall(key=key, data=data)


def live_client(data: dict[str, Any], *, key: str) -> str | None:
    """Connects to ``/live`` and reruns the fragment around it when a newer version exists.

    Returns the mode that the client has reported: ``push`` (connected), ``alone`` (not connected),
    ``hidden`` (the window is not visible), or None before its first report.
    """
    mode: str | None = st.session_state.get(key, {}).get("mode")
    if mode not in _MODES:
        mode = None
    _live_client(
        key=key, data=data | {"mode": mode}, on_mode_change=_nothing, on_rerun_change=_nothing
    )
    return mode


def poll(data: dict[str, Any], *, key: str) -> None:
    """Passes the version that a poll has read to the live client of the same ``date``."""
    _poll(key=key, data=data)


def live_line(data: dict[str, Any]) -> None:
    """Draws "Live · updated 10:12:07"; each heartbeat of the live client updates the line."""
    _live_line(key="live.line", data=data)


def person(data: dict[str, Any], *, on_new_session: Callable[[], None]) -> None:
    """Draws the signed-in user, with a sign-out form and a link to change the password.

    ``on_new_session`` is called if the window has had another ``data["session"]`` before.
    """
    _person(key="session.person", data=data, on_renewed_change=on_new_session)


def draft(
    account_id: str,
    values: Mapping[str, str],
    *,
    key: str,
    is_new: bool,
    on_restored: Callable[[dict[str, str]], None],
) -> None:
    """Keeps ``values`` in this tab of the browser; all empty: keeps nothing.

    ``is_new``: the session has no values yet. ``on_restored`` is then called with those that the
    same account has left in this tab, if any: texts under the names of ``values``, which a client
    can change at will.
    """

    def restore() -> None:
        given = st.session_state.get(key, {}).get("restored")
        if isinstance(given, dict):
            texts = {n: v for n, v in given.items() if n in values and isinstance(v, str)}
            on_restored(texts)

    _draft(
        key=key,
        data={"account": account_id, "values": dict(values), "isNew": is_new},
        on_restored_change=restore,
    )


def unsaved(differs: bool, *, key: str) -> None:
    """Has the browser ask before the form around it is left, while it ``differs`` from what is
    stored. To be drawn in every run of the form."""
    question = "Not saved. Leave, and lose what you changed?"
    # New data in every run: the browser takes what is typed since the last one for a difference.
    _unsaved(key=key, data={"differs": differs, "question": question, "run": uuid4().hex})


def leave(data: dict[str, Any]) -> None:
    """Redirects the window to ``data["to"]``, with the present address as ``next``."""
    _leave(key="session.leave", data=data)


def waiting(data: dict[str, Any], *, key: str) -> None:
    """Marks the link to Approvals in the navigation with ``data["number"]``, and the bell with
    ``data["notices"]``; "" for no mark.

    Reruns the fragment around it when a version other than ``data["version"]`` exists.
    """
    _waiting(key=key, data=data, on_changed_change=_nothing)


def facts(key: str, *pairs: tuple[str, str]) -> None:
    """Draws pairs of a name and a value in a frame; the values are not parsed as markdown."""
    with st.container(border=True, key=f"facts_{key}", gap="xsmall"):
        for name, value in pairs:
            left, right = st.columns([2, 5])
            left.caption(name)
            right.text(value)


def _nothing() -> None:
    """Does nothing; a component has only the states and triggers that get a callback."""
