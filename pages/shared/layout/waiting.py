"""What waits for the user, with its number on every screen: requests and unread notices."""

from __future__ import annotations

from collections.abc import Sequence

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
    """``3``, ``200+``, or "" if nothing waits for a decision; the last known number while it cannot
    be read."""
    try:
        found = requests(shared)
    except StoreUnavailable:
        last: str = st.session_state.get(_NUMBER, "")
        return last
    count = counted(found)
    st.session_state[_NUMBER] = "" if count == formats.number(0) else count
    return str(st.session_state[_NUMBER])


def counted(found: Sequence[Booking]) -> str:
    """How many of the ``requests`` wait for a decision, such as ``3`` or ``200+``.

    Those that wait for the answer of their author are left out.
    """
    decided_next = sum(one.asked is None for one in found[:LIMIT])
    return formats.number(decided_next) + ("+" if len(found) > LIMIT else "")


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
