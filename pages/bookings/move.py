"""The dialog that moves a booking to another free slot on a ground that allows its game."""

from __future__ import annotations

import streamlit as st

from booking_core import Booking, BookingError, NotAPeriod, Slot, get_booking, keeps_approval, move
from booking_core.domain.timetable import periods_between
from booking_core.domain.validation import minutes
from pages.shared.auth import session
from pages.shared.components import choices
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads

_PREFIX = "bookings.move."
_PROBLEM, _DONE = f"{_PREFIX}problem", f"{_PREFIX}done"
_DATE = f"{_PREFIX}date"
_SHOWN = f"{_PREFIX}shown"  # the slot that the last run showed as chosen


def begin() -> None:
    """Removes the state of the previous dialog; to be called before this one opens."""
    for key in list(st.session_state):
        if str(key).startswith(_PREFIX):
            del st.session_state[key]


@st.dialog("Move this booking")
def dialog(shared: Services, booking_id: str) -> None:
    """Opens for ``booking_id``. The rights are checked when the user presses the button."""
    if done := st.session_state.pop(_DONE, None):
        st.toast(formats.literal(done), icon=":material/check:")
        st.rerun()
    session.actor()  # the dialog shows names, which need a session
    try:
        booking = get_booking(shared.db, booking_id)
        keeps = keeps_approval(shared.db, booking, by=session.actor())
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)))
        return
    st.markdown(messages.MOVES[keeps])
    st.text(payloads.in_brief(booking, shared.reference().grounds, shared.now().date()))
    slot = _choose(shared, booking)
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(formats.literal(problem), icon=":material/error:")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Leave it there", key=f"{_PREFIX}keep"):
            st.rerun()
        st.button(
            "Move booking",
            key=f"{_PREFIX}do",
            type="primary",
            on_click=_move,
            # The slot that this run shows, even if another one is preselected after the press.
            args=(shared, booking_id, slot),
            disabled=slot is None,
        )


def _move(shared: Services, booking_id: str, slot: Slot) -> None:
    try:
        with shared.change():
            move(
                shared.db,
                booking_id,
                ground_id=slot.ground_id,
                date=slot.date,
                start=slot.start,
                end=slot.end,
                by=session.actor(),
            )
    except BookingError as exc:
        st.session_state[_PROBLEM] = messages.error(exc)
    else:
        place = payloads.slot_title(slot, shared.reference().grounds)
        when = formats.when(slot, shared.now().date())
        st.session_state[_DONE] = f"Moved to {place}, {when}."


def _choose(shared: Services, booking: Booking) -> Slot | None:
    """The chosen slot; None if no slot is free."""
    known, now = shared.reference(), shared.now()
    last = known.policy.last_date(now, shared.settings.zone)
    st.session_state.setdefault(_DATE, min(max(booking.date, now.date()), last))
    if gone := choices.keep_date(_DATE, now.date(), last):
        st.info(messages.date_gone(gone, st.session_state[_DATE]), icon=":material/event_busy:")
    date = st.date_input(
        "Date", min_value=now.date(), max_value=last, format=formats.date_field(), key=_DATE
    )
    free = shared.boards.get(date, now).free_for_move(booking, _periods(shared, booking))
    if not free:
        st.caption(f"Nothing is free for {formats.literal(booking.game)} on this day. Try another.")
        return None
    grounds = list(dict.fromkeys(slot.ground_id for slot in free))
    left, right = st.columns(2)
    ground = left.selectbox(
        "Ground",
        grounds,
        index=grounds.index(booking.ground_id) if booking.ground_id in grounds else 0,
        key=f"{_PREFIX}ground.{date}",
        format_func=lambda i: known.grounds[i].name,
    )
    before: Slot | None = st.session_state.get(_SHOWN)
    if before is not None and before.date == date and before not in free:
        place = payloads.slot_title(before, known.grounds)
        lost = f"{place}, {formats.span(before.start, before.end)}, is not free any more."
        st.info(formats.literal(lost), icon=":material/event_busy:")
    slots = [slot for slot in free if slot.ground_id == ground]
    if not slots:  # booked since the last run; the next run offers other grounds
        return None
    nearest = min(slots, key=lambda slot: abs(minutes(slot.start) - minutes(booking.start)))
    chosen = st.session_state[_SHOWN] = right.selectbox(
        "Time",
        slots,
        index=slots.index(nearest),
        key=f"{_PREFIX}time.{date}.{ground}",
        format_func=lambda slot: formats.span(slot.start, slot.end),
    )
    return chosen


def _periods(shared: Services, booking: Booking) -> int:
    """The number of periods that ``booking`` covers; 1 if the timetable of its day has changed."""
    periods = shared.reference().plan(booking.date).periods
    try:
        return len(periods_between(periods, booking.start, booking.end))
    except NotAPeriod:
        return 1
