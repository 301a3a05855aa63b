"""The quota of a week: bookings take seats, keep them over a move, and release them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from support import DAY, MEERA, NOW, active, booked

from booking_core import QuotaReached, cancel, get_booking, move


def test_the_quota_counts_active_bookings_of_an_iso_week(db):
    first = booked(db, start=9)
    booked(db, start=10)

    with pytest.raises(QuotaReached) as refused:
        booked(db, on=date(2026, 11, 29), start=11)
    booked(db, on=date(2026, 11, 30), start=11)
    cancel(db, first.id, by=MEERA, now=NOW)
    again = booked(db, on=date(2026, 11, 29), start=11)

    error = refused.value
    assert (error.student_id, error.window, error.quota) == ("S000", "2026-W48", 2)
    assert again.quota_seat == 0  # the released seat


def test_a_week_across_the_new_year_has_one_quota(db):
    now = datetime(2026, 12, 20, tzinfo=UTC)
    booked(db, on=date(2026, 12, 31), start=9, now=now)
    booked(db, on=date(2027, 1, 1), start=9, now=now)

    with pytest.raises(QuotaReached) as refused:
        booked(db, on=date(2027, 1, 3), start=9, now=now)

    assert refused.value.window == "2026-W53"


def test_a_move_into_a_full_week_is_refused_and_within_the_week_is_not(db):
    next_week = DAY + timedelta(days=7)
    booked(db, on=next_week, start=8)
    booked(db, on=next_week, start=9)
    mine = booked(db, start=9)
    booked(db, start=10)

    with pytest.raises(QuotaReached):
        move(db, mine.id, date=next_week, start=time(12), end=time(13), by=MEERA, now=NOW)
    moved = move(db, mine.id, start=time(12), end=time(13), by=MEERA, now=NOW)

    assert moved.start == time(12)
    assert moved.quota_seat == mine.quota_seat


def test_a_move_to_another_week_takes_a_seat_there_and_releases_the_old_one(db):
    next_week = DAY + timedelta(days=7)
    booked(db, on=next_week, start=8)
    mine, _ = booked(db, start=9), booked(db, start=10)

    moved = move(db, mine.id, date=next_week, by=MEERA, now=NOW)
    booked(db, start=11)

    assert (moved.quota_window, moved.quota_seat) == ("2026-W49", 1)


@pytest.fixture
def lowered(make_db):
    """A school that allowed three a week, and the same school with a quota of two."""
    before = make_db(quota=3)
    return before, make_db(quota=2, database=before.name, school=False)


def test_a_lowered_quota_counts_seats_above_it(lowered):
    before, now = lowered
    _, second, _ = (booked(before, start=hour) for hour in (9, 10, 11))
    cancel(now, second.id, by=MEERA, now=NOW)

    with pytest.raises(QuotaReached) as refused:
        booked(now, start=12)

    assert refused.value.quota == 2
    assert {row["quota"]["seat"] for row in active(now)} == {0, 2}


def test_a_lowered_quota_counts_seats_above_it_for_a_move_too(lowered):
    before, now = lowered
    mine = booked(now, start=9)
    next_week = DAY + timedelta(days=7)
    _, second, _ = (booked(before, on=next_week, start=hour) for hour in (9, 10, 11))
    cancel(now, second.id, by=MEERA, now=NOW)

    with pytest.raises(QuotaReached):
        move(now, mine.id, date=next_week, start=time(12), end=time(13), by=MEERA, now=NOW)

    assert get_booking(now, mine.id) == mine


def test_after_a_lowered_quota_the_first_seat_is_taken_again_once_and_no_more(lowered):
    before, now = lowered
    first, *_ = (booked(before, start=hour) for hour in (9, 10, 11))
    cancel(now, first.id, by=MEERA, now=NOW)

    again = booked(now, start=12)
    for hour in (13, 14):
        with pytest.raises(QuotaReached):
            booked(now, start=hour)

    assert again.quota_seat == 0
    assert len(active(now)) == 3
