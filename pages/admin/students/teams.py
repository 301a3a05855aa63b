"""The teams of the school: their members, and who is in charge."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from booking_core import (
    Actor,
    Reference,
    Team,
    add_team,
    classes_of,
    find_accounts,
    remove_team,
    save_team,
)
from booking_core.live import Scope
from pages.admin import widgets
from pages.shared.layout import confirmation
from pages.shared.live import fragment
from pages.shared.live.runtime import Services
from pages.shared.text import formats

_OPEN, _SAID, _PAGE = "admin.teams.open", "admin.teams.said", "admin.teams.page"
_FIELDS = "admin.teams.field."
_MOST_MEMBERS = 40
_NAME, _CLASS = f"{_FIELDS}name", f"{_FIELDS}class"
_MEMBERS, _STAFF = f"{_FIELDS}members", f"{_FIELDS}staff"


def show(shared: Services) -> None:
    """Draws the list of teams, and the dialog that is open."""
    if said := st.session_state.pop(_SAID, None):
        st.toast(formats.literal(said), icon=":material/check:")
    fragment.live(shared, "admin.teams", lambda: _teams(shared))
    match st.session_state.pop(_OPEN, None):
        case ("edit", team):
            _begin(team)
            st.dialog("Edit team" if team else "Add a team")(_edit)(shared, team)
        case ("remove", team):
            _remove(shared, team)


def _teams(shared: Services) -> None:
    known: Reference = shared.reference()
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.caption("Book can choose a team in the place of a student.", width="content")
        if st.button("Add a team", key="admin.teams.add", type="primary", icon=":material/add:"):
            _ask("edit", None)
    if not known.teams:
        with st.container(border=True, key="card_admin.teams.none"):
            st.markdown("##### No team yet")
            st.caption("A team has a name; members and staff in charge can be added to it.")
    names = _staff_names(shared)
    shown, first = widgets.page(list(known.teams.values()), _PAGE)
    for team in shown:
        _team(team, known, names)
    if len(known.teams) > widgets.PAGE:
        widgets.page_foot(len(known.teams), first, _PAGE)


def _team(team: Team, known: Reference, names: Mapping[str, str]) -> None:
    key, name = f"admin.teams.{team.id}", formats.literal(team.name)
    with st.container(border=True, key=f"card_{key}", horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch", gap=None):
            st.markdown(
                f"**{name}**" + (f" · {formats.literal(team.class_name)}" * bool(team.class_name))
            )
            st.caption(formats.literal(_about(team, known, names)))
        with st.container(horizontal=True, width="content"):
            if st.button("Edit", key=f"{key}.edit", help=f"Members and staff of {name}"):
                _ask("edit", team)
            if st.button("Remove…", key=f"{key}.remove", help=f"Remove {name}"):
                _ask("remove", team)


def _about(team: Team, known: Reference, names: Mapping[str, str]) -> str:
    """``2 members: Asha Nair, Ravi Kumar · in charge: Meera Nair``."""
    found = [known.students[id].name for id in team.members if id in known.students]
    members = "No members listed"
    if found:
        members = f"{widgets.counted(len(found), 'member')}: {', '.join(found)}"
    staff = ", ".join(names.get(id, id) for id in team.staff)
    return f"{members} · in charge: {staff}" if staff else members


def _staff_names(shared: Services) -> dict[str, str]:
    found = shared.cached(Scope.ACCOUNTS, "accounts", lambda: find_accounts(shared.db))
    return {account.id: account.name for account in found if account.active}


def _ask(dialog: str, team: Team | None) -> None:
    st.session_state[_OPEN] = (dialog, team)
    st.rerun()


def _close(said: str) -> None:
    st.session_state[_SAID] = said
    st.rerun()


def _begin(team: Team | None) -> None:
    state = st.session_state
    state[_NAME] = team.name if team else ""
    state[_CLASS] = (team.class_name if team else "") or None
    state[_MEMBERS] = list(team.members) if team else []
    state[_STAFF] = list(team.staff) if team else []


def _edit(shared: Services, team: Team | None) -> None:
    known: Reference = shared.reference()
    students, names = known.students, _staff_names(shared)
    listed = team.members if team else ()
    st.text_input(
        "Name", key=_NAME, persist_state="session", max_chars=120, placeholder="U14 girls"
    )
    classes = list(classes_of(students.values()))
    if team and team.class_name and team.class_name not in classes:
        classes.append(team.class_name)
    st.selectbox(
        "Class",
        classes,
        index=None,
        key=_CLASS,
        persist_state="session",
        placeholder="Several classes",
    )
    st.multiselect(
        "Members",
        [id for id, one in students.items() if one.active or id in listed],
        key=_MEMBERS,
        persist_state="session",
        format_func=lambda id: f"{students[id].name} · {students[id].class_name} · {id}",
        placeholder="Name, class or roll number",
        max_selections=_MOST_MEMBERS,
        select_all=False,
    )
    in_charge = {**names, **{id: id for id in (team.staff if team else ()) if id not in names}}
    st.multiselect(
        "Staff in charge",
        list(in_charge),
        key=_STAFF,
        persist_state="session",
        format_func=lambda id: f"{in_charge[id]} · {id}",
        placeholder="Name",
        select_all=False,
    )
    saved = confirmation.show(
        shared,
        ("Back", "admin.teams.back"),
        ("Save", "admin.teams.save"),
        lambda by: _save(shared, team, by),
    )
    if saved:
        _close(f"{st.session_state[_NAME].strip()} is saved.")


def _save(shared: Services, team: Team | None, by: Actor) -> Team:
    """Saves the form. Raises InvalidRequest with the name of a wrong field, and others."""
    state = st.session_state
    name, members, staff = state[_NAME], tuple(state[_MEMBERS]), tuple(state[_STAFF])
    class_name = state[_CLASS] or ""
    if team is None:
        return add_team(shared.db, name, members, class_name=class_name, staff=staff, by=by)
    wanted = Team(team.id, name, members, class_name, staff)
    return save_team(shared.db, wanted, by=by, was=team)


@st.dialog("Remove this team?")
def _remove(shared: Services, team: Team) -> None:
    st.markdown(f"**{formats.literal(team.name)}**")
    st.caption("Book does not offer it any more. Its bookings stay, with its name.")
    removed = confirmation.show(
        shared,
        ("Keep it", "admin.teams.remove.keep"),
        ("Remove team", "danger_admin.teams.remove"),
        lambda by: remove_team(shared.db, team.id, by=by),
    )
    if removed:
        _close(f"{team.name} is removed.")
