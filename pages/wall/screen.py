"""The wall display: today's grounds, without sign-in, and without students' names unless allowed.

Query parameters: ``ground=ID`` shows one ground, ``show=none`` shows less of each booking,
``theme=light`` selects light colours.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import streamlit as st
from streamlit_autorefresh import st_autorefresh

from booking_core import DayPlan, StoreUnavailable, may_show
from pages.shared.components import elements
from pages.shared.live import fragment, logo, runtime, screen_user
from pages.shared.live.address import base
from pages.shared.text import formats, messages
from pages.wall import cards

AHEAD = 15  # days; in a longer holiday the wall names no date on which the grounds open

shared = runtime.start()
# Hides everything but the wall, such as skeletons while the page loads, also from the Tab key. The
# wall itself shows a lost connection. Errors stay visible.
st.html(
    """<style>
    .stSidebar, .stAppHeader, .stDialog { display: none }
    .stElementContainer { visibility: hidden } .stAlert { visibility: visible }
    </style>"""
)


def today() -> datetime | None:
    """Draws the wall; returns when the clock alone changes it next, or None."""
    now = shared.now()
    settings = shared.settings
    asked = st.query_params
    payload = cards.frame(
        now,
        shared.alive_at,
        _note(),
        theme=asked.get("theme"),
        address=cards.address_of_book(settings.public_url, st.context.url),
        grounds=shared.reference().open_grounds if shared.is_usable else (),
        only=asked.get("ground"),
        book=f"{base()}/book" if st.session_state.get(screen_user.DRAWN) else None,
    )
    if (shown := logo.shown(shared)) is not None:
        payload["logo"] = {"address": shown.address, "name": settings.school_name}
    change = None
    try:
        if not shared.is_usable:
            payload["empty"] = [*shared.not_connected()]
        else:
            board = shared.boards.get(now.date(), now)
            payload |= cards.day(
                board,
                may_show(shared.reference().policy.wall_shows, asked.get("show")),
                asked.get("ground"),
                _ahead(now),
            )
            if board.grounds and not shared.reference().timetables:
                payload["empty"] = [
                    "No timetable yet",
                    "The grounds appear as soon as there is one.",
                ]
            payload["term"] = formats.term_and_week(board.plan.term, board.plan.week)
            change = board.turns_at()
    except StoreUnavailable as exc:
        payload["empty"] = ["Not connected", messages.error(exc)]
    elements.wall(payload, key="wall.display")
    return change


def _ahead(now: datetime) -> Iterator[DayPlan]:
    """The plans of the next days, without closed periods; reads a board only when iterated."""
    for n in range(1, AHEAD):
        date = now.date() + timedelta(days=n)
        try:
            yield cards.open_plan(shared.boards.get(date, now))
        except StoreUnavailable:  # this day is not in the cache
            yield shared.reference().plan(date)


def _note() -> str:
    school = shared.settings.school_name
    if shared.is_usable and shared.reference().demo:
        return f"Demo data: {school}"
    return school


@st.fragment
def served() -> None:
    """Sends the display regular heartbeats through Streamlit.

    Push has a connection of its own, which may stay open after Streamlit's connection is lost.
    """
    st_autorefresh(interval=cards.SERVED_SECONDS * 1000, key="wall.served")
    day = shared.now().date()
    current = {"version": shared.version(day), "date": day.isoformat()}
    elements.poll(shared.heartbeat() | current, key="wall.served.poll")


fragment.live(shared, "wall", today, date=lambda: shared.now().date())
served()
