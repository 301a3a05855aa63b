"""Who acts in this browser, and what stands around every screen."""

from __future__ import annotations

from datetime import date as Date
from datetime import timedelta

import streamlit as st
from streamlit_autorefresh import st_autorefresh

from booking_core import Actor, ServerFailed, StoreUnavailable
from pages.shared import elements, identity, services, words
from pages.shared.address import COOKIE, base
from pages.shared.people import Person, Ticket
from pages.shared.services import Services

_TICKET, _DRAWN, _WHOSE = "session.ticket", "session.drawn_for", "session.whose"
_BY_ITSELF = "session.by_itself"
_FILTERS = frozenset(
    f"bookings.{name}" for name in ("dates", "ground", "status", "student", "class")
)
_FRAME = """<style>
.stMainBlockContainer { padding: 4rem clamp(1rem, 2.5vw, 2.25rem) 2rem; }
[class*="st-key-card_"] { background: light-dark(#ffffff, #16213a); }
/* A title stands on one line with the live line and the screen's control. */
.stMain h1 { padding-block: .25rem; }
/* As tall with the buttons that come and go as without: the list below must not move. */
.st-key-head_approvals { min-height: 3rem; }
/* Streamlit draws captions too faint to read, at 0.6 of the text; no theme option says so. */
[data-testid="stCaptionContainer"] { opacity: 1; color: light-dark(#5b6880, #aab6cf); }
/* The floor of the live updates is nothing to look at, and nothing to tab to. */
iframe[title^="streamlit_autorefresh"] { visibility: hidden; }
.stMain:focus-visible { outline: 3px solid #1f5fbf; outline-offset: -3px; }
/* A popover stands outside of the colour scheme that light-dark() goes by. */
[data-testid="stPopoverBody"] [data-testid="stCaptionContainer"] { color: inherit; }
/* The chosen one of several is written in the brand's blue, too dark on dark. */
.stButtonGroup [aria-checked="true"] p { color: light-dark(#173f8a, #a9c3ff); }
</style>"""


def open_session(shared: Services) -> Person | None:
    """Whoever this run of the screens is for; None for nobody that is let in.

    Raises StoreUnavailable while nobody can be looked up.
    """
    # Streamlit's wide layout leaves a hand's breadth on each side; the grid is worth it.
    st.html(_FRAME)
    state = st.session_state
    ticket = state[_TICKET] = _ticket()
    by_itself = state.pop(_BY_ITSELF, False)
    person = None if ticket is None or shared.db is None else shared.people.known(ticket)
    state[_DRAWN] = person
    if person is not None and ticket is not None:
        if state.setdefault(_WHOSE, person.account.id) != person.account.id:
            _forget()
            state[_WHOSE] = person.account.id
        if not by_itself:  # somebody pressed something
            shared.people.touch(ticket)
    return person


def actor() -> Actor:
    """Who acts, as the database says at this moment: ask anew whenever something is to be done.

    Where nobody is signed in any more the run ends here, and the screen leads to the door. Raises
    StoreUnavailable while nobody can be looked up.
    """
    shared, ticket = services.start(), _ticket()
    person = None
    if ticket is not None and shared.db is not None:
        try:
            person = shared.people.read(ticket)
        except StoreUnavailable:  # what is to be done will fail; what is shown may be shown
            person = shared.people.known(ticket)
    if person is None:
        st.rerun()
    shared.people.touch(ticket)
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
    ticket = _ticket()
    try:
        person = None if ticket is None else shared.people.known(ticket)
    except StoreUnavailable:
        return
    if person != drawn:
        rerun_by_itself()


def rerun_by_itself() -> None:
    """``st.rerun()`` of a screen that nobody has touched: keeps nobody signed in."""
    st.session_state[_BY_ITSELF] = True
    st.rerun()


def _ticket() -> Ticket | None:
    if identity.is_on():
        return identity.ticket()
    if not len(st.context.headers):
        # The browser has gone in the middle of this run: what it asked for is carried out.
        kept: Ticket | None = st.session_state.get(_TICKET)
        return kept
    token = st.context.cookies.get(COOKIE)
    return Ticket(token=token) if token else None


def sidebar(shared: Services, person: Person) -> None:
    """Who is signed in, and the ways out."""
    account = person.account
    with st.sidebar:
        elements.person(
            {
                "name": account.name,
                "role": account.role.value.capitalize(),
                "base": base(),
                "local": not identity.is_on(),
                "password": account.has_password and not identity.is_on(),
            }
        )
        if identity.is_on():
            st.button("Sign out", key="session.sign_out", on_click=st.logout)
        if shared.db is not None and shared.reference().demo:
            st.info("This is demo data: a made-up school.", icon=":material/science:")


def lead_away(to: str = "signin") -> None:
    """In place of any screen: to the door, and back to this address when it has opened."""
    elements.leave({"to": f"{base()}/{to}"})


def door(shared: Services) -> None:
    """In place of any screen, for nobody: the way in."""
    if not identity.is_on():
        lead_away()
        return
    ticket = identity.ticket()
    with st.container(border=True, width=420, key="card_door"):
        st.title("Sign in", anchor=False)
        if ticket is not None and not ticket.is_over:
            who = words.literal(identity.claimed())
            if not ticket.email:
                st.markdown(
                    f"The address {who} is not verified by its provider. "
                    f"Ask {words.literal(shared.settings.contact)} what to do."
                )
            else:
                st.markdown(
                    f"There is no account here for {who}. "
                    f"Ask {words.literal(shared.settings.contact)} for one."
                )
            st.button("Sign out", key="session.sign_out", on_click=st.logout)
            return
        st.caption(f"{words.literal(shared.settings.school_name)}: book sports grounds.")
        names = identity.providers()
        for name in names or ["default"]:
            st.button(
                f"Sign in with {name.capitalize()}" if names else "Sign in",
                key=f"session.sign_in.{name}",
                on_click=st.login,
                args=(name,) if names else (),
                type="primary",
                width="stretch",
            )


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
        elif str(key).split(".", 1)[0] in ("book", "bookings", "approvals", "reports", "admin"):
            del st.session_state[key]
