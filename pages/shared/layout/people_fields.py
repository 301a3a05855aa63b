"""The fields of the people of a booking, the same on Book and in the dialogs of a booking."""

from __future__ import annotations

import streamlit as st

from booking_core import Account, PartyFields, Reference, find_accounts
from booking_core.live import Scope
from pages.shared.components import fields
from pages.shared.components.party_box import party_box, request_fields
from pages.shared.live.runtime import Services

_MOST_MORE = 11  # students beside the first


def more_students(known: Reference, chosen: str, key: str) -> None:
    """Draws the choice of students beside the ``chosen`` one."""
    state = st.session_state
    state[key] = [id for id in state.get(key) or () if id in known.students and id != chosen]
    offered = [
        s.id for s in known.students.values() if (s.active or s.id in state[key]) and s.id != chosen
    ]
    st.multiselect(
        "More students (optional)",
        format_func=lambda id: f"{known.student(id).name} · {known.student(id).class_name} · {id}",
        max_selections=_MOST_MORE,
        select_all=False,
        placeholder="Name or class",
        **fields.pressed(key, offered),
    )


def supervisor(shared: Services, key: str) -> None:
    """Draws the choice of a supervisor."""
    found = {account.id: account for account in accounts(shared)}
    st.session_state.setdefault(key, None)
    st.selectbox(
        "Supervisor (optional)",
        format_func=lambda id: f"{found[id].name} · {id}",
        placeholder="Who is there",
        **fields.chosen(key, list(found)),
    )


def of_booking(shared: Services, prefix: str) -> PartyFields | None:
    """Draws the party, more students and the supervisor of a booking; None without a party.

    Their keys are ``prefix`` and ``party``, ``more``, ``supervisor``.
    """
    known, state = shared.reference(), st.session_state
    chosen = party_box(known, key=f"{prefix}party")
    is_student = chosen is not None and chosen in known.students
    if is_student:
        more_students(known, str(chosen), f"{prefix}more")
    supervisor(shared, f"{prefix}supervisor")
    if chosen is None:
        return None
    more = state.get(f"{prefix}more") or () if is_student else ()
    return request_fields(chosen, more, state.get(f"{prefix}supervisor"))


def accounts(shared: Services) -> list[Account]:
    """The accounts that can be a supervisor."""
    found = shared.cached(Scope.ACCOUNTS, "accounts", lambda: find_accounts(shared.db))
    return [account for account in found if account.active]
