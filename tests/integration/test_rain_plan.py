"""A closing that moves what is in its way: proposals, the closing with moves, and the way back."""

from __future__ import annotations

from collections import Counter
from datetime import time, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from closing_steps import ALL
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
    request_for,
)

from booking_core import (
    Booking,
    BookingRequest,
    ChangedMeanwhile,
    Ground,
    InvalidRequest,
    QuotaReached,
    SetRequest,
    Slot,
    SlotTaken,
    Status,
    approve,
    book,
    book_set,
    cancel,
    close_grounds,
    find_returnable,
    former_slot,
    get_booking,
    lift_closure,
    move,
    notices_for,
    propose_moves,
    save_ground,
)
from booking_core.booking.closures import Closing
from booking_core.domain.claims import claims_of
from booking_core.domain.timetable import iso_week, marks

NEXT = DAY + timedelta(days=1)
RAIN = {"ground_ids": ["ground-1"], "first": DAY, "last": DAY}


def close_with(db: Any, moves: dict[str, Slot], expected: list[str], **asked: Any) -> Closing:
    wanted = RAIN | {"reason": "Rain", "by": HEAD, "now": NOW} | asked
    return close_grounds(db, **wanted, expected=expected, moves=moves)


def proposals(db: Any, **asked: Any) -> dict[str, Slot | None]:
    return {b.id: slot for b, slot in propose_moves(db, **(RAIN | {"now": NOW} | asked))}


@pytest.fixture
def unlimited(make_db):
    return make_db(quota=None)


def test_a_booking_is_proposed_the_nearest_free_slot(unlimited):
    db = unlimited
    mine = booked(db, student=1, start=10)
    booked(db, student=2, start=10, ground="ground-2")

    here = proposals(db, start=None, end=None)[mine.id]
    for ground in ALL[1:]:
        for start in range(8, 18):
            if (ground, start) not in (("ground-2", 10),):
                booked(db, student=100 + 10 * int(ground[-1]) + start, start=start, ground=ground)
    later = proposals(db)[mine.id]

    assert (here.date, here.ground_id) == (DAY, "ground-3")
    assert later == Slot("ground-1", NEXT, mine.start, mine.end)


def test_proposals_together_give_no_slot_and_no_person_twice(unlimited):
    db = unlimited
    supervisor = {"for_staff": True, "student_id": None}
    mine = [booked(db, student=1, start=start) for start in (8, 9, 10)]
    mine += [booked(db, student=n, start=9, ground="ground-2") for n in (2,)]
    book(db, request_for(student=None, start=12, **supervisor), by=MEERA, now=NOW)

    found = propose_moves(db, ground_ids=["ground-1", "ground-2"], first=DAY, last=DAY, now=NOW)

    assert [one.booking.id for one in found][:4] == [mine[0].id, mine[1].id, mine[3].id, mine[2].id]
    placed = [one.booking.placed(one.slot, (one.slot.ground_id,)) for one in found if one.slot]
    assert len(placed) == 5
    claims = Counter(c for b in placed for c in claims_of(b) if not c.startswith("quota"))
    assert set(claims.values()) == {1}


def test_a_booking_that_nobody_can_place_and_one_that_runs_get_no_slot(db):
    running = booked(db, student=1, start=8)
    late = NOW + timedelta(days=1, hours=2, minutes=30)  # 8:30 AM at the school

    assert proposals(db, now=late) == {running.id: None}


def test_a_later_week_needs_a_seat_of_the_quota(make_db):
    db = make_db(quota=1)
    sunday = DAY + timedelta(days=6 - DAY.weekday())
    mine = booked(db, student=1, start=10, on=sunday)
    assert iso_week(sunday) != iso_week(sunday + timedelta(days=1))
    for days in (2, 9):
        booked(db, student=1, start=9, on=sunday + timedelta(days=days))
    everything = {"ground_ids": ALL, "first": sunday, "last": sunday}

    assert proposals(db, **everything) == {mine.id: None}


def test_closing_moves_what_is_kept_and_revokes_the_rest(unlimited):
    db = unlimited
    kept = booked(db, student=1, start=10, by=MEERA)
    approve(db, kept.id, by=HEAD, now=NOW)
    dropped = booked(db, student=2, start=11, by=RAVI)
    slot = proposals(db)[kept.id]

    closing = close_with(db, {kept.id: slot}, [kept.id, dropped.id])

    [moved] = closing.moved
    assert (moved.id, moved.slot, moved.status) == (kept.id, slot, Status.APPROVED)
    assert moved == get_booking(db, kept.id)
    assert moved.last_move.moved_from == kept.slot
    assert moved.last_move.displaced_by in {closure.id for closure in closing.closures}
    assert [b.id for b in closing.displaced] == [dropped.id]
    assert get_booking(db, dropped.id).status is Status.REVOKED
    assert [(n.booking_id, n.slot) for n in notices_for(db, MEERA.id)] == [(kept.id, kept.slot)]
    assert [n.booking_id for n in notices_for(db, RAVI.id)] == [dropped.id]
    assert_sound(db)


def test_an_approved_booking_that_an_admin_moves_waits_again(unlimited):
    db = unlimited
    mine = booked(db, student=1, start=10)
    approve(db, mine.id, by=HEAD, now=NOW)

    closing = close_with(db, {mine.id: proposals(db)[mine.id]}, [mine.id], by=ADMIN)

    assert [b.status for b in closing.moved] == [Status.PENDING]


def test_moved_bookings_may_take_each_others_slots(unlimited):
    db = unlimited
    first = booked(db, student=1, start=10)
    second = booked(db, student=2, start=11, end=13)
    hours = {"start": time(10), "end": time(12)}
    into = Slot("ground-1", DAY, time(12), time(13))  # which the second gives up
    away = Slot("ground-3", DAY, second.start, second.end)

    closing = close_with(db, {first.id: into, second.id: away}, [first.id, second.id], **hours)

    assert {b.id: b.slot for b in closing.moved} == {first.id: into, second.id: away}
    assert_sound(db)


def test_the_same_closing_sent_again_answers_as_the_first(unlimited):
    db = unlimited
    mine = booked(db, student=1, start=10)
    moves = {mine.id: proposals(db)[mine.id]}

    first = close_with(db, moves, [mine.id])
    again = close_with(db, moves, [mine.id])

    assert again == first
    assert len(active(db, kind="closure")) == 1


def test_a_slot_that_is_taken_meanwhile_leaves_everything_as_it_was(unlimited):
    db = unlimited
    mine = booked(db, student=1, start=10)
    slot = proposals(db)[mine.id]
    rival = book(db, request_for(student=9, start=slot.start.hour, ground=slot.ground_id),
                 by=RAVI, now=NOW)  # fmt: skip

    with pytest.raises(ChangedMeanwhile):
        close_with(db, {mine.id: slot}, [mine.id])

    assert get_booking(db, mine.id) == mine
    assert get_booking(db, rival.id) == rival
    assert not active(db, kind="closure")
    assert not notices_for(db, mine.created_by)


@pytest.mark.parametrize("moves", ["no mapping", {"one": "no slot"}, ["one"]])
def test_moves_of_another_form_are_refused(db, moves):
    with pytest.raises(InvalidRequest) as caught:
        close_with(db, moves, ["one"])
    assert (caught.value.field, caught.value.problem) == ("moves", "must map ids to slots")


def test_a_move_of_another_booking_or_into_the_closure_is_refused(unlimited):
    db = unlimited
    mine, other = booked(db, student=1, start=10), booked(db, student=2, ground="ground-2")
    with pytest.raises(InvalidRequest, match="not displaced"):
        close_with(db, {other.id: mine.slot}, [mine.id])
    inside = Slot("ground-1", DAY, mine.end, mine.end.replace(hour=12))
    with pytest.raises(InvalidRequest, match="closed then"):
        close_with(db, {mine.id: inside}, [mine.id])
    assert get_booking(db, mine.id) == mine


def test_a_move_into_a_full_week_is_refused(make_db):
    db = make_db(quota=1)
    sunday = DAY + timedelta(days=6 - DAY.weekday())
    mine = booked(db, student=1, start=10, on=sunday)
    booked(db, student=1, start=9, on=sunday + timedelta(days=2))
    there = Slot("ground-3", sunday + timedelta(days=1), mine.start, mine.end)

    with pytest.raises(QuotaReached):
        close_with(db, {mine.id: there}, [mine.id], first=sunday, last=sunday)

    assert get_booking(db, mine.id) == mine


def test_two_bookings_of_a_student_take_two_seats_of_the_new_week(make_db):
    db = make_db(quota=2)
    sunday = DAY + timedelta(days=6 - DAY.weekday())
    mine = [booked(db, student=1, start=start, on=sunday) for start in (9, 10)]
    monday = sunday + timedelta(days=1)
    moves = {b.id: Slot("ground-3", monday, b.start, b.end) for b in mine}

    closing = close_with(db, moves, [b.id for b in mine], first=sunday, last=sunday)

    assert {b.quota_seat for b in closing.moved} == {0, 1}
    assert {b.quota_window for b in closing.moved} == {iso_week(monday)}
    assert_sound(db)


def test_a_part_of_a_set_keeps_its_time(unlimited):
    db = unlimited
    made = book_set(
        db,
        SetRequest(request_for(student=1, start=10, game="Football"), ("ground-1", "ground-2")),
        by=MEERA,
        submission_id=uuid4(),
        now=NOW,
    )
    found = proposals(db)
    for one in made.bookings:
        slot = found.get(one.id)
        assert slot is None or (slot.date, slot.start, slot.end) == (DAY, one.start, one.end)


def test_lifting_offers_the_former_slots_that_are_free(unlimited):
    db = unlimited
    mine, other = booked(db, student=1, start=10), booked(db, student=2, start=11)
    found = proposals(db)
    closing = close_with(db, {b.id: found[b.id] for b in (mine, other)}, [mine.id, other.id])
    assert find_returnable(db, from_date=DAY, now=NOW) == []

    lifted = lift_closure(db, closing.id, by=HEAD, now=NOW)
    rival = booked(db, student=5, start=11)
    offered = find_returnable(db, from_date=DAY, now=NOW)

    assert {b.id for b in lifted.returnable} == {mine.id, other.id}
    assert [b.id for b in offered] == [mine.id]
    former = former_slot(offered[0])
    assert former == mine.slot
    back = move(db, mine.id, ground_id=former.ground_id, date=former.date, start=former.start,
                end=former.end, by=HEAD, now=NOW)  # fmt: skip
    assert back.slot == mine.slot
    assert find_returnable(db, from_date=DAY, now=NOW) == []
    assert get_booking(db, rival.id) == rival
    assert_sound(db)


def test_a_closing_with_moves_and_bookings_into_its_slots_agree(unlimited):
    db = unlimited
    won = Counter()
    for round_ in range(15):
        day = DAY + timedelta(days=round_ % 10)
        hour = 8 + round_ // 10
        mine = [booked(db, student=10 * n + round_, start=hour + 3 * n, on=day) for n in (0, 1)]
        asked = {"first": day, "last": day, "start": mine[0].start, "end": mine[1].end}
        found = proposals(db, **asked)
        target = found[mine[0].id]
        rival = BookingRequest(
            target.ground_id,
            target.date,
            target.start,
            target.end,
            f"S{150 + round_:03d}",
            "Football",
        )

        closing, taken, _ = at_once(
            partial(
                close_with, db, {b.id: found[b.id] for b in mine}, [b.id for b in mine], **asked
            ),
            partial(book, db, rival, by=RAVI, now=NOW),
            partial(cancel, db, mine[1].id, by=HEAD, now=NOW),
        )

        assert_sound(db)
        won[type(closing).__name__] += 1
        if isinstance(closing, Closing):
            assert isinstance(taken, SlotTaken)
            assert get_booking(db, mine[0].id).slot == target
            lift_closure(db, closing.id, by=HEAD, now=NOW)
            cancel(db, mine[0].id, by=HEAD, now=NOW)
        else:
            assert isinstance(closing, ChangedMeanwhile)
            assert get_booking(db, mine[0].id) == mine[0]
            cancel(db, mine[0].id, by=HEAD, now=NOW)
        if isinstance(taken, Booking):
            cancel(db, taken.id, by=HEAD, now=NOW)
    assert won.keys() <= {"Closing", "ChangedMeanwhile"}


def test_a_hundred_bookings_get_a_proposal_each(unlimited):
    db = unlimited
    for n in range(4, 14):
        save_ground(db, Ground(f"extra-{n}", f"Extra {n}", ("Football",), n), by=ADMIN)
    mine = [
        booked(db, student=10 * ground + start, start=start, ground=name, game="Football")
        for ground, name in enumerate(["ground-1", *(f"extra-{n}" for n in range(4, 14))])
        for start in range(8, 18)
    ]
    names = ["ground-1", *(f"extra-{n}" for n in range(4, 14))]

    found = propose_moves(db, ground_ids=names, first=DAY, last=DAY, now=NOW)

    assert len(found) == len(mine) == 110
    places = [(s.ground_id, s.date, m) for _, s in found if s for m in marks(s.start, s.end)]
    assert len(places) == len(set(places))
