"""The three reports: use, demand and fairness, each chart with its sentence and its table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from booking_core import Status
from booking_core.reports import Demand, Fairness, Usage, UsageLine
from pages.reports import charts, texts
from pages.shared.text import formats

_MOST_ROWS = 60  # of a table; the export has all
_FAR = 30  # days ahead, from which on they are one column


def use(found: Usage, before: UsageLine | None) -> None:
    """Draws the use of the grounds, compared with ``before``."""
    if not any(found.statuses.values()):
        _empty()
        return
    total = found.total
    with st.container(border=True, key="card_reports_total"):
        with st.container(horizontal=True, gap="medium"):
            st.metric("Bookings", formats.number(total.bookings), width="content")
            st.metric("Hours", texts.hours(total.hours), width="content")
            st.metric("Share of open periods", texts.percent(total.share), width="content")
        if before is not None:
            st.caption(_compared(total, before))
    _part(
        "When",
        texts.heat(found),
        charts.heat(found) if found.periods else None,
        {
            "Weekday": [formats.weekday_name(cell.weekday) for cell in found.periods],
            "Period": [formats.span(cell.start, cell.end) for cell in found.periods],
            **_shares(found.periods),
        },
        "periods",
    )
    left, right = st.columns(2)
    with left:
        _part(
            "By week",
            texts.trend(found),
            charts.weeks(found.weeks),
            {
                "Week": [formats.days(week.first, week.last) for week in found.weeks],
                **_shares(found.weeks),
            },
            "weeks",
        )
        _by_ground(found)
    with right:
        _ranked("By class", "Class", "classes", found.classes)
        _ranked("By game", "Game", "games", found.games)
        _ranked("By team", "Team", "teams", found.teams)
        _ranked("For whom", "For", "parties", found.parties)


def _compared(now: UsageLine, before: UsageLine) -> str:
    words = texts.change(now, before)
    counts = f"{texts.amount(before.bookings)}, {texts.hours(before.hours)}"
    if words is None:
        return f"Compared with {before.name}: {counts} then."
    return f"Compared with {before.name}: {words} of the open periods; {counts} then."


def _by_ground(found: Usage) -> None:
    lines = [line for line in found.grounds if line.share is not None]
    drawn = sorted(lines, key=lambda line: -(line.share or 0))[: charts.MOST]
    sentence = texts.ground(found)
    if len(lines) > len(drawn):
        sentence += f" Drawn are the {charts.MOST} grounds that were booked most."
    _part(
        "By ground",
        sentence,
        charts.bars([(line.name, line.share or 0, texts.percent(line.share)) for line in drawn])
        if drawn
        else None,
        {
            "Ground": [line.name for line in found.grounds],
            "Bookings": [formats.number(line.bookings) for line in found.grounds],
            "Hours": [texts.hours(line.hours) for line in found.grounds],
            **_shares(found.grounds),
        },
        "grounds",
    )


def _ranked(heading: str, column: str, key: str, lines: Sequence[UsageLine]) -> None:
    drawn = lines[: charts.MOST]
    _part(
        heading,
        texts.ranked(lines, key, charts.MOST),
        charts.bars([(line.name, line.hours, texts.hours(line.hours)) for line in drawn])
        if drawn
        else None,
        {
            column: [line.name for line in lines],
            "Bookings": [formats.number(line.bookings) for line in lines],
            "Hours": [texts.hours(line.hours) for line in lines],
        },
        key,
    )


def demand(found: Demand) -> None:
    """Draws what became of the requests."""
    if not found.requested:
        _empty()
        return
    outcomes = {texts.became(status): found.outcomes[status] for status in Status}
    sentences = (texts.outcome(found), texts.revoked(found), texts.late(found))
    left, right = st.columns(2)
    with left:
        _part(
            "What became of the requests",
            " ".join(filter(None, sentences)),
            charts.bars([(name, count, formats.number(count)) for name, count in outcomes.items()]),
            {
                "Outcome": [*outcomes, "Revoked by a closure", "Cancelled late"],
                "Requests": [
                    formats.number(count)
                    for count in (*outcomes.values(), found.revoked_by_closure, found.late)
                ],
            },
            "outcomes",
        )
        named = [
            (reason or "no reason", count, formats.number(count))
            for reason, count in found.reasons[: charts.MOST]
        ]
        _part(
            "Why requests were rejected",
            texts.reasons(found),
            charts.bars(named) if named else None,
            {
                "Reason": [reason or "no reason" for reason, _ in found.reasons],
                "Requests": [formats.number(count) for _, count in found.reasons],
            },
            "reasons",
        )
    with right:
        with st.container(border=True, key="card_reports_answers"):
            st.markdown("##### Time to an answer")
            if found.median_minutes is not None and found.p90_minutes is not None:
                with st.container(horizontal=True, gap="medium"):
                    half, most = found.median_minutes, found.p90_minutes
                    st.metric("Half within", formats.duration(half), width="content")
                    st.metric("Nine of ten within", formats.duration(most), width="content")
            st.caption(texts.answered(found))
        days: Counter[str] = Counter()
        for ahead, count in found.days_ahead.items():
            days[f"{_FAR}+" if ahead >= _FAR else str(ahead)] += count
        _part(
            "How far ahead",
            texts.ahead(found),
            charts.columns(days, "Days ahead"),
            {
                "Days ahead": [formats.number(ahead) for ahead in found.days_ahead],
                "Requests": [formats.number(count) for count in found.days_ahead.values()],
            },
            "ahead",
        )


def fairness(found: Fairness) -> None:
    """Draws how the hours are spread over classes and students."""
    left, right = st.columns(2)
    with left:
        fewest = found.short[: charts.MOST]
        got = [
            (
                x.name,
                x.held / x.requested,
                f"{formats.number(x.held)} of {formats.number(x.requested)}",
            )
            for x in fewest
        ]
        _part(
            "Classes that asked and got least",
            texts.short(found),
            charts.bars(got) if got else None,
            {
                "Class": [one.name for one in found.short],
                "Requested": [formats.number(one.requested) for one in found.short],
                "Got": [formats.number(one.held) for one in found.short],
                "Hours": [texts.hours(one.hours) for one in found.short],
            },
            "short",
        )
        few = found.classes[: charts.MOST]
        sentence = texts.class_hours(found)
        if len(found.classes) > len(few):
            sentence += f" Drawn are the {charts.MOST} classes with fewest hours."
        _part(
            "Hours by class",
            sentence,
            charts.bars([(x.name, x.hours, texts.hours(x.hours)) for x in few]) if few else None,
            {
                "Class": [one.name for one in found.classes],
                "Students": [formats.number(one.students) for one in found.classes],
                "Hours": [texts.hours(one.hours) for one in found.classes],
            },
            "class_hours",
        )
    with right:
        _part(
            "Hours by student",
            texts.spread(found),
            charts.columns(_by_hours(found), "Hours") if found.students else None,
            {
                "Student": [one.student.name for one in found.students],
                "Class": [one.student.class_name for one in found.students],
                "Hours": [texts.hours(one.hours) for one in found.students],
            },
            "students",
        )


def _by_hours(found: Fairness) -> dict[str, int]:
    """How many students have 0, up to 1, up to 2 ... hours; at most a dozen columns."""
    counts = Counter(-int(-one.hours // 1) for one in found.students)
    top = max(counts)
    wide = -(-top // (charts.MOST - 1)) or 1
    columns = {"0": counts.get(0, 0)}
    for low in range(1, top + 1, wide):
        high = low + wide - 1
        name = str(low) if wide == 1 else f"{low}–{high}"
        columns[name] = sum(counts.get(hours, 0) for hours in range(low, high + 1))
    return columns


def _shares(lines: Sequence[Any]) -> dict[str, list[str]]:
    return {
        "Periods booked": [formats.number(line.used) for line in lines],
        "Periods open": [formats.number(line.open) for line in lines],
        "Share": [texts.percent(line.share) for line in lines],
    }


def _part(
    heading: str, sentence: str, chart: Any, table: Mapping[str, Sequence[str]], key: str
) -> None:
    """A card: its sentence, the chart where there is one, and the table one press away."""
    with st.container(border=True, key=f"card_reports_{key}"):
        st.markdown(f"##### {heading}")
        st.caption(formats.literal(sentence))
        if chart is None:
            return
        charts.show(chart, sentence, f"reports.chart.{key}")
        with st.expander("Figures"):
            rows = {name: [formats.literal(x) for x in column] for name, column in table.items()}
            frame = pd.DataFrame(rows)
            st.table(frame.head(_MOST_ROWS), border="horizontal", hide_index=True, alt=heading)
            if len(frame) > _MOST_ROWS:
                rest = formats.number(len(frame) - _MOST_ROWS)
                st.caption(f"And {rest} more, which Export has.")


def _empty() -> None:
    with st.container(border=True, key="card_reports_empty"):
        st.markdown("##### Nothing was booked in these dates")
        st.caption("Choose other dates above, or book a ground.")
