"""The list of bookings that lose their slots: what becomes of each, as a part of a dialog."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date as Date
from typing import Any

import streamlit as st

from booking_core import Booking, Relocation, Slot
from pages.admin import widgets
from pages.admin.review import Review
from pages.shared.layout import slot_picker
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads

state = st.session_state
# Choice -> label of its button, the button that chooses it for all, its word in the summary.
LABELS = {
    "move": ("Move", "Move where a slot is free", "to move"),
    "revoke": ("Revoke", "Revoke all", "to revoke"),
    "keep": ("Keep", "Keep all", "to keep"),
}
_TONES = {"move": "", "revoke": "urgent", "keep": ""}
_OTHER = "other"  # the button that asks for another slot


class Relocating:
    """What a dialog keeps about its bookings, under keys that begin with ``prefix``.

    ``choices``: those of LABELS that it offers. ``is_closing``: the user may pick another slot.
    """

    def __init__(self, prefix: str, choices: Sequence[str], *, is_closing: bool = False) -> None:
        self._prefix, self._choices, self._is_closing = prefix, tuple(choices), is_closing
        self._shown, self._chosen = f"{prefix}.shown", f"{prefix}.chosen"
        self._changing = f"{prefix}.changing"

    def keep(self, found: Sequence[Relocation]) -> None:
        """Takes the bookings as read. What was chosen for a booking stays where it still can be."""
        before = state.get(self._chosen, {})
        state[self._shown] = list(found)
        state[self._chosen] = {
            one.booking.id: choice
            if (choice := before.get(one.booking.id)) in self._possible(one)
            else "move"
            if one.slot
            else "revoke"
            for one in found
        }

    def end(self) -> None:
        """Removes the state."""
        for key in (self._shown, self._chosen, self._changing):
            state.pop(key, None)

    @property
    def found(self) -> list[Relocation] | None:
        """The bookings as shown; None before they were read."""
        shown: list[Relocation] | None = state.get(self._shown)
        return shown

    @property
    def slots(self) -> dict[str, Slot]:
        """The slots of the bookings that are to move, by the ids of these."""
        chosen = state.get(self._chosen, {})
        return {
            one.booking.id: one.slot
            for one in self.found or ()
            if one.slot is not None and chosen.get(one.booking.id) == "move"
        }

    def ids(self, choice: str) -> list[str]:
        """The ids of the bookings for which ``choice`` is chosen."""
        return [id for id, chosen in state[self._chosen].items() if chosen == choice]

    def show(
        self, shared: Services, review: Review, what: str, caption: str, closed: Sequence[Slot] = ()
    ) -> None:
        """Draws the bookings and the buttons of all. ``what``: such as "upcoming booking".

        ``closed``: slots that no booking may be given.
        """
        found: list[Relocation] = state[self._shown]
        counts = Counter(state[self._chosen].values())
        parts = [f"{counts[c]} {LABELS[c][2]}" for c in self._choices if counts[c]]
        st.markdown(f"**{widgets.counted(len(found), what)}: {formats.listed(parts)}.**")
        st.caption(caption)
        with st.container(horizontal=True):
            for choice in self._choices:
                st.button(
                    LABELS[choice][1],
                    key=f"{self._prefix}.all.{choice}",
                    type="tertiary",
                    disabled=not any(choice in self._possible(one) for one in found),
                    on_click=self._choose_for_all,
                    args=(found, choice),
                )
        today = shared.now().date()
        acted = review.show_list(
            shared,
            "Bookings that lose their slots",
            ["When", "For", "Booked by", "After that"],
            [self._row(one, shared, today) for one in found],
        )
        if acted is not None:
            if acted["action"] == _OTHER:
                state[self._changing] = acted["ids"][0]
            else:
                state[self._chosen] |= dict.fromkeys(acted["ids"], acted["action"])
            st.rerun(scope="fragment")
        changing = next((one for one in found if one.booking.id == state.get(self._changing)), None)
        if changing is not None:
            self._picker(shared, changing, closed)

    def _picker(self, shared: Services, one: Relocation, closed: Sequence[Slot]) -> None:
        """Draws the fields that give a booking another slot."""
        booking, today = one.booking, shared.now().date()
        key = f"{self._prefix}.other.{booking.id}"
        with st.container(border=True, key=f"card_{self._prefix}.other"):
            about = f"{booking.party_name}, {formats.when(booking, today)}"
            st.markdown(f"**Another slot for {formats.literal(about)}**")
            others = [slot for id, slot in self.slots.items() if id != booking.id]
            slot = slot_picker.draw(shared, booking, one.slot, [*closed, *others], key)
            with st.container(horizontal=True, horizontal_alignment="right"):
                st.button("Leave as it is", key=f"{key}.leave", on_click=self._leave)
                st.button(
                    "Use this slot",
                    key=f"{key}.use",
                    disabled=slot is None,
                    on_click=self._use,
                    args=(booking.id, slot),
                )

    def _leave(self) -> None:
        state.pop(self._changing, None)

    def _use(self, booking_id: str, slot: Slot) -> None:
        self._leave()
        state[self._shown] = [
            one._replace(slot=slot) if one.booking.id == booking_id else one
            for one in state[self._shown]
        ]
        state[self._chosen] |= {booking_id: "move"}

    def _possible(self, one: Relocation) -> list[str]:
        return [choice for choice in self._choices if choice != "move" or one.slot is not None]

    def _row(self, one: Relocation, shared: Services, today: Date) -> dict[str, Any]:
        booking, choice = one.booking, state[self._chosen][one.booking.id]
        about = f"{booking.party_name}, {formats.when(booking, today)}"
        actions = [
            {"name": name, "label": LABELS[name][0], "about": f"{LABELS[name][0]}: {about}"}
            for name in self._possible(one)
            if name != choice
        ]
        if self._is_closing and not booking.slot.has_begun(shared.now(), shared.settings.zone):
            actions.append(
                {"name": _OTHER, "label": "Other slot…", "about": f"Other slot: {about}"}
            )
        return {
            "id": booking.id,
            "about": about,
            "selectable": False,
            "cells": [
                self._where(booking, shared, today),
                [booking.party_name, ", ".join(filter(None, (booking.party_class, booking.game)))],
                [booking.created_by_name, messages.STATUS[booking.status]],
                [*self._outcome(one, choice, shared, today), _TONES[choice]],
            ],
            "actions": [action | {"tone": ""} for action in actions],
        }

    def _where(self, booking: Booking, shared: Services, today: Date) -> list[str]:
        """When the booking is now; where the dialog is about several grounds, also where."""
        day, times = payloads.day_and_times(booking, today)
        if not self._is_closing:
            return [day, times]
        return [day, f"{times}, {payloads.slot_title(booking.slot, shared.reference().grounds)}"]

    def _outcome(
        self, one: Relocation, choice: str, shared: Services, today: Date
    ) -> tuple[str, str]:
        slot = one.slot
        if choice == "move" and slot is not None:
            place = payloads.slot_title(slot, shared.reference().grounds)
            same = slot.date == one.booking.date
            when = formats.span(slot.start, slot.end) if same else formats.when(slot, today)
            return place, f"Moved, {when}"
        if choice == "keep":
            return "Stays here", "Kept"
        if slot is not None:
            return "Revoked", ""
        begun = one.booking.slot.has_begun(shared.now(), shared.settings.zone)
        return "Revoked", "It has begun" if begun else "No other slot is free for it"

    def _choose_for_all(self, found: list[Relocation], choice: str) -> None:
        state[self._chosen] |= {
            one.booking.id: choice for one in found if choice in self._possible(one)
        }
