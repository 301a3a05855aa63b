"""Closing grounds: what it displaces, the closing in one step, lifting, reinstating.

A closing is one transaction: the bookings in its way are revoked, the closures take their cells
through the same unique index, who booked is told, and the journal has a line; or none of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime, time, timedelta
from typing import Any
from uuid import uuid4

from booking_core.booking.notices import notice_document
from booking_core.booking.preconditions import ROUNDS, already_decided
from booking_core.booking.reinstatement import reinstatable_of
from booking_core.domain import rules, timetable
from booking_core.domain.clock import moment
from booking_core.domain.errors import ChangedMeanwhile, GroundClosed, InvalidRequest, NotFound
from booking_core.domain.model import Actor, Booking, Decision, Slot, Status
from booking_core.domain.validation import (
    MARK_MINUTES,
    check_date,
    check_id,
    check_limit,
    check_text,
    check_time,
    minutes,
)
from booking_core.storage import booking_queries
from booking_core.storage import bookings as ledger
from booking_core.storage import documents as d
from booking_core.storage import school_data as reference
from booking_core.storage import transactions as unit
from booking_core.storage.database import Documents, settings_of

MOST = 366  # days times grounds, closed in one step
_SECONDS = 20.0  # that many, each with a day's cells, take a second or two
_BOOKINGS = "the list of bookings"
_MIDNIGHT = time(0)


@dataclass(frozen=True, slots=True)
class Closing:
    """What one step closed: ``id`` is the group of its closures, ``displaced`` what it revoked."""

    id: str
    closures: tuple[Booking, ...]
    displaced: tuple[Booking, ...]


@dataclass(frozen=True, slots=True)
class Lifted:
    """What is open again, and the displaced bookings whose slot is still free."""

    closures: tuple[Booking, ...]
    reinstatable: list[Booking]


@dataclass(frozen=True, slots=True)
class Closure:
    """A closing as a list shows it: grounds from ``first`` to ``last``, ``start`` to ``end``.

    ``id`` lifts it. The times are those of its last day; 00:00 to 00:00 is the whole day.
    """

    id: str
    ground_ids: tuple[str, ...]
    first: Date
    last: Date
    start: time
    end: time
    reason: str
    by_name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A request to close: for each day what of it has not gone by."""

    ground_ids: tuple[str, ...]
    days: tuple[tuple[Date, time, time], ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    slots: list[Slot]
    displaced: list[d.Document]


def displaced_by(
    db: Documents,
    *,
    ground_ids: Iterable[str],
    first: Date,
    last: Date,
    start: time | None = None,
    end: time | None = None,
    now: datetime | None = None,
) -> list[Booking]:
    """The bookings that a closure would displace, by date and time; none that has ended.

    ``start`` and ``end`` None: the whole day. Raises InvalidRequest, UnknownGround, and
    GroundClosed as ``close_grounds`` does.
    """
    wanted = _wanted(db, ground_ids, first, last, start, end, moment(now))
    plan = unit.reading(db, lambda looking: _plan(looking, wanted))
    return [d.to_booking(row) for row in plan.displaced]


def close_grounds(
    db: Documents,
    *,
    ground_ids: Iterable[str],
    first: Date,
    last: Date,
    start: time | None = None,
    end: time | None = None,
    reason: str,
    by: Actor,
    expected: Iterable[str],
    now: datetime | None = None,
) -> Closing:
    """Closes grounds from ``first`` to ``last``, and revokes what is in the way: all or nothing.

    ``expected`` are the ids of the displaced bookings that the user was shown; others than these
    raise ChangedMeanwhile. A ground is left as it is on a day on which it is closed for all the
    while already; where it is closed for a part, or everywhere already, GroundClosed is raised: to
    fill the gaps would open a hole as soon as the older closure is lifted. Raises NotAllowed,
    InvalidRequest, UnknownGround, StoreUnavailable too. Nothing is changed by what raises.
    """
    rules.check_may("close", by)
    reason = check_text(reason, "reason", required=True)
    shown = _ids(expected, "expected")
    now = moment(now)
    wanted = _wanted(db, ground_ids, first, last, start, end, now)
    group = str(uuid4())
    decided = Decision(now, by.id, by.name, "closed", reason)

    def work(step: unit.Unit) -> Closing:
        plan = _plan(step, wanted)
        if {row["_id"] for row in plan.displaced} != shown:
            raise ChangedMeanwhile(_BOOKINGS)
        closures = [
            d.booking_document(f"{group}/{place}", slot, Status.APPROVED, [decided], purpose=reason)
            | {"closure_group": group}
            for place, slot in enumerate(plan.slots)
        ]
        closure_at = {(row["ground_id"], row["date"]): row["_id"] for row in closures}
        revoked = []
        changes: list[tuple[d.Document, d.Document]] = []
        for row in plan.displaced:
            decision = Decision(now, by.id, by.name, "displaced", reason)
            # ``was`` and ``closure`` are what reinstating needs to know.
            entry = d.decision_document(decision, [row["date"]]) | {
                "closure": closure_at[(row["ground_id"], row["date"])],
                "was": row["status"],
            }
            fields = {"status": Status.REVOKED.value, "updated_at": now}
            changes.append(
                (
                    {"_id": row["_id"], "status": row["status"], "revision": row["revision"]},
                    {"$set": fields, "$inc": {"revision": 1}, "$push": {"history": entry}},
                )
            )
            revoked.append(d.to_booking(row | fields | {"history": [*row["history"], entry]}))
        if step.update_all(changes) != len(changes):
            raise ChangedMeanwhile(_BOOKINGS)
        step.insert(closures)
        step.notify([notice_document("displaced", b, by, reason, now) for b in revoked])
        details = {
            "grounds": list(wanted.ground_ids),
            "first": wanted.days[0][0].isoformat(),
            "last": wanted.days[-1][0].isoformat(),
            "start": d.time_text(start or _MIDNIGHT),
            "end": d.time_text(end or _MIDNIGHT),
            "reason": reason,
            "displaced": len(revoked),
        }
        step.note(by, "closed", "closure", group, details, now)
        return Closing(group, tuple(map(d.to_booking, closures)), tuple(revoked))

    for _ in range(ROUNDS):
        try:
            return unit.run(db, work, _SECONDS)
        except ledger.IndexRefused:  # a cell was taken after we looked: look again
            continue
    raise ChangedMeanwhile(_BOOKINGS)


def lift_closure(
    db: Documents, closure_id: str, *, by: Actor, now: datetime | None = None
) -> Lifted:
    """Opens again what a closing closed (its group's id), or one closure of it (its own id).

    Days that are over stay on record as they were. Nothing is reinstated by it: the answer says
    what could be. Raises NotAllowed, NotFound, AlreadyDecided when it was lifted before,
    InvalidRequest when it is over.
    """
    rules.check_may("close", by)
    closure_id = check_id(closure_id, "closure_id")
    now = moment(now)
    zone = settings_of(db).zone
    known = reference.load(db)

    def work(step: unit.Unit) -> Lifted:
        rows = step.closures(closure_id)
        if not rows:
            raise NotFound("closure", closure_id)
        standing = [row for row in rows if row["status"] == Status.APPROVED.value]
        if not standing:
            raise already_decided(rows[-1])
        lifted = []
        changes: list[tuple[d.Document, d.Document]] = []
        for row in standing:
            slot = d.to_slot(row)
            if timetable.at(slot.date, slot.end, zone, closing=True).timestamp() <= now.timestamp():
                continue
            decision = Decision(now, by.id, by.name, "lifted")
            entry = d.decision_document(decision, [row["date"]])
            fields = {"status": Status.CANCELLED.value, "updated_at": now}
            changes.append(
                (
                    {"_id": row["_id"], "status": row["status"]},
                    {"$set": fields, "$inc": {"revision": 1}, "$push": {"history": entry}},
                )
            )
            lifted.append(d.to_booking(row | fields | {"history": [*row["history"], entry]}))
        if not lifted:
            raise InvalidRequest("closure_id", "is over already")
        if step.update_all(changes) != len(changes):
            raise already_decided(rows[-1])
        ids = {closure.id for closure in lifted}
        displaced = [
            row
            for row in step.revoked(
                sorted({closure.ground_id for closure in lifted}),
                sorted({closure.date.isoformat() for closure in lifted}),
            )
            if row["history"][-1].get("closure") in ids
        ]
        details = {"days": len(lifted), "reason": lifted[0].purpose}
        step.note(by, "lifted", "closure", closure_id, details, now)
        return Lifted(tuple(lifted), reinstatable_of(step, displaced, known, now, zone))

    return unit.run(db, work, _SECONDS)


def find_closures(db: Documents, *, from_date: Date, limit: int = 200) -> list[Closure]:
    """What stands closed on ``from_date`` or later, the first first; at most ``limit`` (1-1000).

    Of a closure that began before, ``first`` is its first day from ``from_date`` on.
    """
    from_date = check_date(from_date, "from_date")
    check_limit(limit)
    return [
        Closure(
            row["_id"],
            tuple(sorted(row["ground_ids"])),
            Date.fromisoformat(row["first"]),
            Date.fromisoformat(row["last"]),
            time.fromisoformat(row["start"]),
            time.fromisoformat(row["end"]),
            row["reason"],
            row["by_name"],
            row["at"],
        )
        for row in booking_queries.closure_groups(db, from_date, limit)
    ]


def _wanted(
    db: Documents,
    ground_ids: Iterable[str],
    first: Date,
    last: Date,
    start: time | None,
    end: time | None,
    now: datetime,
) -> _Wanted:
    ids = tuple(sorted(_ids(ground_ids, "ground_id")))
    if not ids:
        raise InvalidRequest("ground_id", "is missing")
    first, last = check_date(first, "first"), check_date(last, "last")
    if last < first:
        raise InvalidRequest("last", "is before the first day")
    if (start is None) != (end is None):
        raise InvalidRequest("end" if end is None else "start", "is missing")
    start = _MIDNIGHT if start is None else check_time(start, "start")
    end = _MIDNIGHT if end is None else check_time(end, "end")
    if minutes(start) >= minutes(end, closing=True):
        raise InvalidRequest("end", "is not after the start")
    dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    if len(dates) * len(ids) > MOST:
        problem = f"is too far off: {len(ids)} grounds can be closed for {MOST // len(ids)} days"
        raise InvalidRequest("last", problem)
    known = reference.load(db)
    for ground_id in ids:
        known.ground(ground_id)
    local = now.astimezone(settings_of(db).zone)
    # What has gone by stays as it was: of today, the cells before this one.
    begun = (local.hour * 60 + local.minute) // MARK_MINUTES * MARK_MINUTES
    days = []
    for date in dates:
        if date < local.date():
            continue
        opening = minutes(start) if date > local.date() else max(minutes(start), begun)
        if opening < minutes(end, closing=True):
            days.append((date, time(*divmod(opening, 60)), end))
    if not days:
        raise InvalidRequest("last" if last < local.date() else "end", "has gone by")
    return _Wanted(ids, tuple(days))


def _plan(looking: unit.Unit, wanted: _Wanted) -> _Plan:
    """What is to be closed and what is in the way, as stored now."""
    held: defaultdict[tuple[str, str], list[d.Document]] = defaultdict(list)
    rows = looking.held(wanted.ground_ids, wanted.days[0][0], wanted.days[-1][0])
    for row in rows:
        held[(row["ground_id"], row["date"])].append(row)
    slots: list[Slot] = []
    displaced: set[str] = set()
    closed_before: GroundClosed | None = None
    for date, start, end in wanted.days:
        cells = set(timetable.marks(start, end))
        for ground_id in wanted.ground_ids:
            inside = [r for r in held[(ground_id, date.isoformat())] if cells & set(r["cells"])]
            closed = [row for row in inside if row["kind"] == "closure"]
            if closed:
                closed_before = GroundClosed(ground_id, closed[0]["purpose"])
                if not cells <= {cell for row in closed for cell in row["cells"]}:
                    raise closed_before
                continue
            slots.append(Slot(ground_id, date, start, end))
            displaced |= {row["_id"] for row in inside}
    if not slots and closed_before is not None:
        raise closed_before
    return _Plan(slots, [row for row in rows if row["_id"] in displaced])


def _ids(values: Any, name: str) -> set[str]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidRequest(name, "must be a list of ids")
    return {check_id(value, name) for value in values}
