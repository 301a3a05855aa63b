"""The dialog that changes for whom a booking is, and of a series the dates that follow, or all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date as Date

import streamlit as st

from booking_core import (
    Booking,
    BookingError,
    PartyFields,
    Slot,
    Status,
    change_party,
    change_series_party,
    keeps_approval,
    may,
    plan_series_party,
)
from pages.bookings import series_dates
from pages.bookings.cancelling import FOLLOWING, ONE
from pages.shared.auth import session
from pages.shared.components import fields
from pages.shared.components.party_box import values_of
from pages.shared.layout import people_fields
from pages.shared.live import fragment, screen_user
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads, series_texts

_PREFIX = "bookings.whom."
_ASKED = f"{_PREFIX}asked"  # the id of the booking whose dialog opens in the next run
_DONE, _PROBLEM = f"{_PREFIX}done", f"{_PREFIX}problem"
_WHICH, _REASON = f"{_PREFIX}which", f"{_PREFIX}reason"
_PARTY, _MORE = f"{_PREFIX}party", f"{_PREFIX}more"
_SUPERVISOR = f"{_PREFIX}supervisor"
_LONGEST = 500  # characters of a reason


def button(shared: Services, booking_id: str) -> None:
    """Draws the button that opens the dialog, below the facts of a booking that can be changed."""
    try:
        booking = shared.booking(booking_id)
    except BookingError:
        return  # the dialog above says it
    is_over = booking.slot.has_begun(shared.now(), shared.settings.zone)
    if not booking.status.is_active or is_over or booking.set_place is not None:
        return
    if not may("change party", screen_user.actor(), booking):
        return
    if st.button(
        "For whom…",
        key=f"{_PREFIX}open",
        icon=":material/group:",
        width="stretch",
        help="Change the student, class or team, or the supervisor",
        disabled=not shared.is_live,
    ):
        _begin(booking)
        st.rerun()


def show(shared: Services) -> bool:
    """Opens the dialog that was asked for; False for none."""
    booking_id: str | None = st.session_state.pop(_ASKED, None)
    if booking_id is not None:
        _dialog(shared, booking_id)
    return booking_id is not None


def _begin(booking: Booking) -> None:
    state = st.session_state
    fields.clear(_PREFIX)
    # Set and not removed: the browser would send the choices of the previous dialog again.
    first, *more = values_of(booking)
    state[_PARTY], state[_MORE], state[_SUPERVISOR] = first, more, booking.supervisor_id
    state[_WHICH], state[_REASON], state[_ASKED] = ONE, "", booking.id


@st.dialog("For whom is this booking?")
def _dialog(shared: Services, booking_id: str) -> None:
    if (done := st.session_state.pop(_DONE, None)) is not None:
        st.toast(formats.literal(done), icon=":material/check:")
        st.rerun()
    session.actor()  # the dialog shows names, which need a session
    fragment.keep(shared, f"{_PREFIX}part", lambda: _body(shared, booking_id))


def _body(shared: Services, booking_id: str) -> None:
    try:
        booking = shared.booking(booking_id)
        which = series_dates.choice(shared, booking, "What to change", _WHICH)
    except BookingError as exc:
        st.info(formats.literal(messages.error(exc)), icon=":material/block:")
        return
    st.text(payloads.in_brief(booking, shared.reference().grounds, shared.now().date()))
    people = people_fields.of_booking(shared, _PREFIX)
    st.text_input("Reason (optional)", key=_REASON, persist_state="session", max_chars=_LONGEST)
    label, shown, can = "Change booking", None, people is not None
    if people is None:
        st.caption("Choose a student, a class or a team to go on.")
    elif which == ONE:
        keeps = keeps_approval(shared.db, booking, by=screen_user.actor())
        st.caption(messages.PARTY_CHANGES[keeps])
    else:
        label, shown, can = _dates(shared, booking, which, people)
    with st.container(key=f"foot_{_PREFIX}foot", gap="small"):
        if problem := st.session_state.get(_PROBLEM):
            st.error(formats.literal(problem), icon=":material/error:")
        with st.container(horizontal=True, horizontal_alignment="right"):
            if st.button("Leave it", key=f"{_PREFIX}keep"):
                st.rerun()
            st.button(
                label,
                key=f"{_PREFIX}do",
                type="primary",
                on_click=_change,
                # What this run shows, even if it changes before the press.
                args=(shared, booking, which, people, shown),
                disabled=not can or not shared.is_live,
            )


def _dates(
    shared: Services, booking: Booking, which: str, people: PartyFields
) -> tuple[str, dict[str, Slot], bool]:
    """Draws the dates of the series; the label of the button, the dates, and whether all can."""
    by, now = screen_user.actor(), shared.mark()
    try:
        plan = plan_series_party(
            shared.db,
            str(booking.series),
            from_date=_first(booking, which),
            by=by,
            now=now,
            **people,
        )
        approved = next((one for one in plan.bookings if one.status is Status.APPROVED), None)
        keeps = approved is None or keeps_approval(shared.db, approved, by=by)
    except BookingError as exc:
        st.info(formats.literal(messages.error(exc)), icon=":material/block:")
        return "Change booking", {}, False
    st.caption(messages.PARTY_CHANGES_OF_SERIES[keeps])
    series_dates.draw(shared, plan, "changed", f"{_PREFIX}dates")
    label = f"Change {series_texts.count(len(plan.bookings))}"
    return label, {one.id: one.slot for one in plan.bookings}, not plan.problems


def _first(booking: Booking, which: str) -> Date | None:
    return booking.date if which == FOLLOWING else None


def _change(
    shared: Services,
    booking: Booking,
    which: str,
    people: PartyFields,
    shown: Mapping[str, Slot] | None,
) -> None:
    st.session_state.pop(_PROBLEM, None)
    by, reason = session.actor(), st.session_state.get(_REASON) or ""
    try:
        with shared.change():
            if which == ONE:
                one = change_party(shared.db, booking.id, reason=reason, by=by, **people)
                done = f"The booking is for {one.whom} now."
            else:
                dates = change_series_party(
                    shared.db,
                    str(booking.series),
                    from_date=_first(booking, which),
                    reason=reason,
                    expected=shown,
                    by=by,
                    **people,
                )
                are = "is" if len(dates) == 1 else "are"
                done = f"{series_texts.count(len(dates))} {are} for {dates[0].whom} now."
    except BookingError as exc:
        st.session_state[_PROBLEM] = messages.error(exc)
    else:
        st.session_state[_DONE] = done
