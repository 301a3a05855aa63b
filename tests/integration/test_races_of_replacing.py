"""Replacing a booking at the moment of another change: all of it happens, or nothing does."""

from __future__ import annotations

from datetime import time
from functools import partial
from uuid import uuid4

import pytest
from replacing_steps import at, replaced
from support import (
    ADMIN,
    DAY,
    DEPUTY,
    HEAD,
    MEERA,
    NOW,
    RAVI,
    active,
    assert_sound,
    at_once,
    booked,
    held_at,
    of_type,
)

from booking_core import (
    AlreadyDecided,
    ChangedMeanwhile,
    GameNotAllowed,
    SlotTaken,
    Status,
    approve,
    cancel,
    change_ground,
    find_bookings,
    get_booking,
    move,
    notices_for,
    write_notices,
)
from booking_core.storage.bookings import transactions
from booking_core.storage.bookings import writes as bookings


@pytest.fixture
def taken(db):
    """Meera's approved booking of Volleyball on the first ground at nine."""
    return approve(db, booked(db, student=1).id, by=HEAD, now=NOW)


def test_of_many_equal_submissions_at_once_one_replaces(db, taken):
    sent = partial(replaced, db, taken, move_to=at(14), submission_id=uuid4())

    outcomes = at_once(*[sent] * 32)

    assert all(outcome == outcomes[0] for outcome in outcomes), outcomes
    assert len(active(db)) == 2
    assert_sound(db)


def test_of_many_replacements_at_once_one_happens(db, taken):
    outcomes = at_once(
        *[
            partial(
                replaced, db, taken, student=n, by=(HEAD, DEPUTY)[n % 2], move_to=at(8 + n % 10)
            )
            for n in range(2, 34)
            if n % 10 != 1  # its own slot
        ]
    )

    [done] = [one for one in outcomes if not isinstance(one, Exception)]
    assert len(of_type(outcomes, ChangedMeanwhile)) == len(outcomes) - 1, outcomes
    [holder] = active(db, **held_at("ground-1", DAY, 9))
    assert holder["_id"] == done.made.id
    assert len(active(db)) == 2
    assert_sound(db)


def test_of_replacements_and_bookings_of_the_proposed_slot_one_gets_it(db):
    for hour in range(8, 16):
        before = booked(db, student=hour, start=hour)
        there = at(hour, "ground-3")

        outcome, *others = at_once(
            partial(replaced, db, before, student=hour + 20, move_to=there),
            *[
                partial(booked, db, student=60 + n, ground="ground-3", start=hour, by=RAVI)
                for n in range(31)
            ],
        )

        stored = get_booking(db, before.id)
        [holder] = active(db, **held_at("ground-3", DAY, hour))
        if isinstance(outcome, Exception):
            assert isinstance(outcome, SlotTaken), outcome
            assert stored == before
            assert len(of_type(others, SlotTaken)) == 30
        else:
            assert len(of_type(others, SlotTaken)) == 31, others
            assert (holder["_id"], stored.slot) == (before.id, there)
        assert_sound(db)


@pytest.mark.parametrize(
    ("meanwhile", "refusals"),
    [
        (partial(cancel, by=MEERA, now=NOW), (ChangedMeanwhile, AlreadyDecided)),
        (
            partial(move, start=time(17), end=time(18), by=DEPUTY, now=NOW),
            (ChangedMeanwhile, AlreadyDecided),
        ),
    ],
    ids=["cancel", "move"],
)
def test_a_replacement_against_a_change_is_whole_or_does_not_happen(db, meanwhile, refusals):
    for hour in range(8, 16):
        before = booked(db, student=hour, start=hour)
        there = at(hour, "ground-3")

        outcome, changed = at_once(
            partial(replaced, db, before, student=hour + 20, move_to=there),
            partial(meanwhile, db, before.id),
        )

        assert not isinstance(changed, Exception), changed
        holders = active(db, **held_at("ground-1", DAY, hour))
        if isinstance(outcome, Exception):
            assert isinstance(outcome, refusals), outcome
            assert holders == []
        else:
            assert [row["_id"] for row in holders] == [outcome.made.id]
            assert outcome.displaced.slot == there
        cancel(db, before.id, by=MEERA, now=NOW)
        assert_sound(db)


def test_a_booking_that_is_changed_after_it_was_read_stays(db, taken, monkeypatch):
    real = transactions.run

    def late(*arguments):
        monkeypatch.setattr(transactions, "run", real)
        move(db, taken.id, start=time(14), end=time(15), by=DEPUTY, now=NOW)
        return real(*arguments)

    monkeypatch.setattr(transactions, "run", late)

    with pytest.raises(ChangedMeanwhile):
        replaced(db, taken)

    [stored] = find_bookings(db, now=NOW)
    assert (stored.start, stored.status) == (time(14), Status.APPROVED)


def test_a_school_that_changes_before_the_write_is_read_again(db, taken, monkeypatch):
    real = transactions.run

    def late(*arguments):
        monkeypatch.setattr(transactions, "run", real)
        change_ground(db, "ground-3", games=("Cricket",), by=ADMIN, now=NOW)
        return real(*arguments)

    monkeypatch.setattr(transactions, "run", late)

    with pytest.raises(GameNotAllowed):
        replaced(db, taken, move_to=at(9, "ground-3"))

    assert find_bookings(db, now=NOW) == [taken]


@pytest.mark.parametrize("ground", ["ground-1", "ground-3"])
def test_both_are_taken_back_where_the_school_changes_at_the_moment_of_the_write(
    db, taken, monkeypatch, ground
):
    real = bookings.exchange

    def exchanged(*arguments):
        done = real(*arguments)
        # Outside of the transaction, which has looked at the school already.
        monkeypatch.setattr(bookings, "exchange", real)
        change_ground(db, ground, games=("Cricket",), by=ADMIN, now=NOW)
        return done

    monkeypatch.setattr(bookings, "exchange", exchanged)

    with pytest.raises(GameNotAllowed):
        replaced(db, taken, move_to=at(9, "ground-3"))

    [stored] = find_bookings(db, now=NOW)
    assert (stored.slot, stored.status, stored.history) == (
        taken.slot,
        taken.status,
        taken.history,
    )
    assert_sound(db)


def test_what_is_taken_back_leaves_the_notices_of_before(db, taken, monkeypatch):
    write_notices(db, now=NOW)
    real = transactions.run

    def committed(*arguments):
        monkeypatch.setattr(transactions, "run", real)
        done = real(*arguments)
        write_notices(db, now=NOW)
        assert [notice.kind for notice in notices_for(db, MEERA.id)] == ["moved"]
        change_ground(db, "ground-3", games=("Cricket",), by=ADMIN, now=NOW)
        return done

    monkeypatch.setattr(transactions, "run", committed)

    with pytest.raises(GameNotAllowed):
        replaced(db, taken, move_to=at(9, "ground-3"))

    assert [notice.kind for notice in notices_for(db, MEERA.id)] == ["approved"]
