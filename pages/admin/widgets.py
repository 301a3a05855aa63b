"""Widgets and texts that several sections of the Admin screen share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date as Date
from functools import partial
from typing import Any, TypeVar

import streamlit as st

from booking_core import Actor, Booking, BookingError, Calendar, DayPlan, Period, Reference, misfits
from booking_core.live import Scope
from pages.shared.auth import session
from pages.shared.layout import pager
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads

T = TypeVar("T")
PAGE = 50  # rows of a list
_FEW = 8


def attempt(shared: Services, write: Callable[[Actor], Any]) -> str | None:
    """Calls ``write`` with the present user; returns None, or a sentence if it raised an error."""
    try:
        with shared.change():
            write(session.actor())
    except BookingError as exc:
        return messages.error(exc)
    return None


def problem(text: str | None) -> None:
    """Shows ``text`` as an error, unless it is empty."""
    if text:
        st.error(formats.literal(text), icon=":material/error:")


def bookings(shared: Services, found: Sequence[Booking]) -> None:
    """Draws a line for each booking, those after the first few in an expander."""
    grounds, today = shared.reference().grounds, shared.now().date()
    lines = [
        f"- **{formats.day_heading(b.date, today)}, {formats.span(b.start, b.end)}** · "
        + formats.literal(
            f"{payloads.slot_title(b.slot, grounds)}, {b.game} · {b.whom} "
            f"· {messages.STATUS[b.status].lower()}"
        )
        for b in found
    ]
    st.markdown("\n".join(lines[:_FEW]))
    if len(lines) > _FEW:
        with st.expander(f"{len(lines) - _FEW} more"):
            st.markdown("\n".join(lines[_FEW:]))


def would_not_fit(shared: Services, calendar: Calendar, about: object) -> None:
    """Draws the upcoming bookings that fit the stored calendar and would not fit ``calendar``.

    ``about``: the difference between the two calendars, as part of the cache key.
    """
    today = shared.now().date()

    def load() -> list[Booking]:
        before = {b.id for b in misfits(shared.db, from_date=today)}
        return [
            b for b in misfits(shared.db, from_date=today, plan=calendar.plan) if b.id not in before
        ]

    found = shared.cached((Scope.BOOKINGS, Scope.SCHOOL), ("would not fit", today, about), load)
    if not found:
        st.caption("Every upcoming booking still fits.")
        return
    st.warning(
        f"**{counted(len(found), 'upcoming booking')} would no longer fit.** Nothing is done "
        "to them: they hold the ground as before. Move or cancel them on Bookings.",
        icon=":material/event:",
    )
    bookings(shared, found)


def plan(calendar: Calendar, known: Reference, date: Date, today: Date) -> None:
    """Draws the periods of a date, those of all grounds and those of some grounds."""
    day = calendar.plan(date)
    texts = (_table(calendar, day), day.note, formats.term_and_week(day.term, day.week))
    about = ", ".join(formats.literal(text) for text in texts if text)
    st.markdown(f"**{formats.day_heading(date, today)}**" + (f" · {about}" if about else ""))
    _periods(day)
    for table_id in dict.fromkeys(own.timetable_id for own in day.own.values()):
        ids = [id for id, own in day.own.items() if own.timetable_id == table_id]
        own = day.own[ids[0]]
        names = formats.literal(payloads.ground_names(ids, known.grounds))
        st.markdown(f"**{names}** · {formats.literal(_table(calendar, own))}")
        _periods(own)


def _table(calendar: Calendar, day: DayPlan) -> str:
    """The name of the timetable of ``day``; "" for none."""
    table = calendar.timetables.get(day.timetable_id or "")
    return table.name if table else ""


def _periods(day: DayPlan) -> None:
    if not day.periods:
        # Grounds with periods of their own are listed below this.
        st.caption(
            "No school: no other ground can be booked."
            if day.own
            else "No school: nothing can be booked."
        )
        return
    rows = [(formats.span(p.start, p.end), p.label) for p in day.periods]
    if all(map(is_named_by_times, day.periods)):  # then label and times are the same
        lines = ["| Period |", "|:--|", *(f"| {time} |" for time, _ in rows)]
    else:
        lines = ["| Time | Period |", "|:--|:--|"]
        lines += [f"| {time} | {formats.literal(label)} |" for time, label in rows]
    st.markdown("\n".join(lines))


def is_named_by_times(period: Period) -> bool:
    """Whether the label of ``period`` only repeats its times, in any spelling."""
    return formats.is_span(period.label, period.start, period.end)


def weekdays(days: Sequence[int]) -> str:
    """``Mon–Fri``, ``Sat, Sun``, ``every day``, or ``no weekday``."""
    if len(days) == 7:
        return "every day"
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    parts = []
    for run in runs:
        names = [formats.weekday(day) for day in run]
        parts += [f"{names[0]}–{names[-1]}"] if len(run) > 2 else names
    return ", ".join(parts) or "no weekday"


def weekday_names(days: Sequence[int]) -> str:
    """``Saturday and Sunday``."""
    return formats.listed([formats.weekday_name(day) for day in sorted(days)])


def no_school(without: Mapping[str, Sequence[int]]) -> str:
    """``Saturday and Sunday``, ``Friday of week A and Sunday``, from
    ``Calendar.weekdays_without_school``; "" for none.
    """
    of_all = set[int].intersection(*map(set, without.values()))
    found = [
        (day, formats.weekday_name(day) + ("" if day in of_all else f" of week {letter}"))
        for letter, days in without.items()
        for day in days
    ]
    return formats.listed(list(dict.fromkeys(name for _, name in sorted(found))) or [""])


def newly_without_school(before: Calendar, after: Calendar) -> str:
    """As ``no_school``, the weekdays that a timetable has in ``before`` and none in ``after``."""
    had = before.weekdays_without_school()
    return no_school(
        {
            letter: [day for day in days if day not in had[letter]]
            for letter, days in after.weekdays_without_school().items()
        }
    )


def counted(number: int, noun: str) -> str:
    """``1 booking``, ``3 bookings``, ``no bookings``."""
    return f"{formats.number(number) if number else 'no'} {noun}{'' if number == 1 else 's'}"


def page(rows: Sequence[T], key: str) -> tuple[Sequence[T], int]:
    """The rows of the page whose number is stored under ``key``, and the index of the first."""
    last = max(0, (len(rows) - 1) // PAGE)
    number = st.session_state[key] = min(st.session_state.get(key, 0), last)
    first = number * PAGE
    return rows[first : first + PAGE], first


def page_of(values: Mapping[str, str]) -> int:
    """The number of the page in the parameters of an address, from 0."""
    text = values.get("page", "")
    return int(text) - 1 if text.isascii() and text.isdecimal() and int(text) else 0


def page_in_address(number: int) -> str:
    """The parameter of the page ``number``, from 0; "" of the first one."""
    return str(number + 1) if number else ""


def page_foot(total: int, first: int, key: str, most: int | None = None) -> None:
    """Draws which rows this page shows, and the buttons to other pages.

    ``most``: the list was read no further than one row beyond it.
    """
    shown = f"{formats.number(first + 1)}–{formats.number(min(first + PAGE, total))}"
    number = formats.number(total) if most is None else formats.up_to(total, most)
    pager.show(
        f"{shown} of {number}",
        key,
        partial(_change_page, key, -1) if first else None,
        partial(_change_page, key, 1) if first + PAGE < total else None,
    )


def _change_page(key: str, step: int) -> None:
    st.session_state[key] = max(0, st.session_state.get(key, 0) + step)
