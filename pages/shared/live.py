"""Live updates of a screen: push, polling as the fallback, and the line that shows the state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date as Date
from datetime import datetime

import streamlit as st
from streamlit_autorefresh import st_autorefresh

from booking_core import StoreUnavailable
from pages.shared import elements, session, words
from pages.shared.services import Services


def fragment(
    shared: Services,
    key: str,
    draw: Callable[[], datetime | None],
    *,
    date: Callable[[], Date | None] = lambda: None,
) -> None:
    """Draws a part of a screen, and again at each change of ``date()`` (None: of any day).

    ``draw`` returns when the part looks different next by the clock alone, or None.
    """

    @st.fragment(key=key)
    def live() -> None:
        keep(shared, key, draw, date())

    live()


def keep(
    shared: Services, key: str, draw: Callable[[], datetime | None], date: Date | None = None
) -> None:
    """Draws, and reruns the fragment or dialog around it at each change of ``date``."""
    session.check(shared)
    # Read before the drawing reads anything: a change in between costs one more rerun.
    version = shared.version(date)
    turns_at = None
    # In a container, so that the elements below keep their place whatever is drawn: the polling
    # fragment reruns alone, and the browser looks for it where it was.
    with st.container():
        try:
            turns_at = draw()
        except StoreUnavailable as exc:  # for data that was never read before
            st.error(words.literal(words.error(exc)), icon=":material/cloud_off:")
    # Last, because these take the room of a line; reached also when ``draw`` returned early.
    day = date and date.isoformat()
    mode = elements.pulse(
        shared.heartbeat()
        | {
            "version": version,
            "date": day,
            "turns_at": turns_at and int(turns_at.timestamp() * 1000),
        },
        key=f"{key}.pulse",
    )
    settings = shared.settings
    if mode is None:  # the live client has not reported yet, or its script did not load
        st_autorefresh(interval=settings.alone_seconds * 1000, key=f"{key}.first")
    if mode in (None, "hidden"):  # the live client of a hidden window polls when it is shown
        return

    # A fragment of its own, so that a poll without news draws nothing but itself.
    @st.fragment
    def poll() -> None:
        session.check(shared)  # an idle session ends by the clock, without any event
        seconds = settings.floor_seconds if mode == "push" else settings.alone_seconds
        st_autorefresh(interval=seconds * 1000, key=f"{key}.floor")
        current = shared.version(date)
        if mode != "push" or current != version:
            news = shared.heartbeat() | {"version": current, "date": day}
            elements.nudge(news, key=f"{key}.nudge")

    poll()


def line(shared: Services) -> None:
    """The state in a word, a dot in its colour, and the time; the browser updates the line."""
    elements.live_line(
        shared.heartbeat() | {"live": shared.is_live, "zone": shared.settings.time_zone}
    )
