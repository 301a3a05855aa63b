"""The fields that choose another slot for a booking: the date, and a free slot of that date."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from booking_core import Booking, BookingError, Slot, slots_for
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads


def draw(
    shared: Services, booking: Booking, proposed: Slot | None, held: Iterable[Slot], key: str
) -> Slot | None:
    """Draws the fields, which begin with ``proposed``; the chosen slot, None without one.

    Slots that overlap one of ``held`` are not offered.
    """
    known, today = shared.reference(), shared.now().date()
    left, right = st.columns([1, 2])
    last = max(known.policy.last_date(shared.now(), shared.settings.zone), today)
    date = left.date_input(
        "Date",
        value=min(max(proposed.date if proposed else booking.date, today), last),
        min_value=today,
        max_value=last,
        format=formats.date_field(),
        key=f"{key}.date",
    )
    try:
        options = slots_for(shared.db, booking.id, date, held=held)
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)))
        options = []
    slot: Slot | None = right.selectbox(
        "Free slot",
        options,
        index=options.index(proposed) if proposed in options else None,
        format_func=lambda s: (
            f"{payloads.slot_title(s, known.grounds)}, {formats.span(s.start, s.end)}"
        ),
        key=f"{key}.slot.{date.isoformat()}",
        placeholder="Choose a slot" if options else "Nothing is free that day",
        disabled=not options,
    )
    return slot
