"""The section for closures: list, close, lift, and reinstate displaced bookings."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import streamlit as st

from booking_core import (
    Booking,
    BookingError,
    Closure,
    Ground,
    Slot,
    find_closures,
    find_reinstatable,
    find_returnable,
    former_slot,
    lift_closure,
    may,
    move,
    reinstate,
)
from booking_core.live import Scope
from pages.admin import widgets
from pages.admin.closures import closing
from pages.shared.auth import session
from pages.shared.components import elements
from pages.shared.layout import undoing
from pages.shared.live import fragment
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads

state = st.session_state
_LIFT = "admin.closures.lift"  # the closure whose dialog opens in this run
_CONFLICTS = "admin.closures.conflicts"  # a line for each booking that was not reinstated
_DONE = "admin.closures.done"  # a sentence for the toast
_FAILED = "admin.closures.failed"
_PAGE = "admin.closures.page"
_MOST = 500  # closures in the list
_MOST_DISPLACED = 200  # displaced bookings in the list
_MAX_ROWS, _HEIGHT = 6, 430  # a list with more rows scrolls at this height (pixels)


def show(shared: Services) -> None:
    """Draws the section."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            "Nobody can book a closed ground. The wall display and the Book screen show the reason."
        )
        if st.button("Close grounds…", key="admin.closures.new", type="primary"):
            closing.begin()
    fragment.live(shared, "admin.closures", lambda: _listing(shared))
    if closing.is_open():
        closing.dialog(shared)
    elif closure := state.pop(_LIFT, None):
        state.pop(_FAILED, None)
        _lift(shared, closure)


def _listing(shared: Services) -> datetime | None:
    """Draws the lists, and the bar that undoes a closing; returns when the clock alone changes one
    of them next, or None."""
    if done := state.pop(_DONE, None) or closing.done():
        st.toast(done, icon=":material/check:")
    now = shared.now()
    for line in state.get(_CONFLICTS, ()):
        st.warning(formats.literal(line), icon=":material/group:")
    changes = _reinstatable(shared, now) + _returnable(shared, now)
    changes += _closures(shared, now)
    return undoing.show(shared, min(changes, key=datetime.timestamp, default=None))


def later(moments: Iterable[datetime], now: datetime) -> list[datetime]:
    """The moments after ``now``.

    Compared by timestamps: Python compares datetimes of one zone by the time of day, which a clock
    change sets back.
    """
    return [moment for moment in moments if moment.timestamp() > now.timestamp()]


def _closures(shared: Services, now: datetime) -> list[datetime]:
    """Draws the present and future closures; returns when they begin and end."""
    found = shared.cached(
        Scope.BOOKINGS,
        ("closures", now.date()),
        lambda: find_closures(shared.db, from_date=now.date(), limit=_MOST + 1),
    )
    zone = shared.settings.zone
    ahead = [c for c in found if later([c.ends_at(zone)], now)]
    if not ahead:
        with st.container(border=True, key="card_closures_empty"):
            st.markdown("##### Nothing is closed")
            st.caption(
                "Rain, repairs, exams: “Close grounds…” above shows first what is displaced."
            )
        return []
    shown, first = widgets.page(ahead[:_MOST], _PAGE)
    acted = elements.action_list(
        {
            "caption": "Closures, running and upcoming",
            "kind": "brief",
            "columns": ["When", "Grounds", "Reason", "Closed by"],
            "rows": [_row(c, shared.reference().grounds, shared) for c in shown],
            "bulk": [],
            "live": shared.is_live,
        },
        key="admin.closures.list",
    )
    if len(ahead) > widgets.PAGE:
        widgets.page_foot(len(ahead), first, _PAGE, _MOST)
    if acted is not None:
        chosen = next((c for c in ahead if c.id in acted["ids"]), None)
        if chosen is not None:
            state[_LIFT] = chosen
            st.rerun()
    moments = [c.starts_at(zone) for c in ahead]
    moments += [c.ends_at(zone) for c in ahead]
    return later(moments, now)


def _row(closure: Closure, grounds: dict[str, Ground], shared: Services) -> dict[str, Any]:
    now = shared.now()
    days = payloads.days(closure.first, closure.last, now.date())
    begins = closure.starts_at(shared.settings.zone)
    running = closure.first == now.date() and not later([begins], now)
    names = payloads.ground_names(closure.ground_ids, grounds)
    return {
        "id": closure.id,
        "about": f"{names}, {days}",
        "selectable": False,
        "cells": [
            [days, _extent(closure)],
            [names, ""],
            [closure.reason, "Closed now" if running else "", "urgent" if running else ""],
            [closure.by_name, formats.said_at(closure.at, now, shared.settings.zone)],
        ],
        "actions": [
            {"name": "lift", "label": "Lift…", "tone": "", "about": f"Lift: {names}, {days}"}
        ],
    }


def _extent(closure: Closure) -> str:
    """The part of the days that is closed, and on how many of them."""
    parts = [formats.stretch(closure.start, closure.end)]
    if closure.days < (closure.last - closure.first).days + 1:
        parts.append(widgets.counted(closure.days, "day"))
    if closure.in_parts:
        parts.append("around bookings")
    return ", ".join(parts)


def _reinstatable(shared: Services, now: datetime) -> list[datetime]:
    """Draws the bookings that can be reinstated; returns when they begin."""
    found = shared.cached(
        (Scope.BOOKINGS, Scope.SCHOOL),
        ("reinstatable", now.date()),
        lambda: find_reinstatable(shared.db, from_date=now.date(), limit=_MOST_DISPLACED + 1),
    )
    starts = {b.id: b.slot.starts_at(shared.settings.zone) for b in found}
    free = [b for b in found if later([starts[b.id]], now)]
    if not free:
        return []
    more = len(found) > _MOST_DISPLACED
    what = _bookings(len(free), _MOST_DISPLACED)
    free = free[:_MOST_DISPLACED]
    with st.container(horizontal=True, vertical_alignment="center", key="head_reinstate"):
        st.markdown(f"**{what} that a lifted closure displaced could be given back.**")
        if len(free) > 1:
            st.button(
                f"Reinstate the first {len(free)}" if more else f"Reinstate all {len(free)}",
                key="admin.closures.reinstate_all",
                disabled=not shared.is_live,
                on_click=_reinstate,
                # The bookings that this run shows, even if there are others after the press.
                args=(shared, free),
            )
    st.caption(
        "Their slots are still free. A reinstated booking has the status it had before, and "
        "whoever booked it is told. What is left alone stays revoked."
        + (" The others appear here once these are reinstated." if more else "")
    )
    with st.container(height=_HEIGHT if len(free) > _MAX_ROWS else "content", border=False):
        acted = elements.action_list(
            {
                "caption": "Displaced bookings whose slot is free",
                "columns": ["When", "Ground and game", "For", "Booked by"],
                "rows": [_displaced_row(b, shared, now) for b in free],
                "bulk": [],
                "live": shared.is_live,
            },
            key="admin.closures.displaced",
        )
    if acted is not None:
        _reinstate(shared, [b for b in free if b.id in acted["ids"]])
        st.rerun(scope="fragment")
    return [starts[b.id] for b in free]


def _returnable(shared: Services, now: datetime) -> list[datetime]:
    """Draws the moved bookings that can have their former slot back; returns when they begin."""
    found = shared.cached(
        (Scope.BOOKINGS, Scope.SCHOOL),
        ("returnable", now.date()),
        lambda: find_returnable(shared.db, from_date=now.date(), limit=_MOST_DISPLACED + 1),
    )
    zone = shared.settings.zone
    slots = {b.id: slot for b in found if (slot := former_slot(b)) is not None}
    # By timestamps: within one zone, aware datetimes compare by the wall clock.
    starts = {
        b.id: min(b.slot, slots[b.id], key=lambda slot: slot.starts_at(zone).timestamp()).starts_at(
            zone
        )
        for b in found
    }
    free = [b for b in found if later([starts[b.id]], now)]
    if not free:
        return []
    more = len(found) > _MOST_DISPLACED
    free = free[:_MOST_DISPLACED]
    with st.container(horizontal=True, vertical_alignment="center", key="head_return"):
        what = _bookings(len(free) + more, _MOST_DISPLACED)
        st.markdown(f"**{what} that a lifted closure moved could go back.**")
        if len(free) > 1:
            st.button(
                f"Move the first {len(free)} back" if more else f"Move all {len(free)} back",
                key="admin.closures.return_all",
                disabled=not shared.is_live,
                on_click=_return,
                args=(shared, free),
            )
    status = (
        "keeps its status"
        if may("approve", session.actor())
        else "waits for the principal again if it is approved"
    )
    st.caption(
        f"Their former slots are free. Ask the booker first: one that goes back {status}."
        + (" The others appear here once these are back." if more else "")
    )
    with st.container(height=_HEIGHT if len(free) > _MAX_ROWS else "content", border=False):
        acted = elements.action_list(
            {
                "caption": "Moved bookings whose former slot is free",
                "columns": ["Now", "For", "Booked by", "Former slot"],
                "rows": [_moved_row(b, slots[b.id], shared, now) for b in free],
                "bulk": [],
                "live": shared.is_live,
            },
            key="admin.closures.moved",
        )
    if acted is not None:
        _return(shared, [b for b in free if b.id in acted["ids"]])
        st.rerun(scope="fragment")
    return [starts[b.id] for b in free]


def _moved_row(booking: Booking, former: Slot, shared: Services, now: datetime) -> dict[str, Any]:
    grounds, today = shared.reference().grounds, now.date()
    about = f"{booking.party_name}, {formats.when(booking, today)}"
    return {
        "id": booking.id,
        "about": about,
        "selectable": False,
        "cells": [
            [payloads.slot_title(booking.slot, grounds), formats.when(booking, today)],
            payloads.party(booking),
            [booking.created_by_name, messages.STATUS[booking.status]],
            [payloads.slot_title(former, grounds), formats.when(former, today)],
        ],
        "actions": [
            {"name": "return", "label": "Move back", "tone": "go", "about": f"Move back: {about}"}
        ],
    }


def _displaced_row(booking: Booking, shared: Services, now: datetime) -> dict[str, Any]:
    row = closing.booking_row(booking, shared, now.date())
    action = {"name": "reinstate", "label": "Reinstate", "tone": "go"}
    return row | {"actions": [action | {"about": f"Reinstate: {row['about']}"}]}


@st.dialog("Lift this closure?")
def _lift(shared: Services, closure: Closure) -> None:
    if _DONE in state:
        st.rerun()
    today = shared.now().date()
    st.markdown(
        "The grounds can be booked again at once. What the closure revoked or moved stays so: "
        "those bookings whose slot is still free are listed here then, to be given back."
    )
    elements.facts(
        "admin.closures.lift",
        ("Grounds", payloads.ground_names(closure.ground_ids, shared.reference().grounds)),
        ("When", f"{payloads.days(closure.first, closure.last, today)}, {_extent(closure)}"),
        ("Reason", closure.reason),
        ("Closed by", closure.by_name),
    )
    if failed := state.pop(_FAILED, None):
        st.error(formats.literal(failed))
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
        state[_FAILED] = messages.error(exc)
        return
    state.pop(_CONFLICTS, None)
    free = len(lifted.reinstatable) + len(lifted.returnable)
    offer = f" {_bookings(free)} that it displaced can have the slot back." if free else ""
    state[_DONE] = f"Closure lifted.{offer}"


def _reinstate(shared: Services, chosen: list[Booking]) -> None:
    by = session.actor()
    _each(shared, chosen, lambda booking: reinstate(shared.db, booking.id, by=by), "reinstated")


def _return(shared: Services, chosen: list[Booking]) -> None:
    by = session.actor()

    def put_back(booking: Booking) -> None:
        if (slot := former_slot(booking)) is not None:
            move(
                shared.db,
                booking.id,
                ground_id=slot.ground_id,
                date=slot.date,
                start=slot.start,
                end=slot.end,
                by=by,
            )

    _each(shared, chosen, put_back, "moved back")


def _each(
    shared: Services, chosen: list[Booking], act: Callable[[Booking], object], word: str
) -> None:
    """Calls ``act`` for each booking on its own: a conflict of one does not stop the others."""
    conflicts = []
    for booking in chosen:
        try:
            with shared.change():
                act(booking)
        except BookingError as exc:
            conflicts.append(f"{_about(booking, shared)}: {messages.error(exc)}")
    state[_CONFLICTS] = conflicts
    if done := len(chosen) - len(conflicts):
        state[_DONE] = f"{_bookings(done)} {word}."


def _about(booking: Booking, shared: Services) -> str:
    place = payloads.slot_title(booking.slot, shared.reference().grounds)
    return f"{booking.party_name}, {formats.when(booking, shared.now().date())}, {place}"


def _bookings(count: int, most: int = 0) -> str:
    if count == 1:
        return "1 booking"
    return f"{formats.up_to(count, most) if most else count} bookings"
