"""The sentences of the reports: each says what its chart shows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date as Date

from booking_core import Status
from booking_core.reports import LATE_HOURS, Demand, Fairness, PeriodUse, Usage, UsageLine
from pages.shared.text import formats, messages


def amount(count: int, noun: str = "booking") -> str:
    return f"{formats.number(count)} {noun}{'' if count == 1 else 's'}"


def students(count: int) -> str:
    return amount(count, "student")


def hours(value: float) -> str:
    return formats.number(value) + "\u00a0h"


def percent(share: float | None) -> str:
    return "–" if share is None else formats.percent(share)


def dates(first: Date, last: Date) -> str:
    return formats.days(first, last)


def change(now: UsageLine, then: UsageLine) -> str | None:
    """How the share changed, in points of a hundred: ``3 points more``; None without shares."""
    if now.share is None or then.share is None:
        return None
    points = round(now.share * 100) - round(then.share * 100)
    if not points:
        return "as much"
    noun = "point" if abs(points) == 1 else "points"
    return f"{formats.number(abs(points))} {noun} {'more' if points > 0 else 'less'}"


def heat(found: Usage) -> str:
    """The weekday and period with the highest share, and that with the lowest."""
    cells = [cell for cell in found.periods if cell.share is not None]
    if not cells:
        return "No period was open in these dates."
    ordered = sorted(cells, key=lambda cell: cell.used / cell.open)
    least, most = ordered[0], ordered[-1]
    if not most.used:
        return "No open period was booked."

    def where(cell: PeriodUse) -> str:
        time = formats.span(cell.start, cell.end)
        return f"{formats.weekday_name(cell.weekday)}, {time} ({percent(cell.share)})"

    if most.share == least.share:
        return f"{percent(most.share)} of the open periods were booked at every time."
    return f"Booked most: {where(most)}. Booked least: {where(least)}."


def trend(found: Usage) -> str:
    weeks = [week for week in found.weeks if week.share is not None]
    if not weeks:
        return "No period was open in these dates."
    most = max(weeks, key=lambda week: week.used / week.open)
    days = formats.days(most.first, most.last)
    if len(weeks) == 1:
        return f"In the one week, {days}, {percent(most.share)} of the open periods were booked."
    return (
        f"Of {formats.number(len(weeks))} weeks, {days} was booked most: {percent(most.share)} "
        "of the open periods."
    )


def ground(found: Usage) -> str:
    lines = [line for line in found.grounds if line.share is not None]
    if not lines:
        return "No ground was open in these dates."
    most = max(lines, key=lambda line: line.share or 0)
    if not most.used:
        return "No open period was booked."
    return f"{most.name} was booked most: {percent(most.share)} of its open periods."


def ranked(lines: Sequence[UsageLine], of: str, most: int) -> str:
    """``of`` is the kind of line, in the plural."""
    if not lines:
        return "Nothing that was requested or approved."
    first = lines[0]
    text = f"{first.name} has most: {hours(first.hours)} in {amount(first.bookings)}."
    if len(lines) > most:
        text += f" Drawn are the {formats.number(most)} {of} with most hours."
    return text


def became(status: Status) -> str:
    return "Not decided yet" if status is Status.PENDING else messages.STATUS[status]


def outcome(found: Demand) -> str:
    if not found.requested:
        return "Nothing was requested in these dates."
    parts = [
        f"{formats.number(found.outcomes[status])} {became(status).lower()}"
        for status in Status
        if found.outcomes[status]
    ]
    return f"{amount(found.requested, 'request')}: {formats.listed(parts)}."


def revoked(found: Demand) -> str:
    count = found.outcomes[Status.REVOKED]
    if not count:
        return ""
    return f"Of the revoked, {formats.number(found.revoked_by_closure)} gave way to a closure."


def answered(found: Demand) -> str:
    if found.median_minutes is None or found.p90_minutes is None:
        return "Nobody has waited for an answer."
    return (
        f"{amount(found.answered, 'request')} waited for an answer: half of them at most "
        f"{formats.duration(found.median_minutes)}, nine of ten at most "
        f"{formats.duration(found.p90_minutes)}. What was approved as it was made is left out."
    )


def late(found: Demand) -> str:
    return f"{amount(found.late, 'cancellation')} came less than {LATE_HOURS} h before the start."


def ahead(found: Demand) -> str:
    days = found.median_days_ahead
    if days is None:
        return "Nothing was requested in these dates."
    return f"Half of the requests came at most {amount(days, 'day')} before the day of the slot."


def reasons(found: Demand) -> str:
    if not found.reasons:
        return "No request was rejected."
    reason, count = found.reasons[0]
    return f"Most frequent: {reason or 'no reason'} ({formats.number(count)})."


def spread(found: Fairness) -> str:
    if found.quartiles is None:
        return "There are no active students."
    first, half, third = found.quartiles
    without = len(found.without)
    return (
        f"{students(without)} of {formats.number(len(found.students))} had no hour. A quarter of "
        f"all had at most {hours(first)}, half at most {hours(half)}, three quarters at most "
        f"{hours(third)}. Each named student of a booking has its hours in full; bookings for a "
        "class, a team or staff count for no student."
    )


def short(found: Fairness) -> str:
    if not found.short:
        return "No class has asked for a slot."
    least = found.short[0]
    return (
        f"{least.name} got least of what it asked for: {formats.number(least.held)} of "
        f"{amount(least.requested, 'request')}, {hours(least.hours)}."
    )


def class_hours(found: Fairness) -> str:
    if not found.classes:
        return "There are no classes."
    least, most = found.classes[0], found.classes[-1]
    if not most.hours:
        return "No class has an hour."
    return f"From {least.name} with {hours(least.hours)} to {most.name} with {hours(most.hours)}."
