"""Who acts in this browser, and what stands around every screen."""

from __future__ import annotations

from datetime import date as Date
from datetime import timedelta
from pathlib import Path

import streamlit as st
from streamlit_autorefresh import st_autorefresh

from booking_core import Actor, ServerFailed, StoreUnavailable
from booking_core.domain.timetable import at
from pages.shared import elements, identity, services, words
from pages.shared.address import COOKIE, base
from pages.shared.people import Person
from pages.shared.services import Services

_TOKEN, _DRAWN, _WHOSE = "session.token", "session.drawn_for", "session.whose"
_BY_ITSELF = "session.by_itself"
_FILTERS = frozenset(
    f"bookings.{name}" for name in ("dates", "ground", "status", "student", "class")
)
_FRAME = Path(__file__).parent / "assets" / "frame.css"


def open_session(shared: Services) -> Person | None:
    """Whoever this run of the screens is for; None for nobody that is let in.

    Raises StoreUnavailable while nobody can be looked up.
    """
    st.html(_FRAME)
    state = st.session_state
    token = state[_TOKEN] = _token()
    by_itself = state.pop(_BY_ITSELF, False)
    person = None if token is None or shared.db is None else shared.people.known(token)
    _tell_change(state.get(_DRAWN), person)
    state[_DRAWN] = person
    if person is not None and token is not None:
        if state.setdefault(_WHOSE, person.account.id) != person.account.id:
            _forget()
            state[_WHOSE] = person.account.id
        if not by_itself:  # somebody pressed something
            shared.people.touch(token)
    return person


def _tell_change(before: Person | None, now: Person | None) -> None:
    """Says so where the one who was here may do more or less than a moment ago."""
    if before is None or now is None or before.account.id != now.account.id:
        return
    if (before.account.role, before.decides) != (now.account.role, now.decides):
        st.toast(words.ROLE_CHANGED, icon=":material/badge:")


def actor() -> Actor:
    """Who acts, as the database says at this moment: ask anew whenever something is to be done.

    Where nobody is signed in any more the run ends here, and the screen leads to the door. Raises
    StoreUnavailable while nobody can be looked up.
    """
    shared, token = services.start(), _token()
    person = None
    if token is not None and shared.db is not None:
        try:
            person = shared.people.read(token)
        except StoreUnavailable:  # what is to be done will fail; what is shown may be shown
            person = shared.people.known(token)
    if person is None or token is None:
        st.rerun()
    shared.people.touch(token)
    return person.account.actor


def viewer() -> Actor:
    """Whoever this screen was drawn for: for what a live update shows, never for what is done.

    Asking is no activity and no query; ``check`` begins the screen anew when its person changes.
    """
    drawn: Person | None = st.session_state.get(_DRAWN)
    if drawn is None:
        st.rerun()
    return drawn.account.actor


def check(shared: Services) -> None:
    """In what redraws itself: begins the whole screen anew when its person left or changed.

    No activity, and no query while nothing has changed.
    """
    drawn: Person | None = st.session_state.get(_DRAWN)
    if drawn is None:  # the wall, which is for everybody
        return
    token = _token()
    try:
        person = None if token is None else shared.people.known(token)
    except StoreUnavailable:
        return
    if person != drawn:
        rerun_by_itself()


def rerun_by_itself() -> None:
    """``st.rerun()`` of a screen that nobody has touched: keeps nobody signed in."""
    st.session_state[_BY_ITSELF] = True
    st.rerun()


def _token() -> str | None:
    if not len(st.context.headers):
        # The browser has gone in the middle of this run: what it asked for is carried out.
        kept: str | None = st.session_state.get(_TOKEN)
        return kept
    return st.context.cookies.get(COOKIE) or None


def sidebar(shared: Services, person: Person) -> None:
    """Who is signed in, and the ways out."""
    account = person.account
    with st.sidebar:
        elements.person(
            {
                "name": account.name,
                "role": account.role.value.capitalize(),
                "base": base(),
                "password": account.has_password and not identity.is_on(),
            }
        )


def lead_away(to: str = "signin") -> None:
    """In place of any screen: to the door, and back to this address when it has opened."""
    elements.leave({"to": f"{base()}/{to}", "home": f"{base()}/"})


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
    begun = not periods or at(now.date(), periods[-1].start, zone).timestamp() <= now.timestamp()
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
        elif str(key).split(".", 1)[0] in ("book", "bookings", "approvals", "reports", "admin"):
            del st.session_state[key]
