"""The dialog with the dates of a series, each of which can be decided on its own."""

from __future__ import annotations

import streamlit as st

from booking_core import BookingError
from pages.approvals import deciding, queue_rows
from pages.shared.components import elements
from pages.shared.live import fragment
from pages.shared.live.runtime import Services
from pages.shared.text import formats, messages, series_texts

_SEEN, _PROBLEM = "approvals.series.seen", "approvals.series.problem"


def show(shared: Services, series_id: str) -> None:
    """Opens for ``series_id``, and follows its changes while it is open."""
    st.session_state[_PROBLEM], st.session_state[_SEEN] = "", {}
    _dialog(shared, series_id)


@st.dialog("Request", width="medium")
def _dialog(shared: Services, series_id: str) -> None:
    fragment.keep(shared, "approvals.series", lambda: _draw(shared, series_id))


def _draw(shared: Services, series_id: str) -> None:
    state = st.session_state
    try:
        dates = queue_rows.series(shared, series_id)
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)))
        return
    grounds, zone, first = shared.reference().grounds, shared.settings.zone, dates[0]
    is_set = series_texts.is_set(dates)
    st.markdown(f"#### {formats.literal(series_texts.rhythm(dates))}")
    elements.facts(
        "approvals.series",
        ("Grounds" if is_set else "Dates", series_texts.dates_of(dates)),
        ("Game", first.game),
        ("For", series_texts.whom_of(dates)),
        *([("Supervisor", first.supervisor_name)] if first.supervisor_name else []),
        ("Purpose", first.purpose or "–"),
        ("Asked by", f"{first.created_by_name}, {formats.moment(first.created_at, zone)}"),
    )
    if problem := state[_PROBLEM]:
        st.error(formats.literal(problem), icon=":material/error:")
    # A press refers to the list of the previous run; this run may have read newer ones.
    seen, state[_SEEN] = state[_SEEN], deciding.shown_of([(one,) for one in dates])
    acted = elements.action_list(
        {
            "caption": "Grounds of the request" if is_set else "Dates of the series",
            "kind": "dates",
            "columns": ["When", "Ground", "Status"],
            "rows": series_texts.date_rows(dates, grounds, shared.now()),
            "bulk": [],
            "live": shared.is_live,
        },
        key="approvals.series.list",
    )
    if acted is None:
        return
    [id] = acted["ids"]
    shown = seen.get(id, {})
    if acted["action"] in ("reject", "ask"):
        state["approvals.asked"] = (acted["action"], {id: shown})
        st.rerun()
    state[_PROBLEM] = ""
    try:
        with shared.change():
            deciding.decide_row(shared, "approve", id, shown)
    except BookingError as exc:
        state[_PROBLEM] = messages.error(exc)
    st.rerun(scope="fragment")
