"""The slots that a booking may move to: pure values in, slots out."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from booking_core import Ground, Period, Slot
from booking_core.domain.availability import Availability
from booking_core.domain.timetable import DayPlan, marks

DAY = date(2026, 11, 24)
PERIODS = tuple(Period(f"{h}", time(h), time(h + 1)) for h in range(8, 12))
FIELD = Ground("field", "Field", ("Football", "Cricket"))
COURT = Ground("court", "Court", ("Tennis", "Football"))


def slot(ground: Ground, start: int, end: int) -> Slot:
    return Slot(ground.id, DAY, time(start), time(end))


def day(*held: Slot, hour: int = 1) -> Availability:
    return Availability(
        date=DAY,
        plan=DayPlan(DAY, PERIODS, "regular"),
        grounds=(FIELD, COURT),
        now=datetime(2026, 11, 24, hour, tzinfo=UTC),
        zone=ZoneInfo("UTC"),
        held={(s.ground_id, cell): s for s in held for cell in marks(s.start, s.end)},
    )


def test_the_slots_for_a_game_are_ordered_by_ground_and_time_and_none_is_held():
    found = day(slot(FIELD, 9, 11)).free_slots("Football", 1)

    assert found == [
        slot(FIELD, 8, 9),
        slot(FIELD, 11, 12),
        *(slot(COURT, hour, hour + 1) for hour in range(8, 12)),
    ]
    assert {s.ground_id for s in day().free_slots("Tennis", 1)} == {"court"}
    assert day().free_slots("Chess", 1) == []


def test_the_slots_have_the_requested_number_of_periods():
    assert day(slot(FIELD, 8, 9)).free_slots("Cricket", 2) == [
        slot(FIELD, 9, 11),
        slot(FIELD, 10, 12),
    ]
    assert day().free_slots("Cricket", 5) == []


def test_the_slots_exclude_started_periods_and_times_when_the_student_is_busy():
    busy = marks(time(10), time(11))

    assert day(hour=8).free_slots("Cricket", 1, busy=busy) == [
        slot(FIELD, 9, 10),
        slot(FIELD, 11, 12),
    ]
