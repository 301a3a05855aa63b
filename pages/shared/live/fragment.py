"""Live updates of a screen: push, the polling fallback, and the line that shows the state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date as Date
from datetime import datetime

import streamlit as st
from streamlit_autorefresh import st_autorefresh

from booking_core import StoreUnavailable
from pages.shared.components import elements
from pages.shared.live import screen_user
from pages.shared.live.days import Days
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages


def live(
    shared: Services,
    key: str,
    draw: Callable[[], datetime | None],
    *,
    date: Callable[[], Date | Days | None] = lambda: None,
) -> None:
    """Draws a part of a screen, and again at each change of the day or days ``date()``.

    None: of any day.

    ``draw`` returns when the clock alone changes the part next, or None.
    """

    @st.fragment(key=key)
    def part() -> None:
        keep(shared, key, draw, date())

    part()


def heartbeat(shared: Services, key: str) -> None:
    """Keeps the live line true on a screen without a live part."""
    live(shared, key, lambda: None)


def keep(
    shared: Services, key: str, draw: Callable[[], datetime | None], date: Date | Days | None = None
) -> None:
    """Calls ``draw``, and reruns the fragment or dialog around it at each change of ``date``."""
    screen_user.check(shared)
    # Read before the data: a change in between then causes a needless rerun, and is never missed.
    version = shared.version(date)
    changes_at = None
    # In a container, so that the components below keep their position whatever is drawn: the
    # polling fragment reruns alone, and the browser looks for it at its previous position.
    with st.container():
        try:
            changes_at = draw()
        except StoreUnavailable as exc:  # for data that is not in the cache
            st.error(formats.literal(messages.error(exc)), icon=":material/cloud_off:")
    # Last, because these components take the room of a line.
    day = date and date.isoformat()
    mode = elements.live_client(
        shared.heartbeat()
        | {
            "version": version,
            "date": day,
            "changes_at": changes_at and int(changes_at.timestamp() * 1000),
        },
        key=f"{key}.live_client",
    )
    settings = shared.settings
    if mode is None:  # the live client has not reported yet, or its script did not load
        st_autorefresh(interval=settings.alone_seconds * 1000, key=f"{key}.first")
    if mode in (None, "hidden"):  # a hidden window needs no polls until it is visible
        return

    # A fragment of its own, so that a poll without a newer version draws nothing else.
    @st.fragment
    def poll() -> None:
        screen_user.check(shared)  # an idle session ends by the clock, without any event
        seconds = settings.floor_seconds if mode == "push" else settings.alone_seconds
        st_autorefresh(interval=seconds * 1000, key=f"{key}.poll_timer")
        current = shared.version(date)
        if mode != "push" or current != version:
            answer = shared.heartbeat() | {"version": current, "date": day}
            elements.poll(answer, key=f"{key}.poll")

    poll()


def line(shared: Services) -> None:
    """Draws the live line: the state, and the time of the last heartbeat."""
    elements.live_line(
        shared.heartbeat()
        | {
            "live": shared.is_live,
            "zone": shared.settings.time_zone,
            "clock": formats.clock_pattern(),
        }
    )
