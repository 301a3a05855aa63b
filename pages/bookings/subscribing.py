"""The dialog that shows the addresses of calendars, and makes and revokes the user's secret one."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, urlsplit

import streamlit as st

from booking_core import Actor, BookingError
from booking_core.calendars import (
    calendar_address_made_at,
    make_calendar_address,
    revoke_calendar_address,
)
from pages.shared.auth import session
from pages.shared.live import screen_user
from pages.shared.live.address import CALENDARS, base
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages

_SECRET = "bookings.calendar.secret"  # of the address that this dialog has made
_CHOICE = "bookings.calendar.of"
_ASKED = "bookings.calendar.asked"  # what the user has to confirm: one of the two below
_REPLACE, _REVOKE = "replace", "revoke"
_OWN, _SCHOOL = "own", "school"
_PUBLIC = {
    "none": "when a ground is booked, requested or closed, and nothing else of a booking",
    "class": "the game and class of each booking and all closures, and no names of students",
    "student": "the game, students and class of each booking, and all closures",
}
_HOW = """
- **Google Calendar**, in a browser: beside “Other calendars” press +, then “From URL”.
- **Outlook**, in a browser: Calendar, “Add calendar”, “Subscribe from web”.
- **Apple Calendar**, on a Mac: File, “New Calendar Subscription”. On an iPhone or iPad: in
  Calendar, “Calendars”, “Add Calendar”, “Add Subscription Calendar”.
"""


def button(shared: Services) -> None:
    """Draws the button that opens the dialog."""
    pressed = st.button(
        "Calendar…",
        key="bookings.calendar",
        icon=":material/calendar_add_on:",
        help="Subscribe in your calendar",
        disabled=not shared.is_live,
    )
    if pressed:
        for key in (_SECRET, _ASKED, _CHOICE):
            st.session_state.pop(key, None)
        _dialog(shared)


@st.dialog("Subscribe in your calendar")
def _dialog(shared: Services) -> None:
    screen_user.check(shared)
    grounds = {g.id: g.name for g in shared.reference().open_grounds}
    choices = {_OWN: "My bookings", _SCHOOL: "All grounds"}
    chosen = st.selectbox(
        "Calendar",
        [*choices, *(f"ground:{id}" for id in grounds)],
        format_func=lambda one: choices.get(one) or grounds.get(one.partition(":")[2], ""),
        key=_CHOICE,
        persist_state="session",
    )
    try:
        if chosen == _OWN:
            is_shown = _own(shared)
        else:
            _public(shared, chosen.partition(":")[2])
            is_shown = True
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)), icon=":material/error:")
        return
    if is_shown:
        _how(shared)


def _public(shared: Services, ground_id: str) -> None:
    """The calendar of a ground, or of the school without one."""
    shows = shared.reference().policy.wall_shows
    st.markdown(f"It shows {_PUBLIC[shows]}: as much as the wall may. Reading it needs no sign-in.")
    path = f"grounds/{quote(ground_id, safe='')}.ics" if ground_id else "school.ics"
    st.code(_address(shared, path), language=None, wrap_lines=True)


def _own(shared: Services) -> bool:
    """The user's own calendar; whether its address is shown."""
    made_at = calendar_address_made_at(shared.db, by=session.actor())
    st.markdown(
        "It shows the bookings that you made and those that you supervise, with the names of their "
        "students. **Anyone who has the address can read it**: keep it to yourself."
    )
    secret = st.session_state.get(_SECRET)
    if secret is not None and made_at is not None:
        st.caption("The address of your calendar. It is shown here only, this once.")
        st.code(_address(shared, f"mine/{secret}.ics"), language=None, wrap_lines=True)
        return True
    if made_at is None:
        _act(shared, "Make an address", "bookings.calendar.make", _make)
        return False
    when = f"on {formats.moment(made_at, shared.settings.zone)}"
    asked = st.session_state.get(_ASKED)
    if asked is None:
        st.markdown(f"You made an address {when}. It cannot be shown again.")
        with st.container(horizontal=True, horizontal_alignment="right"):
            for label, what in (("Revoke…", _REVOKE), ("Replace…", _REPLACE)):
                st.button(label, key=f"bookings.calendar.{what}", on_click=_ask, args=(what,))
        return False
    st.markdown(
        f"The address that you made {when} ends at once: a calendar that has subscribed to it is "
        "not updated any more" + (", until it has the new address." if asked == _REPLACE else ".")
    )
    if asked == _REPLACE:
        _act(shared, "Replace the address", "danger_bookings.calendar.do", _make, is_asked=True)
    else:
        _act(shared, "Revoke the address", "danger_bookings.calendar.do", _revoke, is_asked=True)
    return False


def _ask(what: str | None) -> None:
    st.session_state[_ASKED] = what


def _act(
    shared: Services,
    label: str,
    key: str,
    write: Callable[[Services, Actor], None],
    *,
    is_asked: bool = False,
) -> None:
    """Draws the button of a change, and calls ``write`` at its press."""
    failed = st.empty()
    with st.container(horizontal=True, horizontal_alignment="right"):
        if is_asked:
            st.button("Keep it", key="bookings.calendar.keep", on_click=_ask, args=(None,))
        if not st.button(label, key=key, type="primary"):
            return
    try:
        by = session.actor()
        with shared.change():
            write(shared, by)
    except BookingError as exc:
        failed.error(formats.literal(messages.error(exc)), icon=":material/error:")
        return
    st.session_state.pop(_ASKED, None)
    st.rerun(scope="fragment")


def _make(shared: Services, by: Actor) -> None:
    st.session_state[_SECRET] = make_calendar_address(shared.db, by=by)


def _revoke(shared: Services, by: Actor) -> None:
    revoke_calendar_address(shared.db, by=by)
    st.session_state.pop(_SECRET, None)


def _how(shared: Services) -> None:
    st.caption("Copy the address, then add it to your calendar:")
    st.markdown(_HOW)
    reached = "" if shared.settings.public_url else " They must be able to reach this address."
    st.caption(
        f"Google and Outlook fetch it from the internet.{reached} Your calendar decides when it "
        "asks for changes: some ask once a day only."
    )


def _address(shared: Services, path: str) -> str:
    """The address of a calendar: below PUBLIC_URL, else where this screen was opened."""
    if (public := shared.settings.public_url) is not None:
        return f"{public.rstrip('/')}/{CALENDARS}/{path}"
    parts = urlsplit(st.context.url or "")
    return f"{parts.scheme}://{parts.netloc}{base()}/{CALENDARS}/{path}"
