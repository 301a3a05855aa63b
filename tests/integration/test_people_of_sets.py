"""Of several grounds at once, one that is active claims the people, whatever ends the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

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
    of_type,
    request_for,
)

from booking_core import (
    Account,
    Booking,
    BookingError,
    Ground,
    PartOfSet,
    QuotaReached,
    Role,
    SetRequest,
    Slot,
    Status,
    StudentBusy,
    SupervisorBusy,
    add_account,
    book_set,
    cancel,
    cancel_series,
    change_ground,
    close_grounds,
    end_early,
    find_reinstatable,
    get_booking,
    lift_closure,
    load_reference,
    propose_moves,
    reinstate,
    retire_ground,
    save_ground,
    save_policy,
    undo_change,
    undo_closing,
)
from booking_core.booking import closing_undo, reinstatement, undo
from booking_core.booking.closures import Closing
from booking_core.school import grounds as school_grounds
from booking_core.storage.client.database import BookingDatabase, Documents

GAME = "Sports day"
GROUNDS = ("ground-1", "ground-2", "ground-3")
ROUNDS = 8
RUNNING = NOW + timedelta(days=1, hours=3, minutes=12)  # 9:12 on DAY


@pytest.fixture
def db(db: BookingDatabase) -> BookingDatabase:
    for ground in load_reference(db).grounds.values():
        save_ground(db, replace(ground, games=(*ground.games, GAME)))
    save_ground(db, Ground("extra", "Extra", (GAME,), 9))
    add_account(db, Account("meera", "Meera", Role.STAFF))
    return db


def a_set(
    db: Documents,
    *grounds: str,
    on: date = DAY,
    submission_id: UUID | None = None,
    end: int = 10,
) -> tuple[Booking, ...]:
    """The bookings of a set for the student S001 with the supervisor, at 9:00."""
    first = request_for(
        student=1, ground=grounds[0], on=on, end=end, game=GAME, supervisor_id="meera"
    )
    asked = SetRequest(first, grounds)
    return book_set(db, asked, by=MEERA, submission_id=submission_id or uuid4(), now=NOW).bookings


def closed(db: Documents, *grounds: str, on: date = DAY, **options: Any) -> Closing:
    """Closes grounds for a day, which displaces their bookings."""
    rows = active(db, date=on.isoformat(), ground_id={"$in": list(grounds)}, kind="booking")
    asked = {"expected": [row["_id"] for row in rows], "now": NOW} | options
    return close_grounds(
        db, ground_ids=grounds, first=on, last=on, reason=str(uuid4()), by=HEAD, **asked
    )


def close_first(db: Documents, first: Booking) -> None:
    closed(db, first.ground_id)


def retire_first(db: Documents, first: Booking) -> None:
    retire_ground(db, first.ground_id, revoke=[first.id], reason="Sold", by=ADMIN, now=NOW)


def lay_first_on_another(db: Documents, first: Booking) -> None:
    booked(db, student=9, ground="extra", game=GAME, end=first.end)
    change_ground(
        *(db, first.ground_id),
        surfaces=("extra",),
        revoke=[first.id],
        reason="Rebuilt",
        by=ADMIN,
        now=NOW,
    )


ENDS = (close_first, retire_first, lay_first_on_another)


def assert_claimed_by(db: Documents, id: str, *, start: int = 9, ground: str) -> None:
    """Asserts that the student and the supervisor of ``a_set`` are busy with the booking ``id``."""
    holder = get_booking(db, id)
    for other in ({"student": 1}, {"student": 5, "supervisor_id": "meera"}):
        with pytest.raises((StudentBusy, SupervisorBusy)) as error:
            booked(db, ground=ground, game=GAME, start=start, **other)
        assert error.value.booking == holder
    assert holder.set_place == 0
    assert_sound(db)


@pytest.mark.parametrize("end_first", ENDS)
def test_where_the_first_ground_ends_the_next_claims_the_people(
    db: BookingDatabase, end_first: Callable[[Documents, Booking], None]
) -> None:
    first, second, third = a_set(db, *GROUNDS)
    save_ground(db, Ground("spare", "Spare", (GAME,), 10))

    end_first(db, first)

    assert get_booking(db, first.id).status is Status.REVOKED
    assert_claimed_by(db, second.id, ground="spare")
    places = [get_booking(db, one.id).set_place for one in (first, second, third)]
    seats = [get_booking(db, one.id).quota_seat for one in (first, second, third)]
    assert (places, seats) == ([1, 0, 2], [None, 0, None])
    booked(db, student=1, start=14, ground="spare", game=GAME)
    with pytest.raises(QuotaReached):
        booked(db, student=1, start=15, ground="spare", game=GAME)
    with pytest.raises(PartOfSet):
        cancel(db, second.id, by=MEERA, now=NOW)
    cancel(db, third.id, by=MEERA, now=NOW)
    cancel(db, second.id, by=MEERA, now=NOW)
    booked(db, student=1, ground="spare", game=GAME)
    assert_sound(db)


def test_a_set_that_is_booked_while_the_first_ground_is_retired_keeps_its_people(
    db: BookingDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, late = school_grounds.retire, []

    def book_then_retire(*arguments: Any) -> None:
        late[:] = late or a_set(db, "ground-1", "ground-2")
        write(*arguments)

    monkeypatch.setattr(school_grounds, "retire", book_then_retire)

    done = retire_ground(db, "ground-1", by=ADMIN, now=NOW)

    assert [booking.id for booking in done.revoked] == [late[0].id]
    assert_claimed_by(db, late[1].id, ground="extra")


def test_of_two_grounds_that_are_closed_together_the_third_claims_the_people(
    db: BookingDatabase,
) -> None:
    third = a_set(db, *GROUNDS)[2]

    closed(db, "ground-1", "ground-2")

    assert_claimed_by(db, third.id, ground="extra")


def test_one_that_the_closing_moves_gets_the_people_of_one_that_it_revokes(
    db: BookingDatabase,
) -> None:
    first, second = a_set(db, "ground-1", "ground-2")
    moves = {second.id: replace(second.slot, ground_id="ground-3")}

    closing = closed(db, "ground-1", "ground-2", moves=moves)

    assert [booking.id for booking in closing.displaced] == [first.id]
    assert closing.moved == (get_booking(db, second.id),)
    assert_claimed_by(db, second.id, ground="extra")
    revisions = {one.id: one.revision for one in (*closing.displaced, *closing.moved)}
    undo_closing(db, closing.id, revisions=revisions, by=HEAD, now=NOW)
    assert get_booking(db, second.id).slot == second.slot
    assert_claimed_by(db, second.id, ground="extra")


def test_no_slot_is_proposed_at_the_time_of_a_ground_that_stays(db: BookingDatabase) -> None:
    """The first ground has no other place, and the second gets its people."""
    a_set(db, "ground-1", "ground-2")
    booked(db, student=9, ground="extra", game=GAME)
    save_ground(db, Ground("court", "Court", ("Volleyball",), 10))
    mine = booked(db, student=1, ground="ground-3", start=10)
    for hour, student in ((10, 8), (11, 7)):
        booked(db, student=student, ground="court", start=hour)

    proposed = propose_moves(db, ground_ids=["ground-1", "ground-3"], first=DAY, last=DAY, now=NOW)

    moves = {one.booking.id: one.slot for one in proposed if one.slot is not None}
    assert moves == {mine.id: Slot("court", DAY, time(8), time(9))}
    closed(db, "ground-1", "ground-3", moves=moves)
    assert_sound(db)


def test_a_first_ground_that_is_moved_keeps_the_people(db: BookingDatabase) -> None:
    first, _ = a_set(db, "ground-1", "ground-2")
    [proposed] = propose_moves(db, ground_ids=["ground-1"], first=DAY, last=DAY, now=NOW)
    assert proposed.slot == replace(first.slot, ground_id="ground-3")

    closed(db, "ground-1", moves={first.id: proposed.slot})

    assert_claimed_by(db, first.id, ground="extra")


def test_of_those_that_stay_the_one_that_ends_last_claims_the_people(db: BookingDatabase) -> None:
    _, second, third = a_set(db, *GROUNDS, end=11)
    end_early(db, second.id, by=MEERA, now=RUNNING)

    closed(db, "ground-1", now=RUNNING)

    assert get_booking(db, third.id).set_place == 0
    with pytest.raises(StudentBusy):
        booked(db, student=1, ground="extra", game=GAME, start=10)
    assert_sound(db)


def test_the_first_ground_ends_early_only_with_the_others(db: BookingDatabase) -> None:
    first, second, third = a_set(db, *GROUNDS, end=12)
    stop = partial(end_early, db, by=MEERA, now=RUNNING)

    with pytest.raises(PartOfSet):
        stop(first.id)

    assert get_booking(db, first.id) == first
    assert_claimed_by(db, first.id, start=11, ground="extra")
    assert stop(second.id).end == time(9, 15)
    with pytest.raises(PartOfSet):
        stop(first.id)
    cancel(db, third.id, by=HEAD, reason="Rain", now=RUNNING)
    assert stop(first.id).end == time(9, 15)
    assert booked(db, student=1, ground="extra", game=GAME, start=11).status is Status.PENDING
    assert_sound(db)


def test_the_first_ground_up_to_midnight_does_not_end_early_alone(db: BookingDatabase) -> None:
    first, second = a_set(db, "ground-1", "ground-2")
    db.bookings.update_one({"_id": second.id}, {"$set": {"end": "00:00"}})

    with pytest.raises(PartOfSet):
        end_early(db, first.id, by=MEERA, now=RUNNING)


def test_one_that_is_reinstated_comes_back_as_a_later_ground(db: BookingDatabase) -> None:
    first, second = a_set(db, "ground-1", "ground-2")
    lifted = lift_closure(db, closed(db, "ground-1").id, by=HEAD, now=NOW)
    assert [booking.id for booking in lifted.reinstatable] == [first.id]

    back = reinstate(db, first.id, by=HEAD, now=NOW)

    assert (back.set_place, back.quota_seat, back.slot) == (1, None, first.slot)
    assert_claimed_by(db, second.id, ground="extra")
    with pytest.raises(PartOfSet):
        cancel(db, second.id, by=MEERA, now=NOW)
    assert len(cancel_series(db, str(first.series), by=MEERA, now=NOW)) == 2
    booked(db, student=1, start=9)
    assert_sound(db)


def test_the_first_that_is_reinstated_of_a_set_claims_the_people(db: BookingDatabase) -> None:
    save_policy(db, replace(load_reference(db).policy, quota=3), by=ADMIN, now=NOW)
    first, second = a_set(db, "ground-1", "ground-2")
    lift_closure(db, closed(db, "ground-1", "ground-2").id, by=HEAD, now=NOW)
    booked(db, student=1, start=14)

    back = reinstate(db, second.id, by=HEAD, now=NOW)

    assert (back.set_place, back.quota_seat) == (0, 1)
    assert_claimed_by(db, second.id, ground="extra")
    back = reinstate(db, first.id, by=HEAD, now=NOW)
    assert (back.set_place, back.quota_seat) == (1, None)
    assert_claimed_by(db, second.id, ground="extra")


def test_no_ground_of_a_set_comes_back_whose_people_are_elsewhere(db: BookingDatabase) -> None:
    made = a_set(db, "ground-1", "ground-2")
    lift_closure(db, closed(db, "ground-1", "ground-2").id, by=HEAD, now=NOW)
    assert {b.id for b in find_reinstatable(db, from_date=DAY, now=NOW)} == {b.id for b in made}
    booked(db, student=1, ground="extra", game=GAME)

    assert find_reinstatable(db, from_date=DAY, now=NOW) == []
    for one in made:
        with pytest.raises(StudentBusy):
            reinstate(db, one.id, by=HEAD, now=NOW)
    assert_sound(db)


def test_a_closing_that_is_undone_gives_a_later_ground_back(db: BookingDatabase) -> None:
    first, second = a_set(db, "ground-1", "ground-2")
    closing = closed(db, "ground-1")
    revisions = {booking.id: booking.revision for booking in closing.displaced}

    [back] = undo_closing(db, closing.id, revisions=revisions, by=HEAD, now=NOW)

    assert (back.id, back.set_place, back.quota_seat) == (first.id, 1, None)
    assert_claimed_by(db, second.id, ground="extra")


def test_a_set_sent_again_is_answered_in_its_order(db: BookingDatabase) -> None:
    id = uuid4()
    made = a_set(db, *GROUNDS, submission_id=id)
    close_first(db, made[0])

    assert [booking.id for booking in a_set(db, *GROUNDS, submission_id=id)] == [
        booking.id for booking in made
    ]


class Once:
    """Calls ``look``, and ends the first ground right after its first call."""

    def __init__(self, look: Callable[..., Any], end: Callable[[], object]) -> None:
        self._look, self._end = look, end
        self.is_over = False

    def __call__(self, *arguments: Any) -> Any:
        found = self._look(*arguments)
        if not self.is_over:
            self.is_over = True
            self._end()
        return found


def test_one_that_is_undone_as_the_first_ends_does_not_come_back_alone(
    db: BookingDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = a_set(db, "ground-1", "ground-2")
    ended = cancel(db, second.id, by=MEERA, now=NOW)
    look = Once(undo.check_first_of_set, lambda: close_first(db, first))
    monkeypatch.setattr(undo, "check_first_of_set", look)

    with pytest.raises(PartOfSet):
        undo_change(db, second.id, revision=ended.revision, by=MEERA, now=NOW)

    assert look.is_over
    assert active(db, kind="booking") == []


def test_one_that_is_reinstated_as_the_first_ends_gets_the_people(
    db: BookingDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = a_set(db, "ground-1", "ground-2")
    lift_closure(db, closed(db, "ground-2").id, by=HEAD, now=NOW)
    look = Once(reinstatement._first_of_set, lambda: close_first(db, first))
    monkeypatch.setattr(reinstatement, "_first_of_set", look)

    back = reinstate(db, second.id, by=HEAD, now=NOW)

    assert look.is_over
    assert back.set_place == 0
    assert_claimed_by(db, second.id, ground="extra")


def test_a_closing_that_is_undone_as_the_first_ends_gives_none_back_alone(
    db: BookingDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = a_set(db, "ground-1", "ground-2")
    closing = closed(db, "ground-2")
    look = Once(closing_undo.check_first_of_set, lambda: cancel(db, first.id, by=MEERA, now=NOW))
    monkeypatch.setattr(closing_undo, "check_first_of_set", look)

    with pytest.raises(PartOfSet):
        undo_closing(
            db,
            closing.id,
            revisions={one.id: one.revision for one in closing.displaced},
            by=HEAD,
            now=NOW,
        )

    assert look.is_over
    assert active(db, kind="booking") == []
    assert get_booking(db, second.id).status is Status.REVOKED


def _ended_and_back(db: Documents, made: Sequence[Booking]) -> list[Callable[[], object]]:
    first, second, third = made
    on = first.date
    return [
        partial(closed, db, first.ground_id, on=on),
        partial(reinstate, db, second.id, by=HEAD, now=NOW),
        partial(cancel, db, third.id, by=MEERA, now=NOW),
        partial(booked, db, by=RAVI, student=1, on=on, ground="extra", game=GAME),
    ]


def test_the_people_of_a_set_are_in_one_place_whatever_ends_and_comes_back_at_once(
    db: BookingDatabase,
) -> None:
    save_policy(db, replace(load_reference(db).policy, quota=None), by=ADMIN, now=NOW)
    for number in range(ROUNDS):
        day = DAY + timedelta(days=number)
        made = a_set(db, *GROUNDS, on=day)
        lift_closure(db, closed(db, "ground-2", on=day).id, by=HEAD, now=NOW)

        outcomes = at_once(*_ended_and_back(db, made))

        failed = of_type(outcomes, Exception)
        assert all(isinstance(one, BookingError) for one in failed), outcomes
        assert_sound(db)
