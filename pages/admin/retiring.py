"""The dialog that retires a ground: what becomes of each of its upcoming bookings."""

from __future__ import annotations

from collections import Counter
from datetime import date as Date
from typing import Any

import streamlit as st

from booking_core import (
    BookingError,
    Ground,
    Relocation,
    Slot,
    relocations,
    retire_ground,
)
from pages.admin import widgets
from pages.admin.review import Review
from pages.shared.auth import session
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads

state = st.session_state
_GROUND, _SHOWN, _CHOSEN = "admin.retiring.ground", "admin.retiring.shown", "admin.retiring.chosen"
_REASON = "admin.retiring.reason"
_REVIEW = Review("admin.retiring")
done = _REVIEW.done
# Choice -> label of its button, the button that chooses it for all, its word in the summary.
_CHOICES = {
    "move": ("Move", "Move where a slot is free", "to move"),
    "revoke": ("Revoke", "Revoke all", "to revoke"),
    "keep": ("Keep", "Keep all", "to keep"),
}
_TONES = {"move": "", "revoke": "urgent", "keep": ""}


def begin(shared: Services, ground_id: str) -> None:
    """Opens the dialog; each booking is moved where a slot is free, and revoked elsewhere."""
    end()
    state[_GROUND] = ground_id
    _REVIEW.begin(_read(shared))


def end() -> None:
    """Closes the dialog and removes its state."""
    for key in (_GROUND, _SHOWN, _CHOSEN, _REASON):
        state.pop(key, None)
    _REVIEW.end()


def is_open() -> bool:
    return _GROUND in state


def _read(shared: Services) -> str | None:
    """Reads the bookings, and keeps the choices for those that are still the same."""
    try:
        found = relocations(shared.db, state[_GROUND])
    except BookingError as exc:
        return messages.error(exc)
    before = state.get(_CHOSEN, {})
    state[_SHOWN] = found
    state[_CHOSEN] = {
        one.booking.id: choice
        if (choice := before.get(one.booking.id)) in _possible(one)
        else "move"
        if one.slot
        else "revoke"
        for one in found
    }
    return None


def _possible(one: Relocation) -> list[str]:
    return [choice for choice in _CHOICES if choice != "move" or one.slot is not None]


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
    found: list[Relocation] | None = state.get(_SHOWN)
    _REVIEW.show_change("The bookings or the free slots", "nothing was done")
    if found:
        _bookings(shared, found)
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


def _bookings(shared: Services, found: list[Relocation]) -> None:
    chosen = state[_CHOSEN]
    counts = Counter(chosen.values())
    parts = [f"{counts[c]} {word}" for c, (_, _, word) in _CHOICES.items() if counts[c]]
    st.markdown(f"**{widgets.counted(len(found), 'upcoming booking')}: {formats.listed(parts)}.**")
    st.caption(
        "Whoever made a booking that is moved or revoked is told the reason. An approved booking "
        "that is moved waits for the principal again. What is kept stays on this ground."
    )
    with st.container(horizontal=True):
        for choice, (_, label, _) in _CHOICES.items():
            st.button(
                label,
                key=f"admin.retiring.all.{choice}",
                type="tertiary",
                disabled=not any(choice in _possible(one) for one in found),
                on_click=_choose_for_all,
                args=(found, choice),
            )
    today = shared.now().date()
    acted = _REVIEW.show_list(
        shared,
        "Upcoming bookings of this ground",
        ["When", "For", "Booked by", "After that"],
        [_row(one, shared, today) for one in found],
    )
    if acted is not None:
        chosen |= dict.fromkeys(acted["ids"], acted["action"])
        st.rerun(scope="fragment")
    if counts["move"] or counts["revoke"]:
        st.text_input("Reason", key=_REASON, max_chars=500, placeholder="Sold, building works")


def _row(one: Relocation, shared: Services, today: Date) -> dict[str, Any]:
    booking, choice = one.booking, state[_CHOSEN][one.booking.id]
    about = f"{booking.party_name}, {formats.when(booking, today)}"
    return {
        "id": booking.id,
        "about": about,
        "selectable": False,
        "cells": [
            payloads.day_and_times(booking, today),
            [booking.party_name, ", ".join(filter(None, (booking.party_class, booking.game)))],
            [booking.created_by_name, messages.STATUS[booking.status]],
            [*_outcome(one, choice, shared), _TONES[choice]],
        ],
        "actions": [
            {"name": name, "label": label, "tone": "", "about": f"{label}: {about}"}
            for name, (label, _, _) in _CHOICES.items()
            if name != choice and name in _possible(one)
        ],
    }


def _outcome(one: Relocation, choice: str, shared: Services) -> list[str]:
    if choice == "move" and one.slot is not None:
        place = payloads.slot_title(one.slot, shared.reference().grounds)
        return [place, f"Moved, {formats.span(one.slot.start, one.slot.end)}"]
    if choice == "keep":
        return ["Stays here", "Kept"]
    return ["Revoked", "" if one.slot else "No other slot is free that day"]


def _choose_for_all(found: list[Relocation], choice: str) -> None:
    state[_CHOSEN] |= {one.booking.id: choice for one in found if choice in _possible(one)}


def _retire(shared: Services, ground: Ground) -> None:
    found: list[Relocation] = state[_SHOWN]
    ids: dict[str, list[str]] = {
        choice: [id for id, chosen in state[_CHOSEN].items() if chosen == choice]
        for choice in _CHOICES
    }
    slots: dict[str, Slot] = {one.booking.id: one.slot for one in found if one.slot is not None}
    reason = (state.get(_REASON) or "").strip()
    if (ids["move"] or ids["revoke"]) and not reason:
        _REVIEW.begin("Give a reason: everybody whose booking changes will want to know.")
        return

    def retire() -> str:
        done = retire_ground(
            shared.db,
            ground.id,
            move={id: slots[id] for id in ids["move"]},
            revoke=ids["revoke"],
            keep=ids["keep"],
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
