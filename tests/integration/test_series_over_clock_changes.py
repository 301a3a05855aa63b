"""A series over the night in which the clocks change: each date is at the same local time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from calendar_reading import events_of, texts, zone_of
from support import MEERA, active, assert_sound, booked, request_for

from booking_core import SeriesRequest, SlotTaken, book_series
from booking_core.domain.claims import claims_of
from booking_core.storage.client.database import BookingDatabase

LONDON = ZoneInfo("Europe/London")
WEEKS = (-2, -1, 0, 1)  # around the Sunday on which the clocks change
BACK, FORWARD = date(2026, 10, 25), date(2027, 3, 28)


@pytest.mark.parametrize(
    ("change", "hours_utc"),
    [
        pytest.param(BACK, [8, 8, 9, 9], id="back"),
        pytest.param(FORWARD, [9, 9, 8, 8], id="forward"),
    ],
)
def test_every_date_is_at_the_same_local_time_in_the_claims_and_in_the_calendar(
    make_db: Callable[..., BookingDatabase], change: date, hours_utc: list[int]
) -> None:
    db = make_db(time_zone="Europe/London", quota=None)
    now = datetime.combine(change, time(6), UTC) - timedelta(days=20)
    dates = [change + timedelta(weeks=n) for n in WEEKS]
    request = SeriesRequest(request_for(student=1, on=dates[0]), count=len(dates))

    made = book_series(db, request, by=MEERA, submission_id=uuid4(), now=now)

    assert [b.date for b in made.bookings] == dates
    assert {(b.start, b.end) for b in made.bookings} == {(time(9), time(10))}
    starts = [b.slot.starts_at(LONDON).astimezone(UTC).hour for b in made.bookings]
    assert starts == hours_utc
    stored = {row["_id"]: row["claims"] for row in active(db)}
    for booking in made.bookings:
        assert stored[booking.id] == claims_of(booking)
        assert f"ground|ground-1|{booking.date}|108" in stored[booking.id]  # 9:00
    for name in ("ground", "own", "school"):
        text = texts(db, now)[name]
        events, zone = events_of(text), zone_of(text)
        for booking, hour in zip(made.bookings, hours_utc, strict=True):
            event = events[f"{booking.id}@ground-booking"]
            begins, ends = (event[key].dt.replace(tzinfo=None) for key in ("DTSTART", "DTEND"))
            assert (begins, ends) == tuple(
                datetime.combine(booking.date, at) for at in (time(9), time(10))
            )
            assert begins.replace(tzinfo=zone).astimezone(UTC).hour == hour
    for on in dates:
        with pytest.raises(SlotTaken):
            booked(db, student=2, on=on, start=9, now=now)
        for hour in (8, 10):
            booked(db, student=2, on=on, start=hour, now=now)
    assert_sound(db)
