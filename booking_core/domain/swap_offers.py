"""An offer to swap two bookings of two authors. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from booking_core.domain.model import Booking, Slot


@dataclass(frozen=True, slots=True)
class SwapOffer:
    """The author ``by`` of the booking ``given_id`` would have the slot of ``wanted_id`` for it.

    ``to`` is the account of the author of ``wanted_id``, who answers. ``slots`` (booking id ->
    slot) are those that were offered; where a booking has another one by now, the offer is over.
    ``at`` is aware (UTC). ``given`` and ``wanted`` are the bookings as they are now, where
    ``swap_offers`` has read them.
    """

    id: str
    given_id: str
    wanted_id: str
    slots: Mapping[str, Slot]
    at: datetime
    by: str
    by_name: str
    to: str
    reason: str
    given: Booking | None = None
    wanted: Booking | None = None

    def is_over(self, bookings: Mapping[str, Booking], now: datetime, zone: ZoneInfo) -> bool:
        """Whether nobody can accept it any more: a booking was changed, has begun or ended."""
        return any(
            (booking := bookings.get(id)) is None
            or not booking.status.is_active
            or booking.slot != slot
            or slot.has_begun(now, zone)
            for id, slot in self.slots.items()
        )
