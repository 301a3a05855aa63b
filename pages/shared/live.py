"""What keeps a screen true: push, the timer as its floor, and the line that says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date as Date
from datetime import datetime

import streamlit as st
from streamlit_autorefresh import st_autorefresh

from booking_core import StoreUnavailable
from pages.shared import elements, words
from pages.shared.services import Services


def fragment(
    shared: Services,
    key: str,
    draw: Callable[[], datetime | None],
    *,
    date: Callable[[], Date | None] = lambda: None,
) -> None:
    """Draws a part of a screen, and again at each change of ``date()`` (None: of any day).

    ``draw`` answers when the picture changes next without a booking, or None.
    """

    @st.fragment(key=key)
    def live() -> None:
        keep(shared, key, draw, date())

    live()


def keep(
    shared: Services, key: str, draw: Callable[[], datetime | None], date: Date | None = None
) -> None:
    """Draws, and reruns the fragment or dialog around it at each change of ``date``."""
    # Taken before the drawing reads anything: what changes in between is news once more.
    version = shared.version(date)
    turns_at = None
    # In a container, however much it draws: the floor below is a fragment that reruns at the place
    # where it once was, and a place that a shorter drawing does not have ends the whole page.
    with st.container():
        try:
            turns_at = draw()
        except StoreUnavailable as exc:  # of what was never read before
            st.error(words.literal(words.error(exc)), icon=":material/cloud_off:")
    # Last, because these take a line's room; reached also when ``draw`` returned early.
    day = date and date.isoformat()
    mode = elements.pulse(
        shared.sign_of_life()
        | {
            "version": version,
            "date": day,
            "turns_at": turns_at and int(turns_at.timestamp() * 1000),
        },
        key=f"{key}.pulse",
    )
    settings = shared.settings
    if mode is None:  # the pulse has not spoken yet, or its script never came: draw all the same
        st_autorefresh(interval=settings.alone_seconds * 1000, key=f"{key}.first")
    if mode in (None, "hidden"):  # nobody looks; the pulse asks when somebody does
        return

    # A fragment of its own, so that a tick with nothing new draws nothing but itself.
    @st.fragment
    def floor() -> None:
        seconds = settings.floor_seconds if mode == "push" else settings.alone_seconds
        st_autorefresh(interval=seconds * 1000, key=f"{key}.floor")
        current = shared.version(date)
        if mode != "push" or current != version:
            told = shared.sign_of_life() | {"version": current, "date": day}
            elements.nudge(told, key=f"{key}.nudge")

    floor()


def line(shared: Services) -> None:
    """The word, its dot and the time, in the colour of the state; the browser keeps it going."""
    elements.live_line(
        shared.sign_of_life() | {"live": shared.is_live, "zone": shared.settings.time_zone}
    )
