"""The button that opens Book filled as a booking, on the next date on which its time is free."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from booking_core import Booking, Party, Slot, people_of
from pages.shared.live.runtime import Services

AGAIN = "again.booking"  # (the booking to fill the form with, whether a date is free)


def button(shared: Services, booking: Booking) -> None:
    """Draws the button; a press leads to Book. None is drawn once its student is erased."""
    if booking.party is Party.STUDENTS and not booking.students:
        return
    if not st.button("Book again…", key="book_again", disabled=not shared.is_live):
        return
    slot = _next_free(shared, booking)
    st.session_state[AGAIN] = booking, slot is not None
    address = {"ground": booking.ground_id}
    if slot is not None:
        address |= {
            "date": slot.date.isoformat(),
            "from": f"{slot.start:%H:%M}",
            "to": f"{slot.end:%H:%M}",
        }
    st.switch_page("book/screen.py", query_params=address)


def _next_free(shared: Services, booking: Booking) -> Slot | None:
    """Its ground and time on the next date after its own on which they and its people are free."""
    now, policy = shared.now(), shared.reference().policy
    last = policy.last_date(now, shared.settings.zone)
    date = max(now.date(), booking.date + timedelta(days=1))
    while date <= last:
        board = shared.boards.get(date, now)
        slot = Slot(booking.ground_id, date, booking.start, booking.end)
        in_use = any(ground.id == slot.ground_id for ground in board.grounds)
        is_free = (
            in_use
            and board.plan.of(slot.ground_id).fits(slot.start, slot.end)
            and board.is_free(slot)
        )
        if is_free and board.busy(people_of(booking), slot) is None:
            return slot
        date += timedelta(days=1)
    return None
