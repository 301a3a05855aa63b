"""Retiring a ground together with its upcoming bookings.

The ground is retired first, then its bookings are looked at: a booking that is made at the same
moment is either seen here, or sees the retired ground in its second look at the school and is
undone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime

from booking_core.booking.closing_plan import ids_of
from booking_core.booking.preconditions import ROUNDS
from booking_core.booking.relocation import Proposals, Relocation, moved_to
from booking_core.booking.steps import logged
from booking_core.domain import rules
from booking_core.domain.errors import (
    ChangedMeanwhile,
    InvalidRequest,
    StoreUnavailable,
)
from booking_core.domain.model import Actor, Booking, Decision, Slot, Status
from booking_core.domain.validation import check_id, check_text
from booking_core.school import grounds
from booking_core.school.administration import change_school
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.bookings import transactions
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference
from booking_core.storage.school.changes import SchoolTransaction

_BOOKINGS = "the list of bookings"
_NOT_SHOWN = "The ground went out of use at the moment of the booking."


@dataclass(frozen=True, slots=True)
class Retirement:
    """The bookings of a retired ground that were moved, and those that were revoked."""

    moved: tuple[Booking, ...]
    revoked: tuple[Booking, ...]


@within_deadline
def relocations(db: Documents, ground_id: str, *, now: datetime | None = None) -> list[Relocation]:
    """What could become of each upcoming booking of a ground that is retired, by date and time.

    A slot is on the day of its booking: at the same time if there is one, else at the nearest. No
    two bookings get the same slot, and no student two at one time. A booking that has begun stays,
    and is left out. Raises UnknownGround, InvalidRequest, StoreUnavailable.
    """
    ground_id, now = check_id(ground_id, "ground_id"), moment(db, now)
    known = reference.load(db)
    known.ground(ground_id)
    found = transactions.reading(db, lambda step: _upcoming(db, step, ground_id, now))
    return Proposals(db, known, found, now, without=(ground_id,)).made()


@within_deadline
@logged("retire")
def retire_ground(
    db: Documents,
    ground_id: str,
    *,
    move: Mapping[str, Slot] | None = None,
    revoke: Collection[str] = (),
    keep: Collection[str] = (),
    reason: str = "",
    by: Actor,
    now: datetime | None = None,
) -> Retirement:
    """Retires a ground, and moves, revokes or keeps its upcoming bookings: all of it or nothing.

    ``move`` (id -> a slot of the same day on another ground), ``revoke`` and ``keep`` name exactly
    the upcoming bookings; others, and a slot that is not free any more, raise ChangedMeanwhile. A
    move or a revocation needs a ``reason``, and their authors get notices. An approved booking that
    is moved by a user who may not decide on it is Pending again. What is booked at the same moment
    is revoked. Raises NotAllowed, UnknownGround, InvalidRequest, the errors of a broken rule for a
    slot, StoreUnavailable too.
    """
    rules.check_may("administer", by)
    ground_id, now = check_id(ground_id, "ground_id"), moment(db, now)
    if not isinstance(move or {}, Mapping):
        raise InvalidRequest("move", "must map ids to slots")
    moves = dict(move or {})
    revoked_ids, kept = ids_of(revoke, "revoke"), ids_of(keep, "keep")
    named_ids = [*ids_of(moves, "move"), *revoked_ids, *kept]
    if len(set(named_ids)) < len(named_ids):
        raise InvalidRequest("keep", "names a booking that is moved or revoked")
    reason = check_text(reason, "reason", required=bool(moves or revoked_ids))
    for slot in moves.values():
        if not isinstance(slot, Slot):
            raise InvalidRequest("move", "must map ids to slots")
        if slot.ground_id == ground_id:
            raise InvalidRequest("ground_id", "is the ground that is retired")

    def work(tx: SchoolTransaction) -> Retirement:
        step = tx.bookings()
        found = {booking.id: booking for booking in _upcoming(db, step, ground_id, now)}
        if grounds.is_retired(tx, ground_id) and found.keys() == kept:  # sent a second time
            return Retirement(
                tuple(booking_queries.of_ids(db, moves)),
                tuple(booking_queries.of_ids(db, revoked_ids)),
            )
        if found.keys() != set(named_ids):
            raise ChangedMeanwhile(_BOOKINGS)
        entry = Decision(now, by.id, by.name, "revoked", reason)
        ended = [found[id] for id in found if id in revoked_ids]
        changes = [(before, before.with_decision(Status.REVOKED, entry)) for before in ended]
        revoked = step.end_apart(changes)
        if revoked is None:
            raise ChangedMeanwhile(_BOOKINGS)
        known = reference.load(db)
        for id, slot in moves.items():
            if slot.date != found[id].date:
                raise InvalidRequest("date", "is not the day of the booking")
        wanted = [(found[id], slot, "") for id, slot in moves.items()]
        pairs = moved_to(db, known, wanted, by, reason, now, step.taken_seats)
        moved = step.exchange(pairs)
        if moved is None:
            raise ChangedMeanwhile(_BOOKINGS)
        # A notice names the slot that its reader knows.
        left = [b.placed(found[b.id].slot, found[b.id].held_surfaces) for b in moved]
        step.notify("displaced", [*revoked, *left], by, reason)
        counts = {"moved": len(moved), "revoked": len(revoked), "kept": len(kept)}
        grounds.retire(tx, ground_id, by, counts | {"reason": reason}, now)
        return Retirement(tuple(moved), tuple(revoked))

    try:
        done = change_school(db, by, now, work)
    except bookings.ClaimTaken as lost:  # a slot was taken after the list was shown
        raise ChangedMeanwhile(_BOOKINGS) from lost
    late = _revoke_late(db, ground_id, kept, by, reason or _NOT_SHOWN, now)
    return Retirement(done.moved, (*done.revoked, *late))


def _revoke_late(
    db: Documents, ground_id: str, kept: set[str], by: Actor, reason: str, now: datetime
) -> list[Booking]:
    """Revokes the bookings that were stored on the ground while it was being retired."""
    entry = Decision(now, by.id, by.name, "revoked", reason)

    def work(step: transactions.BookingTransaction) -> list[Booking] | None:
        late = [b for b in _upcoming(db, step, ground_id, now) if b.id not in kept]
        changes = [(before, before.with_decision(Status.REVOKED, entry)) for before in late]
        revoked = step.end_apart(changes)
        if revoked:
            step.notify("displaced", revoked, by, reason)
        return revoked

    for _ in range(ROUNDS):
        if (revoked := transactions.run(db, work)) is not None:
            return revoked
    raise StoreUnavailable("the bookings of the ground change faster than they can be revoked")


def _upcoming(
    db: Documents, step: transactions.BookingTransaction, ground_id: str, now: datetime
) -> list[Booking]:
    """The active bookings of the ground that have not begun, by date and time."""
    zone = settings_of(db).zone
    held = step.held([ground_id], now.astimezone(zone).date(), Date.max)
    return [
        booking
        for booking in held
        if booking.kind == "booking" and not booking.slot.has_begun(now, zone)
    ]
