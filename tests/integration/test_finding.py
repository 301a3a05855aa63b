"""The pages of the Bookings screen: each booking on one of them, whatever else was made then."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support import DAY, NOW, booked

from booking_core import Status, find_bookings
from booking_core.storage import schema


@pytest.fixture
def crowd(db):
    """As imports make them: a hundred and fifty of one moment, a few before and after."""
    row = db[schema.BOOKINGS].find_one({"_id": booked(db).id})
    del row["quota"]
    rows = [
        row
        | {
            "_id": f"{n * 7919 % 1000:03d}",  # in no order
            "status": "Cancelled" if n % 3 else "Rejected",
            "ground_id": f"ground-{1 + n % 2}",
            "created_at": NOW + timedelta(milliseconds=n // 50 if n < 50 or n >= 200 else 1),
        }
        for n in range(250)
    ]
    db[schema.BOOKINGS].delete_many({})
    db[schema.BOOKINGS].insert_many(rows)
    return db, sorted(rows, key=lambda r: (r["created_at"], r["_id"]), reverse=True)


PAGED = (
    ({}, {}),
    ({"ground_id": "ground-2"}, {"ground_id": "ground-2"}),
    ({"status": Status.REJECTED}, {"status": "Rejected"}),
    ({"date_from": DAY, "date_to": DAY, "created_by": "meera"}, {}),
)


def test_bookings_of_one_moment_are_each_on_one_page(crowd):
    db, rows = crowd

    for filters, condition in PAGED:
        expected = [r["_id"] for r in rows if condition.items() <= r.items()]
        for size in (7, 50):
            seen, after = [], None
            while page := find_bookings(db, **filters, limit=size, after=after):
                seen += [booking.id for booking in page]
                after = page[-1]
                assert len(seen) <= len(expected)
            assert seen == expected, (filters, size)
