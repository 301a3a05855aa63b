"""What it means when an index refuses a claim: who was faster, since when, and what is free.

A refusal itself says no more than the name of the index; this is read back from the database, so
that the error can name the holder.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date as Date
from datetime import datetime, time
from functools import cache, cached_property
from typing import NamedTuple

from booking_core.booking import boards
from booking_core.domain.availability import Availability, nearest
from booking_core.domain.errors import GroundClosed, SlotTaken, StoreUnavailable, StudentBusy
from booking_core.domain.model import Booking, BookingRequest, Slot
from booking_core.storage import booking_queries, schema
from booking_core.storage import bookings as ledger
from booking_core.storage import documents as d
from booking_core.storage import school_data as reference
from booking_core.storage.database import Documents

_TAKING = ("requested", "moved", "closed", "reinstated")  # actions that take a slot


class Wanted(NamedTuple):
    """A claim that was refused. ``student_id`` and ``game`` are None and "" of a closure."""

    id: str
    kind: str
    slot: Slot
    student_id: str | None
    game: str

    @classmethod
    def of(cls, booking_id: str, request: BookingRequest) -> Wanted:
        slot = Slot(request.ground_id, request.date, request.start, request.end)
        return cls(booking_id, "booking", slot, request.student_id, request.game)

    @classmethod
    def of_document(cls, wanted: d.Document) -> Wanted:
        slot = Slot(
            wanted["ground_id"],
            Date.fromisoformat(wanted["date"]),
            time.fromisoformat(wanted["start"]),
            time.fromisoformat(wanted["end"]),
        )
        return cls(wanted["_id"], wanted["kind"], slot, wanted.get("student_id"), wanted["game"])


class Holder:
    """Who holds a slot, and what else is free that day: enough to answer all who want it.

    Thirty losers of one race share it, so what is the same for all is worked out once. ``known``
    is the reference data that they are judged by. ``day`` None: it could not be read; the slot is
    taken all the same.
    """

    def __init__(
        self, known: reference.Reference, booking: Booking, day: Availability | None
    ) -> None:
        self.known, self.booking, self._day = known, booking, day
        self._free_instead = None if day is None else cache(day.free_instead)
        # When the holder took this slot: its last move, or else its making.
        taken = [e.at for e in booking.history if e.action in _TAKING]
        self._since = taken[-1] if taken else booking.created_at

    def lost(self, wanted: Wanted) -> GroundClosed | SlotTaken:
        """What to tell whoever wanted ``wanted``."""
        if self.booking.kind == "closure" and wanted.kind == "booking":
            return GroundClosed(self.booking.ground_id, self.booking.purpose)
        slot = wanted.slot
        return SlotTaken(
            slot.ground_id,
            slot.date,
            slot.start,
            slot.end,
            self.booking,
            self._since,
            self._alternatives(wanted),
        )

    def _alternatives(self, wanted: Wanted) -> list[Slot]:
        if self._free_instead is None or wanted.kind != "booking":
            return []
        busy = [c for id, c in self._cells_of.get(wanted.student_id, ()) if id != wanted.id]
        return nearest(self._free_instead(wanted.slot, wanted.game), busy)

    @cached_property
    def _cells_of(self) -> dict[str | None, list[tuple[str, int]]]:
        """Student -> (booking id, cell) that the student has that day."""
        found: defaultdict[str | None, list[tuple[str, int]]] = defaultdict(list)
        for (_, cell), (booking_id, student) in self._day.held.items() if self._day else ():
            found[student].append((booking_id, cell))
        return found


def holder_after_win(
    db: Documents, known: reference.Reference, booking: Booking, now: datetime
) -> Holder:
    """What those who wait behind ``booking``, just inserted, need to know."""
    return Holder(known, booking, _day(db, known, booking.date, now))


def holder_of(
    db: Documents, known: reference.Reference, wanted: d.Document, now: datetime
) -> Holder | None:
    """Who else holds a cell of what was ``wanted``; None when nobody does any more."""
    found = ledger.holder_of_slot(
        db, wanted["ground_id"], wanted["date"], wanted["cells"], wanted["_id"]
    )
    if found is None:
        return None
    booking = d.to_booking(found)
    return Holder(known, booking, _day(db, known, booking.date, now))


def explain(
    db: Documents, refused: ledger.IndexRefused, holder: Holder | None, wanted: d.Document
) -> None:
    """Raises what the refusal means; returns when the cause is gone, so that a retry may win."""
    # A slot that is gone matters more than a full week: the user can only mend the first by
    # choosing another, so the holder counts for every refusal.
    if holder is not None:
        raise holder.lost(Wanted.of_document(wanted))
    if refused.index == schema.ONE_PLACE_PER_STUDENT:
        cells = set(wanted["cells"])
        for other in booking_queries.of_student(
            db, wanted["student_id"], [wanted["date"]], wanted["_id"]
        ):
            if cells & set(other["cells"]):
                raise StudentBusy(d.to_booking(other))


def _day(
    db: Documents, known: reference.Reference, date: Date, now: datetime
) -> Availability | None:
    try:
        return boards.availability(db, known, date, now)
    except StoreUnavailable:
        return None
