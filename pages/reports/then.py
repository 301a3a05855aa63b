"""The board of a day as it was at a past moment, for those who may close grounds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date as Date
from datetime import datetime, time, timedelta

import streamlit as st

from booking_core import Actor, BookingError, day_board, may
from pages.shared.components import elements, fields
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads

# The day of the board; the date and the time of the moment.
_BOARD, _ON, _AT = "reports.board", "reports.then_on", "reports.then_at"
_EARLIEST = timedelta(days=3660)
_LATEST = timedelta(days=400)
_MINUTE = timedelta(minutes=1)


PARAMETERS = ("board", "at")


def show(shared: Services, by: Actor) -> dict[str, str]:
    """Draws the board that was chosen, or the button that asks for one.

    Returns the parameters of the address that restore it.
    """
    state = st.session_state
    if not may("close", by):
        return {}
    now = shared.now()
    if state.get(_BOARD) is None:
        st.button(
            "The board as it was…",
            key="reports.then.open",
            icon=":material/history:",
            type="tertiary",
            on_click=_open,
            args=(now,),
        )
        return {}
    with st.container(border=True, key="card_reports_then"):
        st.markdown("##### The board as it was")
        _fields(now)
        _draw(shared, by, now)
    at = datetime.combine(state[_ON], state[_AT] or time())
    return {"board": state[_BOARD].isoformat(), "at": f"{at:%Y-%m-%dT%H:%M}"}


def adopt(values: Mapping[str, str], now: datetime) -> None:
    """Shows the board of the address; none if its parameters name no day and no past moment."""
    state, today = st.session_state, now.date()
    state[_BOARD] = None
    try:
        board = Date.fromisoformat(values.get("board", ""))
        at = _moment_of(values.get("at", ""), now)
    except ValueError:
        return
    is_known = today - _EARLIEST <= board <= today + _LATEST
    if is_known and today - _EARLIEST <= at.date() and at.timestamp() <= now.timestamp():
        state[_BOARD], state[_ON], state[_AT] = board, at.date(), at.time()


def _moment_of(text: str, now: datetime) -> datetime:
    """The moment of a text such as ``2026-11-23T10:42``; raises ValueError."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is not None or at.second or at.microsecond:
        raise ValueError(text)
    return at.replace(tzinfo=now.tzinfo)


def _open(now: datetime) -> None:
    state = st.session_state
    state[_BOARD] = state[_ON] = now.date()
    state[_AT] = now.time().replace(second=0, microsecond=0, tzinfo=None)


def _close() -> None:
    st.session_state[_BOARD] = None


def _fields(now: datetime) -> None:
    today = now.date()
    with st.container(
        horizontal=True, vertical_alignment="bottom", gap="small", key="filters_reports_then"
    ):
        st.date_input(
            "Day of the board",
            format=formats.date_field(),
            width=160,
            **fields.dated(_BOARD, today - _EARLIEST, today + _LATEST),
        )
        st.date_input(
            "As it was on",
            format=formats.date_field(),
            width=160,
            **fields.dated(_ON, today - _EARLIEST, today),
        )
        st.time_input(
            "At", step=_MINUTE, format=formats.time_field(), width=140, **fields.typed(_AT)
        )
        st.button("Close", key="reports.then.close", on_click=_close, type="tertiary")


def _draw(shared: Services, by: Actor, now: datetime) -> None:
    state = st.session_state
    zone = shared.settings.zone
    when: datetime = datetime.combine(state[_ON], state[_AT] or time(), zone)
    # The minute that was chosen is a part of what is shown, as far as it has passed.
    moment = min(when + _MINUTE - timedelta(milliseconds=1), now)
    if when.timestamp() > now.timestamp():
        st.info("This moment is still to come. Choose one that has passed.")
        return
    try:
        board = day_board(shared.db, state[_BOARD], as_of=moment)
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)))
        return
    st.caption(
        f"As it was on {formats.full_date(when.date())} at {formats.clock(when.time())}, with what "
        "was done in that minute. Grounds and periods are those of that evening; names, "
        "settings and for whom a booking is are those of now."
    )
    elements.day_grid(payloads.grid_then(board), me=by.id, now=now, key="reports.then.grid")
