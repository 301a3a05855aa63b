"""Retiring a ground with upcoming bookings: what becomes of each, in one step, in any race."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from functools import partial

import pytest
from support import (
    ADMIN,
    DAY,
    HEAD,
    MEERA,
    NOW,
    active,
    assert_sound,
    at_once,
    audit_entry,
    booked,
)

from booking_core import (
    Booking,
    ChangedMeanwhile,
    GroundRetired,
    InvalidRequest,
    NotAllowed,
    RuleBroken,
    Slot,
    Status,
    approve,
    cancel,
    change_ground,
    close_grounds,
    get_booking,
    load_reference,
    notices_for,
    relocations,
    retire_ground,
)
from booking_core.booking.retirement import Retirement
from booking_core.school import grounds

OTHER = "ground-3"  # Volleyball is played there too
retire = partial(retire_ground, by=ADMIN, now=NOW)


@pytest.fixture
def unlimited(make_db):
    return make_db(quota=None)


def planned(db, ground="ground-1"):
    """Returns the id of each upcoming booking -> its nearest slot, or None."""
    return {one.booking.id: one.slot for one in relocations(db, ground, now=NOW)}


def is_retired(db, ground="ground-1"):
    return load_reference(db).grounds[ground].retired


def test_each_booking_is_moved_revoked_or_kept_in_one_step(db):
    moved, revoked, kept = (booked(db, student=n, start=8 + n) for n in (1, 2, 3))
    approve(db, moved.id, by=HEAD, now=NOW)
    slot = planned(db)[moved.id]
    assert slot == replace(moved.slot, ground_id=OTHER)

    done = retire(
        db, "ground-1", move={moved.id: slot}, revoke=[revoked.id], keep=[kept.id], reason="Sold"
    )

    assert is_retired(db)
    assert [b.id for b in done.moved] == [moved.id]
    assert [b.id for b in done.revoked] == [revoked.id]
    after = get_booking(db, moved.id)
    assert (after.slot, after.status) == (slot, Status.PENDING)  # an admin does not decide
    assert (after.last_decision.action, after.last_decision.reason) == ("moved", "Sold")
    assert get_booking(db, revoked.id).status is Status.REVOKED
    assert get_booking(db, kept.id).slot == kept.slot
    notices = {n.booking_id: n for n in notices_for(db, MEERA.id)}
    assert notices.keys() == {moved.id, revoked.id}
    assert {n.reason for n in notices.values()} == {"Sold"}
    assert notices[moved.id].slot == moved.slot
    details = audit_entry(db, "retired")["details"]
    assert [details[name] for name in ("moved", "revoked", "kept", "reason")] == [1, 1, 1, "Sold"]
    assert_sound(db)


def test_no_two_bookings_are_offered_one_slot_and_no_student_two_at_one_time(unlimited):
    db = unlimited
    booked(db, student=9, ground=OTHER, start=9)
    first = booked(db, student=1, start=9)
    second = booked(db, student=2, start=10)
    booked(db, student=2, ground="ground-2", start=11)

    found = planned(db)
    assert found[first.id] == Slot(OTHER, DAY, time(8), time(9))  # 9 is taken, 10 is for second
    assert found[second.id] == Slot(OTHER, DAY, time(10), time(11))
    ids = {id: slot for id, slot in found.items() if slot is not None}
    retire(db, "ground-1", move=ids, reason="Sold")
    assert active(db, ground_id="ground-1") == []
    assert_sound(db)


def test_a_booking_without_a_free_slot_has_none(db):
    booking = booked(db, student=1, start=9)
    close_grounds(
        db, ground_ids=[OTHER], first=DAY, last=DAY, reason="Rain", by=HEAD, expected=(), now=NOW
    )

    assert planned(db) == {booking.id: None}


def test_a_booking_that_has_begun_is_left_alone(db):
    booking = booked(db, student=1, start=9)
    during = NOW + timedelta(days=1, hours=3, minutes=15)  # 9:15 on DAY

    retire(db, "ground-1", now=during)

    assert get_booking(db, booking.id).status is Status.PENDING


@pytest.mark.parametrize("named", ["none", "another", "cancelled"])
def test_other_bookings_than_those_that_were_shown_refuse_it(db, named):
    shown = booked(db, student=1, start=9)
    ids = [shown.id]
    if named == "none":
        ids = []
    elif named == "another":
        booked(db, student=2, start=10)
    else:
        cancel(db, shown.id, by=MEERA, now=NOW)

    with pytest.raises(ChangedMeanwhile):
        retire(db, "ground-1", revoke=ids, reason="Sold")
    assert not is_retired(db)


def test_a_slot_that_was_taken_meanwhile_refuses_it_and_changes_nothing(db):
    one, two = booked(db, student=1, start=9), booked(db, student=2, start=10)
    shown = planned(db)
    booked(db, student=3, ground=OTHER, start=10)

    with pytest.raises(ChangedMeanwhile):
        retire(db, "ground-1", move=shown, reason="Sold")
    assert not is_retired(db)
    assert [get_booking(db, b.id) for b in (one, two)] == [one, two]
    assert notices_for(db, MEERA.id) == []


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"revoke": "mine"}, "reason"),
        ({"revoke": "mine", "keep": "mine", "reason": "Sold"}, "keep"),
        ({"move": Slot("ground-1", DAY, time(12), time(13)), "reason": "Sold"}, "ground_id"),
        ({"move": Slot(OTHER, DAY + timedelta(1), time(9), time(10)), "reason": "Sold"}, "date"),
        ({"move": "elsewhere", "reason": "Sold"}, "move"),
    ],
)
def test_invalid_input_names_its_field(db, arguments, field):
    booking = booked(db, student=1, start=9)
    given = {
        name: [booking.id] if value == "mine" else {booking.id: value} if name == "move" else value
        for name, value in arguments.items()
    }

    with pytest.raises(InvalidRequest) as error:
        retire(db, "ground-1", **given)
    assert error.value.field == field
    assert not is_retired(db)


def test_a_slot_that_breaks_a_rule_is_refused(db):
    booking = booked(db, student=1, start=9)
    slot = Slot("ground-2", DAY, time(9), time(10))  # no volleyball there

    with pytest.raises(RuleBroken):
        retire(db, "ground-1", move={booking.id: slot}, reason="Sold")
    assert not is_retired(db)


def test_only_an_admin_retires_a_ground(db):
    for by in (MEERA, HEAD):
        with pytest.raises(NotAllowed):
            retire_ground(db, "ground-1", by=by, now=NOW)
    assert not is_retired(db)


def test_sent_a_second_time_it_is_answered_as_the_first_time(db):
    moved, revoked = booked(db, student=1, start=9), booked(db, student=2, start=10)
    wanted = {"move": {moved.id: planned(db)[moved.id]}, "revoke": [revoked.id], "reason": "Sold"}

    first = retire(db, "ground-1", **wanted)

    assert retire(db, "ground-1", **wanted) == first
    assert len(notices_for(db, MEERA.id)) == 2


def test_a_booking_made_at_the_same_moment_never_stays_on_the_retired_ground(unlimited):
    db = unlimited
    retired = 0
    for round_ in range(12):
        change_ground(db, "ground-1", retired=False, by=ADMIN)
        day = DAY + timedelta(days=round_)
        booked(db, student=1, start=9, on=day)
        kept = {row["_id"] for row in active(db)}

        done, *rivals = at_once(
            partial(retire, db, "ground-1", keep=kept),
            *(partial(booked, db, student=10 + n, start=10 + n, on=day) for n in range(4)),
        )

        assert all(isinstance(rival, Booking | GroundRetired) for rival in rivals)
        if isinstance(done, Retirement):
            retired += 1
            assert is_retired(db)
            assert {row["_id"] for row in active(db)} == kept
        else:  # a rival came first: the admin was not shown it
            assert isinstance(done, ChangedMeanwhile)
            assert not is_retired(db)
    assert_sound(db)
    assert retired


def test_a_booking_that_commits_while_the_ground_is_retired_is_revoked(db, monkeypatch):
    """The order that the race above may miss: stored and confirmed before the retirement commits,
    after it has looked at the bookings."""
    write, late = grounds.retire, []

    def retire_after_a_booking(*arguments):
        late.append(booked(db, student=7, start=12))
        write(*arguments)

    monkeypatch.setattr(grounds, "retire", retire_after_a_booking)

    done = retire(db, "ground-1")

    assert [b.id for b in done.revoked] == [late[0].id]
    assert active(db, ground_id="ground-1") == []
    [notice] = notices_for(db, MEERA.id)
    assert notice.booking_id == late[0].id
    assert "went out of use" in notice.reason
