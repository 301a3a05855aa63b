"""What lists show beside bookings: closings, notices and entries of the audit. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date as Date
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from booking_core.domain.clock import at as moment_of
from booking_core.domain.model import Booking, Slot


@dataclass(frozen=True, slots=True)
class Closure:
    """A closing as a list shows it: grounds from ``first`` to ``last``, ``start`` to ``end``.

    ``id`` lifts it. The times are those of its last day; 00:00 to 00:00 is the whole day.
    ``days``: how many of these days it closes. ``in_parts``: bookings stay in between.
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
    days: int
    in_parts: bool

    def starts_at(self, zone: ZoneInfo) -> datetime:
        """The moment at which the closure of the first day begins (aware)."""
        return moment_of(self.first, self.start, zone)

    def ends_at(self, zone: ZoneInfo) -> datetime:
        """The moment at which the closure of the last day ends (aware)."""
        return moment_of(self.last, self.end, zone, closing=True)


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice, as facts; ``at`` is aware (UTC).

    ``kind`` is ``displaced`` by a closure, by the retirement of its ground, which may also have
    moved it, or by a swap, ``reinstated``, ``promoted`` by the waiting list, or ``approved``,
    ``rejected``, ``revoked``, ``cancelled``, ``moved``, ``ended_early``, ``party_changed``,
    ``lapsed``, ``undone``, by somebody else than its author. ``question``: it waits for an answer;
    ``answered``: to who asked, too.
    ``swap_offered``: for this booking; ``swap_declined``: of an offer to swap it.
    ``slot`` is the slot that the reader knows: before a move or an early end, else the booking's
    own. ``booking`` is the booking as it is now, None when it is not stored any more.
    """

    id: str
    at: datetime
    to: str
    kind: str
    booking_id: str
    slot: Slot
    reason: str
    by_name: str
    read: bool
    booking: Booking | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """``by`` did ``action`` to the ``what`` named ``id``; ``at`` is aware (UTC).

    ``on_behalf_of`` is the name of the principal if a delegate decided, else "". ``details`` are
    facts: for a booking its slot after the change, the reason, ``moved_from``, and ``correction``
    for a change of the past. ``place`` is the position in the list, for the next page.
    """

    at: datetime
    by: str
    by_name: str
    on_behalf_of: str
    action: str
    what: str
    id: str
    details: Mapping[str, Any] = field(default_factory=dict, compare=False)
    place: tuple[datetime, str, int] | None = None
