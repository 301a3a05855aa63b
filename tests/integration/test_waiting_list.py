"""The waiting list: its order and limits, and who gets a slot that is freed."""

from __future__ import annotations

from datetime import time, timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from closing_steps import closed
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
    of_type,
    request_for,
)

from booking_core import (
    Account,
    Booking,
    CellState,
    InvalidRequest,
    NotAllowed,
    NotFound,
    SlotTaken,
    Status,
    add_account,
    approve,
    book,
    cancel,
    change_account,
    day_board,
    end_early,
    get_booking,
    join_waiting_list,
    leave_waiting_list,
    lift_closure,
    move,
    promote_waiting,
    reject,
    revoke,
    save_policy,
    waiting_ahead,
    waiting_list,
    waiting_of,
)
from booking_core.domain.policy import Policy
from booking_core.errors import LineFull, SubmissionReused, TooFarAhead


def join(db, *, student=50, by=MEERA, now=NOW, any_ground=False, not_after=None, entry_id=None,
         **request):  # fmt: skip
    return join_waiting_list(
        db,
        request_for(student=student, **request),
        by=by,
        any_ground=any_ground,
        not_after=not_after,
        entry_id=entry_id,
        now=now,
    )


def line(db, ground="ground-1"):
    return [entry.id for entry in waiting_list(db, ground, DAY, now=NOW)]


def test_the_first_in_line_gets_a_freed_slot_once(db):
    held = booked(db, student=1, by=RAVI)
    first = join(db, student=50)
    second = join(db, student=51, by=RAVI, now=NOW + timedelta(seconds=1))
    assert line(db) == [first.id, second.id]
    assert promote_waiting(db, now=NOW) == []

    cancel(db, held.id, by=RAVI, now=NOW)
    [made] = promote_waiting(db, now=NOW)

    assert (made.id, made.status, made.created_by) == (first.id, Status.PENDING, MEERA.id)
    assert made.student_id == "S050"
    assert promote_waiting(db, now=NOW) == []
    assert line(db) == [second.id]
    assert_sound(db)


@pytest.mark.parametrize("free", ["reject", "revoke", "cancel", "move", "lift"])
def test_every_way_in_which_a_slot_frees_leads_to_the_first_in_line(db, free):
    if free == "lift":
        closing = closed(db, expected=[])
    else:
        held = booked(db, student=1, by=RAVI)
    entry = join(db)
    if free == "reject":
        reject(db, held.id, by=HEAD, reason="Exam", now=NOW)
    elif free == "revoke":
        approve(db, held.id, by=HEAD, now=NOW)
        revoke(db, held.id, by=HEAD, reason="Exam", now=NOW)
    elif free == "cancel":
        cancel(db, held.id, by=RAVI, now=NOW)
    elif free == "move":
        move(db, held.id, ground_id="ground-3", by=RAVI, now=NOW)
    else:
        lift_closure(db, closing.id, by=HEAD, now=NOW)

    assert [b.id for b in promote_waiting(db, dates=[DAY], now=NOW)] == [entry.id]


def test_the_rest_of_a_booking_that_ends_early_goes_to_the_first_in_line(db):
    held = booked(db, student=1, end=12, by=RAVI)
    approve(db, held.id, by=HEAD, now=NOW)
    entry = join(db, start=11, end=12)
    while_it_runs = NOW + timedelta(days=1, hours=3, minutes=30)  # half past nine
    assert promote_waiting(db, now=while_it_runs) == []

    end_early(db, held.id, by=RAVI, now=while_it_runs)

    [made] = promote_waiting(db, dates=[DAY], now=while_it_runs)
    assert (made.id, made.start, made.status) == (entry.id, time(11), Status.PENDING)
    assert_sound(db)


def test_after_a_refusal_the_next_one_gets_it(db):
    held = booked(db, student=1, by=RAVI)
    first, second = join(db), join(db, student=51, now=NOW + timedelta(seconds=1))
    cancel(db, held.id, by=RAVI, now=NOW)
    [made] = promote_waiting(db, now=NOW)
    reject(db, made.id, by=HEAD, reason="No", now=NOW)

    assert [b.id for b in promote_waiting(db, now=NOW)] == [second.id]
    assert get_booking(db, first.id).status is Status.REJECTED


def test_who_may_not_is_passed_over_and_keeps_the_place(db):
    held = booked(db, student=1, by=RAVI)
    busy = join(db, student=50)
    second = join(db, student=51, now=NOW + timedelta(seconds=1))
    elsewhere = booked(db, student=50, ground="ground-2")
    cancel(db, held.id, by=RAVI, now=NOW)

    assert [b.id for b in promote_waiting(db, now=NOW)] == [second.id]
    assert line(db) == [busy.id]

    cancel(db, second.id, by=MEERA, now=NOW)
    cancel(db, elsewhere.id, by=MEERA, now=NOW)
    assert [b.id for b in promote_waiting(db, now=NOW)] == [busy.id]


def test_a_freed_slot_is_not_free_on_the_board_until_nobody_in_line_can_have_it(db):
    held = booked(db, student=1, by=RAVI)
    entry = join(db, student=50)
    booked(db, student=50, ground="ground-2")
    cancel(db, held.id, by=RAVI, now=NOW)

    kept = day_board(db, DAY, NOW)
    cell = kept.cell("ground-1", held.start)
    assert (cell.state, cell.note) == (CellState.CLOSED, "Goes to the waiting list")
    assert not kept.is_free(held.slot)

    assert promote_waiting(db, now=NOW) == []
    passed = day_board(db, DAY, NOW)
    assert passed.cell("ground-1", held.start).state is CellState.FREE
    assert [one.id for one in passed.line(held.slot)] == [entry.id]
    assert booked(db, student=2).status is Status.PENDING


def test_any_ground_for_the_game_will_do(db):
    booked(db, student=1, game="Football", by=RAVI)
    other = booked(db, student=2, ground="ground-2", game="Football", by=RAVI)
    entry = join(db, game="Football", any_ground=True)
    cancel(db, other.id, by=RAVI, now=NOW)

    [made] = promote_waiting(db, now=NOW)

    assert (made.id, made.ground_id) == (entry.id, "ground-2")


def test_an_entry_ends_with_its_slot_and_at_not_after(db):
    held = booked(db, student=1, by=RAVI)
    soon = join(db, student=50, not_after=NOW + timedelta(hours=1))
    rest = join(db, student=51, now=NOW + timedelta(seconds=1))
    cancel(db, held.id, by=RAVI, now=NOW)
    later = NOW + timedelta(hours=2)

    assert [b.id for b in promote_waiting(db, now=later)] == [rest.id]
    assert line(db) == []
    assert get_booking_or_none(db, soon.id) is None


def get_booking_or_none(db, id):
    try:
        return get_booking(db, id)
    except NotFound:
        return None


def test_leaving(db):
    booked(db, student=1, by=RAVI)
    entry = join(db)
    with pytest.raises(NotAllowed):
        leave_waiting_list(db, entry.id, by=RAVI)
    with pytest.raises(NotFound):
        leave_waiting_list(db, str(uuid4()), by=MEERA)
    assert [one.id for one in waiting_of(db, MEERA, now=NOW)] == [entry.id]

    leave_waiting_list(db, entry.id, by=MEERA)
    leave_waiting_list(db, entry.id, by=MEERA)

    assert line(db) == waiting_of(db, MEERA, now=NOW) == []
    other = join(db)
    leave_waiting_list(db, other.id, by=ADMIN)
    assert line(db) == []


def test_joining_twice_is_one_entry(db):
    booked(db, student=1, by=RAVI)
    id = uuid4()
    first = join(db, entry_id=id)

    assert join(db, entry_id=id) == first
    assert join(db) == first
    with pytest.raises(SubmissionReused):
        join(db, student=51, entry_id=id)
    assert line(db) == [first.id]


def test_a_free_slot_is_booked_and_not_waited_for(db):
    with pytest.raises(InvalidRequest, match="free at that time"):
        join(db)
    booked(db, student=1, by=RAVI)
    with pytest.raises(TooFarAhead):
        join(db, on=DAY + timedelta(days=90))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"any_ground": 1}, "any_ground"),
        ({"entry_id": "one"}, "entry_id"),
        ({"not_after": NOW}, "not_after"),
        ({"not_after": NOW.replace(tzinfo=None)}, "not_after"),
    ],
)
def test_bad_input_names_its_field(db, values, field):
    booked(db, student=1, by=RAVI)
    with pytest.raises(InvalidRequest) as caught:
        join(db, **values)
    assert caught.value.field == field
    assert line(db) == []


def test_no_more_wait_than_the_policy_allows_whatever_races(make_db):
    db = make_db()
    save_policy(db, Policy(waiting_places=3))
    booked(db, student=1, by=RAVI)
    for _ in range(5):
        outcomes = at_once(*(partial(join, db, student=50 + n) for n in range(8)))
        assert len(of_type(outcomes, LineFull)) == 5
        assert len(line(db)) == 3
        for id in line(db):
            leave_waiting_list(db, id, by=ADMIN)


def test_a_disabled_account_gets_nothing(db):
    add_account(db, Account(ADMIN.id, ADMIN.name, ADMIN.role))
    add_account(db, Account(RAVI.id, RAVI.name, RAVI.role))
    held = booked(db, student=1, by=HEAD)
    entry = join(db, by=RAVI)
    change_account(db, RAVI.id, active=False, by=ADMIN)
    cancel(db, held.id, by=HEAD, now=NOW)

    assert promote_waiting(db, now=NOW) == []
    assert line(db) == []
    assert get_booking_or_none(db, entry.id) is None


def test_promoting_at_once_and_a_passer_by_leave_one_holder(make_db):
    db = make_db(quota=None)
    for round_ in range(25):
        start = 8 + round_ % 10
        day = DAY + timedelta(days=round_ // 10)
        held = booked(db, student=1, start=start, on=day, by=RAVI)
        entries = [
            join(db, student=50 + n, start=start, on=day, now=NOW + timedelta(seconds=n))
            for n in range(3)
        ]
        cancel(db, held.id, by=RAVI, now=NOW)
        passer = request_for(student=150, start=start, on=day)

        *promoted, taken = at_once(
            *(partial(promote_waiting, db, dates=[day], now=NOW) for _ in range(4)),
            partial(book, db, passer, by=DEPUTY, now=NOW),
        )

        made = [booking for one in promoted for booking in one]
        holders = [row["_id"] for row in active(db, date=day.isoformat(), ground_id="ground-1")
                   if row["start"] == f"{start:02d}:00"]  # fmt: skip
        assert len(holders) == 1
        if isinstance(taken, Booking):
            assert holders == [taken.id]
            assert made == []
            assert len([e for e in waiting_list(db, "ground-1", day, now=NOW)
                        if e.request.start.hour == start]) == 3  # fmt: skip
        else:
            assert isinstance(taken, SlotTaken)
            assert [b.id for b in made] == holders == [entries[0].id]
        assert_sound(db)


def test_a_promotion_that_was_killed_before_it_was_noted_is_not_made_twice(db):
    held = booked(db, student=1, by=RAVI)
    entry = join(db)
    cancel(db, held.id, by=RAVI, now=NOW)
    # As a process that was killed between both writes leaves it.
    book(db, entry.request, by=MEERA, submission_id=UUID(entry.id), now=NOW)
    approve(db, entry.id, by=HEAD, now=NOW)
    cancel(db, entry.id, by=MEERA, now=NOW)

    assert promote_waiting(db, now=NOW) == []
    assert line(db) == []
    assert not active(db)


def test_a_line_has_no_entry_that_has_ended_by_the_clock(db):
    booked(db, student=1, by=RAVI)
    soon = join(db, student=50, not_after=NOW + timedelta(hours=1))
    rest = join(db, student=51, now=NOW + timedelta(seconds=1))
    slot = soon.slot
    before = day_board(db, DAY, NOW)
    after = before.at(NOW + timedelta(hours=1))

    assert [entry.id for entry in before.line(slot)] == [soon.id, rest.id]
    assert before.turns_at() == NOW + timedelta(hours=1)
    assert [entry.id for entry in after.line(slot)] == [rest.id]


def test_the_next_after_a_booking_is_who_has_its_slot_once_it_is_cancelled(db):
    held = booked(db, student=1, game="Football", by=RAVI)
    other = booked(db, student=2, ground="ground-2", game="Football", by=RAVI)
    booked(db, student=3, ground="ground-3", by=RAVI)
    any_ground = join(db, student=50, game="Football", any_ground=True)
    here = join(db, student=51, game="Football", now=NOW + timedelta(seconds=1))
    longer = join(db, student=52, end=11, now=NOW - timedelta(seconds=1))
    booked(db, student=4, start=10, by=RAVI)
    board = day_board(db, DAY, NOW)

    assert [entry.id for entry in board.line(held.slot)] == [longer.id, any_ground.id, here.id]
    assert board.next_after(held).id == any_ground.id  # the longer one is still in the way
    assert board.next_after(other).id == any_ground.id
    cancel(db, other.id, by=RAVI, now=NOW)
    [made] = promote_waiting(db, now=NOW)
    assert (made.id, made.ground_id) == (any_ground.id, "ground-2")
    assert day_board(db, DAY, NOW).next_after(held).id == here.id


def test_who_waits_for_another_ground_is_not_next(db):
    held = booked(db, student=1, by=RAVI)
    other = booked(db, student=2, ground="ground-2", by=RAVI)
    join(db, student=50, ground="ground-2")
    cancel(db, other.id, by=RAVI, now=NOW)

    assert day_board(db, DAY, NOW).next_after(held) is None


def test_nobody_is_next_whose_people_are_on_a_ground_then(db):
    held = booked(db, student=1, by=RAVI)
    join(db, student=50)
    booked(db, student=50, ground="ground-2")

    assert day_board(db, DAY, NOW).next_after(held) is None


def test_all_who_wait_for_a_slot_ahead(db):
    booked(db, student=1, by=RAVI)
    booked(db, student=2, on=DAY + timedelta(days=1), by=RAVI)
    later = join(db, student=50, on=DAY + timedelta(days=1))
    sooner = join(db, student=51, now=NOW + timedelta(seconds=1))
    join(db, student=52, not_after=NOW + timedelta(hours=1))

    found = waiting_ahead(db, now=NOW + timedelta(hours=2))

    assert [entry.id for entry in found] == [later.id, sooner.id]


def state_at(db, ground="ground-1", hour=9):
    return day_board(db, DAY, NOW).cell(ground, time(hour)).state


def test_a_part_of_a_wanted_slot_that_nobody_can_have_yet_is_free_for_others(db):
    first = booked(db, student=1, start=9, by=RAVI)
    booked(db, student=2, start=10, by=RAVI)
    join(db, student=50, start=9, end=11)
    cancel(db, first.id, by=RAVI, now=NOW)

    assert promote_waiting(db, now=NOW) == []
    assert state_at(db) is CellState.FREE
    assert booked(db, student=3, start=9).status is Status.PENDING


def test_what_any_ground_may_take_is_kept_too(db):
    booked(db, student=1, game="Football", by=RAVI)
    other = booked(db, student=2, ground="ground-2", game="Football", by=RAVI)
    join(db, game="Football", any_ground=True)
    cancel(db, other.id, by=RAVI, now=NOW)

    assert state_at(db, "ground-2") is CellState.CLOSED
    assert day_board(db, DAY, NOW).cell("ground-2", time(9)).note == "Goes to the waiting list"


def test_an_entry_that_is_over_by_the_clock_keeps_nothing_and_no_place(make_db):
    db = make_db()
    save_policy(db, Policy(waiting_places=1))
    held = booked(db, student=1, by=RAVI)
    join(db, student=50, not_after=NOW + timedelta(minutes=1))
    later = NOW + timedelta(minutes=2)

    again = join(db, student=50, now=later)

    assert [e.id for e in waiting_list(db, "ground-1", DAY, now=later)] == [again.id]
    leave_waiting_list(db, again.id, by=MEERA)
    join(db, student=51, not_after=later + timedelta(minutes=1), now=later)
    cancel(db, held.id, by=RAVI, now=later)
    after = later + timedelta(minutes=2)
    assert day_board(db, DAY, after).cell("ground-1", time(9)).state is CellState.FREE


def test_joining_again_with_another_end_changes_the_end(db):
    booked(db, student=1, by=RAVI)
    first = join(db, not_after=NOW + timedelta(hours=1))
    again = join(db)

    assert (again.id, again.not_after) == (first.id, None)
    assert [e.not_after for e in waiting_list(db, "ground-1", DAY, now=NOW)] == [None]


def test_who_leaves_while_the_slot_is_given_has_no_booking(db, monkeypatch):
    from booking_core.booking import waiting

    held = booked(db, student=1, by=RAVI)
    entry = join(db)
    cancel(db, held.id, by=RAVI, now=NOW)
    book_ = waiting.book

    def leave_then_book(*args, **options):
        made = book_(*args, **options)
        leave_waiting_list(db, entry.id, by=MEERA)
        return made

    monkeypatch.setattr(waiting, "book", leave_then_book)

    assert promote_waiting(db, now=NOW) == []
    assert not active(db)


def test_a_seat_that_is_given_back_on_another_day_lets_who_waited_have_the_slot(make_db):
    db = make_db(quota=1)
    other_day = DAY + timedelta(days=1)
    elsewhere = booked(db, student=50, on=other_day, start=11)
    held = booked(db, student=1, by=RAVI)
    entry = join(db, student=50)
    cancel(db, held.id, by=RAVI, now=NOW)
    assert promote_waiting(db, dates=[DAY], now=NOW) == []

    cancel(db, elsewhere.id, by=MEERA, now=NOW)

    assert [b.id for b in promote_waiting(db, dates=[other_day], now=NOW)] == [entry.id]
