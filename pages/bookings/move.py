"""The dialog that moves a booking: the free slots of a day are picked on a grid as on Book."""

from __future__ import annotations

from datetime import date as Date
from datetime import datetime, timedelta

import streamlit as st

from booking_core import (
    Board,
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
from pages.bookings import move_series, series_dates
from pages.bookings.cancelling import FOLLOWING, ONE
from pages.shared.auth import session
from pages.shared.components import choices, elements, fields
from pages.shared.layout import date_field, undoing
from pages.shared.live import fragment, screen_user
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads

_PREFIX = "bookings.move."
_PROBLEM, _DONE = f"{_PREFIX}problem", f"{_PREFIX}done"
_DATE = f"{_PREFIX}date"
_PICKED = f"{_PREFIX}picked"
_PARTNER = f"{_PREFIX}partner"  # the id of the booking to swap with
_LENGTH = f"{_PREFIX}length"  # periods of the new slot
_WHICH = f"{_PREFIX}which"
_REASON = f"{_PREFIX}reason"
_LOST = f"{_PREFIX}lost"  # a sentence about the date or the slot that was taken away


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
    date = _date(shared, booking)
    fragment.keep(shared, f"{_PREFIX}part", lambda: _body(shared, booking, date), date)


def finish(done: str = "") -> None:
    """Closes the dialog in the next run, and says ``done`` then, if it is not empty."""
    st.session_state[_DONE] = done


def _body(shared: Services, booking: Booking, date: Date) -> datetime:
    """Draws the dialog; returns when the clock alone changes it next."""
    today, known = shared.now().date(), shared.reference()
    by = screen_user.actor()
    picked: Slot | None = st.session_state.get(_PICKED)
    keeps = keeps_approval(shared.db, booking, by=by, slot=picked)
    board = shared.boards.get(date, shared.now())
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        st.text(payloads.in_brief(booking, known.grounds, today))
        hint = ""
        if may("swap", by) or booking.created_by == by.id:
            hint = f" {messages.SWAP_HINTS[may('swap', by)]}"
        st.caption(messages.MOVES[keeps] + hint)
        _length_field(_periods(shared, booking))
    with right:
        _date_fields(shared, date)
    slot = _slot(shared, booking, board)
    st.text_input("Reason (optional)", key=_REASON, persist_state="session", max_chars=500)
    if (partner := st.session_state.get(_PARTNER)) is not None:
        _swap_foot(shared, booking, partner)
        return board.turns_at()
    with st.container(key=f"foot_{_PREFIX}foot", gap="small"):
        if problem := st.session_state.get(_PROBLEM):
            st.error(formats.literal(problem), icon=":material/error:")
        elif lost := st.session_state.get(_LOST):
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
    return board.turns_at()


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
        st.session_state[_PROBLEM] = messages.error(exc)
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
        if problem := st.session_state.get(_PROBLEM):
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
        st.session_state[_PROBLEM] = messages.error(exc)
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
        st.session_state[_PROBLEM] = messages.error(exc)
    else:
        place = payloads.slot_title(first.slot, shared.reference().grounds)
        finish(f"Swapped. It is on {place}, {formats.when(first, shared.now().date())} now.")


def _date(shared: Services, booking: Booking) -> Date:
    """The day whose grid is shown: at first that of the booking."""
    state, (first, last) = st.session_state, _days(shared)
    state.setdefault(_DATE, min(max(booking.date, first), last))
    if gone := choices.keep_date(_DATE, first, last):
        _unpick()
        state[_LOST] = messages.date_gone(gone, state[_DATE])
    date: Date = state[_DATE]
    return date


def _days(shared: Services) -> tuple[Date, Date]:
    """The first and the last day that can be booked."""
    now = shared.now()
    return now.date(), shared.reference().policy.last_date(now, shared.settings.zone)


def _date_fields(shared: Services, date: Date) -> None:
    first, last = _days(shared)
    with st.container(
        horizontal=True, gap="small", horizontal_alignment="right", key=f"control_{_PREFIX}days"
    ):
        st.button(
            "Previous day",
            key=f"icon_{_PREFIX}previous",
            icon=":material/chevron_left:",
            on_click=_change_day,
            args=(-1,),
            disabled=date <= first,
        )
        date_field.draw(_DATE, first, last, on_change=_unpick)
        st.button(
            "Next day",
            key=f"icon_{_PREFIX}next",
            icon=":material/chevron_right:",
            on_click=_change_day,
            args=(1,),
            disabled=date >= last,
        )


def _slot(shared: Services, booking: Booking, board: Board) -> Slot | None:
    """Draws the grid of ``board``; returns the picked slot, None without one."""
    state = st.session_state
    free = board.free_for_move(booking, state.get(_LENGTH) or _periods(shared, booking))
    picked: Slot | None = state.get(_PICKED)
    if picked is not None and picked not in free:
        place = payloads.slot_title(picked, shared.reference().grounds)
        when = formats.span(picked.start, picked.end)
        state[_LOST] = f"{place}, {when}, is not free any more. Pick another slot."
        picked = state[_PICKED] = None
    partner = _partner(board)
    shown = picked if partner is None else partner.slot
    pressed = elements.day_grid(
        payloads.move_grid(board, booking, free, shown, shared.is_live),
        me=screen_user.actor().id,
        now=shared.now(),
        shows=booking.ground_id,
        key=f"{_PREFIX}grid",
    )
    if pressed is not None:
        at = (pressed["ground"], pressed["date"], pressed["start"])
        chosen = next(
            (s for s in free if (s.ground_id, s.date.isoformat(), f"{s.start:%H:%M}") == at), None
        )
        holder = None if chosen is not None else _holder(board, booking, pressed)
        _unpick()
        state[_PICKED] = None if chosen == picked else chosen
        if holder is not None and (partner is None or holder.id != partner.id):
            state[_PARTNER] = holder.id
        st.rerun(scope="fragment")
    return picked


def _length_field(most: int) -> None:
    """Draws the choice of fewer periods, for a booking of several."""
    if most == 1:
        return
    st.session_state.setdefault(_LENGTH, most)
    if not 1 <= (st.session_state[_LENGTH] or 0) <= most:
        st.session_state[_LENGTH] = most
    st.segmented_control(
        "Length",
        range(1, most + 1),
        key=_LENGTH,
        persist_state="session",
        format_func=lambda count: f"{formats.number(count)} period{'' if count == 1 else 's'}",
        required=True,
        on_change=_unpick,
    )


def _partner(board: Board) -> Booking | None:
    """The booking to swap with, if it is on the shown day."""
    id = st.session_state.get(_PARTNER)
    return next((booking for booking in board.bookings if booking.id == id), None)


def _holder(board: Board, booking: Booking, pressed: dict[str, str]) -> Booking | None:
    """The other booking that holds the pressed cell; None without one."""
    cells = (cell for period in board.periods for cell in board.row(period))
    at = (pressed["ground"], pressed["start"])
    found = (c.booking for c in cells if (c.ground.id, f"{c.period.start:%H:%M}") == at)
    holder = next(found, None)
    is_other = holder is not None and holder.kind == "booking" and holder.id != booking.id
    return holder if is_other and pressed["date"] == board.date.isoformat() else None


def _change_day(days: int) -> None:
    st.session_state[_DATE] += timedelta(days=days)
    _unpick()


def _unpick() -> None:
    for key in (_PICKED, _PARTNER, _LOST, _PROBLEM):
        st.session_state.pop(key, None)


def _periods(shared: Services, booking: Booking) -> int:
    """The number of periods that ``booking`` covers; 1 if the timetable of its day has changed."""
    plan = shared.reference().plan(booking.date).of(booking.ground_id)
    if not plan.fits(booking.start, booking.end):
        return 1
    return len(plan.within(booking.start, booking.end))
