"""Who is here, so which screens they see."""

import streamlit as st

from pages.shared import handing_on, services, session

st.set_page_config(
    page_title="Ground booking",
    page_icon=":material/sports_soccer:",
    layout="wide",
    initial_sidebar_state=264,
)
shared = services.start()
session.open_session(shared)


def home() -> None:
    """The address without a screen's name."""
    st.switch_page("book.py")


screens = [
    st.Page(home, title="Home", default=True, visibility="hidden"),
    st.Page("book.py", title="Book", icon=":material/calendar_add_on:"),
    st.Page("bookings.py", title="Bookings", icon=":material/list_alt:"),
    st.Page("approvals.py", title="Approvals", icon=":material/rule:"),
    st.Page("wall.py", title="Wall display", icon=":material/tv:"),
]
actor = session.actor()
role = actor.role
if not role.decides and not handing_on.has_in_hand(shared, actor):
    screens = [screen for screen in screens if screen.title != "Approvals"]
if role.closes:
    title = "Admin" if role.administers else "Closures"
    screens.append(st.Page("admin.py", title=title, icon=":material/settings:"))
screen = st.navigation(screens)
is_wall = screen.title == "Wall display"
if not is_wall:
    session.sidebar(shared)
if shared.db is None and not is_wall:  # the wall says it in its own way
    session.unreachable(shared)
else:
    screen.run()
