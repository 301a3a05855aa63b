"""Rows, pages and texts that the list of students, the import and the rollover share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from booking_core import Booking, BookingError, InvalidRequest, Student, bookings_ahead
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads

_SHOWN_BOOKINGS = 10
_MOST = 1000  # bookings that are read


def student_row(student: Student, actions: list[dict[str, str]]) -> dict[str, Any]:
    state = ["Active", "", "chip"] if student.active else ["Inactive", "", "chip closed"]
    return plain_row(
        student.id,
        [student.name, student.id],
        [student.class_name, ""],
        [student.email or "", ""],
        state,
        actions=actions,
    )


def plain_row(id: str, *cells: list[str], actions: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    """A row of ``components.action_list``; each cell is a text, a second line, and a CSS class."""
    return {
        "id": id,
        "about": cells[0][0],
        "selectable": False,
        "cells": cells,
        "actions": list(actions),
    }


def upcoming(
    shared: Services, students: Sequence[Student], title: str = "Booked ahead: {}"
) -> list[Booking] | None:
    """Draws and returns the upcoming bookings of ``students``, the first few in a line each.

    If they cannot be read, it shows the error and returns None.
    """
    try:
        found = bookings_ahead(shared.db, [student.id for student in students], limit=_MOST)
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)), icon=":material/cloud_off:")
        return None
    if not found:
        return found
    number = "1 booking" if len(found) == 1 else f"{formats.up_to(len(found), _MOST - 1)} bookings"
    st.markdown(f"**{title.format(number)}**")
    grounds, today = shared.reference().grounds, shared.now().date()
    lines = [
        f"{booking.party_name}: {booking.game}, "
        f"{payloads.slot_title(booking.slot, grounds)}, {formats.when(booking, today)}"
        for booking in found
    ]
    st.text("\n".join(lines[:_SHOWN_BOOKINGS]))
    if rest := lines[_SHOWN_BOOKINGS:]:
        with st.expander("The others"):
            st.text("\n".join(rest))
    return found


def error_text(exc: BookingError) -> str:
    """The sentence for an error; the id of a student is called roll number."""
    if isinstance(exc, InvalidRequest) and exc.field == "id":
        return f"The roll number {exc.problem}."
    return messages.error(exc)


def counted(number: int, noun: str) -> str:
    """``1 student``, ``3 students``, ``2 classes``."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{formats.number(number)} {noun if number == 1 else plural}"
