"""The Reports screen: the use of the grounds, the demand for them, and who goes short."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import streamlit as st

from booking_core import Actor, BookingError, may
from booking_core.live import Scope
from booking_core.reports import (
    Export,
    check_report,
    demand,
    export_demand,
    export_fairness,
    export_usage,
    fairness,
    usage,
    usage_total,
)
from pages.reports import ranges, sections, texts, then
from pages.shared.auth import session
from pages.shared.components import choices, fields
from pages.shared.layout import export_dialog, header
from pages.shared.live import fragment, runtime, screen_user, url_state
from pages.shared.live.address import MONTH_REPORT, base
from pages.shared.text import formats, messages

USE, DEMAND, FAIRNESS = "use", "demand", "fairness"
REPORTS = {USE: "Use", DEMAND: "Demand", FAIRNESS: "Fairness"}
# Where the choices are kept, by their name in the address.
KEYS = {name: f"reports.{name}" for name in ("report", "range", "ground", "against")}
DATES = "reports.dates"

shared = runtime.start()
by = session.actor()
now = shared.now()
today = now.date()
known = shared.reference()
state = st.session_state
reports = [name for name in REPORTS if name != FAIRNESS or may("report", by)]
term = ranges.term_of(known.year, today)
spans = [name for name in ranges.NAMES if name != ranges.TERM or term is not None]
grounds = [ground.id for ground in known.open_grounds]


def known_or(value: str | None, options: list[str], otherwise: str | None) -> str | None:
    return value if value in options else otherwise


def adopt(values: Mapping[str, str]) -> None:
    """Shows the report of the address; an unknown value counts as absent."""
    then.adopt(values, now)
    state[KEYS["report"]] = known_or(values.get("report"), reports, USE)
    state[KEYS["range"]] = known_or(values.get("range"), spans, ranges.WEEK)
    state[KEYS["ground"]] = known_or(values.get("ground"), grounds, None)
    against = known_or(values.get("against"), list(ranges.AGAINST), ranges.BEFORE)
    state[KEYS["against"]] = against
    if state[KEYS["range"]] == ranges.OTHER:
        dates = ranges.typed(values.get("from", ""), values.get("to", ""), today)
        state[DATES] = dates or ranges.month(today)


url_state.read(("report", "range", "from", "to", "ground", "against", *then.PARAMETERS), adopt)
state.setdefault(DATES, ranges.month(today))
defaults = {"report": USE, "range": ranges.WEEK, "ground": None, "against": ranges.BEFORE}
options = {
    "report": reports,
    "range": spans,
    "ground": grounds,
    "against": list(ranges.AGAINST),
}
for name, otherwise in defaults.items():  # an option may be gone since it was chosen
    state[KEYS[name]] = known_or(state.get(KEYS[name]), options[name], otherwise)

header.show(shared, "Reports")
board = then.show(shared, by)


def shown_dates() -> ranges.Range:
    if state[KEYS["range"]] != ranges.OTHER:
        return ranges.of(state[KEYS["range"]], today, term)
    dates = choices.date_range(DATES) or (today,)
    return dates[0], dates[-1]


def name_of_range(name: str) -> str:
    if name == ranges.TERM and term is not None:
        return "This term" if term.first <= today <= term.last else term.name
    return ranges.NAMES[name]


with st.container(horizontal=True, vertical_alignment="center", key="filters_reports"):
    st.segmented_control(
        "Report",
        format_func=lambda name: REPORTS[name],
        required=True,
        label_visibility="collapsed",
        **fields.pressed(KEYS["report"], reports),
    )
    st.segmented_control(
        "Dates",
        format_func=name_of_range,
        required=True,
        label_visibility="collapsed",
        **fields.pressed(KEYS["range"], spans),
    )
    if state[KEYS["range"]] == ranges.OTHER:
        st.date_input(
            "From and to",
            format=formats.date_field(),
            width=250,
            label_visibility="collapsed",
            **fields.dated(DATES, today - ranges.EARLIEST, today + ranges.LATEST),
        )
    st.selectbox(
        "Ground",
        format_func=lambda id: known.grounds[id].name,
        placeholder="All grounds",
        label_visibility="collapsed",
        width=190,
        **fields.chosen(KEYS["ground"], grounds),
    )
    if state[KEYS["report"]] == USE:
        st.selectbox(
            "Compared with",
            format_func=lambda name: ranges.AGAINST[name],
            label_visibility="collapsed",
            width=190,
            **fields.chosen(KEYS["against"], list(ranges.AGAINST)),
        )
    report = state[KEYS["report"]]
    first, last = shown_dates()
    asked: dict[str, Any] = {"first": first, "last": last, "ground_id": state[KEYS["ground"]]}
    made: dict[str, Callable[[Actor], Export]] = {
        USE: lambda actor: export_usage(usage(shared.db, by=actor, **asked)),
        DEMAND: lambda actor: export_demand(demand(shared.db, by=actor, **asked)),
        FAIRNESS: lambda actor: export_fairness(fairness(shared.db, by=actor, **asked)),
    }
    names = {USE: "use-of-the-grounds", DEMAND: "demand", FAIRNESS: "fairness"}
    if FAIRNESS in reports:
        address = f"{base()}/{MONTH_REPORT}?month={first:%Y-%m}"
        label = f"Print {formats.month(first)} {first.year}"
        st.link_button(label, address, icon=":material/print:", type="tertiary")
    export_dialog.button(shared, "reports.export", names[report], made[report])

is_other = state[KEYS["range"]] == ranges.OTHER
url_state.write(
    board
    | {name: state[key] for name, key in KEYS.items() if state[key] not in (None, defaults[name])}
    | ({"from": first.isoformat(), "to": last.isoformat()} if is_other else {})
)


def show_report() -> datetime | None:
    """Draws the report; returns when a change that came too soon is to be drawn."""
    viewer = screen_user.actor()
    mine = check_report(viewer)
    kept = partial(shared.paced, (Scope.BOOKINGS, Scope.SCHOOL))
    key = (mine, *asked.values())
    question = {"by": viewer, **asked}
    due: list[datetime | None] = []
    try:
        if report == DEMAND:
            wanted, at = kept(("demand", *key), lambda: demand(shared.db, **question))
            due.append(at)
        elif report == FAIRNESS:
            spread, at = kept(("fairness", *key), lambda: fairness(shared.db, **question))
            due.append(at)
        else:
            used, at = kept(("usage", *key), lambda: usage(shared.db, **question))
            due.append(at)
            other = ranges.compared(state[KEYS["range"]], (first, last), state[KEYS["against"]])
            before = None
            if other is not None:
                asked_then = question | {"first": other[0], "last": other[1]}
                before, at = kept(
                    ("usage total", mine, *other, asked["ground_id"]),
                    lambda: usage_total(shared.db, **asked_then),
                )
                before = replace(before, name=texts.dates(*other))
                due.append(at)
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)))
        return None
    whose = "Everybody's bookings" if mine is None else "What you booked yourself"
    where = asked["ground_id"]
    at_ground = f" on {known.grounds[where].name}" if where is not None else ""
    st.caption(
        formats.literal(f"{whose}{at_ground}, {texts.dates(first, last)}. {_EXPLAINED[report]}")
    )
    if report == DEMAND:
        sections.demand(wanted)
    elif report == FAIRNESS:
        sections.fairness(spread)
    else:
        sections.use(used, before)
    return min((moment for moment in due if moment is not None), default=None)


_EXPLAINED = {
    USE: (
        "Requests and approved bookings count, one for several students once; a period is open "
        "where the ground is not closed."
    ),
    DEMAND: "Bookings count by the day of their slot, with what became of them.",
    FAIRNESS: "Hours are those of requests and approved bookings.",
}

fragment.live(shared, "reports", show_report)
