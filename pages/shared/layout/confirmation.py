"""The foot of a dialog: a button that closes it, and one that writes, with its error above them."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from booking_core import Actor, BookingError
from pages.shared.auth import session
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages

Button = tuple[str, str]  # label, key


def show(
    shared: Services,
    back: Button,
    act: Button,
    write: Callable[[Actor], object],
    *,
    close: Callable[[], None] = st.rerun,
    disabled: bool = False,
    error: Callable[[BookingError], str] = messages.error,
) -> bool:
    """Draws both buttons; True if ``act`` was pressed and ``write`` raised no error.

    ``write`` is called with the present user. ``error``: the sentence for its error, which is
    shown in the dialog. A press of ``back`` calls ``close``.
    """
    failed = st.empty()
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(back[0], key=back[1]):
            close()
        if not st.button(act[0], key=act[1], type="primary", disabled=disabled):
            return False
    try:
        by = session.actor()
        with shared.change():
            write(by)
    except BookingError as exc:
        failed.error(formats.literal(error(exc)), icon=":material/error:")
        return False
    return True
