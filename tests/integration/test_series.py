"""Series: planned, booked all or nothing or where free, decided and cancelled, in any race."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta
from functools import partial
from time import perf_counter
from uuid import uuid4

import pytest
from support import (
    ADMIN,
    DAY,
    HEAD,
    MEERA,
    NOW,
    RAVI,
    active,
    assert_sound,
    at_once,
    booked,
    close_one,
    request_for,
)

from booking_core import (
    Account,
    AlreadyDecided,
    ChangedMeanwhile,
    GroundClosed,
    GroundRetired,
    Holiday,
    InvalidRequest,
    NoSchool,
    NotAllowed,
    NotAPeriod,
    NotFound,
    Policy,
    QuotaReached,
    Role,
    SeriesConflict,
    SeriesRequest,
    SlotTaken,
    Status,
    StudentBusy,
    StudentInactive,
    SubmissionReused,
    Team,
    Term,
    TooFarAhead,
    add_account,
    approve,
    approve_series,
    book_instead,
    book_series,
    cancel,
    cancel_series,
    change_account,
    change_ground,
    change_series_party,
    delegate,
    find_series,
    get_booking,
    move,
    move_series,
    pending_queue,
    plan_series,
    plan_series_move,
    plan_series_party,
    reject_series,
    remove_team,
    remove_term,
    save_days,
    save_policy,
    save_team,
    save_term,
    save_week_a,
    series_ahead,
    set_active,
    waiting_rows,
)

WEEK = timedelta(days=7)
TUESDAYS = [DAY + n * WEEK for n in range(6)]
plan = partial(plan_series, by=MEERA, now=NOW)
book_all = partial(book_series, by=MEERA, now=NOW)


def weekly(count=6, **options):
    return SeriesRequest(first=request_for(student=1), count=count, **options)


@pytest.fixture
def made(db):
    return book_all(db, weekly(), submission_id=uuid4())


def is_won(outcome):
    return not isinstance(outcome, BaseException)


# Dates


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"count": 3}, [0, 7, 14]),
        ({"until": DAY + timedelta(days=15)}, [0, 7, 14]),
        ({"until": DAY + timedelta(days=14), "weekdays": (1, 3)}, [0, 2, 7, 9, 14]),
        ({"count": 3, "every": 2}, [0, 14, 28]),
        ({"count": 3, "weekdays": (0, 1), "every": 2}, [0, 13, 14]),
        ({"dates": (DAY + timedelta(days=9), DAY + timedelta(days=3))}, [0, 3, 9]),
    ],
)
def test_the_dates_of_a_series(db, options, expected):
    request = SeriesRequest(first=request_for(student=1), **options)

    found = [one.date for one in plan(db, request).dates]

    assert found == [DAY + timedelta(days=days) for days in expected]


def test_too_many_dates_are_refused_by_the_field_that_made_them(db):
    picked = tuple(DAY + timedelta(days=number) for number in range(1, 201))
    for options, field in (
        ({"dates": picked}, "dates"),
        ({"weekdays": tuple(range(7)), "until": picked[-1]}, "until"),
    ):
        with pytest.raises(InvalidRequest) as refused:
            plan(db, SeriesRequest(first=request_for(student=1), **options))
        assert refused.value.field == field


def test_a_series_without_an_end_lasts_until_the_end_of_its_term(db):
    with pytest.raises(InvalidRequest) as refused:
        plan(db, SeriesRequest(first=request_for(student=1)))
    assert refused.value.field == "until"

    save_term(db, Term("t2", "Term 2", DAY - WEEK, DAY + 3 * WEEK), now=NOW)

    assert len(plan(db, SeriesRequest(first=request_for(student=1))).dates) == 4


def test_a_series_of_weeks_a_leaves_out_weeks_b(db):
    save_week_a(db, DAY, now=NOW)

    found = [one.date for one in plan(db, weekly(3, week="A")).dates]

    assert found == [DAY, DAY + 2 * WEEK, DAY + 4 * WEEK]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"weekdays": (7,)}, "weekdays"),
        ({"weekdays": "1"}, "weekdays"),
        ({"every": 0}, "every"),
        ({"count": 0}, "count"),
        ({"count": 201}, "count"),
        ({"count": True}, "count"),
        ({"until": DAY - timedelta(days=1)}, "until"),
        ({"until": "2026-12-01"}, "until"),
        ({"week": "C"}, "week"),
        ({"dates": (DAY - WEEK,)}, "dates"),
        ({"dates": (DAY + WEEK,), "count": 3}, "dates"),
        ({"first": "tomorrow"}, "first"),
    ],
)
def test_a_malformed_series_is_refused_by_its_field(options, field):
    with pytest.raises(InvalidRequest) as refused:
        SeriesRequest(**({"first": request_for(student=1)} | options))
    assert refused.value.field == field


# Planning


def test_a_plan_names_the_problem_of_each_date_and_writes_nothing(db):
    save_policy(db, Policy(quota=1), now=NOW)
    booked(db, student=2, on=TUESDAYS[1])
    close_one(db, ground_id="ground-1", date=TUESDAYS[2], start=time(8), end=time(18),
              reason="Rain", by=HEAD, now=NOW)  # fmt: skip
    save_days(db, [TUESDAYS[3]], timetable_id=None, note="Founders day", now=NOW)
    booked(db, student=1, ground="ground-3", on=TUESDAYS[4])
    before = len(active(db))

    found = plan(db, weekly())

    kinds = [type(one.problem) for one in found.dates]
    assert kinds == [type(None), SlotTaken, GroundClosed, NoSchool, StudentBusy, type(None)]
    assert found.dates[1].alternatives[0].start in (time(8), time(10))
    assert found.dates[3].alternatives == ()
    assert len(active(db)) == before


def test_a_plan_counts_the_quota_of_each_week(db):
    save_policy(db, Policy(quota=1), now=NOW)

    found = plan(db, weekly(4, weekdays=(1, 2)))

    kinds = [type(one.problem) for one in found.dates]
    assert kinds == [type(None), QuotaReached, type(None), QuotaReached]


def test_a_plan_offers_what_is_free_on_more_dates(db):
    for week in TUESDAYS[:4]:
        booked(db, student=2, on=week)

    found = plan(db, weekly())

    assert found.instead[0][:2] == ("ground-1", time(8))
    assert found.instead[0].free == 6


def test_a_plan_offers_no_place_for_what_the_quota_or_an_inactive_student_refuses(db):
    save_policy(db, Policy(quota=1), now=NOW)
    twice_a_week = weekly(6, weekdays=(1, 3))
    assert plan(db, twice_a_week).instead == ()

    # Both dates of the first week are taken: another place wins one of them, by the quota.
    booked(db, student=2, on=DAY)
    booked(db, student=3, on=DAY + timedelta(days=2))
    best = plan(db, twice_a_week).instead[0]

    assert (best.ground_id, best.start, best.free) == ("ground-1", time(8), 3)
    there = replace(twice_a_week.first, start=best.start, end=best.end)
    again = plan(db, replace(twice_a_week, first=there))
    assert [one.problem is None for one in again.dates].count(True) == best.free
    assert again.instead == ()

    set_active(db, "S001", False, by=ADMIN)
    inactive = plan(db, twice_a_week)
    assert {type(one.problem) for one in inactive.dates} == {StudentInactive}
    assert {one.alternatives for one in inactive.dates} == {()}
    assert inactive.instead == ()


def test_a_date_with_another_timetable_offers_the_nearest_periods(db):
    from support import HOURLY

    from booking_core import Period, Timetable, save_timetable

    half = Timetable("half", (Period("I", time(8, 30), time(9, 15)),), (), "Half day")
    save_timetable(db, half, now=NOW)
    save_days(db, [TUESDAYS[1]], timetable_id="half", note="Exams", now=NOW)

    found = plan(db, weekly(2))

    assert isinstance(found.dates[1].problem, NotAPeriod)
    assert [slot.start for slot in found.dates[1].alternatives[:1]] == [time(8, 30)]
    assert HOURLY.id == "regular"


def test_a_series_reaches_as_far_as_its_own_setting(db):
    save_policy(db, Policy(advance_days=14, series_days=30, quota=None), now=NOW)

    kinds = [type(one.problem) for one in plan(db, weekly()).dates]

    assert kinds == [type(None)] * 5 + [TooFarAhead]


# Booking


def test_all_dates_are_booked_at_their_wall_clock_time(db, made):
    assert [b.date for b in made.bookings] == TUESDAYS
    assert {b.start for b in made.bookings} == {time(9)}
    assert {b.series for b in made.bookings} == {made.id}
    assert len({b.reference for b in made.bookings}) == 6
    assert find_series(db, made.id) == made.bookings
    assert made.refused == ()
    assert_sound(db)


def test_all_or_nothing_books_nothing_if_one_date_is_taken(db):
    booked(db, student=2, on=TUESDAYS[3])

    with pytest.raises(SeriesConflict) as lost:
        book_all(db, weekly(), submission_id=uuid4())

    assert [one.date for one in lost.value.dates] == [TUESDAYS[3]]
    assert isinstance(lost.value.dates[0].problem, SlotTaken)
    assert len(active(db)) == 1


def test_only_the_free_dates_are_booked_and_the_others_keep_their_alternatives(db):
    booked(db, student=2, on=TUESDAYS[3])

    done = book_all(db, weekly(), submission_id=uuid4(), only_free=True)

    assert [b.date for b in done.bookings] == TUESDAYS[:3] + TUESDAYS[4:]
    assert [one.date for one in done.refused] == [TUESDAYS[3]]
    assert done.refused[0].alternatives
    assert_sound(db)


def test_a_lost_date_is_booked_at_another_slot_as_a_date_of_the_series(db):
    booked(db, student=2, on=TUESDAYS[3])
    series_id, request = uuid4(), weekly()
    done = book_all(db, request, submission_id=series_id, only_free=True)
    slot = done.refused[0].alternatives[0]
    send = partial(book_instead, db, request, by=MEERA, submission_id=series_id, now=NOW)

    made = send(slot)

    assert (made.slot, made.series) == (slot, done.id)
    assert made in find_series(db, done.id)
    assert send(slot) == made
    with pytest.raises(SubmissionReused):
        send(done.refused[0].alternatives[1])
    for other in (replace(slot, date=TUESDAYS[2]), replace(slot, date=DAY + timedelta(days=1))):
        with pytest.raises(InvalidRequest) as refused:
            send(other)
        assert refused.value.field == "date"
    with pytest.raises(NotFound):
        send(slot, by=RAVI)
    with pytest.raises(SlotTaken):
        send(slot, submission_id=uuid4())
    assert_sound(db)


def test_a_lost_date_is_booked_only_for_the_party_game_and_supervisor_of_its_series(db):
    add_account(db, Account("sub", "Sub", Role.STAFF))
    save_team(db, Team("u14", "U14"))
    booked(db, student=2, on=TUESDAYS[3])
    series_id, request = uuid4(), weekly()
    done = book_all(db, request, submission_id=series_id, only_free=True)
    slot = done.refused[0].alternatives[0]
    send = partial(book_instead, db, by=MEERA, submission_id=series_id, now=NOW)

    for other in (
        request_for(student=3),
        request_for(student_ids=("S001", "S003")),
        request_for(class_name="2-A"),
        request_for(team_id="u14"),
        request_for(for_staff=True),
        request_for(student=1, game="Football"),
        request_for(student=1, supervisor_id="sub"),
    ):
        with pytest.raises(SubmissionReused):
            send(replace(request, first=other), slot)
    assert len(find_series(db, done.id)) == len(done.bookings)

    # Another spelling of the same game is the same.
    assert (
        send(replace(request, first=request_for(student=1, game="VOLLEYBALL")), slot).slot == slot
    )


@pytest.mark.parametrize(
    "party",
    [{"class_name": "2-A"}, {"team_id": "u14"}, {"for_staff": True}],
    ids=["a class", "a team", "staff"],
)
def test_a_lost_date_of_another_party_is_booked_for_it_and_answered_without_its_term(db, party):
    save_team(db, Team("u14", "U14"))
    save_term(db, Term("t2", "Term 2", DAY - WEEK, DAY + 3 * WEEK), now=NOW)
    booked(db, student=2, on=TUESDAYS[3])
    series_id, request = uuid4(), SeriesRequest(request_for(**party))
    slot = book_all(db, request, submission_id=series_id, only_free=True).refused[0].alternatives[0]
    send = partial(book_instead, db, request, slot, by=MEERA, submission_id=series_id, now=NOW)

    for other in ({"class_name": "3-A"}, {"team_id": "u15"}, {"for_staff": True}, {"student": 5}):
        if other != party:
            with pytest.raises(SubmissionReused):
                book_instead(db, replace(request, first=request_for(**other)), slot, by=MEERA,
                             submission_id=series_id, now=NOW)  # fmt: skip
    made = send()
    remove_term(db, "t2", now=NOW)

    assert send() == made


@pytest.mark.parametrize("value", ["no", 0, [1]])
def test_a_series_is_approved_at_once_only_by_true_or_false(db, value):
    slot = weekly().slot(DAY)
    for send in (
        partial(book_series, db, weekly()),
        partial(book_instead, db, weekly(), slot),
    ):
        with pytest.raises(InvalidRequest) as refused:
            send(by=HEAD, submission_id=uuid4(), as_approved=value, now=NOW)
        assert refused.value.field == "as_approved"
    assert active(db) == []


def test_another_slot_is_won_by_one_and_reaches_as_far_as_its_series(db):
    save_policy(db, Policy(advance_days=30, series_days=60, quota=None), now=NOW)
    booked(db, student=2, on=TUESDAYS[4])
    series_id, request = uuid4(), weekly(8)
    done = book_all(db, request, submission_id=series_id, only_free=True)
    slot = replace(done.refused[0].alternatives[0], start=time(10), end=time(11))

    mine, other = at_once(
        partial(book_instead, db, request, slot, by=MEERA, submission_id=series_id, now=NOW),
        partial(booked, db, student=3, on=slot.date, start=10),
    )

    assert is_won(mine) != is_won(other)
    assert isinstance(other if is_won(mine) else mine, SlotTaken)
    assert_sound(db)


@pytest.mark.parametrize("only_free", [False, True])
def test_a_series_that_is_sent_twice_exists_once(db, only_free):
    send = partial(book_all, db, weekly(), submission_id=uuid4(), only_free=only_free)
    first = send()
    cancel(db, first.bookings[2].id, by=MEERA, now=NOW)

    again = send()

    assert [b.id for b in again.bookings] == [b.id for b in first.bookings]
    assert again.bookings[2].status is Status.CANCELLED
    assert len(active(db)) == 5
    with pytest.raises(SubmissionReused):
        book_all(db, SeriesRequest(first=request_for(student=2), count=6), only_free=only_free,
                 submission_id=send.keywords["submission_id"])  # fmt: skip


@pytest.mark.parametrize("weeks", [3, 8])
def test_a_series_that_is_sent_again_with_other_dates_is_another(db, weeks):
    series_id = uuid4()
    first = book_all(db, weekly(), submission_id=series_id)

    with pytest.raises(SubmissionReused):
        book_all(db, weekly(weeks), submission_id=series_id)

    assert [b.id for b in find_series(db, first.id)] == [b.id for b in first.bookings]


@pytest.mark.parametrize("only_free", [False, True])
@pytest.mark.parametrize("gone", ["team", "supervisor"])
def test_a_series_sent_again_is_answered_though_its_team_or_supervisor_is_gone(db, gone, only_free):
    add_account(db, Account("sub", "Sub", Role.STAFF))
    save_team(db, Team("u14", "U14"))
    if only_free:
        booked(db, student=2, on=TUESDAYS[1])
    request = SeriesRequest(request_for(team_id="u14", supervisor_id="sub"), count=3)
    send = partial(book_all, db, submission_id=uuid4(), only_free=only_free)
    first = send(request)

    if gone == "team":
        remove_team(db, "u14")
    else:
        change_account(db, "sub", active=False, by=ADMIN)
    again = send(request)

    assert again.bookings == first.bookings
    assert [one.date for one in again.refused] == [one.date for one in first.refused]
    with pytest.raises(SubmissionReused):
        send(replace(request, first=replace(request.first, purpose="Another")))
    with pytest.raises(InvalidRequest):
        book_all(db, request, submission_id=uuid4(), only_free=only_free)


@pytest.mark.parametrize("only_free", [False, True])
@pytest.mark.parametrize("weeks", [None, 1, 5])
def test_a_series_of_a_term_sent_again_is_answered_though_the_term_changed(db, weeks, only_free):
    term = Term("t2", "Term 2", DAY - WEEK, DAY + 3 * WEEK)
    save_term(db, term, now=NOW)
    request = SeriesRequest(request_for(student=1))
    send = partial(book_all, db, submission_id=uuid4(), only_free=only_free)
    first = send(request)

    if weeks is None:
        remove_term(db, "t2", now=NOW)
    else:
        save_term(db, replace(term, last=DAY + weeks * WEEK), now=NOW)
    again = send(request)

    # Where the term is longer now, the free dates of a series go on to its end.
    added = 2 if only_free and weeks == 5 else 0
    assert again.bookings[: len(first.bookings)] == first.bookings
    assert len(again.bookings) == len(first.bookings) + added
    for other in (
        replace(request, count=4),
        replace(request, weekdays=(1, 2)),
        SeriesRequest(request_for(student=1, on=TUESDAYS[1])),
        SeriesRequest(request_for(student=2)),
    ):
        with pytest.raises(SubmissionReused):
            send(other)
    assert len(active(db)) == len(again.bookings)


@pytest.mark.parametrize("only_free", [False, True])
@pytest.mark.parametrize("letters", [None, DAY + WEEK])
def test_a_series_of_weeks_a_sent_again_is_answered_though_the_letters_changed(
    db, letters, only_free
):
    save_week_a(db, DAY, now=NOW)
    send = partial(book_all, db, submission_id=uuid4(), only_free=only_free)
    request = weekly(week="A", count=None, until=TUESDAYS[2])
    first = send(request)

    save_week_a(db, letters, now=NOW)
    again = send(request)

    assert set(first.bookings) <= set(again.bookings)
    with pytest.raises(SubmissionReused):
        send(replace(request, week="B"))


@pytest.mark.parametrize("only_free", [False, True])
@pytest.mark.parametrize("round_", range(4))
def test_one_series_sent_by_eight_threads_exists_once(db, only_free, round_):
    send = partial(book_all, db, weekly(), submission_id=uuid4(), only_free=only_free)

    outcomes = at_once(*[send] * 8)

    assert all(map(is_won, outcomes)), outcomes
    assert {tuple(b.id for b in o.bookings) for o in outcomes} == {
        tuple(b.id for b in outcomes[0].bookings)
    }
    assert len(active(db)) == 6
    assert_sound(db)


@pytest.mark.parametrize("only_free", [False, True])
def test_a_series_whose_answer_was_lost_is_in_nobodys_way_and_is_answered_again(db, only_free):
    save_policy(db, Policy(quota=1), now=NOW)
    booked(db, student=2, on=DAY + WEEK) if only_free else None
    send = partial(book_all, db, weekly(), submission_id=uuid4(), only_free=only_free)
    done = send()
    id = send.keywords["submission_id"]
    later = NOW + timedelta(hours=12)  # the rules would refuse the first date by now

    plan = plan_series(db, weekly(), by=MEERA, submission_id=id, now=later)

    assert plan.own == tuple(booking.date for booking in done.bookings)
    assert [one.date for one in plan.problems] == [one.date for one in done.refused]
    again = send(now=later)
    assert again.bookings == done.bookings
    assert [one.date for one in again.refused] == [one.date for one in done.refused]
    assert plan_series(db, weekly(), by=RAVI, submission_id=id, now=NOW).own == ()
    with pytest.raises(InvalidRequest) as refused:
        plan_series(db, weekly(), by=MEERA, submission_id=str(id), now=NOW)
    assert refused.value.field == "submission_id"


@pytest.mark.parametrize("round_", range(6))
def test_of_two_series_that_meet_one_wins_all_and_the_other_nothing(db, round_):
    def series(student, day):
        first = request_for(student=student, on=TUESDAYS[0] if day else TUESDAYS[2])
        return partial(book_all, db, SeriesRequest(first=first, count=4), submission_id=uuid4())

    outcomes = at_once(series(1, True), series(2, False))

    won = [o for o in outcomes if is_won(o)]
    assert len(won) == 1, outcomes
    assert isinstance(next(o for o in outcomes if not is_won(o)), SeriesConflict)
    assert len(active(db)) == 4
    assert_sound(db)


@pytest.mark.parametrize("round_", range(6))
def test_a_series_races_with_single_bookings(db, round_):
    outcomes = at_once(
        partial(book_all, db, weekly(), submission_id=uuid4()),
        *(partial(booked, db, student=10 + n, on=day) for n, day in enumerate(TUESDAYS)),
    )

    if is_won(outcomes[0]):
        assert all(isinstance(o, SlotTaken) for o in outcomes[1:])
    else:
        assert isinstance(outcomes[0], SeriesConflict)
        assert any(map(is_won, outcomes[1:]))
    assert_sound(db)


def test_only_free_takes_what_single_bookings_leave(db):
    outcomes = at_once(
        partial(book_all, db, weekly(), submission_id=uuid4(), only_free=True),
        *(partial(booked, db, student=10 + n, on=day) for n, day in enumerate(TUESDAYS[:3])),
    )

    won = {b.date for b in outcomes[0].bookings}
    lost = {one.date for one in outcomes[0].refused}
    assert won | lost == set(TUESDAYS)
    assert len(active(db)) == 6
    assert_sound(db)


@pytest.mark.parametrize("round_", range(4))
def test_two_series_of_one_student_share_the_seats_of_a_quota(db, round_):
    save_policy(db, Policy(quota=2), now=NOW)

    def series(ground, start):
        first = request_for(student=1, ground=ground, start=start)
        request = SeriesRequest(first=first, weekdays=(1, 2), count=4)
        return partial(book_all, db, request, submission_id=uuid4(), only_free=True)

    at_once(series("ground-1", 9), series("ground-3", 11))

    assert len(active(db)) == 4  # two in each of two weeks
    assert_sound(db)


def test_a_school_that_changes_before_the_write_is_seen(db, monkeypatch):
    """Without the comparison of revisions it would be booked, and undone at its first date."""
    from booking_core.booking import series

    pass_rules = series._pass_rules

    def retire_after(*args):
        found = pass_rules(*args)
        monkeypatch.setattr(series, "_pass_rules", pass_rules)
        change_ground(db, "ground-1", retired=True, now=NOW)
        return found

    monkeypatch.setattr(series, "_pass_rules", retire_after)

    with pytest.raises(SeriesConflict) as lost:
        book_all(db, weekly(), submission_id=uuid4())

    assert [one.date for one in lost.value.dates] == TUESDAYS
    assert {type(one.problem) for one in lost.value.dates} == {GroundRetired}
    assert active(db) == []


def test_a_school_that_changes_after_the_write_undoes_all_of_it(db, monkeypatch):
    from booking_core.storage.bookings import transactions

    run = transactions.run

    def run_then_retire(db, work):
        made = run(db, work)
        monkeypatch.setattr(transactions, "run", run)
        save_term(db, Term("t", "Term", DAY - WEEK, DAY + 8 * WEEK,
                           (Holiday("Break", TUESDAYS[4], TUESDAYS[4]),)), now=NOW)  # fmt: skip
        return made

    monkeypatch.setattr(transactions, "run", run_then_retire)

    with pytest.raises(SeriesConflict) as lost:
        book_all(db, weekly(), submission_id=uuid4())

    assert [one.date for one in lost.value.dates] == [TUESDAYS[4]]
    assert active(db) == []


# Decisions


def test_a_series_is_approved_whole_as_it_was_shown(db, made):
    shown = {b.id: b.slot for b in made.bookings}
    move(db, made.bookings[2].id, start=time(10), end=time(11), by=MEERA, now=NOW)
    with pytest.raises(ChangedMeanwhile):
        approve_series(db, made.id, by=HEAD, expected=shown, now=NOW)
    assert all(b.status is Status.PENDING for b in find_series(db, made.id))
    shown = {b.id: b.slot for b in find_series(db, made.id)}

    done = approve_series(db, made.id, by=HEAD, expected=shown, now=NOW)

    assert {b.status for b in done} == {Status.APPROVED}
    assert find_series(db, made.id) == done
    assert approve_series(db, made.id, by=HEAD, expected=shown, now=NOW) == done
    with pytest.raises(AlreadyDecided):
        reject_series(db, made.id, by=HEAD, reason="Rain", now=NOW)
    assert_sound(db)


def test_dates_that_were_decided_before_stay_as_they_are(db, made):
    approve(db, made.bookings[0].id, by=HEAD, now=NOW)
    cancel(db, made.bookings[1].id, by=MEERA, now=NOW)

    done = reject_series(db, made.id, by=HEAD, reason="Rain", now=NOW)

    assert [b.date for b in done] == TUESDAYS[2:]
    kept = [b.status for b in find_series(db, made.id)[:2]]
    assert kept == [Status.APPROVED, Status.CANCELLED]


def test_who_may_not_decide_changes_no_date(db, made):
    for verb in (approve_series, partial(reject_series, reason="Rain")):
        with pytest.raises(NotAllowed):
            verb(db, made.id, by=RAVI, now=NOW)
    for actor in (MEERA, HEAD):
        add_account(db, Account(actor.id, actor.name, actor.role), now=NOW)
    delegate(db, to=MEERA.id, first=DAY - WEEK, last=DAY, by=HEAD, now=NOW)
    with pytest.raises(NotAllowed):  # an own request
        approve_series(db, made.id, by=MEERA, now=NOW)
    with pytest.raises(NotAllowed):
        cancel_series(db, made.id, by=RAVI, now=NOW)
    assert {b.status for b in find_series(db, made.id)} == {Status.PENDING}


def test_a_series_is_cancelled_from_a_date_on(db, made):
    later = NOW + timedelta(days=2)  # the first date is over

    done = cancel_series(db, made.id, by=MEERA, from_date=TUESDAYS[3], now=later)

    assert [b.date for b in done] == TUESDAYS[3:]
    assert cancel_series(db, made.id, by=MEERA, from_date=TUESDAYS[3], now=later) == done
    rest = cancel_series(db, made.id, by=MEERA, now=later)
    assert [b.date for b in rest] == TUESDAYS[1:3]
    assert get_booking(db, made.bookings[0].id).status is Status.PENDING
    booked(db, student=2, on=TUESDAYS[4])
    assert_sound(db)


def test_a_series_is_cancelled_as_it_was_shown(db, made):
    shown = {b.id: b.slot for b in series_ahead(db, made.id, now=NOW)}
    move(db, made.bookings[2].id, start=time(10), end=time(11), by=MEERA, now=NOW)
    with pytest.raises(ChangedMeanwhile):
        cancel_series(db, made.id, by=MEERA, expected=shown, now=NOW)
    assert all(b.status is Status.PENDING for b in find_series(db, made.id))
    with pytest.raises(InvalidRequest) as refused:
        cancel_series(db, made.id, by=MEERA, expected=list(shown), now=NOW)
    assert refused.value.field == "expected"
    shown = {b.id: b.slot for b in series_ahead(db, made.id, now=NOW)}

    done = cancel_series(db, made.id, by=MEERA, expected=shown, now=NOW)

    assert {b.status for b in done} == {Status.CANCELLED}
    assert cancel_series(db, made.id, by=MEERA, expected=shown, now=NOW) == done


@pytest.mark.parametrize("round_", range(6))
def test_a_series_is_cancelled_as_shown_or_not_while_one_date_moves(db, made, round_):
    shown = {b.id: b.slot for b in made.bookings}
    cancelled, moved = at_once(
        partial(cancel_series, db, made.id, by=MEERA, expected=shown, now=NOW),
        partial(move, db, made.bookings[3].id, start=time(10), end=time(11), by=MEERA, now=NOW),
    )

    if is_won(cancelled):
        assert isinstance(moved, AlreadyDecided)
        assert active(db) == []
    else:
        assert isinstance(cancelled, ChangedMeanwhile)
        assert is_won(moved)
        assert len(active(db)) == 6
    assert_sound(db)


def test_what_a_cancellation_would_cancel_is_known_before(db, made):
    later = NOW + timedelta(days=2)  # the first date is over
    cancel(db, made.bookings[4].id, by=MEERA, now=later)
    for first, left in ((None, [1, 2, 3, 5]), (TUESDAYS[3], [3, 5]), (TUESDAYS[5] + WEEK, [])):
        found = series_ahead(db, made.id, from_date=first, now=later)
        assert [b.date for b in found] == [TUESDAYS[n] for n in left]
    with pytest.raises(InvalidRequest) as refused:
        series_ahead(db, made.id, from_date="2026-12-01", now=later)
    assert refused.value.field == "from_date"

    asked = series_ahead(db, made.id, from_date=TUESDAYS[2], now=later)
    done = cancel_series(db, made.id, by=MEERA, from_date=TUESDAYS[2], now=later)

    assert [b.id for b in done] == [b.id for b in asked]


# The queue


def rows_of(db, *, limit=200, now=NOW):
    requests = pending_queue(db, limit=limit)
    return waiting_rows(db, requests, is_whole=len(requests) < limit, now=now)


def test_the_waiting_dates_of_a_series_are_one_row_of_the_queue(db, made):
    before = booked(db, student=2, on=DAY, start=8)
    between = booked(db, student=3, on=TUESDAYS[2], start=8)
    cancel(db, made.bookings[3].id, by=MEERA, now=NOW)
    approve(db, made.bookings[0].id, by=HEAD, now=NOW)

    first, row, last = rows_of(db)

    assert (first, last) == ((before,), (between,))
    assert [b.date for b in row] == [TUESDAYS[n] for n in (1, 2, 4, 5)]
    shown = {b.id: b.slot for b in row}
    assert len(approve_series(db, made.id, by=HEAD, expected=shown, now=NOW)) == 4


def test_a_row_at_the_end_of_a_long_queue_has_all_dates_of_its_series(db, made):
    booked(db, student=2, on=DAY, start=8)

    single, row = rows_of(db, limit=3)

    assert len(single) == 1
    shown = {b.id: b.slot for b in row}
    assert len(approve_series(db, made.id, by=HEAD, expected=shown, now=NOW)) == 6


def test_dates_that_are_decided_between_two_reads_of_a_long_queue_are_in_no_row(db, made):
    requests = pending_queue(db, limit=3)
    reject_series(db, made.id, by=HEAD, reason="Rain", now=NOW)

    assert waiting_rows(db, requests, is_whole=False, now=NOW) == []


@pytest.mark.parametrize("limit", [200, 3])
def test_a_date_that_is_over_is_a_row_of_its_own(db, made, limit):
    later = NOW + timedelta(days=2)

    over, row = rows_of(db, limit=limit, now=later)

    assert [b.date for b in over] == TUESDAYS[:1]
    assert [b.date for b in row] == TUESDAYS[1:]
    shown = {b.id: b.slot for b in row}
    assert len(approve_series(db, made.id, by=HEAD, expected=shown, now=later)) == 5


def test_the_verbs_of_a_series_name_the_field_that_is_wrong(db, made):
    act = {"by": HEAD, "now": NOW}
    verbs = (
        partial(approve_series, **act),
        partial(reject_series, reason="Rain", **act),
        partial(cancel_series, **act),
        partial(move_series, start=time(11), end=time(12), **act),
        partial(plan_series_move, start=time(11), end=time(12), **act),
        partial(change_series_party, class_name="2-A", **act),
        partial(plan_series_party, class_name="2-A", **act),
        find_series,
        series_ahead,
    )
    for verb in verbs:
        with pytest.raises(InvalidRequest) as refused:
            verb(db, None)
        assert refused.value.field == "series_id"
    for verb in (*verbs[:4], verbs[5]):
        for wrong in ({1: 2}, [1], {made.bookings[0].id: None}):
            with pytest.raises(InvalidRequest) as refused:
                verb(db, made.id, expected=wrong)
            assert refused.value.field == "expected"


def test_an_unknown_series_is_not_found(db):
    for verb in (find_series, series_ahead):
        with pytest.raises(NotFound):
            verb(db, str(uuid4()))
    for verb in (partial(approve_series, by=HEAD), partial(cancel_series, by=ADMIN)):
        with pytest.raises(NotFound):
            verb(db, str(uuid4()))


def test_a_moved_date_may_lie_as_far_ahead_as_its_series(db):
    save_policy(db, Policy(advance_days=14, quota=None), now=NOW)
    done = book_all(db, weekly(), submission_id=uuid4())

    moved = move(db, done.bookings[-1].id, start=time(10), end=time(11), by=MEERA, now=NOW)

    assert moved.start == time(10)


def test_sixty_dates_are_planned_and_booked_within_a_second_each(db):
    save_policy(db, Policy(quota=None, series_days=90), now=NOW)
    first = request_for(student=1, on=date(2026, 11, 24))
    request = SeriesRequest(first=first, weekdays=tuple(range(7)), count=60)
    began = perf_counter()

    found = plan(db, request)
    planned = perf_counter()
    done = book_all(db, request, submission_id=uuid4())

    booked_at = perf_counter()
    assert len(found.dates) == len(done.bookings) == 60
    assert found.problems == ()
    assert planned - began < 1, planned - began
    assert booked_at - planned < 1, booked_at - planned
    assert_sound(db)
