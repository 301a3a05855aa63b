"""The commands of ``python -m booking_core``, without those of ``account``."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date as Date
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import click
from click.core import ParameterSource

from booking_core import legacy
from booking_core.booking import claims as bookings
from booking_core.booking.boards import day_board
from booking_core.cli import accounts, mail
from booking_core.cli.arguments import actor_of, date_of, naming, table_of, write_private
from booking_core.cli.printing import (
    SHEET,
    board_lines,
    legacy_lines,
    not_taken_json,
    progress_bar,
    repair_lines,
    report_lines,
)
from booking_core.domain.errors import BookingError, InvalidRequest, SchemaConflict
from booking_core.domain.messages import COMMAND, conflicting, sentence
from booking_core.domain.model import Actor, BookingRequest, Role
from booking_core.domain.policy import WALL_SHOWS
from booking_core.insight import month_report as month_reports
from booking_core.insight import sheets
from booking_core.insight.qr_codes import qr_code
from booking_core.operations import backups, demo, doctor, repair
from booking_core.operations import history_import as imports
from booking_core.operations.import_lines import Report
from booking_core.operations.lookup import Names
from booking_core.settings import Settings
from booking_core.storage import time_zone
from booking_core.storage.backups import archive
from booking_core.storage.backups.decisions import Decisions
from booking_core.storage.client.database import BookingDatabase, present
from booking_core.storage.client.verbs import reachable
from booking_core.storage.connection import connected, open_settings
from booking_core.storage.schema import indexes, schema
from booking_core.storage.school import data as reference


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


cli.add_command(accounts.account)
cli.add_command(mail.mail)


@cli.command()
def init() -> None:
    """Makes collections, indexes and validators, and prints what it made."""
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
            raise InvalidRequest(db.name, "holds data already; nothing was loaded")
        demo.load_demo(db)
        known = reference.load(db)
        click.echo(f"Loaded {len(known.grounds)} grounds and {len(known.students)} students.")


@cli.command("doctor")
@click.option("--repair", "repairs", is_flag=True, help="Derive wrong claims of bookings again.")
@click.option("--yes", is_flag=True, help="With --repair: do not ask.")
def examine(repairs: bool, yes: bool) -> None:
    """Checks connection, schema, data and feed; exit status 1 when something is wrong.

    With --repair it examines claims only, says what it would change, and asks first.
    """
    if repairs:
        _repair(yes)
        return
    wrong = 0
    for finding in doctor.examine(Settings.load()):
        wrong += not finding.ok
        remedy = "" if finding.ok else f" -> {finding.remedy}"
        click.echo(f"{'ok' if finding.ok else 'WRONG':6}{finding.name:13}{finding.detail}{remedy}")
    if wrong:
        click.get_current_context().exit(1)


def _repair(yes: bool) -> None:
    with connected(Settings.load()) as db:
        found = repair.find_repairs(db)
        for line in repair_lines(found):
            click.echo(line)
        possible = [one for one in found if not one.held_by]
        if not found:
            click.echo(f"All claims in {db.name} agree with the bookings.")
        if possible and not yes:
            click.confirm(f"Change the claims of {len(possible)} in {db.name}?", abort=True)
        left = repair.repair(db, found)
        if found:
            click.echo(f"{len(found) - len(left)} repaired, {len(left)} left as they are.")
    if left:
        click.get_current_context().exit(1)


@cli.command("time-zone")
@click.argument("zone", required=False)
def set_time_zone(zone: str | None) -> None:
    """Shows the school's time zone in the database, or changes it to ZONE, like Europe/Berlin.

    It changes no booking: a booking at 9:00 is at 9:00 of the new zone. Start every app with
    SCHOOL_TIME_ZONE set to ZONE.
    """
    settings = Settings.load()
    if zone is not None:
        settings = replace(settings, time_zone=zone)
    with connected(settings) as db:
        if zone is not None:
            time_zone.record(db, zone)
        click.echo(f"The school of {db.name} is in {time_zone.recorded(db)}.")


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Writes all that is stored to FILE, as of one moment, and records the backup.

    It may run beside the dashboard. FILE holds names, password hashes and keys of
    second factors: keep it safe.
    """
    with connected(Settings.load()) as db, naming(file):
        click.echo(f"{backups.save(db, file)} documents of {db.name} are in {file}.")


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Only list what in FILE cannot be stored as it is.")
@click.option("--cancel", multiple=True, metavar="ID", help="Store this booking as cancelled.")
@click.option("--rename", multiple=True, metavar="students/OLD=NEW", help="Store another id.")
@click.option(
    "--set",
    "values",
    multiple=True,
    metavar="grounds/ID/name=NAME",
    help="Store another name of a ground, timetable or account, or an account's email.",
)
@click.option("--leave-out", multiple=True, metavar="bookings/ID", help="Do not store this.")
@click.option(
    "--erasures-of",
    type=click.Path(path_type=Path),
    metavar="NEWER",
    help="Erase again the students and accounts that were erased until this newer backup.",
)
@click.option(
    "--replace",
    "replaces",
    is_flag=False,
    flag_value="",
    metavar="[DATABASE]",
    help="Replace what the database holds; its name must be given, or is asked for.",
)
def restore(
    file: Path,
    check: bool,
    cancel: tuple[str, ...],
    rename: tuple[str, ...],
    values: tuple[str, ...],
    leave_out: tuple[str, ...],
    erasures_of: Path | None,
    replaces: str | None,
) -> None:
    """Fills an empty database from the backup FILE. Stop the dashboard first.

    With --check it says what FILE holds and touches no database. With --replace (behind FILE) the
    database may hold data: they are written to a backup beside FILE first.

    An old backup may hold bookings that exclude each other, or ids that cannot be told apart:
    decide by the other options, each as often as needed.
    """
    decisions = Decisions.parse(cancel, rename, values, leave_out)
    if check:
        with naming(file):
            held = backups.contents(file)
            found = list(backups.conflicts(file, decisions))
        click.echo(
            f"{file}: as of {held.made_at:%Y-%m-%d %H:%M} UTC, made by version {held.version}"
        )
        for name, count in sorted(held.counts.items()):
            click.echo(f"{count:8} {name}")
        for what, option in found:
            click.echo(f"{what}; for example {option}")
        if not found:
            click.echo(f"Nothing in {file} keeps it from being restored.")
            return
        click.echo("Add options until nothing is listed, then restore with the same options.")
        click.get_current_context().exit(1)
    with connected(Settings.load()) as db, naming(file):
        kept = None if replaces is None else _kept_before(db, file, replaces)
        if kept is not None and not archive.is_empty(db):
            click.echo(f"What {db.name} holds is written to {kept} first.")
        try:
            done = backups.load(db, file, decisions, erasures_of=erasures_of, replaced=kept)
        except SchemaConflict as exc:
            problem = f"contradicts itself: {conflicting(exc.offenders)}; nothing was restored. "
            problem += f"“{COMMAND} restore --check {file}” lists all of it and what to do"
            raise InvalidRequest("file", problem) from exc
        local = done.made_at.astimezone(db.booking_settings.zone)
        click.echo(f"{done.documents} documents as of {local:%Y-%m-%d %H:%M} are in {db.name}.")
        for count, whom in ((done.erased, "students"), (done.accounts, "accounts")):
            if count:
                click.echo(f"Erased again, because erased after the backup: {count} {whom}.")


def _kept_before(db: BookingDatabase, file: Path, named: str) -> Path:
    """Where the data go that are replaced. Raises InvalidRequest unless the database is named."""
    if not named:
        if not sys.stdin.isatty():
            raise InvalidRequest("--replace", "needs the name of the database without a terminal")
        named = click.prompt(f"All data of {db.name} are replaced. Type its name")
    if named != db.name:
        raise InvalidRequest("--replace", f"names {named!r}, and the database is {db.name!r}")
    now = present(db).astimezone(db.booking_settings.zone)
    return file.with_name(f"{db.name}-before-{now:%Y-%m-%d-%H%M%S}.gz")


@cli.command()
@click.argument("date")
def board(date: str) -> None:
    """Shows the board of DATE: today, tomorrow, or like 2026-11-23."""
    with connected(Settings.load()) as db:
        for line in board_lines(day_board(db, date_of(date, db))):
            click.echo(line)


@cli.command()
@click.argument("date")
@click.option("--ground", help="With --week: id or exact name.")
@click.option("--week", is_flag=True, help="The week of DATE from Monday on, of one ground.")
@click.option(
    "--show",
    type=click.Choice(WALL_SHOWS),
    default=WALL_SHOWS[-1],
    help="How much of each booking is printed; by default all.",
)
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Writes FILE.")
def sheet(date: str, ground: str | None, week: bool, show: str, output: Path | None) -> None:
    """Writes the page to print of DATE: today, tomorrow, or like 2026-11-23.

    It is HTML for A4, landscape, of all grounds, or with --week of one; without --output it goes
    to the terminal. With PUBLIC_URL it has a code that leads to what has changed since.
    """
    if week != (ground is not None):
        raise InvalidRequest("--ground", "and --week go together: a week is that of one ground")
    with connected(Settings.load()) as db:
        day = date_of(date, db)
        if ground is None:
            made = sheets.day_sheet(db, day, shows=show)
        else:
            id = Names(reference.load(db)).ground(ground).id
            monday = day - timedelta(days=day.weekday())
            made = sheets.week_sheet(db, id, monday, shows=show)
        public = db.booking_settings.public_url
        code = qr_code(made.changes_address(public)) if public else None
        text = sheets.sheet_html(made, db.booking_settings.school_name, SHEET, code=code)
    _write(text, output, f"The sheet of {made.dates[0]}")


@cli.command()
@click.argument("month")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Writes FILE.")
def report(month: str, output: Path | None) -> None:
    """Writes the report of MONTH, like 2026-11, to print: HTML for one sheet of A4.

    It names no student. Without --output it goes to the terminal.
    """
    try:
        first = Date.fromisoformat(f"{month}-01")
    except ValueError as exc:
        raise InvalidRequest("MONTH", "must be like 2026-11") from exc
    with connected(Settings.load()) as db:
        made = month_reports.month_report(db, first, by=Actor("command line", Role.PRINCIPAL))
        text = month_reports.month_report_html(made, db.booking_settings.school_name, SHEET)
    _write(text, output, f"The report of {made.first:%Y-%m}")


def _write(text: str, output: Path | None, name: str) -> None:
    """Writes ``text`` to a file and says so, or to the terminal."""
    if output is None:
        click.echo(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise InvalidRequest(str(output), f"cannot be written: {exc.strerror}") from exc
    click.echo(f"{name} is in {output}.")


@cli.command()
@click.option("--ground", required=True, help="Id or exact name.")
@click.option("--date", required=True, help="today, tomorrow, or like 2026-11-23.")
@click.option("--start", required=True, help="Like 09:00.")
@click.option("--end", required=True, help="Like 10:00.")
@click.option("--student", multiple=True, help="Roll number or exact name; may be repeated.")
@click.option("--class", "class_name", help="A whole class.")
@click.option("--team", help="Id or exact name.")
@click.option("--staff", "for_staff", is_flag=True, help="For staff.")
@click.option("--supervisor", help="Sign-in name of the member of staff who is there.")
@click.option("--game", required=True)
@click.option("--purpose", default="")
@click.option("--as", "actor", required=True, metavar="NAME[:ROLE]", help="Who books.")
def book(
    ground: str,
    date: str,
    start: str,
    end: str,
    student: tuple[str, ...],
    class_name: str | None,
    team: str | None,
    for_staff: bool,
    supervisor: str | None,
    game: str,
    purpose: str,
    actor: str,
) -> None:
    """Requests a slot for one or several students, a class, a team or staff.

    The rules are those of the dashboard.
    """
    by = actor_of(actor)
    with connected(Settings.load()) as db:
        names = Names(reference.load(db))
        request = BookingRequest(
            names.ground(ground).id,
            date_of(date, db),
            imports.parse_time(start, "start"),
            imports.parse_time(end, "end"),
            game=game,
            purpose=purpose,
            student_ids=tuple(names.student(one).id for one in student),
            class_name=class_name,
            team_id=None if team is None else names.team(team).id,
            for_staff=for_staff,
            supervisor_id=supervisor,
        )
        made = bookings.book(db, request, by=by, submission_id=uuid4())
        click.echo(
            f"{made.reference}: {made.game} on {made.ground_id}, {made.date} "
            f"{made.start:%H:%M}-{made.end:%H:%M}, for {made.whom} ({made.status.value})"
        )


@cli.group("import")
def import_() -> None:
    """Adds students and bookings from tables, or from the system before this one."""


_dry_run = click.option("--dry-run", is_flag=True, help="Only say what would happen.")
_map = click.option(
    "--map",
    "columns",
    multiple=True,
    metavar="HEADING=FIELD",
    help="Which column holds a field; twice for a name or a class in two columns.",
)


@import_.command("students")
@click.argument("file", type=click.Path(path_type=Path))
@_dry_run
@_map
def import_students(file: Path, dry_run: bool, columns: tuple[str, ...]) -> None:
    """Adds and changes students. Columns: id, name, class; also email, active.

    Their usual headings are known. Where two columns could be one of them, --map decides.
    """
    table, read = table_of(file, imports.STUDENT_COLUMNS, given=columns)
    _print_reading(read, dry_run)
    with connected(Settings.load()) as db:
        report = imports.import_students(db, table, dry_run=dry_run)
    _print_report(report, dry_run)


@import_.command("bookings")
@click.argument("file", type=click.Path(path_type=Path))
@_dry_run
@_map
@click.option("--create-missing", is_flag=True, help="Add unknown grounds and students.")
def import_bookings(
    file: Path, dry_run: bool, columns: tuple[str, ...], create_missing: bool
) -> None:
    """Adds bookings. Columns: ground, date, start, end, student, game, status; also purpose, class.

    Past bookings need not fit the rules or the periods. A second run adds nothing.
    """
    table, read = table_of(file, imports.BOOKING_COLUMNS, imports.HISTORY, columns)
    _print_reading(read, dry_run)
    with connected(Settings.load()) as db, progress_bar(len(table.rows)) as progress:
        report = imports.import_bookings(
            db, table, dry_run=dry_run, create_missing=create_missing, progress=progress
        )
    _print_report(report, dry_run)


@import_.command("legacy")
@click.option("--uri", envvar="LEGACY_URI", help="The old server; LEGACY_URI hides a password.")
@click.option("--database", help="The old database, which is only read.")
@click.option("--collection", default="bookings", show_default=True)
@click.option("--file", type=click.Path(path_type=Path), help="A mongoexport in place of --uri.")
@click.option("--users", type=click.Path(path_type=Path), help="With --file: that of the users.")
@_dry_run
@click.option("--create-missing", is_flag=True, help="Add unknown grounds and students.")
def import_legacy(
    uri: str | None,
    database: str | None,
    collection: str,
    file: Path | None,
    users: Path | None,
    dry_run: bool,
    create_missing: bool,
) -> None:
    """Takes over the bookings of the system before this one, past and ahead.

    Of two that exclude each other it takes an approved one before a pending one, then the earlier
    one. What is not taken over is listed in a file with the reasons. A second run adds nothing.
    """
    source: legacy.LegacySource
    if file is not None:
        # The variable may be set for other commands; an option is meant.
        given = click.get_current_context().get_parameter_source("uri")
        if database is not None or given is ParameterSource.COMMANDLINE:
            raise InvalidRequest("--file", "and --uri with --database exclude each other")
        source, place = legacy.LegacyFile(file, users), file
    else:
        if users is not None:
            raise InvalidRequest("--users", "goes with --file")
        if not uri or not database:
            raise InvalidRequest("--uri", "and --database are needed, or --file")
        source = legacy.LegacyDatabase(uri, database, collection)
        place = Path(f"{database}.{collection}")
    with connected(Settings.load()) as db:
        zone = db.booking_settings.zone

        def say(findings: legacy.LegacyFindings) -> None:
            for line in legacy_lines(findings, zone):
                click.echo(line)

        report = legacy.import_legacy(
            db, source, dry_run=dry_run, create_missing=create_missing, found=say
        )
    counts = f"{report.added} added, {report.already} already there, "
    counts += f"{len(report.not_taken)} not taken over"
    click.echo(counts + (" (dry run: nothing was changed)" if dry_run else ""))
    if dry_run:
        return
    list_file = place.with_name(f"{place.name}.not-taken.json")
    if not report.not_taken:
        list_file.unlink(missing_ok=True)  # of an earlier run
    else:
        write_private(list_file, not_taken_json(report.not_taken))
        click.echo(f"What is not taken over is in {list_file}.")
    if report.not_taken:
        click.get_current_context().exit(1)


def _print_reading(read: Sequence[str], dry_run: bool) -> None:
    """Says how a file was read: a part of the answer of a dry run, else beside the answer."""
    for line in read:
        click.echo(line, err=not dry_run)


def _print_report(report: Report, dry_run: bool) -> None:
    for line in report_lines(report, dry_run=dry_run):
        click.echo(line)
    if report.refused:
        click.get_current_context().exit(1)
