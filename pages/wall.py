"""Today's grounds, for a display on a wall: no sign-in, no names of students."""

import streamlit as st

from booking_core import StoreUnavailable
from pages.shared import elements, live, services, views, words

shared = services.start()


def today() -> None:
    now = shared.now()
    try:
        board = shared.boards.get(now.date(), now)
    except StoreUnavailable as exc:
        st.error(words.literal(words.error(exc)))
        return
    payload = views.wall(
        board, now, shared.is_live, live.freshness(shared), _note(shared.settings.school_name)
    )
    elements.wall(payload, key="wall.display")


def _note(school: str) -> str:
    return f"Demo data: {school}" if shared.reference().demo else school


live.fragment("wall", today)
