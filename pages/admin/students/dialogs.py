"""The dialogs of the section for students: add, edit, deactivate, reactivate, erase."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from booking_core import (
    Actor,
    BookingError,
    Erasure,
    Student,
    add_student,
    change_student,
    classes_of,
    erase_student,
    erasure_of,
    set_active,
)
from pages.admin.students import rows
from pages.shared.auth import session
from pages.shared.components import elements
from pages.shared.layout import confirmation
from pages.shared.live.runtime import Services
from pages.shared.text import formats


@st.dialog("Add a student")
def add(shared: Services) -> None:
    """Opens the dialog for a new student."""
    _form(shared, None)


@st.dialog("Edit a student")
def _change(shared: Services, student: Student) -> None:
    _form(shared, student)


def _form(shared: Services, before: Student | None) -> None:
    """Saves a new student, or ``before`` with other details."""
    key = f"admin.students.form.{before.id if before else ''}"
    classes = list(classes_of(shared.reference().students.values()))
    current = before.class_name if before else None
    if current is not None and current not in classes:
        classes.append(current)
    with st.form(key, border=False):
        number = st.text_input(
            "Roll number",
            value=before.id if before else "",
            key=f"{key}.id",
            disabled=before is not None,
            max_chars=64,
            help="It stays, because bookings bear it." if before else None,
        )
        name = st.text_input(
            "Name", value=before.name if before else "", key=f"{key}.name", max_chars=120
        )
        class_name = st.selectbox(
            "Class",
            classes,
            index=classes.index(current) if current is not None else None,
            key=f"{key}.class",
            accept_new_options=True,
            placeholder="Choose, or type a new one",
        )
        email = st.text_input(
            "E-mail (optional)",
            value=(before.email or "") if before else "",
            key=f"{key}.email",
            max_chars=254,
        )
        failed = st.empty()
        with st.container(horizontal=True, horizontal_alignment="right"):
            back = st.form_submit_button("Back", key=f"{key}.back")
            save = st.form_submit_button("Save", key=f"{key}.save", type="primary")
    if back:
        st.rerun()
    if not save:
        return
    try:
        active = before.active if before else True
        after = Student(number, name, class_name or "", email or None, active)
        by = session.actor()
        with shared.change():
            if before is None:
                add_student(shared.db, after, by=by)
            else:
                change_student(shared.db, before, after, by=by)
    except BookingError as exc:
        failed.error(formats.literal(rows.error_text(exc)))
    else:
        st.toast("Saved.", icon=":material/check:")
        st.rerun()


def _subject(student: Student) -> None:
    elements.facts(
        "admin.students",
        ("Student", student.name),
        ("Roll number", student.id),
        ("Class", student.class_name),
    )


def _act(
    shared: Services,
    label: str,
    action: Callable[[Actor], object],
    done: str,
    *,
    danger: bool = False,
    disabled: bool = False,
) -> None:
    """Draws two buttons: "Back", and ``label``, which calls ``action(actor)``."""
    key = "danger_admin.students.do" if danger else "admin.students.do"
    if confirmation.show(
        shared,
        ("Back", "admin.students.back"),
        (label, key),
        action,
        disabled=disabled,
        error=rows.error_text,
    ):
        st.toast(done, icon=":material/check:")
        st.rerun()


@st.dialog("Deactivate this student?")
def _deactivate(shared: Services, student: Student) -> None:
    _subject(student)
    st.markdown("Nobody can book for this student any more. It can be undone at any time.")
    ahead = rows.upcoming(shared, [student])
    if ahead is None:
        return
    if ahead:
        st.caption("They stay. Cancel on Bookings what is not to take place.")
    else:
        st.caption("Nothing is booked ahead.")
    _act(
        shared,
        "Deactivate",
        lambda by: set_active(shared.db, student.id, False, by=by),
        "Deactivated.",
        danger=True,
    )


@st.dialog("Reactivate this student?")
def _reactivate(shared: Services, student: Student) -> None:
    _subject(student)
    st.markdown("Staff can book for this student again.")
    _act(
        shared,
        "Reactivate",
        lambda by: set_active(shared.db, student.id, True, by=by),
        "Reactivated.",
    )


def _erasure(shared: Services, student: Student) -> Erasure | None:
    try:
        return erasure_of(shared.db, student.id, by=session.actor())
    except BookingError as exc:
        st.error(formats.literal(rows.error_text(exc)), icon=":material/cloud_off:")
        return None


@st.dialog("Erase this student's personal data?")
def _erase(shared: Services, student: Student) -> None:
    _subject(student)
    ahead = rows.upcoming(shared, [student])
    if ahead:
        st.warning(
            "Nothing is erased while something is booked ahead. Cancel it on Bookings first.",
            icon=":material/event_busy:",
        )
    if ahead is None or ahead:
        return
    st.markdown(
        "Name, roll number and e-mail address are erased for good, here and in every booking of "
        "this student, and so are purposes and reasons given there. The bookings stay in the "
        "figures, with class, ground, time and game, as those of a former student."
    )
    if (found := _erasure(shared, student)) is None:
        return
    if found.bookings:
        worded = formats.number(found.worded) if found.worded else "none"
        number = rows.counted(found.bookings, "booking")
        st.caption(f"{number}, {worded} with a purpose or a reason.")
    if found.elsewhere:
        places = (
            "1 other place"
            if found.elsewhere == 1
            else f"{formats.number(found.elsewhere)} other places"
        )
        st.warning(
            f"The full name or the roll number also stands in {places}: in purposes and reasons "
            "that others gave for bookings, closures and changes. Those stay as they are.",
            icon=":material/edit_note:",
        )
    st.markdown("**This cannot be undone.**")
    typed = st.text_input(
        "Type the roll number to confirm", key=f"admin.students.typed.{student.id}", live=True
    )
    _act(
        shared,
        "Erase for good",
        lambda by: erase_student(shared.db, student.id, by=by),
        "Erased. The figures stay.",
        danger=True,
        disabled=typed.strip() != student.id,
    )


_DIALOGS: dict[str, Callable[[Services, Student], None]] = {
    "change": _change,
    "deactivate": _deactivate,
    "reactivate": _reactivate,
    "erase": _erase,
}


def open_dialog(action: str, shared: Services, student: Student) -> None:
    """Opens the dialog for ``action``: change, deactivate, reactivate or erase."""
    _DIALOGS[action](shared, student)
