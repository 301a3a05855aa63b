"""The dialog that books one slot on several dates. It shows which of the dates are free."""

from __future__ import annotations

from dataclasses import replace
from datetime import date as Date
from datetime import timedelta
from uuid import UUID, uuid4

import streamlit as st

from booking_core import (
    BookingError,
    BookingRequest,
    InvalidRequest,
    Series,
    SeriesPlan,
    SeriesRequest,
    Slot,
    SubmissionReused,
    book_instead,
    book_series,
    days_of_school,
    plan_series,
)
from booking_core.live import Scope
from pages.book import draft, party, series_waiting
from pages.shared.auth import session
from pages.shared.components import elements
from pages.shared.live import fragment, screen_user
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, payloads, series_texts

_DONE, _PROBLEM = draft.SERIES_DONE, series_waiting.PROBLEM
_WEEKDAYS, _EVERY, _UNTIL = "book.series.weekdays", "book.series.every", "book.series.until"
_LETTER, _ENDS, _COUNT = "book.series.letter", "book.series.ends", "book.series.count"
_ASKED = "book.series.asked"
_HOW, _PICKED = "book.series.how", "book.series.picked"
_BY_WEEKDAY, _BY_DATE = "By weekday", "Dates that I pick"
_ON_DATE, _AFTER = "On a date", "After a number of dates"
_USUAL = timedelta(weeks=5)  # to the last date that the dialog offers outside of a term
_MANY = 7  # dates: more of them scroll
_ALL_WEEKS = "All weeks"


def begin() -> None:
    """Opens the dialog in the next run, under a new submission id."""
    draft.close_dialogs()
    if draft.can_be_asked():
        st.session_state[draft.SERIES_ID] = uuid4()


def show(shared: Services) -> bool:
    """Draws the dialog that is open, if any; returns whether one is."""
    done: Series | None = st.session_state.get(_DONE)
    if done is not None:
        title = "Series booked" if draft.as_approved() else "Series requested"
        st.dialog(title, on_dismiss=_finish, icon=":material/check_circle:")(_booked)(shared)
        return True
    if draft.SERIES_ID in st.session_state:
        st.dialog("Repeat this booking", width="medium", on_dismiss=draft.close_dialogs)(
            fragment.keep
        )(shared, "book.series", lambda: _form(shared))
        return True
    return False


def _form(shared: Services) -> None:
    if _DONE in st.session_state:
        st.rerun()
    wanted = draft.request()
    if wanted is None:
        st.warning(party.missing())
        return
    known, today = shared.reference(), shared.now().date()
    if (who := party.named(known, wanted)) is None:
        st.warning(party.GONE)
        return
    elements.facts(
        "book.series.facts",
        ("Ground", known.ground(wanted.ground_id).name),
        ("Time", formats.span(wanted.start, wanted.end)),
        ("For", f"{who} · {wanted.game}"),
        ("First date", formats.day_heading(wanted.date, today)),
    )
    asked = _asked(shared, wanted)
    plan = _plan(shared, asked) if isinstance(asked, SeriesRequest) else asked
    if isinstance(plan, str):
        st.error(formats.literal(plan), icon=":material/error:")
    else:
        _dates(shared, wanted, plan)
    if problem := st.session_state.get(_PROBLEM):
        st.error(formats.literal(problem), icon=":material/error:")
    _buttons(shared, asked, plan)


def _asked(shared: Services, wanted: BookingRequest) -> SeriesRequest | str:
    """Draws the fields; the series that is asked for, or a sentence about an error."""
    known = shared.reference()
    last = known.policy.for_series().last_date(shared.now(), shared.settings.zone)
    last = max(last, wanted.date)
    st.session_state.setdefault(_HOW, _BY_WEEKDAY)
    how = st.segmented_control(
        "Repeat", [_BY_WEEKDAY, _BY_DATE], key=_HOW, persist_state="session", required=True
    )
    asked = _by_date if how == _BY_DATE else _by_weekday
    try:
        return asked(shared, wanted, last)
    except InvalidRequest as exc:
        return messages.error(exc)


def _by_date(shared: Services, wanted: BookingRequest, last: Date) -> SeriesRequest | str:
    """Draws the field of the dates that are picked, up to ``last``; as ``_asked``."""
    state, plan = st.session_state, shared.reference().plan
    after = wanted.date + timedelta(days=1)
    most, ground = (last - wanted.date).days, wanted.ground_id
    days = days_of_school(plan, after, last, most, ground_id=ground) if after <= last else []
    before = state.get(_PICKED, [])
    kept = [day for day in days if day in before]
    if kept != before:
        state[_PICKED] = kept  # a day that is without school by now goes
    dates = st.multiselect(
        f"Also on, beside {formats.short_date(wanted.date)}",
        days,
        key=_PICKED,
        persist_state="session",
        format_func=formats.short_date,
        placeholder="Pick dates",
    )
    return SeriesRequest(first=wanted, dates=tuple(dates)) if dates else "Pick at least one date."


def _by_weekday(shared: Services, wanted: BookingRequest, last: Date) -> SeriesRequest | str:
    """Draws the fields of the rule, up to ``last``; as ``_asked``."""
    state, known = st.session_state, shared.reference()
    term = known.year.term(wanted.date)
    until = min(term.last if term else wanted.date + _USUAL, last)
    state.setdefault(_WEEKDAYS, [wanted.date.weekday()])
    state.setdefault(_EVERY, 1)
    state.setdefault(_UNTIL, until)
    if (kept := min(max(state[_UNTIL] or until, wanted.date), last)) != state[_UNTIL]:
        state[_UNTIL] = kept
    state.setdefault(_ENDS, _ON_DATE)
    most = (last - wanted.date).days + 1  # dates that can be booked
    state.setdefault(_COUNT, min(_USUAL.days // 7 + 1, most))
    if (within := min(state[_COUNT] or 1, most)) != state[_COUNT]:
        state[_COUNT] = within
    weekdays = st.pills(
        "On",
        formats.weekdays(),
        selection_mode="multi",
        key=_WEEKDAYS,
        persist_state="session",
        format_func=formats.weekday,
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        every = st.number_input(
            "Every how many weeks", 1, 12, key=_EVERY, persist_state="session", width=160
        )
        ends = st.segmented_control(
            "Ends", [_ON_DATE, _AFTER], key=_ENDS, persist_state="session", required=True
        )
        if ends == _AFTER:
            st.number_input(
                "Number of dates", 1, most, key=_COUNT, persist_state="session", width=160
            )
        else:
            st.date_input(
                "Until",
                key=_UNTIL,
                persist_state="session",
                min_value=wanted.date,
                max_value=last,
                format=formats.date_field(),
            )
    letter = ""
    if known.year.week_a is not None:
        chosen = st.segmented_control(
            "Weeks", [_ALL_WEEKS, "A", "B"], key=_LETTER, default=_ALL_WEEKS, required=True
        )
        letter = "" if chosen == _ALL_WEEKS else str(chosen)
    if not weekdays:
        return "Choose at least one weekday."
    return SeriesRequest(
        first=wanted,
        weekdays=tuple(weekdays),
        every=int(every),
        until=None if ends == _AFTER else state[_UNTIL],
        count=int(state[_COUNT]) if ends == _AFTER else None,
        week=letter,
    )


def _plan(shared: Services, asked: SeriesRequest) -> SeriesPlan | str:
    by, mark = screen_user.actor(), shared.mark()
    submission: UUID | None = st.session_state.get(draft.SERIES_ID)
    try:
        return shared.cached(
            (Scope.BOOKINGS, Scope.SCHOOL),
            ("series", asked, by.id, by.role, submission, mark),
            lambda: plan_series(shared.db, asked, by=by, submission_id=submission, now=mark),
        )
    except BookingError as exc:
        return messages.error(exc)


def _dates(shared: Services, wanted: BookingRequest, plan: SeriesPlan) -> None:
    total, grounds = len(plan.dates), shared.reference().grounds
    st.markdown(f"**{series_texts.free_of(plan.dates)}**")
    if total > _MANY:
        with st.container(height=260, key="book.series.dates"):
            st.markdown(series_texts.date_lines(plan.dates, grounds, plan.own))
    else:
        st.markdown(series_texts.date_lines(plan.dates, grounds, plan.own))
    series_waiting.choices(shared, wanted, plan.problems)
    for one in plan.problems:
        series_waiting.button(shared, wanted, one)
    series_waiting.said()
    if plan.instead:
        st.caption("Free on more of these dates:")
    for index, other in enumerate(plan.instead):
        slot = Slot(other.ground_id, wanted.date, other.start, other.end)
        now = Slot(wanted.ground_id, wanted.date, wanted.start, wanted.end)
        label = payloads.alternative(slot, now, shared.reference().grounds)
        st.button(
            formats.literal(f"{label}: {other.free} of {total}"),
            key=f"book.series.instead.{index}",
            on_click=_choose,
            args=(slot,),
            width="stretch",
        )


def _choose(slot: Slot) -> None:
    draft.choose(slot)
    st.session_state.pop(_PROBLEM, None)
    st.session_state[draft.SERIES_ID] = uuid4()


def _buttons(shared: Services, asked: SeriesRequest | str, plan: SeriesPlan | str) -> None:
    verb = "Book" if draft.as_approved() else "Request"
    total = free = 0
    if isinstance(plan, SeriesPlan):
        total = len(plan.dates)
        free = total - len(plan.problems)
    may_write = shared.is_live and isinstance(asked, SeriesRequest)
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Back", key="book.series.back"):
            draft.close_dialogs()
            st.rerun()
        st.button(
            f"{verb} the free ones",
            key="book.series.free",
            on_click=_confirm,
            args=(shared, asked, True),
            disabled=not may_write or not 0 < free < total,
        )
        st.button(
            f"{verb} all",
            key="book.series.all",
            type="primary",
            on_click=_confirm,
            args=(shared, asked, False),
            disabled=not may_write or not total or free < total,
        )


def _confirm(shared: Services, asked: SeriesRequest, only_free: bool) -> None:
    state = st.session_state
    submission: UUID | None = state.get(draft.SERIES_ID)
    if submission is None or _DONE in state:
        return
    state.pop(_PROBLEM, None)
    try:
        with shared.change():
            state[_DONE] = book_series(
                shared.db,
                asked,
                by=session.actor(),
                submission_id=submission,
                only_free=only_free,
                as_approved=draft.as_approved(),
            )
            state[_ASKED] = asked
    except SubmissionReused:  # an earlier press, whose answer was lost: the next is another
        state[_PROBLEM], state[draft.SERIES_ID] = messages.SENT_BEFORE, uuid4()
    except BookingError as exc:
        state[_PROBLEM] = messages.error(exc)


def _booked(shared: Services) -> None:
    screen_user.check(shared)
    done: Series | None = st.session_state.get(_DONE)
    if done is None:
        return
    count = series_texts.count(len(done.bookings))
    st.markdown(
        f"**{count}** booked; they wait for nobody."
        if draft.as_approved()
        else f"**{count}** held and waiting for the principal's approval."
    )
    if done.refused:
        st.caption("Not booked:")
        series_waiting.choices(shared, st.session_state[_ASKED].first, done.refused)
        _refused(shared, done)
    series_waiting.said()
    if problem := st.session_state.get(_PROBLEM):
        st.error(formats.literal(problem), icon=":material/error:")
    if st.button("OK", key="book.series.ok", type="primary", width="stretch"):
        _finish()
        st.switch_page("bookings/screen.py")


def _refused(shared: Services, done: Series) -> None:
    """Draws the dates that were not booked, each with a button for its nearest free slot, and one
    to wait for its own."""
    grounds = shared.reference().grounds
    verb = "Book" if draft.as_approved() else "Request"
    for one in done.refused:
        st.markdown(series_texts.date_lines([one._replace(alternatives=())], grounds))
        for slot in one.alternatives[:1]:
            when = f"{formats.short_date(slot.date)}, {formats.span(slot.start, slot.end)}"
            st.button(
                formats.literal(f"{verb} {payloads.slot_title(slot, grounds)}, {when}"),
                key=f"book.series.lost.{slot.date.isoformat()}",
                on_click=_book_instead,
                args=(shared, slot),
                disabled=not shared.is_live,
                width="stretch",
            )
        series_waiting.button(shared, st.session_state[_ASKED].first, one)


def _book_instead(shared: Services, slot: Slot) -> None:
    state = st.session_state
    done: Series | None = state.get(_DONE)
    if done is None or all(one.date != slot.date for one in done.refused):
        return
    state.pop(_PROBLEM, None)
    try:
        with shared.change():
            made = book_instead(
                shared.db,
                state[_ASKED],
                slot,
                by=session.actor(),
                submission_id=UUID(done.id),
                as_approved=draft.as_approved(),
            )
    except BookingError as exc:
        state[_PROBLEM] = messages.error(exc)
        # Where somebody was faster, the next press is for what is nearest now.
        free = tuple(getattr(exc, "alternatives", ()))
        refused = tuple(
            one._replace(alternatives=free) if one.date == slot.date and free else one
            for one in done.refused
        )
        state[_DONE] = replace(done, refused=refused)
    else:
        bookings = tuple(sorted((*done.bookings, made), key=lambda booking: booking.date))
        refused = tuple(one for one in done.refused if one.date != slot.date)
        state[_DONE] = replace(done, bookings=bookings, refused=refused)


def _finish() -> None:
    draft.close_dialogs()
    draft.finish()
