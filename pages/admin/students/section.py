"""The section for students: the list, the teams, the import and the class rollover."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from booking_core import Student, classes_of, find_students
from pages.admin import widgets
from pages.admin.imports import section as imports
from pages.admin.students import dialogs, rollover, rows, teams
from pages.shared.components import elements, fields, student_box
from pages.shared.live import fragment, url_state
from pages.shared.live.runtime import Services

VIEWS = ("List", "Teams", "Import", "Class rollover")
PARAMETERS = ("view", "find", "class", "state", "page", "import")
_IN_ADDRESS = {"teams": VIEWS[1], "import": VIEWS[2], "rollover": VIEWS[3]}
_STATES = {"Active": True, "Inactive": False}
_DIALOG, _PAGE = "admin.students.dialog", "admin.students.page"
_FIND, _VIEW = "admin.students.find", "admin.students.view"
_CLASS, _STATE = "admin.students.class", "admin.students.state"


def adopt(values: Mapping[str, str]) -> None:
    """Shows what the address names: an open import, or the view, its filters and its page."""
    state = st.session_state
    is_import = imports.adopt(values.get("import", ""))
    state[_VIEW] = VIEWS[2] if is_import else _IN_ADDRESS.get(values.get("view", ""), VIEWS[0])
    state[_FIND], state[_CLASS] = values.get("find", ""), values.get("class")
    state[_STATE] = values.get("state", "").capitalize()
    state[_PAGE] = widgets.page_of(values)


def _write_address() -> None:
    state = st.session_state
    view = state[_VIEW]
    values = {"section": "students"}
    if view == VIEWS[0]:
        values |= {
            "find": state[_FIND],
            "class": state[_CLASS] or "",
            "state": (state[_STATE] or "").lower(),
            "page": widgets.page_in_address(state[_PAGE]),
        }
    else:
        values["view"] = next(name for name, of in _IN_ADDRESS.items() if of == view)
        values["import"] = imports.address() if view == VIEWS[2] else ""
    url_state.write(values)


def show(shared: Services) -> None:
    """Draws the section."""
    state = st.session_state
    defaults = {_VIEW: VIEWS[0], _FIND: "", _CLASS: None, _STATE: None, _PAGE: 0}
    for name, value in defaults.items():
        state.setdefault(name, value)
    view = st.segmented_control(
        "Students", required=True, label_visibility="collapsed", **fields.pressed(_VIEW, VIEWS)
    )
    if view != VIEWS[0]:
        _write_address()
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
            placeholder="Name, roll number or class",
            max_chars=student_box.LONGEST_SEARCH,
            width=260,
            **fields.typed(_FIND, _first_page),
        )
        classes = list(classes_of(shared.reference().students.values(), active=None))
        class_name = st.selectbox(
            "Class", placeholder="All", width=130, **fields.chosen(_CLASS, classes, _first_page)
        )
        activity = st.selectbox(
            "State",
            placeholder="All",
            width=130,
            **fields.chosen(_STATE, list(_STATES), _first_page),
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
        shown, first = widgets.page(found, _PAGE)
        _write_address()
        if not found:
            with st.container(border=True, key="card_students_empty"):
                if known.students:
                    st.markdown("##### No student matches")
                    st.caption("Search for something else, or choose another class or state.")
                else:
                    st.markdown("##### No students yet")
                    st.caption("Import a list, or add the first one. Then Book can choose them.")
            return
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
