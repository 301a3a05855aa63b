"""The part of Move that moves dates of a series. It shows first what is in the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date as Date
from datetime import datetime, time

import streamlit as st

from booking_core import (
    Booking,
    BookingError,
    SeriesChange,
    Slot,
    Status,
    keeps_approval,
    minutes,
    move_series,
    plan_series_move,
)
from booking_core.live import Scope
from pages.bookings import series_dates
from pages.shared.auth import session
from pages.shared.layout import undoing
from pages.shared.live import screen_user
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads, series_texts

_PREFIX = "bookings.move.series."
_GROUND, _TIME = f"{_PREFIX}ground", f"{_PREFIX}time"
_REASON, _PROBLEM = f"{_PREFIX}reason", f"{_PREFIX}problem"
_Times = tuple[time, time]


def begin() -> None:
    """Empties the fields; to be called before the dialog opens."""
    # Set and not removed: the browser would send the choice of the previous dialog again.
    st.session_state[_GROUND] = st.session_state[_TIME] = None
    st.session_state[_REASON] = ""


def draw(
    shared: Services, series_id: str, from_date: Date | None, finish: Callable[[], None]
) -> datetime:
    """Draws the fields and the dates; returns when the clock alone changes them next.

    ``finish`` is called when the dates are moved.
    """
    try:
        now = _plan(shared, series_id, from_date)
        st.text(series_texts.in_brief(now.bookings, shared.reference().grounds))
        _fields(shared, now.bookings[0])
        ground, times = st.session_state[_GROUND], st.session_state[_TIME]
        wanted = _plan(shared, series_id, from_date, ground, times)
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)), icon=":material/error:")
        return shared.next_mark()
    _dates(shared, wanted)
    st.text_input("Reason (optional)", key=_REASON, persist_state="session", max_chars=500)
    place = payloads.slot_title(
        Slot(ground, now.bookings[0].date, *times), shared.reference().grounds
    )
    where = f"{place}, {formats.span(*times)}"
    moving = [b for b in wanted.bookings if (b.ground_id, b.start, b.end) != (ground, *times)]
    number = series_texts.count(len(moving))
    with st.container(key=f"foot_{_PREFIX}foot", gap="small"):
        if problem := st.session_state.get(_PROBLEM):
            st.error(formats.literal(problem), icon=":material/error:")
        with st.container(horizontal=True, horizontal_alignment="right"):
            if st.button("Leave them there", key=f"{_PREFIX}keep"):
                st.rerun()
            st.button(
                f"Move {number}" if moving else "Move",
                key=f"{_PREFIX}do",
                type="primary",
                on_click=_move,
                args=(
                    shared,
                    series_id,
                    from_date,
                    wanted,
                    (ground, times),
                    finish,
                    f"{number} moved to {where}.",
                ),
                disabled=not moving or bool(wanted.problems) or not shared.is_live,
            )
    return shared.next_mark()


def _plan(
    shared: Services,
    series_id: str,
    from_date: Date | None,
    ground: str | None = None,
    times: _Times | None = None,
) -> SeriesChange:
    by, mark = screen_user.actor(), shared.mark()
    start, end = times or (None, None)
    return shared.cached(
        (Scope.BOOKINGS, Scope.SCHOOL),
        ("move series", series_id, from_date, ground, times, by.id, by.role, mark),
        lambda: plan_series_move(
            shared.db,
            series_id,
            ground_id=ground,
            start=start,
            end=end,
            from_date=from_date,
            by=by,
            now=mark,
        ),
    )


def _fields(shared: Services, first: Booking) -> None:
    """Draws the fields of ground and time, which begin with those of the ``first`` date."""
    state, known = st.session_state, shared.reference()
    board = shared.boards.get(first.date, shared.now()).of_game(first.game, also=first.ground_id)
    grounds = [ground.id for ground in board.grounds]
    if state.get(_GROUND) not in grounds:
        state[_GROUND] = first.ground_id if first.ground_id in grounds else grounds[0]
    plan = known.plan(first.date)
    own, chosen = plan.of(first.ground_id), plan.of(state[_GROUND])
    covered = len(own.within(first.start, first.end)) if own.fits(first.start, first.end) else 1
    times: list[_Times] = [(run[0].start, run[-1].end) for run in chosen.runs(covered)]
    if not times or (chosen == own and (first.start, first.end) not in times):
        times.insert(0, (first.start, first.end))
    if state.get(_TIME) not in times:
        state[_TIME] = min(times, key=lambda one: abs(minutes(one[0]) - minutes(first.start)))
    left, right = st.columns(2)
    left.selectbox(
        "Ground",
        grounds,
        key=_GROUND,
        persist_state="session",
        format_func=lambda id: known.grounds[id].name,
        on_change=_forget_problem,
    )
    right.selectbox(
        "Time",
        times,
        key=_TIME,
        persist_state="session",
        format_func=lambda span: formats.span(*span),
        on_change=_forget_problem,
    )


def _forget_problem() -> None:
    st.session_state.pop(_PROBLEM, None)


def _dates(shared: Services, plan: SeriesChange) -> None:
    approved = next((b for b in plan.bookings if b.status is Status.APPROVED), None)
    by = screen_user.actor()
    keeps = approved is None or keeps_approval(shared.db, approved, by=by)
    st.caption(messages.MOVES_OF_SERIES[keeps])
    series_dates.draw(shared, plan, "moved", f"{_PREFIX}dates")


def _move(
    shared: Services,
    series_id: str,
    from_date: Date | None,
    plan: SeriesChange,
    to: tuple[str, _Times],
    finish: Callable[[], None],
    done: str,
) -> None:
    _forget_problem()
    ground, (start, end) = to
    try:
        with shared.change():
            dates = move_series(
                shared.db,
                series_id,
                ground_id=ground,
                start=start,
                end=end,
                from_date=from_date,
                reason=st.session_state.get(_REASON) or "",
                # The dates that this run shows, even if one changes before the press.
                expected={booking.id: booking.slot for booking in plan.bookings},
                by=session.actor(),
            )
    except BookingError as exc:
        st.session_state[_PROBLEM] = messages.error(exc)
    else:
        before = {booking.id: booking.slot for booking in plan.bookings}
        moved = [one for one in dates if one.slot != before[one.id]]
        undoing.offer(shared, moved, done)
        finish()
