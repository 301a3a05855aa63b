"""Reinstating displaced bookings, once the closure is lifted and where the slot is still free."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date as Date
from datetime import datetime
from functools import partial
from itertools import islice
from zoneinfo import ZoneInfo

from booking_core.booking.confirmation import check_stored
from booking_core.booking.conflicts import raise_lost
from booking_core.booking.preconditions import (
    ROUNDS,
    already_decided,
    existing_booking,
    is_repeated,
)
from booking_core.booking.seats import with_seat
from booking_core.booking.steps import logged
from booking_core.domain import rules, timetable
from booking_core.domain.claims import QUOTA, claims_of, kind_of
from booking_core.domain.errors import (
    ChangedMeanwhile,
    InThePast,
    InvalidRequest,
    RuleBroken,
    StoreUnavailable,
)
from booking_core.domain.model import Actor, Booking, Decision, Slot, Status
from booking_core.domain.policy import Quota
from booking_core.domain.sets import with_places_exchanged
from booking_core.domain.validation import check_booking_id, check_date, check_limit
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.bookings import transactions
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference

_BATCH = 500  # displaced bookings that are checked together


@within_deadline
def find_reinstatable(
    db: Documents, *, from_date: Date, now: datetime | None = None, limit: int = 200
) -> list[Booking]:
    """The displaced bookings that ``reinstate`` would reinstate, by date and time.

    Those of ``from_date`` and later; at most ``limit`` (1 to 1000). An active closure holds its
    slots, so a free slot needs no other sign that the closure was lifted. Of two bookings that
    exclude each other both are listed: the first to be reinstated gets the slot. Raises
    InvalidRequest, StoreUnavailable.
    """
    from_date = check_date(from_date, "from_date")
    check_limit(limit)
    now, zone = moment(db, now), settings_of(db).zone
    known = reference.load(db)

    def look(looking: transactions.BookingTransaction) -> list[Booking]:
        found: list[Booking] = []
        displaced = looking.displaced(from_date)
        while len(found) < limit and (batch := list(islice(displaced, _BATCH))):
            found += reinstatable_of(looking, batch, known, now, zone)
        return found[:limit]

    return transactions.reading(db, look)


@within_deadline
def find_returnable(
    db: Documents, *, from_date: Date, now: datetime | None = None, limit: int = 200
) -> list[Booking]:
    """The bookings that a closure moved and whose former slot is free, by date and time.

    Those that are on ``from_date`` or later now; at most ``limit`` (1 to 1000). ``former_slot``
    is where ``move`` can put each back. Raises InvalidRequest, StoreUnavailable.
    """
    from_date = check_date(from_date, "from_date")
    check_limit(limit)
    now, zone, known = moment(db, now), settings_of(db).zone, reference.load(db)

    def look(looking: transactions.BookingTransaction) -> list[Booking]:
        return returnable_of(looking, looking.moved(from_date, Date.max), known, now, zone)

    return transactions.reading(db, look)[:limit]


@within_deadline
@logged("reinstate")
def reinstate(db: Documents, booking_id: str, *, by: Actor, now: datetime | None = None) -> Booking:
    """Gives a displaced booking its slot and its former status back, and notifies its author.

    It claims its ground, student and seat again, through the same index as every booking. Of a set
    whose first ground has ended it comes back as the first one, which claims the people. Raises
    NotAllowed, NotFound, AlreadyDecided (a user revoked it, or it was reinstated before),
    InThePast, NoSchool, GroundRetired, GameNotAllowed, StudentInactive, GroundClosed, SlotTaken,
    StudentBusy, QuotaReached.
    """
    rules.check_may("close", by)
    booking_id = check_booking_id(booking_id)
    now, zone = moment(db, now), settings_of(db).zone
    tried = 0
    while True:
        before = existing_booking(db, booking_id)
        if is_repeated(before, "reinstated", by):
            return before
        if not _is_displaced(before):
            raise already_decided(before)
        known = reference.load(db)
        _check_reinstatable(known, before, now, zone)
        entry = Decision(now, by.id, by.name, "reinstated")
        status = before.history[-1].status_before or Status.PENDING
        wanted = _placed(known, before.with_decision(status, entry))
        first = _first_of_set(before, partial(booking_queries.of_series, db))
        left, wanted = _placed_in_set(first, wanted)
        if wanted.quota_window is not None:
            wanted = with_seat(db, known, wanted, count_seats=True)

        def work(
            step: transactions.BookingTransaction,
            known: reference.Reference = known,
            before: Booking = before,
            wanted: Booking = wanted,
            first: Booking | None = first,
            left: Booking | None = left,
        ) -> Booking | None:
            step.check_school(known.revision)
            # An active first ground is written too: so it cannot end at this moment as the last.
            if first is not None and left is not None and step.replace(first, left) is None:
                raise ChangedMeanwhile("this booking")
            after = step.replace(before, wanted)
            if after is not None:
                step.notify("reinstated", [after], by, "")
            return after

        try:
            reinstated = transactions.run(db, work)
        except (transactions.SchoolChanged, ChangedMeanwhile):
            reinstated = None
        except bookings.ClaimTaken as lost:
            raise_lost(db, known, wanted, lost.claim, now, tried)
            reinstated = None
        if reinstated is not None:
            return reinstated
        tried += 1
        if tried > 2 * ROUNDS:
            raise StoreUnavailable("the booking changes faster than it can be reinstated")


def reinstatable_of(
    looking: transactions.BookingTransaction,
    displaced: Sequence[Booking],
    known: reference.Reference,
    now: datetime,
    zone: ZoneInfo,
) -> list[Booking]:
    """Those of ``displaced`` that ``reinstate`` would reinstate now, by date and time."""
    asked = [b for b in displaced if _is_displaced(b) and _passes(known, b, now, zone)]
    if not asked:
        return []
    asked = [_placed_in_set(_first_of_set(b, looking.of_series), b)[1] for b in asked]
    # A seat that is taken is no obstacle while the quota has room: another one is claimed.
    wanted = {
        b.id: {claim for claim in claims_of(_placed(known, b)) if kind_of(claim) != QUOTA}
        for b in asked
    }
    holding = looking.holders(claim for claims in wanted.values() for claim in claims)
    taken = {claim for booking in holding for claim in claims_of(booking)}
    free = [b for b in asked if wanted[b.id].isdisjoint(taken)]
    seats = looking.taken_seats(pair for b in free if _limit(known, b) for pair in _seats(b))
    free = [
        b
        for b in free
        if all(Quota(len(seats.get(pair, ())), _limit(known, b)).has_room for pair in _seats(b))
    ]
    ids = {b.id for b in free}
    return sorted(
        (b for b in displaced if b.id in ids), key=lambda b: (b.date, b.start, b.ground_id)
    )


def returnable_of(
    looking: transactions.BookingTransaction,
    moved: Sequence[Booking],
    known: reference.Reference,
    now: datetime,
    zone: ZoneInfo,
) -> list[Booking]:
    """Those of ``moved``, which closures have moved, that can have their former slot back."""
    wanted: dict[str, set[str]] = {}
    for booking in moved:
        former = former_slot(booking)
        if former is None or former.ground_id not in known.grounds:
            continue
        back = booking.placed(former, known.ground(former.ground_id).surfaces)
        if _passes(known, back, now, zone) and not booking.slot.has_begun(now, zone):
            wanted[booking.id] = {c for c in claims_of(back) if kind_of(c) != QUOTA}
    holding = looking.holders(claim for claims in wanted.values() for claim in claims)
    taken = {claim: booking.id for booking in holding for claim in claims_of(booking)}
    return [
        booking
        for booking in moved
        if booking.id in wanted
        and all(taken.get(claim, booking.id) == booking.id for claim in wanted[booking.id])
    ]


def former_slot(booking: Booking) -> Slot | None:
    """The slot from which a closure moved ``booking``; None where its last move was another."""
    move = booking.last_move
    return move.moved_from if move is not None and move.displaced_by else None


def _placed(known: reference.Reference, booking: Booking) -> Booking:
    """``booking`` on the surfaces that its ground has now."""
    return booking.placed(booking.slot, known.ground(booking.ground_id).surfaces)


def _first_of_set(booking: Booking, of_series: Callable[[str], list[Booking]]) -> Booking | None:
    """The first ground of the set of ``booking``, another one; None without one."""
    if not booking.set_place:
        return None
    others = of_series(str(booking.series))
    return next((other for other in others if other.set_place == 0), None)


def _placed_in_set(first: Booking | None, booking: Booking) -> tuple[Booking | None, Booking]:
    """``first`` and ``booking``, which comes back to its set, with their places there then.

    Where the first ground has ended, all have: one that has not would have got its place.
    """
    if first is None or first.status.is_active:
        return first, booking
    return with_places_exchanged(first, booking)


def _seats(booking: Booking) -> list[tuple[str, str]]:
    """(holder, ISO week) of each seat that a booking takes."""
    if booking.quota_window is None:
        return []
    return [(holder, booking.quota_window) for holder, _ in booking.quota_holders]


def _limit(known: reference.Reference, booking: Booking) -> int | None:
    return known.policy.quota_of(booking.party)


def _check_reinstatable(
    known: reference.Reference, booking: Booking, now: datetime, zone: ZoneInfo
) -> None:
    """The rules that a reinstatement must pass; raises RuleBroken, InvalidRequest."""
    if booking.slot.has_begun(now, zone):
        raise InThePast(timetable.at(booking.date, booking.start, zone))
    check_stored(known, booking)


def _passes(known: reference.Reference, booking: Booking, now: datetime, zone: ZoneInfo) -> bool:
    try:
        _check_reinstatable(known, booking, now, zone)
    except (RuleBroken, InvalidRequest):
        return False
    return True


def _is_displaced(booking: Booking) -> bool:
    """Whether a closure was the last to change the booking."""
    return booking.status is Status.REVOKED and booking.history[-1].action == "displaced"
