"""Giving what a booking holds to somebody who waits for it, in one step."""

from __future__ import annotations

from datetime import datetime

from booking_core.booking.boards import day_board
from booking_core.booking.decisions import check_reason
from booking_core.booking.preconditions import existing_booking
from booking_core.booking.replacing import Replacement, Successor, replace_by, take_back
from booking_core.booking.steps import logged
from booking_core.booking.waiting import author_of
from booking_core.domain import rules
from booking_core.domain.errors import ChangedMeanwhile, InvalidRequest, NotFound, StoreUnavailable
from booking_core.domain.model import Actor
from booking_core.domain.validation import check_booking_id, check_revision
from booking_core.storage.bookings import waiting as store
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline

_ENTRY = "the waiting list"


@within_deadline
@logged("give")
def give_to_waiting(
    db: Documents,
    booking_id: str,
    entry_id: str,
    *,
    reason: str,
    expected: int,
    by: Actor,
    now: datetime | None = None,
) -> Replacement:
    """Ends an active booking that has not begun, and gives its slot to an entry of the waiting
    list.

    For a principal or a delegate, as ``replace_booking``, in one transaction: nobody is faster. The
    former booking is revoked, or rejected where it is Pending, for ``reason``. The new one is
    Pending, by the author of the entry and by the rules of ``book``. ``expected`` is the revision
    of the booking that the user saw. Sent again, it answers as the first time. Raises
    ChangedMeanwhile too where the entry waits no more, NotFound, InvalidRequest for one that does
    not wait for a part of this slot, and as ``replace_booking`` does. An error leaves everything as
    it was.
    """
    rules.check_actor(by)
    booking_id, entry_id = check_booking_id(booking_id), check_booking_id(entry_id)
    reason = check_reason(reason)
    check_revision(expected, "expected")
    now, zone = moment(db, now), settings_of(db).zone
    if (found := store.read(db, entry_id)) is None:
        raise NotFound("waiting entry", entry_id)
    entry, status = found
    before = existing_booking(db, booking_id)
    if (made := bookings.read(db, entry_id)) is not None:
        ground_id = made.ground_id  # sent again: it answers as the first time
    elif status != store.WAITING or entry.is_over(now, zone):
        raise ChangedMeanwhile(_ENTRY)
    else:
        slots = day_board(db, before.date, now).slots_after(before, entry)
        if not slots:
            raise InvalidRequest("entry_id", "does not wait for what this booking holds")
        ground_id = slots[0].ground_id
    if (author := author_of(db, entry)) is None:
        raise InvalidRequest("entry_id", "is of an account that is disabled")
    done = replace_by(
        db,
        booking_id,
        Successor(entry.id, entry.on(ground_id), author, as_approved=False),
        reason=reason,
        expected=expected,
        move_to=None,
        by=by,
        now=now,
        is_at_its_slot=False,
    )
    try:
        if store.end(db, entry, "promoted"):
            return done
        left = store.read(db, entry_id)
    except StoreUnavailable:
        return done  # it is given; the entry ends at the next look, as after any promotion
    # The author has left the waiting list meanwhile: the new booking is deleted, and the former
    # booking has its slot and status again.
    if (left is None or left[1] != "promoted") and take_back(db, before, done):
        raise ChangedMeanwhile(_ENTRY)
    return done
