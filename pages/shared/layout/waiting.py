"""What waits for the user, with its number on every screen: requests and unread notices."""

from __future__ import annotations

import streamlit as st

from booking_core import Booking, StoreUnavailable, pending_queue
from booking_core.live import Scope
from pages.shared.components import elements
from pages.shared.layout import bell
from pages.shared.live import screen_user
from pages.shared.live.runtime import Services
from pages.shared.live.session_cache import Person
from pages.shared.text import formats

LIMIT = 200  # requests that a screen shows and counts
_NUMBER = "waiting.number"


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


def show(shared: Services, title: str, person: Person) -> None:
    """Keeps the numbers true in the navigation, at the bell, and in the window's title of the
    screen ``title``.

    To be called within the sidebar, in every run of a user.
    """

    @st.fragment(key="waiting")
    def part() -> None:
        screen_user.check(shared)
        version = shared.version()  # before the number, as in ``fragment.keep``
        waits, told = number(shared) if person.decides else "", bell.number(shared)
        before = f"({waits or told}) " if waits or told else ""
        st.set_page_config(page_title=f"{before}{title} · Ground booking")
        data = {"number": waits, "notices": told, "version": version}
        elements.waiting(data, key="waiting.badge")

    part()
