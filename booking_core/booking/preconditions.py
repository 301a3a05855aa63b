"""Preconditions that the verbs on one booking share."""

from __future__ import annotations

from booking_core.domain.errors import AlreadyDecided, InvalidRequest, NotFound
from booking_core.domain.model import Actor, Booking
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.bookings.queries import of_ids
from booking_core.storage.client.database import Documents
from booking_core.storage.client.transactions import snapshot

# A slot that is freed and taken again between a write and the look at its holder is tried anew,
# this often: each round needs another user to win and to leave within a millisecond.
ROUNDS = 5


def existing_booking(db: Documents, booking_id: str) -> Booking:
    """The stored booking; raises NotFound, and InvalidRequest for the id of a closure."""
    return _checked(bookings.read(db, booking_id), booking_id)


def existing_pair(db: Documents, ids: tuple[str, str]) -> tuple[Booking, Booking]:
    """As ``existing_booking`` of each, both as of one moment.

    Read one after the other, two bookings that are swapped meanwhile could have the same slot.
    """
    found = {one.id: one for one in snapshot(db, lambda session: of_ids(db, ids, session))}
    first, second = (_checked(found.get(id), id) for id in ids)
    return first, second


def _checked(found: Booking | None, booking_id: str) -> Booking:
    if found is None:
        raise NotFound("booking", booking_id)
    if found.kind != "booking":
        raise InvalidRequest("booking_id", "is a closure, which can only be lifted")
    return found


def is_repeated(booking: Booking, action: str, by: Actor, reason: str = "") -> bool:
    """Whether ``by`` gave ``booking`` its present status by this action with this reason.

    A user who got no answer sends a verb again, and is answered as the first time.
    """
    last = booking.last_decision
    return (last.action, last.by, last.reason) == (action, by.id, reason)


def already_decided(booking: Booking) -> AlreadyDecided:
    """The error that names who gave ``booking`` its present status, and when."""
    last = booking.last_decision
    return AlreadyDecided(booking.status, last.by_name, last.at)
