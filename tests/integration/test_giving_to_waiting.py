"""Giving what a booking holds to who waits for it: one step, in which nobody else is faster."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import time
from functools import partial
from uuid import uuid4

import pytest
from support import (
    ADMIN,
    DAY,
    DEPUTY,
    HEAD,
    MEERA,
    NOW,
    RAVI,
    assert_sound,
    at_once,
    booked,
    request_for,
)

from booking_core import (
    Account,
    AlreadyDecided,
    BookingError,
    ChangedMeanwhile,
    InvalidRequest,
    NotAllowed,
    NotFound,
    PartOfSet,
    Role,
    SetRequest,
    SlotTaken,
    Status,
    StoreUnavailable,
    StudentBusy,
    add_account,
    approve,
    book,
    book_set,
    change_account,
    find_bookings,
    get_booking,
    give_to_waiting,
    join_waiting_list,
    leave_waiting_list,
    notices_for,
    waiting_list,
    write_notices,
)
from booking_core.booking import giving

WHY = "The final of the district"


def given(db, booking, entry, *, by=HEAD, now=NOW, **changed):
    options = {"reason": WHY, "expected": booking.revision} | changed
    return give_to_waiting(db, booking.id, entry.id, by=by, now=now, **options)


def waits(db, student=50, *, by=RAVI, any_ground=False, **request):
    asked = request_for(student=student, **request)
    return join_waiting_list(db, asked, by=by, any_ground=any_ground, now=NOW)


def active(db):
    return [one for one in find_bookings(db, now=NOW) if one.status.is_active]


@pytest.fixture
def held(db):
    """Meera's request for the first ground at nine."""
    return booked(db, student=1)


@pytest.mark.parametrize("is_approved", [False, True])
def test_who_waits_has_the_slot_and_the_former_booking_has_ended(db, held, is_approved):
    write_notices(db, now=NOW)
    before = approve(db, held.id, by=HEAD, now=NOW) if is_approved else held
    entry = waits(db)

    done = given(db, before, entry)

    assert done.made == get_booking(db, entry.id)
    assert (done.made.slot, done.made.student_id) == (held.slot, "S050")
    assert (done.made.status, done.made.created_by) == (Status.PENDING, "ravi")
    ended = Status.REVOKED if is_approved else Status.REJECTED
    last = done.displaced.last_decision
    assert (done.displaced.status, last.by, last.reason) == (ended, "head", WHY)
    assert waiting_list(db, "ground-1", DAY, now=NOW) == []
    assert given(db, before, entry) == done
    write_notices(db, now=NOW)
    assert [notice.kind for notice in notices_for(db, MEERA.id)] == [ended.value.lower()]
    assert [notice.kind for notice in notices_for(db, RAVI.id)] == ["promoted"]
    assert_sound(db)


def test_an_entry_has_a_part_of_the_slot_or_another_ground(db):
    long = booked(db, student=1, start=9, end=11)
    part = waits(db, start=10)

    assert given(db, long, part).made.start == time(10)

    for ground in ("ground-1", "ground-3"):
        booked(db, student=2 + int(ground[-1]), ground=ground, start=14, by=RAVI)
    anywhere = waits(db, student=51, start=14, any_ground=True)
    other = next(b for b in active(db) if b.ground_id == "ground-3")
    assert given(db, other, anywhere).made.ground_id == "ground-3"
    assert_sound(db)


def test_what_is_in_the_way_leaves_everything_as_it_was(db, held):
    entry = waits(db)
    booked(db, student=50, ground="ground-3", by=DEPUTY)  # the student is there by now
    elsewhere = booked(db, student=3, start=14)
    left = waits(db, student=52)
    leave_waiting_list(db, left.id, by=RAVI, now=NOW)
    before = find_bookings(db, now=NOW)

    for error, attempt in (
        (StudentBusy, partial(given, db, held, entry)),
        (ChangedMeanwhile, partial(given, db, held, entry, expected=held.revision + 1)),
        (ChangedMeanwhile, partial(given, db, held, left)),
        (NotAllowed, partial(given, db, held, entry, by=MEERA)),
        (NotAllowed, partial(given, db, held, entry, by=ADMIN)),
        (NotFound, partial(give_to_waiting, db, held.id, str(uuid4()), reason=WHY, expected=0,
                           by=HEAD, now=NOW)),
    ):  # fmt: skip
        with pytest.raises(error):
            attempt()
    for field, attempt in (
        ("entry_id", partial(given, db, elsewhere, entry)),
        ("reason", partial(given, db, held, entry, reason=" ")),
        ("expected", partial(given, db, held, entry, expected="0")),
    ):
        with pytest.raises(InvalidRequest) as refused:
            attempt()
        assert refused.value.field == field

    assert find_bookings(db, now=NOW) == before
    assert [one.id for one in waiting_list(db, "ground-1", DAY, now=NOW)] == [entry.id]
    assert_sound(db)


def test_an_entry_of_a_disabled_account_gets_nothing(db, held):
    add_account(db, Account("ravi", "Ravi", Role.STAFF), now=NOW)
    entry = waits(db)
    change_account(db, "ravi", active=False, by=ADMIN)

    with pytest.raises(InvalidRequest) as refused:
        given(db, held, entry)

    assert refused.value.field == "entry_id"
    assert get_booking(db, held.id) == held


def test_the_first_of_a_set_is_not_given_away_alone(db):
    asked = SetRequest(request_for(student=1), ("ground-1", "ground-3"))
    made = book_set(db, asked, by=MEERA, submission_id=uuid4(), now=NOW)
    entry = waits(db)

    with pytest.raises(PartOfSet):
        given(db, made.bookings[0], entry)

    assert [b.status for b in active(db)] == [Status.PENDING] * 2


@pytest.mark.parametrize("round_", range(10))
def test_a_passer_by_is_never_faster(db, held, round_):
    entry = waits(db)
    passer = request_for(student=60)

    done, *taken = at_once(
        partial(given, db, held, entry),
        *[partial(book, db, passer, by=DEPUTY, now=NOW)] * 3,
    )

    assert done.made.id == entry.id
    assert all(isinstance(one, SlotTaken) for one in taken), taken
    assert_sound(db)


@pytest.mark.parametrize("round_", range(10))
def test_of_two_who_give_it_to_others_one_does(db, held, round_):
    entries = [waits(db), waits(db, student=51)]

    outcomes = at_once(*(partial(given, db, held, entry) for entry in entries))

    refused = [one for one in outcomes if isinstance(one, BookingError)]
    assert len(refused) == 1
    assert isinstance(refused[0], ChangedMeanwhile | AlreadyDecided), refused
    [left] = waiting_list(db, "ground-1", DAY, now=NOW)
    [has] = active(db)
    assert {left.id, has.id} == {entry.id for entry in entries}
    assert_sound(db)


@pytest.mark.parametrize("round_", range(10))
def test_who_leaves_at_that_moment_has_a_booking_or_the_former_one_stays(db, held, round_):
    entry = waits(db)

    done, _ = at_once(
        partial(given, db, held, entry), partial(leave_waiting_list, db, entry.id, by=RAVI, now=NOW)
    )

    if isinstance(done, BookingError):
        assert isinstance(done, ChangedMeanwhile)
        assert [b.id for b in active(db)] == [held.id]
    else:
        assert [b.id for b in active(db)] == [entry.id]
    assert_sound(db)


def test_who_has_left_after_the_write_has_nothing_and_the_former_booking_stays(
    db, held, monkeypatch
):
    entry = waits(db)
    replace_by = giving.replace_by

    def leave_after(*args, **options):
        done = replace_by(*args, **options)
        leave_waiting_list(db, entry.id, by=RAVI, now=NOW)
        return done

    monkeypatch.setattr(giving, "replace_by", leave_after)

    with pytest.raises(ChangedMeanwhile):
        given(db, held, entry)

    [stays] = active(db)
    assert (stays.id, stays.status, stays.slot) == (held.id, held.status, held.slot)
    with pytest.raises(NotFound):
        get_booking(db, entry.id)
    assert_sound(db)


@pytest.mark.parametrize("error", [KeyboardInterrupt, StoreUnavailable])
def test_a_process_that_ends_after_the_write_has_given_it(db, held, monkeypatch, error):
    """The entry ends by whoever looks next, as after any promotion."""
    from booking_core import promote_waiting

    entry = waits(db)

    def lost(*_):
        raise error("no answer")

    monkeypatch.setattr(giving.store, "end", lost)
    with nullcontext() if error is StoreUnavailable else pytest.raises(error):
        given(db, held, entry)
    monkeypatch.undo()

    assert promote_waiting(db, now=NOW) == []

    assert waiting_list(db, "ground-1", DAY, now=NOW) == []
    assert [b.id for b in active(db)] == [entry.id]
