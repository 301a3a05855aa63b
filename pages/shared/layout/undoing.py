"""The bar that names the last change of the user, and has a button that undoes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import streamlit as st

from booking_core import (
    UNDO_SECONDS,
    Booking,
    BookingError,
    undo_change,
    undo_closing,
    waiting_ahead,
)
from pages.shared.auth import session
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages

# A tuple: the revisions by booking id, the id of the closing or "", the sentence of the bar, and
# the moment at which the bar goes.
_OFFER = "undo.offer"
_SAID = "undo.said"  # (sentence, icon) of the last undo, until it is shown


def is_waited_for(shared: Services, bookings: Sequence[Booking]) -> bool:
    """Whether an entry of the waiting list gets the slot of one of ``bookings`` once that ends."""
    days = {entry.request.date for entry in waiting_ahead(shared.db)}  # of others no board is read
    return any(
        shared.boards.get(one.date, shared.now()).next_after(one) is not None
        for one in bookings
        if one.date in days
    )


def offer(shared: Services, changed: Sequence[Booking], done: str, *, closing_id: str = "") -> None:
    """Shows ``done`` from the next run on, and a button that undoes the changes of ``changed``.

    ``closing_id``: it undoes that closing, which made all these changes.
    """
    until = shared.now() + timedelta(seconds=UNDO_SECONDS)
    # Of a set the first ground first: the others do not come back without it.
    in_order = sorted(changed, key=lambda booking: booking.set_place or 0)
    revisions = {one.id: one.revision for one in in_order}
    st.session_state[_OFFER] = (revisions, closing_id, done, until)


def withdraw() -> None:
    """Removes the offer of an earlier change, where the last one cannot be undone."""
    st.session_state.pop(_OFFER, None)


def show(shared: Services, ends: datetime | None) -> datetime | None:
    """Draws the bar while there is an offer; returns when it goes, ``ends`` if that is earlier."""
    state = st.session_state
    if (said := state.pop(_SAID, None)) is not None:
        sentence, icon = said
        st.toast(formats.literal(sentence), icon=icon)
    offered: tuple[dict[str, int], str, str, datetime] | None = state.get(_OFFER)
    if offered is None:
        return ends
    revisions, closing_id, done, until = offered
    # By timestamps: within one zone, aware datetimes compare by the wall clock.
    if until.timestamp() <= shared.now().timestamp():
        del state[_OFFER]
        return ends
    with st.container(horizontal=True, vertical_alignment="center", key="bar_undo"):
        st.markdown(f":material/check: {formats.literal(done)}", width="content")
        st.button(
            "Undo",
            key="undo.do",
            on_click=_undo_closing if closing_id else _undo,
            args=(shared, revisions, closing_id) if closing_id else (shared, revisions),
            disabled=not shared.is_live,
        )
    return min(filter(None, (ends, until)), key=datetime.timestamp)


def _undo(shared: Services, revisions: dict[str, int]) -> None:
    """Undoes each change on its own; the toast names the first that cannot be undone."""
    st.session_state.pop(_OFFER, None)
    undone, problems = 0, []
    with shared.change():  # once: it waits for the change, and each date has 60 s in all
        for id, revision in revisions.items():
            try:
                undo_change(shared.db, id, revision=revision, by=session.actor())
                undone += 1
            except BookingError as exc:
                problems.append(messages.error(exc))
    if problems:
        part = f"{undone} of {len(revisions)} undone. " if undone else ""
        st.session_state[_SAID] = (f"{part}Not undone: {problems[0]}", ":material/error:")
    else:
        st.session_state[_SAID] = (_as_before(undone), ":material/undo:")


def _undo_closing(shared: Services, revisions: dict[str, int], closing_id: str) -> None:
    st.session_state.pop(_OFFER, None)
    try:
        with shared.change():
            back = undo_closing(shared.db, closing_id, revisions=revisions, by=session.actor())
    except BookingError as exc:
        said = (f"Not undone: {messages.error(exc)}", ":material/error:")
    else:
        what = f" {_as_before(len(back))}" if back else ""
        said = (f"The closing is undone.{what}", ":material/undo:")
    st.session_state[_SAID] = said


def _as_before(count: int) -> str:
    what = "The booking is" if count == 1 else f"{formats.number(count)} bookings are"
    return f"{what} as before."
