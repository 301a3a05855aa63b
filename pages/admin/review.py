"""The review of a change that displaces bookings: it is done once, and only as it was shown.

The core is told which bookings the user saw. If they have changed since, it does nothing, and the
review shows them as they are now.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from booking_core import BookingError, ChangedMeanwhile
from pages.shared.components import elements
from pages.shared.live.runtime import Services
from pages.shared.text import messages

_MAX_ROWS, _HEIGHT = 4, 330  # a list with more rows scrolls at this height (pixels)


class Review:
    """What a dialog keeps about its review, under keys that begin with ``prefix``."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._failed, self._changed = f"{prefix}.failed", f"{prefix}.changed"
        self._done = f"{prefix}.done"

    def begin(self, problem: str | None = None) -> None:
        """Forgets the last press. ``problem``: why the bookings cannot be shown, if they cannot."""
        st.session_state[self._failed] = problem
        st.session_state.pop(self._changed, None)

    def end(self) -> None:
        """Removes the state; what was done is still said once."""
        for key in (self._failed, self._changed):
            st.session_state.pop(key, None)

    def done(self) -> str | None:
        """The sentence about the last press that was carried out; None from the second call on."""
        text: str | None = st.session_state.pop(self._done, None)
        return text

    @property
    def problem(self) -> str | None:
        """The sentence about the last press or reading that failed."""
        text: str | None = st.session_state.get(self._failed)
        return text

    def show_change(self, what: str, undone: str) -> None:
        """Says once that ``what`` changed meanwhile; ``undone``: what was not done."""
        if st.session_state.pop(self._changed, False):
            st.warning(
                f"{what} changed while you looked, and {undone}. This is the list as it is now.",
                icon=":material/group:",
            )

    def show_list(
        self, shared: Services, caption: str, columns: list[str], rows: Sequence[dict[str, Any]]
    ) -> dict[str, Any] | None:
        """Draws the bookings; the press of a button in a row, or None."""
        with st.container(height=_HEIGHT if len(rows) > _MAX_ROWS else "content", border=False):
            return elements.action_list(
                {
                    "caption": caption,
                    "columns": columns,
                    "rows": list(rows),
                    "bulk": [],
                    "live": shared.is_live,
                },
                key=f"{self.prefix}.list",
            )

    def carry_out(
        self,
        shared: Services,
        act: Callable[[], str],
        read: Callable[[], str | None],
        error: Callable[[BookingError], str] = messages.error,
    ) -> bool:
        """Calls ``act``, which returns the sentence for ``done``; whether it raised no error.

        ``read`` reads the bookings again where they changed meanwhile, and returns a sentence if
        they cannot be read. ``error``: the sentence for an error.
        """
        self.begin()
        try:
            with shared.change():
                st.session_state[self._done] = act()
        except ChangedMeanwhile:
            problem = read()
            st.session_state[self._failed] = problem
            st.session_state[self._changed] = problem is None
        except BookingError as exc:
            st.session_state[self._failed] = error(exc)
        else:
            return True
        return False
