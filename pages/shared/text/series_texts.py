"""Texts and rows of series, from their bookings. No queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date as Date
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from booking_core import Booking, Ground, Occurrence, Policy, Status
from pages.shared.text import formats, messages, payloads

Dates = Sequence[Booking]  # the bookings of a series, by date; at least one
SERIES = "series:"  # the id of a row of a series begins so
_PARTY_CHANGED = "party changed"  # the action of an entry of the history
_DECISIONS = (("reject", "Reject…", "no"), ("approve", "Approve", "go"))


def is_set(dates: Dates) -> bool:
    """Whether these are several grounds of one request, and no series."""
    return dates[0].set_place is not None


def rhythm(dates: Dates) -> str:
    """``Tuesdays 4–5 PM``, ``Tue and Thu, mostly 4–5 PM``, or ``4 weekdays, different times``.

    Of several grounds at one time, that: ``Wed 2 Dec, 4–5 PM``.
    """
    if is_set(dates) and len({(b.date, b.start, b.end) for b in dates}) == 1:
        first = dates[0]
        return f"{formats.short_date(first.date)}, {formats.span(first.start, first.end)}"
    weekdays = sorted({booking.date.weekday() for booking in dates}, key=formats.weekdays().index)
    if len(weekdays) == 1:
        days = f"{formats.weekday_name(weekdays[0])}s"
    elif len(weekdays) < 4:
        days = formats.listed([formats.weekday(number) for number in weekdays])
    else:
        days = f"{len(weekdays)} weekdays"
    times = Counter((booking.start, booking.end) for booking in dates)
    [(usual, number)] = times.most_common(1)
    if number == len(dates):
        return f"{days} {formats.span(*usual)}"
    is_most = number > len(dates) / 2
    return f"{days}, mostly {formats.span(*usual)}" if is_most else f"{days}, different times"


def dates_of(dates: Dates) -> str:
    """``1 Dec – 15 Dec, 3 dates``, or ``1 Dec, 1 date``; ``3 grounds`` of a set."""
    if is_set(dates):
        return number_of(dates)
    days = dict.fromkeys(formats.day_and_month(dates[end].date) for end in (0, -1))
    return f"{' – '.join(days)}, {count(len(dates))}"


def part_of(dates: Dates) -> str:
    """``Part of a series of 3 dates, 1 Dec – 15 Dec``, or ``One of 3 grounds at once``."""
    if is_set(dates):
        return f"One of {number_of(dates)} at once"
    days, _, number = dates_of(dates).partition(", ")
    return f"Part of a series of {number}, {days}"


def count(number: int) -> str:
    """``3 dates``, which stay on one line."""
    return f"{formats.number(number)}\u00a0date{'' if number == 1 else 's'}"


def free_of(dates: Sequence[Occurrence]) -> str:
    """``3 dates, all free``, or ``3 dates: 1 free, 2 not``."""
    total, lost = len(dates), sum(one.problem is not None for one in dates)
    return (
        f"{count(total)}: {total - lost} free, {lost} not" if lost else f"{count(total)}, all free"
    )


def date_lines(
    dates: Iterable[Occurrence], grounds: dict[str, Ground], own: Collection[Date] = ()
) -> str:
    """Markdown: a line for each date, that it is free, or why it is not and which slots are.

    Of the ``own`` ones, that the user has booked them.
    """
    lines = []
    for date, problem, alternatives in dates:
        day = formats.short_date(date)
        if problem is None:
            by_you = " · booked by you" if date in own else ""
            lines.append(f":green[:material/check:] {day}{by_you}")
            continue
        line = f":red[:material/close:] {day} · {formats.literal(payloads.why(problem, grounds))}"
        if alternatives:
            free = ", ".join(
                f"{formats.span(slot.start, slot.end)} {payloads.slot_title(slot, grounds)}"
                for slot in alternatives[:2]
            )
            line += f" · :gray[free: {formats.literal(free)}]"
        lines.append(line)
    return "  \n".join(lines)


def number_of(dates: Dates) -> str:
    """``3 dates`` or ``3 grounds``."""
    if not is_set(dates):
        return count(len(dates))
    return f"{len(dates)}\u00a0ground{'' if len(dates) == 1 else 's'}"


def places(dates: Dates, grounds: dict[str, Ground]) -> str:
    """``Ground 1``, ``Ground 1 and Ground 2`` with the most frequent first, or ``4 grounds``."""
    found = Counter(payloads.slot_title(booking.slot, grounds) for booking in dates)
    if len(found) > 3:
        return f"{len(found)} grounds"
    return formats.listed([name for name, _ in found.most_common()])


def in_brief(dates: Dates, grounds: dict[str, Ground]) -> str:
    """Three lines of plain text: ground and time; the dates; the game and the party."""
    first = dates[0]
    if is_set(dates):
        names = payloads.ground_names([booking.ground_id for booking in dates], grounds)
        return f"{names}\n{rhythm(dates)}\n{first.game}, {first.whom}"
    what = f"{first.game}, {whom_of(dates)}"
    return f"{places(dates, grounds)}, {rhythm(dates)}\n{dates_of(dates)}\n{what}"


def whom_of(dates: Dates) -> str:
    """For whom the dates are: ``Asha Nair, 9-A``, or ``Asha Nair, 9-A, and others``."""
    first = dates[0]
    return f"{first.whom}, and others" if _for_others(dates) else first.whom


def _for_others(dates: Dates) -> int:
    """How many dates are for other people than the first."""
    return sum(payloads.party(one) != payloads.party(dates[0]) for one in dates)


def _changed(booking: Booking, action: str) -> bool:
    """Whether a date was moved, or got other people, since it was asked for."""
    return any(entry.action == action for entry in booking.history)


def decision_row(
    dates: Dates,
    weeks: Mapping[str, Sequence[Booking]],
    grounds: dict[str, Ground],
    now: datetime,
    zone: ZoneInfo,
    policy: Policy,
    term: str = "",
    behind: str = "",
) -> dict[str, Any]:
    """The row of the Approvals screen for the dates of a series: all wait, or all are decided.

    ``weeks``: id -> other bookings of the students in the week of that date. ``term``: the term and
    the week of the dates. ``behind``: who waits for their slots.
    """
    first = dates[0]
    is_waiting = all(booking.status is Status.PENDING for booking in dates)
    title = f"{first.party_name}, {rhythm(dates)}, {number_of(dates)}"
    when, tone = [dates_of(dates)], ""
    ahead = int((first.slot.starts_at(zone).timestamp() - now.timestamp()) // 60)
    if is_waiting and ahead <= payloads.SOON:
        first_of = "" if is_set(dates) else "first "
        begun = "has begun" if is_set(dates) else "the first has begun"
        when.append(f"{first_of}in {formats.duration(ahead)}" if ahead > 0 else begun)
        tone = "urgent" if ahead < payloads.URGENT else ""
    asked = [formats.said_at(first.created_at, now, zone)]
    for action, said in (("moved", "moved since"), (_PARTY_CHANGED, "for other people since")):
        if changed := sum(_changed(one, action) for one in dates):
            asked.append(f"{changed if is_set(dates) else count(changed)} {said}")
    if unanswered := sum(booking.asked is not None for booking in dates):
        asked.append(f"{unanswered} of them wait for an answer from {first.created_by_name}")
    decisions = _DECISIONS if is_waiting else ()
    actions = [*decisions, ("details", "Details", "quiet")]
    return {
        "id": f"{SERIES}{first.series}",
        "about": title,
        "count": len(dates),
        "selectable": is_waiting,
        "cells": [
            [rhythm(dates), "\n".join(when), tone, term],
            [
                places(dates, grounds),
                "\n".join(filter(None, (first.game, behind))),
                "",
                first.purpose,
            ],
            _party(dates),
            [first.created_by_name, "\n".join(asked)],
            _weeks(dates, weeks, policy) if is_waiting else _statuses(dates),
        ],
        "actions": _actions(actions, title),
    }


def _party(dates: Dates) -> list[str]:
    name, about = payloads.party(dates[0])
    others = _for_others(dates)
    said = f"{count(others)} for others" if others else ""
    return [name, "\n".join(filter(None, (about, said)))]


def _actions(actions: Sequence[tuple[str, str, str]], title: str) -> list[dict[str, str]]:
    return [
        {"name": name, "label": label, "tone": tone, "about": f"{label.rstrip('…')}: {title}"}
        for name, label, tone in actions
    ]


def _weeks(dates: Dates, weeks: Mapping[str, Sequence[Booking]], policy: Policy) -> list[str]:
    """The chip about the students' weeks; none where one of them is not known."""
    if any(booking.id not in weeks for booking in dates):
        return ["", "", ""]
    fullest = max(dates, key=lambda booking: len(weeks[booking.id]))
    number, tone = payloads.week_count(fullest, weeks[fullest.id], policy)
    if is_set(dates):
        return [f"{number} that week" if number else "", "", tone]
    if not number:
        return ["", "", ""]
    return [f"up to {number} a week" if weeks[fullest.id] else "first each week", "", tone]


def _statuses(dates: Dates) -> list[str]:
    """The chip of what was decided, and by whom if one user decided on all dates."""
    found = Counter(booking.status for booking in dates)
    by = {messages.decided_by(booking.last_decision) for booking in dates}
    who = by.pop() if len(by) == 1 else ""
    if len(found) == 1:
        return [
            messages.STATUS[dates[0].status],
            who,
            payloads.CHIP.get(dates[0].status, "chip closed"),
        ]
    each = [f"{number} {messages.STATUS[status].lower()}" for status, number in found.items()]
    return ["Decided", "\n".join([*each, who] if who else each), "chip closed"]


def date_rows(dates: Dates, grounds: dict[str, Ground], now: datetime) -> list[dict[str, Any]]:
    """The rows of the dialog of a series: its dates, those that wait with their buttons."""
    today = now.date()
    rows = []
    for booking in dates:
        marks = ["moved"] if _changed(booking, "moved") else []
        if payloads.party(booking) != payloads.party(dates[0]):
            marks.append("for " + ", ".join(filter(None, payloads.party(booking))))
        elif _changed(booking, _PARTY_CHANGED):
            marks.append("for other people since")
        place = payloads.slot_title(booking.slot, grounds)
        title = f"{place}, {formats.when(booking, today)}"
        decisions = list(_DECISIONS if booking.status is Status.PENDING else ())
        if decisions and not booking.slot.has_begun(now, payloads.zone_of(now)):
            decisions.append(("ask", "Ask…", "quiet"))
        rows.append(
            {
                "id": booking.id,
                "about": title,
                "selectable": False,
                "cells": [
                    payloads.day_and_times(booking, today),
                    [place, "\n".join(marks)],
                    [
                        messages.STATUS[booking.status],
                        "\n".join(payloads.questions_of(booking)),
                        payloads.CHIP.get(booking.status, "chip closed"),
                    ],
                ],
                "actions": _actions(decisions, title),
            }
        )
    return rows
