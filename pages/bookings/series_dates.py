"""What the dialogs that change dates of a series share: the choice of dates, and their list."""

from __future__ import annotations

import streamlit as st

from booking_core import Booking, SeriesChange
from booking_core.live import Scope
from pages.bookings.cancelling import ONE, offered_for
from pages.shared.live.runtime import Services
from pages.shared.text import formats, series_texts

_MANY = 7  # dates: more of them scroll


def choice(shared: Services, booking: Booking, label: str, key: str) -> str:
    """Draws the choice of dates for a booking of a series; returns it."""
    if booking.series is None or booking.set_place is not None:
        return ONE
    offered = shared.cached(
        Scope.BOOKINGS,
        ("to change", booking.id, shared.mark()),
        lambda: list(offered_for(shared, booking)),
    )
    if st.session_state.get(key) not in offered:
        st.session_state[key] = ONE  # its dates are gone meanwhile
    if len(offered) == 1:
        return ONE
    return str(st.radio(label, offered, key=key, persist_state="session", horizontal=True))


def draw(shared: Services, plan: SeriesChange, how: str, key: str) -> None:
    """Draws the dates of ``plan``, and those that stay, each ``how`` by itself."""
    st.markdown(f"**{series_texts.free_of(plan.dates)}**")
    lines = series_texts.date_lines(plan.dates, shared.reference().grounds)
    if len(plan.dates) > _MANY:
        with st.container(height=260, key=key):
            st.markdown(lines)
    else:
        st.markdown(lines)
    if plan.apart:
        days = formats.listed([formats.short_date(booking.date) for booking in plan.apart])
        stay = "stays as it is: it was" if len(plan.apart) == 1 else "stay as they are: each was"
        st.caption(formats.literal(f"{days} {stay} {how} by itself."))
