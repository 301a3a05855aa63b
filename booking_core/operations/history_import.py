"""Imports students and past bookings from tables, and reports what was added and refused.

Past bookings are not checked against the rules or the timetable; the unique index applies to them
as to all bookings. The id of a booking is derived from its line, so importing a file again adds
nothing, however it spells its games. Earlier versions derived the id from the game as the file
spelled it, so the ids of all spellings on record count too.
Erasing a student replaces these ids; later imports then find no such student.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date as Date
from datetime import datetime, time
from uuid import UUID, uuid5

from booking_core.booking.parties import RequestParty
from booking_core.domain import timetable
from booking_core.domain.clock import to_millis
from booking_core.domain.errors import ChangedMeanwhile, InvalidRequest
from booking_core.domain.labels import find_label, label_key
from booking_core.domain.model import (
    Actor,
    Booking,
    BookingRequest,
    Decision,
    Ground,
    Party,
    Role,
    Status,
)
from booking_core.domain.names import normal_form
from booking_core.operations.import_lines import REPEATED, Report, RowRemark, store_lines
from booking_core.operations.lookup import Names
from booking_core.operations.quota_seats import Line
from booking_core.school import roster
from booking_core.school.administration import check_admin
from booking_core.storage import audit_log
from booking_core.storage.bookings import usage
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.school import data as reference
from booking_core.tables.cells import date_of
from booking_core.tables.table import Limits, Row, Table

STUDENT_COLUMNS = roster.COLUMNS
BOOKING_COLUMNS = ("ground", "date", "start", "end", "student", "game", "status")
# A school's history of many years; on a screen, a file is as large as every uploaded one.
HISTORY = Limits(bytes=500_000_000, rows=2_000_000, text=500_000_000)
HISTORY_UPLOAD = Limits(rows=100_000)
IMPORTER = Actor(audit_log.IMPORTER[0], Role.ADMIN, audit_log.IMPORTER[1])
_IDS = UUID("0d0f6b2c-6a55-5b0c-8f0e-0c1a7f6f3e42")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::00)?")


def import_students(db: Documents, table: Table, *, dry_run: bool = False) -> Report:
    """Adds the students of ``table`` and changes the stored ones with other details: all or none.

    Fields without a column keep their stored value; nobody is deactivated for having no row.
    Raises ChangedMeanwhile when the students changed at the same moment, StoreUnavailable.
    """
    plan = roster.plan_roster(db, table.rows)
    if not dry_run:
        roster.apply_roster(db, plan, by=None, deactivate_leaving=False)
    return Report(
        added=len(plan.new),
        changed=len(plan.changed),
        skipped=[RowRemark(line, "already on record") for line in plan.same],
        refused=[RowRemark(w.line, f"{w.field} {w.problem}", w.sheet) for w in plan.wrong],
    )


def import_bookings(
    db: Documents,
    table: Table,
    *,
    dry_run: bool = False,
    create_missing: bool = False,
    shown: Report | None = None,
    by: Actor | None = None,
    now: datetime | None = None,
    progress: Callable[[int], object] = lambda rows: None,
) -> Report:
    """Adds the bookings of ``table``; calls ``progress`` with the number of rows done since then.

    Grounds, students and teams are named by id or by exact name. With ``create_missing`` unknown
    grounds and students are added. ``shown`` is the report of a dry run: where other grounds and
    students than those would be added, nothing is, and ChangedMeanwhile is raised. ``by`` None: no
    account acts. Raises NotAllowed, and StoreUnavailable; importing the file again then skips the
    rows already added.
    """
    check_admin(by)
    now = moment(db, now)
    report = Report()
    known = reference.load(db)
    names = Names(known, create=create_missing)
    spellings = _by_key([*usage.games(db), *(g for x in known.grounds.values() for g in x.games)])
    wanted: list[Line] = []
    first_row: dict[str, Row] = {}
    former_ids: dict[str, set[str]] = {}
    settings = settings_of(db)
    zone, month_first = settings.zone, settings.is_month_first
    for place, row in enumerate(table.rows):
        try:
            date = _date(row, month_first=month_first, from_1904=table.from_1904)
            request, status, ground, party = _request(row, date, names)
        except InvalidRequest as exc:
            reason = f"{exc.field} {exc.problem}"
            report.refused.append(RowRemark(place, reason, cell=row.cell(exc.field)))
            continue
        starts_at = timetable.at(request.date, request.start, zone)
        made_at = min(to_millis(starts_at), now)
        booking = imported_booking(request, status, party, made_at, now, by or IMPORTER)
        booking = replace(booking, id=_id_of(booking, label_key(booking.game)))
        booking = booking.placed(booking.slot, ground.surfaces)
        first = first_row.setdefault(booking.id, row)
        if first is row:
            wanted.append((place, booking))
            typed = row.values["game"].strip()
            former = {typed, normal_form(typed), *spellings[label_key(booking.game)]}
            former_ids[booking.id] = {_id_of(booking, game) for game in former}
        else:
            report.skipped.append(RowRemark(place, f"{REPEATED} {first.place}"))
    progress(len(table.rows) - len(wanted))
    report.name_new(names)
    if shown is not None and (report.new_grounds, report.new_students) != (
        shown.new_grounds,
        shown.new_students,
    ):
        raise ChangedMeanwhile("grounds and students")
    store_lines(
        db, names, wanted, report, former_ids=former_ids, dry_run=dry_run, by=by, progress=progress
    )
    report.skipped = [_at_row(table.rows, one) for one in report.skipped]
    report.refused = [_at_row(table.rows, one) for one in report.refused]
    return report


def _at_row(rows: Sequence[Row], remark: RowRemark) -> RowRemark:
    """``remark``, whose line is a place in ``rows``, with the line and the sheet of that row."""
    row = rows[remark.line]
    return remark._replace(line=row.line, sheet=row.sheet)


def row_slot(db: Documents, table: Table, row: Row) -> tuple[Date, time, time]:
    """The date, start and end of a row, as its import reads them. Raises InvalidRequest."""
    is_month_first = settings_of(db).is_month_first
    date = _date(row, month_first=is_month_first, from_1904=table.from_1904)
    return date, parse_time(row.values["start"], "start"), parse_time(row.values["end"], "end")


def _date(row: Row, *, month_first: bool, from_1904: bool) -> Date:
    if row.problem:
        raise InvalidRequest("the row", row.problem)
    text = row.values["date"]
    try:
        return date_of(text, month_first=month_first, from_1904=from_1904)
    except ValueError as exc:
        order = "11/23/2026" if month_first else "23/11/2026"
        raise InvalidRequest("date", f"{text!r} is not like 2026-11-23 or {order}") from exc


def _request(
    row: Row, date: Date, names: Names
) -> tuple[BookingRequest, Status, Ground, RequestParty]:
    """The party of a row without a student is its team, or else its whole class.

    Where the row names the kind of its party, as our own exports do, its student is that.
    """
    values = row.values
    start, end = parse_time(values["start"], "start"), parse_time(values["end"], "end")
    found = [status for status in Status if status.value.casefold() == values["status"].casefold()]
    if not found:
        choices = ", ".join(status.value for status in Status)
        raise InvalidRequest("status", f"{values['status']!r} is none of {choices}")
    purpose = values.get("purpose", "")
    # Checked before the names are looked up, so that a refused line adds no ground or student.
    request = BookingRequest("ground", date, start, end, "student", values["game"], purpose)
    student, class_name, team, otherwise = _whom(values)
    ground, party = names.resolve(
        values["ground"], student, request.game, class_name, team, otherwise=otherwise
    )
    game = find_label(request.game, ground.games) or request.game
    return replace(request, ground_id=ground.id, game=game), found[0], ground, party


def _whom(values: Mapping[str, str]) -> tuple[str, str, str, RequestParty | None]:
    """The texts for the student, the class and the team of a row, and the party without them."""
    student, class_name = values["student"], values.get("class", "")
    team, typed = values.get("team", ""), values.get("party", "").strip()
    kind = typed.casefold()
    if kind not in ("", *Party):
        raise InvalidRequest("party", f"{typed!r} is none of {', '.join(Party)}")
    match kind:
        case Party.STUDENTS if not student.strip():
            raise InvalidRequest("student", "is missing")
        case Party.CLASS if not class_name.strip():
            raise InvalidRequest("class", "is missing")
        case Party.CLASS:
            return "", class_name, "", None
        case Party.TEAM if not (team or student).strip():
            raise InvalidRequest("team", "is missing")
        case Party.TEAM:
            return "", "", team or student, None
        case Party.STAFF:
            return "", "", "", RequestParty(Party.STAFF)
    return student, class_name, team, None


def _by_key(games: Iterable[str]) -> defaultdict[str, set[str]]:
    """Key of each game -> its spellings."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for game in games:
        found[label_key(game)].add(game)
    return found


def parse_time(text: str, name: str) -> time:
    """Returns the time of ``9:15``, ``09:15`` or, for an end, ``24:00``. Raises InvalidRequest."""
    match = _TIME.fullmatch(text)
    hour, minute = (int(match[1]), int(match[2])) if match else (99, 0)
    if (hour, minute) == (24, 0) and name == "end":
        hour = 0  # the end of the day is written as 24:00 too
    try:
        return time(hour, minute)
    except ValueError as exc:
        raise InvalidRequest(name, f"{text!r} is not like 09:15") from exc


def imported_booking(
    request: BookingRequest,
    status: Status,
    party: RequestParty,
    created_at: datetime,
    now: datetime,
    by: Actor = IMPORTER,
) -> Booking:
    """The booking to store, without an id; ``by`` imports it.

    ``created_at`` is the start of the slot where the source does not say when the booking was made:
    lists that begin with the newest booking keep their order.
    """
    booking = Booking(
        id="",
        ground_id=request.ground_id,
        date=request.date,
        start=request.start,
        end=request.end,
        status=status,
        student_id=None,
        student_name="",
        class_name="",
        game=request.game,
        purpose=request.purpose,
        created_by=IMPORTER.id,
        created_by_name=IMPORTER.name,
        created_at=created_at,
        updated_at=now,
        history=(Decision(now, by.id, by.name, "imported"),),
    )
    return party.of(booking)


def _id_of(booking: Booking, game: str) -> str:
    times = [f"{booking.start:%H:%M}", f"{booking.end:%H:%M}"]
    content = [booking.ground_id, booking.date.isoformat(), *times]
    holders = sorted(holder for holder, _ in booking.quota_holders)
    content += [",".join(holders), game, booking.status.value]
    return str(uuid5(_IDS, json.dumps(content)))
