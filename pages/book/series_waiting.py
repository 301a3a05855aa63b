"""Waiting for the lost dates of a series, in its preview and once it is booked."""

from __future__ import annotations

from collections.abc import Iterable
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
from pages.book import draft, joining
from pages.shared.auth import session
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, waiting_texts

PROBLEM = "book.series.problem"  # a sentence about the last press in the dialog of the series
_ANY, _UNTIL = "book.series.wait_any", "book.series.wait_until"
_JOINED = "book.series.joined"  # slot -> the sentence about the user who waits for it


def choices(shared: Services, first: BookingRequest, lost: Iterable[Occurrence]) -> None:
    """Draws how the buttons below wait, if there are any: on which grounds, and until when."""
    if not any(_can_wait(shared, first, one) for one in lost):
        return
    is_alone = all(
        first.game not in ground.games or ground.id == first.ground_id
        for ground in shared.reference().open_grounds
    )
    with st.container(horizontal=True, gap="small"):
        if not is_alone:
            st.selectbox(
                "Wait for",
                [False, True],
                key=_ANY,
                persist_state="session",
                format_func=lambda is_any: joining.where(first.game, is_any=is_any),
            )
        st.selectbox("Wait until", list(joining.UNTIL), key=_UNTIL, persist_state="session")


def _can_wait(shared: Services, first: BookingRequest, lost: Occurrence) -> bool:
    policy = shared.reference().policy
    is_taken = isinstance(lost.problem, SlotTaken | GroundClosed)
    is_near = lost.date <= policy.last_date(shared.now(), shared.settings.zone)
    is_waiting = _slot(replace(first, date=lost.date)) in _joined()
    return bool(is_taken and is_near and policy.waiting_places and not is_waiting)


def button(shared: Services, first: BookingRequest, lost: Occurrence) -> None:
    """Draws the button to wait for a ``lost`` date of the series that begins with ``first``; none
    where nobody can wait for it, or the user does."""
    wanted = replace(first, date=lost.date)
    if not _can_wait(shared, first, lost):
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
    any_ground = bool(state.get(_ANY))
    not_after = joining.ends(_slot(wanted), shared.now()).get(str(state.get(_UNTIL)))
    try:
        with shared.change():
            entry = join_waiting_list(
                shared.db,
                wanted,
                by=session.actor(),
                any_ground=any_ground,
                not_after=not_after,
                entry_id=draft.entry_id(wanted, any_ground, not_after),
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
