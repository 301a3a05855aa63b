"""The dialog that answers the questions about a request, the same on Bookings and at the bell."""

from __future__ import annotations

import streamlit as st

from booking_core import Actor, BookingError, answer, get_booking
from pages.shared.layout import confirmation
from pages.shared.live import screen_user
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads

_TEXT = "answering.text"


def show(shared: Services, booking_id: str) -> None:
    """Opens for ``booking_id``. The rights are checked when the user presses the button."""
    # Set and not removed: the browser would send the answer of the previous dialog again.
    st.session_state[_TEXT] = ""
    _dialog(shared, booking_id)


@st.dialog("Answer")
def _dialog(shared: Services, booking_id: str) -> None:
    screen_user.check(shared)  # the dialog shows names, which need a session
    try:
        booking = get_booking(shared.db, booking_id)
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)))
        return
    st.text(payloads.in_brief(booking, shared.reference().grounds, shared.now().date()))
    for one in booking.questions:
        st.caption(formats.literal(f"{one.by_name} asks:"))
        st.text(one.reason)
    if not booking.questions:
        st.info("No question about this request waits for an answer.")
        return
    text = st.text_input("Answer", key=_TEXT, persist_state="session", max_chars=500)
    st.caption("The answer stays in the history. The request then waits for a decision again.")

    def write(by: Actor) -> None:
        answer(shared.db, booking_id, text, by=by)
        st.toast("Answered.", icon=":material/check:")

    if confirmation.show(
        shared, ("Back", "answering.back"), ("Send answer", "answering.do"), write
    ):
        st.rerun()
