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
from dataclasses import dataclass, field, replace
from datetime import date as Date
from datetime import datetime, time
from itertools import chain
from uuid import UUID, uuid5

from booking_core.booking.parties import RequestParty
from booking_core.domain import timetable
from booking_core.domain.claims import QUOTA, kind_of
from booking_core.domain.clock import to_millis
from booking_core.domain.errors import InvalidRequest
from booking_core.domain.labels import find_label, label_key
from booking_core.domain.model import (
    Actor,
    Booking,
    BookingRequest,
    Decision,
    Ground,
    Role,
    Status,
)
from booking_core.domain.names import normal_form
from booking_core.operations.held_slots import HeldSlots, held_slots_of
from booking_core.operations.lookup import Names
from booking_core.operations.quota_seats import Line, runs, seated
from booking_core.school import roster
from booking_core.school.grounds import save_ground
from booking_core.school.students import save_students
from booking_core.storage.bookings import queries, usage
from booking_core.storage.bookings import writes as store
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.school import data as reference
from booking_core.storage.school import erasure
from booking_core.tables.cells import date_of
from booking_core.tables.table import Limits, Row, Table

STUDENT_COLUMNS = roster.COLUMNS
BOOKING_COLUMNS = ("ground", "date", "start", "end", "student", "game", "status")
# A school's history of many years.
HISTORY = Limits(bytes=500_000_000, rows=2_000_000, text=500_000_000)
IMPORTER = Actor("import", Role.ADMIN, "Import")
ALREADY = "already imported"
_CHUNK = 500
_SEAT_ROUNDS = 20  # a row that loses its quota seat so often is refused
_IDS = UUID("0d0f6b2c-6a55-5b0c-8f0e-0c1a7f6f3e42")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::00)?")


@dataclass(slots=True)
class Report:
    """The result of an import, or the expected result of a dry run.

    ``skipped`` and ``refused`` are (line, reason), in the order of the file. ``changed`` is the
    number of stored students whose details changed.
    """

    added: int = 0
    changed: int = 0
    skipped: list[tuple[int, str]] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    new_grounds: tuple[str, ...] = ()
    new_students: tuple[str, ...] = ()


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
        skipped=[(line, "already on record") for line in plan.same],
        refused=[(w.line, _reason(w.sheet, w.field, w.problem)) for w in plan.wrong],
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
    """Adds the bookings of ``table``; calls ``progress`` with the number of rows done since then.

    Grounds, students and teams are named by id or by exact name. With ``create_missing`` unknown
    grounds and students are added. Raises StoreUnavailable; importing the file again then skips
    the rows already added.
    """
    now = moment(db, now)
    report = Report()
    known = reference.load(db)
    names = Names(known, create=create_missing)
    spellings = _by_key([*usage.games(db), *(g for x in known.grounds.values() for g in x.games)])
    wanted: list[Line] = []
    first_line: dict[str, Row] = {}
    former_ids: dict[str, set[str]] = {}
    settings = settings_of(db)
    zone, month_first = settings.zone, settings.is_month_first
    for row in table.rows:
        try:
            date = _date(row, month_first=month_first, from_1904=table.from_1904)
            request, status, ground, party = _request(row, date, names)
        except InvalidRequest as exc:
            report.refused.append((row.line, _reason(row.sheet, exc.field, exc.problem)))
            continue
        starts_at = timetable.at(request.date, request.start, zone)
        booking = imported_booking(request, status, party, min(to_millis(starts_at), now), now)
        booking = replace(booking, id=_id_of(booking, label_key(booking.game)))
        booking = booking.placed(booking.slot, ground.surfaces)
        first = first_line.setdefault(booking.id, row)
        if first is row:
            wanted.append((row.line, booking))
            typed = row.values["game"].strip()
            former = {typed, normal_form(typed), *spellings[label_key(booking.game)]}
            former_ids[booking.id] = {_id_of(booking, game) for game in former}
        else:
            report.skipped.append((row.line, f"same as line {first.line}"))
    progress(len(table.rows) - len(wanted))
    store_lines(
        db, names, wanted, report, former_ids=former_ids, dry_run=dry_run, progress=progress
    )
    return report


def store_lines(
    db: Documents,
    names: Names,
    wanted: Sequence[Line],
    report: Report,
    *,
    former_ids: Mapping[str, set[str]] | None = None,
    dry_run: bool = False,
    progress: Callable[[int], object] = lambda rows: None,
) -> None:
    """Adds the grounds and students that ``names`` made and the bookings of ``wanted``.

    ``report`` then says which were added, skipped and refused. ``former_ids``: id of a booking ->
    other ids under which it may be stored. Raises StoreUnavailable; a second call then skips what
    was added.
    """
    report.new_grounds = tuple(ground.name for ground in names.new_grounds)
    report.new_students = tuple(student.name for student in names.new_students)
    if not dry_run:
        for ground in names.new_grounds:
            save_ground(db, ground)
        save_students(db, names.new_students)
    holds_seats = reference.load(db).policy.quota is not None
    claimed = HeldSlots()
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        ids = {booking.id: (former_ids or {}).get(booking.id, set()) for _, booking in chunk}
        found = queries.stored_ids(db, list({*ids, *chain.from_iterable(ids.values())}))
        stored = {id for id, former in ids.items() if id in found or not former.isdisjoint(found)}
        fresh = [(line, booking) for line, booking in chunk if booking.id not in stored]
        report.skipped += [(line, ALREADY) for line, b in chunk if b.id in stored]
        if dry_run:
            _foresee(db, fresh, claimed, report)
        else:
            for run in runs(fresh) if holds_seats else [fresh]:
                _insert(db, run, report, holds_seats=holds_seats)
            _forget_erased(db, fresh)
        progress(len(chunk))
    report.skipped.sort()
    report.refused.sort()


def _reason(sheet: str, field: str, problem: str) -> str:
    return f"{field} {problem}" + (f" (sheet “{sheet}”)" if sheet else "")


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
    """The party of a row without a student is its team, or else its whole class."""
    values = row.values
    start, end = parse_time(values["start"], "start"), parse_time(values["end"], "end")
    found = [status for status in Status if status.value.casefold() == values["status"].casefold()]
    if not found:
        choices = ", ".join(status.value for status in Status)
        raise InvalidRequest("status", f"{values['status']!r} is none of {choices}")
    purpose = values.get("purpose", "")
    # Checked before the names are looked up, so that a refused line adds no ground or student.
    request = BookingRequest("ground", date, start, end, "student", values["game"], purpose)
    ground, party = names.resolve(
        values["ground"],
        values["student"],
        request.game,
        values.get("class", ""),
        values.get("team", ""),
    )
    game = find_label(request.game, ground.games) or request.game
    return replace(request, ground_id=ground.id, game=game), found[0], ground, party


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
) -> Booking:
    """The booking to store, without an id.

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
        history=(Decision(now, IMPORTER.id, IMPORTER.name, "imported"),),
    )
    return party.of(booking)


def _id_of(booking: Booking, game: str) -> str:
    times = [f"{booking.start:%H:%M}", f"{booking.end:%H:%M}"]
    content = [booking.ground_id, booking.date.isoformat(), *times]
    [(holder, _)] = booking.quota_holders
    content += [holder, game, booking.status.value]
    return str(uuid5(_IDS, json.dumps(content)))


def _insert(db: Documents, run: Sequence[Line], report: Report, *, holds_seats: bool) -> None:
    """Inserts the rows that the index allows, and reports why it refused the others."""
    refused: dict[int, store.ClaimTaken | store.AlreadyStored] = {}
    places: Sequence[int] = range(len(run))
    for _ in range(_SEAT_ROUNDS):
        if not places:
            break
        bookings = [run[place][1] for place in places]
        if holds_seats:
            bookings = seated(db, bookings)
            _recount(db, bookings)
        outcome = {places[n]: why for n, why in store.insert_all(db, bookings).items()}
        report.added += len(places) - len(outcome)
        refused = {p: why for p, why in refused.items() if p not in places} | outcome
        # A booking made at this moment took the seat: the row takes another seat.
        places = [place for place, why in outcome.items() if _is_seat(why)]
    if not refused:
        return
    held = held_slots_of(db, [run[place][1] for place in refused])
    for place, why in refused.items():
        line, booking = run[place]
        if isinstance(why, store.AlreadyStored):  # by another import of the same file
            report.skipped.append((line, ALREADY))
        else:
            reason = held.reason(booking)
            report.refused.append((line, reason or "the slot was held until a moment ago"))


def _recount(db: Documents, bookings: Sequence[Booking]) -> None:
    """Has the seats counted from now on in the weeks in which these hold seats beyond the quota.

    There, a free first seat does not prove that the quota has room.
    """
    known = reference.load(db)
    quota = known.policy.quota
    beyond = [
        b.date for b in bookings if quota and b.quota_seat is not None and b.quota_seat >= quota
    ]
    if beyond and (known.recount_until is None or max(beyond) > known.recount_until):
        reference.recount_at_least_until(db, max(beyond))


def _is_seat(why: store.ClaimTaken | store.AlreadyStored) -> bool:
    return isinstance(why, store.ClaimTaken) and kind_of(why.claim) == QUOTA


def _forget_erased(db: Documents, chunk: Sequence[Line]) -> None:
    """Removes the names of students who were erased while the file is imported.

    Bookings inserted before the erasure were covered by it; those inserted after it are not.
    """
    known = reference.load(db).students
    for student_id in {id for _, booking in chunk for id in booking.student_ids} - known.keys():
        erasure.forget(db, student_id)


def _foresee(db: Documents, chunk: Sequence[Line], claimed: HeldSlots, report: Report) -> None:
    """Reports what ``_insert`` would do; ``claimed`` holds the bookings of earlier lines."""
    held = held_slots_of(db, [booking for _, booking in chunk if booking.status.is_active])
    for line, booking in chunk:
        if booking.status.is_active:
            reason = held.reason(booking) or claimed.reason(booking)
            if reason is not None:
                report.refused.append((line, reason))
                continue
            claimed.add(booking)
        report.added += 1
