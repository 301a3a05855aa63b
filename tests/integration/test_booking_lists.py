"""The lists of bookings: each booking on one page, in order, and past bookings excluded."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import DAY, HEAD, NOW, booked, make_index_non_unique

from booking_core import (
    InvalidRequest,
    Period,
    Status,
    Student,
    Timetable,
    approve,
    approved_upcoming,
    bookings_ahead,
    count_bookings,
    find_bookings,
    lapse_pending,
    load_reference,
    save_student,
    save_timetable,
    search_filters,
)
from booking_core.storage.bookings import pages as booking_pages
from booking_core.storage.schema import schema


@pytest.fixture
def crowd(db):
    """150 bookings of one moment, as imports make them, and a few before and after."""
    row = db[schema.BOOKINGS].find_one({"_id": booked(db).id})
    row.pop("quota", None)
    rows = [
        row
        | {
            "_id": f"{n * 7919 % 1000:03d}",  # in no order
            "status": "Cancelled" if n % 3 else "Rejected",
            "ground_id": f"ground-{1 + n % 2}",
            "created_at": NOW + timedelta(milliseconds=n // 50 if n < 50 or n >= 200 else 1),
        }
        for n in range(250)
    ]
    db[schema.BOOKINGS].delete_many({})
    db[schema.BOOKINGS].insert_many(rows)
    return db, sorted(rows, key=lambda r: (r["created_at"], r["_id"]), reverse=True)


PAGED = (
    ({}, {}),
    ({"ground_id": "ground-2"}, {"ground_id": "ground-2"}),
    ({"status": Status.REJECTED}, {"status": "Rejected"}),
    ({"date_from": DAY, "date_to": DAY, "created_by": "meera"}, {}),
)


def test_bookings_of_one_moment_are_each_on_one_page(crowd):
    db, rows = crowd

    for filters, condition in PAGED:
        expected = [r["_id"] for r in rows if condition.items() <= r.items()]
        for size in (7, 50):
            seen, after = [], None
            while page := find_bookings(db, **filters, limit=size, after=after):
                seen += [booking.id for booking in page]
                after = page[-1]
                assert len(seen) <= len(expected)
            assert seen == expected, (filters, size)


DAYS = [DAY + timedelta(days=n) for n in range(-6, 7)]
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "date": st.sampled_from(DAYS).map(date.isoformat),
            # Few moments, so that many bookings share one; the dates are unordered.
            "created_at": st.integers(0, 5).map(lambda n: NOW + timedelta(days=n)),
            "ground_id": st.sampled_from(["ground-1", "ground-2"]),
            "start": st.sampled_from(["08:00", "09:00", "11:00"]),
            "end": st.sampled_from(["12:00", "12:05", "14:00"]),
            "status": st.sampled_from(["Cancelled", "Rejected"]),
            "student_id": st.sampled_from(["S001", "S002"]),
            "class_name": st.sampled_from(["1-A", "2-A"]),
            "created_by": st.sampled_from(["meera", "ravi"]),
        }
    ),
    max_size=40,
)
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "date_from": st.sampled_from([*DAYS, date(2000, 1, 1)]),
        "date_to": st.sampled_from([*DAYS, date(2200, 12, 31)]),
        "ground_id": st.sampled_from(["ground-1", "ground-3"]),
        "status": st.sampled_from(["Cancelled", "Lapsed"]),
        "student_id": st.sampled_from(["S001", ("S001", "S002"), ("S003",), ()]),
        "when": st.sampled_from(["ahead", "over"]),
        "class_name": st.just("1-A"),
        "created_by": st.just("meera"),
    },
)


@pytest.fixture(scope="module")
def like(school):
    """A stored booking, as a template for others."""
    db, booking = school
    row = db[schema.BOOKINGS].find_one({"_id": booking.id})
    row.pop("quota", None)
    return row


def expected_of(rows, filters, order):
    """The rows that the filters let pass, in the order that pages must have."""
    first = filters.get("date_from", date(2000, 1, 1)).isoformat()
    last = filters.get("date_to", date(2200, 12, 31)).isoformat()
    same = {k: v for k, v in filters.items() if k[:4] != "date" and k not in ("when", "student_id")}
    ids = {filters.get("student_id")} if isinstance(filters.get("student_id"), str) else None
    ids = set(filters["student_id"]) if ids is None and "student_id" in filters else ids
    found = [
        row
        for row in rows
        if first <= row["date"] <= last
        and same.items() <= row.items()
        and (ids is None or row["student_id"] in ids)
        and ("when" not in filters or is_ahead(row) == (filters["when"] == "ahead"))
    ]
    keys = ("created_at", "_id") if order == "asked" else ("date", "start", "_id")
    return sorted(found, key=lambda r: [r[key] for key in keys], reverse=order != "soonest")


NOON = datetime.combine(DAY, time(12), ZoneInfo("Asia/Kolkata"))


def is_ahead(row) -> bool:
    ends = datetime.combine(
        date.fromisoformat(row["date"]), time.fromisoformat(row["end"]), ZoneInfo("Asia/Kolkata")
    )
    return ends > NOON


@given(
    rows=ROWS,
    filters=FILTERS,
    size=st.integers(1, 12),
    order=st.sampled_from(["asked", "soonest", "latest"]),
)
@settings(max_examples=300)
def test_the_pages_together_are_all_matching_bookings_in_order_and_are_counted(
    emptied, like, monkeypatch, rows, filters, size, order
):
    # So small that each page takes several reads.
    monkeypatch.setattr(booking_pages, "_WINDOW", 2)
    monkeypatch.setattr(booking_pages, "MOST_SCANS", 3)
    rows = [like | row | {"_id": f"{n * 7919 % 1000:03d}"} for n, row in enumerate(rows)]
    emptied[schema.BOOKINGS].delete_many({})
    if rows:
        emptied[schema.BOOKINGS].insert_many(rows)
    if filters.get("date_from", DAYS[0]) > filters.get("date_to", date(2200, 12, 31)):
        for read in (find_bookings, count_bookings):
            with pytest.raises(InvalidRequest):
                read(emptied, **filters)
        return
    expected = expected_of(rows, filters, order)

    seen, after = [], None
    while page := find_bookings(emptied, **filters, order=order, limit=size, after=after, now=NOON):
        assert len(page) <= size
        seen += [booking.id for booking in page]
        after = page[-1]

    assert seen == [row["_id"] for row in expected]
    assert count_bookings(emptied, **filters, most=size, now=NOON) == min(len(seen), size + 1)


def copies(db, booking, count, **changes):
    """Stores copies of a booking in its own slot, after dropping the index that forbids it."""
    row = db[schema.BOOKINGS].find_one({"_id": booking.id})
    make_index_non_unique(db)
    db[schema.BOOKINGS].insert_many(
        row | changes | {"_id": f"copy-{number:04d}"} for number in range(count)
    )


@pytest.fixture
def busy_day(db):
    """Two hundred and thirty-two approved bookings that have ended at 15:00, and one tomorrow."""
    ahead = booked(db, on=DAY + timedelta(days=1))
    approve(db, ahead.id, by=HEAD, now=NOW)
    copies(db, booked(db), 232, status="Approved")
    return db, ahead.id


AFTERNOON = datetime.combine(DAY, time(15), ZoneInfo("Asia/Kolkata"))


def test_past_bookings_take_no_place_in_the_list_of_approved_ones(busy_day):
    db, ahead = busy_day

    assert [b.id for b in approved_upcoming(db, now=AFTERNOON)] == [ahead]
    assert [b.id for b in approved_upcoming(db, now=AFTERNOON, limit=1)] == [ahead]


def test_past_bookings_take_no_place_in_the_list_for_given_students(busy_day):
    db, ahead = busy_day

    found = bookings_ahead(db, ["S000", "S001"], now=AFTERNOON, limit=3)

    assert [b.id for b in found] == [ahead]


@pytest.mark.parametrize("limit", [0, 1001, True, "3"])
def test_a_list_of_upcoming_bookings_refuses_an_invalid_limit(school, limit):
    with pytest.raises(InvalidRequest) as refused:
        bookings_ahead(school[0], ["S000"], limit=limit)

    assert refused.value.field == "limit"


def test_every_request_of_a_large_school_lapses(db):
    waiting = booked(db, on=DAY, start=16)
    copies(db, booked(db), 1100)

    assert lapse_pending(db, now=AFTERNOON) == 1101
    assert [b.id for b in find_bookings(db, status=Status.PENDING)] == [waiting.id]


LONDON = ZoneInfo("Europe/London")
CHANGE = date(2026, 10, 25)  # at 02:00 the clock goes back to 01:00


@pytest.fixture
def night(make_db):
    """An approved booking from 01:00 to 01:30 in the night when the clock goes back."""
    db = make_db(time_zone="Europe/London")
    half_hour = Period("Night", time(1), time(1, 30))
    save_timetable(db, Timetable("regular", (half_hour,), tuple(range(7))))
    before = datetime(2026, 10, 24, 12, tzinfo=UTC)
    booking = booked(db, on=CHANGE, start=time(1), end=time(1, 30), now=before)
    approve(db, booking.id, by=HEAD, now=before)
    return db, booking.id


@pytest.mark.parametrize(
    ("now", "is_ahead"),
    [
        pytest.param(datetime(2026, 10, 25, 0, 15, tzinfo=UTC), True, id="01:15 the first time"),
        pytest.param(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), False, id="01:30 the first time"),
        pytest.param(datetime(2026, 10, 25, 1, 15, tzinfo=UTC), False, id="01:15 the second time"),
    ],
)
@pytest.mark.parametrize("zone", [UTC, LONDON], ids=str)
def test_in_the_repeated_hour_a_list_excludes_bookings_that_have_ended(night, now, is_ahead, zone):
    db, id = night
    now = now.astimezone(zone)

    assert [b.id for b in approved_upcoming(db, now=now)] == [id] * is_ahead
    assert [b.id for b in bookings_ahead(db, ["S000"], now=now)] == [id] * is_ahead


def test_bookings_are_filtered_by_any_spelling_of_their_class(db):
    made = []
    for n, spelling in enumerate(("8-A", "8 – a", "８-A", "8 A")):
        save_student(db, Student(f"T{n}", "T", spelling))
        made.append(booked(db, student=f"T{n}", start=9 + n, now=NOW + timedelta(minutes=n)))

    assert find_bookings(db, class_name="8 - A") == made[2::-1]
    assert find_bookings(db, class_name="8-a", after=made[2], limit=1) == [made[1]]
    assert find_bookings(db, class_name="8-a", date_from=DAY, date_to=DAY) == made[2::-1]
    assert find_bookings(db, class_name="8 a") == [made[3]]
    assert find_bookings(db, class_name="9-Z") == []


def test_a_search_finds_students_and_references(db):
    made = booked(db, student=7)
    known = load_reference(db)

    for text in (
        made.reference,
        made.reference.lower(),
        f" {made.reference} ",
        "s007",
        "student 7",
    ):
        filters = search_filters(known, text)
        assert find_bookings(db, **filters) == [made], text
        assert count_bookings(db, **filters) == 1

    assert search_filters(known, " ") == {}
    assert search_filters(known, "S007") == {"student_id": ["S007"]}
    assert find_bookings(db, **search_filters(known, "00000000")) == []
    assert search_filters(known, "nobody of this name") == {"student_id": []}
    assert find_bookings(db, student_id=[]) == []
    with pytest.raises(InvalidRequest) as refused:
        search_filters(known, "student")  # two hundred students
    assert refused.value.field == "text"


def test_a_roll_number_comes_before_a_reference_of_the_same_form(db):
    save_student(db, Student("20260001", "T", "1-A"))

    assert search_filters(load_reference(db), "20260001") == {"student_id": ["20260001"]}
