"""Students and past bookings from files: plain functions from a table to a report.

History is not judged by the rules or by the periods of a timetable: it happened. It is judged by
the indexes, as everything is. A booking's id is made from what its line says, so a file that is
imported again adds nothing. Who erases a student takes that id away too: the lines of that student
are then lines of somebody who is not on record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date as Date
from datetime import datetime, time
from uuid import UUID, uuid5

from booking_core.domain import timetable
from booking_core.domain.clock import moment, to_millis
from booking_core.domain.errors import InvalidRequest
from booking_core.domain.model import (
    Actor,
    Booking,
    BookingRequest,
    Decision,
    Role,
    Slot,
    Status,
    Student,
)
from booking_core.operations.lookup import Names
from booking_core.school import roster
from booking_core.school.grounds import save_ground
from booking_core.school.students import save_students
from booking_core.storage import booking_queries, erasure
from booking_core.storage import bookings as ledger
from booking_core.storage import documents as d
from booking_core.storage import school_data as reference
from booking_core.storage.database import Documents, settings_of
from booking_core.tables.table import Limits, Row, Table

STUDENT_COLUMNS = roster.COLUMNS
BOOKING_COLUMNS = ("ground", "date", "start", "end", "student", "game", "status")
# A school's history of many years.
HISTORY = Limits(bytes=500_000_000, rows=2_000_000, text=500_000_000)
IMPORTER = Actor("import", Role.ADMIN, "Import")
_CHUNK = 500
_IDS = UUID("0d0f6b2c-6a55-5b0c-8f0e-0c1a7f6f3e42")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::00)?")


@dataclass(slots=True)
class Report:
    """What an import did, or with a dry run would do.

    ``skipped`` and ``refused`` are (line, reason), in the order of the file. ``changed`` counts
    students that were on record with other details.
    """

    added: int = 0
    changed: int = 0
    skipped: list[tuple[int, str]] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    new_grounds: tuple[str, ...] = ()
    new_students: tuple[str, ...] = ()


def import_students(db: Documents, table: Table, *, dry_run: bool = False) -> Report:
    """Adds the students of ``table``, and changes those on record with other details.

    What the file has no column for stays as it is on record. All of it is done or nothing. Raises
    ChangedMeanwhile when somebody else changed students at this moment, StoreUnavailable.
    """
    plan = roster.plan_roster(db, table.rows)
    if not dry_run:
        roster.apply_roster(db, plan, by=None, deactivate_leaving=False)
    return Report(
        added=len(plan.new),
        changed=len(plan.changed),
        skipped=[(line, "already on record") for line in plan.same],
        refused=[(wrong.line, f"{wrong.field} {wrong.problem}") for wrong in plan.wrong],
    )


def import_bookings(
    db: Documents,
    table: Table,
    *,
    dry_run: bool = False,
    create_missing: bool = False,
    now: datetime | None = None,
    progress: Callable[[int], object] = lambda rows: None,
) -> Report:
    """Adds the bookings of ``table``; ``progress`` hears how many rows are done since the last.

    A ground and a student are named by id or by exact name. With ``create_missing`` the unknown
    ones are added. Raises StoreUnavailable: what was added by then is skipped the next time.
    """
    now = moment(now)
    report = Report()
    names = Names(reference.load(db), create=create_missing)
    wanted: list[tuple[int, d.Document]] = []
    first_line: dict[str, int] = {}
    zone = settings_of(db).zone
    for row in table.rows:
        try:
            request, status, student = _booking(row, names)
        except InvalidRequest as exc:
            report.refused.append((row.line, f"{exc.field} {exc.problem}"))
            continue
        starts_at = timetable.at(request.date, request.start, zone)
        document = _document(request, status, student, min(to_millis(starts_at), now), now)
        line = first_line.setdefault(document["_id"], row.line)
        if line == row.line:
            wanted.append((row.line, document))
        else:
            report.skipped.append((row.line, f"same as line {line}"))
    report.new_grounds = tuple(ground.name for ground in names.new_grounds)
    report.new_students = tuple(student.name for student in names.new_students)
    if not dry_run:
        for ground in names.new_grounds:
            save_ground(db, ground)
        save_students(db, names.new_students)
    progress(len(table.rows) - len(wanted))
    claimed = _Holders()
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        stored = booking_queries.stored_ids(db, [document["_id"] for _, document in chunk])
        fresh = [entry for entry in chunk if entry[1]["_id"] not in stored]
        report.skipped += [(n, "already imported") for n, doc in chunk if doc["_id"] in stored]
        if dry_run:
            _foresee(db, fresh, claimed, report)
        else:
            _insert(db, fresh, report)
        progress(len(chunk))
    report.skipped.sort()
    report.refused.sort()
    return report


def _booking(row: Row, names: Names) -> tuple[BookingRequest, Status, Student]:
    if row.problem:
        raise InvalidRequest("the row", row.problem)
    values = row.values
    try:
        date = Date.fromisoformat(values["date"])
    except ValueError as exc:
        raise InvalidRequest("date", f"{values['date']!r} is not like 2026-11-23") from exc
    start, end = parse_time(values["start"], "start"), parse_time(values["end"], "end")
    found = [status for status in Status if status.value.casefold() == values["status"].casefold()]
    if not found:
        choices = ", ".join(status.value for status in Status)
        raise InvalidRequest("status", f"{values['status']!r} is none of {choices}")
    purpose = values.get("purpose", "")
    # Checked before the names are looked up, so that a line that is refused creates nothing.
    request = BookingRequest("ground", date, start, end, "student", values["game"], purpose)
    ground, student = names.resolve(
        values["ground"], values["student"], request.game, values.get("class", "")
    )
    return replace(request, ground_id=ground.id, student_id=student.id), found[0], student


def parse_time(text: str, name: str) -> time:
    """``9:15``, ``09:15`` or, of an end, ``24:00`` as a time of day; raises InvalidRequest."""
    match = _TIME.fullmatch(text)
    hour, minute = (int(match[1]), int(match[2])) if match else (99, 0)
    if (hour, minute) == (24, 0) and name == "end":
        hour = 0  # the end of the day is written as 24:00 too
    try:
        return time(hour, minute)
    except ValueError as exc:
        raise InvalidRequest(name, f"{text!r} is not like 09:15") from exc


def _document(
    request: BookingRequest, status: Status, student: Student, created_at: datetime, now: datetime
) -> d.Document:
    """The booking as stored. ``created_at`` is its slot's start, for want of better knowledge.

    So the newest bookings stay first in every list; the history tells of the import.
    """
    content = [
        *(request.ground_id, request.date.isoformat()),
        *(d.time_text(request.start), d.time_text(request.end)),
        *(student.id, request.game, status.value),
    ]
    return d.booking_document(
        str(uuid5(_IDS, json.dumps(content))),
        Slot(request.ground_id, request.date, request.start, request.end),
        status,
        [Decision(now, IMPORTER.id, IMPORTER.name, "imported")],
        student=student,
        game=request.game,
        purpose=request.purpose,
        created_at=created_at,
    )


class _Holders:
    """Active bookings by the cells that they hold, of a ground and of a student."""

    def __init__(self, bookings: Iterable[Booking] = ()) -> None:
        self._held: dict[tuple[str, str | None, Date, int], Booking] = {}
        for booking in bookings:
            self.add(booking)

    def add(self, booking: Booking) -> None:
        for cell in timetable.marks(booking.start, booking.end):
            self._held[("ground", booking.ground_id, booking.date, cell)] = booking
            self._held[("student", booking.student_id, booking.date, cell)] = booking

    def reason(self, wanted: Booking) -> str | None:
        """Who stands in the way of ``wanted``; None when nobody does."""
        for what, id in (("ground", wanted.ground_id), ("student", wanted.student_id)):
            for cell in timetable.marks(wanted.start, wanted.end):
                holder = self._held.get((what, id, wanted.date, cell))
                if holder is None or holder.id == wanted.id:
                    continue
                span = f"{holder.start:%H:%M}-{holder.end:%H:%M}"
                if what == "student":
                    return f"{wanted.student_name} is on {holder.ground_id} then ({span})"
                who = holder.student_name or f"a closure ({holder.purpose})"
                return f"the slot is held by {who}, {span} ({holder.status.value})"
        return None


def _holders_of(db: Documents, wanted: Sequence[Booking]) -> _Holders:
    return _Holders(
        booking_queries.active_on_days(
            db,
            grounds=((b.ground_id, b.date) for b in wanted),
            students=((str(b.student_id), b.date) for b in wanted),
        )
    )


def _insert(db: Documents, chunk: Sequence[tuple[int, d.Document]], report: Report) -> None:
    """Adds what the indexes allow, and says what stood in the way of the rest."""
    if not chunk:
        return
    refused = ledger.insert_all(db, [document for _, document in chunk])
    report.added += len(chunk) - len(refused)
    # Who is erased while a long file is read must not come back with its later lines: what was
    # inserted before the erasing it took along, and of what was inserted after we hear here.
    known = reference.load(db).students
    for student_id in {document["student_id"] for _, document in chunk} - known.keys():
        erasure.forget(db, student_id)
    if not refused:
        return
    bookings = {place: d.to_booking(chunk[place][1]) for place in refused}
    holders = _holders_of(db, list(bookings.values()))
    for place, index in refused.items():
        line = chunk[place][0]
        if index == ledger.SUBMISSION:  # another import of this file runs at the same time
            report.skipped.append((line, "already imported"))
        else:
            reason = holders.reason(bookings[place])
            report.refused.append((line, reason or "the slot was held until a moment ago"))


def _foresee(
    db: Documents, chunk: Sequence[tuple[int, d.Document]], claimed: _Holders, report: Report
) -> None:
    """What ``_insert`` would do; ``claimed`` is what the lines before would hold."""
    bookings = [(line, d.to_booking(document)) for line, document in chunk]
    holders = _holders_of(db, [booking for _, booking in bookings if booking.status.is_active])
    for line, booking in bookings:
        if booking.status.is_active:
            reason = holders.reason(booking) or claimed.reason(booking)
            if reason is not None:
                report.refused.append((line, reason))
                continue
            claimed.add(booking)
        report.added += 1
