"""Today's grounds, for a display on a wall: no sign-in, no names of students unless allowed.

The address may say more: ``?ground=ID`` shows that ground alone, ``?show=none`` less of the
bookings, ``?theme=light`` light colours.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import streamlit as st
from streamlit_autorefresh import st_autorefresh

from booking_core import DayPlan, StoreUnavailable, may_show
from pages.shared import elements, live, services, wall_view, words

AHEAD = 15  # days; where a holiday is longer, the wall says only that the grounds are closed

shared = services.start()
# Nothing but the wall: nothing to tab to, nothing to shine through, such as a skeleton while the
# page loads. That the server is away, and since when, the wall says itself; a fault shows.
st.html(
    """<style>
    .stSidebar, .stAppHeader, .stDialog { display: none }
    .stElementContainer { visibility: hidden } .stAlert { visibility: visible }
    </style>"""
)


def today() -> datetime | None:
    """Draws the wall; the next moment at which it looks different by the clock alone."""
    now = shared.now()
    settings = shared.settings
    asked = st.query_params
    payload = wall_view.frame(
        now,
        shared.alive_at,
        _note(),
        theme=asked.get("theme"),
        address=wall_view.address_of_book(settings.public_url, st.context.url),
    )
    change = None
    try:
        if shared.db is None:
            payload["empty"] = _starting()
        else:
            board = shared.boards.get(now.date(), now)
            payload |= wall_view.day(
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
            change = board.turns_at()
    except StoreUnavailable as exc:
        payload["empty"] = ["Not connected", words.error(exc)]
    elements.wall(payload, key="wall.display")
    return change


def _ahead(now: datetime) -> Iterator[DayPlan]:
    """The days to come, without what is closed; a board is read only of days that are asked for."""
    for n in range(1, AHEAD):
        date = now.date() + timedelta(days=n)
        try:
            yield wall_view.open_plan(shared.boards.get(date, now))
        except StoreUnavailable:  # never read, and the database is away
            yield shared.reference().plan(date)


def _note() -> str:
    school = shared.settings.school_name
    if shared.db is not None and shared.reference().demo:
        return f"Demo data: {school}"
    return school


def _starting() -> list[str]:
    problem = shared.problem
    text = "The database is starting." if problem is None else words.error(problem)
    return ["Not connected yet", text]


@st.fragment
def served() -> None:
    """Tells the display that Streamlit still serves it, also while nothing happens for hours.

    Push has a connection of its own: it may live on where no drawing comes through any more.
    """
    st_autorefresh(interval=wall_view.SERVED_SECONDS * 1000, key="wall.served")
    day = shared.now().date()
    told = {"version": shared.version(day), "date": day.isoformat()}
    elements.nudge(shared.heartbeat() | told, key="wall.served.nudge")


live.fragment(shared, "wall", today, date=lambda: shared.now().date())
served()
