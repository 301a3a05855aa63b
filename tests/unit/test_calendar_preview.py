"""The preview of a date before a change is saved: pure, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from support import DAY, HOURLY

from booking_core import (
    Calendar,
    Day,
    DayPlan,
    InvalidRequest,
    Period,
    Policy,
    SchoolYear,
    Timetable,
)

SHORT = Timetable("short", (Period("I", time(8), time(8, 45)), Period("II", time(9), time(9, 45))))
SATURDAY = date(2026, 11, 28)
CALENDAR = Calendar({"regular": HOURLY}, {DAY: Day(DAY, None, "Strike")})
BERLIN = ZoneInfo("Europe/Berlin")


def test_a_new_timetable_takes_its_weekdays_from_the_others():
    weekend = Timetable("weekend", SHORT.periods, (5, 6))

    changed = CALENDAR.with_timetable(weekend)

    assert changed.plan(SATURDAY).timetable_id == "weekend"
    assert changed.plan(SATURDAY - timedelta(days=1)).timetable_id == "regular"
    assert changed.timetables["regular"].weekdays == (0, 1, 2, 3, 4)
    assert list(CALENDAR.gives_way(weekend)) == ["regular"]
    assert CALENDAR.gives_way(SHORT) == {}


def test_a_replaced_timetable_keeps_and_gives_back_weekdays():
    changed = CALENDAR.with_timetable(Timetable("regular", SHORT.periods, (0,)))

    assert changed.plan(SATURDAY).periods == ()
    assert changed.plan(date(2026, 11, 30)).periods == SHORT.periods


def test_the_timetable_of_a_date_overrides_that_of_its_weekday():
    exam = CALENDAR.with_timetable(SHORT).with_days([Day(SATURDAY, "short", "Exam")])

    assert exam.plan(SATURDAY) == DayPlan(SATURDAY, SHORT.periods, "short", "Exam")
    assert CALENDAR.with_timetable(SHORT).plan(SATURDAY).periods == HOURLY.periods
    assert CALENDAR.plan(DAY) == DayPlan(DAY, (), None, "Strike")
    assert CALENDAR.without_timetable("regular").plan(SATURDAY).periods == ()


def test_previewing_a_change_changes_nothing():
    before = (dict(CALENDAR.timetables), dict(CALENDAR.days))

    CALENDAR.with_timetable(Timetable("regular", SHORT.periods)).with_days([Day(SATURDAY, None)])
    CALENDAR.without_timetable("regular")

    assert (CALENDAR.timetables, CALENDAR.days) == before


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (time(8), time(8, 45), True),
        (time(8), time(9, 45), True),  # the break between belongs to a booking of both
        (time(8), time(9), False),
        (time(8, 45), time(9, 45), False),
        (time(10), time(11), False),
    ],
)
def test_a_booking_fits_a_day_when_it_is_a_run_of_its_periods(start, end, expected):
    assert DayPlan(DAY, SHORT.periods, "short").fits(start, end) is expected
    assert not DayPlan(DAY, (), None).fits(start, end)


@pytest.mark.parametrize(
    ("day", "cut_off", "closes_at"),
    [
        # The clock goes from 2 to 3 on the 28th of March, and from 3 back to 2 on the 25th of
        # October, where the first of the two hours counts.
        (date(2027, 3, 29), time(2, 30), "2027-03-28T01:30+00:00"),
        (date(2026, 10, 26), time(2, 30), "2026-10-25T00:30+00:00"),
        (date(2027, 3, 28), time(16), "2027-03-27T15:00+00:00"),
        (date(2027, 3, 29), time(16), "2027-03-28T14:00+00:00"),
        (date(2027, 3, 29), time(0), "2027-03-27T23:00+00:00"),
    ],
)
def test_a_cut_off_is_a_time_of_the_schools_clock_on_the_day_before(day, cut_off, closes_at):
    policy, moment = Policy(cut_off=cut_off), datetime.fromisoformat(closes_at)

    assert policy.closes_at(day, BERLIN).timestamp() == moment.timestamp()
    assert policy.is_cut_off(day, moment, BERLIN)
    assert not policy.is_cut_off(day, moment - timedelta(milliseconds=1), BERLIN)
    assert Policy().closes_at(day, BERLIN) is None
    assert not Policy().is_cut_off(day, moment, BERLIN)


MONDAY = date(2026, 11, 23)
LETTERED = Calendar({"regular": HOURLY}, {}, year=SchoolYear(week_a=MONDAY))


def in_weeks(calendar, *, weekday=0):
    """The ids of the timetables of a weekday in a week A and in the week B after it."""
    day = MONDAY + timedelta(days=weekday)
    return [calendar.plan(day + timedelta(days=7 * n)).timetable_id for n in (0, 1)]


def test_a_timetable_of_a_week_goes_before_that_of_all_weeks():
    short = replace(SHORT, weekdays=(0,), week="A")

    changed = LETTERED.with_timetable(short)

    assert LETTERED.gives_way(short) == {}
    assert in_weeks(changed) == ["short", "regular"]
    assert in_weeks(changed, weekday=1) == ["regular", "regular"]
    assert in_weeks(changed.with_week_a(MONDAY + timedelta(days=7))) == ["regular", "short"]
    assert in_weeks(changed.with_week_a(None)) == ["regular", "regular"]


def test_a_timetable_of_a_week_takes_its_weekdays_from_the_others_of_that_week():
    of_a = replace(SHORT, weekdays=(0, 1), week="A")
    of_b = replace(SHORT, id="short-b", weekdays=(0, 1), week="B")
    calendar = LETTERED.without_timetable("regular").with_timetable(of_a).with_timetable(of_b)
    assert in_weeks(calendar) == ["short", "short-b"]

    changed = calendar.with_timetable(replace(SHORT, id="new", weekdays=(1,), week="B"))

    assert in_weeks(changed) == ["short", "short-b"]
    assert in_weeks(changed, weekday=1) == ["short", "new"]
    assert changed.timetables["short-b"].weekdays == (0,)
    assert changed.timetables["short"].weekdays == (0, 1)


def test_the_weekdays_without_school_are_told_for_each_week():
    weekdays_only = replace(HOURLY, weekdays=(0, 1, 2, 3, 4))
    calendar = replace(LETTERED, timetables={"regular": weekdays_only}).with_timetable(
        replace(SHORT, weekdays=(5,), week="B")
    )

    assert calendar.weekdays_without_school() == {"A": [5, 6], "B": [6]}
    assert calendar.with_week_a(None).weekdays_without_school() == {"": [5, 6]}


@pytest.mark.parametrize("week", ["C", "a", None, 1])
def test_a_week_is_a_or_b_or_empty(week):
    with pytest.raises(InvalidRequest) as refused:
        replace(SHORT, week=week)
    assert refused.value.field == "week"
