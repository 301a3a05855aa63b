"""The claims of a booking, derived from its own fields."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time

from hypothesis import given
from hypothesis import strategies as st

from booking_core import Booking, Status
from booking_core.domain import timetable
from booking_core.domain.claims import GROUND, QUOTA, STUDENT, claims_of, kind_of, slots_of

MOMENT = datetime(2026, 11, 23, tzinfo=UTC)
MARKS = 288


def booking(start: time = time(9), end: time = time(9, 10), **changes: object) -> Booking:
    made = Booking(
        id="b",
        ground_id="ground-1",
        date=date(2026, 11, 26),
        start=start,
        end=end,
        status=Status.PENDING,
        student_id="S001",
        student_name="Asha",
        class_name="9-B",
        game="Football",
        purpose="",
        created_by="meera",
        created_by_name="Meera",
        created_at=MOMENT,
        updated_at=MOMENT,
    )
    return replace(made, **changes)


def time_at(mark: int) -> time:
    return time(*divmod(mark * 5 % 1440, 60))


SPANS = st.tuples(st.integers(0, MARKS - 1), st.integers(1, MARKS)).filter(lambda s: s[0] < s[1])


def test_a_booking_claims_its_ground_its_student_and_its_seat():
    made = booking(quota_window="2026-W48", quota_seat=0)

    assert claims_of(made) == [
        "ground|ground-1|2026-11-26|108",
        "ground|ground-1|2026-11-26|109",
        "student|S001|2026-11-26|108",
        "student|S001|2026-11-26|109",
        "quota|S001|2026-W48|0",
    ]


def test_a_closure_claims_only_its_ground_up_to_midnight():
    closure = booking(time(23, 50), time(0), kind="closure", student_id=None)

    assert claims_of(closure) == [
        "ground|ground-1|2026-11-26|286",
        "ground|ground-1|2026-11-26|287",
    ]


@given(first=SPANS, second=SPANS)
def test_two_bookings_share_a_claim_exactly_when_they_overlap(first, second):
    one, other = (booking(time_at(start), time_at(end)) for start, end in (first, second))

    overlap = first[0] < second[1] and second[0] < first[1]

    assert bool(set(claims_of(one)) & set(claims_of(other))) == overlap


@given(spans=SPANS)
def test_claims_are_unique_and_the_first_one_is_the_earliest_of_the_ground(spans):
    made = booking(*map(time_at, spans), quota_window="2026-W48", quota_seat=1)
    claims = claims_of(made)

    assert len(set(claims)) == len(claims)
    assert min(claims) == claims[0]
    assert [kind_of(claim) for claim in sorted(claims)] == (
        [GROUND] * (spans[1] - spans[0]) + [QUOTA] + [STUDENT] * (spans[1] - spans[0])
    )


@given(st.lists(st.tuples(st.integers(0, 287), st.integers(1, 24)), max_size=4))
def test_the_slots_of_claims_are_the_stretches_that_their_bookings_hold(spans):
    day = date(2026, 11, 26)
    held: set[int] = set()
    claims = ["quota|S001|2026-W48|0", "ground|no date|x|1", "no claim", "ground|g|2026-11-26|999"]
    for first, length in spans:
        marks = range(first, min(first + length, 288))
        held |= set(marks)
        claims += [f"ground|g-1|{day}|{mark:03d}" for mark in marks]

    found = slots_of(claims)

    assert {mark for slot in found for mark in timetable.marks(slot.start, slot.end)} == held
    assert all(slot.ground_id == "g-1" and slot.date == day for slot in found)
    assert len(found) == sum(mark - 1 not in held for mark in held)
