"""Each rule at its boundary, and the permissions of each role: pure, without a database.

The file is long because it holds one table of cases for each rule.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support import ADMIN, DAY, GROUNDS, HEAD, HOURLY, MEERA, NOW, RAVI, request_for

from booking_core import (
    Actor,
    Board,
    Booking,
    Day,
    DayPlan,
    GameNotAllowed,
    Ground,
    GroundRetired,
    InThePast,
    InvalidRequest,
    NoSchool,
    NotAllowed,
    NotAPeriod,
    Period,
    Policy,
    Role,
    Slot,
    Status,
    Student,
    StudentInactive,
    Timetable,
    TooFarAhead,
    TooLate,
)
from booking_core.domain import rules, timetable

KOLKATA, BERLIN = ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/Berlin")
PLAN = DayPlan(DAY, HOURLY.periods, "regular")
MOMENT = timedelta(milliseconds=1)


def check_time(*, now, on=DAY, start=time(9), zone=KOLKATA, **policy):
    rules.check_time(on, start, now, Policy(**policy), zone)


def test_a_slot_may_be_booked_until_the_moment_it_starts():
    starts = datetime.combine(DAY, time(9), tzinfo=KOLKATA)

    check_time(now=starts - MOMENT)
    with pytest.raises(InThePast) as refused:
        check_time(now=starts)

    assert refused.value.starts_at == starts


def test_the_last_day_of_the_advance_window_may_be_booked_and_the_next_day_not():
    last = date(2026, 12, 23)  # 30 days after the 23rd of November

    check_time(now=NOW, on=last)
    with pytest.raises(TooFarAhead) as refused:
        check_time(now=NOW, on=last + timedelta(days=1))

    assert refused.value.last_date == last


def test_the_advance_window_moves_at_the_schools_midnight_and_not_at_that_of_utc():
    midnight = datetime(2026, 11, 24, tzinfo=KOLKATA)

    with pytest.raises(TooFarAhead):
        check_time(now=midnight - MOMENT, on=date(2026, 12, 24))
    check_time(now=midnight, on=date(2026, 12, 24))


def test_an_advance_window_of_zero_days_is_today_alone():
    check_time(now=NOW, on=date(2026, 11, 23), advance_days=0)
    with pytest.raises(TooFarAhead):
        check_time(now=NOW, on=DAY, advance_days=0)


def test_booking_ends_when_the_lead_time_begins():
    starts = datetime.combine(DAY, time(9), tzinfo=KOLKATA)

    check_time(now=starts - timedelta(hours=2), lead_minutes=120)
    with pytest.raises(TooLate) as refused:
        check_time(now=starts - timedelta(hours=2) + MOMENT, lead_minutes=120)

    assert refused.value.lead_minutes == 120


@pytest.mark.parametrize(
    ("day", "latest"),
    [
        # The night of the change is an hour short in spring, an hour long in autumn.
        pytest.param(date(2027, 3, 28), datetime(2027, 3, 28, 0, 0, tzinfo=UTC), id="spring"),
        pytest.param(date(2026, 10, 25), datetime(2026, 10, 25, 1, 0, tzinfo=UTC), id="autumn"),
    ],
)
def test_lead_time_counts_real_hours_over_a_change_of_the_clock(day, latest):
    eight_hours = {"start": time(10), "zone": BERLIN, "lead_minutes": 8 * 60}

    check_time(now=latest, on=day, **eight_hours)
    with pytest.raises(TooLate):
        check_time(now=latest + MOMENT, on=day, **eight_hours)
    # The same moments in the school's own time zone.
    check_time(now=latest.astimezone(BERLIN), on=day, **eight_hours)
    with pytest.raises(TooLate):
        check_time(now=(latest + MOMENT).astimezone(BERLIN), on=day, **eight_hours)


def check_place(plan=PLAN, start=time(9), end=time(10), ground=GROUNDS[0], game="Football"):
    rules.check_place(plan, start, end, ground, game)


def test_one_period_or_several_consecutive_ones_may_be_booked():
    check_place()
    check_place(end=time(12))
    check_place(start=time(8), end=time(18))


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        (time(9, 15), time(10), "start"),
        (time(7), time(9), "start"),
        (time(18), time(19), "start"),
        (time(9), time(10, 30), "end"),
        (time(9), time(19), "end"),
        (time(9), time(9), "end"),
        (time(10), time(9), "end"),
    ],
)
def test_a_range_that_is_no_run_of_periods_is_refused_and_the_wrong_end_named(start, end, field):
    with pytest.raises(NotAPeriod) as refused:
        check_place(start=start, end=end)

    assert refused.value.field == field


def test_a_break_between_two_periods_belongs_to_a_booking_of_both():
    periods = (Period("A", time(9), time(10)), Period("B", time(10, 30), time(11, 30)))

    found = timetable.periods_between(periods, time(9), time(11, 30))

    assert found == periods
    assert timetable.marks(time(9), time(11, 30)) == list(range(108, 138))
    with pytest.raises(NotAPeriod):
        timetable.periods_between(periods, time(10), time(10, 30))


def test_the_last_period_may_end_at_midnight():
    late = Period("Late", time(23), time(0))

    assert timetable.periods_between((late,), time(23), time(0)) == (late,)
    assert timetable.marks(late.start, late.end) == list(range(276, 288))
    assert timetable.at(DAY, late.end, KOLKATA, closing=True).date() == DAY + timedelta(days=1)


def test_a_day_without_school_is_refused_with_its_note():
    with pytest.raises(NoSchool) as refused:
        check_place(plan=DayPlan(DAY, (), None, "Christmas"))

    assert (refused.value.date, refused.value.note) == (DAY, "Christmas")


def test_a_retired_ground_is_refused():
    with pytest.raises(GroundRetired) as refused:
        check_place(ground=Ground("old", "Old", ("Football",), retired=True))

    assert refused.value.ground_id == "old"


@pytest.mark.parametrize("game", ["Cricket", "Foot ball", "Foot-ball", ""])
def test_a_game_not_allowed_on_the_ground_is_refused_with_the_allowed_ones(game):
    with pytest.raises(GameNotAllowed) as refused:
        check_place(game=game)

    assert refused.value.allowed == ("Volleyball", "Football")


@pytest.mark.parametrize("game", ["Kho-kho", "KHO – KHO", "kho\u2011kho", "Ｋｈｏ－ｋｈｏ"])
def test_a_game_is_allowed_in_every_spelling_and_the_ground_has_its_own(game):
    ground, student = Ground("g", "G", ("Football", "Kho-kho")), Student("S000", "S", "1-A")

    check_place(ground=ground, game=game)
    rules.check_still_valid(
        replace(booking_by(MEERA), game=game), ground=ground, students=(student,), plan=PLAN
    )

    assert rules.game_on(ground, game) == "Kho-kho"


@pytest.mark.parametrize("active", [True, False])
def test_a_student_who_has_left_is_refused(active):
    student = Student("S001", "Asha", "10-B", active=active)
    facts = {
        "ground": GROUNDS[0],
        "students": (student,),
        "plan": PLAN,
        "now": NOW,
        "policy": Policy(),
        "zone": KOLKATA,
    }

    if active:
        rules.check_request(request_for(), **facts)
    else:
        with pytest.raises(StudentInactive) as refused:
            rules.check_request(request_for(), **facts)
        assert refused.value.rule == "StudentInactive"


@pytest.mark.parametrize(
    ("day", "week"),
    [
        (date(2026, 11, 29), "2026-W48"),  # Sunday
        (date(2026, 11, 30), "2026-W49"),  # Monday
        (date(2026, 12, 31), "2026-W53"),
        (date(2027, 1, 3), "2026-W53"),  # the week crosses the year
        (date(2027, 1, 4), "2027-W01"),
        (date(2024, 12, 30), "2025-W01"),
    ],
)
def test_a_week_runs_from_monday_to_sunday_across_the_year(day, week):
    assert timetable.iso_week(day) == week


def test_the_timetable_of_a_date_overrides_that_of_its_weekday():
    short = Timetable("short", (Period("Only", time(8), time(9)),))

    regular = timetable.plan_day(DAY, [HOURLY, short], None)
    exam = timetable.plan_day(DAY, [HOURLY, short], Day(DAY, "short", "Exam"))
    holiday = timetable.plan_day(DAY, [HOURLY, short], Day(DAY, None, "Diwali"))

    assert regular.periods == HOURLY.periods
    assert (exam.periods, exam.note) == (short.periods, "Exam")
    assert (holiday.periods, holiday.note) == ((), "Diwali")


def test_a_weekday_without_a_timetable_has_no_school():
    weekdays_only = Timetable("w", HOURLY.periods, tuple(range(5)))

    assert timetable.plan_day(date(2026, 11, 28), [weekdays_only], None).periods == ()


ALL = {Role.STAFF, Role.PRINCIPAL, Role.ADMIN}
ABOVE = {Role.PRINCIPAL, Role.ADMIN}


def booking_by(creator: Actor, status: Status = Status.PENDING) -> Booking:
    return Booking(
        id="b",
        ground_id="ground-1",
        date=DAY,
        start=time(9),
        end=time(10),
        status=status,
        student_id="S000",
        student_name="",
        class_name="",
        game="",
        purpose="",
        created_by=creator.id,
        created_by_name=creator.name,
        created_at=NOW,
        updated_at=NOW,
    )


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    ("action", "own", "others"),
    [
        ("book", ALL, ALL),
        ("cancel", ALL, ABOVE),
        ("move", ALL, ABOVE),
        ("swap", ALL, {Role.PRINCIPAL}),
        ("replace", {Role.PRINCIPAL}, {Role.PRINCIPAL}),
        ("approve", {Role.PRINCIPAL}, {Role.PRINCIPAL}),
        ("reject", {Role.PRINCIPAL}, {Role.PRINCIPAL}),
        ("revoke", {Role.PRINCIPAL}, {Role.PRINCIPAL}),
        ("close", ABOVE, ABOVE),
    ],
)
def test_permissions_on_own_and_other_users_bookings(role, action, own, others):
    actor = Actor("me", role)

    assert rules.may(action, actor, booking_by(actor)) == (role in own)
    assert rules.may(action, actor, booking_by(RAVI)) == (role in others)
    if role not in others:
        with pytest.raises(NotAllowed) as refused:
            rules.check_may(action, actor, booking_by(RAVI))
        assert (refused.value.verb, refused.value.role) == (action, role.value)


def board(*bookings: Booking, now=NOW, **changes) -> Board:
    values = {
        "date": DAY,
        "plan": PLAN,
        "grounds": GROUNDS,
        "bookings": bookings,
        "now": now,
        "loaded_at": now,
        "zone": KOLKATA,
    }
    return Board(**(values | changes))


WANTED = Slot("ground-1", DAY, time(10), time(11))


def as_text(slots) -> list[tuple[str, int]]:
    return [(slot.ground_id, slot.start.hour) for slot in slots]


def test_alternatives_are_the_same_ground_nearest_first_then_other_grounds_with_the_game():
    found = board().alternatives(WANTED, "Football", most=99)

    same = [("ground-1", hour) for hour in (9, 11, 8, 12, 13, 14, 15, 16, 17)]
    assert as_text(found) == [*same, ("ground-2", 10)]  # ground 3 has no football


def test_alternatives_are_at_most_three():
    assert as_text(board().alternatives(WANTED, "Football")) == [
        ("ground-1", 9),
        ("ground-1", 11),
        ("ground-1", 8),
    ]


def test_alternatives_exclude_times_when_the_student_is_elsewhere():
    busy = timetable.marks(time(9), time(10))

    assert ("ground-1", 9) not in as_text(board().alternatives(WANTED, "Football", busy=busy))


def test_alternatives_exclude_held_slots_and_started_periods():
    ten_past_eight = datetime.combine(DAY, time(8, 10), tzinfo=KOLKATA)

    found = board(booking_by(MEERA), now=ten_past_eight).alternatives(WANTED, "Football", most=99)

    assert ("ground-1", 8) not in as_text(found)
    assert ("ground-1", 9) not in as_text(found)
    assert as_text(found)[0] == ("ground-1", 11)


def test_alternatives_to_two_periods_are_two_periods_long():
    wanted = Slot("ground-1", DAY, time(16), time(18))

    found = board().alternatives(wanted, "Volleyball", most=99)

    assert found[0] == Slot("ground-1", DAY, time(15), time(17))
    assert found[-1] == Slot("ground-3", DAY, time(16), time(18))
    assert all(slot.end.hour - slot.start.hour == 2 for slot in found)


@pytest.mark.parametrize("now", [NOW.replace(tzinfo=None), "now", 0, DAY])
def test_a_moment_without_a_time_zone_is_refused(now):
    from booking_core.domain.validation import check_now

    with pytest.raises(InvalidRequest) as refused:
        check_now(now)

    assert refused.value.field == "now"


def test_the_principal_decides_and_the_admin_does_not():
    assert rules.may("approve", HEAD)
    assert not rules.may("approve", ADMIN)


@given(
    before=st.tuples(st.integers(0, 287), st.integers(1, 288)).filter(lambda t: t[0] < t[1]),
    after=st.tuples(st.integers(0, 287), st.integers(1, 288)).filter(lambda t: t[0] < t[1]),
    ground=st.sampled_from(["ground-1", "ground-2"]),
    later=st.sampled_from([0, 1]),
)
@example(before=(280, 288), after=(284, 288), ground="ground-1", later=0)  # up to midnight
def test_a_slot_is_shorter_where_it_holds_fewer_marks_of_the_same_day_and_no_others(
    before, after, ground, later
):
    def slot_of(marks, ground_id, on):
        return Slot(ground_id, on, *(timetable.time_of(mark % 288) for mark in marks))

    old = slot_of(before, "ground-1", DAY)
    new = slot_of(after, ground, DAY + timedelta(days=later))

    is_part = set(range(*after)) < set(range(*before))
    assert rules.is_shorter(old, new) == (is_part and ground == "ground-1" and not later)
