"""A backup of many bookings: its time, the memory that it takes, and the size of its file."""

from __future__ import annotations

import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

from booking_core.domain.model import Booking
from booking_core.operations import backups
from booking_core.storage.client.database import BookingDatabase

from . import school
from .measure import Result, milliseconds, say

BOOKINGS = 200_000


def measurements(db: BookingDatabase, like: Booking, count: int = BOOKINGS) -> Iterator[Result]:
    """Fills ``db`` with ``count`` bookings, and backs it up twice: memory slows the second."""
    say(f"backup of {count:,} bookings")
    school.seed(db, count, like)
    with tempfile.TemporaryDirectory(prefix="ground-booking-backup-") as directory:
        file = Path(directory) / "school.gz"
        took = milliseconds(lambda: backups.write(db, file)) / 1000
        yield Result(f"backup of {count:,} bookings", took, None, "s")
        yield Result("its file", file.stat().st_size / 1e6, None, "MB")
        tracemalloc.start()
        try:
            backups.write(db, file)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        yield Result("memory of the app that it takes at most", peak / 1e6, None, "MB")
