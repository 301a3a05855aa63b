"""The dialogs of Book: the review of a booking, and the one that says it is booked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date as Date

import streamlit as st

from booking_core import Booking, Slot, Status
from pages.book import draft, joining, party
from pages.shared.auth import session
from pages.shared.components import elements
from pages.shared.live import fragment, screen_user
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads


def show(shared: Services, date: Date) -> bool:
    """Draws the dialog that is open, if any; returns whether one is. ``date``: the shown day."""
    if (booking := draft.done()) is not None:
        draft.end_review()
        title = "Ground booked" if booking.status is Status.APPROVED else "Booking requested"
        st.dialog(title, on_dismiss=draft.finish, icon=":material/check_circle:")(_booked)(shared)
        return True
    if draft.reviewing() is not None:
        _review(shared, date)
        return True
    return False


@st.dialog("Review booking", on_dismiss=draft.end_review)
def _review(shared: Services, date: Date) -> None:
    if draft.done() is not None or draft.is_joined():
        st.rerun()
    fragment.keep(shared, "book.review", lambda: _facts(shared), date)


def _facts(shared: Services) -> None:
    wanted = draft.request()
    if wanted is None:
        st.warning(party.missing())
        return
    known, now = shared.reference(), shared.now()
    board = shared.boards.get(wanted.date, now)
    draft.adopt_own_booking(board)
    if draft.done() is not None:
        st.rerun()
    gone = draft.lost(board)
    if (who := party.named(known, wanted)) is None:
        st.warning(party.GONE)
        return
    elements.facts(
        "book.review",
        ("Ground", known.ground(wanted.ground_id).name),
        ("When", formats.full_time(wanted, now.date())),
        ("Game", wanted.game),
        ("For", who),
        *([("Supervisor", party.supervisor(shared))] if wanted.supervisor_id else []),
        ("Purpose", wanted.purpose or "–"),
        ("Asked by", screen_user.actor().name),
    )
    problem = draft.problem()
    if gone is not None:
        offer(shared, *gone, "book.review")
        joining.part(shared, board, Slot(wanted.ground_id, wanted.date, wanted.start, wanted.end))
    if problem:
        st.error(formats.literal(problem), icon=":material/error:")
    elif gone is None:
        text = (
            "The slot is booked at once; nobody else decides."
            if draft.as_approved()
            else "The slot is held for you at once; the principal decides."
        )
        st.caption(text if shared.is_live else f"{text} Not live: the button comes back by itself.")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Back", key="book.back"):
            draft.end_review()
            st.rerun()
        st.button(
            "Book this slot" if draft.as_approved() else "Request this slot",
            key="book.confirm",
            type="primary",
            on_click=draft.confirm,
            args=(shared, session.actor),
            disabled=gone is not None or not shared.is_live,
        )


def _booked(shared: Services) -> None:
    screen_user.check(shared)
    booking = draft.done()
    if booking is None:
        return
    st.markdown(
        "The slot is booked; it waits for nobody."
        if booking.status is Status.APPROVED
        else "The slot is held and waiting for the principal's approval."
    )
    elements.facts(
        "book.done",
        ("Reference", booking.reference),
        ("Ground", payloads.slot_title(booking.slot, shared.reference().grounds)),
        ("When", formats.full_time(booking, shared.now().date())),
        ("Game", booking.game),
        ("For", booking.whom),
    )
    if st.button("OK", key="book.ok", type="primary", width="stretch"):
        draft.finish()
        st.switch_page("bookings/screen.py")


def offer(shared: Services, holder: Booking | None, free: Sequence[Slot], key: str) -> None:
    """Shows that ``holder`` (None: unknown) has the picked slot, and buttons for those ``free``."""
    slot = draft.picked()
    board = None if slot is None else shared.boards.get(slot.date, shared.now())
    refusal = None if board is None or slot is None else board.refusal(slot.start)
    if refusal is not None:
        st.error(formats.literal(messages.error(refusal)), icon=":material/event_busy:")
    elif draft.waits():
        st.info(formats.literal(messages.held(holder)), icon=":material/hourglass_empty:")
    elif holder is None and board is not None and slot is not None and board.line(slot):
        st.error(formats.literal(messages.held(None)), icon=":material/event_busy:")
    else:
        st.error(formats.literal(messages.taken(holder)), icon=":material/event_busy:")
    if slot is None or not free:
        return
    st.caption("Free instead:")
    for index, option in enumerate(free):
        st.button(
            formats.literal(payloads.alternative(option, slot, shared.reference().grounds)),
            key=f"{key}.alternative.{index}",
            on_click=draft.choose,
            args=(option,),
            width="stretch",
        )
