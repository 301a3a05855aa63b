"""The dialog of a cell that cannot be booked. It names the holder, the closure or the rule."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from booking_core import Booking, Slot
from pages.book import joining
from pages.shared.components import elements
from pages.shared.layout import booking_details, replacing
from pages.shared.live import fragment
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads

_LOOKED = "book.looked"


def look(slot: Slot) -> None:
    """Opens the dialog for ``slot`` in the next run."""
    st.session_state[_LOOKED] = slot


def show(shared: Services) -> None:
    """Draws the dialog if a cell was pressed for it."""
    slot: Slot | None = st.session_state.pop(_LOOKED, None)
    if slot is None:
        return
    holder = shared.boards.get(slot.date, shared.now()).holder(slot)
    if holder is not None and holder.kind == "booking":
        booking_details.dialog(shared, holder.id, below=lambda: _below(shared, holder.id, slot))
        return
    grounds = shared.reference().grounds
    title = f"{payloads.slot_title(slot, grounds)}, {formats.when(slot, shared.now().date())}"
    st.dialog(title)(fragment.keep)(shared, "book.taken", lambda: _body(shared, slot), slot.date)


def _below(shared: Services, booking_id: str, slot: Slot) -> None:
    replacing.button(shared, booking_id)
    joining.below(shared, slot)


def _body(shared: Services, slot: Slot) -> datetime | None:
    board = shared.boards.get(slot.date, shared.now())
    try:
        cell = board.cell(slot.ground_id, slot.start)
    except KeyError:
        st.info("The timetable or the grounds changed: this slot is gone.")
        return None
    refusal = board.refusal(slot.start)
    if cell.booking is not None and cell.booking.kind == "closure":
        _closure(shared, cell.booking)
    elif cell.booking is not None:
        st.info(formats.literal(messages.taken(cell.booking)))
    elif refusal is not None:
        st.markdown(formats.literal(messages.error(refusal)))
    elif not board.is_free(slot):
        st.info(formats.literal(messages.held(None)))
    else:
        st.info("This slot is free again: close this and press it.", icon=":material/check:")
    if board.holder(slot) is not None or board.line(slot):
        joining.below(shared, slot)
    return board.turns_at()


def _closure(shared: Services, closure: Booking) -> None:
    elements.facts(
        "book.taken",
        ("Status", "Closed"),
        ("Reason", closure.purpose or "–"),
        ("When", formats.full_time(closure, shared.now().date())),
        ("Closed by", closure.created_by_name),
    )
