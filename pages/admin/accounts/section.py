"""The section for accounts: the list, and the dialog that is open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from booking_core import Account, BookingError, find_accounts, get_account, may
from booking_core.live import Scope
from pages.admin.accounts import dialogs
from pages.shared.components import elements, fields
from pages.shared.live import fragment, url_state
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages

_ASKED = "admin.accounts.asked"
_SEARCH_FROM = 12  # a longer list has a search field
_FIND = "admin.accounts.find"
_LONGEST_SEARCH = 120  # characters
PARAMETERS = ("find",)


def adopt(values: Mapping[str, str]) -> None:
    """Searches for what the address names."""
    st.session_state[_FIND] = values.get("find", "")


def show(shared: Services) -> None:
    """Draws the section."""
    st.session_state.setdefault(_FIND, "")
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.caption("Who may sign in, and as what.", width="content")
        if st.button(
            "Add account", key="admin.accounts.add", type="primary", icon=":material/person_add:"
        ):
            dialogs.add(shared)
    fragment.live(shared, "admin.accounts", lambda: _list(shared))
    action, account_id = st.session_state.pop(_ASKED, ("", ""))
    if action:
        account = _read(shared, account_id)
        if account is not None:
            # Reruns of the dialog get the same value, so a save detects that the account has
            # changed since the dialog opened.
            dialogs.open_dialog(action, shared, account)


def _list(shared: Services) -> None:
    found = shared.cached(Scope.ACCOUNTS, "accounts", lambda: find_accounts(shared.db))
    url_state.write({"section": "accounts", "find": st.session_state[_FIND]})
    if not found:
        with st.container(border=True, key="card_accounts_empty"):
            st.markdown("##### No accounts yet")
            st.caption("Add one for everybody who books, decides or looks after the grounds.")
        return
    admins = [account for account in found if account.active and may("administer", account.actor)]
    if len(admins) == 1:
        st.caption(
            f":material/info: {formats.literal(admins[0].name)} is the only admin, and so cannot "
            "be disabled. Add a second one, in case the first cannot come."
        )
    if not any(account.active and may("approve", account.actor) for account in found):
        st.caption(
            ":material/info: Nobody decides on requests yet: add an account for the principal."
        )
    shown = found
    if len(found) > _SEARCH_FROM:
        text = st.text_input(
            "Find",
            placeholder="Name, sign-in name or e-mail",
            label_visibility="collapsed",
            max_chars=_LONGEST_SEARCH,
            **fields.typed(_FIND),
        )
        shown = [account for account in found if _matches(account, text)]
        if not shown:
            st.caption("No account matches. Clear the field to see all of them.")
            return
    # Disabled accounts come last, because they are needed least.
    shown = sorted(shown, key=lambda account: not account.active)
    acted = elements.action_list(
        {
            "caption": "Accounts, by name",
            "columns": ["Name", "Role", "E-mail", "State"],
            "rows": [_row(account) for account in shown],
            "bulk": [],
            "kind": "wide",
            "live": shared.is_live,
        },
        key="admin.accounts.list",
    )
    if acted is not None:
        st.session_state[_ASKED] = (acted["action"], acted["ids"][0])
        st.rerun()


def _matches(account: Account, text: str) -> bool:
    text = text.strip().casefold()
    return any(
        text in (value or "").casefold() for value in (account.name, account.id, account.email)
    )


def _row(account: Account) -> dict[str, Any]:
    about = f"{account.name} ({account.id})"
    actions = [{"name": "change", "label": "Change…", "tone": "", "about": f"Change: {about}"}]
    if account.has_second_factor:
        about_code = f"Reset the second factor: {about}"
        actions.append(
            {"name": "second_factor", "label": "Phone lost…", "tone": "", "about": about_code}
        )
    if account.active:
        actions += [
            {"name": "reset", "label": "Password…", "tone": "", "about": f"New password: {about}"},
            {"name": "disable", "label": "Disable…", "tone": "no", "about": f"Disable: {about}"},
        ]
        state = ["Active", _sign_in_method(account), "chip"]
    else:
        actions += [
            {"name": "enable", "label": "Enable…", "tone": "", "about": f"Enable: {about}"},
            {"name": "erase", "label": "Erase…", "tone": "no", "about": f"Erase: {about}"},
        ]
        state = ["Disabled", "may not sign in", "chip closed"]
    return {
        "id": account.id,
        "about": about,
        "selectable": False,
        "cells": [
            [account.name, account.id, ""],
            [account.role.value.capitalize(), "", ""],
            [account.email or "", "", ""],
            state,
        ],
        "actions": actions,
    }


def _sign_in_method(account: Account) -> str:
    if account.must_change:
        return "one-time password"
    if account.has_password:
        return "password and code" if account.has_second_factor else "password"
    return "by e-mail only" if account.email else "no password"


def _read(shared: Services, account_id: str) -> Account | None:
    """The account as stored now; None, with a message on the screen, if it cannot be read."""
    try:
        return get_account(shared.db, account_id)
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)))
        return None
