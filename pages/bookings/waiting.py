"""The user's own entries of the waiting list, above the list of bookings."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from booking_core import Actor, StoreUnavailable, WaitingEntry, leave_waiting_list, waiting_of
from booking_core.live import Scope
from pages.shared.components import elements
from pages.shared.layout import confirmation
from pages.shared.live import screen_user
from pages.shared.live.runtime import Services
from pages.shared.text import waiting_texts

_LIST = "bookings.waiting"
_LEAVING = "bookings.leave"  # the entry whose dialog opens in the next run


def listing(shared: Services, by: Actor) -> datetime | None:
    """Draws the entries that wait; nothing without one. Returns when the first of them ends."""
    entries = _entries(shared, by)
    now, known = shared.now(), shared.reference()
    acted = elements.take_press(_LIST)
    if entries:
        boards = {date: shared.boards.get(date, now) for date in {e.request.date for e in entries}}
        st.caption("On the waiting list")
        acted = acted or elements.action_list(
            {
                "caption": "On the waiting list",
                "columns": ["When", "Ground and game", "For", "Waits", "Place"],
                "rows": [
                    waiting_texts.wish_row(
                        entry, boards[entry.request.date].line(entry.slot), known, now
                    )
                    for entry in entries
                ],
                "bulk": [],
                "kind": "wide",
                "live": shared.is_live,
            },
            key=_LIST,
        )
    if acted is not None:
        st.session_state[_LEAVING] = acted["ids"][0]
        st.rerun()
    ends = [entry.not_after for entry in entries if entry.not_after is not None]
    return min(ends, key=datetime.timestamp, default=None)


def show_dialog(shared: Services, by: Actor) -> None:
    """Draws the dialog that was asked for, if any."""
    if (entry_id := st.session_state.pop(_LEAVING, None)) is not None:
        st.dialog("Leave the waiting list?")(_leave)(shared, by, entry_id)


def _entries(shared: Services, by: Actor) -> list[WaitingEntry]:
    mark = shared.mark()
    try:
        found = shared.cached(
            Scope.BOOKINGS, ("waiting of", by.id, mark), lambda: waiting_of(shared.db, by, now=mark)
        )
    except StoreUnavailable:
        return []
    now, zone = shared.now(), shared.settings.zone
    return [entry for entry in found if not entry.is_over(now, zone)]


def _leave(shared: Services, by: Actor, entry_id: str) -> None:
    screen_user.check(shared)  # the dialog shows names, which need a session
    entry = next((one for one in _entries(shared, by) if one.id == entry_id), None)
    if entry is None:
        st.markdown("This entry has ended: you do not wait for this slot any more.")
        return
    st.markdown("You give up your place in line. Who joins again is the last.")
    st.text(waiting_texts.in_brief(entry, shared.reference(), shared.now().date()))

    def write(actor: Actor) -> None:
        leave_waiting_list(shared.db, entry_id, by=actor)
        st.toast("You have left the waiting list.", icon=":material/check:")

    if confirmation.show(
        shared,
        ("Keep my place", "bookings.keep"),
        ("Leave the list", "danger_bookings.leave"),
        write,
    ):
        st.rerun()
