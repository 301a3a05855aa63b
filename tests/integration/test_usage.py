"""Usage of the grounds, in a school that is small enough to count by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import (
    ADMIN,
    DAY,
    GROUNDS,
    HEAD,
    HOURLY,
    MEERA,
    NOW,
    RAVI,
    booked,
    close_one,
    student_id,
)

from booking_core import (
    Ground,
    InvalidRequest,
    NotAllowed,
    Period,
    Status,
    Student,
    Team,
    Timetable,
    approve,
    cancel,
    close_grounds,
    lift_closure,
    reject,
    save_days,
    save_ground,
    save_student,
    save_students,
    save_team,
    save_timetable,
)
from booking_core.insight import usage as usage_module
from booking_core.reports import usage
from booking_core.storage.bookings import usage as stored_usage

WEEK = {"first": DAY, "last": DAY + timedelta(days=1)}  # Tuesday and Wednesday


def closed(db, start, end, ground="ground-1"):
    """Closes a ground for a part of DAY."""
    close_one(db, ground_id=ground, date=DAY, start=start, end=end, reason="Rain", by=HEAD, now=NOW)


@pytest.fixture(scope="module")
def counted(school):
    """Two days: ten periods on Tuesday, four on Wednesday (one of them of two hours).

    Tuesday, Ground 1: one hour of Meera's, approved; two hours of Ravi's, pending. Ground 2: an
    hour of Meera's that was cancelled, one that was rejected; closed from 8 to 12. Wednesday,
    Ground 3: the two hours of one period, Meera's. Thursday: an hour outside the range.
    """
    db, first = school
    half = (
        *(Period(f"{h}-{h + 1}", time(h), time(h + 1)) for h in (8, 9, 10)),
        Period("double", time(11), time(13)),
    )
    save_timetable(db, Timetable("half", half))
    save_days(db, [DAY + timedelta(1)], timetable_id="half", note="Half day")
    approve(db, first.id, by=HEAD, now=NOW)
    booked(db, by=RAVI, student=1, start=14, end=16, game="Football")
    gone = booked(db, student=2, ground="ground-2", start=13)
    cancel(db, gone.id, by=MEERA, now=NOW)
    refused = booked(db, student=3, ground="ground-2", start=14)
    reject(db, refused.id, by=HEAD, reason="no", now=NOW)
    closed(db, time(8), time(12), "ground-2")
    booked(db, student=0, ground="ground-3", on=DAY + timedelta(1), start=11, end=13)
    booked(db, by=RAVI, student=5, on=DAY + timedelta(2), start=9)
    return db


def test_usage_equals_the_count_by_hand(counted):
    found = usage(counted, by=HEAD, **WEEK)

    assert [(x.name, x.bookings, x.hours, x.used, x.open) for x in found.grounds] == [
        ("Ground 1", 2, 3.0, 3.0, 14.0),
        ("Ground 2", 0, 0.0, 0.0, 10.0),  # four of the fourteen were closed
        ("Ground 3", 1, 2.0, 1.0, 14.0),
    ]
    assert (found.total.bookings, found.total.hours) == (3, 5.0)
    assert found.total.share == 4 / 38
    assert [(x.name, x.bookings, x.hours) for x in found.classes] == [
        ("1-A", 2, 3.0),
        ("2-A", 1, 2.0),
    ]
    assert [(x.name, x.hours) for x in found.games] == [("Volleyball", 3.0), ("Football", 2.0)]
    assert {s: n for s, n in found.statuses.items() if n} == {
        Status.APPROVED: 1,
        Status.PENDING: 2,
        Status.CANCELLED: 1,
        Status.REJECTED: 1,
    }


def test_staff_see_their_own_share_of_the_open_hours(counted):
    found = usage(counted, by=RAVI, **WEEK)

    assert (found.own, usage(counted, by=ADMIN, **WEEK).own) == (True, False)
    assert [(x.bookings, x.used, x.open) for x in found.grounds] == [
        (1, 2.0, 14.0),
        (0, 0.0, 10.0),
        (0, 0.0, 14.0),
    ]
    assert sum(found.statuses.values()) == 1
    assert [x.name for x in found.classes] == ["2-A"]


def test_a_booking_that_no_longer_fits_a_period_counts_for_its_part_of_it(make_db):
    db = make_db()
    booked(db, start=9)
    wide = tuple(Period(f"{h}", time(h), time(h + 2)) for h in (8, 10))
    save_timetable(db, Timetable("regular", wide, tuple(range(7))))

    line = usage(db, by=HEAD, first=DAY, last=DAY).grounds[0]

    assert (line.bookings, line.hours, line.used, line.open) == (1, 1.0, 0.5, 2.0)


def test_a_retired_ground_keeps_its_usage_and_adds_no_open_hours(make_db):
    db = make_db()
    booked(db)
    save_ground(db, Ground("ground-1", "Old field", ("Volleyball",), 1, retired=True))
    save_ground(db, Ground("ground-2", "Never used", ("Football",), 2, retired=True))

    lines = usage(db, by=HEAD, first=DAY, last=DAY).grounds

    assert [(x.name, x.bookings, x.open, x.share) for x in lines] == [
        ("Old field", 1, 0.0, None),
        ("Ground 3", 0, 10.0, 0.0),
    ]


def test_days_without_school_add_no_open_hours(make_db):
    db = make_db()
    save_days(db, [DAY], timetable_id=None, note="Holiday")

    found = usage(db, by=HEAD, first=DAY, last=DAY)

    assert (found.total.open, found.total.share) == (0, None)


@pytest.mark.parametrize(
    "minutes", [(0, 20, 40, 60), (0, 5, 15, 45, 50, 60), (0, 10, 20, 30, 40, 50, 60)], ids=str
)
def test_a_period_closed_in_several_parts_adds_no_open_hours(make_db, minutes):
    db = make_db()
    save_timetable(db, Timetable("regular", (Period("I", time(9), time(10)),), tuple(range(7))))
    for start, end in pairwise(time(9 + part // 60, part % 60) for part in minutes):
        closed(db, start, end)

    line = usage(db, by=HEAD, first=DAY, last=DAY).grounds[0]

    assert (line.open, line.share) == (0, None)


@given(
    cuts=st.sets(st.integers(1, 119), max_size=20), ends=st.sets(st.integers(1, 119), min_size=1)
)
def test_the_segments_of_a_day_cover_its_periods_exactly(cuts, ends):
    """Both are in marks of five minutes from eight o'clock on."""
    pieces, periods = (
        [(480 + 5 * first, 480 + 5 * last) for first, last in pairwise([0, *sorted(marks), 120])]
        for marks in (cuts, ends)
    )

    covered = sum(sum(usage_module._parts(tuple(periods), piece).values()) for piece in pieces)

    assert covered == len(periods)


def test_a_booking_until_midnight_counts_its_hours(make_db):
    db = make_db()
    periods = (Period("late", time(22), time(23)), Period("last", time(23), time()))
    save_timetable(db, Timetable("regular", periods, tuple(range(7))))
    booked(db, start=time(22), end=time())

    line = usage(db, by=HEAD, first=DAY, last=DAY).grounds[0]

    assert (line.bookings, line.hours, line.used, line.open) == (1, 2.0, 2.0, 2.0)


def test_a_past_day_is_judged_by_its_own_timetable_and_grounds(make_db):
    db = make_db(school=False)
    set_up, later = NOW - timedelta(days=30), NOW + timedelta(days=7)
    for ground in GROUNDS:
        save_ground(db, ground, now=set_up)
    save_timetable(db, HOURLY, now=set_up)
    save_students(db, [Student("S000", "Student 0", "1-A")])
    booked(db, start=9)
    before = usage(db, by=HEAD, first=DAY, last=DAY)

    double = tuple(Period(f"{hour}", time(hour), time(hour + 2)) for hour in (8, 10))
    save_timetable(db, Timetable("regular", double, tuple(range(7))), now=later)
    save_ground(db, replace(GROUNDS[1], retired=True), now=later)

    assert usage(db, by=HEAD, first=DAY, last=DAY) == before
    assert [(x.name, x.used, x.open) for x in before.grounds] == [
        ("Ground 1", 1.0, 10.0),
        ("Ground 2", 0.0, 10.0),
        ("Ground 3", 0.0, 10.0),
    ]
    day = later.date() + timedelta(days=1)
    assert [(x.name, x.open) for x in usage(db, by=HEAD, first=day, last=day).grounds] == [
        ("Ground 1", 2.0),
        ("Ground 3", 2.0),
    ]
    both = usage(db, by=HEAD, first=DAY, last=day)
    assert [(x.name, x.used, x.open) for x in both.grounds] == [
        ("Ground 1", 1.0, 6 * 10 + 2 * 2.0),
        ("Ground 2", 0.0, 6 * 10.0),
        ("Ground 3", 0.0, 6 * 10 + 2 * 2.0),
    ]


def test_the_exported_table_has_every_line(counted):
    found = usage(counted, by=HEAD, **WEEK)
    table = usage_module.export_usage(found)

    assert ("Ground", "Ground 1", 2, 3.0, 3.0, 14.0, 0.2143) in table.rows
    assert ("Party", "Students", 3, 5.0, None, None, None) in table.rows
    assert ("Class", "1-A", 2, 3.0, None, None, None) in table.rows
    assert ("Status", "Cancelled", 1, None, None, None, None) in table.rows


@pytest.mark.parametrize(
    ("field", "dates"),
    [
        ("first", {"first": "today", "last": DAY}),
        ("last", {"first": DAY, "last": DAY - timedelta(1)}),
        ("last", {"first": date(2025, 1, 1), "last": DAY}),
    ],
)
def test_bad_ranges_are_named(school, field, dates):
    with pytest.raises(InvalidRequest) as refused:
        usage(school[0], by=HEAD, **dates)

    assert refused.value.field == field


def test_the_role_and_not_the_caller_limits_the_bookings(school, monkeypatch):
    monkeypatch.setitem(
        usage_module.check_report.__globals__["rules"]._ALLOWED, "report own", frozenset()
    )

    with pytest.raises(NotAllowed):
        usage(school[0], by=MEERA, **WEEK)


def test_the_server_reads_only_the_requested_days(db):
    row = db["bookings"].find_one({"_id": booked(db).id})
    del row["quota"]
    db["bookings"].insert_many(
        row
        | {
            "_id": f"copy-{n:04d}",
            "status": "Cancelled",
            "date": (DAY - timedelta(days=1 + n // 10)).isoformat(),
        }
        for n in range(3000)
    )
    for what in ("date", "ground_id"):
        for author in (None, MEERA.id):
            for stages, index in stored_usage.span_pipelines(what, [DAY], None, author):
                plan = db.command(
                    "explain",
                    {"aggregate": "bookings", "pipeline": stages, "hint": index, "cursor": {}},
                    verbosity="executionStats",
                )
                stats = plan.get("stages", [{"$cursor": plan}])[0]["$cursor"]["executionStats"]
                assert stats["totalDocsExamined"] == 0, (what, author)
                assert stats["totalKeysExamined"] < 20, (what, author)


def test_bookings_are_counted_by_the_kind_of_their_party(make_db):
    db = make_db(quota=None)
    save_team(db, Team("eleven", "First eleven", ("S001", "S002")))
    booked(db, student=3, start=8)
    booked(db, student_ids=(student_id(4), student_id(5)), start=9, end=11)
    booked(db, class_name="1-A", start=11)
    booked(db, team_id="eleven", start=12, end=14)
    booked(db, for_staff=True, start=14, by=RAVI)
    cancel(db, booked(db, for_staff=True, start=15).id, by=MEERA, now=NOW)

    found = usage(db, by=HEAD, first=DAY, last=DAY)
    own = usage(db, by=RAVI, first=DAY, last=DAY)

    assert [(x.id, x.name, x.bookings, x.hours) for x in found.parties] == [
        ("students", "Students", 2, 3.0),
        ("class", "Classes", 1, 1.0),
        ("team", "Teams", 1, 2.0),
        ("staff", "Staff", 1, 1.0),
    ]
    assert sum(x.bookings for x in found.parties) == found.total.bookings
    assert [(x.name, x.bookings) for x in own.parties] == [("Staff", 1)]


def test_all_spellings_of_a_class_or_game_are_one_line(make_db):
    db = make_db()
    spellings = ("8-A", "8-A", "8-a", "8 - A", "8–A", "8\u2011A", "８-A")
    for n, spelling in enumerate(spellings):
        save_student(db, Student(f"T{n}", "T", spelling))
        booked(db, student=f"T{n}", start=8 + n, game="Football")
    save_ground(db, replace(GROUNDS[1], games=("FOOTBALL", "Cricket")))
    booked(db, student="T0", ground="ground-2", start=16, game="FOOTBALL")
    save_ground(db, replace(GROUNDS[1], games=("Football", "Cricket")))

    found = usage(db, by=HEAD, first=DAY, last=DAY)

    assert [(x.name, x.bookings, x.hours) for x in found.classes] == [("8-A", 8, 8.0)]
    assert [(x.name, x.bookings, x.hours) for x in found.games] == [("Football", 8, 8.0)]


def test_a_class_or_game_of_the_past_has_the_spelling_of_most_bookings(make_db):
    db = make_db(quota=None)
    for start, class_name, game in (
        (9, "8-a", "CHESS"),
        (10, "8-A", "Chess"),
        (11, "8-A", "Chess"),
    ):
        save_ground(db, replace(GROUNDS[0], games=(game,)))
        save_student(db, Student("T0", "T", class_name))
        booked(db, by=HEAD, student="T0", start=start, game=game)
    save_ground(db, GROUNDS[0])
    save_student(db, Student("T0", "T", "9-A"))

    found = usage(db, by=HEAD, first=DAY, last=DAY)

    assert [(x.name, x.bookings) for x in found.classes] == [("8-A", 3)]
    assert [(x.name, x.bookings) for x in found.games] == [("Chess", 3)]


def at(hour, minute=0, day=0):
    """A moment of DAY, or of a day after it, by the clock of the school."""
    return NOW + timedelta(days=1 + day, hours=hour - 6, minutes=minute)


def open_on(db, first=DAY, last=DAY):
    return next(line.open for line in usage(db, by=HEAD, first=first, last=last).grounds)


def lifted(db, *, start=None, end=None, last=DAY, at, now=NOW):
    """Closes ground 1 from DAY to ``last``, and opens it again ``at`` a moment."""
    closing = close_grounds(
        db,
        ground_ids=["ground-1"],
        first=DAY,
        last=last,
        start=start,
        end=end,
        reason="Rain",
        by=HEAD,
        expected=[],
        now=now,
    )
    lift_closure(db, closing.id, by=HEAD, now=at)


@pytest.mark.parametrize(
    ("moment", "periods_open"),
    [
        (at(14), 4),  # ten periods from 8 to 18; the ground was closed from 8 to 14
        (at(14, 34), 3.5),
        (at(7), 10),  # before the first period
        (at(0, 3), 10),
        (NOW, 10),  # the day before
    ],
)
def test_a_closure_counts_until_it_was_lifted(db, moment, periods_open):
    lifted(db, at=moment)

    assert open_on(db) == periods_open


def test_a_closure_of_a_part_of_the_day_counts_until_it_was_lifted(db):
    lifted(db, start=time(10), end=time(16), at=at(12))

    assert open_on(db) == 8


def test_a_closing_of_several_days_counts_the_days_before_it_was_lifted(db):
    last = DAY + timedelta(days=3)
    lifted(db, last=last, at=at(12, day=1))

    assert open_on(db, last=last) == 0 + 6 + 10 + 10


def test_a_ground_that_is_closed_again_is_counted_once(db):
    lifted(db, at=at(12, 3))
    lifted(db, at=at(14), now=at(12, 4))

    assert open_on(db) == 4
