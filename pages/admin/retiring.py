"""The dialog that retires a ground: what becomes of each of its upcoming bookings."""

from __future__ import annotations

import streamlit as st

from booking_core import (
    BookingError,
    Ground,
    relocations,
    retire_ground,
)
from pages.admin import widgets
from pages.admin.relocating import Relocating
from pages.admin.review import Review
from pages.shared.auth import session
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages

state = st.session_state
_GROUND, _REASON = "admin.retiring.ground", "admin.retiring.reason"
_REVIEW = Review("admin.retiring")
_BOOKINGS = Relocating("admin.retiring", ("move", "revoke", "keep"))
done = _REVIEW.done
_CAPTION = (
    "Whoever made a booking that is moved or revoked is told the reason. An approved booking that "
    "is moved waits for the principal again. What is kept stays on this ground."
)


def begin(shared: Services, ground_id: str) -> None:
    """Opens the dialog; each booking is moved where a slot is free, and revoked elsewhere."""
    end()
    state[_GROUND] = ground_id
    _REVIEW.begin(_read(shared))


def end() -> None:
    """Closes the dialog and removes its state."""
    for key in (_GROUND, _REASON):
        state.pop(key, None)
    _BOOKINGS.end()
    _REVIEW.end()


def is_open() -> bool:
    return _GROUND in state


def _read(shared: Services) -> str | None:
    """Reads the bookings; a sentence where that fails."""
    try:
        _BOOKINGS.keep(relocations(shared.db, state[_GROUND]))
    except BookingError as exc:
        return messages.error(exc)
    return None


@st.dialog("Take this ground out of use?", width="large", on_dismiss=end)
def dialog(shared: Services) -> None:
    """Draws the dialog; to be called in every run while ``is_open``."""
    ground = shared.reference().grounds.get(state.get(_GROUND, ""))
    if ground is None:  # a callback has just closed the dialog
        st.rerun()
    st.markdown(f"**{formats.literal(ground.name)}**")
    st.markdown(
        "It leaves the Book screen and the wall at once, and nothing new can be booked on it. "
        "It can be brought back at any time."
    )
    found = _BOOKINGS.found
    _REVIEW.show_change("The bookings or the free slots", "nothing was done")
    if found:
        _BOOKINGS.show(shared, _REVIEW, "upcoming booking", _CAPTION)
        if _BOOKINGS.ids("move") or _BOOKINGS.ids("revoke"):
            st.text_input(
                "Reason",
                key=_REASON,
                persist_state="session",
                max_chars=500,
                placeholder="Sold, building works",
            )
    elif found is not None:
        st.caption("No upcoming bookings are affected.")
    widgets.problem(_REVIEW.problem)
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.button("Keep it", key="admin.grounds.retire.keep", on_click=end)
        st.button(
            "Retire ground",
            key="danger_admin.grounds.retire",
            type="primary",
            disabled=not shared.is_live or found is None,
            on_click=_retire,
            args=(shared, ground),
        )


def _retire(shared: Services, ground: Ground) -> None:
    moves, revoked = _BOOKINGS.slots, _BOOKINGS.ids("revoke")
    reason = (state.get(_REASON) or "").strip()
    if (moves or revoked) and not reason:
        _REVIEW.begin("Give a reason: everybody whose booking changes will want to know.")
        return

    def retire() -> str:
        done = retire_ground(
            shared.db,
            ground.id,
            move=moves,
            revoke=revoked,
            keep=_BOOKINGS.ids("keep"),
            reason=reason,
            by=session.actor(),
        )
        parts = [
            f"{widgets.counted(len(changed), 'booking')} {word}"
            for changed, word in ((done.moved, "moved"), (done.revoked, "revoked"))
            if changed
        ]
        changes = formats.listed(parts) if parts else "No booking changed"
        return f"{ground.name} is out of use. {changes}."

    if _REVIEW.carry_out(shared, retire, lambda: _read(shared)):
        end()
