"""The dialog with the facts and the history of a booking, the same on every screen."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from booking_core import Booking, BookingError, find_series
from booking_core.live import Scope
from pages.shared.components import elements
from pages.shared.layout import book_again
from pages.shared.live import fragment
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads, series_texts


@st.dialog("Booking")
def dialog(
    shared: Services,
    booking_id: str,
    below: Callable[[], None] | None = None,
    *,
    again: bool = False,
) -> None:
    """Opens for ``booking_id``, and follows its changes while it is open.

    ``below`` draws what the calling screen adds. ``again``: with the button that leads to Book, for
    another screen than Book.
    """

    def draw() -> None:
        _draw(shared, booking_id, again)
        if below is not None:
            below()

    fragment.keep(shared, "booking_details", draw)


def _draw(shared: Services, booking_id: str, again: bool) -> None:
    try:
        booking = shared.booking(booking_id)
        series = _series_of(shared, booking)
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)))
        return
    zone = shared.settings.zone
    title = payloads.slot_title(booking.slot, shared.reference().grounds)
    st.markdown(f"#### {formats.literal(title)}")
    elements.facts(
        "booking_details",
        ("Reference", booking.reference),
        ("When", formats.full_time(booking, shared.now().date())),
        ("Game", booking.game),
        ("For", booking.whom),
        *([("Supervisor", booking.supervisor_name)] if booking.supervisor_name else []),
        ("Purpose", booking.purpose or "–"),
        *([("Together", series_texts.part_of(series))] if series else []),
        ("Status", messages.STATUS[booking.status]),
        ("Asked by", f"{booking.created_by_name}, {formats.moment(booking.created_at, zone)}"),
    )
    st.markdown("**History**")
    for line, label, text in payloads.history(booking, zone):
        st.text(line)
        if text:
            st.caption(label)
            st.text(text)
    if again:
        book_again.button(shared, booking)


def _series_of(shared: Services, booking: Booking) -> tuple[Booking, ...]:
    """All bookings of the series of ``booking``; none without a series."""
    if (id := booking.series) is None:
        return ()
    return shared.cached(Scope.BOOKINGS, ("series", id), lambda: find_series(shared.db, id))
