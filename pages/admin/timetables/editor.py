"""The editor of a timetable: its periods and weekdays, and a preview of their effect."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date as Date
from datetime import time, timedelta
from typing import Any

import streamlit as st

from booking_core import (
    MARK_MINUTES,
    Calendar,
    DayPlan,
    InvalidRequest,
    Period,
    Reference,
    Timetable,
    add_timetable,
    minutes,
    save_timetable,
)
from pages.admin import widgets
from pages.shared.components import elements, fields
from pages.shared.live import fragment
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads

_WAS, _LINES, _NEXT = "admin.editor.was", "admin.editor.lines", "admin.editor.next"
_NAME, _WEEKDAYS, _DATE = "admin.editor.name", "admin.editor.weekdays", "admin.editor.date"
_WEEK, _GROUNDS = "admin.editor.week", "admin.editor.grounds"
_PROBLEM, _SAID, _PREFIX = "admin.editor.problem", "admin.days.said", "admin.editor."
_NEW = "new timetable"  # in place of an id, which is made at the first save and has no spaces
_LABEL, _BEGINS, _ENDS = "label", "begins", "ends"
_NOT_FILLED = "admin.editor.not_filled"
_DAY = 24 * 60  # minutes
_MULTIPLE = f"Periods and breaks last a multiple of {MARK_MINUTES} minutes."
_NO_PERIOD = "Add at least one period."


def is_open() -> bool:
    return _LINES in st.session_state


def open_editor(table: Timetable | None, weekdays: Sequence[int] = ()) -> None:
    """Opens the editor in the next run, for ``table`` or (None) a new timetable on ``weekdays``."""
    close()
    state = st.session_state
    state[_WAS] = table
    _set_lines(table.periods if table else ())
    state[_NAME] = table.name if table else ""
    state[_WEEKDAYS] = list(table.weekdays if table else weekdays)
    state[_WEEK] = table.week if table else ""
    state[_GROUNDS] = list(table.ground_ids if table else ())


def close() -> None:
    fields.clear(_PREFIX)


def show(shared: Services) -> None:
    """Draws the editor and the preview."""
    fragment.live(shared, "admin.timetable", lambda: _editor(shared))


def _field(line: int, name: str) -> str:
    return f"{_PREFIX}{name}.{line}"


def _set_lines(periods: Sequence[Period], after: Sequence[int] = ()) -> None:
    """Replaces all lines after the lines ``after`` by lines for ``periods``.

    A number is never used twice, so that no line gets the text typed into a removed one.
    """
    state = st.session_state
    first = state.get(_NEXT, 0)
    state[_NEXT] = first + len(periods)
    state[_LINES] = [*after, *range(first, state[_NEXT])]
    for line, period in enumerate(periods, start=first):
        # An empty label stands for the times of the period, also after they change.
        state[_field(line, _LABEL)] = "" if widgets.is_named_by_times(period) else period.label
        state[_field(line, _BEGINS)], state[_field(line, _ENDS)] = period.start, period.end


def _editor(shared: Services) -> None:
    state: Any = st.session_state
    if not is_open():  # a callback has just closed it
        st.rerun()
    for line in state[_LINES]:
        for key in (_field(line, _BEGINS), _field(line, _ENDS)):
            state[key] = state[key]  # drawn again, a time field has its default: now
    was: Timetable | None = state[_WAS]
    st.markdown("##### New timetable" if was is None else "##### Edit timetable")
    left, right = st.columns([1.5, 1], gap="medium")
    with left, st.container(border=True, key="card_admin.editor"):
        st.text_input(
            "Name", key=_NAME, persist_state="session", max_chars=120, placeholder="Half day"
        )
        st.pills(
            "Weekdays on which it holds",
            formats.weekdays(),
            selection_mode="multi",
            key=_WEEKDAYS,
            persist_state="session",
            format_func=formats.weekday,
            help="None, where it is only for special dates, such as exams.",
        )
        if state[_WEEK] or shared.reference().year.week_a:
            st.segmented_control(
                "Weeks in which it holds",
                ["", "A", "B"],
                key=_WEEK,
                persist_state="session",
                required=True,
                format_func=lambda week: f"Week {week}" if week else "All weeks",
                help="A timetable of a week goes before one of all weeks.",
            )
        _grounds(shared.reference(), was)
        _lines(state[_LINES])
    wanted = _typed()
    with right, st.container(border=True, key="card_admin.editor.preview"):
        st.markdown("##### Before you save")
        if isinstance(wanted, Timetable):
            _preview(shared, wanted)
        elif wanted == _NO_PERIOD and was is None:  # an empty new timetable is no error yet
            st.caption(
                "The day as it will be is shown here. “Fill in equal periods” is the quickest way "
                "to begin; then change what differs."
            )
        else:
            widgets.problem(wanted)
            st.caption("Nothing is saved, and nothing of what is typed is lost.")
    with st.container():
        if isinstance(wanted, Timetable):
            widgets.problem(state.get(_PROBLEM))
    elements.unsaved(_differs(wanted, was), key="admin.timetable.unsaved")
    with st.container(horizontal=True):
        st.button(
            "Save timetable",
            key="admin.editor.save",
            type="primary",
            disabled=isinstance(wanted, str) or wanted == was or not shared.is_live,
            on_click=_save,
            args=(shared, wanted),
        )
        st.button("Back", key="admin.editor.back", on_click=close)


def _differs(wanted: Timetable | str, was: Timetable | None) -> bool:
    """Whether something would be lost; a new timetable without a name and a period has nothing."""
    if was is None and wanted == _NO_PERIOD:
        return bool(st.session_state[_NAME].strip())
    return wanted != was


def _grounds(known: Reference, was: Timetable | None) -> None:
    """Draws the choice of the grounds that have these periods."""
    # Chosen grounds stay options: an empty choice would mean all grounds.
    kept = {*(was.ground_ids if was else ()), *st.session_state[_GROUNDS]}
    names = {g.id: g.name for g in known.grounds.values() if not g.retired or g.id in kept}
    names |= {id: id for id in sorted(kept - names.keys())}
    if len(names) < 2 and not kept:
        return
    st.multiselect(
        "Grounds that have these periods",
        list(names),
        key=_GROUNDS,
        persist_state="session",
        format_func=names.__getitem__,
        placeholder="All grounds",
        help="A timetable of some grounds, such as the pool, goes before one of all grounds.",
    )


def _lines(lines: Sequence[int]) -> None:
    """Draws a line of fields for each period."""
    st.markdown("Periods")
    st.caption("The name of each, when it begins and when it ends, in steps of 5 minutes.")
    # In a container of their own, so that the buttons below keep their place as lines come and go:
    # Streamlit shows a button twice for a moment when its place changes.
    with st.container():
        for number, line in enumerate(lines, start=1):
            _line(number, line)
    with st.container(horizontal=True):
        st.button("Add a period", key="admin.editor.add", icon=":material/add:", on_click=_add)
        _equal_periods()


def _line(number: int, line: int) -> None:
    with st.container(horizontal=True, gap="xsmall", key=f"line_{line}"):
        st.text_input(
            f"Name of period {number}",
            key=_field(line, _LABEL),
            persist_state="session",
            max_chars=120,
            placeholder="Named by its times",
            label_visibility="collapsed",
        )
        for name in (_BEGINS, _ENDS):
            st.time_input(
                f"Period {number} {name}",
                key=_field(line, name),
                persist_state="session",
                step=MARK_MINUTES * 60,
                format=formats.time_field(),
                label_visibility="collapsed",
                width=124,
            )
        st.button(
            f"Remove period {number}",
            key=f"icon_{_field(line, 'remove')}",
            icon=":material/close:",
            type="tertiary",
            on_click=_remove,
            args=(line,),
        )


def _add() -> None:
    """Adds a period after the last one, with the same length."""
    state = st.session_state
    lines = state[_LINES]
    start, length = minutes(time(8)), 60
    if lines:
        begins, ends = (state[_field(lines[-1], name)] for name in (_BEGINS, _ENDS))
        start = minutes(ends, closing=True)
        length = max(start - minutes(begins), MARK_MINUTES)
    start = min(start, _DAY - length)
    _set_lines([_period(start, length)], after=lines)


def _remove(line: int) -> None:
    state = st.session_state
    state[_LINES] = [kept for kept in state[_LINES] if kept != line]


def _period(start: int, length: int) -> Period:
    """The period from minute ``start`` of the day for ``length`` minutes, named by its times."""
    begin, end = (time(m % _DAY // 60, m % 60) for m in (start, start + length))
    return Period(formats.span(begin, end), begin, end)


def _equal_periods() -> None:
    """Draws the popover that replaces all periods by periods of equal length."""
    with st.popover("Fill in equal periods", icon=":material/table_rows:"):
        step = MARK_MINUTES
        first = st.time_input(
            "The first begins",
            time(8),
            step=step * 60,
            format=formats.time_field(),
            key=f"{_PREFIX}first",
        )
        length = st.number_input("Minutes each", step, 240, 60, step, key=f"{_PREFIX}length")
        pause = st.number_input("Minutes between", 0, 120, 0, step, key=f"{_PREFIX}pause")
        count = st.number_input("How many", 1, 24, 8, key=f"{_PREFIX}count")
        st.caption("They take the place of the periods that are there.")
        st.button(
            "Fill in",
            key="admin.editor.fill",
            on_click=_fill,
            args=(first, length, pause, count),
        )
        widgets.problem(st.session_state.pop(_NOT_FILLED, None))


def _fill(first: time | None, length: int, pause: int, count: int) -> None:
    if length % MARK_MINUTES or pause % MARK_MINUTES:  # a number field accepts any number
        st.session_state[_NOT_FILLED] = _MULTIPLE
        return
    periods = []
    start = minutes(first or time(8))
    for _ in range(count):
        if start + length > _DAY:
            break
        periods.append(_period(start, length))
        start += length + pause
    _set_lines(periods)


def _typed() -> Timetable | str:
    """The form as a timetable, or a sentence about its first error."""
    state = st.session_state
    was: Timetable | None = state[_WAS]
    periods = []
    named = (
        {(p.start, p.end): p.label for p in was.periods if widgets.is_named_by_times(p)}
        if was
        else {}
    )
    for number, line in enumerate(state[_LINES], start=1):
        label, start, end = (state[_field(line, name)] for name in (_LABEL, _BEGINS, _ENDS))
        try:
            times = named.get((start, end)) or formats.span(start, end)
            periods.append(Period(label.strip() or times, start, end))
        except InvalidRequest as exc:
            return (
                f"“{label}”: {messages.error(exc)}"
                if label
                else f"Line {number}: {messages.error(exc)}"
            )
    if not periods:
        return _NO_PERIOD
    try:
        if not state[_NAME].strip():
            return "Give the timetable a name."
        id = was.id if was else _NEW
        return Timetable(
            id,
            tuple(periods),
            state[_WEEKDAYS] or (),
            state[_NAME],
            state[_WEEK],
            tuple(state[_GROUNDS]),
        )
    except InvalidRequest as exc:
        return messages.error(exc)


def _preview(shared: Services, wanted: Timetable) -> None:
    known: Reference = shared.reference()
    today = shared.now().date()
    calendar = known.calendar.with_timetable(wanted)
    for other in known.calendar.gives_way(wanted).values():
        moved = set(known.timetables[other.id].weekdays) - set(other.weekdays)
        verb = "moves" if len(moved) == 1 else "move"
        st.markdown(
            f":material/swap_horiz: {widgets.weekday_names(sorted(moved))} {verb} here from "
            f"{formats.literal(other.name)}."
        )
        if rest := set(other.ground_ids) - set(wanted.ground_ids):
            names = formats.literal(payloads.ground_names(rest, known.grounds))
            st.caption(f"Then the timetable of all grounds holds on {names}.")
    if lost := widgets.newly_without_school(known.calendar, calendar):
        st.markdown(f":material/event_busy: No school on {lost}, until another timetable has it.")
    if wanted.week and not known.year.week_a:
        st.markdown(":material/event_busy: It rests: weeks have no letters (see Year).")
    date = st.date_input(
        "Look at a date",
        _next(calendar, wanted, today),
        key=_DATE,
        persist_state="session",
        format=formats.date_field(),
    )
    if isinstance(date, Date):
        widgets.plan(calendar, known, date, today)
    widgets.would_not_fit(shared, calendar, wanted)


def _next(calendar: Calendar, wanted: Timetable, today: Date) -> Date:
    """The next date that has this timetable; today if none of the next two weeks has it."""
    days = (today + timedelta(days=n) for n in range(14))

    def has_it(plan: DayPlan) -> bool:
        return any(one.timetable_id == wanted.id for one in (plan, *plan.own.values()))

    return next((day for day in days if has_it(calendar.plan(day))), today)


def _save(shared: Services, wanted: Timetable) -> None:
    state = st.session_state
    was: Timetable | None = state[_WAS]
    if was is None:
        text = widgets.attempt(
            shared,
            lambda by: add_timetable(
                shared.db,
                wanted.name,
                wanted.periods,
                wanted.weekdays,
                week=wanted.week,
                ground_ids=wanted.ground_ids,
                by=by,
            ),
        )
    else:
        text = widgets.attempt(shared, lambda by: save_timetable(shared.db, wanted, by=by, was=was))
    state[_PROBLEM] = text
    if text is None:
        close()
        state[_SAID] = f"{wanted.name} is saved. Every screen shows it."
