"""Changing for whom a booking or a series is: its slot stays, its people and seats change."""

from __future__ import annotations

from datetime import time, timedelta
from functools import partial
from uuid import uuid4

import pytest
from support import (
    DAY,
    HEAD,
    MEERA,
    NOW,
    RAVI,
    assert_sound,
    at_once,
    booked,
    request_for,
    student_id,
)

from booking_core import (
    Account,
    AlreadyBegun,
    AlreadyDecided,
    ChangedMeanwhile,
    InvalidRequest,
    NotAllowed,
    NotFound,
    PartOfSet,
    Party,
    Policy,
    QuotaReached,
    Role,
    SeriesConflict,
    SeriesRequest,
    SetRequest,
    Status,
    Student,
    StudentBusy,
    StudentInactive,
    SupervisorBusy,
    Team,
    UnknownClass,
    UnknownStudent,
    UnknownTeam,
    add_account,
    approve,
    approve_series,
    ask,
    book_series,
    book_set,
    cancel,
    cancel_series,
    change_party,
    change_series_party,
    find_bookings,
    find_series,
    get_booking,
    move,
    move_series,
    plan_series_party,
    reject_series,
    remove_team,
    save_policy,
    save_student,
    save_team,
)
from booking_core.domain.claims import claims_of
from booking_core.storage.bookings import transactions, writes

WEEK = timedelta(days=7)
TUESDAYS = [DAY + n * WEEK for n in range(4)]
S1, S2, S3 = (student_id(number) for number in (1, 2, 3))
change_one = partial(change_party, by=MEERA, now=NOW)
change_all = partial(change_series_party, by=MEERA, now=NOW)
plan_all = partial(plan_series_party, by=MEERA, now=NOW)


@pytest.fixture
def made(db):
    request = SeriesRequest(first=request_for(student=1), count=4)
    return book_series(db, request, by=MEERA, submission_id=uuid4(), now=NOW)


def students(db, made):
    """The first student of each date."""
    return [booking.student_id for booking in find_series(db, made.id)]


def slots(bookings):
    return {booking.id: booking.slot for booking in bookings}


PEOPLE = [
    {"student_id": S2},
    {"student_ids": (S1, S2)},
    {"student_id": S1, "supervisor_id": "ravi"},
    {"class_name": "2-A"},
    {"team_id": "u14"},
    {"for_staff": True},
]


# One booking


def test_a_booking_is_for_another_student_at_its_slot(db):
    before = booked(db, student=1)

    after = change_one(db, before.id, student_id=S2, reason="Ill")

    assert (after.slot, after.student_ids, after.status) == (before.slot, (S2,), Status.PENDING)
    assert after == get_booking(db, before.id)
    last = after.history[-1]
    assert (last.action, last.by, last.reason) == ("party changed", MEERA.id, "Ill")
    assert after.last_decision == last
    assert find_bookings(db, student_id=S1) == []
    assert [b.id for b in find_bookings(db, student_id=S2)] == [before.id]
    booked(db, student=1, ground="ground-3")  # the former student is free at that time
    with pytest.raises(StudentBusy) as lost:
        booked(db, student=2, ground="ground-2", start=9)
    assert lost.value.booking.id == before.id
    assert change_one(db, before.id, student_id=S2, reason="Ill") == after  # sent again
    assert_sound(db)


@pytest.mark.parametrize(
    ("people", "party", "name"),
    [
        ({"student_ids": (S2, S3)}, Party.STUDENTS, "Student 2, Student 3"),
        ({"class_name": "3-a"}, Party.CLASS, "3-A"),
        ({"team_id": "eagles"}, Party.TEAM, "Eagles"),
        ({"for_staff": True}, Party.STAFF, "Staff"),
    ],
)
def test_a_booking_goes_to_each_kind_of_party_and_back(db, people, party, name):
    save_team(db, Team("eagles", "Eagles", (S2, S3)), now=NOW)
    before = booked(db, student=1)

    there = change_one(db, before.id, **people)
    again = change_one(db, before.id, **people)
    back = change_one(db, before.id, student_id=S1)

    assert (there.party, there.party_name) == (party, name)
    assert again == there
    assert back.whom == before.whom
    assert claims_of(back) == claims_of(before)
    assert_sound(db)


def test_the_supervisor_changes_and_is_dropped(db):
    for actor in (MEERA, RAVI):
        add_account(db, Account(actor.id, actor.name, actor.role), now=NOW)
    before = booked(db, student=1)
    booked(db, student=2, ground="ground-3", supervisor_id="ravi")

    there = change_one(db, before.id, student_id=S1, supervisor_id="meera")

    assert (there.supervisor_id, there.supervisor_name) == ("meera", "Meera")
    with pytest.raises(SupervisorBusy):
        change_one(db, before.id, student_id=S1, supervisor_id="ravi")
    assert get_booking(db, before.id) == there
    assert change_one(db, before.id, student_id=S1).supervisor_id is None
    assert_sound(db)


def test_who_was_in_the_party_keeps_the_seat_and_others_take_one(db):
    save_policy(db, Policy(quota=2), now=NOW)
    first, second = (booked(db, student_ids=(S1, S2), start=hour) for hour in (9, 11))
    booked(db, student=3, start=13)

    after = change_one(db, second.id, student_ids=(S3, S2))

    assert dict(after.quota_holders) == {S3: 1, S2: dict(second.quota_holders)[S2]}
    with pytest.raises(QuotaReached) as full:
        change_one(db, first.id, student_id=S3)
    assert full.value.student_id == S3
    assert get_booking(db, first.id) == first
    booked(db, student=1, start=15)  # the seat that is left
    assert_sound(db)


def test_a_party_without_a_quota_gives_its_seats_back(db):
    save_policy(db, Policy(quota=1, class_quota=None), now=NOW)
    before = booked(db, student=1)

    after = change_one(db, before.id, class_name="3-A")

    assert after.quota_window is None
    booked(db, student=1, start=11)
    with pytest.raises(QuotaReached):
        change_one(db, before.id, student_id=S1)
    assert_sound(db)


def test_a_supervisor_alone_takes_no_seat_where_there_was_none(db):
    save_policy(db, Policy(quota=None), now=NOW)
    add_account(db, Account("ravi", "Ravi", Role.STAFF), now=NOW)
    before = booked(db, student=1)
    save_policy(db, Policy(quota=1), now=NOW)
    booked(db, student=1, start=11)

    after = change_one(db, before.id, student_id=S1, supervisor_id="ravi")

    assert after.quota_window is None
    assert_sound(db)


def test_an_approved_booking_waits_again_unless_who_changes_it_may_decide(db):
    booking = booked(db, student=1)
    approve(db, booking.id, by=HEAD, now=NOW)

    kept = change_one(db, booking.id, student_id=S2, by=HEAD)
    waits = change_one(db, booking.id, student_id=S3)

    assert (kept.status, waits.status) == (Status.APPROVED, Status.PENDING)
    assert waits.history[-1].status_before is Status.APPROVED


@pytest.mark.parametrize("people", PEOPLE)
def test_people_who_were_not_shown_are_not_approved(db, people):
    for actor in (MEERA, RAVI):
        add_account(db, Account(actor.id, actor.name, actor.role), now=NOW)
    save_team(db, Team(id="u14", name="U14 girls"))
    shown = booked(db, student=1)
    changed = change_one(db, shown.id, **people)

    with pytest.raises(ChangedMeanwhile) as refused:
        approve(db, shown.id, expected=shown, by=HEAD, now=NOW)

    assert refused.value.what == "the party of this booking"
    assert get_booking(db, shown.id) == changed
    assert approve(db, shown.id, expected=changed, by=HEAD, now=NOW).status is Status.APPROVED


def test_a_student_who_is_called_otherwise_since_is_the_one_who_was_shown(db):
    shown = booked(db, student=1)
    save_student(db, Student(id=S1, name="Asha Rao", class_name="9-A"), now=NOW)

    done = approve(db, shown.id, expected=shown, by=HEAD, now=NOW)

    assert (done.status, done.student_name) == (Status.APPROVED, "Asha Rao")


def test_a_question_about_the_former_party_is_over(db):
    booking = booked(db, student=1)
    ask(db, booking.id, "Which student?", by=HEAD, now=NOW)

    assert change_one(db, booking.id, student_id=S2).questions == ()


def test_only_its_author_and_those_who_move_any_booking_change_the_party(db, made):
    for verb, id in ((change_one, made.bookings[0].id), (change_all, made.id), (plan_all, made.id)):
        with pytest.raises(NotAllowed):
            verb(db, id, student_id=S2, by=RAVI)
        with pytest.raises(NotFound):
            verb(db, str(uuid4()), student_id=S2)
        for people, problem in (
            ({"student_id": "S999"}, UnknownStudent),
            ({"class_name": "99-Z"}, UnknownClass),
            ({"team_id": "none"}, UnknownTeam),
        ):
            with pytest.raises(problem):
                verb(db, id, **people)
        for people, field in (
            ({}, "student_id"),
            ({"student_id": S2, "for_staff": True}, "for_staff"),
            ({"student_id": 3}, "student_id"),
            ({"student_id": S2, "supervisor_id": "nobody"}, "supervisor_id"),
        ):
            with pytest.raises(InvalidRequest) as refused:
                verb(db, id, **people)
            assert refused.value.field == field
    assert find_series(db, made.id) == made.bookings


def test_what_has_begun_or_ended_keeps_its_party(db):
    booking = booked(db, student=1)
    with pytest.raises(AlreadyBegun):
        change_one(db, booking.id, student_id=S2, by=HEAD, now=NOW + timedelta(days=1, hours=4))
    cancel(db, booking.id, by=MEERA, now=NOW)
    with pytest.raises(AlreadyDecided):
        change_one(db, booking.id, student_id=S2)


def test_a_student_who_may_not_book_gets_no_booking(db, made):
    save_student(db, Student(S2, "Student 2", "3-A", active=False), now=NOW)

    with pytest.raises(StudentInactive):
        change_one(db, made.bookings[0].id, student_id=S2)
    with pytest.raises(SeriesConflict) as refused:
        change_all(db, made.id, student_id=S2)

    assert {type(one.problem) for one in refused.value.dates} == {StudentInactive}
    assert find_series(db, made.id) == made.bookings


def test_several_grounds_of_one_request_keep_their_party(db):
    asked = SetRequest(request_for(student=1), ("ground-1", "ground-3"))
    made = book_set(db, asked, by=MEERA, submission_id=uuid4(), now=NOW)

    for booking in made.bookings:
        with pytest.raises(PartOfSet):
            change_one(db, booking.id, student_id=S2)
    with pytest.raises(PartOfSet):
        change_all(db, made.id, student_id=S2)


# A series


def test_all_dates_to_come_change_and_those_that_have_begun_stay(db, made):
    later = NOW + timedelta(days=2)

    done = change_all(db, made.id, student_id=S2, now=later)

    assert [b.date for b in done] == TUESDAYS[1:]
    assert students(db, made) == [S1, S2, S2, S2]
    assert [b.slot for b in find_series(db, made.id)] == [b.slot for b in made.bookings]
    assert change_all(db, made.id, student_id=S2, now=later) == done
    assert_sound(db)


def test_this_and_the_following_dates_change(db, made):
    change_all(db, made.id, class_name="5-A", from_date=TUESDAYS[2])

    assert [b.party for b in find_series(db, made.id)] == [Party.STUDENTS] * 2 + [Party.CLASS] * 2
    with pytest.raises(InvalidRequest) as refused:
        change_all(db, made.id, student_id=S2, from_date=TUESDAYS[3] + WEEK)
    assert refused.value.field == "from_date"


def test_a_date_that_somebody_changed_by_itself_keeps_its_party(db, made):
    cancel(db, made.bookings[0].id, by=MEERA, now=NOW)
    apart = change_one(db, made.bookings[1].id, student_id=S3)
    moved = move(db, made.bookings[2].id, start=time(12), end=time(13), by=MEERA, now=NOW)
    plan = plan_all(db, made.id, student_id=S2)
    assert (plan.apart, plan.bookings) == ((apart,), (moved, made.bookings[3]))

    change_all(db, made.id, student_id=S2)
    change_all(db, made.id, student_id=S1)  # those that the series changed follow it

    found = find_series(db, made.id)
    assert [b.student_id for b in found] == [S1, S3, S1, S1]
    assert [b.start.hour for b in found] == [9, 9, 12, 9]
    assert found[0].status is Status.CANCELLED
    assert_sound(db)


def test_another_party_does_not_keep_a_date_from_moving_with_its_series(db, made):
    change_one(db, made.bookings[1].id, student_id=S3)

    done = move_series(db, made.id, start=time(12), end=time(13), by=MEERA, now=NOW)

    assert len(done) == 4


def test_who_is_busy_is_named_by_date_and_nothing_changes(db, made):
    other = booked(db, student=2, ground="ground-3", on=TUESDAYS[2])
    plan = plan_all(db, made.id, student_id=S2)
    assert [one.date for one in plan.problems] == [TUESDAYS[2]]

    with pytest.raises(SeriesConflict) as lost:
        change_all(db, made.id, student_id=S2)

    [(date, problem, _)] = lost.value.dates
    assert (date, type(problem), problem.booking) == (TUESDAYS[2], StudentBusy, other)
    assert find_series(db, made.id) == made.bookings


def test_two_dates_of_a_day_take_two_seats_or_none(db):
    save_policy(db, Policy(quota=2), now=NOW)
    request = SeriesRequest(first=request_for(student=1), dates=(DAY + timedelta(days=1),))
    made = book_series(db, request, by=MEERA, submission_id=uuid4(), now=NOW)

    done = change_all(db, made.id, student_id=S2)
    assert [b.quota_holders for b in done] == [((S2, 0),), ((S2, 1),)]

    booked(db, student=3, on=DAY + timedelta(days=3))
    with pytest.raises(SeriesConflict) as lost:
        change_all(db, made.id, student_id=S3)
    assert [type(one.problem) for one in lost.value.dates] == [QuotaReached]
    assert_sound(db)


def test_two_dates_at_one_time_are_not_given_to_one_student(db):
    """A class claims nobody, so its series may be on two grounds at one time."""
    request = SeriesRequest(first=request_for(class_name="2-A"), dates=(DAY + timedelta(days=1),))
    made = book_series(db, request, by=MEERA, submission_id=uuid4(), now=NOW)
    move(db, made.bookings[1].id, date=DAY, ground_id="ground-3", by=MEERA, now=NOW)

    with pytest.raises(SeriesConflict) as lost:
        change_all(db, made.id, student_id=S2)

    assert [type(one.problem) for one in lost.value.dates] == [StudentBusy]
    assert_sound(db)


def test_approved_dates_wait_again_unless_who_changes_them_may_decide(db, made):
    approve_series(db, made.id, by=HEAD, now=NOW)
    by_head = change_all(db, made.id, student_id=S2, by=HEAD)
    assert {b.status for b in by_head} == {Status.APPROVED}

    done = change_all(db, made.id, student_id=S3, from_date=TUESDAYS[2])

    assert {b.status for b in done} == {Status.PENDING}
    assert {b.status for b in find_series(db, made.id)[:2]} == {Status.APPROVED}


def test_a_series_changes_as_it_was_shown(db, made):
    shown = slots(plan_all(db, made.id, student_id=S2).bookings)
    cancel(db, made.bookings[2].id, by=MEERA, now=NOW)
    with pytest.raises(ChangedMeanwhile):
        change_all(db, made.id, student_id=S2, expected=shown)
    assert set(students(db, made)) == {S1}
    with pytest.raises(InvalidRequest) as refused:
        change_all(db, made.id, student_id=S2, expected=list(shown))
    assert refused.value.field == "expected"
    shown = slots(plan_all(db, made.id, student_id=S2).bookings)

    done = change_all(db, made.id, student_id=S2, expected=shown)

    assert len(done) == 3
    assert change_all(db, made.id, student_id=S2, expected=shown) == done
    cancel_series(db, made.id, by=MEERA, now=NOW)
    with pytest.raises(AlreadyDecided):
        change_all(db, made.id, student_id=S1)


@pytest.mark.parametrize("verb", [approve_series, partial(reject_series, reason="Rain")])
def test_a_series_with_people_who_were_not_shown_is_not_decided(db, made, verb):
    shown = {one.id: one for one in made.bookings}
    change_one(db, made.bookings[2].id, student_id=S2)

    with pytest.raises(ChangedMeanwhile):
        verb(db, made.id, expected=shown, by=HEAD, now=NOW)

    assert {one.status for one in find_series(db, made.id)} == {Status.PENDING}
    shown = {one.id: one for one in find_series(db, made.id)}
    assert len(verb(db, made.id, expected=shown, by=HEAD, now=NOW)) == 4
    with pytest.raises(InvalidRequest) as refused:
        verb(db, made.id, expected={made.id: "a slot"}, by=HEAD, now=NOW)
    assert refused.value.field == "expected"


def test_a_party_that_ends_before_the_write_is_seen(db, made, monkeypatch):
    """Without the comparison of revisions it would be written, and undone."""
    run, runs = transactions.run, []

    def leave_then_run(db, work):
        if not runs:
            save_student(db, Student(S2, "Student 2", "3-A", active=False), now=NOW)
        runs.append(work)
        return run(db, work)

    monkeypatch.setattr(transactions, "run", leave_then_run)

    with pytest.raises(SeriesConflict) as lost:
        change_all(db, made.id, student_id=S2)

    assert [one.date for one in lost.value.dates] == TUESDAYS
    assert {b.revision for b in find_series(db, made.id)} == {0}


def test_a_team_that_is_removed_after_the_write_undoes_all_of_it(db, made, monkeypatch):
    save_team(db, Team("eagles", "Eagles"), now=NOW)
    run = transactions.run

    def run_then_remove(db, work):
        changed = run(db, work)
        monkeypatch.setattr(transactions, "run", run)
        remove_team(db, "eagles", now=NOW)
        return changed

    monkeypatch.setattr(transactions, "run", run_then_remove)

    with pytest.raises(SeriesConflict):
        change_all(db, made.id, team_id="eagles")

    assert {b.party for b in find_series(db, made.id)} == {Party.STUDENTS}
    assert_sound(db)


def test_a_team_that_is_removed_after_the_write_gets_no_booking(db, monkeypatch):
    save_team(db, Team("eagles", "Eagles"), now=NOW)
    before = booked(db, student=1)
    replace_stored = writes.replace

    def replace_then_remove(*args):
        after = replace_stored(*args)
        monkeypatch.setattr(writes, "replace", replace_stored)
        remove_team(db, "eagles", now=NOW)
        return after

    monkeypatch.setattr(writes, "replace", replace_then_remove)

    with pytest.raises(UnknownTeam):
        change_one(db, before.id, team_id="eagles")

    assert get_booking(db, before.id).student_id == S1
    assert_sound(db)


# Races


def is_won(outcome):
    return not isinstance(outcome, BaseException)


@pytest.mark.parametrize("round_", range(10))
def test_a_student_who_is_booked_at_that_moment_is_booked_once(db, round_):
    before = booked(db, student=1)

    changed, other = at_once(
        partial(change_one, db, before.id, student_id=S2),
        partial(booked, db, student=2, ground="ground-3"),
    )

    assert {is_won(changed), is_won(other)} == {True, False}
    lost = other if is_won(changed) else changed
    assert isinstance(lost, StudentBusy)
    assert get_booking(db, before.id).student_id == (S2 if is_won(changed) else S1)
    assert_sound(db)


@pytest.mark.parametrize("round_", range(10))
def test_a_series_changes_wholly_or_not_while_its_new_student_is_booked(db, made, round_):
    changed, other = at_once(
        partial(change_all, db, made.id, student_id=S2),
        partial(booked, db, student=2, ground="ground-3", on=TUESDAYS[2]),
    )

    if is_won(changed):
        assert isinstance(other, StudentBusy)
        assert set(students(db, made)) == {S2}
    else:
        assert isinstance(changed, SeriesConflict)
        assert [one.date for one in changed.dates] == [TUESDAYS[2]]
        assert set(students(db, made)) == {S1}
    assert_sound(db)


def test_a_student_who_is_booked_after_the_plan_keeps_every_date_as_it_was(db, made, monkeypatch):
    """Without one transaction the first dates would have changed."""
    run = transactions.run

    def book_then_run(db, work):
        monkeypatch.setattr(transactions, "run", run)
        booked(db, student=2, ground="ground-3", on=TUESDAYS[2])
        return run(db, work)

    monkeypatch.setattr(transactions, "run", book_then_run)

    with pytest.raises(SeriesConflict) as lost:
        change_all(db, made.id, student_id=S2)

    assert [one.date for one in lost.value.dates] == [TUESDAYS[2]]
    assert find_series(db, made.id) == made.bookings


@pytest.mark.parametrize("round_", range(10))
def test_the_last_seat_goes_to_one_of_two_bookings(db, round_):
    save_policy(db, Policy(quota=1), now=NOW)
    before = [booked(db, student=number, start=9 + number) for number in (1, 3)]

    outcomes = at_once(*(partial(change_one, db, b.id, student_id=S2) for b in before))

    assert sorted(map(is_won, outcomes)) == [False, True]
    assert any(isinstance(one, QuotaReached) for one in outcomes)
    assert_sound(db)


@pytest.mark.parametrize("round_", range(10))
def test_a_cancellation_at_that_moment_is_kept(db, made, round_):
    changed, cancelled = at_once(
        partial(change_all, db, made.id, student_id=S2),
        partial(cancel, db, made.bookings[1].id, by=MEERA, now=NOW),
    )

    assert is_won(cancelled)
    assert is_won(changed)
    found = find_series(db, made.id)
    assert found[1].status is Status.CANCELLED
    assert {b.student_id for b in found if b.status.is_active} == {S2}
    assert_sound(db)


@pytest.mark.parametrize("round_", range(10))
def test_of_two_parties_at_once_one_is_on_every_date(db, made, round_):
    outcomes = at_once(
        partial(change_all, db, made.id, student_id=S2),
        partial(change_all, db, made.id, class_name="5-A", by=HEAD),
    )

    assert all(map(is_won, outcomes))
    assert len({b.whom for b in find_series(db, made.id)}) == 1
    assert_sound(db)


@pytest.mark.parametrize("round_", range(10))
def test_one_booking_gets_the_party_of_the_later_of_two(db, round_):
    before = booked(db, student=1)

    outcomes = at_once(
        partial(change_one, db, before.id, student_id=S2),
        partial(change_one, db, before.id, student_id=S3, by=HEAD),
    )

    assert all(map(is_won, outcomes))
    last = get_booking(db, before.id)
    assert [e.action for e in last.history] == ["requested", "party changed", "party changed"]
    assert last in outcomes
    assert_sound(db)


def test_an_approval_after_the_look_is_not_overwritten(db, made, monkeypatch):
    """Without the comparison of revisions an approval for one student would hold for another."""
    run = transactions.run

    def approve_then_run(db, work):
        monkeypatch.setattr(transactions, "run", run)
        approve(db, made.bookings[0].id, by=HEAD, now=NOW)
        return run(db, work)

    monkeypatch.setattr(transactions, "run", approve_then_run)

    done = change_all(db, made.id, student_id=S2)

    assert {b.status for b in done} == {Status.PENDING}
    actions = [entry.action for entry in done[0].history]
    assert actions == ["requested", "approved", "party changed"]
    assert_sound(db)


def test_a_person_of_a_later_party_is_busy_since_the_change(db):
    add_account(db, Account(MEERA.id, MEERA.name, MEERA.role))
    held = booked(db, student=1)
    later = NOW + timedelta(minutes=1)
    change_party(db, held.id, student_id=S2, supervisor_id=MEERA.id, by=MEERA, now=later)

    with pytest.raises(StudentBusy) as student:
        booked(db, student=2, ground="ground-3")
    with pytest.raises(SupervisorBusy) as supervisor:
        booked(db, student=3, ground="ground-3", supervisor_id=MEERA.id)

    assert (student.value.since, supervisor.value.since) == (later, later)
