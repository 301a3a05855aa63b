"""The dialog that moves a booking: the free slots of a day are picked on a grid as on Book."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from booking_core import (
    Booking,
    BookingError,
    GameNotAllowed,
    Ground,
    NotAllowed,
    Slot,
    get_booking,
    keeps_approval,
    may,
    move,
    offer_swap,
    plan_swap,
    plan_swap_offer,
    swap,
)
from booking_core import messages as core_messages
from pages.bookings import move_grid, move_series, series_dates
from pages.bookings.cancelling import FOLLOWING, ONE
from pages.shared.auth import session
from pages.shared.components import fields
from pages.shared.layout import undoing
from pages.shared.live import fragment, screen_user
from pages.shared.live.days import Days
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads

_PREFIX = move_grid.PREFIX
_DONE = f"{_PREFIX}done"
_WHICH = f"{_PREFIX}which"
_REASON = f"{_PREFIX}reason"


def begin() -> None:
    """Removes the state of the previous dialog; to be called before this one opens."""
    fields.clear(_PREFIX)
    # Set and not removed: the browser would send the choice of the previous dialog again.
    st.session_state[_WHICH], st.session_state[_REASON] = ONE, ""
    move_series.begin()


@st.dialog("Move this booking", width="large")
def dialog(shared: Services, booking_id: str) -> None:
    """Opens for ``booking_id``. The rights are checked when the user presses the button."""
    if (done := st.session_state.pop(_DONE, None)) is not None:
        if done:
            st.toast(formats.literal(done), icon=":material/check:")
        st.rerun()
    session.actor()  # the dialog shows names, which need a session
    try:
        # While the database is away the cache answers, so the dialog keeps its picked slot.
        booking = shared.booking(booking_id)
        which = series_dates.choice(shared, booking, "What to move", _WHICH)
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)))
        return
    if which != ONE:
        first = booking.date if which == FOLLOWING else None
        fragment.keep(
            shared,
            f"{_PREFIX}series",
            lambda: move_series.draw(shared, str(booking.series), first, finish),
        )
        return
    days = move_grid.days(shared, booking)
    fragment.keep(shared, f"{_PREFIX}part", lambda: _body(shared, booking, days), days)


def finish(done: str = "") -> None:
    """Closes the dialog in the next run, and says ``done`` then, if it is not empty."""
    st.session_state[_DONE] = done


def _body(shared: Services, booking: Booking, days: Days) -> datetime:
    """Draws the dialog; returns when the clock alone changes it next."""
    today, known = shared.now().date(), shared.reference()
    by = screen_user.actor()
    picked: Slot | None = st.session_state.get(move_grid.PICKED)
    keeps = keeps_approval(shared.db, booking, by=by, slot=picked)
    boards = shared.boards_of(days)
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        st.text(payloads.in_brief(booking, known.grounds, today))
        hint = ""
        if may("swap", by) or booking.created_by == by.id:
            hint = f" {messages.SWAP_HINTS[may('swap', by)]}"
        st.caption(messages.MOVES[keeps] + hint)
        move_grid.length_field(shared, booking)
    with right:
        move_grid.days_fields(shared)
    slot = move_grid.draw(shared, booking, boards)
    st.text_input("Reason (optional)", key=_REASON, persist_state="session", max_chars=500)
    if (partner := st.session_state.get(move_grid.PARTNER)) is not None:
        _swap_foot(shared, booking, partner)
        return shared.turn_at(boards)
    with st.container(key=f"foot_{_PREFIX}foot", gap="small"):
        if problem := st.session_state.get(move_grid.PROBLEM):
            st.error(formats.literal(problem), icon=":material/error:")
        elif lost := st.session_state.get(move_grid.LOST):
            st.info(formats.literal(lost), icon=":material/event_busy:")
        with st.container(
            horizontal=True, horizontal_alignment="right", vertical_alignment="center"
        ):
            if slot is not None:
                place = payloads.slot_title(slot, known.grounds)
                st.text(f"To {place}, {formats.when(slot, today)}", width="content")
            if st.button("Leave it there", key=f"{_PREFIX}keep"):
                st.rerun()
            st.button(
                "Move booking",
                key=f"{_PREFIX}do",
                type="primary",
                on_click=_move,
                # The slot that this run shows, even if it is lost before the press.
                args=(shared, booking.id, slot),
                disabled=slot is None or not shared.is_live,
            )
    return shared.turn_at(boards)


def _move(shared: Services, booking_id: str, slot: Slot) -> None:
    try:
        with shared.change():
            moved = move(
                shared.db,
                booking_id,
                ground_id=slot.ground_id,
                date=slot.date,
                start=slot.start,
                end=slot.end,
                reason=st.session_state.get(_REASON) or "",
                by=session.actor(),
            )
    except BookingError as exc:
        st.session_state[move_grid.PROBLEM] = messages.error(exc)
    else:
        place = payloads.slot_title(slot, shared.reference().grounds)
        when = formats.when(slot, shared.now().date())
        undoing.offer(shared, [moved], f"Moved to {place}, {when}.")
        finish()


def _swap_foot(shared: Services, booking: Booking, partner_id: str) -> None:
    """Draws what both bookings get, or why they cannot be swapped, and the buttons."""
    today, known = shared.now().date(), shared.reference()
    plan: tuple[Booking, Booking] | None = None
    is_offer = False
    with st.container(key=f"foot_{_PREFIX}foot", gap="small"):
        try:
            other = get_booking(shared.db, partner_id)
            st.text(f"Swap with {other.whom}, {formats.when(other, today)}")
            plan, is_offer = _planned(shared, booking, partner_id)
        except BookingError as exc:
            st.info(formats.literal(_why_not(exc, known.grounds)), icon=":material/block:")
        else:
            lines = []
            for before, after in zip((booking, other), plan, strict=True):
                place = payloads.slot_title(after.slot, known.grounds)
                status = messages.SWAPS[before.status is after.status]
                lines.append(f"{before.whom}: to {place}, {formats.when(after, today)}. {status}")
            if is_offer:
                lines.append(f"Both stay where they are until {other.created_by_name} accepts.")
            st.caption("  \n".join(map(formats.literal, lines)))
        if problem := st.session_state.get(move_grid.PROBLEM):
            st.error(formats.literal(problem), icon=":material/error:")
        with st.container(horizontal=True, horizontal_alignment="right"):
            if st.button("Leave it there", key=f"{_PREFIX}keep"):
                st.rerun()
            st.button(
                "Offer the swap" if is_offer else "Swap bookings",
                key=f"{_PREFIX}swap",
                type="primary",
                on_click=_offer if is_offer else _swap,
                # The slots that this run shows, even if they change before the press.
                args=(shared, plan),
                disabled=plan is None or not shared.is_live,
            )


def _planned(
    shared: Services, booking: Booking, partner_id: str
) -> tuple[tuple[Booking, Booking], bool]:
    """Both bookings after the swap, and whether the author of the other one has to accept it."""
    by = screen_user.actor()
    try:
        return plan_swap(shared.db, booking.id, partner_id, by=by), False
    except NotAllowed:
        if booking.created_by != by.id:
            raise
        return plan_swap_offer(shared.db, booking.id, partner_id, by=by), True


def _offer(shared: Services, plan: tuple[Booking, Booking]) -> None:
    given, wanted = plan
    try:
        with shared.change():
            offer_swap(
                shared.db,
                given.id,
                wanted.id,
                reason=st.session_state.get(_REASON) or "",
                expected={given.id: wanted.slot, wanted.id: given.slot},
                by=session.actor(),
            )
    except BookingError as exc:
        st.session_state[move_grid.PROBLEM] = messages.error(exc)
    else:
        finish(f"Offered to {wanted.created_by_name}, who is told. Bookings shows the offer.")


def _why_not(exc: BookingError, grounds: dict[str, Ground]) -> str:
    """The sentence for a swap that is refused; it names the ground, since there are two."""
    if isinstance(exc, GameNotAllowed) and exc.ground_id in grounds:
        return f"{core_messages.not_played(exc.game, grounds[exc.ground_id].name)}."
    return messages.error(exc)


def _swap(shared: Services, plan: tuple[Booking, Booking]) -> None:
    first, second = plan
    try:
        with shared.change():
            swap(
                shared.db,
                first.id,
                second.id,
                reason=st.session_state.get(_REASON) or "",
                expected={first.id: second.slot, second.id: first.slot},
                by=session.actor(),
            )
    except BookingError as exc:
        st.session_state[move_grid.PROBLEM] = messages.error(exc)
    else:
        place = payloads.slot_title(first.slot, shared.reference().grounds)
        finish(f"Swapped. It is on {place}, {formats.when(first, shared.now().date())} now.")
