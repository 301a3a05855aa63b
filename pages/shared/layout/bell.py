"""The bell beside the title of every screen: the notices to the user, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from booking_core import BookingError, Notice, StoreUnavailable, mark_read, notices_for
from booking_core.live import Scope
from pages.shared.auth import session
from pages.shared.layout import answering, booking_details
from pages.shared.live import screen_user
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, notices

COUNTED = 50  # unread notices at most that the number of the bell is made of
_MOST = 20  # notices in the list
_SHOWN, _UNREAD = "bell.shown", "bell.unread"


def number(shared: Services) -> str:
    """How many entries of the list are unread, such as ``3``, or ``50+`` where there are more
    notices; "" for none. The last known one while it cannot be read."""
    reader = screen_user.actor().id
    try:
        found = shared.cached(
            Scope.NOTICES,
            ("unread notices", reader),
            lambda: notices_for(shared.db, reader, limit=COUNTED + 1),
        )
    except StoreUnavailable:
        last: str = st.session_state.get(_UNREAD, "")
        return last
    entries = formats.number(len(notices.steps(found[:COUNTED])))
    more = "+" if len(found) > COUNTED else ""
    st.session_state[_UNREAD] = f"{entries}{more}" if found else ""
    return str(st.session_state[_UNREAD])


def show(shared: Services) -> None:
    """Draws the bell. Its number comes with those of the navigation, see ``waiting.show``."""

    @st.fragment(key="bell")
    def part() -> None:
        screen_user.check(shared)
        bell = st.popover(
            "Notices",
            icon=":material/notifications:",
            key="bell",
            type="tertiary",
            on_change="rerun",
        )
        if not bell.open:
            st.session_state.pop(_SHOWN, None)
            return
        with bell:
            _list(shared)

    part()


def _list(shared: Services) -> None:
    state, reader = st.session_state, session.actor()
    if _SHOWN not in state:
        try:
            unread = notices_for(shared.db, reader.id, limit=COUNTED)
            found = notices_for(shared.db, reader.id, unread_only=False, limit=_MOST)
            mark_read(shared.db, [notice.id for notice in unread], by=reader)
            # Every unread one is shown: what is not shown stays in the number.
            read = [notice for notice in found if notice.read]
            found = sorted([*unread, *read], key=lambda notice: notice.at, reverse=True)
        except BookingError as exc:
            st.error(formats.literal(messages.error(exc)))
            return
        state[_SHOWN] = found
    shown: list[Notice] = state[_SHOWN]
    if not shown:
        st.markdown("**No notices yet**")
        st.caption("What others decide about your bookings, or change in them, is told here.")
    with st.container(key="bell_list", gap="small", height=420 if len(shown) > 4 else "content"):
        for number, same in enumerate(notices.steps(shown)):
            _entry(shared, number, same)


def _entry(shared: Services, number: int, same: Sequence[Notice]) -> None:
    """Draws the notices of one step."""
    first, now = same[0], shared.now()
    kind = notices.kind_of(first)
    icon = notices.ICONS.get(kind, "block")
    text = notices.sentence(same, shared.reference().grounds, now.date())
    with st.container(key=f"bell_entry_{number}", gap=None):
        st.markdown(f":material/{icon}: {text}")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            new = "" if first.read else "**New** · "
            st.caption(f"{new}{formats.said_at(first.at, now, shared.settings.zone)}")
            if len(same) == 1 and first.booking is not None:
                pressed = st.button("Details", key=f"bell.details.{first.id}", type="tertiary")
                if pressed:
                    booking_details.dialog(shared, first.booking.id)
                is_open = kind == "question" and first.booking.asked is not None
                if is_open and st.button("Answer…", key=f"bell.answer.{first.id}", type="tertiary"):
                    answering.show(shared, first.booking.id)
            if kind in notices.LOSSES and first.slot.date >= now.date():
                again = st.button("Book another", key=f"bell.again.{first.id}", type="tertiary")
                if again:
                    day = {"date": first.slot.date.isoformat()}
                    st.switch_page("book/screen.py", query_params=day)
        if len(same) > 1:
            _bookings(shared, same)


def _bookings(shared: Services, same: Sequence[Notice]) -> None:
    """Draws the bookings of an entry about several, each with its details."""
    grounds, today = shared.reference().grounds, shared.now().date()
    with st.expander("The bookings"):
        for notice in same:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                place = notices.place(notice.slot, grounds, partial(formats.when, today=today))
                st.markdown(formats.literal(place))
                if notice.booking is None:
                    continue
                if st.button("Details", key=f"bell.details.{notice.id}", type="tertiary"):
                    booking_details.dialog(shared, notice.booking.id)
