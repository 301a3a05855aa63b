"""Closing grounds: what it displaces, the closing in one step, and lifting it.

A closing is one transaction: the bookings in its way are revoked, the closures claim their
grounds through the same unique index, the authors get notices and the audit log gets an entry;
or none of it happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date as Date
from datetime import datetime, time
from functools import partial
from uuid import uuid4

from booking_core.booking.closing_plan import MIDNIGHT, Wanted, ids_of, plan_of, wanted_by
from booking_core.booking.preconditions import ROUNDS, already_decided, is_repeated
from booking_core.booking.reinstatement import reinstatable_of
from booking_core.booking.steps import logged
from booking_core.domain import rules
from booking_core.domain.errors import ChangedMeanwhile, GroundClosed, InvalidRequest, NotFound
from booking_core.domain.model import Actor, Booking, Decision, Slot, Status
from booking_core.domain.records import Closure
from booking_core.domain.validation import (
    check_date,
    check_id,
    check_limit,
    check_text,
)
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.bookings import transactions
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference

_BOOKINGS = "the list of bookings"


@dataclass(frozen=True, slots=True)
class Closing:
    """The closures of one step, by the id of their group, and the bookings that it revoked."""

    id: str
    closures: tuple[Booking, ...]
    displaced: tuple[Booking, ...]


@dataclass(frozen=True, slots=True)
class Lifted:
    """The closures that were lifted, and the displaced bookings that can be reinstated."""

    closures: tuple[Booking, ...]
    reinstatable: list[Booking]


@within_deadline
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
    wanted = wanted_by(db, ground_ids, first, last, start, end, moment(db, now))
    return transactions.reading(db, lambda looking: plan_of(looking, wanted)).displaced


@within_deadline
@logged("close")
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

    ``expected`` are the ids of the displaced bookings that the user was shown; other ones
    raise ChangedMeanwhile. A ground that is closed for the whole time on a day already is left
    as it is there. Where it is closed for a part, or everywhere already, GroundClosed is raised:
    filling the gaps would leave a hole once the older closure is lifted. Raises NotAllowed,
    InvalidRequest, UnknownGround, StoreUnavailable too. An error leaves everything as it was.
    """
    rules.check_may("close", by)
    reason = check_text(reason, "reason", required=True)
    shown = ids_of(expected, "expected")
    now = moment(db, now)
    ground_ids = ids_of(ground_ids, "ground_id")
    group = str(uuid4())
    decided = Decision(now, by.id, by.name, "closed", reason)

    def work(step: transactions.Transaction, wanted: Wanted) -> Closing:
        step.check_grounds(wanted.revision)  # the grounds may lie on other surfaces by now
        try:
            plan = plan_of(step, wanted)
        except GroundClosed:
            if (first := _repeated(step, wanted, shown, reason, by)) is not None:
                return first
            raise
        if {booking.id for booking in plan.displaced} != shown:
            raise ChangedMeanwhile(_BOOKINGS)
        closures = [
            _closure(f"{group}/{n}", slot, decided).placed(slot, surfaces)
            for n, (slot, surfaces) in enumerate(plan.slots)
        ]
        closure_at = {
            (surface, closure.date): closure.id
            for closure in closures
            for surface in closure.held_surfaces
        }
        changes = []
        for before in plan.displaced:
            entry = replace(
                decided,
                action="displaced",
                displaced_by=next(
                    closure_at[(surface, before.date)]
                    for surface in before.held_surfaces
                    if (surface, before.date) in closure_at
                ),
                status_before=before.status,
            )
            changes.append((before, before.with_decision(Status.REVOKED, entry)))
        revoked = step.replace_all(changes)
        if revoked is None:
            raise ChangedMeanwhile(_BOOKINGS)
        step.insert(closures)
        step.notify("displaced", revoked, by, reason)
        details = {
            "grounds": list(wanted.ground_ids),
            "first": wanted.days[0][0].isoformat(),
            "last": wanted.days[-1][0].isoformat(),
            "start": f"{start or MIDNIGHT:%H:%M}",
            "end": f"{end or MIDNIGHT:%H:%M}",
            "reason": reason,
            "displaced": len(revoked),
        }
        step.record(by, "closed", "closure", group, details, now)
        return Closing(group, tuple(closures), tuple(revoked))

    for _ in range(ROUNDS):
        wanted = wanted_by(db, ground_ids, first, last, start, end, now)
        try:
            return transactions.run(db, partial(work, wanted=wanted))
        except transactions.SchoolChanged:
            continue
        except bookings.ClaimTaken:  # a slot was taken after the plan was made
            continue
    raise ChangedMeanwhile(_BOOKINGS)


@within_deadline
@logged("lift")
def lift_closure(
    db: Documents, closure_id: str, *, by: Actor, now: datetime | None = None
) -> Lifted:
    """Opens again what a closing closed (its group's id), or one closure of it (its own id).

    Days that are over stay as they are. Nothing is reinstated: the answer lists the bookings that
    can be. Raises NotAllowed, NotFound, AlreadyDecided when it was lifted before,
    InvalidRequest when it is over.
    """
    rules.check_may("close", by)
    closure_id = check_id(closure_id, "closure_id")
    now = moment(db, now)
    zone = settings_of(db).zone
    known = reference.load(db)

    def opened(step: transactions.Transaction, closures: list[Booking]) -> Lifted:
        sharing = known.sharing({closure.ground_id for closure in closures} & known.grounds.keys())
        found = _displaced_by(step, closures, sharing)
        return Lifted(tuple(closures), reinstatable_of(step, found, known, now, zone))

    def work(step: transactions.Transaction) -> Lifted:
        found = step.closures(closure_id)
        if not found:
            raise NotFound("closure", closure_id)
        active = [closure for closure in found if closure.status.is_active]
        if not active:
            if not all(is_repeated(closure, "lifted", by) for closure in found):
                raise already_decided(found[-1])
            return opened(step, found)
        entry = Decision(now, by.id, by.name, "lifted")
        changes = [
            (closure, closure.with_decision(Status.CANCELLED, entry))
            for closure in active
            if not closure.slot.is_over(now, zone)
        ]
        if not changes:
            raise InvalidRequest("closure_id", "is over already")
        lifted = step.replace_all(changes)
        if lifted is None:
            raise already_decided(found[-1])
        details = {
            "grounds": sorted({closure.ground_id for closure in lifted}),
            "first": min(closure.date for closure in lifted).isoformat(),
            "last": max(closure.date for closure in lifted).isoformat(),
            "reason": lifted[0].purpose,
        }
        step.record(by, "lifted", "closure", closure_id, details, now)
        return opened(step, lifted)

    return transactions.run(db, work)


@within_deadline
def find_closures(db: Documents, *, from_date: Date, limit: int = 200) -> list[Closure]:
    """The closings of ``from_date`` and later, the earliest first; at most ``limit`` (1 to 1000).

    ``first`` is the first closed day from ``from_date`` on.
    """
    from_date = check_date(from_date, "from_date")
    check_limit(limit)
    return booking_queries.closings(db, from_date, limit)


def _repeated(
    step: transactions.Transaction, wanted: Wanted, shown: set[str], reason: str, by: Actor
) -> Closing | None:
    """The closing that ``by`` made before with the same content; None without one."""
    days = {date: (start, end) for date, start, end in wanted.days}
    held = step.held_on(wanted.sharing, list(days))
    groups = {
        str(closure.closure_group)
        for closure in held
        if (closure.kind, closure.created_by, closure.purpose) == ("closure", by.id, reason)
    }
    for group in sorted(groups):
        closures = [closure for closure in step.closures(group) if closure.status.is_active]
        displaced = _displaced_by(step, closures, wanted.sharing)
        # A repeated closing of today begins later: it leaves out the marks that have ended since.
        is_same = all(
            closure.ground_id in wanted.ground_ids
            and closure.date in days
            and closure.start <= days[closure.date][0]
            and closure.end == days[closure.date][1]
            for closure in closures
        )
        if is_same and {booking.id for booking in displaced} == shown:
            return Closing(group, tuple(closures), tuple(displaced))
    return None


def _displaced_by(
    step: transactions.Transaction, closures: Sequence[Booking], sharing: Sequence[str]
) -> list[Booking]:
    """The revoked bookings that these closures displaced, on the grounds ``sharing``."""
    ids = {closure.id for closure in closures}
    found = step.revoked(sharing, sorted({closure.date for closure in closures}))
    return [booking for booking in found if booking.history[-1].displaced_by in ids]


def _closure(id: str, slot: Slot, decided: Decision) -> Booking:
    return Booking(
        id=id,
        ground_id=slot.ground_id,
        date=slot.date,
        start=slot.start,
        end=slot.end,
        status=Status.APPROVED,
        student_id=None,
        student_name="",
        class_name="",
        game="",
        purpose=decided.reason,
        created_by=decided.by,
        created_by_name=decided.by_name,
        created_at=decided.at,
        updated_at=decided.at,
        kind="closure",
        history=(decided,),
        closure_group=id.partition("/")[0],
    )
