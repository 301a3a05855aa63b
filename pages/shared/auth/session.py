"""The user of this browser, and the elements around the content of every screen."""

from __future__ import annotations

from uuid import uuid4

import streamlit as st
from streamlit_autorefresh import st_autorefresh

from booking_core import Actor, ServerFailed, StoreUnavailable, may
from booking_core.sessions import must_set_up_second_factor
from pages.shared.auth import oidc
from pages.shared.components import elements
from pages.shared.live import logo, runtime, screen_user
from pages.shared.live.address import base
from pages.shared.live.runtime import Services
from pages.shared.live.session_cache import Person
from pages.shared.text import formats, messages

_OWNER = "session.owner"  # the account whose drafts the state holds
_NEW_RIGHTS = "session.new_rights"
_SESSION = "session.id"  # of Streamlit's session, which ends with the process
_RENEWED = "session.renewed"  # the browser has reported that its session is a new one
# First parts of the keys of the screens, of the address and of drafts.
_OF_USER = ("book", "bookings", "approvals", "reports", "admin", "url", "draft")
_FRAME = elements.ASSETS / "frame.css"
_LOGO_STYLE = (elements.ASSETS / "logo.css").read_text(encoding="utf-8")


def open_session(shared: Services) -> Person | None:
    """The signed-in user of this run; None without a session.

    Raises StoreUnavailable if the session cannot be read, or if this application is outdated.
    """
    st.html(_FRAME)
    if (outdated := shared.outdated) is not None:
        st.session_state.pop(screen_user.DRAWN, None)  # no user: the wall draws itself
        raise outdated
    state = st.session_state
    token = state[screen_user.TOKEN] = screen_user.token()
    is_automatic = state.pop(screen_user.AUTOMATIC, False)
    person = None if token is None or shared.db is None else shared.sessions.known(token)
    _note_new_rights(state.get(screen_user.DRAWN), person)
    state[screen_user.DRAWN] = person
    if person is not None and token is not None:
        if state.setdefault(_OWNER, person.account.id) != person.account.id:
            _remove_drafts()
            state[_OWNER] = person.account.id
        if not is_automatic:  # the user caused this run
            shared.sessions.touch(token)
    return person


def _note_new_rights(before: Person | None, now: Person | None) -> None:
    """Has ``announce`` say it if the role or the delegation of the same user has changed."""
    if before is None or now is None or before.account.id != now.account.id:
        return
    if (before.account.role, before.decides) != (now.account.role, now.decides):
        st.session_state[_NEW_RIGHTS] = True


def announce() -> None:
    """Says that the user's rights have changed; to be called at the end of a run.

    A run that leads on to another screen ends before, and would lose the message.
    """
    if st.session_state.pop(_NEW_RIGHTS, False):
        st.toast(messages.ROLE_CHANGED, icon=":material/badge:")


def actor() -> Actor:
    """The user as stored at this moment; to be called before every action.

    If the session has ended, or a second factor must be set up first, the run ends here and the
    next one redirects. Raises StoreUnavailable if the session was never read.
    """
    shared, token = runtime.start(), screen_user.token()
    person = None
    if token is not None and shared.db is not None:
        try:
            person = shared.sessions.read(token)
        except StoreUnavailable:  # the action will fail, but the screen can be shown
            person = shared.sessions.known(token)
    # The second factor: a screen may have been open when an admin asked for it.
    if person is None or token is None or must_set_up(shared, person):
        st.rerun()
    shared.sessions.touch(token)
    return person.account.actor


def must_set_up(shared: Services, person: Person) -> bool:
    """Whether the user sees no screen before a second factor is set up."""
    policy = shared.reference().policy
    return not oidc.is_on() and must_set_up_second_factor(person.account, policy)


def sidebar(shared: Services, person: Person) -> None:
    """The school, the user, the button to sign out, and links to the pages of the own account."""
    account = person.account
    st.html(f"<style>{_brand(shared)}</style>")
    if st.session_state.pop(_RENEWED, False):
        st.toast(messages.SESSION_RENEWED, icon=":material/restart_alt:", duration="infinite")
    with st.sidebar:
        elements.person(
            {
                "name": account.name,
                "role": account.role.value.capitalize(),
                "base": base(),
                "password": account.has_password and not oidc.is_on(),
                "second_factor": not oidc.is_on()
                and account.has_password
                and (account.has_second_factor or may("set up a second factor", account.actor)),
                "mail": shared.settings.smtp_host is not None,
                "session": st.session_state.setdefault(_SESSION, uuid4().hex),
            },
            on_new_session=lambda: st.session_state.update({_RENEWED: True}),
        )


def _brand(shared: Services) -> str:
    """The style of the top of the sidebar: the school's name, and its logo if there is one."""
    style = f".stSidebar {{ --school: {_css_text(shared.settings.school_name)} }}"
    if (shown := logo.shown(shared)) is None:
        return style
    size = f"--logo-width: {shown.width}; --logo-height: {shown.height}"
    return f"{style} .stSidebar {{ --logo: url({_css_text(shown.address)}); {size} }}" + _LOGO_STYLE


def _css_text(text: str) -> str:
    """``text`` as a string of CSS. Every character is escaped, so that none ends the string."""
    return '"' + "".join(f"\\{ord(char):06x}" for char in text) + '"'


def redirect(to: str = "signin") -> None:
    """Redirects the browser to the path ``to``, which redirects back to the present screen."""
    elements.leave({"to": f"{base()}/{to}"})


def unreachable(shared: Services) -> None:
    """Draws the screen while the database cannot be worked with, such as before it is reached."""
    title, text = shared.not_connected()
    st.title(title)
    if shared.outdated is not None or shared.problem is not None:
        st.error(formats.literal(text), icon=":material/cloud_off:")
        if shared.outdated is None and not isinstance(shared.problem, ServerFailed):
            st.caption("This page goes on by itself as soon as the database answers.")
    else:
        st.info(formats.literal(text), icon=":material/hourglass_top:")
    st_autorefresh(interval=2000, key="session.unreachable")


def _remove_drafts() -> None:
    """Removes what the previous user of this browser tab has typed and seen."""
    for key in list(st.session_state):
        if str(key).split(".", 1)[0] in _OF_USER:
            del st.session_state[key]
