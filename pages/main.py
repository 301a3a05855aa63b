"""The navigation: the screens for the role of the signed-in user."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from booking_core import StoreUnavailable, may
from pages.book import draft
from pages.shared.auth import oidc, session
from pages.shared.layout import not_yours, waiting
from pages.shared.live import address, runtime, url_state
from pages.shared.live.session_cache import Person

st.set_page_config(
    # A file and not a Material icon: the browser would load that from another host.
    page_icon=str(Path(__file__).parent / "shared" / "components" / "assets" / "icon.svg"),
    layout="wide",
    initial_sidebar_state=264,
)
shared = runtime.start()


def home() -> None:
    """The screen at the base path: Approvals for a user who decides, while something waits."""
    decides = person is not None and person.decides
    st.switch_page(f"{'approvals' if decides and waiting.number(shared) else 'book'}/screen.py")


# Path -> title, icon, script. Without a session only the wall display is served; every other path
# shows sign-in.
SCREENS = {
    "book": ("Book", ":material/calendar_add_on:", "book/screen.py"),
    "bookings": ("Bookings", ":material/list_alt:", "bookings/screen.py"),
    "approvals": ("Approvals", ":material/rule:", "approvals/screen.py"),
    "reports": ("Reports", ":material/monitoring:", "reports/screen.py"),
    "wall": ("Wall display", ":material/tv:", "wall/screen.py"),
    "closures": ("Closures", ":material/block:", "admin/closures/screen.py"),
    "admin": ("Admin", ":material/settings:", "admin/screen.py"),
}


def screens_of(person: Person) -> list[st.Page]:
    """All screens; those that the user does not have say so, or lead to the one in their place."""
    by = person.account.actor
    administers, closes = may("administer", by), may("close", by)
    shown = {"book", "bookings", "reports", "wall"}
    if person.decides:
        shown.add("approvals")
    if closes:  # an admin closes grounds on Admin
        shown.add("admin" if administers else "closures")
    pages = {}
    for name in address.SCREENS:
        title, icon, script = SCREENS[name]
        if name in shown:
            pages[name] = st.Page(script, url_path=name, title=title, icon=icon)
            continue
        if name in ("admin", "closures") and closes:
            instead = partial(lead_on, pages, name)
        else:
            instead = partial(not_yours.show, shared, name, title)
        pages[name] = st.Page(instead, url_path=name, title=title, visibility="hidden")
    return [
        st.Page(home, title="Home", default=True, visibility="hidden"),
        st.Page(
            partial(not_yours.no_such_address, shared),
            url_path=address.MISSING,
            title="Not found",
            visibility="hidden",
        ),
        *pages.values(),
    ]


def lead_on(pages: dict[str, st.Page], name: str) -> None:
    """Opens Closures at the address of Admin for a principal, and the section for an admin."""
    if name == "admin":
        st.switch_page(pages["closures"])
    st.switch_page(pages["admin"], query_params={"section": "closures"})


def screens_without_session(instead: Callable[[], None]) -> list[st.Page]:
    return [
        st.Page(instead, title="Sign in", default=True),
        st.Page(instead, title="Sign in", url_path=address.MISSING),
    ] + [
        st.Page(script, url_path="wall", title=title)
        if name == "wall"
        else st.Page(instead, title=title, url_path=name)
        for name, (title, _, script) in SCREENS.items()
    ]


def sign_in() -> None:
    session.redirect()


def unreachable() -> None:
    session.unreachable(shared)


def new_password() -> None:
    session.redirect("password")


def second_factor() -> None:
    session.redirect("secondfactor")


person, instead = None, sign_in
try:
    person = session.open_session(shared)
except StoreUnavailable:
    instead = unreachable
if not shared.is_usable:
    person, instead = None, unreachable
elif person is not None and person.account.must_change and not oidc.is_on():
    person, instead = None, new_password
elif person is not None and session.must_set_up(shared, person):
    person, instead = None, second_factor

if person is None:
    screen = st.navigation(screens_without_session(instead), position="hidden")
else:
    screen = st.navigation(screens_of(person))
    url_state.enter(screen.title)
    if screen.title != "Book":
        draft.leave()
has_sidebar = person is not None and screen.title != "Wall display"
if person is not None and has_sidebar:
    session.sidebar(shared, person)
if person is not None and has_sidebar:
    with st.sidebar:
        waiting.show(shared, screen.title, person)
else:
    st.set_page_config(page_title=f"{screen.title} · Ground booking")
screen.run()
session.announce()
