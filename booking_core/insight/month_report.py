"""The report of a month to print: use, demand and fairness on one sheet of A4.

It is one HTML page (``month_report.html``, ``month_report.css``), without a script and without
names of students. The caller says how dates and times are written, as for ``sheets``.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from booking_core.domain.model import Actor, Status
from booking_core.domain.validation import check_date
from booking_core.insight.demand import LATE_HOURS, Demand, demand
from booking_core.insight.fairness import Fairness, fairness
from booking_core.insight.sheets import Writing
from booking_core.insight.usage import WEEKDAYS, Usage, UsageLine, usage, usage_total
from booking_core.storage.bookings.usage import DEADLINE_SECONDS
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline

_HERE = Path(__file__).parent
_STYLE = (_HERE / "month_report.css").read_text(encoding="utf-8")
_template = Environment(
    loader=FileSystemLoader(_HERE),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
).get_template("month_report.html")
# Of the Content-Security-Policy: the page has this one style sheet.
MONTH_STYLE_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
# Words are English in every locale.
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_MOST = 8  # lines of a table: so the sheet stays one page
_MOST_PERIODS = 14  # rows of the table of weekdays and periods


@dataclass(frozen=True, slots=True)
class MonthReport:
    """What the report of the month from ``first`` to ``last`` shows, as stored at ``made_at``.

    ``before`` is the total use of the month before.
    """

    first: Date
    last: Date
    use: Usage
    before: UsageLine
    demand: Demand
    fairness: Fairness
    made_at: datetime


@within_deadline(seconds=DEADLINE_SECONDS)
def month_report(
    db: Documents, month: Date, *, by: Actor, now: datetime | None = None
) -> MonthReport:
    """The report of the month of the date ``month``, for those who see everybody's figures.

    Raises NotAllowed, InvalidRequest, StoreUnavailable.
    """
    first = check_date(month, "month").replace(day=1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    before = first - timedelta(days=1)
    asked: dict[str, Any] = {"by": by, "first": first, "last": last}
    spread = fairness(db, **asked)  # first: it is not for everybody
    return MonthReport(
        first,
        last,
        usage(db, **asked),
        usage_total(db, by=by, first=before.replace(day=1), last=before),
        demand(db, **asked),
        spread,
        moment(db, now).astimezone(settings_of(db).zone),
    )


def month_report_html(
    report: MonthReport,
    school: str,
    writing: Writing,
    *,
    links: Sequence[tuple[str, str]] = (),
) -> str:
    """The page of ``report``.

    ``links``: (address, label) of what the screen shows above the sheet, and paper does not.
    """
    use, asked, spread = report.use, report.demand, report.fairness
    return _template.render(
        style=_STYLE,
        school=school,
        title=f"{_MONTHS[report.first.month - 1]} {report.first.year}",
        made=f"{writing.clock(report.made_at)} on {writing.date(report.made_at.date())}",
        links=links,
        figures=[
            ("Bookings", f"{use.total.bookings}", f"{report.before.bookings} the month before"),
            ("Hours", _hours(use.total.hours), f"{_hours(report.before.hours)} the month before"),
            (
                "Share of open periods",
                _percent(use.total.share),
                f"{_percent(report.before.share)} the month before",
            ),
            ("Requests", f"{asked.requested}", f"{asked.outcomes[Status.REJECTED]} rejected"),
        ],
        heat=_heat(use, writing),
        tables=[
            _table(
                "By ground",
                ("Ground", "Hours", "Share"),
                [(x.name, _hours(x.hours), _percent(x.share)) for x in use.grounds],
            ),
            _table(
                "By game",
                ("Game", "Bookings", "Hours"),
                [(x.name, f"{x.bookings}", _hours(x.hours)) for x in use.games],
            ),
            _table(
                "Classes that asked and got least",
                ("Class", "Got", "Hours"),
                [(x.name, f"{x.held} of {x.requested}", _hours(x.hours)) for x in spread.short],
            ),
            _table(
                "What became of the requests",
                ("Outcome", "Requests"),
                [(_became(status), f"{n}") for status, n in asked.outcomes.items()],
            ),
            _table(
                "Why requests were rejected",
                ("Reason", "Requests"),
                [(reason or "no reason", f"{n}") for reason, n in asked.reasons],
            ),
        ],
        notes=_notes(asked, spread),
    )


def _heat(use: Usage, writing: Writing) -> dict[str, Any]:
    """The periods down and the weekdays across, each cell with its share and one of 6 shades."""
    days = sorted({cell.weekday for cell in use.periods})
    spans = sorted({(cell.start, cell.end) for cell in use.periods})
    shares = {(cell.weekday, cell.start, cell.end): cell.share for cell in use.periods}
    rows = []
    for start, end in spans[:_MOST_PERIODS]:
        found = [shares.get((day, start, end)) for day in days]
        cells = [
            ("" if share is None else _percent(share), 0 if share is None else _shade(share))
            for share in found
        ]
        rows.append((writing.span(start, end), cells))
    return {
        "days": [WEEKDAYS[day][:3] for day in days],
        "rows": rows,
        "left": max(len(spans) - _MOST_PERIODS, 0),
    }


def _table(
    heading: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]
) -> dict[str, Any]:
    left = max(len(rows) - _MOST, 0)
    return {"heading": heading, "columns": columns, "rows": rows[:_MOST], "left": left}


def _notes(asked: Demand, spread: Fairness) -> list[str]:
    notes = []
    if asked.median_minutes is not None and asked.p90_minutes is not None:
        notes.append(
            f"Half of the {asked.answered} requests that waited for an answer had it within "
            f"{_duration(asked.median_minutes)}, nine of ten within {_duration(asked.p90_minutes)}."
        )
    notes.append(
        f"{asked.revoked_by_closure} revoked by closures, {asked.outcomes[Status.LAPSED]} lapsed "
        f"without an answer, {asked.late} cancelled less than {LATE_HOURS} h before the start."
    )
    if spread.quartiles is not None:
        first, half, third = map(_hours, spread.quartiles)
        notes.append(
            f"{len(spread.without)} of {len(spread.students)} students had no hour of their own; "
            f"a quarter had at most {first}, half at most {half}, three quarters at most {third}."
        )
    return notes


def _became(status: Status) -> str:
    return "Not decided yet" if status is Status.PENDING else status.value


def _shade(share: float) -> int:
    """1 for nothing, to 6 for all."""
    return 1 + min(int(share * 5 + (share > 0)), 5)


def _hours(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") + "\u00a0h"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{round(share * 100)}%"


def _duration(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"
