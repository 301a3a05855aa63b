"""What waits for the user, with its number on every screen: requests and unread notices."""

from __future__ import annotations

import streamlit as st

from booking_core import Booking, Notice, StoreUnavailable, notices_for, pending_queue
from booking_core.live import Scope
from pages.shared.components import elements
from pages.shared.live import screen_user
from pages.shared.live.runtime import Services
from pages.shared.live.session_cache import Person
from pages.shared.text import formats

LIMIT = 200  # requests that a screen shows and counts
NOTICES = 50  # notices that a screen shows and counts
_NUMBER, _UNREAD = "waiting.number", "waiting.unread"


def requests(shared: Services) -> list[Booking]:
    """The requests that wait, the oldest slot first; one more than LIMIT if there are more.

    Raises StoreUnavailable.
    """
    return shared.cached(Scope.BOOKINGS, "queue", lambda: pending_queue(shared.db, limit=LIMIT + 1))


def number(shared: Services) -> str:
    """``3``, ``200+``, or "" if nothing waits; the last known number while it cannot be read."""
    try:
        count = len(requests(shared))
    except StoreUnavailable:
        last: str = st.session_state.get(_NUMBER, "")
        return last
    st.session_state[_NUMBER] = formats.up_to(count, LIMIT) if count else ""
    return str(st.session_state[_NUMBER])


def notices(shared: Services, reader: str) -> list[Notice]:
    """The unread notices to the account ``reader``, newest first; one more than NOTICES if there
    are more. Raises StoreUnavailable."""
    return shared.cached(
        Scope.NOTICES,
        ("notices", reader),
        lambda: notices_for(shared.db, reader, limit=NOTICES + 1),
    )


def unread(shared: Services, reader: str) -> str:
    """As ``number``, of the unread notices."""
    try:
        count = len(notices(shared, reader))
    except StoreUnavailable:
        last: str = st.session_state.get(_UNREAD, "")
        return last
    st.session_state[_UNREAD] = formats.up_to(count, NOTICES) if count else ""
    return str(st.session_state[_UNREAD])


def show(shared: Services, title: str, person: Person) -> None:
    """Keeps the numbers true in the navigation, and in the window's title of the screen ``title``.

    To be called within the sidebar, in every run of a user.
    """
    decides, reader = person.decides, person.account.id

    @st.fragment(key="waiting")
    def part() -> None:
        screen_user.check(shared)
        version = shared.version()  # before the number, as in ``fragment.keep``
        waits, told = number(shared) if decides else "", unread(shared, reader)
        before = f"({waits or told}) " if waits or told else ""
        st.set_page_config(page_title=f"{before}{title} · Ground booking")
        data = {"number": waits, "notices": told, "version": version}
        elements.waiting(data, key="waiting.badge")

    part()
