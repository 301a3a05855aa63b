"""Takes over the bookings of the system before this one.

Of its bookings that exclude each other one is taken: an approved one before a pending one, then the
one that was made first. The id of a booking is derived from the id of its document, so a second run
adds nothing, and a run that was interrupted is finished by the next one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from datetime import date as Date
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from booking_core.booking.parties import RequestParty
from booking_core.domain import timetable
from booking_core.domain.claims import GROUND
from booking_core.domain.clock import to_millis
from booking_core.domain.errors import InvalidRequest
from booking_core.domain.labels import find_label
from booking_core.domain.model import Booking, BookingRequest, Party, Status
from booking_core.domain.validation import MAX_TEXT
from booking_core.operations.held_slots import HeldSlots
from booking_core.operations.history_import import imported_booking
from booking_core.operations.import_lines import Report, store_lines
from booking_core.operations.legacy_documents import LegacyBooking, read_booking, references_of
from booking_core.operations.lookup import Names
from booking_core.storage.bookings import queries
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.legacy import LegacyDocument, LegacySource
from booking_core.storage.school import data as reference

_IDS = UUID("5a0c53f4-6f0e-5d43-9a55-0a4a53f0e7c1")
_BATCH = 1000
_LAST = datetime.max.replace(tzinfo=UTC)  # of a document that does not say when it was made
_STAFF = RequestParty(Party.STAFF)


class NotTaken(NamedTuple):
    """A document that is not taken over: its id, the field at fault and the reason.

    ``values`` is what the document says, in plain values.
    """

    id: str
    field: str
    reason: str
    values: Mapping[str, Any]


class LegacyClaim(NamedTuple):
    """One of two bookings that exclude each other. ``made_at`` is aware, None where unknown."""

    id: str
    status: Status
    whom: str
    made_at: datetime | None


class Double(NamedTuple):
    """Two active bookings that exclude each other: ``kept`` is taken over, ``other`` is not.

    ``of_student``: the student is on two grounds at once; else the slot is booked twice.
    """

    ground: str
    date: Date
    span: str
    kept: LegacyClaim
    other: LegacyClaim
    of_student: bool

    @property
    def first(self) -> LegacyClaim:
        """The one that was asked for first; ``kept`` where the documents do not say it."""
        return min((self.kept, self.other), key=lambda one: one.made_at or _LAST)


@dataclass(slots=True)
class LegacyFindings:
    """What the old system holds, as found before anything is written.

    ``first`` and ``last`` are dates of readable bookings. ``without_student``: how many are taken
    over for staff because the document names no student.
    """

    documents: int = 0
    statuses: Counter[Status] = field(default_factory=Counter)
    first: Date | None = None
    last: Date | None = None
    doubles: list[Double] = field(default_factory=list)
    unreadable: list[NotTaken] = field(default_factory=list)
    unknown: list[NotTaken] = field(default_factory=list)
    without_student: int = 0
    new_grounds: tuple[str, ...] = ()
    new_students: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LegacyReport:
    """The result of an import, or the expected result of a dry run.

    ``not_taken`` are the unreadable documents, those of unknown grounds and students, those that
    lost to another one, and those whose slot somebody holds here.
    """

    findings: LegacyFindings
    added: int
    already: int
    not_taken: tuple[NotTaken, ...]


class _Line(NamedTuple):
    document: LegacyDocument
    made_at: datetime | None
    booking: Booking


def import_legacy(
    db: Documents,
    source: LegacySource,
    *,
    dry_run: bool = False,
    create_missing: bool = False,
    now: datetime | None = None,
    found: Callable[[LegacyFindings], object] = lambda findings: None,
) -> LegacyReport:
    """Adds the bookings of ``source`` to ``db``; never writes to ``source``.

    ``found`` is called before the first write. Grounds and students are named by id or exact name;
    with ``create_missing`` unknown ones are added. A booking without a student is for staff.
    Bookings need not fit the rules or the timetable, and the unique index applies to all. Raises
    InvalidRequest for a source that cannot be read, StoreUnavailable; another call goes on where
    this one ended.
    """
    now = moment(db, now)
    findings, names = LegacyFindings(), Names(reference.load(db), create=create_missing)
    lines = _lines(db, source, names, findings, now)
    kept, lost = _without_doubles(lines, _stored(db, lines), findings)
    findings.new_grounds = tuple(ground.name for ground in names.new_grounds)
    findings.new_students = tuple(student.name for student in names.new_students)
    found(findings)
    report = Report()
    wanted = [(number, line.booking) for number, line in enumerate(kept)]
    store_lines(db, names, wanted, report, dry_run=dry_run)
    held = [
        NotTaken(kept[number].document.id, "ground", reason, kept[number].document.values)
        for number, reason, *_ in report.refused
    ]
    not_taken = (*findings.unreadable, *findings.unknown, *lost, *held)
    return LegacyReport(findings, report.added, len(report.skipped), not_taken)


def _lines(
    db: Documents, source: LegacySource, names: Names, findings: LegacyFindings, now: datetime
) -> list[_Line]:
    documents = list(source.documents())
    users = source.users_of({id for one in documents for id in references_of(one.values)})
    zone = settings_of(db).zone
    lines: dict[str, _Line] = {}
    for document in documents:
        findings.documents += 1
        try:
            if document.problem:
                raise InvalidRequest("document", document.problem)
            legacy = read_booking(document.values, document.made_at, users, zone)
        except InvalidRequest as exc:
            findings.unreadable.append(_refused(document, exc))
            continue
        findings.statuses[legacy.status] += 1
        findings.first = min(findings.first or legacy.date, legacy.date)
        findings.last = max(findings.last or legacy.date, legacy.date)
        try:
            booking = _booking(db, document, legacy, names, now)
        except InvalidRequest as exc:
            findings.unknown.append(_refused(document, exc))
            continue
        findings.without_student += booking.party is Party.STAFF
        lines.setdefault(booking.id, _Line(document, legacy.made_at, booking))
    return list(lines.values())


def _booking(
    db: Documents, document: LegacyDocument, legacy: LegacyBooking, names: Names, now: datetime
) -> Booking:
    student = legacy.student
    purpose = legacy.purpose
    if not student.text and (student.unknown or not student.class_name):
        missing = "The old system names no student."
        if student.unknown:
            missing = (
                f"The old system names a student who is not among its users: {student.unknown}."
            )
        purpose = f"{purpose[: MAX_TEXT - len(missing) - 1]}\n{missing}".strip()
    # Checked before the names are looked up, so that a refused document adds no ground or student.
    request = BookingRequest(
        "ground", legacy.date, legacy.start, legacy.end, "student", legacy.game, purpose
    )
    ground, party = names.resolve(
        legacy.ground,
        student.text,
        request.game,
        student.class_name,
        name=student.name,
        email=student.email,
        otherwise=_STAFF,
    )
    game = find_label(request.game, ground.games) or request.game
    request = replace(request, ground_id=ground.id, game=game)
    starts_at = to_millis(timetable.at(request.date, request.start, settings_of(db).zone))
    created_at = min(starts_at, now, to_millis(legacy.made_at or now))
    booking = imported_booking(request, legacy.status, party, created_at, now)
    return replace(booking.placed(booking.slot, ground.surfaces), id=str(uuid5(_IDS, document.id)))


def _stored(db: Documents, lines: Sequence[_Line]) -> dict[str, Booking]:
    """The bookings that an earlier run has added, by id, as they are now."""
    ids = [line.booking.id for line in lines]
    parts = (ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH))
    return {one.id: one for part in parts for one in queries.of_ids(db, part)}


def _without_doubles(
    lines: Sequence[_Line], stored: Mapping[str, Booking], findings: LegacyFindings
) -> tuple[list[_Line], list[NotTaken]]:
    """The lines that do not exclude each other, and the documents of the others.

    A line that is stored already counts before the others, with the slot that it has now.
    """
    by_id = {line.booking.id: line for line in lines}
    held = HeldSlots(booking for booking in stored.values() if booking.status.is_active)
    kept, lost = [], []
    for line in sorted(lines, key=_rank):
        booking = line.booking
        if booking.status.is_active and booking.id not in stored:
            kind, holder = held.conflict(booking)
            if holder is not None:
                double = _double(by_id[holder.id], line, of_student=kind != GROUND)
                findings.doubles.append(double)
                lost.append(_lost(double, line.document))
                continue
            held.add(booking)
        kept.append(line)
    findings.doubles.sort(key=lambda one: (one.date, one.ground, one.span, one.other.id))
    return kept, lost


def _lost(double: Double, document: LegacyDocument) -> NotTaken:
    kept = f"{double.kept.id} ({double.kept.status.value}) is taken over"
    if double.of_student:
        return NotTaken(document.id, "student", f"is on two grounds: {kept}", document.values)
    return NotTaken(document.id, "time", f"is booked twice: {kept}", document.values)


def _rank(line: _Line) -> tuple[bool, datetime, str]:
    return (line.booking.status is not Status.APPROVED, line.made_at or _LAST, line.document.id)


def _double(kept: _Line, other: _Line, *, of_student: bool) -> Double:
    booking = kept.booking
    span = f"{booking.start:%H:%M}-{booking.end:%H:%M}"
    return Double(booking.ground_id, booking.date, span, _claim(kept), _claim(other), of_student)


def _claim(line: _Line) -> LegacyClaim:
    return LegacyClaim(line.document.id, line.booking.status, line.booking.party_name, line.made_at)


def _refused(document: LegacyDocument, exc: InvalidRequest) -> NotTaken:
    return NotTaken(document.id, exc.field, exc.problem, document.values)
