"""The section for students: the list, the teams, the import and the class rollover."""

from __future__ import annotations

import streamlit as st

from booking_core import Student, classes_of, find_students
from pages.admin import widgets
from pages.admin.imports import section as imports
from pages.admin.students import dialogs, rollover, rows, teams
from pages.shared.components import elements, student_box
from pages.shared.live import fragment
from pages.shared.live.runtime import Services

VIEWS = ("List", "Teams", "Import", "Class rollover")
_STATES = {"Active": True, "Inactive": False}
_DIALOG, _PAGE = "admin.students.dialog", "admin.students.page"
_FIND, _VIEW = "admin.students.find", "admin.students.view"


def adopt(text: str) -> None:
    """Shows the import if the address has ``text`` as the parameter of an open one."""
    if imports.adopt(text):
        st.session_state[_VIEW] = VIEWS[2]


def show(shared: Services) -> None:
    """Draws the section."""
    st.session_state.setdefault(_VIEW, VIEWS[0])
    view = st.segmented_control(
        "Students",
        VIEWS,
        required=True,
        key=_VIEW,
        label_visibility="collapsed",
    )
    if view in VIEWS[2:]:
        fragment.heartbeat(shared, "admin.students.heartbeat")
    if view == VIEWS[1]:
        teams.show(shared)
    elif view == VIEWS[2]:
        imports.show(shared)
    elif view == VIEWS[3]:
        rollover.show(shared)
    else:
        _list(shared)


def _first_page() -> None:
    st.session_state[_PAGE] = 0


def _list(shared: Services) -> None:
    state = st.session_state
    with st.container(
        horizontal=True, vertical_alignment="bottom", gap="xsmall", key="filters_students"
    ):
        st.text_input(
            "Find",
            key=_FIND,
            placeholder="Name, roll number or class",
            on_change=_first_page,
            max_chars=student_box.LONGEST_SEARCH,
            width=260,
        )
        class_name = st.selectbox(
            "Class",
            list(classes_of(shared.reference().students.values(), active=None)),
            index=None,
            key="admin.students.class",
            placeholder="All",
            on_change=_first_page,
            width=130,
        )
        activity = st.selectbox(
            "State",
            list(_STATES),
            index=None,
            key="admin.students.state",
            placeholder="All",
            on_change=_first_page,
            width=130,
        )
        if st.button(
            "Add a student", key="admin.students.add", type="primary", icon=":material/person_add:"
        ):
            state[_DIALOG] = ("add", None)

    def listing() -> None:
        known = shared.reference()
        found = find_students(
            known,
            student_box.searched(_FIND),
            class_name=class_name,
            active=_STATES.get(activity or ""),
        )
        if not found:
            with st.container(border=True, key="card_students_empty"):
                if known.students:
                    st.markdown("##### No student matches")
                    st.caption("Search for something else, or choose another class or state.")
                else:
                    st.markdown("##### No students yet")
                    st.caption("Import a list, or add the first one. Then Book can choose them.")
            return
        shown, first = widgets.page(found, _PAGE)
        payload = {
            "caption": "Students",
            "columns": ["Student", "Class", "E-mail", "State"],
            "rows": [rows.student_row(s, _actions(s)) for s in shown],
            "bulk": [],
            "live": shared.is_live,
        }
        acted = elements.action_list(payload, key="admin.students.list")
        widgets.page_foot(len(found), first, _PAGE)
        if acted is not None and (student := known.students.get(acted["ids"][0])) is not None:
            state[_DIALOG] = (acted["action"], student)
            st.rerun()

    fragment.live(shared, "admin.students", listing)
    action, student = state.pop(_DIALOG, ("", None))
    if action == "add":
        dialogs.add(shared)
    elif action:
        dialogs.open_dialog(action, shared, student)


def _actions(student: Student) -> list[dict[str, str]]:
    verbs = (
        (("change", "Edit…", ""), ("deactivate", "Deactivate…", "no"))
        if student.active
        else (("reactivate", "Reactivate…", ""), ("erase", "Erase…", "no"))
    )
    about = f"{student.name}, {student.class_name}, {student.id}"
    return [
        {"name": name, "label": label, "tone": tone, "about": f"{label.rstrip('…')}: {about}"}
        for name, label, tone in verbs
    ]
