"""The dialog of Approvals that asks the author of a request a question."""

from __future__ import annotations

import streamlit as st

from booking_core import Actor, BookingError, ask, get_booking
from pages.shared.layout import confirmation
from pages.shared.live import screen_user
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads

_QUESTION = "approvals.question"


def show(shared: Services, booking_id: str) -> None:
    """Opens for ``booking_id``. The rights are checked when the user presses the button."""
    # Set and not removed: the browser would send the question of the previous dialog again.
    st.session_state[_QUESTION] = ""
    _dialog(shared, booking_id)


@st.dialog("Ask a question")
def _dialog(shared: Services, booking_id: str) -> None:
    screen_user.check(shared)  # the dialog shows names, which need a session
    try:
        booking = get_booking(shared.db, booking_id)
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)))
        return
    st.text(payloads.in_brief(booking, shared.reference().grounds, shared.now().date()))
    for one in booking.questions:
        st.caption(formats.literal(f"{one.by_name} has asked:"))
        st.text(one.reason)
    whom = booking.created_by_name
    question = st.text_input("Question", key=_QUESTION, persist_state="session", max_chars=500)
    st.caption(
        formats.literal(
            f"{whom} gets a notice. The slot is held, and the request can be decided meanwhile."
        )
    )

    def write(by: Actor) -> None:
        ask(shared.db, booking_id, question, by=by)
        st.toast(formats.literal(f"The request waits for {whom}."), icon=":material/check:")

    if confirmation.show(shared, ("Back", "approvals.back"), ("Ask", "approvals.ask"), write):
        st.rerun()
