"""The charts of the reports, from pandas frames: one blue, and ink that suits the theme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from booking_core.reports import Usage, WeekUse
from pages.reports import texts
from pages.shared.text import formats

Chart = Any  # Altair's own types do not say what a layer or an encoding returns
MOST = 12  # bars of a chart; the table has all
_ROW = 26  # pixels of a bar and of a row of the heat map


def _is_dark() -> bool:
    return st.context.theme.type == "dark"


def _ink() -> str:
    return "#dbe3f3" if _is_dark() else "#14213a"


def _blue() -> str:
    return "#5b8cff" if _is_dark() else "#1f5fbf"


def show(chart: Chart, sentence: str, key: str) -> None:
    """Draws ``chart`` with ``sentence`` as its text alternative."""
    quiet = chart.configure(background="transparent").configure_axis(
        grid=False, domain=False, ticks=False, labelColor=_ink(), labelFlush=False
    )
    st.altair_chart(quiet.configure_view(strokeWidth=0), alt=sentence, key=key)


def heat(found: Usage) -> Chart:
    """Weekdays across, periods down; the deeper the blue, the larger the share."""
    spans = {(cell.start, cell.end): formats.span(cell.start, cell.end) for cell in found.periods}
    shown = {cell.weekday for cell in found.periods}
    days = [day for day in formats.weekdays() if day in shown]
    frame = pd.DataFrame(
        {
            "Day": [formats.weekday(cell.weekday) for cell in found.periods],
            "Period": [spans[cell.start, cell.end] for cell in found.periods],
            "Share": [cell.share for cell in found.periods],
            "Text": [texts.percent(cell.share) for cell in found.periods],
        }
    )
    base = alt.Chart(frame).encode(
        x=alt.X(
            "Day:N",
            sort=[formats.weekday(day) for day in days],
            axis=alt.Axis(orient="top", labelAngle=0, title=None),
        ),
        y=alt.Y("Period:N", sort=[spans[span] for span in sorted(spans)], title=None),
        tooltip=["Day:N", "Period:N", alt.Tooltip("Text:N", title="Booked")],
    )
    cells = base.mark_rect(color=_blue(), cornerRadius=3, stroke=_paper(), strokeWidth=2).encode(
        opacity=alt.Opacity("Share:Q", scale=alt.Scale(domain=[0, 1], range=[0.07, 1]), legend=None)
    )
    written = base.mark_text(fontSize=11).encode(
        text="Text:N",
        color=alt.condition(alt.datum.Share > 0.55, alt.value(_on_blue()), alt.value(_ink())),
    )
    return alt.layer(cells, written).properties(height=max(len(spans), 1) * _ROW + 30)


def _paper() -> str:
    return "#16213a" if _is_dark() else "#ffffff"


def _on_blue() -> str:
    return "#0d1526" if _is_dark() else "#ffffff"


def weeks(found: Sequence[WeekUse]) -> Chart:
    """A column for each week, as high as its share."""
    frame = pd.DataFrame(
        {
            "Week": _apart([formats.day_and_month(week.first) for week in found]),
            "Days": [formats.days(week.first, week.last) for week in found],
            "Share": [week.share or 0.0 for week in found],
            "Text": [texts.percent(week.share) for week in found],
        }
    )
    return (
        alt.Chart(frame)
        .mark_bar(color=_blue(), cornerRadiusEnd=3)
        .encode(
            x=alt.X("Week:O", sort=None, axis=alt.Axis(labelOverlap="parity", title=None)),
            y=alt.Y(
                "Share:Q",
                axis=alt.Axis(format="%", title=None, tickCount=3),
            ),
            tooltip=["Days:N", alt.Tooltip("Text:N", title="Booked")],
        )
        .properties(height=200)
    )


def bars(lines: Sequence[tuple[str, float, str]]) -> Chart:
    """A bar for each name and value, with a text at its end."""
    values = [value for _, value, _ in lines]
    names, said = _apart([name for name, _, _ in lines]), [text for _, _, text in lines]
    frame = pd.DataFrame({"Name": names, "Value": values, "Text": said})
    most = max([*values, 0.01])
    base = alt.Chart(frame).encode(
        y=alt.Y("Name:N", sort=None, axis=alt.Axis(title=None, labelLimit=130)),
        x=alt.X("Value:Q", axis=None, scale=alt.Scale(domain=[0, most * 1.35])),
        tooltip=["Name:N", alt.Tooltip("Text:N", title="Count")],
    )
    bar = base.mark_bar(color=_blue(), cornerRadiusEnd=3, height=14)
    written = base.mark_text(align="left", dx=5, fontSize=12, color=_ink()).encode(text="Text:N")
    return alt.layer(bar, written).properties(height=max(len(lines), 1) * _ROW + 10)


def _apart(names: Sequence[str]) -> list[str]:
    """The names, equal ones told apart by what nobody sees: a chart draws one bar for each name."""
    made: list[str] = []
    for name in names:
        while name in made:
            name += "\u200b"
        made.append(name)
    return made


def columns(values: Mapping[str, int], across: str) -> Chart:
    """A column for each name, as high as its count."""
    frame = pd.DataFrame({across: [*values], "Count": [*values.values()]})
    return (
        alt.Chart(frame)
        .mark_bar(color=_blue(), cornerRadiusEnd=3)
        .encode(
            x=alt.X(f"{across}:O", sort=None, axis=alt.Axis(labelAngle=0, title=across)),
            y=alt.Y("Count:Q", axis=alt.Axis(title=None, tickCount=4, tickMinStep=1)),
            tooltip=[f"{across}:O", "Count:Q"],
        )
        .properties(height=200)
    )
