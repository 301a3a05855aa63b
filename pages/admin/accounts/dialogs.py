"""The dialogs of the admin section for accounts: add, change, disable, enable, resets, erase."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from booking_core import (
    Account,
    Actor,
    BookingError,
    InvalidRequest,
    Role,
    account_erasure_of,
    add_account,
    change_account,
    erase_account,
    reset_password,
    reset_second_factor,
)
from booking_core.sessions import one_time_password
from pages.shared.auth import session
from pages.shared.layout import confirmation
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages

_SECRET = "admin.accounts.secret"
_ROLES = {
    Role.STAFF: "Staff: books, and changes what they booked",
    Role.PRINCIPAL: "Principal: decides, closes grounds",
    Role.ADMIN: "Admin: looks after everything but decisions",
}


@st.dialog("Add account")
def _add(shared: Services) -> None:
    if _secret_shown("Add another"):
        return
    with st.form("admin.accounts.new", border=False):
        name = st.text_input("Full name", max_chars=120, placeholder="Meera Nair")
        account_id = st.text_input("Sign-in name", max_chars=64, placeholder="meera")
        role = st.selectbox("Role", list(_ROLES), format_func=_ROLES.__getitem__)
        email = st.text_input(
            "E-mail (optional)",
            max_chars=254,
            help="By which Google, Microsoft or Keycloak knows them.",
        )
        with_password = st.checkbox(
            "Make a one-time password",
            value=True,
            help="Not needed where everybody signs in with Google, Microsoft or Keycloak.",
        )
        back, sent = _submit_buttons("Add account")
    if back:
        st.rerun()
    if not sent:
        return
    names = (account_id, name, shared.settings.school_name)
    password = one_time_password(*names) if with_password else None

    def add() -> None:
        account = Account(account_id, name, role, email or None, must_change=with_password)
        made = add_account(shared.db, account, password=password, by=session.actor())
        if password is not None:
            st.session_state[_SECRET] = (made.name, made.id, password)

    if _done(shared, add, "" if with_password else "Account added."):
        st.rerun(scope="fragment" if with_password else "app")


@st.dialog("Change account")
def _change(shared: Services, account: Account) -> None:
    st.caption(f"Sign-in name: {formats.literal(account.id)}")
    with st.form("admin.accounts.changed", border=False):
        name = st.text_input("Full name", account.name, max_chars=120)
        roles = list(_ROLES)
        role = st.selectbox(
            "Role", roles, roles.index(account.role), format_func=_ROLES.__getitem__
        )
        email = st.text_input("E-mail (optional)", account.email or "", max_chars=254)
        st.caption("With another role they are signed out everywhere, and sign in again.")
        back, sent = _submit_buttons("Save")
    if back:
        st.rerun()
    if not sent:
        return

    def change() -> None:
        change_account(
            shared.db,
            account.id,
            name=name,
            role=role,
            email=email or None,
            by=session.actor(),
            was=account,
        )

    if _done(shared, change, "Account changed."):
        st.rerun()


@st.dialog("Disable this account?")
def _disable(shared: Services, account: Account) -> None:
    is_own = account.id == session.actor().id
    start = "This is your own account. You are" if is_own else f"{formats.literal(account.name)} is"
    st.markdown(
        f"{start} signed out everywhere at once, and cannot sign in until an admin enables the "
        "account again. Bookings and their history stay as they are."
    )
    reason = st.text_input(
        "Reason (optional)", key="admin.accounts.reason", max_chars=500, placeholder="Left in June"
    )

    def disable(by: Actor) -> None:
        change_account(shared.db, account.id, active=False, reason=reason, by=by, was=account)

    if _confirmed(shared, "Keep it", "Disable account", disable, "Account disabled.", danger=True):
        st.rerun()


@st.dialog("Enable this account?")
def _enable(shared: Services, account: Account) -> None:
    st.markdown(
        f"{formats.literal(account.name)} may sign in again as {account.role.value}, with the "
        "password of before."
    )

    def enable(by: Actor) -> None:
        change_account(shared.db, account.id, active=True, by=by, was=account)

    if _confirmed(shared, "Back", "Enable account", enable, "Account enabled."):
        st.rerun()


@st.dialog("New password")
def _reset(shared: Services, account: Account) -> None:
    if _secret_shown():
        return
    st.markdown(
        f"{formats.literal(account.name)} gets a one-time password and is signed out everywhere at "
        "once. The password of before works no longer."
    )

    def reset(by: Actor) -> None:
        password = reset_password(shared.db, account.id, by=by)
        st.session_state[_SECRET] = (account.name, account.id, password)

    if _confirmed(shared, "Back", "Make a one-time password", reset, ""):
        st.rerun(scope="fragment")


@st.dialog("Reset the second factor?")
def _reset_second_factor(shared: Services, account: Account) -> None:
    if account.id == session.actor().id:
        st.markdown(
            "This is your own account. Turn your second factor off, or set it up on another phone, "
            "by the link “Second factor” below your name."
        )
        return
    st.markdown(
        f"For a lost phone. {formats.literal(account.name)} is signed out everywhere at once, and "
        "signs in with the password alone until a second factor is set up again. Make sure that "
        "it is really they who ask."
    )

    def reset(by: Actor) -> None:
        reset_second_factor(shared.db, account.id, by=by)

    if _confirmed(
        shared, "Back", "Reset second factor", reset, "Second factor reset.", danger=True
    ):
        st.rerun()


@st.dialog("Erase this account?")
def _erase(shared: Services, account: Account) -> None:
    st.markdown(f"**{formats.literal(account.name)}** · {formats.literal(account.id)}")
    try:
        found = account_erasure_of(shared.db, account.id, by=session.actor())
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)))
        return
    st.markdown(
        "Name, sign-in name and e-mail address are erased for good, here, in bookings and in the "
        "audit log. A pseudonym such as “Former staff 3f2a19c4” stays in their place, the same one "
        "everywhere."
    )
    if found.bookings:
        many = f"{formats.number(found.bookings)} bookings"
        kept = "1 booking" if found.bookings == 1 else many
        ahead = f", {formats.number(found.ahead)} of them ahead" if found.ahead else ""
        if found.bookings == 1 and found.ahead:
            ahead = ", which is ahead"
        st.caption(f"Kept under the pseudonym: {kept}{ahead}.")
    if found.elsewhere:
        place = "1 place" if found.elsewhere == 1 else f"{formats.number(found.elsewhere)} places"
        st.warning(
            f"The full name or the sign-in name also stands in {place}: in purposes and reasons "
            "of bookings, closures and changes. Those stay as they are.",
            icon=":material/edit_note:",
        )
    st.markdown("**This cannot be undone.**")
    typed = st.text_input(
        "Type the sign-in name to confirm", key=f"admin.accounts.typed.{account.id}", live=True
    )

    def erase(by: Actor) -> None:
        erase_account(shared.db, account.id, by=by)

    if _confirmed(
        shared,
        "Back",
        "Erase for good",
        erase,
        "Account erased.",
        danger=True,
        disabled=typed.strip() != account.id,
    ):
        st.rerun()


_DIALOGS: dict[str, Callable[[Services, Account], None]] = {
    "change": _change,
    "disable": _disable,
    "enable": _enable,
    "reset": _reset,
    "second_factor": _reset_second_factor,
    "erase": _erase,
}


def add(shared: Services) -> None:
    """Opens the dialog for a new account."""
    st.session_state.pop(_SECRET, None)
    _add(shared)


def open_dialog(action: str, shared: Services, account: Account) -> None:
    """Opens the dialog for ``action``: change, disable, enable, reset, second_factor or erase."""
    st.session_state.pop(_SECRET, None)
    _DIALOGS[action](shared, account)


def _secret_shown(again: str = "") -> bool:
    """Shows the one-time password that this dialog has made; False if there is none.

    ``again``: the label of a button for another account, if not empty.
    """
    made = st.session_state.get(_SECRET)
    if made is None:
        return False
    name, account_id, password = made
    st.markdown(
        f"Give this to {formats.literal(name)}. It is shown here only. It signs in once, within "
        "three days, and another one is chosen then."
    )
    for label, value in (("Sign-in name", account_id), ("One-time password", password)):
        st.caption(label)
        st.code(value, language=None)
    with st.container(horizontal=True, horizontal_alignment="right"):
        if again and st.button(again, key="admin.accounts.again"):
            st.session_state.pop(_SECRET, None)
            st.rerun(scope="fragment")
        if st.button("Done", key="admin.accounts.done", type="primary"):
            st.session_state.pop(_SECRET, None)
            st.rerun()
    return True


def _submit_buttons(label: str) -> tuple[bool, bool]:
    """Draws the two buttons of a form; whether "Back" and whether ``label`` was pressed."""
    with st.container(horizontal=True, horizontal_alignment="right"):
        return st.form_submit_button("Back"), st.form_submit_button(label, type="primary")


def _confirmed(
    shared: Services,
    back: str,
    label: str,
    write: Callable[[Actor], object],
    success: str,
    *,
    danger: bool = False,
    disabled: bool = False,
) -> bool:
    """Draws two buttons; True if the second was pressed and ``write`` raised no error."""
    is_done = confirmation.show(
        shared,
        (back, "admin.accounts.back"),
        (label, "danger_admin.accounts.do" if danger else "admin.accounts.do"),
        write,
        disabled=disabled,
        error=_error_text,
    )
    if is_done and success:
        st.toast(success, icon=":material/check:")
    return is_done


def _done(shared: Services, act: Callable[[], None], success: str) -> bool:
    """Runs ``act``; False, with its error shown in the dialog, if it raised one."""
    try:
        with shared.change():
            act()
    except BookingError as exc:
        st.error(formats.literal(_error_text(exc)), icon=":material/error:")
        return False
    if success:
        st.toast(success, icon=":material/check:")
    return True


def _error_text(exc: BookingError) -> str:
    if isinstance(exc, InvalidRequest) and exc.field == "id":
        return f"The sign-in name {exc.problem}."
    return messages.error(exc)
