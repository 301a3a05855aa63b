"""Lines that commands print: a board, the report of an import, the progress of a long import."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator

import click

from booking_core.booking.boards import Board, Cell
from booking_core.domain.model import CellState, Period
from booking_core.insight.sheets import Writing
from booking_core.operations.history_import import Report
from booking_core.operations.repair import Repair

_PROGRESS_FROM = 200  # rows; a smaller file is done before a bar could be read
# As the terminal writes: in English and in 24 hours, for every locale.
SHEET = Writing(
    period=lambda period: _period(period),
    span=lambda start, end: f"{start:%H:%M}–{end:%H:%M}",
    date=lambda date: f"{date:%A} {date.day} {date:%B %Y}",
    day=lambda date: f"{date:%a} {date.day} {date:%b}",
    clock=lambda moment: f"{moment:%H:%M}",
)
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
    for line, reason in report.refused:
        yield f"line {line}: refused: {reason}"
    repeats = [(line, reason) for line, reason in report.skipped if reason.startswith("same as")]
    for line, reason in repeats:
        yield f"line {line}: {reason}"
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


def board_lines(board: Board) -> Iterator[str]:
    """The date, then a table of periods and grounds."""
    note = f" ({board.plan.note})" if board.plan.note else ""
    yield f"{board.date:%A} {board.date}{note}"
    if not board.periods:
        yield "No school."
        return
    rows = [["", *(ground.name for ground in board.grounds)]]
    rows += [[p.label, *(_cell_text(cell) for cell in board.row(p))] for p in board.periods]
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
