"""Sheets to print: the day of all grounds, or the week of one, and what has changed since.

A sheet is one HTML page for A4 landscape (``sheet.html``, ``sheet.css``), without a script. The
caller says how dates and times are written: screens write them by the school's locale, the command
line in 24 hours.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime, time, timedelta
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from booking_core.booking.boards import Board, day_board
from booking_core.domain import timetable
from booking_core.domain.errors import GroundRetired, InvalidRequest, UnknownGround
from booking_core.domain.model import Booking, Decision, Ground, Party, Period, Slot, Status
from booking_core.domain.past import as_of, entries_after
from booking_core.domain.policy import WALL_SHOWS
from booking_core.domain.validation import check_date, check_id
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference

_HERE = Path(__file__).parent
_STYLE = (_HERE / "sheet.css").read_text(encoding="utf-8")
_template = Environment(
    loader=FileSystemLoader(_HERE),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
).get_template("sheet.html")
# Of the Content-Security-Policy: the page has this one style sheet.
SHEET_STYLE_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
SHEET_CHANGES = "sheet-changes"  # the page of the dashboard that says what has changed since
_NAMED = 2  # students that a cell names; it counts the others


@dataclass(frozen=True, slots=True)
class Writing:
    """How a sheet writes a period, a span of times, a date, the same in brief (``day``), and the
    time of day of a moment."""

    period: Callable[[Period], str]
    span: Callable[[time, time], str]
    date: Callable[[Date], str]
    day: Callable[[Date], str]
    clock: Callable[[datetime], str]


@dataclass(frozen=True)
class Sheet:
    """What a sheet shows, as stored at ``made_at`` (aware, in the school's zone).

    ``boards``: one of a day, or seven of a week. ``ground``: the one of a week, None for a day.
    ``shows``: one of WALL_SHOWS, how much of each booking is printed.
    """

    boards: tuple[Board, ...]
    ground: Ground | None
    made_at: datetime
    shows: str

    @property
    def dates(self) -> tuple[Date, ...]:
        return tuple(board.date for board in self.boards)

    @property
    def grounds(self) -> tuple[Ground, ...]:
        """The grounds of the rows."""
        return (self.ground,) if self.ground is not None else self.boards[0].grounds

    @property
    def parameters(self) -> dict[str, str]:
        """Date and ground, as the addresses of the dashboard name them."""
        found = {"date": self.dates[0].isoformat()}
        return found if self.ground is None else found | {"ground": self.ground.id}

    def changes_address(self, dashboard: str) -> str:
        """The address that says what has changed since, below that of the ``dashboard``."""
        made = {"at": str(int(self.made_at.timestamp() * 1000)), "of": self.mark}
        return f"{dashboard.rstrip('/')}/{SHEET_CHANGES}?{urlencode(self.parameters | made)}"

    @cached_property
    def mark(self) -> str:
        """A text that differs for sheets with other content, whatever names they print."""
        lines: list[object] = [(g.id, g.name, g.surfaces) for g in self.grounds]
        for board in self.boards:
            plan = board.plan
            lines += [
                board.date,
                [_periods(board, g) for g in self.grounds],
                plan.note,
                plan.term,
                plan.week,
            ]
            lines += sorted(
                (b.id, b.status, b.slot.ground_id, b.start, b.end, b.whom, b.supervisor_name)
                for ground in self.grounds
                for b in held_on(board, ground)
            )
        return hashlib.blake2s(repr(lines).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class SheetChange:
    """A change after a sheet was made: ``entry`` of the history of ``booking`` as it is now.

    ``before`` and ``after`` are the slots before and after it. Closures that one step made or
    lifted are one change with all their ``ground_ids``.
    """

    entry: Decision
    booking: Booking
    before: Slot
    after: Slot
    ground_ids: tuple[str, ...]


@within_deadline
def day_sheet(
    db: Documents, date: Date, *, shows: str = "student", now: datetime | None = None
) -> Sheet:
    """The sheet of all grounds on ``date``. Raises InvalidRequest, StoreUnavailable."""
    date, shows = check_date(date, "date"), _checked(shows)
    now = moment(db, now)
    return Sheet((day_board(db, date, now),), None, _local(db, now), shows)


@within_deadline
def week_sheet(
    db: Documents,
    ground_id: str,
    first: Date,
    *,
    shows: str = "student",
    now: datetime | None = None,
) -> Sheet:
    """The sheet of one ground on the seven days from ``first`` on.

    Raises InvalidRequest, UnknownGround, GroundRetired, StoreUnavailable.
    """
    ground_id = check_id(ground_id, "ground_id")
    check_date(first + timedelta(days=6) if check_date(first, "first") else first, "first")
    shows, now = _checked(shows), moment(db, now)
    boards = tuple(day_board(db, first + timedelta(days=n), now) for n in range(7))
    ground = next((g for g in boards[0].grounds if g.id == ground_id), None)
    if ground is None:
        if ground_id in reference.load(db).grounds:
            raise GroundRetired(ground_id)
        raise UnknownGround(ground_id)
    return Sheet(boards, ground, _local(db, now), shows)


@within_deadline
def changes_since(
    db: Documents, dates: Sequence[Date], since: datetime, *, ground_id: str | None = None
) -> list[SheetChange]:
    """What was done after ``since`` (aware) to bookings and closures that are or were on ``dates``.

    Of all grounds, or of those that share a surface with ``ground_id``; oldest first. Raises
    InvalidRequest, UnknownGround, StoreUnavailable.
    """
    if isinstance(dates, str) or not isinstance(dates, Iterable):
        raise InvalidRequest("dates", "must be a list of dates")
    days = {check_date(date, "dates") for date in dates}
    since = moment(db, since)
    grounds = None
    if ground_id is not None:
        grounds = set(reference.load(db).sharing([ground_id]))
    found = []
    for booking in booking_queries.ever_of_dates(db, days):
        for entry, before, after in _steps(booking, since):
            if any(
                slot.date in days and (grounds is None or slot.ground_id in grounds)
                for slot in (before, after)
            ):
                found.append(SheetChange(entry, booking, before, after, (after.ground_id,)))
    return _grouped(found)


def _steps(booking: Booking, since: datetime) -> Iterator[tuple[Decision, Slot, Slot]]:
    """Each entry after ``since`` with the slots before and after it."""
    known = as_of(booking, since)
    later = entries_after(booking, since)
    moves = [entry.moved_from for entry in later if entry.moved_from] + [booking.slot]
    slot = moves[0] if known is None else known.slot
    for entry in later:
        before = slot
        if entry.moved_from:
            moves.pop(0)
            slot = moves[0]
        yield entry, before, slot


def _grouped(changes: list[SheetChange]) -> list[SheetChange]:
    """``changes`` by moment, with one for all closures of a step on a day."""

    def step(change: SheetChange) -> tuple[Any, ...]:
        group = change.booking.closure_group or change.booking.id
        slot = change.after
        times = (slot.date, slot.start, slot.end) if change.booking.closure_group else ()
        return (change.entry.at, group, change.entry.action, times)

    found = []
    # The sort is stable: the entries of one booking keep their order.
    ordered = sorted(changes, key=lambda change: (change.entry.at, change.booking.id))
    ordered.sort(key=lambda change: (change.entry.at, change.booking.closure_group or ""))
    for _, same in groupby(ordered, key=step):
        members = list(same)
        ids = tuple(dict.fromkeys(one.after.ground_id for one in members))
        first = members[0]
        found.append(SheetChange(first.entry, first.booking, first.before, first.after, ids))
    return found


def sheet_html(
    sheet: Sheet,
    school: str,
    writing: Writing,
    *,
    code: dict[str, Any] | None = None,
    links: Sequence[tuple[str, str]] = (),
) -> str:
    """The page of ``sheet``.

    ``code``: the ``qr_code`` of the address that says what has changed since; None for none.
    ``links``: (address, label) of what the screen shows above the sheet, and paper does not.
    """
    first, last = sheet.dates[0], sheet.dates[-1]
    terms = {
        ", ".join(filter(None, (plan.term, plan.week and f"week {plan.week}")))
        for plan in (board.plan for board in sheet.boards)
    }
    title = writing.date(first)
    if sheet.ground is not None:
        title = f"{sheet.ground.name}, {writing.day(first)} – {writing.date(last)}"
    made_on = writing.date(sheet.made_at.date())
    return _template.render(
        style=_STYLE,
        school=school,
        title=title,
        term=terms.pop() if len(terms) == 1 else "",
        made=f"{writing.clock(sheet.made_at)} on {made_on}",
        code=code,
        links=links,
        corner="Ground" if sheet.ground is None else "Day",
        tables=_tables(sheet, writing),
        notes=_notes(sheet, writing),
        others=_others(sheet, writing),
    )


def _tables(sheet: Sheet, writing: Writing) -> list[dict[str, Any]]:
    """A table for each timetable: the periods across; grounds, or the days of the week, down."""
    rows = [
        (board, ground, ground.name if sheet.ground is None else writing.day(board.date))
        for board in sheet.boards
        for ground in sheet.grounds
        if _periods(board, ground)
    ]
    tables: dict[tuple[Period, ...], list[dict[str, Any]]] = {}
    for board, ground, heading in rows:
        cells = _row(board, ground, sheet.shows)
        table = tables.setdefault(_periods(board, ground), [])
        table.append({"heading": heading, "cells": cells})
    return [
        {"periods": [writing.period(period) for period in periods], "rows": rows}
        for periods, rows in tables.items()
    ]


def _periods(board: Board, ground: Ground) -> tuple[Period, ...]:
    return board.plan.of(ground.id).periods


def _row(board: Board, ground: Ground, shows: str) -> list[dict[str, Any]]:
    """The cells of one ground; what lasts for several periods is one cell."""
    held = held_on(board, ground)
    in_periods = [[b for b in held if _overlaps(b, period)] for period in _periods(board, ground)]
    cells = []
    for _, run in groupby(enumerate(in_periods), key=lambda item: _run_of(*item)):
        same = [bookings for _, bookings in run]
        own = [b for b in same[0] if b.ground_id == ground.id] or same[0][:1]
        entries = [entry_of(booking, ground, board, shows) for booking in own]
        cells.append({"span": len(same), "entries": entries})
    return cells


def _run_of(number: int, bookings: list[Booking]) -> tuple[Any, ...]:
    """Equal for periods that one cell shows: a free period has a cell of its own."""
    return tuple(b.id for b in bookings) or (number,)


def held_on(board: Board, ground: Ground) -> list[Booking]:
    """What holds a surface of ``ground``, by time."""
    surfaces = set(ground.surfaces)
    held = (b for b in board.bookings if not surfaces.isdisjoint(b.held_surfaces))
    return sorted(held, key=lambda b: (b.start, b.id))


def _overlaps(booking: Booking, period: Period) -> bool:
    marks = timetable.marks(booking.start, booking.end)
    return not set(marks).isdisjoint(timetable.marks(period.start, period.end))


def entry_of(booking: Booking, ground: Ground, board: Board, shows: str) -> dict[str, str]:
    """The lines of a booking in a cell of ``ground``, as far as ``shows`` allows; "" for none."""
    if booking.kind == "closure":
        return _lines("closed", "Closed", booking.purpose)
    if booking.ground_id != ground.id:
        other = next((g.name for g in board.grounds if g.id == booking.ground_id), "another layout")
        return _lines("elsewhere", f"Used as {other}")
    is_requested = booking.status is Status.PENDING
    state, tag = ("pending", "Requested") if is_requested else ("booked", "")
    if shows == "none":
        return _lines(state, tag or "Booked")
    there = f"with {booking.supervisor_name}" if booking.supervisor_name else ""
    who, group = _party(booking, shows)
    return _lines(state, booking.game, who, group, there, tag)


def _lines(
    state: str, what: str, who: str = "", group: str = "", there: str = "", tag: str = ""
) -> dict[str, str]:
    return {"state": state, "what": what, "who": who, "group": group, "there": there, "tag": tag}


def _party(booking: Booking, shows: str) -> tuple[str, str]:
    """Name and class of the party."""
    if shows == "class":
        return booking.party_group, ""
    students = booking.students
    if booking.party is not Party.STUDENTS or len(students) <= _NAMED:
        return booking.party_name, booking.party_class
    names = ", ".join(student.name for student in students[:_NAMED])
    return f"{names} and {len(students) - _NAMED} more", booking.party_class


def _notes(sheet: Sheet, writing: Writing) -> list[str]:
    """A sentence for each day without periods, and the note of each day that has one."""
    found = []
    for board in sheet.boards:
        note = board.plan.note.rstrip(". ")
        without = [ground.name for ground in sheet.grounds if not _periods(board, ground)]
        if not board.plan.is_school:
            why = f": {note}" if note else ""
            found.append(f"No school on {writing.date(board.date)}{why}.")
            continue
        if note:
            found.append(f"{writing.date(board.date)}: {note}." if sheet.ground else f"{note}.")
        if without:
            found.append(f"No periods on {writing.date(board.date)} on {', '.join(without)}.")
    return found if sheet.boards[0].grounds else ["There are no grounds yet."]


def _others(sheet: Sheet, writing: Writing) -> list[str]:
    """A line for each booking that lies in no period of its day, such as after a change of it."""
    found = []
    for board in sheet.boards:
        for ground in sheet.grounds:
            for booking in held_on(board, ground):
                if booking.kind != "booking" or booking.ground_id != ground.id:
                    continue
                if not any(_overlaps(booking, period) for period in _periods(board, ground)):
                    entry = entry_of(booking, ground, board, sheet.shows)
                    when = writing.span(booking.start, booking.end)
                    place = writing.day(board.date) if sheet.ground else ground.name
                    parts = (entry[name] for name in ("tag", "what", "who", "group", "there"))
                    found.append(f"{place}, {when}: {', '.join(filter(None, parts))}")
    return found


def _checked(shows: str) -> str:
    if shows not in WALL_SHOWS:
        raise InvalidRequest("shows", f"must be one of {', '.join(WALL_SHOWS)}")
    return shows


def _local(db: Documents, now: datetime) -> datetime:
    return now.astimezone(settings_of(db).zone)
