"""The section for timetables: the periods of each weekday, and special dates."""

from __future__ import annotations

from datetime import date as Date
from datetime import timedelta

import streamlit as st

from booking_core import (
    Day,
    InvalidRequest,
    Reference,
    Timetable,
    delete_day,
    delete_timetable,
    misfits,
    save_days,
)
from booking_core.live import Scope
from pages.admin import widgets
from pages.admin.timetables import editor
from pages.shared.components import choices
from pages.shared.layout import confirmation
from pages.shared.live import fragment
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads

_OPEN, _PROBLEM, _SAID = "admin.days.open", "admin.days.problem", "admin.days.said"
_DATES, _WHAT, _NOTE = "admin.days.dates", "admin.days.what", "admin.days.note"
_PAGE = "admin.days.page"
_LOOKED_AT = "admin.timetables.date"
NO_SCHOOL = ""  # an option beside the ids of timetables


def show(shared: Services) -> None:
    """Draws the section."""
    if said := st.session_state.pop(_SAID, None):
        st.toast(formats.literal(said), icon=":material/check:")
    if editor.is_open():
        editor.show(shared)
        return
    fragment.live(shared, "admin.timetables", lambda: _overview(shared))
    match st.session_state.pop(_OPEN, None):
        case ("dates", _):
            _special_dates(shared)
        case ("delete", timetable_id):
            _delete(shared, timetable_id)


def _overview(shared: Services) -> None:
    known: Reference = shared.reference()
    today = shared.now().date()
    widgets.problem(st.session_state.get(_PROBLEM))
    left, right = st.columns([1.5, 1], gap="medium")
    with left:
        _tables(shared, known)
        _days(shared, known, today)
    with right, st.container(border=True, key="card_admin.timetables.look"):
        st.markdown("##### Look at a date")
        date = st.date_input("Date", today, key=_LOOKED_AT, format=formats.date_field())
        if isinstance(date, Date):
            widgets.plan(known.calendar, known, date, today)
    unfit = shared.cached(
        (Scope.BOOKINGS, Scope.SCHOOL),
        ("misfits", today),
        lambda: misfits(shared.db, from_date=today),
    )
    if unfit:
        st.markdown("##### Bookings outside the timetable")
        st.caption(
            f"{widgets.counted(len(unfit), 'upcoming booking')} no longer "
            f"{'fits' if len(unfit) == 1 else 'fit'} the periods of the day. They hold the ground "
            "as before; move or cancel them on Bookings."
        )
        widgets.bookings(shared, unfit)


def _tables(shared: Services, known: Reference) -> None:
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.markdown("##### Timetables", width="content")
        if st.button(
            "Add a timetable", key="admin.timetables.add", type="primary", icon=":material/add:"
        ):
            # The first timetable is most often for Monday to Friday, a later one for special dates.
            editor.open_editor(None, () if known.timetables else range(5))
            st.rerun()
    tables = sorted(known.timetables.values(), key=lambda t: (t.weekdays or (7,), t.name))
    if not tables:
        with st.container(border=True, key="card_admin.timetables.none"):
            st.markdown("##### No timetable yet")
            st.caption("Add one with the periods of the school day; then grounds can be booked.")
    for table in tables:
        key, name = f"admin.timetables.{table.id}", formats.literal(table.name)
        with st.container(
            border=True, key=f"card_{key}", horizontal=True, vertical_alignment="center"
        ):
            with st.container(width="stretch", gap=None):
                week = f" of week {table.week}" if table.week else ""
                st.markdown(f"**{name}** · {widgets.weekdays(table.weekdays)}{week}")
                if table.ground_ids:
                    names = payloads.ground_names(table.ground_ids, known.grounds)
                    st.caption(formats.literal(f"On {names}"))
                hours = formats.span(table.periods[0].start, table.periods[-1].end)
                st.caption(f"{widgets.counted(len(table.periods), 'period')}, {hours}")
            with st.container(horizontal=True, width="content"):
                if st.button("Edit", key=f"{key}.edit", help=f"Periods and weekdays of {name}"):
                    editor.open_editor(table)
                    st.rerun()
                if st.button("Delete…", key=f"{key}.delete", help=f"Delete {name}"):
                    _ask("delete", table.id)
    free = widgets.no_school(known.calendar.weekdays_without_school())
    if tables and free:
        st.caption(f"No school on {free}: no timetable of all grounds has it.")


def _days(shared: Services, known: Reference, today: Date) -> None:
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.markdown("##### Special dates", width="content")
        if st.button("Add dates", key="admin.days.add", icon=":material/event:"):
            for key in (_DATES, _WHAT, _NOTE):
                st.session_state.pop(key, None)
            _ask("dates", "")
    coming = [known.days[date] for date in sorted(known.days) if date >= today]
    if not coming:
        st.caption("None yet. A holiday, a half day or an exam overrides the weekday’s timetable.")
    shown, first = widgets.page(coming, _PAGE)
    for day in shown:
        key = f"admin.days.{day.date}"
        table = known.timetables.get(day.timetable_id or "")
        with st.container(
            border=True, key=f"card_{key}", horizontal=True, vertical_alignment="center"
        ):
            with st.container(width="stretch", gap=None):
                st.markdown(f"**{formats.day_heading(day.date, today)}**")
                what = table.name if table else "No school"
                st.caption(formats.literal(f"{what} · {day.note}" if day.note else what))
            st.button(
                "Clear",
                key=f"{key}.clear",
                help=f"{formats.short_date(day.date)} follows its weekday again",
                on_click=_clear,
                args=(shared, day.date),
            )
    if len(coming) > widgets.PAGE:
        widgets.page_foot(len(coming), first, _PAGE)


def _ask(dialog: str, subject: str) -> None:
    st.session_state.pop(_PROBLEM, None)
    st.session_state[_OPEN] = (dialog, subject)
    st.rerun()


def _close(said: str) -> None:
    st.session_state[_SAID] = said
    st.rerun()


def _clear(shared: Services, date: Date) -> None:
    st.session_state[_PROBLEM] = widgets.attempt(
        shared, lambda by: delete_day(shared.db, date, by=by)
    )


@st.dialog("Special dates")
def _special_dates(shared: Services) -> None:
    known: Reference = shared.reference()
    today = shared.now().date()
    names = {NO_SCHOOL: "No school"} | {t.id: t.name for t in known.timetables.values()}
    st.date_input(
        "First and last date",
        [],
        min_value=today,
        max_value=today + timedelta(days=399),
        key=_DATES,
        persist_state="session",
        format=formats.date_field(),
        help="For a single date, choose it twice.",
    )
    what = st.selectbox(
        "Timetable on these dates",
        list(names),
        key=_WHAT,
        persist_state="session",
        format_func=lambda i: names.get(i, i),
    )
    note = st.text_input(
        "Why", key=_NOTE, max_chars=200, placeholder="Diwali, half day, mid-term exam …"
    )
    st.caption("Shown on the Book screen and, where there is no school, on the wall.")
    dates = _between(choices.date_range(_DATES))
    try:
        days = [Day(date, what or None, note.strip()) for date in dates]
        if days:
            calendar = known.calendar.with_days(days)
            widgets.plan(calendar, known, dates[0], today)
            if len(dates) > 1:
                st.caption(f"And so on, up to {formats.day_heading(dates[-1], today)}.")
            widgets.would_not_fit(shared, calendar, ("days", tuple(days)))
    except InvalidRequest as exc:
        widgets.problem(messages.error(exc))
    if confirmation.show(
        shared,
        ("Back", "admin.days.back"),
        ("Save", "admin.days.save"),
        lambda by: save_days(shared.db, dates, timetable_id=what or None, note=note, by=by),
        disabled=not dates,
    ):
        _close(f"{widgets.counted(len(dates), 'date')} saved.")


def _between(picked: tuple[Date, ...]) -> list[Date]:
    """The dates from the first to the last of ``picked``; none until both are chosen."""
    if len(picked) != 2:
        return []
    first, last = picked
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


@st.dialog("Delete this timetable?")
def _delete(shared: Services, timetable_id: str) -> None:
    known: Reference = shared.reference()
    table: Timetable | None = known.timetables.get(timetable_id)
    if table is None:
        return
    st.markdown(f"**{formats.literal(table.name)}**")
    days = sorted(day.date for day in known.days.values() if day.timetable_id == timetable_id)
    if days:
        named = ", ".join(formats.short_date(day) for day in days[:5])
        more = f" and {len(days) - 5} more" if len(days) > 5 else ""
        st.warning(
            f"It is that of {named}{more}. Give these dates another one first.",
            icon=":material/event:",
        )
    elif table.weekdays:
        calendar = known.calendar.without_timetable(timetable_id)
        lost = widgets.newly_without_school(known.calendar, calendar)
        if lost:
            st.markdown(f"{lost}: no school, until another has them.")
        elif table.ground_ids:
            st.markdown("The timetable of all grounds then holds on its grounds.")
        else:
            st.markdown("Other timetables have its weekdays.")
        widgets.would_not_fit(shared, calendar, ("without", timetable_id))
    else:
        st.caption("No weekday and no date has it.")
    if confirmation.show(
        shared,
        ("Keep it", "admin.timetables.delete.keep"),
        ("Delete timetable", "danger_admin.timetables.delete"),
        lambda by: delete_timetable(shared.db, timetable_id, by=by),
        disabled=bool(days),
    ):
        _close(f"{table.name} is deleted.")
