"""What is held on several days, by one aggregation: surfaces and times, without the bookings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date as Date
from datetime import time
from typing import Any

from booking_core.domain.model import Booking
from booking_core.storage import readable as r
from booking_core.storage.bookings import queries
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import Document
from booking_core.storage.schema import schema


@dataclass(frozen=True, slots=True)
class Hold:
    """The surfaces that an active booking or closure holds from ``start`` to ``end``.

    ``kind`` and ``held_surfaces`` as in ``Booking``.
    """

    held_surfaces: tuple[str, ...]
    start: time
    end: time
    kind: str

    @classmethod
    def of(cls, booking: Booking) -> Hold:
        return cls(booking.held_surfaces, booking.start, booking.end, booking.kind)


def pipeline(dates: Iterable[Date]) -> list[dict[str, Any]]:
    held = {
        "surfaces": {"$ifNull": ["$surfaces", ["$ground_id"]]},
        "start": "$start",
        "end": "$end",
        "kind": "$kind",
    }
    return [
        {"$match": {"date": {"$in": [date.isoformat() for date in dates]}, **schema.HOLDS}},
        {"$group": {"_id": "$date", "held": {"$push": held}}},
    ]


def held_on(db: Documents, dates: Iterable[Date]) -> dict[Date, tuple[Hold, ...]]:
    """What is held on each of ``dates``, on every ground, retired ones too.

    Raises StoreUnavailable.
    """
    found: dict[Date, tuple[Hold, ...]] = dict.fromkeys(dates, ())
    with reachable():
        rows = list(collection(db, schema.BOOKINGS).aggregate(pipeline(found), hint=schema.BY_DAY))
    unreadable = []
    for row in rows:
        date, held = Date.fromisoformat(row["_id"]), row["held"]
        found[date] = tuple(r.readable(schema.BOOKINGS, _hold, held))
        if len(found[date]) < len(held):
            unreadable.append(date)
    # A booking that cannot be read holds what it claims, as on the board of its day.
    for date, bookings in queries.of_dates(db, unreadable).items() if unreadable else ():
        found[date] = tuple(map(Hold.of, bookings))
    return found


def _hold(row: Document) -> Hold:
    start, end = r.time_of_day(row, "start"), r.time_of_day(row, "end")
    return Hold(r.texts(row, "surfaces"), start, end, r.text(row, "kind"))
