"""A database of the first version with many bookings: the time of its migration."""

from __future__ import annotations

import itertools

from booking_core import ensure_schema
from booking_core.domain.model import Booking
from booking_core.storage.client.database import BookingDatabase
from booking_core.storage.schema import indexes, migrations, schema

from . import school
from .measure import Result, milliseconds, say

BOOKINGS = 200_000
_CELL_MINUTES = 15


def measure(db: BookingDatabase, like: Booking, count: int = BOOKINGS) -> Result:
    """Turns the empty ``db`` into one of the first version with ``count`` bookings; migrates it."""
    say(f"migration of {count:,} bookings")
    _make_first_version(db, like, count)
    took = milliseconds(lambda: ensure_schema(db)) / 1000
    if indexes.index_faults(db) or migrations.version(db) != schema.VERSION:
        raise RuntimeError("the database is not migrated")
    return Result(f"migration of {count:,} bookings", took, None, "s")


def _make_first_version(db: BookingDatabase, like: Booking, count: int) -> None:
    bookings = db[schema.BOOKINGS]
    bookings.drop_indexes()
    db.command("collMod", schema.BOOKINGS, validator={})
    rows = school.history(count, like)
    while chunk := list(itertools.islice(rows, school.CHUNK)):
        for row in chunk:
            del row["claims"]
            first = 60 * int(row["start"][:2]) // _CELL_MINUTES
            row["cells"] = list(range(first, first + 60 // _CELL_MINUTES))
        bookings.insert_many(chunk, ordered=False)
    for name in ("newest_by_date", "newest_by_ground_id", "changes"):
        bookings.create_index(list(schema.LISTING_INDEXES[name].items()), name=name)
    db[schema.META].update_one({"_id": "revision"}, {"$unset": {"schema": ""}})
