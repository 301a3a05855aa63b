"""Stores the bookings of an import, or foresees what would be stored, and reports on each row.

The unique index applies to them as to all bookings, and a quota gives each its seat.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from booking_core.domain.claims import QUOTA, kind_of
from booking_core.domain.model import Actor, Booking
from booking_core.domain.policy import Policy
from booking_core.operations.held_slots import HeldSlots, held_slots_of
from booking_core.operations.lookup import Names
from booking_core.operations.quota_seats import Line, runs, seated
from booking_core.school.grounds import save_ground
from booking_core.school.students import save_students
from booking_core.storage.bookings import queries
from booking_core.storage.bookings import writes as store
from booking_core.storage.client.database import Documents
from booking_core.storage.school import data as reference
from booking_core.storage.school import erasure

ALREADY = "already imported"
REPEATED = "same as"
_CHUNK = 500
_SEAT_ROUNDS = 20  # a row that loses its quota seat so often is refused


class RowRemark(NamedTuple):
    """Why a row is not added.

    ``cell`` is an address like C5, "" where several cells are the reason. ``sheet`` is ""
    where the file has one sheet with rows.
    """

    line: int
    reason: str
    sheet: str = ""
    cell: str = ""


@dataclass(slots=True)
class Report:
    """The result of an import, or the expected result of a dry run.

    ``skipped`` and ``refused`` are in the order of the file; of ``skipped``, the rows ``repeated``
    are those that an earlier row of the file has too. ``changed`` is the number of stored students
    whose details changed.
    """

    added: int = 0
    changed: int = 0
    skipped: list[RowRemark] = field(default_factory=list)
    refused: list[RowRemark] = field(default_factory=list)
    new_grounds: tuple[str, ...] = ()
    new_students: tuple[str, ...] = ()

    @property
    def repeated(self) -> list[RowRemark]:
        return [one for one in self.skipped if one.reason.startswith(REPEATED)]

    def name_new(self, names: Names) -> None:
        """Notes the grounds and students that ``names`` made."""
        self.new_grounds = tuple(ground.name for ground in names.new_grounds)
        self.new_students = tuple(student.name for student in names.new_students)


def store_lines(
    db: Documents,
    names: Names,
    wanted: Sequence[Line],
    report: Report,
    *,
    former_ids: Mapping[str, set[str]] | None = None,
    dry_run: bool = False,
    by: Actor | None = None,
    progress: Callable[[int], object] = lambda rows: None,
) -> None:
    """Adds the grounds and students that ``names`` made and the bookings of ``wanted``.

    ``report`` then says which were added, skipped and refused, each by its number in ``wanted``.
    ``former_ids``: id of a booking -> other ids under which it may be stored. Raises
    StoreUnavailable; a second call then skips the rows that were added.
    """
    report.name_new(names)
    if not dry_run:
        for ground in names.new_grounds:
            save_ground(db, ground, by=by)
        save_students(db, names.new_students, by=by)
    policy = reference.load(db).policy
    claimed = HeldSlots()
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        ids = {booking.id: (former_ids or {}).get(booking.id, set()) for _, booking in chunk}
        found = queries.stored_ids(db, list({*ids, *chain.from_iterable(ids.values())}))
        stored = {id for id, former in ids.items() if id in found or not former.isdisjoint(found)}
        fresh = [(line, booking) for line, booking in chunk if booking.id not in stored]
        report.skipped += [RowRemark(line, ALREADY) for line, b in chunk if b.id in stored]
        if dry_run:
            _foresee(db, fresh, claimed, report)
        else:
            for run in runs(fresh, policy):
                _insert(db, run, report, policy)
            _forget_erased(db, fresh)
        progress(len(chunk))
    report.skipped.sort()
    report.refused.sort()


def _insert(db: Documents, run: Sequence[Line], report: Report, policy: Policy) -> None:
    """Inserts the rows that the index allows, and reports why it refused the others."""
    refused: dict[int, store.ClaimTaken | store.AlreadyStored] = {}
    places: Sequence[int] = range(len(run))
    for _ in range(_SEAT_ROUNDS):
        if not places:
            break
        bookings = seated(db, [run[place][1] for place in places], policy)
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
            report.skipped.append(RowRemark(line, ALREADY))
        else:
            reason = held.reason(booking)
            reason = reason or "the slot was held until a moment ago"
            report.refused.append(RowRemark(line, reason))


def _recount(db: Documents, bookings: Sequence[Booking]) -> None:
    """Has the seats counted from now on in the weeks in which these hold seats beyond the quota.

    There, a free first seat does not prove that the quota has room.
    """
    known = reference.load(db)
    beyond = []
    for booking in bookings:
        quota = known.policy.quota_of(booking.party)
        seats = [seat for _, seat in booking.quota_holders if seat is not None]
        if quota is not None and any(seat >= quota for seat in seats):
            beyond.append(booking.date)
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
                report.refused.append(RowRemark(line, reason))
                continue
            claimed.add(booking)
        report.added += 1
