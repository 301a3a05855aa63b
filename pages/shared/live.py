"""The live line on top of every screen, and the timer that keeps it true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit_autorefresh import st_autorefresh

from booking_core import StoreUnavailable
from pages.shared import words
from pages.shared.services import Services

TICK_MS = 2000


def fragment(key: str, draw: Callable[[], None]) -> None:
    """Draws a part of a screen, and again every two seconds, without the rest of the screen."""

    @st.fragment(key=key)
    def live() -> None:
        try:
            draw()
        except StoreUnavailable as exc:  # of what was never read before
            st.error(words.literal(words.error(exc)), icon=":material/cloud_off:")
        # Last, because the timer takes a line's room; reached also when ``draw`` returned early.
        st_autorefresh(interval=TICK_MS, key=f"{key}.tick")

    live()


def tick(key: str) -> None:
    """Reruns the dialog around it every two seconds."""
    st_autorefresh(interval=TICK_MS, key=f"{key}.tick")


def freshness(shared: Services) -> str:
    """``updated 10:12:07``, or ``since 10:11:52`` while the database is away."""
    moment = shared.alive_at
    text = "–" if moment is None else f"{moment:%H:%M:%S}"
    return f"updated {text}" if shared.is_live else f"since {text}"


def line(shared: Services, place: Any = st) -> None:
    """The word, its dot and the time, in the colour of the state."""
    word, color = ("Live", "green") if shared.is_live else ("Not live", "red")
    text = freshness(shared)
    if shared.is_live:
        place.markdown(f":{color}[● **{word}**] :gray[· {text}]", text_alignment="right")
    else:
        shown = text.replace("since", "shown as of")
        place.markdown(f":{color}[● **{word}** {text}] · {shown}", text_alignment="right")
