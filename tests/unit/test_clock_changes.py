"""A slot ends at an instant, also on the days on which the clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_core import Period, Timetable
from booking_core.domain import timetable

ZONES = [ZoneInfo(name) for name in sorted(available_timezones()) if name != "localtime"]
MARKS = [time(h, m) for h in range(24) for m in range(0, 60, 5)]


def change_near(zone: ZoneInfo, moment: datetime) -> datetime:
    """Returns the next moment (to the quarter of an hour) at which the clock of ``zone`` changes.

    Returns ``moment`` itself if the clock does not change within a year.
    """

    def offset(at: datetime) -> timedelta | None:
        return at.astimezone(zone).utcoffset()

    for day in range(366):
        start = moment + timedelta(days=day)
        if offset(start) != offset(start + timedelta(days=1)):
            quarters = (start + timedelta(minutes=15 * n) for n in range(97))
            return next(q for q in quarters if offset(q) != offset(start))
    return moment


@given(
    zone=st.sampled_from(ZONES),
    around=st.integers(0, 15 * 365).map(lambda n: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(n)),
    minutes=st.integers(-36 * 60, 36 * 60),
    days=st.integers(-1, 1),
    end=st.sampled_from(MARKS),
)
def test_a_slot_is_upcoming_exactly_until_the_instant_of_its_end(zone, around, minutes, days, end):
    now = change_near(zone, around) + timedelta(minutes=minutes)
    today = now.astimezone(zone).date()
    on = today + timedelta(days=days)

    ends = timetable.ends_ahead(today, now, zone)

    over = timetable.at(on, end, zone, closing=True).timestamp() <= now.timestamp()
    assert (on > today or (on == today and end in ends)) == (not over)


def test_the_whole_day_is_upcoming_before_it_begins_and_nothing_after_its_end():
    zone, day = ZoneInfo("Asia/Kolkata"), date(2026, 11, 24)
    midnight = datetime(2026, 11, 24, tzinfo=zone)

    assert sorted(timetable.ends_ahead(day, midnight - timedelta(1), zone)) == MARKS
    assert timetable.ends_ahead(day, midnight + timedelta(days=1), zone) == []
    assert timetable.ends_ahead(day, midnight + timedelta(hours=23, minutes=55), zone) == [time()]


LONDON, SANTIAGO = ZoneInfo("Europe/London"), ZoneInfo("America/Santiago")
SPRING = date(2026, 3, 29)  # London: 1:00 to 2:00 is skipped
MIDNIGHT = date(2026, 9, 6)  # Santiago: 0:00 to 1:00 is skipped


@pytest.mark.parametrize(
    ("zone", "on", "start", "end", "offered"),
    [
        (LONDON, SPRING, time(0, 30), time(1), True),
        (LONDON, SPRING, time(1), time(2), False),
        (LONDON, SPRING, time(1), time(1, 30), False),
        (LONDON, SPRING, time(1, 30), time(2, 30), False),  # its start is 2:30, by the clock
        (LONDON, SPRING, time(2), time(3), True),
        (LONDON, SPRING, time(0), time(0), True),  # the whole day, of 23 hours
        (LONDON, SPRING + timedelta(days=1), time(1), time(2), True),
        (LONDON, date(2026, 10, 25), time(1), time(2), True),  # the repeated hour
        (SANTIAGO, MIDNIGHT, time(0), time(0), True),
        (SANTIAGO, MIDNIGHT, time(0), time(0, 30), False),
        (SANTIAGO, MIDNIGHT - timedelta(days=1), time(23), time(0), True),
    ],
)
def test_a_period_is_offered_unless_the_clock_skips_it(zone, on, start, end, offered):
    table = Timetable("regular", (Period("I", start, end),), tuple(range(7)))

    plan = timetable.Calendar({"regular": table}, {}, zone).plan(on)

    assert bool(plan.periods) == offered


@given(
    zone=st.sampled_from(ZONES),
    around=st.integers(0, 15 * 365).map(lambda n: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(n)),
    days=st.integers(-1, 1),
    start=st.sampled_from(MARKS),
)
def test_a_period_of_one_mark_is_offered_exactly_if_its_clock_shows_it(zone, around, days, start):
    on = change_near(zone, around).astimezone(zone).date() + timedelta(days=days)
    end = (datetime.combine(on, start) + timedelta(minutes=5)).time()
    table = Timetable("regular", (Period("I", start, end),), tuple(range(7)))
    shown = {
        (datetime.combine(on, time(), UTC) + timedelta(minutes=5 * n)).astimezone(zone)
        for n in range(-14 * 12, 38 * 12)
    }

    plan = timetable.Calendar({"regular": table}, {}, zone).plan(on)

    is_shown = any((m.date(), m.time()) == (on, start) for m in shown)
    assert bool(plan.periods) == is_shown
