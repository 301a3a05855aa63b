"""Closing several grounds in one transaction: displaced bookings, notices, all or nothing.

The file is long because every test closes the same grounds and compares the same stored contents.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest
from closing_steps import ALL, closed
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
)

from booking_core import (
    AlreadyDecided,
    Booking,
    CellState,
    ChangedMeanwhile,
    GroundClosed,
    InvalidRequest,
    NotAllowed,
    NotFound,
    Status,
    StoreRefused,
    UnknownGround,
    approve,
    cancel,
    close_grounds,
    day_board,
    displaced_by,
    find_closures,
    get_booking,
    lift_closure,
    mark_read,
    move,
    notices_for,
    reinstate,
    save_days,
)
from booking_core.booking.closures import Closing
from booking_core.storage.client.database import Documents

WEEK = DAY + timedelta(days=6)


def contents(db: Documents) -> dict[str, list[dict[str, Any]]]:
    """Returns all documents that a closing may write."""
    return {name: list(db[name].find().sort("_id")) for name in ("bookings", "notices", "audit")}


def test_the_preview_lists_bookings_that_overlap_and_have_not_ended(db):
    before = booked(db, student=1, start=9)
    overlapping = booked(db, student=2, start=10, end=12)
    elsewhere = booked(db, student=3, start=11, ground="ground-2")
    approve(db, elsewhere.id, by=HEAD, now=NOW)
    booked(db, student=4, start=11, ground="ground-3")
    next_day = booked(db, student=5, start=11, on=DAY + timedelta(days=1))
    cancel(db, booked(db, student=6, start=12, ground="ground-2").id, by=HEAD, now=NOW)
    asked = {"ground_ids": ["ground-2", "ground-1"], "first": DAY, "last": DAY}
    at_half_past_ten = datetime(2026, 11, 24, 5, tzinfo=UTC)

    by_hours = displaced_by(db, **asked, start=time(11), end=time(13), now=NOW)
    by_days = displaced_by(db, **(asked | {"last": DAY + timedelta(days=1)}), now=NOW)
    later = displaced_by(db, **asked, now=at_half_past_ten)

    assert [b.id for b in by_hours] == [overlapping.id, elsewhere.id]
    assert [b.id for b in by_days] == [before.id, overlapping.id, elsewhere.id, next_day.id]
    assert [b.id for b in later] == [overlapping.id, elsewhere.id]
    assert len(active(db)) == 5


def test_closing_revokes_notifies_and_closes_in_one_transaction(db):
    pending = booked(db, student=1, start=9, by=MEERA)
    approved = booked(db, student=2, start=14, ground="ground-2", by=RAVI)
    approve(db, approved.id, by=HEAD, now=NOW)

    closing = closed(db, last=DAY + timedelta(days=1), reason="Sports day")

    assert {b.id for b in closing.displaced} == {pending.id, approved.id}
    assert len(closing.closures) == 6
    for booking, was in ((pending, "Pending"), (approved, "Approved")):
        kept = get_booking(db, booking.id)
        assert kept in closing.displaced
        assert kept.status is Status.REVOKED
        last = kept.last_decision
        assert (last.action, last.by, last.reason) == ("displaced", HEAD.id, "Sports day")
        entry = db.bookings.find_one({"_id": booking.id})["history"][-1]
        assert entry["was"] == was
        closure = get_booking(db, entry["closure"])
        assert closure in closing.closures
        assert (closure.ground_id, closure.date) == (booking.ground_id, booking.date)
    assert {c.closure_group for c in closing.closures} == {closing.id}
    (notice,) = notices_for(db, MEERA.id)
    assert (notice.kind, notice.booking_id, notice.reason) == (
        "displaced",
        pending.id,
        "Sports day",
    )
    assert (notice.slot, notice.by_name, notice.booking.student_name) == (
        pending.slot,
        HEAD.name,
        "Student 1",
    )
    assert [n.booking_id for n in notices_for(db, RAVI.id)] == [approved.id]
    (entry,) = db.audit.find({"action": "closed"})
    assert (entry["by"], entry["what"], entry["id"]) == (HEAD.id, "closure", closing.id)
    assert entry["details"]["displaced"] == 2
    assert_sound(db)


def test_a_whole_day_is_closed_in_each_period_and_on_days_without_school(db):
    save_days(db, [DAY + timedelta(days=1)], timetable_id=None, note="Founders' day")

    closing = closed(db, last=DAY + timedelta(days=2))

    assert len(closing.closures) == 9
    assert all(c.start == c.end == time(0) for c in closing.closures)
    for board in (day_board(db, DAY, NOW), day_board(db, DAY + timedelta(days=2), NOW)):
        cells = [cell for period in board.periods for cell in board.row(period)]
        assert {(c.state, c.note) for c in cells} == {(CellState.CLOSED, "Rain")}
    off = day_board(db, DAY + timedelta(days=1), NOW)
    assert (off.periods, len(off.bookings)) == ((), 3)
    with pytest.raises(GroundClosed):
        booked(db, start=9, on=DAY + timedelta(days=2))


def test_bookings_that_have_ended_today_are_not_displaced(db):
    over = booked(db, student=1, start=9)
    running = booked(db, student=2, start=10)
    now = datetime(2026, 11, 24, 5, 10, tzinfo=UTC)  # 10:40 in Asia/Kolkata

    closing = closed(db, ground_ids=["ground-1"], first=DAY - timedelta(days=3), now=now)

    (closure,) = closing.closures
    assert (closure.date, closure.start, closure.end) == (DAY, time(10, 40), time(0))
    assert [b.id for b in closing.displaced] == [running.id]
    assert get_booking(db, over.id).status is Status.PENDING


def test_a_booking_or_cancellation_since_the_preview_refuses_the_closing(db):
    first = booked(db, student=1, start=9)
    second = booked(db, student=2, start=10)
    shown = [first.id, second.id]
    more = booked(db, student=3, start=11)
    before = contents(db)

    with pytest.raises(ChangedMeanwhile):
        closed(db, expected=shown)
    assert contents(db) == before

    cancel(db, more.id, by=HEAD, now=NOW)
    cancel(db, second.id, by=HEAD, now=NOW)
    before = contents(db)
    with pytest.raises(ChangedMeanwhile):
        closed(db, expected=shown)
    assert contents(db) == before

    approve(db, first.id, by=HEAD, now=NOW)  # the same booking, whatever its status
    assert [b.id for b in closed(db, expected=[first.id]).displaced] == [first.id]


@pytest.mark.parametrize("refusing", ["notices", "audit"])
def test_a_failure_in_the_middle_of_a_closing_changes_nothing(db, refusing):
    mine = booked(db, student=1, start=9)
    before = contents(db)
    db.command("collMod", refusing, validator={"nothing_has_this": {"$exists": True}})

    with pytest.raises(StoreRefused):
        closed(db)

    assert contents(db) == before
    assert get_booking(db, mine.id).status is Status.PENDING
    booked(db, student=2, start=9, ground="ground-3")


def test_a_closing_that_races_with_bookings_is_complete_or_refused(make_db):
    db = make_db(quota=None)
    number = count()
    beaten = []

    def close_after_preview(day: date) -> Closing:
        asked = {"ground_ids": ALL[:2], "first": day, "last": day}
        while True:
            shown = [b.id for b in displaced_by(db, **asked, now=NOW)]
            try:
                return close_grounds(db, **asked, reason="Rain", by=HEAD, expected=shown, now=NOW)
            except ChangedMeanwhile:
                beaten.append(day)

    def book_until_closed(day: date, ground: str) -> list[Booking]:
        """Books hour after hour, so that some bookings arrive in the middle of a closing."""
        made = []
        for hour in range(10, 18):
            try:
                made.append(
                    booked(db, student=next(number) % 200, start=hour, on=day, ground=ground)
                )
            except GroundClosed:
                break
        return made

    for round_ in range(12):
        day = DAY + timedelta(days=round_)
        held = booked(db, student=next(number) % 200, start=9, on=day)

        closing, *others = at_once(
            partial(close_after_preview, day),
            partial(book_until_closed, day, "ground-1"),
            partial(book_until_closed, day, "ground-2"),
            partial(cancel, db, held.id, by=MEERA, now=NOW),
            partial(move, db, held.id, start=time(8), end=time(9), by=MEERA, now=NOW),
        )

        assert_sound(db)
        assert isinstance(closing, Closing)
        assert {row["kind"] for row in active(db, date=day.isoformat())} == {"closure"}
        assert len(active(db, date=day.isoformat())) == 2
        assert all(isinstance(o, Booking | GroundClosed | AlreadyDecided) for o in others[2:])
        gone = {
            r["_id"]: r for r in db.bookings.find({"date": day.isoformat(), "status": "Revoked"})
        }
        assert gone.keys() == {b.id for b in closing.displaced}
        assert gone.keys() == {
            n["booking_id"] for n in db.notices.find({"slot.date": day.isoformat()})
        }
        made = {booking.id for booking in [*others[0], *others[1]]}
        assert made <= gone.keys()
        for row in gone.values():
            assert row["history"][-1]["closure"] in {c.id for c in closing.closures}
    assert beaten
    assert db.bookings.count_documents({"status": "Revoked"}) > 0


def test_of_identical_closings_at_once_one_succeeds_and_answers_its_author_again(db):
    mine = booked(db, student=1, start=9)

    outcomes = at_once(
        *(partial(closed, db, expected=[mine.id], by=by) for by in (HEAD, ADMIN, HEAD, ADMIN))
    )

    assert len(of_type(outcomes, Closing)) == 2
    assert len({closing.id for closing in of_type(outcomes, Closing)}) == 1
    assert len(of_type(outcomes, GroundClosed)) == 2
    assert len(active(db)) == 3
    assert len(notices_for(db, MEERA.id)) == 1


def test_a_fully_closed_day_is_skipped_and_a_partly_closed_one_is_refused(db):
    closed(db, ground_ids=["ground-1"], reason="Repair")

    closing = closed(db, reason="Rain")

    assert {c.ground_id for c in closing.closures} == {"ground-2", "ground-3"}
    with pytest.raises(GroundClosed):
        closed(db)
    close_one(
        db,
        ground_id="ground-3",
        date=WEEK,
        start=time(9),
        end=time(10),
        reason="Exam",
        by=HEAD,
        now=NOW,
    )
    before = contents(db)
    with pytest.raises(GroundClosed) as refused:
        closed(db, first=WEEK, last=WEEK, expected=())
    assert (refused.value.ground_id, refused.value.reason) == ("ground-3", "Exam")
    assert contents(db) == before


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"ground_ids": []}, "ground_id"),
        ({"ground_ids": "ground-1"}, "ground_id"),
        ({"ground_ids": [7]}, "ground_id"),
        ({"first": "today"}, "first"),
        ({"last": DAY - timedelta(days=1)}, "last"),
        ({"last": DAY + timedelta(days=122)}, "last"),  # 123 days of three grounds: 369
        ({"first": NOW.date() - timedelta(days=9), "last": NOW.date() - timedelta(1)}, "last"),
        ({"start": time(9)}, "end"),
        ({"end": time(9)}, "start"),
        ({"start": time(9), "end": time(9)}, "end"),
        ({"start": time(9, 7), "end": time(10)}, "start"),
        ({"reason": " "}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"expected": "abc"}, "expected"),
        ({"expected": [None]}, "expected"),
    ],
)
def test_an_invalid_closing_is_refused_by_the_name_of_its_field(school, asked, field):
    db, _ = school
    wanted = {"ground_ids": ALL, "first": DAY, "last": DAY, "reason": "Rain", "expected": ()}

    with pytest.raises(InvalidRequest) as refused:
        close_grounds(db, **(wanted | asked), by=HEAD, now=NOW)

    assert refused.value.field == field
    assert len(active(db)) == 1


def test_only_a_principal_or_an_admin_closes_lifts_and_reinstates(school):
    db, _ = school
    with pytest.raises(UnknownGround):
        closed(db, ground_ids=["nowhere"], expected=())
    for act in (
        partial(closed, db, by=MEERA, expected=()),
        partial(lift_closure, db, "x", by=MEERA),
        partial(reinstate, db, "x", by=MEERA),
    ):
        with pytest.raises(NotAllowed):
            act()
    with pytest.raises(NotFound):
        lift_closure(db, "x", by=HEAD)
    with pytest.raises(NotFound):
        reinstate(db, "x", by=ADMIN)


def test_a_hundred_days_of_three_grounds_are_closed_in_one_transaction(db):
    closing = closed(db, last=DAY + timedelta(days=99))

    assert len(closing.closures) == 300
    (listed,) = find_closures(db, from_date=DAY + timedelta(days=40))
    assert (listed.id, listed.first, listed.last) == (
        closing.id,
        DAY + timedelta(days=40),
        DAY + timedelta(days=99),
    )


def test_the_list_of_closures_has_a_line_for_each_closing(db):
    later = closed(db, first=WEEK, last=WEEK + timedelta(days=1), ground_ids=ALL[:2], by=ADMIN)
    single = close_one(
        db,
        ground_id="ground-3",
        date=DAY,
        start=time(9),
        end=time(10),
        reason="Exam",
        by=HEAD,
        now=NOW,
    )

    first, second = find_closures(db, from_date=DAY)

    assert (first.id, first.reason) == (single.closure_group, "Exam")
    assert first.ground_ids == ("ground-3",)
    assert (first.start, first.end, first.by_name) == (time(9), time(10), HEAD.name)
    assert (second.id, second.ground_ids) == (later.id, ALL[:2])
    assert (second.first, second.last) == (WEEK, WEEK + timedelta(days=1))
    assert (second.start, second.end, second.by_name) == (time(0), time(0), ADMIN.name)
    assert find_closures(db, from_date=DAY, limit=1) == [first]
    assert find_closures(db, from_date=WEEK + timedelta(days=2)) == []


def test_a_user_dismisses_only_own_notices(db):
    booked(db, student=1, start=9, by=MEERA)
    booked(db, student=2, start=10, by=RAVI)
    closed(db)
    (mine,) = notices_for(db, MEERA.id)

    assert mark_read(db, [mine.id], by=RAVI) == 0
    assert notices_for(db, MEERA.id) == [mine]
    assert mark_read(db, [mine.id], by=MEERA) == 1
    assert mark_read(db, [mine.id], by=MEERA) == 0
    assert notices_for(db, MEERA.id) == []
    assert [n.read for n in notices_for(db, MEERA.id, unread_only=False)] == [True]
    assert len(notices_for(db, RAVI.id)) == 1
    for invalid in ("abc", 7, [None]):
        with pytest.raises(InvalidRequest):
            mark_read(db, invalid, by=MEERA)
