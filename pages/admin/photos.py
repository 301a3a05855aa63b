"""The photo of a ground: a thumbnail, and the field that changes it."""

from __future__ import annotations

import streamlit as st

from booking_core import ground_photo, remove_ground_photo, save_ground_photo
from booking_core.live import Scope
from pages.admin import pictures
from pages.shared.live.runtime import Services

_KEY = "admin.photo"


def _photo(shared: Services, ground_id: str) -> bytes | None:
    return shared.cached(
        Scope.SCHOOL, ("photo", ground_id), lambda: ground_photo(shared.db, ground_id)
    )


def thumbnail(shared: Services, ground_id: str) -> None:
    """Draws a small photo, if there is one."""
    if picture := _photo(shared, ground_id):
        name = shared.reference().grounds[ground_id].name
        st.image(picture, width=72, alt=f"Photo of {name}")


def form(shared: Services, ground_id: str) -> None:
    """Draws the photo, and fields that change or remove it at once."""
    picture = _photo(shared, ground_id)
    if picture:
        st.image(picture, width=240, alt="The photo of this ground")
        st.button(
            "Remove photo",
            key="admin.photo.remove",
            on_click=lambda: pictures.attempt(
                shared, _KEY, lambda by: remove_ground_photo(shared.db, ground_id, by=by)
            ),
        )
    pictures.field(
        shared,
        _KEY,
        "Photo (optional)",
        "At most 1 MB; kept without the place and time that cameras note in it.",
        lambda by, data: save_ground_photo(shared.db, ground_id, data, by=by),
    )
