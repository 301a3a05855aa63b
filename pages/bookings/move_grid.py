"""The grid of the dialog that moves a booking: a day with all grounds, or a week of one ground."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date as Date
from datetime import timedelta

import streamlit as st

from booking_core import Board, Booking, Slot
from pages.shared.components import choices, elements, fields
from pages.shared.layout import date_field
from pages.shared.live import screen_user
from pages.shared.live.days import Days
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads, week_payloads

PREFIX = "bookings.move."
PICKED = f"{PREFIX}picked"
PARTNER = f"{PREFIX}partner"  # the id of the booking to swap with
LOST = f"{PREFIX}lost"  # a sentence about the date or the slot that was taken away
PROBLEM = f"{PREFIX}problem"  # a sentence about the last press
_DATE, _LENGTH = f"{PREFIX}date", f"{PREFIX}length"  # periods of the new slot
_VIEW, _GROUND = f"{PREFIX}view", f"{PREFIX}ground"
_DAY, _WEEK = "Day", "Week"
_SEVEN = timedelta(days=7)


def days(shared: Services, booking: Booking) -> Days:
    """The days whose grid is shown: at first that of the booking."""
    state, (first, last) = st.session_state, _bounds(shared)
    state.setdefault(_VIEW, _DAY)
    state.setdefault(_DATE, min(max(booking.date, first), last))
    if gone := choices.keep_date(_DATE, first, last):
        _unpick()
        state[LOST] = messages.date_gone(gone, state[_DATE])
    date: Date = state[_DATE]
    if not _is_week():
        return Days([date])
    monday = formats.start_of_week(date)
    return Days.between(monday, monday + _SEVEN - timedelta(days=1))


def _is_week() -> bool:
    return bool(st.session_state[_VIEW] == _WEEK)


def _bounds(shared: Services) -> tuple[Date, Date]:
    """The first and the last day that can be booked."""
    now = shared.now()
    return now.date(), shared.reference().policy.last_date(now, shared.settings.zone)


def days_fields(shared: Services) -> None:
    """Draws the choice of a view, of a date, and the buttons to the day or week beside it."""
    first, last = _bounds(shared)
    date: Date = st.session_state[_DATE]
    unit, step = ("week", _SEVEN) if _is_week() else ("day", timedelta(days=1))
    before, after = date - step, date + step
    if _is_week():
        is_first = formats.start_of_week(date) <= first
        is_last = formats.start_of_week(after) > last
    else:
        is_first, is_last = date <= first, date >= last
    with st.container(horizontal=True, gap="small", horizontal_alignment="right"):
        st.segmented_control(
            "View",
            required=True,
            label_visibility="collapsed",
            **fields.pressed(_VIEW, [_DAY, _WEEK]),
        )
        _steps(unit, (max(before, first), is_first), (min(after, last), is_last), first, last)


def _steps(
    unit: str, before: tuple[Date, bool], after: tuple[Date, bool], first: Date, last: Date
) -> None:
    """Draws the date and the buttons beside it: where each leads, and whether it is disabled."""
    with st.container(horizontal=True, gap="small", width="content", key=f"control_{PREFIX}days"):
        st.button(
            f"Previous {unit}",
            key=f"icon_{PREFIX}previous",
            icon=":material/chevron_left:",
            on_click=_show_date,
            args=before[:1],
            disabled=before[1],
        )
        date_field.draw(_DATE, first, last, on_change=_unpick)
        st.button(
            f"Next {unit}",
            key=f"icon_{PREFIX}next",
            icon=":material/chevron_right:",
            on_click=_show_date,
            args=after[:1],
            disabled=after[1],
        )


def length_field(shared: Services, booking: Booking) -> None:
    """Draws the choice of fewer periods, for a booking of several."""
    if (most := _periods(shared, booking)) == 1:
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


def draw(shared: Services, booking: Booking, boards: Sequence[Board]) -> Slot | None:
    """Draws the grid of ``boards``; returns the picked slot, None without one."""
    state = st.session_state
    length = state.get(_LENGTH) or _periods(shared, booking)
    free = {board.date: board.free_for_move(booking, length) for board in boards}
    picked: Slot | None = state.get(PICKED)
    if picked is not None and picked not in free.get(picked.date, ()):
        place = payloads.slot_title(picked, shared.reference().grounds)
        when = formats.span(picked.start, picked.end)
        state[LOST] = f"{place}, {when}, is not free any more. Pick another slot."
        picked = state[PICKED] = None
    partner = _partner(boards)
    pressed = elements.day_grid(
        _payload(shared, booking, boards, free, picked if partner is None else partner.slot),
        me=screen_user.actor().id,
        now=shared.now(),
        shows=state[_DATE].isoformat() if _is_week() else booking.ground_id,
        key=f"{PREFIX}grid",
    )
    if pressed is None:
        return picked
    if not pressed["start"]:  # another ground of the week
        _unpick()
        state[_GROUND] = pressed["ground"]
        st.rerun(scope="fragment")
    at = (pressed["ground"], pressed["date"], pressed["start"])
    chosen = next(
        (
            slot
            for slots in free.values()
            for slot in slots
            if (slot.ground_id, slot.date.isoformat(), f"{slot.start:%H:%M}") == at
        ),
        None,
    )
    holder = None if chosen is not None else _holder(boards, booking, pressed)
    _unpick()
    if _is_week():  # so that the view of a day shows it too
        state[_DATE] = Date.fromisoformat(pressed["date"])
    state[PICKED] = None if chosen == picked else chosen
    if holder is not None and (partner is None or holder.id != partner.id):
        state[PARTNER] = holder.id
    st.rerun(scope="fragment")


def _payload(
    shared: Services,
    booking: Booking,
    boards: Sequence[Board],
    free: dict[Date, list[Slot]],
    shown: Slot | None,
) -> bytes:
    if not _is_week():
        [board] = boards
        return payloads.move_grid(board, booking, free[board.date], shown, shared.is_live)
    timetables = {table.id: table.name for table in shared.reference().timetables.values()}
    ground_id = shown.ground_id if shown else st.session_state.get(_GROUND) or booking.ground_id
    offered = [g.id for g in boards[0].of_game(booking.game, also=booking.ground_id).grounds]
    if ground_id not in offered and offered:
        ground_id = offered[0]
    of_ground = {
        date: [slot for slot in slots if slot.ground_id == ground_id]
        for date, slots in free.items()
    }
    return week_payloads.move_grid(
        boards, ground_id, booking, of_ground, shown, shared.is_live, timetables
    )


def _partner(boards: Sequence[Board]) -> Booking | None:
    """The booking to swap with, if it is on a shown day."""
    id = st.session_state.get(PARTNER)
    shown = (booking for board in boards for booking in board.bookings)
    return next((booking for booking in shown if booking.id == id), None)


def _holder(boards: Sequence[Board], booking: Booking, pressed: dict[str, str]) -> Booking | None:
    """The other booking that holds the pressed cell; None without one."""
    board = next((one for one in boards if one.date.isoformat() == pressed["date"]), None)
    if board is None:
        return None
    cells = (cell for period in board.periods for cell in board.row(period))
    at = (pressed["ground"], pressed["start"])
    found = (c.booking for c in cells if (c.ground.id, f"{c.period.start:%H:%M}") == at)
    holder = next(found, None)
    is_other = holder is not None and holder.kind == "booking" and holder.id != booking.id
    return holder if is_other else None


def _show_date(date: Date) -> None:
    st.session_state[_DATE] = date
    _unpick()


def _unpick() -> None:
    for key in (PICKED, PARTNER, LOST, PROBLEM):
        st.session_state.pop(key, None)


def _periods(shared: Services, booking: Booking) -> int:
    """The number of periods that ``booking`` covers; 1 if the timetable of its day has changed."""
    plan = shared.reference().plan(booking.date).of(booking.ground_id)
    if not plan.fits(booking.start, booking.end):
        return 1
    return len(plan.within(booking.start, booking.end))
