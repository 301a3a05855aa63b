"""The dialog that cancels a booking, and of a series also the dates that follow, or all to come."""

from __future__ import annotations

import streamlit as st

from booking_core import (
    Actor,
    Booking,
    BookingError,
    cancel,
    cancel_series,
    get_booking,
    series_ahead,
)
from pages.shared.layout import confirmation, undoing
from pages.shared.live import screen_user
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads, series_texts

ONE, FOLLOWING, ALL = "Only this one", "This and the following", "All to come"
_WHICH, _SEEN = "bookings.cancel_which", "bookings.cancel_seen"
_Dates = tuple[Booking, ...]


def show(shared: Services, booking_id: str) -> None:
    """Opens for ``booking_id``. The rights are checked when the user presses the button."""
    # Set and not removed: the browser would send the choice of the previous dialog again.
    st.session_state[_WHICH], st.session_state[_SEEN] = ONE, {}
    try:
        offered = offered_for(shared, get_booking(shared.db, booking_id))
    except BookingError:
        offered = {}  # the dialog says it
    title = "Cancel this booking?"
    if len(offered) > 1:
        of_set = series_texts.is_set(offered[ONE])
        title = "Cancel which grounds?" if of_set else "Cancel which dates?"
    st.dialog(title)(_draw)(shared, booking_id)


def _draw(shared: Services, booking_id: str) -> None:
    screen_user.check(shared)  # the dialog shows names, which need a session
    try:
        booking = get_booking(shared.db, booking_id)
        offered = offered_for(shared, booking)
        which = _choice(offered)
        dates = offered[which]
        waits = undoing.is_waited_for(shared, dates)
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)))
        return
    # A press refers to the dates of the previous run; this run may have read others.
    seen = st.session_state[_SEEN]
    st.session_state[_SEEN] = {
        choice: {one.id: one.slot for one in offered[choice]} for choice in offered
    }
    is_one = len(dates) == 1
    st.markdown(_consequence(is_one, waits))
    grounds = shared.reference().grounds
    st.text(
        payloads.in_brief(booking, grounds, shared.now().date())
        if is_one
        else series_texts.in_brief(dates, grounds)
    )
    reason = st.text_input("Reason (optional)", key="bookings.reason", max_chars=500)

    def write(by: Actor) -> None:
        if which == ONE:
            cancelled: _Dates = (cancel(shared.db, booking_id, by=by, reason=reason),)
        else:
            first = booking.date if which == FOLLOWING else None
            cancelled = cancel_series(
                shared.db,
                str(booking.series),
                by=by,
                from_date=first,
                reason=reason,
                expected=seen.get(which, {}),
            )
        said = _done(len(cancelled), waits)
        if waits:  # who waits has the slot in a moment: there is nothing to undo
            st.toast(said, icon=":material/check:")
        else:
            undoing.offer(shared, cancelled, said)

    if confirmation.show(
        shared,
        ("Keep it" if is_one else "Keep them", "bookings.keep"),
        ("Cancel booking" if is_one else f"Cancel {len(dates)} bookings", "danger_bookings.cancel"),
        write,
    ):
        st.rerun()


def offered_for(shared: Services, booking: Booking) -> dict[str, _Dates]:
    """Each choice with the bookings to come that it names, in the order of the choices."""
    offered: dict[str, _Dates] = {ONE: (booking,)}
    if booking.series is None:
        return offered
    following = series_ahead(shared.db, booking.series, from_date=booking.date)
    every = series_ahead(shared.db, booking.series)
    if booking.set_place is not None:
        return offered | ({ALL: every} if len(every) > 1 else {})
    is_ahead = any(other.id == booking.id for other in following)
    if is_ahead and len(following) > 1:
        offered[FOLLOWING] = following
    if is_ahead and len(every) > len(following):
        offered[ALL] = every
    return offered


def _choice(offered: dict[str, _Dates]) -> str:
    """Draws the choice, if there is one; returns it."""
    if st.session_state.get(_WHICH) not in offered:
        st.session_state[_WHICH] = ONE  # its dates are gone meanwhile
    if len(offered) == 1:
        return ONE
    which: str = st.radio(
        "What to cancel",
        list(offered),
        key=_WHICH,
        persist_state="session",
        format_func=lambda one: _label(one, offered[one]),
    )
    return which


def _label(which: str, dates: _Dates) -> str:
    if series_texts.is_set(dates):
        number = series_texts.number_of(dates)
        return "Only this ground" if which == ONE else f"All of them, {number}"
    return which if which == ONE else f"{which}, {series_texts.number_of(dates)}"


def _consequence(is_one: bool, waits: bool) -> str:
    stays = "The booking stays" if is_one else "The bookings stay"
    what = "The slot is" if is_one else "The slots are"
    free = "free at once, first for who waits" if waits else "free for others at once"
    return f"{what} {free}. {stays} on record as cancelled."


def _done(count: int, waits: bool) -> str:
    said = "Booking cancelled." if count == 1 else f"{count} bookings cancelled."
    first = ", first for who waits" if waits else ""
    return f"{said} {'The slot is' if count == 1 else 'Their slots are'} free{first}."
