"""What it means when an index refuses a claim: who was faster, since when, and what is free.

A refusal itself says no more than the name of the index; this is read back from the database, so
that the error can name the holder.
"""

from __future__ import annotations

from datetime import date as Date
from datetime import datetime, time
from functools import cache

from booking_core import boards
from booking_core.availability import Availability, nearest
from booking_core.errors import GroundClosed, SlotTaken, StoreUnavailable, StudentBusy
from booking_core.model import Booking, Slot
from booking_core.store import documents as d
from booking_core.store import ledger, reference, schema
from booking_core.store.database import Documents


class Holder:
    """Who holds a slot, and what else is free that day: enough to answer all who want it.

    Thirty losers of one race share it, so what is the same for all is worked out once. ``day``
    None: it could not be read; the slot is taken all the same.
    """

    def __init__(self, booking: Booking, day: Availability | None) -> None:
        self.booking, self._day = booking, day
        self._free_instead = None if day is None else cache(day.free_instead)

    def lost(self, wanted: d.Document) -> GroundClosed | SlotTaken:
        """What to tell whoever wanted ``wanted``."""
        if self.booking.kind == "closure" and wanted["kind"] == "booking":
            return GroundClosed(self.booking.ground_id, self.booking.purpose)
        slot = Slot(
            wanted["ground_id"],
            Date.fromisoformat(wanted["date"]),
            time.fromisoformat(wanted["start"]),
            time.fromisoformat(wanted["end"]),
        )
        # When the holder took this slot: its last move, or else its making.
        taken = [e.at for e in self.booking.history if e.action in ("requested", "moved", "closed")]
        return SlotTaken(
            slot.ground_id,
            slot.date,
            slot.start,
            slot.end,
            self.booking,
            taken[-1] if taken else self.booking.created_at,
            self._alternatives(slot, wanted),
        )

    def _alternatives(self, slot: Slot, wanted: d.Document) -> list[Slot]:
        if self._day is None or self._free_instead is None or wanted["kind"] != "booking":
            return []
        own, student = wanted["_id"], wanted["student_id"]
        busy = {c for (_, c), (id, who) in self._day.held.items() if who == student and id != own}
        return nearest(self._free_instead(slot, wanted["game"]), busy)


def holder_after_win(
    db: Documents, known: reference.Reference, booking: Booking, now: datetime
) -> Holder:
    """What those who wait behind ``booking``, just inserted, need to know."""
    return Holder(booking, _day(db, known, booking.date, now))


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
    return Holder(booking, _day(db, known, booking.date, now))


def explain(
    db: Documents, refused: ledger.IndexRefused, holder: Holder | None, wanted: d.Document
) -> None:
    """Raises what the refusal means; returns when the cause is gone, so that a retry may win."""
    # A slot that is gone matters more than a full week: the user can only mend the first by
    # choosing another, so the holder counts for every refusal.
    if holder is not None:
        raise holder.lost(wanted)
    if refused.index == schema.ONE_PLACE_PER_STUDENT:
        cells = set(wanted["cells"])
        for other in ledger.of_student(db, wanted["student_id"], [wanted["date"]], wanted["_id"]):
            if cells & set(other["cells"]):
                raise StudentBusy(d.to_booking(other))


def _day(
    db: Documents, known: reference.Reference, date: Date, now: datetime
) -> Availability | None:
    try:
        return boards.availability(db, known, date, now)
    except StoreUnavailable:
        return None
