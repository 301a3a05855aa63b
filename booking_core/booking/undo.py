"""Undoing the last change of a booking: a cancellation, rejection, revocation or move.

The history keeps the change and gets an entry that says it was undone. ``closing_undo.py`` undoes
a closing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from zoneinfo import ZoneInfo

from booking_core.booking.confirmation import check_stored, confirmed
from booking_core.booking.conflicts import raise_lost
from booking_core.booking.preconditions import ROUNDS, existing_booking
from booking_core.booking.seats import with_seat
from booking_core.booking.steps import logged
from booking_core.domain import rules
from booking_core.domain.claims import QUOTA, kind_of
from booking_core.domain.errors import (
    ChangedMeanwhile,
    InThePast,
    InvalidRequest,
    NotAllowed,
    PartOfSet,
    UndoOver,
)
from booking_core.domain.model import Actor, Booking, Decision
from booking_core.domain.validation import check_booking_id, check_revision
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.bookings import transactions
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference

UNDO_SECONDS = 10  # for which a screen offers it
_GRACE_SECONDS = 60  # for which it is accepted: a press may take its time to arrive
_CAN_BE_UNDONE = frozenset({"cancelled", "rejected", "revoked", "moved"})


@within_deadline
@logged("undo")
def undo_change(
    db: Documents, booking_id: str, *, revision: int, by: Actor, now: datetime | None = None
) -> Booking:
    """Puts a booking back as it was before the cancellation, rejection, revocation or move that
    gave it ``revision`` (``Booking.revision`` of what that verb returned).

    Only by the user who made that change, at most 60 s after it, and where nobody has changed the
    booking since and its claims are free. Raises ChangedMeanwhile, NotAllowed, UndoOver, InThePast
    for a slot that has begun, SlotTaken, GroundClosed, StudentBusy, SupervisorBusy, QuotaReached,
    PartOfSet for a ground of a set whose first is not active, the errors of a rule of the school,
    NotFound, InvalidRequest, StoreUnavailable.
    """
    booking_id = check_booking_id(booking_id)
    rules.check_actor(by)
    check_revision(revision, "revision")
    now, zone = moment(db, now), settings_of(db).zone
    lost_seat = False
    for tried in count():
        before = existing_booking(db, booking_id)
        last = before.history[-1]
        if (before.revision, last.action, last.by) == (revision + 1, "undone", by.id):
            return before  # sent a second time
        if before.revision != revision or tried > 2 * ROUNDS:
            raise ChangedMeanwhile("this booking")
        if last.by != by.id:
            raise NotAllowed("undo", by.role.value)
        if last.action not in _CAN_BE_UNDONE or last.status_before is None:
            raise InvalidRequest("revision", "is no change that can be undone")
        check_in_time(last.at, now)
        first = check_first_of_set(before, partial(booking_queries.of_series, db))
        known = reference.load(db)
        wanted = as_before(known, before, by, now, zone)
        if before.status.is_active:
            wanted = with_seat(db, known, wanted, before=before, count_seats=lost_seat)
        elif wanted.quota_window is not None:
            wanted = with_seat(db, known, wanted, count_seats=True)
        try:
            if first is None:
                after = bookings.replace(db, before, wanted)
            else:
                after = transactions.run(db, partial(_joined, first, before, wanted))
        except bookings.ClaimTaken as lost:
            lost_seat = kind_of(lost.claim) == QUOTA
            raise_lost(db, known, wanted, lost.claim, now, tried)
            continue
        if after is not None:
            return confirmed(db, known, before, after)
    raise AssertionError("the loop ends by a result or an error")


def check_in_time(at: datetime, now: datetime) -> None:
    """Raises UndoOver where a change of ``at`` can be undone no more."""
    if now - at > timedelta(seconds=_GRACE_SECONDS):
        raise UndoOver(UNDO_SECONDS)


def as_before(
    known: reference.Reference, booking: Booking, by: Actor, now: datetime, zone: ZoneInfo
) -> Booking:
    """``booking`` at its slot and with its status of before the last entry of its history, which
    has an entry more that says so. Its seats of the quota stay.

    Raises InThePast for a slot that has begun, and as ``check_stored``.
    """
    last = booking.history[-1]
    slot = last.moved_from or booking.slot
    if slot.has_begun(now, zone):
        raise InThePast(slot.starts_at(zone))
    left = None if last.moved_from is None else booking.slot
    entry = Decision(now, by.id, by.name, "undone", moved_from=left)
    wanted = booking.with_decision(last.status_before or booking.status, entry)
    wanted = wanted.placed(slot, known.ground(slot.ground_id).surfaces)
    check_stored(known, wanted)
    return wanted


def check_first_of_set(
    booking: Booking, of_series: Callable[[str], list[Booking]]
) -> Booking | None:
    """The first ground of the set to which ``booking``, which has ended, comes back as a later one;
    None for another booking. Raises PartOfSet where the first, which claims the people, has ended.

    ``of_series`` reads the bookings of a series. Who brings ``booking`` back writes the first one
    too, in one transaction: so it cannot end at that moment as the last that is active.
    """
    if not booking.set_place or booking.status.is_active:
        return None
    for other in of_series(str(booking.series)):
        if other.set_place == 0 and other.status.is_active:
            return other
    raise PartOfSet


def _joined(
    first: Booking, before: Booking, after: Booking, step: transactions.BookingTransaction
) -> Booking | None:
    """``after`` as stored in place of ``before``; None where that or ``first`` has changed."""
    if step.replace(first, first) is None:
        return None
    return step.replace(before, after)
