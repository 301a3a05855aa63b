"""Closing grounds: what it displaces, the closing in one step, and lifting it.

A closing is one transaction: the bookings in its way are revoked, the closures claim their
grounds through the same unique index, the authors get notices and the audit log gets an entry;
or none of it happens.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date as Date
from datetime import datetime, time, timedelta
from functools import partial
from uuid import uuid4
from zoneinfo import ZoneInfo

from booking_core.booking.closing_plan import (
    MIDNIGHT,
    Wanted,
    check_weekdays,
    ids_of,
    plan_of,
    wanted_by,
)
from booking_core.booking.preconditions import ROUNDS, already_decided, is_repeated
from booking_core.booking.reinstatement import reinstatable_of, returnable_of
from booking_core.booking.relocation import LATER_DAYS, Proposals, Relocation, check_moves, moved_to
from booking_core.booking.steps import logged
from booking_core.domain import rules, timetable
from booking_core.domain.errors import ChangedMeanwhile, GroundClosed, InvalidRequest, NotFound
from booking_core.domain.model import Actor, Booking, Decision, Slot, Status
from booking_core.domain.records import Closure
from booking_core.domain.validation import (
    check_date,
    check_id,
    check_limit,
    check_text,
    minutes,
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
    """The closures of one step, by the id of their group, and the bookings in their way: those that
    were revoked, and those that were moved, as they are then."""

    id: str
    closures: tuple[Booking, ...]
    displaced: tuple[Booking, ...]
    moved: tuple[Booking, ...] = ()


@dataclass(frozen=True, slots=True)
class Lifted:
    """The closures that were lifted.

    ``reinstatable``: bookings that they revoked and that ``reinstate`` can bring back.
    ``returnable``: bookings that they moved and whose former slot is free.
    """

    closures: tuple[Booking, ...]
    reinstatable: list[Booking]
    returnable: list[Booking]


@within_deadline
def displaced_by(
    db: Documents,
    *,
    ground_ids: Iterable[str],
    first: Date,
    last: Date,
    start: time | None = None,
    end: time | None = None,
    weekdays: Iterable[int] = (),
    keep_booked: bool = False,
    now: datetime | None = None,
) -> list[Booking]:
    """The bookings that a closure would displace, by date and time; none that has ended.

    ``start`` and ``end`` None: the whole day. ``weekdays`` (Monday is 0): only those; empty: all.
    ``keep_booked``: none is displaced. Raises InvalidRequest, UnknownGround, and GroundClosed as
    ``close_grounds`` does.
    """
    wanted = wanted_by(
        db,
        ground_ids,
        first,
        last,
        start,
        end,
        moment(db, now),
        weekdays=weekdays,
        keep_booked=keep_booked,
    )
    return transactions.reading(db, lambda looking: plan_of(looking, wanted)).displaced


@within_deadline
def propose_moves(
    db: Documents,
    *,
    ground_ids: Iterable[str],
    first: Date,
    last: Date,
    start: time | None = None,
    end: time | None = None,
    weekdays: Iterable[int] = (),
    keep_booked: bool = False,
    now: datetime | None = None,
) -> list[Relocation]:
    """Where each booking that a closure would displace could go: (booking, slot or None).

    The slot allows its game and has as many periods; its people are free, and so is a seat of the
    quota. The nearest one comes first: on its ground, at its time, then any time of that day, then
    of the 14 days after it. No two bookings get the same slot. A booking that has begun gets none.
    Arguments and errors as of ``displaced_by``.
    """
    now = moment(db, now)
    wanted = wanted_by(
        db, ground_ids, first, last, start, end, now, weekdays=weekdays, keep_booked=keep_booked
    )
    plan = transactions.reading(db, lambda looking: plan_of(looking, wanted))
    looked = Proposals(
        db, wanted.known, plan.displaced, now, closed=plan.closed, later_days=LATER_DAYS
    )
    return looked.made()


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
    weekdays: Iterable[int] = (),
    keep_booked: bool = False,
    reason: str,
    by: Actor,
    expected: Iterable[str],
    moves: Mapping[str, Slot] | None = None,
    now: datetime | None = None,
) -> Closing:
    """Closes grounds from ``first`` to ``last``, and moves or revokes the bookings there.

    All of it happens in one transaction, or nothing does.

    ``weekdays`` (Monday is 0): on these only; empty: on all. With ``keep_booked`` what is booked
    stays, and the rest is closed. ``expected`` are the ids of the displaced bookings that the user
    was shown; other ones raise ChangedMeanwhile. Those that ``moves`` (id -> slot) names are moved
    by the rules of ``move``; the others are revoked. A slot that is not free any more raises
    ChangedMeanwhile.

    A ground that is closed for the whole time on a day already is left as it is there. Where it is
    closed for a part, or everywhere already, GroundClosed is raised: filling the gaps would leave a
    hole once the older closure is lifted. Raises NotAllowed, InvalidRequest, UnknownGround, the
    errors of a broken rule for a slot, StoreUnavailable too. An error leaves everything as it was.
    """
    rules.check_may("close", by)
    reason = check_text(reason, "reason", required=True)
    shown = ids_of(expected, "expected")
    slots = check_moves({} if moves is None else moves, shown)
    now = moment(db, now)
    ground_ids, on = ids_of(ground_ids, "ground_id"), check_weekdays(weekdays)
    group = str(uuid4())
    decided = Decision(now, by.id, by.name, "closed", reason)

    def work(step: transactions.BookingTransaction, wanted: Wanted) -> Closing:
        # The grounds may lie on other surfaces by now; a move follows all rules of the school.
        if slots:
            step.check_school(wanted.known.revision)
        else:
            step.check_grounds(wanted.known.grounds_revision)
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
        closed = set(plan.closed)
        changes, wishes = [], []
        for before in plan.displaced:
            closure = next(
                closure_at[(surface, before.date)]
                for surface in before.held_surfaces
                if (surface, before.date) in closure_at
            )
            if (slot := slots.get(before.id)) is not None:
                _check_open(wanted, slot, closed)
                wishes.append((before.id, slot, closure))
                continue
            entry = replace(decided, action="displaced", displaced_by=closure)
            changes.append((before, before.with_decision(Status.REVOKED, entry)))
        revoked = step.end_apart(changes)
        # Read again: of a set, one that is moved may have the people since the first was revoked.
        moving = {booking.id: booking for booking in step.of_ids(id for id, _, _ in wishes)}
        asked = [(moving[id], slot, closure) for id, slot, closure in wishes]
        pairs = moved_to(db, wanted.known, asked, by, reason, now, step.taken_seats)
        moved = step.exchange(pairs)
        if revoked is None or moved is None:
            raise ChangedMeanwhile(_BOOKINGS)
        step.insert(closures)
        # A notice names the slot that its reader knows.
        left = [after.placed(before.slot, before.held_surfaces) for before, after in pairs]
        step.notify("displaced", [*revoked, *left], by, reason)
        details = {
            "grounds": list(wanted.ground_ids),
            "first": wanted.days[0][0].isoformat(),
            "last": wanted.days[-1][0].isoformat(),
            "start": f"{start or MIDNIGHT:%H:%M}",
            "end": f"{end or MIDNIGHT:%H:%M}",
            "reason": reason,
            "displaced": len(revoked),
            "moved": len(moved),
        }
        details |= {"weekdays": sorted(on)} if on else {}
        details |= {"keep_booked": True} if keep_booked else {}
        step.audit(by, "closed", "closure", group, details, now)
        return Closing(group, tuple(closures), tuple(revoked), tuple(moved))

    for _ in range(ROUNDS):
        wanted = wanted_by(
            db, ground_ids, first, last, start, end, now, weekdays=on, keep_booked=keep_booked
        )
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

    def opened(step: transactions.BookingTransaction, closures: list[Booking]) -> Lifted:
        sharing = known.sharing({closure.ground_id for closure in closures} & known.grounds.keys())
        found = revoked_by(step, closures, sharing)
        moved = returnable_of(step, moved_by(step, closures), known, now, zone)
        return Lifted(tuple(closures), reinstatable_of(step, found, known, now, zone), moved)

    def work(step: transactions.BookingTransaction) -> Lifted:
        found = step.closures(closure_id)
        if not found:
            raise NotFound("closure", closure_id)
        active = [closure for closure in found if closure.status.is_active]
        if not active:
            if not all(is_repeated(closure, "lifted", by) for closure in found):
                raise already_decided(found[-1])
            return opened(step, found)
        lifted = end_closures(step, closure_id, active, "lifted", by, now, zone)
        if lifted is None:
            raise already_decided(found[-1])
        return opened(step, lifted)

    return transactions.run(db, work)


def end_closures(
    step: transactions.BookingTransaction,
    closure_id: str,
    active: Sequence[Booking],
    action: str,
    by: Actor,
    now: datetime,
    zone: ZoneInfo,
) -> list[Booking] | None:
    """Ends those of the ``active`` closures that are not over; they, as stored then.

    Their history and the audit log get an entry of ``action``. None where one is not stored any
    more. Raises InvalidRequest where all are over.
    """
    entry = Decision(now, by.id, by.name, action)
    changes = [
        (closure, closure.with_decision(Status.CANCELLED, entry))
        for closure in active
        if not closure.slot.is_over(now, zone)
    ]
    if not changes:
        raise InvalidRequest("closure_id", "is over already")
    ended = step.replace_all(changes)
    if ended is None:
        return None
    details = {
        "grounds": sorted({closure.ground_id for closure in ended}),
        "first": min(closure.date for closure in ended).isoformat(),
        "last": max(closure.date for closure in ended).isoformat(),
        "reason": ended[0].purpose,
    }
    step.audit(by, action, "closure", closure_id, details, now)
    return ended


@within_deadline
def find_closures(db: Documents, *, from_date: Date, limit: int = 200) -> list[Closure]:
    """The closings of ``from_date`` and later, the earliest first; at most ``limit`` (1 to 1000).

    ``first`` is the first closed day from ``from_date`` on.
    """
    from_date = check_date(from_date, "from_date")
    check_limit(limit)
    return booking_queries.closings(db, from_date, limit)


def _repeated(
    step: transactions.BookingTransaction, wanted: Wanted, shown: set[str], reason: str, by: Actor
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
        displaced = revoked_by(step, closures, wanted.sharing)
        moved = moved_by(step, closures)
        # A repeated closing of today begins later: it leaves out the marks that have ended since.
        is_same = (
            _covers(closures, held, wanted)
            if wanted.keeps
            else all(
                closure.ground_id in wanted.ground_ids
                and closure.date in days
                and closure.start <= days[closure.date][0]
                and closure.end == days[closure.date][1]
                for closure in closures
            )
        )
        if is_same and {booking.id for booking in (*displaced, *moved)} == shown:
            return Closing(group, tuple(closures), tuple(displaced), tuple(moved))
    return None


def _check_open(wanted: Wanted, slot: Slot, closed: Collection[tuple[Date, str, int]]) -> None:
    """Raises InvalidRequest where ``slot`` lies in the closure."""
    surfaces = wanted.known.ground(slot.ground_id).surfaces
    marks = timetable.marks(slot.start, slot.end)
    if any((slot.date, surface, mark) in closed for surface in surfaces for mark in marks):
        raise InvalidRequest("moves", "names a slot that is closed then")


def _covers(closures: Sequence[Booking], held: Sequence[Booking], wanted: Wanted) -> bool:
    """Whether ``closures`` lie within the wanted time and place, and no mark of it is open.

    ``held`` are the bookings and closures there.
    """
    days = {date: end for date, _, end in wanted.days}
    if not all(
        closure.ground_id in wanted.ground_ids
        and closure.date in days
        and minutes(closure.end, closing=True) <= minutes(days[closure.date], closing=True)
        for closure in closures
    ):
        return False
    taken = {
        (booking.date, surface, mark)
        for booking in held
        for surface in booking.held_surfaces
        for mark in timetable.marks(booking.start, booking.end)
    }
    return all(
        (date, surface, mark) in taken
        for date, start, end in wanted.days
        for ground in wanted.grounds
        for surface in ground.surfaces
        for mark in timetable.marks(start, end)
    )


def revoked_by(
    step: transactions.BookingTransaction, closures: Sequence[Booking], sharing: Sequence[str]
) -> list[Booking]:
    """The revoked bookings that these closures displaced, on the grounds ``sharing``."""
    ids = {closure.id for closure in closures}
    found = step.revoked(sharing, sorted({closure.date for closure in closures}))
    return [booking for booking in found if booking.history[-1].displaced_by in ids]


def moved_by(step: transactions.BookingTransaction, closures: Sequence[Booking]) -> list[Booking]:
    """The active bookings that these closures moved and that are where they were moved to."""
    dates = [closure.date for closure in closures]
    last = max(dates) + timedelta(days=LATER_DAYS)
    found = step.moved(min(dates), last)
    ids = {closure.id for closure in closures}
    return [b for b in found if (move := b.last_move) and move.displaced_by in ids]


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
