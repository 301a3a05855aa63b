"""Doctor and Health list active bookings ahead that the school has no place for any more."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from support import DAY, HEAD, HOURLY, MEERA, NOW, booked

from booking_core import Period, Timetable, cancel, move, reject, save_days, save_timetable
from booking_core.operations import doctor, misplaced, stored_data


@pytest.fixture
def found(db, monkeypatch):
    monkeypatch.setattr(stored_data, "present", lambda db: NOW)

    def look():
        findings = doctor.examine_database(db, without=["feed"])
        return next(one for one in findings if one.name == "bookings")

    return look


def test_bookings_that_fit_are_no_finding(db, found):
    booked(db)

    assert found().ok


def test_a_booking_of_an_unknown_student_is_to_be_cancelled(db, found):
    mine = booked(db)
    db["students"].delete_one({"_id": "S000"})
    db["meta"].update_one({"_id": "revision"}, {"$inc": {"students": 1}})

    shown = found()

    assert shown.detail == (
        f"1 ahead of unknown students: {mine.reference} (ground-1 2026-11-24 09:00)"
    )
    assert shown.remedy == "cancel those of unknown students in Bookings"
    cancel(db, mine.id, by=MEERA, now=NOW)
    assert found().ok


@pytest.mark.parametrize(
    ("change", "words"),
    [({"retired": True}, misplaced.RETIRED), (None, misplaced.NO_GROUND)],
)
def test_bookings_of_a_ground_that_is_gone_can_be_moved(db, found, change, words):
    made = [booked(db, student=n, start=9 + n, game="Volleyball") for n in range(4)]
    if change is None:
        db["grounds"].delete_one({"_id": "ground-1"})
    else:
        db["grounds"].update_one({"_id": "ground-1"}, {"$set": change})
    db["meta"].update_one({"_id": "revision"}, {"$inc": {"grounds": 1}})

    shown = found()

    assert f"4 ahead {words}: {made[0].reference} (ground-1" in shown.detail
    assert shown.detail.endswith(", ...")
    assert shown.remedy == "move or cancel these in Bookings"
    for booking in made[:3]:
        move(db, booking.id, ground_id="ground-3", by=MEERA, now=NOW)
    reject(db, made[3].id, reason="no", by=HEAD, now=NOW)
    assert found().ok


def test_bookings_on_days_without_school_or_outside_the_periods_are_listed(db, found):
    booked(db, on=DAY)
    booked(db, student=1, on=DAY + timedelta(days=1), start=17)
    save_days(db, [DAY], timetable_id=None, note="Holiday")
    save_timetable(db, Timetable("regular", HOURLY.periods[:-1], HOURLY.weekdays))

    shown = found()

    assert f"1 ahead {misplaced.NO_SCHOOL}: " in shown.detail
    assert f"1 ahead {misplaced.NO_PERIOD}: " in shown.detail


def test_what_has_begun_or_holds_nothing_is_not_listed(db, found, monkeypatch):
    booked(db, on=DAY)
    cancel(db, booked(db, student=1, start=12).id, by=MEERA, now=NOW)
    save_timetable(db, Timetable("regular", (Period("P", time(7), time(8)),), HOURLY.weekdays))
    assert not found().ok

    begun = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)  # 9:00 in the school
    monkeypatch.setattr(stored_data, "present", lambda db: begun)

    assert found().ok


def test_only_the_index_of_what_is_ahead_is_read(db):
    booked(db)
    plan = db.command(
        "explain",
        {
            "find": "bookings",
            "filter": {
                "status": {"$in": ["Pending", "Approved"]},
                "date": {"$gte": "2026-11-23"},
                "kind": "booking",
            },
            "projection": dict.fromkeys(("ground_id", "date", "start", "end", "student_id"), 1),
            "hint": "by_day",
        },
    )

    assert plan["executionStats"]["totalDocsExamined"] == 0
