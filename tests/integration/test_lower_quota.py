"""A lowered quota: the last day on which a free seat does not prove that the quota has room."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from support import ADMIN, DAY, MEERA, NOW, booked

from booking_core import Policy, QuotaReached, cancel, connect, load_reference, save_policy

TODAY = DAY - timedelta(days=1)
BEFORE = Policy(advance_days=30, quota=2)


@pytest.fixture
def saved(db):
    """A school whose policy was saved once; the quota was never lowered."""
    save_policy(db, BEFORE, by=ADMIN, now=NOW)
    return db


@pytest.mark.parametrize(
    ("before", "after"),
    [(BEFORE, Policy(quota=1)), (Policy(quota=None), Policy(quota=5))],
    ids=["lowered", "set where there was none"],
)
def test_a_lower_quota_records_the_last_day_that_was_open_for_booking(saved, before, after):
    save_policy(saved, before, by=ADMIN, now=NOW)

    save_policy(saved, after, by=ADMIN, now=NOW)

    assert load_reference(saved).recount_until == TODAY + timedelta(days=30)


@pytest.mark.parametrize("after", [Policy(quota=3), Policy(quota=None), Policy(lead_minutes=60)])
def test_a_quota_that_is_not_lowered_records_no_day(saved, after):
    save_policy(saved, after, by=ADMIN, now=NOW)

    assert load_reference(saved).recount_until is None


def test_a_booking_beyond_the_window_extends_the_recorded_day(saved):
    far = booked(saved, on=TODAY + timedelta(days=30))
    save_policy(saved, Policy(advance_days=5, quota=3), by=ADMIN, now=NOW)

    save_policy(saved, Policy(advance_days=5, quota=1), by=ADMIN, now=NOW)

    assert load_reference(saved).recount_until == far.date


def test_a_cancelled_booking_does_not_extend_the_recorded_day(saved):
    far = booked(saved, on=TODAY + timedelta(days=30))
    save_policy(saved, Policy(advance_days=5), by=ADMIN, now=NOW)
    cancel(saved, far.id, by=ADMIN, now=NOW)

    save_policy(saved, Policy(advance_days=5, quota=1), by=ADMIN, now=NOW)

    assert load_reference(saved).recount_until == TODAY + timedelta(days=5)


def test_lowering_the_quota_again_never_moves_the_recorded_day_back(saved):
    save_policy(saved, Policy(advance_days=3, quota=2), by=ADMIN, now=NOW)
    save_policy(saved, Policy(advance_days=300, quota=2), by=ADMIN, now=NOW)
    save_policy(saved, Policy(advance_days=0, quota=1), by=ADMIN, now=NOW)

    save_policy(saved, Policy(advance_days=0, quota=None), by=ADMIN, now=NOW)
    save_policy(saved, Policy(advance_days=0, quota=1), by=ADMIN, now=NOW)

    assert load_reference(saved).recount_until == TODAY + timedelta(days=300)


def test_a_quota_that_the_configuration_lowers_holds_in_the_weeks_that_have_bookings(make_db):
    db = make_db(quota=5)
    first, *_ = [booked(db, start=hour) for hour in (8, 9, 10)]
    cancel(db, first.id, by=MEERA, now=NOW)

    lower = connect(replace(db.booking_settings, quota=2))

    with pytest.raises(QuotaReached):
        booked(lower, start=14)
    assert load_reference(lower).recount_until == DAY
    lower.client.close()
