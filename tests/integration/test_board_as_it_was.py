"""The board of a past moment equals the board that was read at that moment."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

import pytest
from support import ADMIN, DAY, HEAD, MEERA, NOW, RAVI, booked, request_for, student_id

from booking_core import (
    Board,
    BookingError,
    CellState,
    Ground,
    InvalidRequest,
    Period,
    Slot,
    Status,
    Timetable,
    approve,
    book,
    cancel,
    close_grounds,
    day_board,
    displaced_by,
    end_early,
    erase_student,
    find_bookings,
    find_closures,
    get_booking,
    lapse_pending,
    lift_closure,
    move,
    reinstate,
    reject,
    revoke,
    save_ground,
    save_timetable,
    set_active,
)

DAYS = (DAY, DAY + timedelta(days=1))
STEP = timedelta(minutes=7)


def seen(board: Board) -> tuple[list[Any], list[Any]]:
    """What a board shows: the slot and the status of each booking, and the state of each cell."""
    held = sorted(
        (b.id, b.slot.start, b.end, b.ground_id, b.status, b.kind) for b in board.bookings
    )
    cells = [
        (cell.ground.id, cell.period.start, cell.state, cell.booking and cell.booking.id)
        for period in board.periods
        for cell in board.row(period)
    ]
    return held, cells


def random_verb(db: Any, pick: Random, now: datetime) -> Callable[[], object]:
    """A verb with arguments that may be refused."""
    bookings = find_bookings(db, limit=100, now=now)
    one = pick.choice(bookings).id if bookings else "none"
    zone = db.booking_settings.zone
    running = [
        b.id
        for b in find_bookings(db, limit=100, when="ahead", now=now)
        if b.slot.has_begun(now, zone) and b.status.is_active
    ]
    who = pick.choice((MEERA, RAVI, HEAD))
    ground = pick.choice(("ground-1", "ground-2", "ground-3"))
    on, start = pick.choice(DAYS), pick.choice((8, 9, 10))
    closed: dict[str, Any] = {"ground_ids": [ground], "first": on, "last": on}
    closures = find_closures(db, from_date=DAY)
    return pick.choice(
        (
            *[
                lambda: book(
                    db,
                    request_for(
                        student=pick.randrange(60),
                        ground=ground,
                        on=on,
                        start=start,
                        end=start + pick.choice((1, 2)),
                        game="Football" if ground != "ground-3" else "Volleyball",
                    ),
                    by=who,
                    now=now,
                )
            ]
            * 4,
            lambda: approve(db, one, by=HEAD, now=now),
            *[
                lambda: move(
                    db,
                    one,
                    ground_id=ground,
                    date=on,
                    start=time(start),
                    end=time(start + 1),
                    reason="Later",
                    by=who,
                    now=now,
                )
            ]
            * 3,
            lambda: cancel(db, one, by=HEAD, reason="Ill", now=now),
            lambda: reject(db, one, by=HEAD, reason="No", now=now),
            lambda: revoke(db, one, by=HEAD, reason="No", now=now),
            lambda: close_grounds(
                db,
                **closed,
                reason="Rain",
                by=HEAD,
                expected=[b.id for b in displaced_by(db, **closed, now=now)],
                now=now,
            ),
            lambda: lift_closure(db, pick.choice(closures).id, by=HEAD, now=now),
            lambda: reinstate(db, one, by=HEAD, now=now),
            lambda: end_early(db, pick.choice(running), by=HEAD, now=now),
            lambda: lapse_pending(db, now=now),
        )
    )


def test_the_board_of_each_moment_is_the_one_that_was_read_then(make_db):
    done = set()
    for seed in range(4):
        db, pick = make_db(), Random(seed)
        # On the first day, from 3:30 in the morning until its first periods are over.
        now = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
        kept: list[tuple[datetime, date, Any]] = []
        for _ in range(60):
            now += STEP
            with suppress(BookingError, IndexError):  # IndexError: nothing to choose from
                random_verb(db, pick, now)()
            kept += [(now, on, seen(day_board(db, on, now))) for on in DAYS]
        for booking in find_bookings(db, limit=1000):
            done |= {entry.action for entry in booking.history}
        for then, on, board in kept:
            assert seen(day_board(db, on, now, as_of=then)) == board, (seed, then)

    assert done >= {"requested", "approved", "moved", "cancelled", "displaced", "ended early"}


def test_a_booking_is_absent_before_its_request_and_has_the_slot_and_status_of_then(db):
    minutes = [NOW + timedelta(minutes=n) for n in range(6)]
    made = booked(db, student=1, by=MEERA, now=minutes[1])
    approve(db, made.id, by=HEAD, now=minutes[2])
    move(db, made.id, date=DAYS[1], start=time(11), end=time(12), by=MEERA, now=minutes[3])
    cancel(db, made.id, by=MEERA, now=minutes[4])

    def shown(moment, on):
        board = day_board(db, on, minutes[5], as_of=moment)
        return [(b.start.hour, b.status) for b in board.bookings]

    assert [shown(moment, DAY) for moment in minutes] == [
        [],
        [(9, Status.PENDING)],
        [(9, Status.APPROVED)],
        [],
        [],
        [],
    ]
    assert [shown(moment, DAYS[1]) for moment in minutes[3:]] == [[(11, Status.PENDING)], [], []]


def test_a_history_of_an_earlier_version_has_no_status_before_and_is_read_all_the_same(db):
    minutes = [NOW + timedelta(minutes=n) for n in range(5)]
    made = booked(db, student=1, now=minutes[0])
    approve(db, made.id, by=HEAD, now=minutes[1])
    revoke(db, made.id, by=HEAD, reason="Rain", now=minutes[2])
    other = booked(db, student=2, start=10, now=minutes[0])
    approve(db, other.id, by=HEAD, now=minutes[1])
    move(db, other.id, start=time(12), end=time(13), by=MEERA, now=minutes[2])
    cancel(db, other.id, by=MEERA, now=minutes[3])
    db.bookings.update_many({}, {"$unset": {"history.$[].was": ""}})

    def statuses(moment):
        board = day_board(db, DAY, minutes[4], as_of=moment)
        return {b.id: b.status for b in board.bookings}

    assert statuses(minutes[0]) == {made.id: Status.PENDING, other.id: Status.PENDING}
    assert statuses(minutes[1]) == {made.id: Status.APPROVED, other.id: Status.APPROVED}
    assert statuses(minutes[4]) == {}


def test_grounds_and_periods_are_those_of_the_evening_of_that_day(make_db):
    db = make_db()
    week = timedelta(days=7)
    db.school_history.delete_many({})
    later = NOW + week
    save_ground(db, Ground("ground-9", "Ground 9", ("Football",), 9), by=ADMIN, now=later)
    save_timetable(
        db,
        Timetable("regular", (Period("Only", time(9), time(10)),), tuple(range(7))),
        by=ADMIN,
        now=later,
    )

    before = day_board(db, DAY, later, as_of=NOW)
    after = day_board(db, DAY, later, as_of=later)

    assert [g.id for g in before.grounds] == ["ground-1", "ground-2", "ground-3"]
    assert len(before.periods) == 10
    assert [g.id for g in after.grounds][-1] == "ground-9"
    assert [p.label for p in after.periods] == ["Only"]


def test_a_name_that_was_erased_since_stays_erased(db):
    made = booked(db, student=1, now=NOW)
    cancel(db, made.id, by=MEERA, now=NOW + timedelta(minutes=1))
    set_active(db, student_id(1), False, by=ADMIN)
    erase_student(db, student_id(1), by=ADMIN)

    [was] = day_board(db, DAY, NOW + timedelta(minutes=2), as_of=NOW).bookings

    assert was.student_name == get_booking(db, made.id).student_name != "Student 1"


def test_a_moment_ahead_or_without_a_zone_is_refused(db):
    with pytest.raises(InvalidRequest, match="as_of"):
        day_board(db, DAY, NOW, as_of=NOW + timedelta(seconds=1))
    with pytest.raises(InvalidRequest, match="as_of"):
        day_board(db, DAY, NOW, as_of=datetime(2026, 11, 1))  # noqa: DTZ001
    slot = Slot("ground-1", DAY, time(9), time(10))
    assert day_board(db, DAY, NOW, as_of=NOW).holder(slot) is None
    assert day_board(db, DAY, NOW, as_of=NOW).cell("ground-1", time(9)).state is CellState.FREE
