"""Who acts in this browser, and what stands around every screen."""

from __future__ import annotations

from datetime import date as Date
from datetime import timedelta

import streamlit as st
from streamlit_autorefresh import st_autorefresh

from booking_core import Actor, ServerFailed
from booking_core.demo import DEMO_ACCOUNTS
from pages.shared import words
from pages.shared.services import Services

_KEY = "session.acting_as"
_FILTERS = frozenset(
    f"bookings.{name}" for name in ("dates", "ground", "status", "student", "class")
)
_FRAME = """<style>
.stMainBlockContainer { padding: 4rem clamp(1rem, 2.5vw, 2.25rem) 2rem; }
[class*="st-key-card_"] { background: light-dark(#ffffff, #16213a); }
</style>"""


def open_session(shared: Services) -> None:
    """What a new browser session starts with."""
    # Streamlit's wide layout leaves a hand's breadth on each side; the grid is worth it.
    st.html(_FRAME)
    st.session_state.setdefault(_KEY, DEMO_ACCOUNTS[0].id)
    # A widget's value is dropped when its page is left; writing it to itself keeps it.
    st.session_state[_KEY] = st.session_state[_KEY]


def actor() -> Actor:
    """The account chosen in the sidebar."""
    chosen = st.session_state[_KEY]
    return next(account for account in DEMO_ACCOUNTS if account.id == chosen)


def sidebar(shared: Services) -> None:
    names = {account.id: f"{account.name}, {account.role.value}" for account in DEMO_ACCOUNTS}
    with st.sidebar:
        st.selectbox(
            "Acting as", list(names), format_func=names.__getitem__, key=_KEY, on_change=_forget
        )
        if shared.db is not None and shared.reference().demo:
            st.info("This is demo data: a made-up school.", icon=":material/science:")


def demo_note(shared: Services) -> None:
    """On top of each screen, because the sidebar may be folded away."""
    if shared.reference().demo:
        st.caption(":material/science: Demo data: a made-up school, safe to try things on.")


def first_open_day(shared: Services) -> Date:
    """Today; or tomorrow, once today's last period has begun; or later, where the cut-off says."""
    now, known = shared.now(), shared.reference()
    policy, zone = known.policy, shared.settings.zone
    last = policy.last_date(now, zone)
    periods = known.plan(now.date()).periods
    begun = not periods or periods[-1].start <= now.time()
    date = now.date() + timedelta(days=1) if begun and policy.advance_days else now.date()
    while date < last and policy.is_cut_off(date, now, zone):
        date += timedelta(days=1)
    return date


def unreachable(shared: Services) -> None:
    """In place of any screen before the database was reached for the first time."""
    st.title("Not connected yet")
    if shared.problem is not None:
        st.error(words.literal(words.error(shared.problem)), icon=":material/cloud_off:")
        if not isinstance(shared.problem, ServerFailed):
            st.caption("This page goes on by itself as soon as the database answers.")
    else:
        st.info("Starting the database.", icon=":material/hourglass_top:")
    st_autorefresh(interval=2000, key="session.unreachable")


def _forget() -> None:
    """Another person sits down: nothing half-done of the last one is left."""
    for key in list(st.session_state):
        if key in _FILTERS:
            # Set, not removed: the browser would send a removed one again.
            st.session_state[key] = () if key == "bookings.dates" else None
        elif str(key).split(".", 1)[0] in ("book", "bookings", "approvals"):
            del st.session_state[key]
