"""Waiting for the lost dates of a series, in its preview and once it is booked."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from booking_core import (
    BookingError,
    BookingRequest,
    GroundClosed,
    Occurrence,
    Series,
    Slot,
    SlotTaken,
    join_waiting_list,
)
from pages.book import draft
from pages.shared.auth import session
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, waiting_texts

PROBLEM = "book.series.problem"  # a sentence about the last press in the dialog of the series
_JOINED = "book.series.joined"  # slot -> the sentence about the user who waits for it


def button(shared: Services, first: BookingRequest, lost: Occurrence) -> None:
    """Draws the button to wait for a ``lost`` date of the series that begins with ``first``; none
    where nobody can wait for it, or the user does."""
    policy = shared.reference().policy
    wanted = replace(first, date=lost.date)
    is_taken = isinstance(lost.problem, SlotTaken | GroundClosed)
    is_near = lost.date <= policy.last_date(shared.now(), shared.settings.zone)
    if not (is_taken and is_near and policy.waiting_places) or _slot(wanted) in _joined():
        return
    st.button(
        f"Wait for {formats.short_date(lost.date)}",
        key=f"book.series.wait.{lost.date.isoformat()}",
        icon=":material/hourglass_empty:",
        on_click=_wait,
        args=(shared, wanted),
        disabled=not shared.is_live,
        width="stretch",
    )


def _slot(wanted: BookingRequest) -> Slot:
    return Slot(wanted.ground_id, wanted.date, wanted.start, wanted.end)


def _joined() -> dict[Slot, str]:
    found: dict[Slot, str] = st.session_state.get(_JOINED, {})
    return found


def said() -> None:
    """Says for which dates the user waits."""
    for sentence in _joined().values():
        st.info(formats.literal(sentence), icon=":material/hourglass_empty:")


def _wait(shared: Services, wanted: BookingRequest) -> None:
    """Joins the waiting list of a lost date."""
    state = st.session_state
    state.pop(PROBLEM, None)
    try:
        with shared.change():
            entry = join_waiting_list(
                shared.db,
                wanted,
                by=session.actor(),
                entry_id=draft.entry_id(wanted, False, None),
            )
        board = shared.boards.get(wanted.date, shared.now())
    except BookingError as exc:
        state[PROBLEM] = messages.error(exc)
    else:
        sentence = waiting_texts.joined(board, entry, shared.reference())
        state[_JOINED] = {**_joined(), _slot(wanted): sentence}
        done: Series | None = state.get(draft.SERIES_DONE)
        if done is not None:
            left = tuple(one for one in done.refused if one.date != wanted.date)
            state[draft.SERIES_DONE] = replace(done, refused=left)
