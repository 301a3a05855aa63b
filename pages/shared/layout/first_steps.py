"""The sections of a new school that an admin must fill in before anybody can book."""

from __future__ import annotations

import streamlit as st

from booking_core import Actor, Reference, may
from pages.shared.text import formats

# Section of the Admin screen -> title, name within a sentence, description.
_STEPS = {
    "Grounds": ("Grounds", "grounds", "What can be booked, and which games are played there."),
    "Timetables": ("A timetable", "a timetable", "The periods of a school day, and its weekdays."),
    "Students": ("Students", "students", "For whom is booked: a list as CSV or Excel will do."),
}


def missing_sections(known: Reference) -> tuple[str, ...]:
    """The sections of the Admin screen that are still empty."""
    filled = {
        "Grounds": any(ground.games for ground in known.open_grounds),
        "Timetables": any(table.weekdays for table in known.timetables.values())
        or any(day.timetable_id for day in known.days.values()),
        "Students": any(student.active for student in known.students.values()),
    }
    return tuple(section for section in _STEPS if not filled[section])


def card(missing: tuple[str, ...], by: Actor) -> None:
    """Shows an admin where to add what is missing, and other users that an admin must add it."""
    if not may("administer", by):
        st.markdown(f"##### No {_STEPS[missing[0]][1].removeprefix('a ')} yet")
        st.caption(
            f"Before anybody can book, an admin adds {_named(missing)}. This screen goes on by "
            "itself then."
        )
        return
    st.markdown("##### Before anybody can book")
    for section, (title, _, about) in _STEPS.items():
        if section in missing:
            mark = f":gray[:material/radio_button_unchecked:] **{title}**"
            _step(section, mark, about, section == missing[0])
        else:
            st.markdown(f":green[:material/check_circle:] **{title}**")
    _step(
        "Accounts",
        ":gray[:material/group:] **Accounts**",
        "For staff, who book, and for a principal, who decides.",
        False,
    )


def note(missing: tuple[str, ...]) -> None:
    """Shows a line on the Admin screen with the sections that are missing."""
    if missing:
        st.caption(
            f":material/flag: Before anybody can book, add {_named(missing)}: "
            f"{', '.join(missing)} above."
        )


def _step(section: str, title: str, about: str, is_next: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch", gap=None):
            st.markdown(title)
            st.caption(about)
        if st.button(
            f"Go to {section}",
            key=f"book.first_steps.{section}",
            type="primary" if is_next else "secondary",
        ):
            st.session_state["admin.section"] = section
            st.switch_page("admin/screen.py")


def _named(missing: tuple[str, ...]) -> str:
    return formats.listed([_STEPS[section][1] for section in missing])
