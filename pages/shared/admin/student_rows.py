"""Rows, pages and texts that the list of students, the import and the rollover share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import streamlit as st

from booking_core import Booking, BookingError, InvalidRequest, Student, bookings_ahead
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads

T = TypeVar("T")
PAGE = 50
_SHOWN_BOOKINGS = 10


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


def page(rows: Sequence[T], key: str) -> tuple[Sequence[T], int]:
    """The rows of the page whose number is stored under ``key``, and the index of the first."""
    last = max(0, (len(rows) - 1) // PAGE)
    number = st.session_state[key] = min(st.session_state.get(key, 0), last)
    first = number * PAGE
    return rows[first : first + PAGE], first


def pager(total: int, first: int, key: str) -> None:
    """Draws the numbers of the rows on this page, and the buttons to other pages."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right"):
        st.caption(f"{first + 1}–{min(first + PAGE, total)} of {total:,}", width="content")
        if total <= PAGE:
            return
        for label, step, off in (
            ("Previous", -1, first == 0),
            ("Next", 1, first + PAGE >= total),
        ):
            st.button(
                label,
                key=f"{key}.{label.lower()}",
                disabled=off,
                on_click=_change_page,
                args=(key, step),
            )


def _change_page(key: str, step: int) -> None:
    st.session_state[key] = max(0, st.session_state.get(key, 0) + step)


def upcoming(
    shared: Services, students: Sequence[Student], title: str = "Booked ahead: {}"
) -> list[Booking] | None:
    """Draws and returns the upcoming bookings of ``students``, the first few in a line each.

    If they cannot be read, it shows the error and returns None.
    """
    try:
        found = bookings_ahead(shared.db, [student.id for student in students])
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)), icon=":material/cloud_off:")
        return None
    if not found:
        return found
    st.markdown(f"**{title.format(counted(len(found), 'booking'))}**")
    grounds, today = shared.reference().grounds, shared.now().date()
    lines = (
        f"{booking.student_name}: {booking.game}, "
        f"{payloads.slot_title(booking.slot, grounds)}, {formats.when(booking, today)}"
        for booking in found[:_SHOWN_BOOKINGS]
    )
    st.text("\n".join(lines))
    if len(found) > _SHOWN_BOOKINGS:
        st.caption(f"and {len(found) - _SHOWN_BOOKINGS} more")
    return found


def error_text(exc: BookingError) -> str:
    """The sentence for an error; the id of a student is called roll number."""
    if isinstance(exc, InvalidRequest) and exc.field == "id":
        return f"The roll number {exc.problem}."
    return messages.error(exc)


def counted(number: int, noun: str) -> str:
    """``1 student``, ``3 students``, ``2 classes``."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"
