"""Several grounds at once: all of them or none, whatever races."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from functools import partial
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
    of_type,
    request_for,
)

from booking_core import (
    Account,
    AlreadyDecided,
    Booking,
    BookingError,
    ChangedMeanwhile,
    GameNotAllowed,
    Ground,
    InvalidRequest,
    Policy,
    QuotaReached,
    Role,
    Series,
    SetRequest,
    SlotTaken,
    Status,
    StudentBusy,
    SubmissionReused,
    UnknownGround,
    add_account,
    approve,
    approve_series,
    book,
    book_set,
    cancel,
    cancel_series,
    change_ground,
    find_series,
    get_booking,
    load_reference,
    move,
    plan_set,
    reject,
    reject_series,
    save_ground,
    save_policy,
)
from booking_core.booking import sets
from booking_core.errors import PartOfSet, SetConflict, SupervisorBusy

GROUNDS = ("ground-1", "ground-2", "ground-3")
ROUNDS = 12


@pytest.fixture
def db(make_db):
    made = make_db()
    for ground in load_reference(made).grounds.values():
        save_ground(made, replace(ground, games=(*ground.games, "Sports day")))
    save_ground(made, Ground("extra", "Extra", ("Cricket",), 9))
    add_account(made, Account("meera", "Meera", Role.STAFF))
    return made


def wanted(*grounds, **request):
    request = {"class_name": "2-A", "game": "Sports day"} | request
    grounds = grounds or GROUNDS
    return SetRequest(request_for(ground=grounds[0], **request), grounds)


def booked_set(db, *grounds, by=MEERA, submission_id=None, **request):
    id = submission_id or uuid4()
    return book_set(db, wanted(*grounds, **request), by=by, submission_id=id, now=NOW)


def test_a_set_has_a_booking_of_each_ground_and_is_decided_whole(db):
    made = booked_set(db, end=12)

    assert [b.ground_id for b in made.bookings] == list(GROUNDS)
    assert {(b.start.hour, b.end.hour, b.whom) for b in made.bookings} == {
        (9, 12, "2-A, whole class")
    }
    assert sorted(find_series(db, made.id), key=lambda b: b.set_place) == list(made.bookings)
    assert {b.status for b in approve_series(db, made.id, by=HEAD, now=NOW)} == {Status.APPROVED}
    assert len(cancel_series(db, made.id, by=MEERA, now=NOW)) == 3
    assert not active(db)
    again = booked_set(db)
    assert len(reject_series(db, again.id, by=HEAD, reason="Rain", now=NOW)) == 3
    with pytest.raises(AlreadyDecided):
        approve_series(db, again.id, by=HEAD, now=NOW)


def test_one_ground_that_is_taken_keeps_all_from_being_booked(db):
    taken = booked(db, ground="ground-2", student=1)
    plan = plan_set(db, wanted(), by=MEERA, now=NOW)
    assert [type(one.problem) for one in plan] == [type(None), SlotTaken, type(None)]
    with pytest.raises(SetConflict) as error:
        booked_set(db)
    [(ground_id, problem)] = error.value.grounds
    assert (ground_id, problem.held_by) == ("ground-2", taken)
    close_one(
        db,
        ground_id="ground-3",
        date=DAY,
        start=time(8),
        end=time(12),
        reason="Rain",
        by=HEAD,
        now=NOW,
    )
    with pytest.raises(SetConflict) as error:
        booked_set(db)
    assert [ground_id for ground_id, _ in error.value.grounds] == ["ground-2", "ground-3"]
    assert len(active(db, kind="booking")) == 1


def test_the_first_ground_claims_the_people_and_takes_the_seat(db):
    made = booked_set(db, class_name=None, student_ids=("S001", "S002"), supervisor_id="meera")

    assert [b.quota_seat for b in made.bookings] == [0, None, None]
    for other in ({"student": 1}, {"student": 9, "supervisor_id": "meera"}):
        with pytest.raises((StudentBusy, SupervisorBusy)) as error:
            booked(db, ground="extra", game="Cricket", **other)
        assert error.value.booking == made.bookings[0]
    booked(db, student=1, start=12)
    with pytest.raises(QuotaReached):
        booked(db, student=1, start=13)
    assert_sound(db)


def test_a_part_keeps_its_time_and_may_change_its_ground(db):
    made = booked_set(db, "ground-1", "ground-2", class_name=None, student_ids=("S001", "S002"))
    for part in made.bookings:
        for change in ({"date": DAY + timedelta(days=7)}, {"start": time(14), "end": time(15)}):
            with pytest.raises(PartOfSet):
                move(db, part.id, **change, by=MEERA, now=NOW)
        assert get_booking(db, part.id) == part
    moved = move(db, made.bookings[1].id, ground_id="ground-3", by=MEERA, now=NOW)
    assert (moved.set_place, moved.quota_seat, moved.ground_id) == (1, None, "ground-3")
    assert_sound(db)


def test_the_first_ground_does_not_end_before_the_others(db):
    made = booked_set(db)
    first, second, third = (booking.id for booking in made.bookings)
    with pytest.raises(PartOfSet):
        cancel(db, first, by=MEERA, now=NOW)
    with pytest.raises(PartOfSet):
        reject(db, first, by=HEAD, reason="Rain", now=NOW)
    cancel(db, second, by=MEERA, now=NOW)
    cancel(db, third, by=MEERA, now=NOW)
    assert cancel(db, first, by=MEERA, now=NOW).status is Status.CANCELLED


def test_a_set_of_which_a_ground_is_approved_is_not_rejected_without_it(db):
    made = booked_set(db, "ground-1", "ground-3", class_name=None, student_id="S001")
    first, second = (booking.id for booking in made.bookings)
    approve(db, second, by=HEAD, now=NOW)

    with pytest.raises(PartOfSet):
        reject_series(db, made.id, by=HEAD, reason="Rain", now=NOW)

    assert get_booking(db, first).status is Status.PENDING
    with pytest.raises(StudentBusy):
        booked(db, student=1, ground="ground-2", game="Sports day")
    other = booked_set(db, "ground-1", "ground-3", start=12)
    approve(db, other.bookings[0].id, by=HEAD, now=NOW)
    (ended,) = reject_series(db, other.id, by=HEAD, reason="Rain", now=NOW)
    assert ended.id == other.bookings[1].id


def test_the_same_id_with_another_party_at_one_moment_is_refused(db):
    """Both plans are made before either is stored."""
    for number in range(ROUNDS):
        id, day = uuid4(), DAY + timedelta(days=number)
        outcomes = at_once(
            partial(booked_set, db, submission_id=id, on=day),
            partial(booked_set, db, submission_id=id, on=day, class_name="3-A"),
        )
        [won], [lost] = of_type(outcomes, Series), of_type(outcomes, SubmissionReused)
        assert str(lost.submission_id) in {b.id for b in won.bookings}
        assert len({row["class_name"] for row in active(db, date=day.isoformat())}) == 1


@pytest.mark.parametrize(
    ("ids", "field"),
    [
        ("ground-1", "ground_ids"),
        (7, "ground_ids"),
        (("ground-1",), "ground_ids"),
        (("ground-2", "ground-2"), "ground_ids"),
        ((1, 2), "ground_ids"),
        (tuple(f"g{n}" for n in range(41)), "ground_ids"),
    ],
)
def test_a_wrong_set_is_refused_with_its_field(ids, field):
    with pytest.raises(InvalidRequest) as error:
        SetRequest(request_for(), ids)
    assert error.value.field == field


def test_what_a_set_cannot_have_is_refused(db):
    with pytest.raises(UnknownGround):
        booked_set(db, "ground-1", "nowhere")
    with pytest.raises(SetConflict) as error:
        booked_set(db, "ground-1", "extra")
    assert [type(problem) for _, problem in error.value.grounds] == [GameNotAllowed]
    with pytest.raises(InvalidRequest) as refused:
        book_set(db, wanted(), by=MEERA, submission_id="x", now=NOW)
    assert refused.value.field == "submission_id"
    with pytest.raises(InvalidRequest):
        book_set(db, request_for(), by=MEERA, submission_id=uuid4(), now=NOW)
    with pytest.raises(BookingError):
        book_set(db, wanted(), by=MEERA, submission_id=uuid4(), as_approved=True, now=NOW)
    change_ground(db, "ground-2", surfaces=("ground-2", "ground-3"), by=ADMIN, now=NOW)
    with pytest.raises(InvalidRequest) as refused:
        booked_set(db)
    assert refused.value.field == "ground_ids"
    assert not active(db)


def test_a_set_sent_again_is_one_and_with_other_content_is_refused(db):
    id = uuid4()
    first = booked_set(db, submission_id=id)
    assert booked_set(db, submission_id=id) == first
    for other in ({"start": 11}, {"class_name": "3-A"}):
        with pytest.raises(SubmissionReused):
            booked_set(db, submission_id=id, **other)
    with pytest.raises(SubmissionReused):
        booked_set(db, "ground-1", "ground-2", submission_id=id)
    assert len(active(db)) == 3


def test_a_set_sent_by_eight_threads_exists_once(db):
    for number in range(ROUNDS):
        day = DAY + timedelta(days=number)
        send = partial(booked_set, db, submission_id=uuid4(), on=day)
        outcomes = at_once(*[send] * 8)
        assert len(of_type(outcomes, Series)) == 8, outcomes
        assert len(active(db, date=day.isoformat())) == 3
    assert_sound(db)


def test_a_sports_day_races_with_single_bookings(db):
    """Either the set has all its grounds, or none of them."""
    save_policy(db, replace(load_reference(db).policy, quota=None), by=ADMIN, now=NOW)
    won = {True: 0, False: 0}
    for number in range(2 * ROUNDS):
        day = DAY + timedelta(days=number)
        singles = [
            request_for(ground=ground, student=10 + n, on=day, start=hour, game="Sports day")
            for n, (ground, hour) in enumerate(
                [(ground, hour) for ground in GROUNDS for hour in (9, 10)]
            )
        ]
        outcomes = at_once(
            lambda day=day: booked_set(db, on=day, end=11),
            *[lambda one=one: book(db, one, by=RAVI, now=NOW) for one in singles],
        )
        assert all(
            isinstance(one, Series | Booking | SetConflict | SlotTaken | ChangedMeanwhile)
            for one in outcomes
        ), outcomes
        held = [row for row in active(db, date=day.isoformat()) if "set_place" in row]
        is_whole = isinstance(outcomes[0], Series)
        won[is_whole] += 1
        assert len(held) == (3 if is_whole else 0)
    assert_sound(db)
    assert won[False], "no single booking was ever first"


def test_of_two_sets_that_share_a_ground_one_wins(db):
    for number in range(ROUNDS):
        day = DAY + timedelta(days=number)
        outcomes = at_once(
            lambda day=day: booked_set(db, "ground-1", "ground-2", on=day),
            lambda day=day: booked_set(db, "ground-3", "ground-2", on=day, class_name="3-A"),
            lambda day=day: booked_set(db, "ground-2", "ground-1", on=day, class_name="4-A"),
        )
        assert len(of_type(outcomes, Series)) == 1, outcomes
        assert len(active(db, date=day.isoformat())) == 2
    assert_sound(db)


def test_a_set_races_with_the_end_of_one_of_its_grounds(db):
    """A set is stored whole, or undone whole; none stays on a ground that is out of use."""
    for number in range(ROUNDS):
        day = DAY + timedelta(days=number)
        outcomes = at_once(
            lambda day=day: booked_set(db, on=day),
            lambda: change_ground(db, "ground-2", retired=True, by=ADMIN, now=NOW),
        )
        held = len(active(db, date=day.isoformat()))
        assert held == (3 if isinstance(outcomes[0], Series) else 0), outcomes
        change_ground(db, "ground-2", retired=False, by=ADMIN, now=NOW)


def test_a_ground_that_is_retired_after_the_plan_lets_nothing_be_stored(db, monkeypatch):
    planned, undone = sets._planned, []

    def plan_and_retire(*args):
        plan = planned(*args)
        change_ground(db, "ground-2", retired=True, by=ADMIN, now=NOW)
        return plan

    monkeypatch.setattr(sets, "_planned", plan_and_retire)
    monkeypatch.setattr(sets.bookings, "undo", lambda *args: undone.append(args))
    with pytest.raises(SetConflict) as error:
        booked_set(db)
    assert [id for id, _ in error.value.grounds] == ["ground-2"]
    assert not undone
    assert not active(db)


def test_a_set_whose_answer_was_lost_is_in_nobodys_way_and_is_answered_again(db):
    save_policy(db, Policy(quota=1), now=NOW)
    id = uuid4()
    done = book_set(db, wanted(), by=MEERA, submission_id=id, now=NOW)

    plan = plan_set(db, wanted(), by=MEERA, submission_id=id, now=NOW)

    assert {(one.problem, one.own) for one in plan} == {(None, True)}
    assert book_set(db, wanted(), by=MEERA, submission_id=id, now=NOW) == done
    for other, by in ((None, MEERA), (uuid4(), MEERA), (id, RAVI)):
        plan = plan_set(db, wanted(), by=by, submission_id=other, now=NOW)
        assert all(one.problem and not one.own for one in plan)
    with pytest.raises(InvalidRequest) as refused:
        plan_set(db, wanted(), by=MEERA, submission_id=str(id), now=NOW)
    assert refused.value.field == "submission_id"
