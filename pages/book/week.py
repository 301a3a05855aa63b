"""The views of Book: their days, the buttons between days and weeks, and the presses in a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date as Date
from datetime import time, timedelta
from urllib.parse import urlencode

import streamlit as st

from booking_core import Board, Ground, Reference, Slot, days_of_school
from pages.book import draft
from pages.shared.components import elements, fields
from pages.shared.live import screen_user
from pages.shared.live.address import DAY_SHEET, WEEK_SHEET, base
from pages.shared.live.days import Days
from pages.shared.live.runtime import Services
from pages.shared.text import formats

WEEK = timedelta(days=7)
STRIP = 5 * WEEK
SCHOOL_DAYS = 5  # that the view of all grounds shows


def days_of(known: Reference, date: Date, last: Date) -> Days:
    """The days that the view of ``date`` shows, and ``date``; ``last`` is the last one to book.

    These are the days of school from ``date`` on, or its week, from the first day of the week of
    the school's locale.
    """
    if draft.is_school():
        return Days((date, *days_of_school(known.plan, date, last, SCHOOL_DAYS)))
    first = formats.start_of_week(date)
    return Days.between(first, first + WEEK - timedelta(days=1))


def choose_ground(grounds: Sequence[Ground]) -> None:
    """Settles the ground of a week: that of the pick, the chosen one, or the first of all."""
    slot, ids = draft.picked(), [ground.id for ground in grounds]
    chosen = st.session_state.get(draft.GROUND_SHOWN) if slot is None else slot.ground_id
    if draft.is_week() and ids:
        st.session_state[draft.GROUND_SHOWN] = chosen if chosen in ids else ids[0]
    elif st.session_state.get(draft.GROUND_SHOWN) not in ids:
        st.session_state[draft.GROUND_SHOWN] = None


def controls(
    known: Reference, date: Date, days: Days, today: Date, last: Date
) -> tuple[str, timedelta | None, timedelta | None]:
    """The unit of the view, such as "week", and the steps to the previous and the next one.

    A step is None where there is no such unit. A step of a week may lead beyond ``today`` or
    ``last``: ``draft.move_date`` ends it there.
    """
    day = timedelta(days=1)
    if draft.is_school():
        before = days_of_school(known.plan, date - day, today, SCHOOL_DAYS) if date > today else []
        after = days_of_school(known.plan, days.last + day, last, 1) if days.last < last else []
        return "days", before[-1] - date if before else None, after[0] - date if after else None
    step, unit = (WEEK, "week") if draft.is_week() else (day, "day")
    first_shown, last_shown = (days.first, days.last) if draft.is_week() else (date, date)
    return unit, -step if first_shown > today else None, step if last_shown < last else None


def times(known: Reference, days: Days) -> list[str]:
    """The starts of periods ("HH:MM") on ``days``, for the choice of a time.

    Settles the chosen time, which is one of any timetable: it stays chosen on a day without it.
    """
    starts = {period.start for date in days for period in known.plan(date).all_periods}
    others = {period.start for table in known.timetables.values() for period in table.periods}
    chosen = st.session_state.setdefault(draft.FREE_AT, "")
    if chosen not in {f"{start:%H:%M}" for start in starts | others}:
        st.session_state[draft.FREE_AT] = chosen = ""
    return sorted({f"{start:%H:%M}" for start in starts} | ({chosen} - {""}))


def print_link(date: Date) -> None:
    """Draws the link to the sheet of the view, which opens in a tab of its own."""
    asked = {"date": date.isoformat()}
    label, path = "Print this day", DAY_SHEET
    if draft.is_week() and (ground_id := st.session_state[draft.GROUND_SHOWN]) is not None:
        label, path = "Print this week", WEEK_SHEET
        asked["ground"] = ground_id
    address = f"{base()}/{path}?{urlencode(asked)}"
    st.link_button(label, address, icon=":material/print:", type="tertiary")


def free_at_control(starts: Sequence[str]) -> None:
    """Draws the choice of a time at which a ground is to be free, and the way to remove it."""
    st.selectbox(
        "Free at",
        format_func=lambda start: (
            f"Free at {formats.clock(time.fromisoformat(start))}" if start else "Free at any time"
        ),
        label_visibility="collapsed",
        filter_mode=None,
        width=190,
        **fields.chosen(draft.FREE_AT, ["", *starts]),
    )
    if st.session_state[draft.FREE_AT]:
        st.button(
            "Any time",
            key="book.any_time",
            icon=":material/close:",
            on_click=draft.show_any_time,
        )


def days_of_strip(date: Date, today: Date, last: Date) -> Days:
    """The five weeks from ``today`` on, or the next five, in which ``date`` lies.

    They end with the week of ``last``, the last day to book.
    """
    first = today + (date - today) // STRIP * STRIP
    end = formats.start_of_week(last) + WEEK
    return Days.between(first, min(first + STRIP, end) - timedelta(days=1))


def strip(shared: Services, days: Days) -> Date | None:
    """Draws how free each of ``days`` is; returns the day that was pressed.

    In a week the figures are those of its ground, else of the grounds that the filter of a game
    leaves; in both of the chosen time alone, if there is one.
    """
    state, wanted, ground_id = st.session_state, draft.wanted(), None
    if draft.is_week() and state[draft.GROUND_SHOWN] is not None:
        ground_id, wanted = state[draft.GROUND_SHOWN], replace(wanted, game=None)
    data = shared.day_strip(days, wanted, ground_id)
    chosen: Date = state[draft.DATE]
    pressed = elements.day_strip(data, chosen=chosen.isoformat(), key="book.day_strip")
    return next((date for date in days if date.isoformat() == pressed), None)


def grid(shared: Services, boards: Sequence[Board]) -> dict[str, str] | None:
    """Draws the grid of the day or of the week; returns the press as ``elements.day_grid`` does."""
    state, is_week = st.session_state, draft.is_week()
    date: Date = state[draft.DATE]
    ground_id: str | None = state[draft.GROUND_SHOWN]
    if is_week and ground_id is not None:
        data = shared.week_grid(boards, ground_id, draft.picked(), draft.wanted())
    else:
        board = next(board for board in boards if board.date == date)
        data = shared.grid(board, draft.picked(), draft.wanted())
    return elements.day_grid(
        data,
        me=screen_user.actor().id,
        now=shared.now(),
        shows=date.isoformat() if is_week else ground_id,
        key="book.grid",
    )


def school_grid(
    shared: Services, known: Reference, boards: Sequence[Board]
) -> dict[str, str] | None:
    """Draws all grounds on the days of school; returns the press as ``elements.school_grid``."""
    # The shown date is among the boards for the panel also if it has no school.
    of_school = [board for board in boards if known.plan(board.date).is_school]
    return elements.school_grid(
        shared.school_grid(of_school, draft.wanted()), key="book.school_grid"
    )


def go(boards: Sequence[Board], pressed: Mapping[str, str]) -> None:
    """Shows the ground that was pressed beside the grid, on the day that the press names or on the
    shown one, if they can be shown."""
    shown: Date = st.session_state[draft.DATE]
    date = pressed["date"] or shown.isoformat()
    board = next((b for b in boards if b.date.isoformat() == date), None)
    if board is None:
        return
    ground_id = next((g.id for g in board.grounds if g.id == pressed["ground"]), None)
    fit = {ground.id for ground in board.matching(draft.wanted()).grounds}
    # The press asks for this ground on this day.
    draft.show(board.date, ground_id, at_any_time=ground_id is not None and ground_id not in fit)


def slot_at(boards: Sequence[Board], pressed: Mapping[str, str]) -> tuple[Board, Slot] | None:
    """The slot of a pressed cell and the board of its day; None if ``boards`` have no such cell."""
    for board in boards:
        if board.date.isoformat() == pressed["date"]:
            slot = draft.slot_at(board, pressed["ground"], pressed["start"])
            return None if slot is None else (board, slot)
    return None
