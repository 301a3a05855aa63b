"""Reads of series: their dates, those that can be cancelled, and the queue by series."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date as Date
from datetime import datetime

from booking_core.domain import series
from booking_core.domain.errors import NotFound
from booking_core.domain.model import Booking
from booking_core.domain.validation import check_booking_id, check_date
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline


@within_deadline
def find_series(db: Documents, series_id: str) -> tuple[Booking, ...]:
    """The bookings of a series in any status, by date. Raises NotFound, InvalidRequest."""
    found = booking_queries.of_series(db, check_booking_id(series_id, "series_id"))
    if not found:
        raise NotFound("series", series_id)
    return tuple(found)


@within_deadline
def series_ahead(
    db: Documents, series_id: str, *, from_date: Date | None = None, now: datetime | None = None
) -> tuple[Booking, ...]:
    """The bookings that ``cancel_series`` with this ``from_date`` would cancel, by date.

    Raises NotFound, InvalidRequest, StoreUnavailable.
    """
    if from_date is not None:
        check_date(from_date, "from_date")
    found = find_series(db, series_id)
    return tuple(series.ahead(found, moment(db, now), settings_of(db).zone, from_date))


@within_deadline
def waiting_rows(
    db: Documents, requests: Iterable[Booking], *, is_whole: bool, now: datetime | None = None
) -> list[tuple[Booking, ...]]:
    """The ``requests`` that wait, in their order; those of one series are one row.

    A row is what ``approve_series`` and ``reject_series`` expect: a series has all its waiting
    dates. Where ``requests`` are not the whole queue, those that are missing are read. Raises
    StoreUnavailable.
    """
    now, zone = moment(db, now), settings_of(db).zone
    rows = series.by_series(requests, now, zone)
    if not is_whole:
        ids = {row[0].series for row in rows.values() if row[0].series is not None}
        stored = series.by_series(booking_queries.pending_of_series(db, ids), now, zone)
        # What was decided since ``requests`` were read is in no row.
        rows = {id: stored.get(id, ()) if row[0].series else row for id, row in rows.items()}
    return [row for row in rows.values() if row]
