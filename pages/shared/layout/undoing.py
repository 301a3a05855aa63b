"""The bar that says what was just done to bookings, and offers for some seconds to undo it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import streamlit as st

from booking_core import UNDO_SECONDS, Booking, BookingError, undo_change
from pages.shared.auth import session
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages

_OFFER = "undo.offer"  # (id -> revision, what was done, the moment at which the offer ends)
_SAID = "undo.said"  # (sentence, icon) of the last undo, until it is shown


def offer(shared: Services, changed: Sequence[Booking], done: str) -> None:
    """Shows ``done`` from the next run on, and a button that undoes the changes of ``changed``."""
    until = shared.now() + timedelta(seconds=UNDO_SECONDS)
    # Of a set the first ground first: the others do not come back without it.
    in_order = sorted(changed, key=lambda booking: booking.set_place or 0)
    st.session_state[_OFFER] = ({one.id: one.revision for one in in_order}, done, until)


def show(shared: Services, ends: datetime) -> datetime:
    """Draws the bar while there is an offer; returns when it goes, ``ends`` if that is earlier."""
    state = st.session_state
    if (said := state.pop(_SAID, None)) is not None:
        sentence, icon = said
        st.toast(formats.literal(sentence), icon=icon)
    offered: tuple[dict[str, int], str, datetime] | None = state.get(_OFFER)
    if offered is None:
        return ends
    revisions, done, until = offered
    # By timestamps: within one zone, aware datetimes compare by the wall clock.
    if until.timestamp() <= shared.now().timestamp():
        del state[_OFFER]
        return ends
    with st.container(horizontal=True, vertical_alignment="center", key="bar_undo"):
        st.markdown(f":material/check: {formats.literal(done)}", width="content")
        st.button(
            "Undo",
            key="undo.do",
            on_click=_undo,
            args=(shared, revisions),
            disabled=not shared.is_live,
        )
    return min(ends, until, key=datetime.timestamp)


def _undo(shared: Services, revisions: dict[str, int]) -> None:
    """Undoes each change on its own; the toast names the first that cannot be undone."""
    st.session_state.pop(_OFFER, None)
    undone, problems = 0, []
    for id, revision in revisions.items():
        try:
            with shared.change():
                undo_change(shared.db, id, revision=revision, by=session.actor())
            undone += 1
        except BookingError as exc:
            problems.append(messages.error(exc))
    if problems:
        part = f"{undone} of {len(revisions)} undone. " if undone else ""
        st.session_state[_SAID] = (f"{part}Not undone: {problems[0]}", ":material/error:")
    else:
        count = "The booking is" if undone == 1 else f"{formats.number(undone)} bookings are"
        st.session_state[_SAID] = (f"{count} as before.", ":material/undo:")
