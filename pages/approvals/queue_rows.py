"""The rows of the queue: a request, or the waiting dates of a series, in a stable order."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from booking_core import Booking, NotFound, SchoolYear, find_series, waiting_rows
from booking_core.live import Scope
from pages.shared.layout import waiting
from pages.shared.live.runtime import Services
from pages.shared.text import formats
from pages.shared.text.series_texts import SERIES

Row = tuple[Booking, ...]
_SHOWN = "approvals.shown"
OUTCOME = "approvals.outcome"  # of the last decision on several rows


def show_new() -> None:
    """Begins the order anew: new rows are shown, and decided ones are not."""
    st.session_state[_SHOWN] = None
    st.session_state.pop(OUTCOME, None)


def id_of(row: Row) -> str:
    """The id of a row of several dates begins with SERIES; else it is that of the booking."""
    return f"{SERIES}{row[0].series}" if len(row) > 1 else row[0].id


def term(year: SchoolYear, row: Sequence[Booking]) -> str:
    """The term and the week of a row, such as ``Term 2, week B``; of dates in several weeks the
    terms alone, and "" outside all of them."""
    places = [(year.term(one.date), year.week(one.date)) for one in row]
    terms = list(dict.fromkeys(term.name if term else "" for term, _ in places))
    weeks = {week for _, week in places}
    if len(terms) == len(weeks) == 1:
        return formats.term_and_week(terms[0], weeks.pop())
    return formats.listed([name for name in terms if name])


def waiting_rows_of(shared: Services, requests: Sequence[Booking]) -> list[Row]:
    """The rows of the first ``waiting.LIMIT`` of the ``requests``, a series with all its dates."""
    mark = shared.mark()
    return shared.cached(
        Scope.BOOKINGS,
        ("rows", mark, tuple((request.id, request.revision) for request in requests)),
        lambda: waiting_rows(
            shared.db,
            requests[: waiting.LIMIT],
            is_whole=len(requests) <= waiting.LIMIT,
            now=mark,
        ),
    )


def in_stable_order(shared: Services, rows: Sequence[Row]) -> list[Row]:
    """The rows in the order first shown, so that no row moves under the pointer.

    Decided ones keep their row, and new ones are hidden, until the user presses a button. A series
    keeps one row: its dates that wait still, or all of them once all are decided.
    """
    state = st.session_state
    if not state.get(_SHOWN):
        # Id of a row -> the ids of its bookings.
        state[_SHOWN] = {id_of(row): [booking.id for booking in row] for row in rows}
    shown: dict[str, list[str]] = state[_SHOWN]
    single = {booking.id: booking for row in rows for booking in row}
    # Of a series that has a date which is over, the other dates come later in ``rows``.
    of_series = {f"{SERIES}{row[0].series}": row for row in rows if row[0].series is not None}
    ordered, decided = [], 0
    known = {id for ids in shown.values() for id in ids}
    for id, ids in shown.items():
        row = of_series.get(id, ()) if id.startswith(SERIES) else ()
        if id in single:
            row = (single[id],)
        known.update(booking.id for booking in row)
        if not row:
            row = _stored(shared, id, ids)
            decided += len(row)
        if row:
            ordered.append(row)
    if new := len(single.keys() - known):
        st.button(f"{new} new – show", key="approvals.new", on_click=show_new, type="primary")
    if decided:
        st.button(f"Tidy away {decided} decided", key="approvals.tidy", on_click=show_new)
    return ordered


def _stored(shared: Services, id: str, ids: Sequence[str]) -> Row:
    """The bookings of a row in their present state; none if they are not on record any more."""
    try:
        if id.startswith(SERIES):
            dates = series(shared, id.removeprefix(SERIES))
            return tuple(booking for booking in dates if booking.id in ids)
        return (shared.booking(id),)
    except NotFound:
        return ()


def series(shared: Services, series_id: str) -> Row:
    """All dates of a series. Raises NotFound and StoreUnavailable."""
    return shared.cached(
        Scope.BOOKINGS, ("series", series_id), lambda: find_series(shared.db, series_id)
    )
