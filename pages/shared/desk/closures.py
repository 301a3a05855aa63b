"""The desk's section for closures: what is closed, closing more, lifting, reinstating."""

import streamlit as st

from booking_core import (
    Booking,
    BookingError,
    Closure,
    Ground,
    find_closures,
    lift_closure,
    reinstatable,
    reinstate,
)
from booking_core.timetable import at
from pages.shared import elements, live, session, views, words
from pages.shared.desk import closing
from pages.shared.services import Services

state = st.session_state
_LIFT = "admin.closures.lift"  # the closure whose dialog is to open
_LIFTED = "admin.closures.lifted"  # ids of what a lifted closure had displaced and may come back
_OFFER = "admin.closures.offer"  # whether the dialog that offers them is to open
_LINES = "admin.closures.lines"  # what of it could not be reinstated, and why
_DONE = "admin.closures.done"  # a sentence for the toast
_FAILED = "admin.closures.failed"


def show(shared: Services) -> None:
    """Draws the section."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            "Nobody can book a closed ground. The wall display and the Book screen show the reason."
        )
        if st.button("Close grounds…", key="admin.closures.new", type="primary"):
            closing.begin()
    live.fragment(shared, "admin.closures", lambda: _listing(shared))
    if done := state.pop(_DONE, None) or closing.done():
        st.toast(done, icon=":material/check:")
    if state.pop(_OFFER, False):
        _offer(shared)
    elif closing.is_open():
        closing.dialog(shared)
    elif closure := state.pop(_LIFT, None):
        state.pop(_FAILED, None)
        _lift(shared, closure)


def _listing(shared: Services) -> None:
    now = shared.now()
    known = shared.reference()
    _left_over(shared)
    found = shared.cached(
        ("closures", now.date()), lambda: find_closures(shared.db, from_date=now.date())
    )
    ahead = [c for c in found if at(c.last, c.end, shared.settings.zone, closing=True) > now]
    if not ahead:
        with st.container(border=True, key="card_closures_empty"):
            st.markdown("##### Nothing is closed")
            st.caption(
                "Rain, repairs, exams: “Close grounds…” above shows first what is displaced."
            )
        return
    acted = elements.action_list(
        {
            "caption": "Closures, running and upcoming",
            "kind": "brief",
            "columns": ["When", "Grounds", "Reason", "Closed by"],
            "rows": [_row(c, known.grounds, shared) for c in ahead],
            "bulk": [],
            "live": shared.is_live,
        },
        key="admin.closures.list",
    )
    if acted is not None:
        chosen = next((c for c in ahead if c.id in acted["ids"]), None)
        if chosen is not None:
            state[_LIFT] = chosen
            st.rerun()


def _row(closure: Closure, grounds: dict[str, Ground], shared: Services) -> dict:
    now = shared.now()
    days = views.days(closure.first, closure.last, now.date())
    running = (
        closure.first == now.date()
        and at(closure.first, closure.start, shared.settings.zone) <= now
    )
    names = views.ground_names(closure.ground_ids, grounds)
    return {
        "id": closure.id,
        "about": f"{names}, {days}",
        "selectable": False,
        "cells": [
            [days, words.stretch(closure.start, closure.end)],
            [names, ""],
            [closure.reason, "Closed now" if running else "", "urgent" if running else ""],
            [closure.by_name, words.said_at(closure.at, now, shared.settings.zone)],
        ],
        "actions": [
            {"name": "lift", "label": "Lift…", "tone": "", "about": f"Lift: {names}, {days}"}
        ],
    }


def _left_over(shared: Services) -> None:
    """What a closing that was lifted a moment ago displaced, while the offer is not answered."""
    ids = state.get(_LIFTED)
    if not ids:
        return
    free = shared.cached(("reinstatable", tuple(ids)), lambda: reinstatable(shared.db, ids))
    if not free:
        return
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", key="card_closures_offer"
    ):
        st.markdown(f"**{_bookings(len(free))}** of the lifted closure can be reinstated.")
        if st.button("Reinstate…", key="admin.closures.again"):
            state[_OFFER] = True
            st.rerun()
        if st.button("Leave revoked", key="admin.closures.leave", type="tertiary"):
            state.pop(_LIFTED)
            st.rerun()


@st.dialog("Lift this closure?")
def _lift(shared: Services, closure: Closure) -> None:
    if _DONE in state:
        st.rerun()
    today = shared.now().date()
    st.markdown(
        "The grounds can be booked again at once. What the closure displaced stays revoked until "
        "you reinstate it: the next step offers those bookings whose slot is still free."
    )
    elements.facts(
        "admin.closures.lift",
        ("Grounds", views.ground_names(closure.ground_ids, shared.reference().grounds)),
        (
            "When",
            f"{views.days(closure.first, closure.last, today)}, "
            f"{words.stretch(closure.start, closure.end)}",
        ),
        ("Reason", closure.reason),
        ("Closed by", closure.by_name),
    )
    if failed := state.pop(_FAILED, None):
        st.error(words.literal(failed))
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep closed", key="admin.closures.keep"):
            st.rerun()
        st.button(
            "Lift closure",
            key="admin.closures.do_lift",
            type="primary",
            on_click=_do_lift,
            args=(shared, closure),
        )


def _do_lift(shared: Services, closure: Closure) -> None:
    try:
        with shared.change():
            lifted = lift_closure(shared.db, closure.id, by=session.actor())
    except BookingError as exc:
        state[_FAILED] = words.error(exc)
        return
    state[_DONE] = "Closure lifted. The grounds can be booked again."
    state.pop(_LINES, None)
    state[_LIFTED] = [b.id for b in lifted.reinstatable]
    state[_OFFER] = bool(lifted.reinstatable)


@st.dialog("Reinstate what was displaced?", width="large")
def _offer(shared: Services) -> None:
    if _DONE in state:
        st.rerun()
    ids = state.get(_LIFTED) or []
    free = reinstatable(shared.db, ids) if ids else []
    for line in state.get(_LINES, ()):
        st.warning(words.literal(line), icon=":material/group:")
    if not free:
        st.markdown("No displaced booking has its slot free any more.")
        if st.button("Close", key="admin.closures.none"):
            state.pop(_LIFTED, None)
            st.rerun()
        return
    st.markdown(
        "These slots are still free. A reinstated booking has the status it had before, and "
        "whoever booked is told."
    )
    with st.container(border=True, height=320 if len(free) > 6 else "content"):
        chosen = [
            b.id
            for b in free
            if st.checkbox(
                words.literal(_about(b, shared)), value=True, key=f"admin.reinstate.{b.id}"
            )
        ]
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Leave all revoked", key="admin.closures.leave_all"):
            state.pop(_LIFTED, None)
            st.rerun()
        st.button(
            f"Reinstate {_bookings(len(chosen))}",
            key="admin.closures.reinstate",
            type="primary",
            disabled=not chosen,
            on_click=_reinstate,
            args=(shared, chosen, {b.id: _about(b, shared) for b in free}),
        )


def _reinstate(shared: Services, ids: list[str], about: dict[str, str]) -> None:
    """Each on its own: one that was lost meanwhile does not stop the others."""
    lines = []
    done = 0
    by = session.actor()
    for booking_id in ids:
        try:
            with shared.change():
                reinstate(shared.db, booking_id, by=by)
            done += 1
        except BookingError as exc:
            lines.append(f"{about[booking_id]}: {words.error(exc)}")
    state[_LINES] = lines
    if lines:
        state[_LIFTED] = [id for id in about if id not in ids]
    else:
        state.pop(_LIFTED, None)
        state[_DONE] = f"{_bookings(done)} reinstated."


def _about(booking: Booking, shared: Services) -> str:
    today = shared.now().date()
    place = views.slot_title(booking.slot, shared.reference().grounds)
    return (
        f"{words.full_time(booking, today)}, {place}: {booking.student_name}, "
        f"{booking.class_name}, {booking.game} (booked by {booking.created_by_name})"
    )


def _bookings(count: int) -> str:
    return "1 booking" if count == 1 else f"{count} bookings"
