"""Lines that commands print: a board, the report of an import, the progress of a long import."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import tzinfo

import click

from booking_core.booking.boards import Board, Cell
from booking_core.domain.model import CellState, Period, Status
from booking_core.insight.sheets import Writing
from booking_core.operations.import_lines import Report
from booking_core.operations.legacy_import import LegacyFindings, NotTaken
from booking_core.operations.repair import Repair
from booking_core.tables.table import place_of

_PROGRESS_FROM = 200  # rows; a smaller file is done before a bar could be read
# As the terminal writes: in English and in 24 hours, for every locale.
SHEET = Writing(
    period=lambda period: _period(period),
    span=lambda start, end: f"{start:%H:%M}–{end:%H:%M}",
    date=lambda date: f"{date:%A} {date.day} {date:%B %Y}",
    day=lambda date: f"{date:%a} {date.day} {date:%b}",
    clock=lambda moment: f"{moment:%H:%M}",
)
_AT = "%Y-%m-%d %H:%M"
_COLUMN = 22  # characters of a ground's column on the board


@contextlib.contextmanager
def progress_bar(rows: int) -> Iterator[Callable[[int], object]]:
    """Shows a bar on stderr for a long file; call the value with the number of rows just done."""
    if rows <= _PROGRESS_FROM:
        yield lambda done: None
        return
    with click.progressbar(length=rows, label=f"{rows} rows", file=sys.stderr) as bar:
        yield bar.update


def repair_lines(repairs: Iterable[Repair]) -> Iterator[str]:
    """A line for each booking with wrong claims: what would change, or why nothing can."""
    for one in repairs:
        booking, (added, removed) = one.booking, one.changes
        span = f"{booking.ground_id} {booking.date} {booking.start:%H:%M}-{booking.end:%H:%M}"
        shown = f"{booking.kind} {booking.id} ({span}, {booking.status.value})"
        if one.held_by:
            yield f"{shown}: stays as it is, {one.held_by} holds its slot, its student or its seat"
            yield "    cancel one of the two in Bookings, then run this again"
        else:
            yield f"{shown}: {added} claims to add, {removed} to remove"


def report_lines(report: Report, *, dry_run: bool) -> Iterator[str]:
    """A line for each refused or repeated row and each new name, then the counts."""
    for one in report.refused:
        yield f"{place_of(one.line, one.sheet)}: refused: {one.reason}"
    repeats = report.repeated
    for one in repeats:
        yield f"{place_of(one.line, one.sheet)}: {one.reason}"
    for what, names in (("ground", report.new_grounds), ("student", report.new_students)):
        for name in names:
            yield f"new {what}: {name}"
    counts = [
        f"{report.added} added",
        *([f"{report.changed} changed"] if report.changed else []),
        f"{len(report.skipped) - len(repeats)} already there",
        *([f"{len(repeats)} repeated"] if repeats else []),
        f"{len(report.refused)} refused",
    ]
    yield ", ".join(counts) + (" (dry run: nothing was changed)" if dry_run else "")


def legacy_lines(findings: LegacyFindings, zone: tzinfo) -> Iterator[str]:
    """What the old system holds: counts, dates, double bookings and what cannot be read."""
    statuses = ", ".join(
        f"{findings.statuses[status]} {status.value}"
        for status in Status
        if findings.statuses[status]
    )
    yield f"found: {findings.documents} documents ({statuses or 'none that can be read'})"
    if findings.first is not None:
        yield f"dates: {findings.first} to {findings.last}"
    for one in findings.doubles:
        what = "student on two grounds" if one.of_student else "booked twice"
        yield f"{what}: {one.ground} {one.date} {one.span}"
        for claim in (one.kept, one.other):
            made = "" if claim.made_at is None else f", made {claim.made_at.astimezone(zone):{_AT}}"
            facts = f"{claim.status.value}, {claim.whom}{made}"
            first = ", asked first" if claim == one.first and claim.made_at is not None else ""
            yield f"    {'kept' if claim == one.kept else 'left'}: {claim.id} ({facts}{first})"
    for refused in findings.unreadable:
        yield f"cannot be read: {refused.id}: {refused.field} {refused.reason}"
    for refused in findings.unknown:
        yield f"refused: {refused.id}: {refused.field} {refused.reason}"
    if findings.without_student:
        yield f"without a student: {findings.without_student}, taken over for staff"
    for kind, names in (("ground", findings.new_grounds), ("student", findings.new_students)):
        for name in names:
            yield f"new {kind}: {name}"


def not_taken_json(documents: Iterable[NotTaken]) -> str:
    """A JSON array of documents with their ids and the reasons; other values as text."""
    rows = [
        {"id": one.id, "field": one.field, "reason": one.reason, "document": one.values}
        for one in documents
    ]
    return json.dumps(rows, ensure_ascii=False, indent=2, default=str) + "\n"


def board_lines(board: Board) -> Iterator[str]:
    """The date, then a table of periods and grounds."""
    note = f" ({board.plan.note})" if board.plan.note else ""
    yield f"{board.date:%A} {board.date}{note}"
    if not board.periods:
        yield "No school."
        return
    rows = [["", *(ground.name for ground in board.grounds)]]
    for period in board.periods:
        texts = {cell.ground.id: _cell_text(cell) for cell in board.row(period)}
        rows.append([period.label, *(texts.get(ground.id, "") for ground in board.grounds)])
    widths = [min(max(map(len, column)), _COLUMN) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell[:width].ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _cell_text(cell: Cell) -> str:
    if cell.booking is None:
        return {CellState.FREE: "free", CellState.PAST: "-"}.get(cell.state, "not open")
    if cell.booking.kind == "closure":
        return f"CLOSED {cell.booking.purpose}"
    mark = "? " if cell.state is CellState.PENDING else ""
    return f"{mark}{cell.booking.game}, {cell.booking.party_name}"


def _period(period: Period) -> str:
    """The times, and the label where it is more than times."""
    times = f"{period.start:%H:%M}–{period.end:%H:%M}"
    return f"{period.label}, {times}" if any(map(str.isalpha, period.label)) else times
