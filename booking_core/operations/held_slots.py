"""Finds the stored booking that conflicts with a booking of an imported file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from booking_core.domain.claims import QUOTA, STUDENT, claims_of, kind_of
from booking_core.domain.model import Booking
from booking_core.storage.bookings import queries
from booking_core.storage.client.database import Documents


class HeldSlots:
    """Active bookings by the claims that they hold."""

    def __init__(self, bookings: Iterable[Booking] = ()) -> None:
        self._held: dict[str, Booking] = {}
        for booking in bookings:
            self.add(booking)

    def add(self, booking: Booking) -> None:
        self._held |= dict.fromkeys(claims_of(booking), booking)

    def reason(self, wanted: Booking) -> str | None:
        """Names the booking that conflicts with ``wanted``; None when there is none."""
        kind, holder = self.conflict(wanted)
        if holder is None:
            return None
        span = f"{holder.start:%H:%M}-{holder.end:%H:%M}"
        if kind == STUDENT:
            return f"{wanted.party_name} is on {holder.ground_id} then ({span})"
        who = holder.party_name or f"a closure ({holder.purpose})"
        return f"the slot is held by {who}, {span} ({holder.status.value})"

    def conflict(self, wanted: Booking) -> tuple[str, Booking | None]:
        """The kind of the first claim of ``wanted`` that another booking holds, and that booking.

        A seat of the quota is no conflict: another one is claimed.
        """
        for claim in claims_of(wanted):
            holder = self._held.get(claim)
            if holder is not None and holder.id != wanted.id and kind_of(claim) != QUOTA:
                return kind_of(claim), holder
        return "", None


def held_slots_of(db: Documents, wanted: Sequence[Booking]) -> HeldSlots:
    """The stored bookings that hold what ``wanted`` claim."""
    return HeldSlots(queries.holders(db, (claim for one in wanted for claim in claims_of(one))))
