"""The dialog that closes grounds: a form, then a review of what becomes of the bookings there.

Longer than 300 lines, because both steps share the state of one dialog.
"""

from dataclasses import dataclass, replace
from datetime import date as Date
from datetime import time, timedelta
from typing import Any

import streamlit as st

from booking_core import (
    Booking,
    BookingError,
    GroundClosed,
    Relocation,
    Slot,
    close_grounds,
    may,
    minutes,
    propose_moves,
)
from pages.admin import widgets
from pages.admin.relocating import Relocating
from pages.admin.review import Review
from pages.shared.auth import session
from pages.shared.components import elements
from pages.shared.layout import undoing
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads

state = st.session_state
_OPEN, _DRAFT = "admin.closing.open", "admin.closing.draft"
_CLOSED = "admin.closing.closed"  # id of a chosen ground that is closed already
_FORM = "admin.closing.form"  # number of the form; a new one resets its fields to the draft
_AHEAD = 400  # days
_WHOLE, _PERIODS = "Whole day", "Some periods"
_REVIEW = Review("admin.closing")
_BOOKINGS = Relocating("admin.closing", ("move", "revoke"), is_closing=True)
done = _REVIEW.done


@dataclass(frozen=True)
class _Draft:
    """The closure as chosen in the first step."""

    ground_ids: tuple[str, ...]
    every: bool
    first: Date
    last: Date
    start: time | None
    end: time | None
    reason: str
    weekdays: tuple[int, ...] = ()  # of several days, only these; empty: all
    keep_booked: bool = False

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of ``propose_moves`` and ``close_grounds``."""
        names = ("ground_ids", "first", "last", "start", "end", "weekdays", "keep_booked")
        return {name: getattr(self, name) for name in names}

    @property
    def slots(self) -> list[Slot]:
        """What is closed: one slot for each ground and day."""
        dates = [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]
        dates = [date for date in dates if not self.weekdays or date.weekday() in self.weekdays]
        start, end = self.start or time(), self.end or time()
        return [Slot(id, date, start, end) for date in dates for id in self.ground_ids]


def begin() -> None:
    """Opens the dialog at its first step, with an empty form."""
    end()
    state[_OPEN] = True


def end() -> None:
    """Closes the dialog and removes its state."""
    for key in (_OPEN, _DRAFT, _CLOSED):
        state.pop(key, None)
    _BOOKINGS.end()
    _REVIEW.end()
    _reset_fields()


def _reset_fields() -> None:
    state[_FORM] = state.get(_FORM, 0) + 1


def _key(name: str) -> str:
    return f"admin.closing.{name}.{state.get(_FORM, 0)}"


def is_open() -> bool:
    return bool(state.get(_OPEN))


@st.dialog("Close grounds", width="large", on_dismiss=end)
def dialog(shared: Services) -> None:
    """Draws the present step; to be called in every run while ``is_open``."""
    if not is_open():  # a callback has just closed it
        st.rerun()
    if (found := _BOOKINGS.found) is not None:
        _review(shared, state[_DRAFT], found)
    else:
        _form(shared, state.get(_DRAFT))


def _form(shared: Services, draft: _Draft | None) -> None:
    known = shared.reference()
    today = shared.now().date()
    names = {ground.id: ground.name for ground in known.open_grounds}
    if not names:
        st.markdown("There is no ground yet. Add one under Grounds first.")
        return
    every = st.checkbox("All grounds", value=draft.every if draft else False, key=_key("every"))
    chosen = st.multiselect(
        "Grounds",
        list(names),
        default=[i for i in draft.ground_ids if i in names] if draft and not draft.every else [],
        key=_key("grounds"),
        format_func=names.__getitem__,
        placeholder="All of them" if every else "Choose one or several",
        disabled=every,
    )
    left, right = st.columns(2)
    days = left.date_input(
        "First and last day",
        value=(draft.first, draft.last) if draft else (today, today),
        min_value=today,
        max_value=today + timedelta(days=_AHEAD),
        format=formats.date_field(),
        key=_key("days"),
        help="For one day choose it twice.",
    )
    # Until the second day is chosen, ``days`` holds only the first.
    first, last = (days[0], days[-1]) if days else (today, today)
    with right:
        extent = st.segmented_control(
            "How long",
            [_WHOLE, _PERIODS],
            default=_PERIODS if draft and draft.start else _WHOLE,
            required=True,
            key=_key("how"),
        )
    start, end_at = None, None
    if extent == _PERIODS:
        start, end_at = _times(shared, first, last, draft)
    weekdays: list[int] = []
    if (last - first).days > 1:
        weekdays = st.pills(
            "Only on (none: every day)",
            formats.weekdays(),
            selection_mode="multi",
            default=list(draft.weekdays) if draft else [],
            format_func=formats.weekday,
            key=_key("weekdays"),
        )
    keep_booked = st.checkbox(
        "Keep what is booked, and close the rest",
        value=draft.keep_booked if draft else False,
        key=_key("keep"),
    )
    reason = st.text_input(
        "Reason",
        value=draft.reason if draft else "",
        key=_key("reason"),
        max_chars=500,
        placeholder="Rain, repairs, exam week: everybody reads it",
    )
    failed = st.container()
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Back", key="admin.closing.cancel"):
            end()
            st.rerun()
        pressed = st.button("Review", key="admin.closing.review", type="primary")
    wanted = _Draft(
        tuple(names) if every else tuple(chosen),
        every,
        first,
        last,
        start,
        end_at,
        reason,
        tuple(sorted(weekdays)),
        keep_booked,
    )
    if pressed:
        _REVIEW.begin(_begin_review(shared, wanted))
        if _REVIEW.problem is None:
            st.rerun(scope="fragment")
    if problem := _REVIEW.problem:
        failed.error(formats.literal(problem), icon=":material/error:")
        closed = state.get(_CLOSED)
        if closed in wanted.ground_ids and len(wanted.ground_ids) > 1:
            failed.button(
                f"Leave {formats.literal(names[closed])} out",
                key="admin.closing.leave_out",
                on_click=_leave_out,
                args=(wanted, closed),
            )


def _leave_out(draft: _Draft, ground_id: str) -> None:
    others = tuple(i for i in draft.ground_ids if i != ground_id)
    state[_DRAFT] = replace(draft, ground_ids=others, every=False)
    _REVIEW.begin()
    state.pop(_CLOSED)
    _reset_fields()


def _times(
    shared: Services, first: Date, last: Date, draft: _Draft | None
) -> tuple[time | None, time | None]:
    """The daily start and end as chosen, from the starts and ends of the periods of those days."""
    plans = [
        shared.reference().plan(first + timedelta(days=n))
        for n in range(min((last - first).days + 1, _AHEAD))
    ]
    periods = {period for plan in plans for period in plan.all_periods}
    starts = sorted({p.start for p in periods}) or [time(h) for h in range(6, 22)]
    ends = sorted({p.end for p in periods} or {time(h) for h in range(7, 23)}, key=_end_minutes)
    left, right = st.columns(2)
    start = left.selectbox(
        "From",
        starts,
        index=starts.index(draft.start) if draft and draft.start in starts else 0,
        format_func=formats.clock,
        key=_key("start"),
    )
    later = [e for e in ends if _end_minutes(e) > minutes(start)]
    end_at = right.selectbox(
        "To",
        later,
        index=later.index(draft.end) if draft and draft.end in later else 0,
        format_func=formats.clock,
        key=_key("end"),
    )
    return start, end_at


def _end_minutes(value: time) -> int:
    return minutes(value, closing=True)


def _begin_review(shared: Services, wanted: _Draft) -> str | None:
    """Reads the proposals and goes to the review; a sentence if that is not possible."""
    state.pop(_CLOSED, None)
    if not wanted.ground_ids:
        return "Choose the grounds, or all of them."
    if not wanted.reason.strip():
        return "Give a reason: everybody who meant to play will want to know."
    try:
        found = propose_moves(shared.db, **wanted.arguments)
    except BookingError as exc:
        if isinstance(exc, GroundClosed):
            state[_CLOSED] = exc.ground_id
        return _sentence(exc, shared)
    state[_DRAFT] = wanted
    _BOOKINGS.keep(found)
    return None


def _sentence(exc: BookingError, shared: Services) -> str:
    if isinstance(exc, GroundClosed):
        ground = shared.reference().grounds.get(exc.ground_id)
        name = ground.name if ground else exc.ground_id
        return (
            f"{name} is closed then already: {exc.reason}. Lift that closure first, or leave the "
            "ground out."
        )
    return messages.error(exc)


def _review(shared: Services, draft: _Draft, found: list[Relocation]) -> None:
    known = shared.reference()
    today = shared.now().date()
    elements.facts(
        "admin.closing",
        ("Grounds", payloads.ground_names(draft.ground_ids, known.grounds)),
        (
            "When",
            f"{payloads.days(draft.first, draft.last, today)}, "
            f"{formats.stretch(draft.start or time(), draft.end or time())}",
        ),
        *([("Only on", widgets.weekday_names(draft.weekdays))] if draft.weekdays else []),
        ("Reason", draft.reason),
    )
    _REVIEW.show_change("The bookings or the free slots", "nothing was closed")
    widgets.problem(_REVIEW.problem)
    if draft.keep_booked:
        st.markdown("**What is booked stays. The rest is closed.**")
    elif not found:
        st.markdown("**No booking is displaced.**")
    else:
        _BOOKINGS.show(shared, _REVIEW, "displaced booking", _caption(), draft.slots)
    moves = _BOOKINGS.slots
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Back", key="admin.closing.back"):
            _BOOKINGS.end()
            _REVIEW.begin()
            _reset_fields()
            st.rerun(scope="fragment")
        st.button(
            _label(len(moves), len(found) - len(moves)),
            key="danger_admin.closing.confirm" if found else "admin.closing.confirm",
            type="primary",
            on_click=_close,
            # The bookings that this run shows: the core refuses a closure that displaces others.
            args=(shared, draft, [one.booking.id for one in found], moves),
            disabled=not shared.is_live,
        )


def _caption() -> str:
    """What becomes of the bookings in the review."""
    told = "Everybody who made one is told the reason."
    if may("approve", session.actor()):
        return f"{told} A booking that is moved keeps its status."
    return f"{told} An approved booking that is moved waits for the principal again."


def _label(moved: int, revoked: int) -> str:
    """The label of the button that closes."""
    parts = [f"{verb} {count}" for verb, count in (("move", moved), ("revoke", revoked)) if count]
    return f"Close, {formats.listed(parts)}" if parts else "Confirm closure"


def booking_row(booking: Booking, shared: Services, today: Date) -> dict[str, Any]:
    """A booking as a row of ``elements.action_list``, without buttons."""
    grounds = shared.reference().grounds
    return {
        "id": booking.id,
        "about": f"{booking.party_name}, {formats.when(booking, today)}",
        "selectable": False,
        "cells": [
            payloads.day_and_times(booking, today),
            [payloads.slot_title(booking.slot, grounds), booking.game],
            payloads.party(booking),
            [booking.created_by_name, messages.STATUS[booking.status]],
        ],
        "actions": [],
    }


def _close(shared: Services, draft: _Draft, shown: list[str], moves: dict[str, Slot]) -> None:
    def close() -> str:
        closing = close_grounds(
            shared.db,
            **draft.arguments,
            reason=draft.reason,
            by=session.actor(),
            expected=shown,
            moves=moves,
        )
        parts = [
            f" {widgets.counted(len(changed), 'booking')} {word}."
            for changed, word in ((closing.moved, "moved"), (closing.displaced, "revoked"))
            if changed
        ]
        done = "Closed." + "".join(parts)
        now, zone = shared.now(), shared.settings.zone
        if any(booking.slot.has_begun(now, zone) for booking in closing.displaced):
            # A booking that has begun cannot come back, so the closing cannot be undone.
            undoing.withdraw()
            return done
        changed = (*closing.moved, *closing.displaced)
        undoing.offer(shared, changed, done, closing_id=closing.id)
        return ""  # the bar says it

    if _REVIEW.carry_out(
        shared, close, lambda: _begin_review(shared, draft), lambda exc: _sentence(exc, shared)
    ):
        end()
