"""The Reports screen: usage by ground, party, class and game, of all bookings or one's own."""

from datetime import date as Date
from datetime import timedelta

import pandas as pd
import streamlit as st

from booking_core import BookingError, Status
from booking_core.live import Scope
from booking_core.reports import Usage, UsageLine, check_report, export_usage, usage
from pages.reports import then
from pages.shared.auth import session
from pages.shared.components import choices
from pages.shared.layout import export_dialog, header
from pages.shared.live import fragment, runtime, screen_user
from pages.shared.text import formats, messages

shared = runtime.start()
by = session.actor()
today = shared.now().date()
state = st.session_state


def span(name: str) -> tuple[Date, Date]:
    """The first and last date of the preset ``name``."""
    week = formats.start_of_week(today)
    month = today.replace(day=1)
    last_month = month - timedelta(days=1)
    return {
        "This week": (week, week + timedelta(days=6)),
        "Last week": (week - timedelta(days=7), week - timedelta(days=1)),
        "This month": (month, (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)),
        "Last month": (last_month.replace(day=1), last_month),
        "Last 12 months": (today - timedelta(days=364), today),
    }[name]


PRESETS = ["This week", "Last week", "This month", "Last month", "Last 12 months", "Other dates"]

header.show(shared, "Reports")
then.show(shared, by)

with st.container(horizontal=True, vertical_alignment="center", key="filters_reports"):
    preset = st.segmented_control(
        "Dates",
        PRESETS,
        default=PRESETS[0],
        required=True,
        key="reports.preset",
        label_visibility="collapsed",
    )
    if preset == "Other dates":
        state.setdefault("reports.dates", span("This month"))
        st.date_input(
            "From and to",
            key="reports.dates",
            format=formats.date_field(),
            width=250,
            min_value=today - timedelta(days=3660),
            max_value=today + timedelta(days=400),
            label_visibility="collapsed",
        )
        dates = choices.date_range("reports.dates")
        first = dates[0] if dates else today
        last = dates[1] if len(dates) > 1 else first
    else:
        first, last = span(preset)
    export_dialog.button(
        shared,
        "reports.export",
        "use-of-the-grounds",
        lambda actor: export_usage(usage(shared.db, by=actor, first=first, last=last)),
    )


def amount(count: int, noun: str = "booking") -> str:
    return f"{formats.number(count)} {noun}{'' if count == 1 else 's'}"


def hours(value: float) -> str:
    return formats.number(value) + "\u00a0h"


def percent(share: float | None) -> str:
    return "–" if share is None else formats.percent(share)


def show_usage() -> None:
    viewer = screen_user.actor()
    key = ("usage", check_report(viewer), first, last)
    try:
        found = shared.cached(
            (Scope.BOOKINGS, Scope.SCHOOL),
            key,
            lambda: usage(shared.db, by=viewer, first=first, last=last),
        )
    except BookingError as exc:
        st.error(formats.literal(messages.error(exc)))
        return
    whose = "What you booked yourself" if found.own else "Everybody's bookings"
    st.caption(
        f"{whose}, {formats.short_date(first)} to {formats.full_date(last)}. "
        "Requests and approved bookings count; a period is open where the ground is not closed."
    )
    counts = [
        f"{messages.STATUS[s]} {formats.number(found.statuses[s])}"
        for s in Status
        if found.statuses[s]
    ]
    if not counts:
        with st.container(border=True, key="card_reports_empty"):
            st.markdown("##### Nothing was booked in these dates")
            st.caption("Choose other dates above, or book a ground.")
        return
    with st.container(border=True, key="card_reports_total"):
        with st.container(horizontal=True, gap="medium"):
            st.metric("Bookings", formats.number(found.total.bookings), width="content")
            st.metric("Hours", hours(found.total.hours), width="content")
            st.metric("Share of open periods", percent(found.total.share), width="content")
        st.caption(" · ".join(counts))
    by_ground(found)
    left, right = st.columns(2)
    with left:
        table("By class", "Class", found.classes, "classes")
    with right:
        table("For whom", "For", found.parties, "parties")
        table("By game", "Game", found.games, "games")


def by_ground(found: Usage) -> None:
    with st.container(border=True, key="card_reports_grounds"):
        st.markdown("##### By ground")
        for line in found.grounds:
            share = f"{percent(line.share)} of open periods" if line.open else "not in use"
            st.progress(
                min(line.share or 0.0, 1.0),
                text=f"**{formats.literal(line.name)}** · {share} · "
                f"{amount(line.bookings)}, {hours(line.hours)}",
            )


def table(heading: str, column: str, lines: tuple[UsageLine, ...], key: str) -> None:
    with st.container(border=True, key=f"card_reports_{key}"):
        st.markdown(f"##### {heading}")
        if not lines:
            st.caption("Nothing that was requested or approved.")
            return
        st.table(
            pd.DataFrame(
                {
                    column: [formats.literal(line.name) for line in lines],
                    "Bookings": [formats.number(line.bookings) for line in lines],
                    "Hours": [hours(line.hours) for line in lines],
                }
            ),
            border="horizontal",
            hide_index=True,
            alt=f"Bookings and hours, {heading.lower()}",
        )


fragment.live(shared, "reports", show_usage)
