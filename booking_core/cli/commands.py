"""The command line: parses, calls, prints."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from datetime import date as Date
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import click

from booking_core.booking import claims as bookings
from booking_core.booking.boards import Board, Cell, day_board
from booking_core.cli import accounts as account_commands
from booking_core.domain.errors import BookingError, InvalidRequest
from booking_core.domain.messages import sentence
from booking_core.domain.model import Actor, BookingRequest, CellState, Role
from booking_core.operations import backups, demo, doctor
from booking_core.operations import history_import as imports
from booking_core.operations.lookup import Names
from booking_core.settings import Settings
from booking_core.storage import indexes, schema
from booking_core.storage import school_data as reference
from booking_core.storage.connection import connected, open_settings
from booking_core.storage.database import BookingDatabase, reachable
from booking_core.tables.table import UPLOAD, Limits, Table, read_table

_PROGRESS_FROM = 200  # rows; a smaller file is done before a bar could be read
_COLUMN = 22  # characters of a ground's column on the board


class Commands(click.Group):
    """A group whose errors are one sentence on stderr and exit status 1, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BookingError as exc:
            raise click.ClickException(sentence(exc)) from exc


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Looks after the database of the ground bookings.

    MONGODB_URI names the database; without it, the embedded server on DATA_DIRECTORY is started,
    or joined where the dashboard runs already.
    """


cli.add_command(account_commands.account)


@cli.command()
def init() -> None:
    """Makes collections, indexes and validators, and says what it made."""
    settings = Settings.load()
    store = open_settings(settings)
    with contextlib.closing(store.client), reachable():
        known = set(store.list_collection_names())
        missing, validators = indexes.index_faults(store), indexes.validator_faults(store)
    with connected(settings) as db:
        for name in validators:
            made = "validator of" if name in known else "collection"
            click.echo(f"made {made} {name}")
        for name in missing:
            ours = name in schema.INDEXES
            click.echo(f"made index {name}" if ours else f"dropped the old index {name}")
        if not missing and not validators:
            click.echo(f"Everything is in place in {db.name}.")


@cli.command("demo")
def load_demo() -> None:
    """Fills an empty database with a made-up school."""
    with connected(Settings.load()) as db:
        if not demo.is_empty(db):
            raise click.ClickException(f"{db.name} holds data already; nothing was loaded.")
        demo.load_demo(db)
        known = reference.load(db)
        click.echo(f"Loaded {len(known.grounds)} grounds and {len(known.students)} students.")


@cli.command("doctor")
def examine() -> None:
    """Looks at connection, schema, data and feed; exit status 1 when something is wrong."""
    wrong = 0
    for finding in doctor.examine(Settings.load()):
        wrong += not finding.ok
        remedy = "" if finding.ok else f" -> {finding.remedy}"
        click.echo(f"{'ok' if finding.ok else 'WRONG':6}{finding.name:13}{finding.detail}{remedy}")
    if wrong:
        click.get_current_context().exit(1)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Writes all that is stored to FILE, as of one moment, and notes that it did.

    It may run beside the dashboard. FILE holds names and password hashes: keep it as safe.
    """
    with connected(Settings.load()) as db:
        click.echo(f"{backups.save(db, file)} documents of {db.name} are in {file}.")


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
def restore(file: Path) -> None:
    """Fills an empty database from the backup FILE. Nobody may be at it meanwhile."""
    with connected(Settings.load()) as db:
        made_at, count = backups.load(db, file)
        local = made_at.astimezone(db.booking_settings.zone)
        click.echo(f"{count} documents as of {local:%Y-%m-%d %H:%M} are in {db.name}.")


@cli.command()
@click.argument("date")
def board(date: str) -> None:
    """Shows the board of DATE: today, tomorrow, or like 2026-11-23."""
    with connected(Settings.load()) as db:
        for line in _board_lines(day_board(db, _date(date, db))):
            click.echo(line)


@cli.command()
@click.option("--ground", required=True, help="Id or exact name.")
@click.option("--date", required=True, help="today, tomorrow, or like 2026-11-23.")
@click.option("--start", required=True, help="Like 09:00.")
@click.option("--end", required=True, help="Like 10:00.")
@click.option("--student", required=True, help="Roll number or exact name.")
@click.option("--game", required=True)
@click.option("--purpose", default="")
@click.option("--as", "actor", required=True, metavar="NAME[:ROLE]", help="Who books.")
def book(
    ground: str,
    date: str,
    start: str,
    end: str,
    student: str,
    game: str,
    purpose: str,
    actor: str,
) -> None:
    """Requests a slot, by the same rules as the dashboard."""
    by = _actor(actor)
    with connected(Settings.load()) as db:
        names = Names(reference.load(db))
        request = BookingRequest(
            names.ground(ground).id,
            _date(date, db),
            imports.parse_time(start, "start"),
            imports.parse_time(end, "end"),
            names.student(student).id,
            game,
            purpose,
        )
        made = bookings.book(db, request, by=by, submission_id=uuid4())
        click.echo(
            f"{made.reference}: {made.game} on {made.ground_id}, {made.date} "
            f"{made.start:%H:%M}-{made.end:%H:%M}, for {made.student_name} ({made.status.value})"
        )


@cli.group("import")
def import_() -> None:
    """Adds students or past bookings from a CSV file or an Excel workbook (.xlsx)."""


_dry_run = click.option("--dry-run", is_flag=True, help="Only say what would happen.")


@import_.command("students")
@click.argument("file", type=click.Path(path_type=Path))
@_dry_run
def import_students(file: Path, dry_run: bool) -> None:
    """Adds and changes students. Columns: id, name, class; also email, active."""
    table = _read(file, imports.STUDENT_COLUMNS)
    with connected(Settings.load()) as db:
        _tell(imports.import_students(db, table, dry_run=dry_run), dry_run)


@import_.command("bookings")
@click.argument("file", type=click.Path(path_type=Path))
@_dry_run
@click.option("--create-missing", is_flag=True, help="Add unknown grounds and students.")
def import_bookings(file: Path, dry_run: bool, create_missing: bool) -> None:
    """Adds bookings. Columns: ground, date, start, end, student, game, status; also purpose, class.

    Rules and periods do not apply to history, the indexes do. A second run adds nothing.
    """
    table = _read(file, imports.BOOKING_COLUMNS, imports.HISTORY)
    with connected(Settings.load()) as db, _progress(len(table.rows)) as progress:
        report = imports.import_bookings(
            db, table, dry_run=dry_run, create_missing=create_missing, progress=progress
        )
    _tell(report, dry_run)


@contextlib.contextmanager
def _progress(rows: int) -> Iterator[Callable[[int], object]]:
    if rows <= _PROGRESS_FROM:
        yield lambda done: None
        return
    with click.progressbar(length=rows, label=f"{rows} rows", file=sys.stderr) as bar:
        yield bar.update


def _read(file: Path, columns: tuple[str, ...], limits: Limits = UPLOAD) -> Table:
    try:
        data = file.read_bytes()
    except OSError as exc:
        raise InvalidRequest(file.name, f"cannot be read: {exc.strerror}") from exc
    try:
        return read_table(data, file.name, columns, limits=limits)
    except InvalidRequest as exc:  # several may be read by one script: say which
        raise InvalidRequest(file.name, exc.problem) from exc


def _tell(report: imports.Report, dry_run: bool) -> None:
    for line, reason in report.refused:
        click.echo(f"line {line}: refused: {reason}")
    repeats = [(line, reason) for line, reason in report.skipped if reason.startswith("same as")]
    for line, reason in repeats:
        click.echo(f"line {line}: {reason}")
    for what, names in (("ground", report.new_grounds), ("student", report.new_students)):
        for name in names:
            click.echo(f"new {what}: {name}")
    counts = [
        f"{report.added} added",
        *([f"{report.changed} changed"] if report.changed else []),
        f"{len(report.skipped) - len(repeats)} already there",
        *([f"{len(repeats)} repeated"] if repeats else []),
        f"{len(report.refused)} refused",
    ]
    click.echo(", ".join(counts) + (" (dry run: nothing was changed)" if dry_run else ""))
    if report.refused:
        click.get_current_context().exit(1)


def _date(text: str, db: BookingDatabase) -> Date:
    today = datetime.now(db.booking_settings.zone).date()
    if text in ("today", "tomorrow"):
        return today + timedelta(days=text == "tomorrow")
    try:
        return Date.fromisoformat(text)
    except ValueError as exc:
        raise InvalidRequest("date", f"{text!r} is not like {today}") from exc


def _actor(text: str) -> Actor:
    name, _, role = text.rpartition(":") if ":" in text else (text, "", "staff")
    try:
        return Actor(name, Role(role.strip().casefold()))
    except ValueError as exc:
        choices = ", ".join(role.value for role in Role)
        raise InvalidRequest("--as", f"has no role {role!r}: {choices}") from exc


def _board_lines(board: Board) -> Iterator[str]:
    note = f" ({board.plan.note})" if board.plan.note else ""
    yield f"{board.date:%A} {board.date}{note}"
    if not board.periods:
        yield "No school."
        return
    rows = [["", *(ground.name for ground in board.grounds)]]
    rows += [[p.label, *(_words(cell) for cell in board.row(p))] for p in board.periods]
    widths = [min(max(map(len, column)), _COLUMN) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell[:width].ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _words(cell: Cell) -> str:
    if cell.booking is None:
        return {CellState.FREE: "free", CellState.PAST: "-"}.get(cell.state, "not open")
    if cell.booking.kind == "closure":
        return f"CLOSED {cell.booking.purpose}"
    mark = "? " if cell.state is CellState.PENDING else ""
    return f"{mark}{cell.booking.game}, {cell.booking.student_name}"
