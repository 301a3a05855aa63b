"""A past day is judged by its own timetable and grounds."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from support import ADMIN, DAY, GROUNDS, HEAD, HOURLY, NOW, at_once, booked

from booking_core import (
    Ground,
    Period,
    Student,
    Timetable,
    add_ground,
    change_ground,
    connect,
    delete_day,
    save_days,
    save_ground,
    save_policy,
    save_students,
    save_timetable,
)
from booking_core.domain.policy import Policy
from booking_core.reports import usage
from booking_core.school.history import plans_between
from booking_core.storage.schema import schema

MONTH = timedelta(days=30)
SET_UP = NOW - MONTH
TODAY = date(2026, 11, 23)
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
SHORT = (Period("I", time(9), time(10)),)


def at(day: date) -> datetime:
    return datetime.combine(day, time(6), tzinfo=UTC)


@pytest.fixture
def old(make_db):
    """A school that was set up a month ago, in several steps of one day."""
    db = make_db(school=False)
    for ground in GROUNDS:
        save_ground(db, ground, now=SET_UP)
    save_timetable(db, HOURLY, now=SET_UP)
    save_timetable(db, Timetable("exam", SHORT), now=SET_UP)
    return db


def periods(db, day):
    return plans_between(db, day, day)[day].plan.periods


def grounds(db, day):
    return [ground.name for ground in plans_between(db, day, day)[day].grounds]


def test_a_timetable_changed_today_does_not_affect_past_days(old):
    week = TODAY - timedelta(days=7)

    save_timetable(old, Timetable("regular", SHORT, tuple(range(7))), by=ADMIN, now=NOW)

    found = plans_between(old, week, TOMORROW)
    assert list(found) == [week + timedelta(days=n) for n in range(9)]
    assert {day for day, had in found.items() if had.plan.periods == SHORT} == {TODAY, TOMORROW}
    assert all(found[day].plan.periods == HOURLY.periods for day in found if day < TODAY)


def test_a_change_of_today_keeps_the_usage_of_last_week(old):
    week = {"first": TODAY - timedelta(days=7), "last": YESTERDAY, "by": HEAD}
    save_students(old, [Student("S001", "Asha", "8-A")])
    booked(old, student="S001", on=YESTERDAY, now=at(YESTERDAY) - timedelta(days=2))
    before = usage(old, **week)

    save_timetable(old, Timetable("regular", SHORT, tuple(range(7))), by=ADMIN, now=NOW)
    change_ground(old, "ground-3", retired=True, by=ADMIN, now=NOW)

    assert usage(old, **week) == before
    assert before.total.open == 7 * 3 * len(HOURLY.periods)


def test_a_ground_retired_or_added_today_counts_as_before_on_past_days(old):
    change_ground(old, "ground-3", retired=True, by=ADMIN, now=NOW)
    change_ground(old, "ground-1", name="Main ground", by=ADMIN, now=NOW)
    add_ground(old, "Nets", ("Cricket",), by=ADMIN, now=NOW)

    assert grounds(old, YESTERDAY) == ["Ground 1", "Ground 2", "Ground 3"]
    assert grounds(old, TODAY) == ["Main ground", "Ground 2", "Nets"]


def test_a_past_day_keeps_the_plan_of_its_evening(old):
    save_days(old, [TODAY], timetable_id=None, note="Strike", by=ADMIN, now=NOW)
    save_days(old, [TODAY], timetable_id="exam", by=ADMIN, now=NOW + timedelta(hours=2))
    delete_day(old, TODAY, by=ADMIN, now=at(TOMORROW))  # too late: the day has passed

    assert periods(old, YESTERDAY) == HOURLY.periods
    assert periods(old, TODAY) == SHORT
    assert periods(old, TOMORROW) == HOURLY.periods


def test_after_several_changes_each_day_keeps_its_own_plan(old):
    days = [TODAY + timedelta(days=7 * n) for n in range(4)]
    for number, day in enumerate(days):
        wanted = (Period(f"of {number}", time(9), time(10)),)
        save_timetable(old, Timetable("regular", wanted, tuple(range(7))), by=ADMIN, now=at(day))

    found = plans_between(old, days[0] - timedelta(days=1), days[-1] + timedelta(days=1))

    labels = [had.plan.periods[0].label for had in found.values()]
    assert labels == ["8-9", *["of 0"] * 7, *["of 1"] * 7, *["of 2"] * 7, *["of 3"] * 2]


def test_days_before_the_setup_have_the_oldest_known_plan(old):
    long_ago = TODAY - timedelta(days=300)
    assert periods(old, long_ago) == HOURLY.periods
    assert len(grounds(old, long_ago)) == 3

    save_timetable(old, Timetable("regular", SHORT, tuple(range(7))), by=ADMIN, now=NOW)

    assert periods(old, long_ago) == HOURLY.periods


def test_the_day_of_a_change_is_that_of_the_schools_time_zone(old):
    """At half past nine in the evening in London it is the next day in Kolkata."""
    late = datetime(2026, 11, 22, 21, 30, tzinfo=UTC)

    save_timetable(old, Timetable("regular", SHORT, tuple(range(7))), by=ADMIN, now=late)

    assert periods(old, YESTERDAY) == HOURLY.periods
    assert periods(old, TODAY) == SHORT


def test_one_copy_is_kept_for_a_day_with_many_simultaneous_changes(old):
    at_once(
        *(
            lambda n=n: add_ground(old, f"New {n}", ("Football",), by=ADMIN, now=NOW)
            for n in range(6)
        ),
        lambda: save_policy(old, Policy(quota=1), by=ADMIN, now=NOW),
    )

    copies = list(old[schema.SCHOOL_HISTORY].find({"_id": TODAY.isoformat()}))
    assert [len(copy["grounds"]) for copy in copies] == [3]


def test_a_change_that_fails_keeps_no_copy(old):
    with pytest.raises(Exception, match="name"):
        add_ground(old, "ground 1", by=ADMIN, now=NOW)

    assert old[schema.SCHOOL_HISTORY].find_one({"_id": TODAY.isoformat()}) is None


def test_copies_survive_a_restart_and_are_read_by_other_processes(old):
    save_ground(old, Ground("ground-9", "Ground 9", ("Football",)), by=ADMIN, now=NOW)
    other = connect(old.booking_settings)

    assert len(grounds(other, YESTERDAY)) == 3
    assert len(grounds(other, DAY)) == 4
    other.client.close()
