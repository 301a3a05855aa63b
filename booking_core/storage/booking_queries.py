"""Reads of the bookings collection. Values in, bookings out; times of day are local to the school.

Each query names its index. The planner, on a small collection, may try an index that is worse and
keep that plan when the collection has grown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date as Date
from datetime import time, timedelta
from heapq import nlargest
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from booking_core.domain.model import ACTIVE, Booking, Status
from booking_core.storage import schema
from booking_core.storage.database import Documents, collection, reachable
from booking_core.storage.documents import Document, time_text, to_booking

_ACTIVE = {"$in": [status.value for status in ACTIVE]}
_DECIDED = {"$in": [status.value for status in Status if status is not Status.PENDING]}
_BY_TIME = [("date", 1), ("start", 1), ("_id", 1)]
_NEWEST_FIRST = [("created_at", -1), ("_id", -1)]
# The server merges at most 200 index scans into one sorted result; beyond that it sorts in memory.
_SCANS = 180
_WINDOW = 31  # days; by default, bookings are made at most 30 days ahead


def page(
    db: Documents,
    *,
    first: Date | None = None,
    last: Date | None = None,
    ground_id: str | None = None,
    statuses: Sequence[Status] | None = None,
    student_id: str | None = None,
    class_name: str | None = None,
    created_by: str | None = None,
    kind: str | None = None,
    after: Booking | None = None,
    limit: int,
) -> list[Booking]:
    """Bookings and closures newest first, at most ``limit``; those behind ``after`` where given.

    ``first`` and ``last`` are inclusive. Raises StoreUnavailable.
    """
    filters = {
        "ground_id": ground_id,
        "student_id": student_id,
        "class_name": class_name,
        "created_by": created_by,
    }
    condition: dict[str, Any] = {key: value for key, value in filters.items() if value is not None}
    condition["kind"] = {"$in": ["booking", "closure"] if kind is None else [kind]}
    if statuses is not None:
        condition["status"] = {"$in": [status.value for status in statuses]}
    if after is not None:
        # The first half is implied by the second; it is there for the index's bounds.
        condition["created_at"] = {"$lte": after.created_at}
        condition["$or"] = [
            {"created_at": {"$lt": after.created_at}},
            {"created_at": after.created_at, "_id": {"$lt": after.id}},
        ]
    named = next(name for name in schema.FILTERS if name in condition)
    in_range = first is not None or last is not None
    bookings = collection(db, schema.BOOKINGS)
    with reachable():
        if in_range and named not in schema.FILTERS_WITH_DATES:
            rows = _newest_of_days(bookings, condition, first, last, after, limit)
        else:
            if in_range:
                condition["date"] = _range(first, last)
            rows = _newest(bookings, condition, limit, f"newest_by_{named}")
        return [to_booking(row) for row in rows]


def _newest(
    bookings: Collection[Document], condition: Mapping[str, Any], limit: int, index: str
) -> list[Document]:
    rows = bookings.find(condition, sort=_NEWEST_FIRST, limit=limit, hint=index)
    return list(rows.batch_size(limit))


def _newest_of_days(
    bookings: Collection[Document],
    condition: Mapping[str, Any],
    first: Date | None,
    last: Date | None,
    after: Booking | None,
    limit: int,
) -> list[Document]:
    """The newest of those on ``first`` to ``last``, by the index of dates.

    A range of dates loses the order of the index; a list of dates keeps it, because the server
    merges one scan for each. Few bookings are made more than _WINDOW days ahead, so the page is
    read from that many days first. Other days matter only if they have a booking that is newer
    than the last one of the page: one look at each day, without reading a booking, tells.
    """
    last = last or _last_day(bookings)
    if last is None:
        return []
    end = last
    if after is not None:
        end = min(end, after.created_at.date() + timedelta(days=_WINDOW))
    begin = max(end - timedelta(days=_WINDOW - 1), first or Date.min)
    rest = last if end < last else begin - timedelta(days=1)
    days = [(begin + timedelta(days=n)).isoformat() for n in range((end - begin).days + 1)]
    seen: set[str] = set()
    found: list[Document] = []
    while True:
        part = {**condition, "date": {"$in": days}}
        found += _newest(bookings, part, limit, schema.NEWEST_BY_DATE)
        found = nlargest(limit, found, key=lambda row: (row["created_at"], row["_id"]))
        if first is not None and first > rest:
            return found
        if len(found) == limit:
            newer = {"$gte": found[-1]["created_at"]}
            condition = {**condition, "created_at": {**condition.get("created_at", {}), **newer}}
        seen.update(days)
        days = sorted(_days_with(bookings, condition, first, rest) - seen)[-_SCANS:]
        if not days:
            return found


def _last_day(bookings: Collection[Document]) -> Date | None:
    """The date of the last booking; None where there is none."""
    row = bookings.find_one(
        {}, {"_id": 0, "date": 1}, sort=[("date", -1)], hint=schema.NEWEST_BY_DATE
    )
    return None if row is None else Date.fromisoformat(row["date"])


def _days_with(
    bookings: Collection[Document],
    condition: Mapping[str, Any],
    first: Date | None,
    last: Date | None,
) -> set[str]:
    """The dates (ISO) with a booking or closure that was made when ``condition`` says.

    Its other fields are left aside: so the server looks into the index once for each day.
    """
    match: dict[str, Any] = {"date": _range(first, last)}
    if "created_at" in condition:
        match["created_at"] = condition["created_at"]
    pipeline: list[dict[str, Any]] = [
        {"$match": match},
        {"$sort": {"date": 1, **dict(_NEWEST_FIRST)}},
        {"$group": {"_id": "$date", "newest": {"$first": "$created_at"}}},
    ]
    return {row["_id"] for row in bookings.aggregate(pipeline, hint=schema.NEWEST_BY_DATE)}


def _range(first: Date | None, last: Date | None) -> dict[str, str]:
    ends = {"$gte": first, "$lte": last}
    return {operator: date.isoformat() for operator, date in ends.items() if date is not None}


def pending(db: Documents, limit: int) -> list[Booking]:
    """Requests that wait for a decision, by date and time."""
    # The kind leaves out what the system before this one may have left in the collection.
    condition = {"status": Status.PENDING.value, "kind": "booking"}
    return _by_time(db, condition, limit)


def pending_over(
    db: Documents,
    *,
    today: Date,
    ends_ahead: Iterable[time],
    after: Booking | None = None,
    limit: int,
) -> list[Booking]:
    """Requests that wait although their slot has ended, by date and time; those behind ``after``.

    ``ends_ahead`` are the times of day at which a slot of ``today`` ends after this moment.
    """
    day = today.isoformat()
    bounds = {"$lte": day}
    wanted: list[dict[str, Any]] = [
        {"$or": [{"date": {"$lt": day}}, {"date": day, "end": {"$nin": _texts(ends_ahead)}}]}
    ]
    if after is not None:
        date, start = after.date.isoformat(), time_text(after.start)
        bounds["$gte"] = date
        behind = [
            {"date": {"$gt": date}},
            {"date": date, "start": {"$gt": start}},
            {"date": date, "start": start, "_id": {"$gt": after.id}},
        ]
        wanted.append({"$or": behind})
    condition = {"status": Status.PENDING.value, "kind": "booking", "date": bounds, "$and": wanted}
    return _by_time(db, condition, limit)


def approved_ahead(
    db: Documents, *, today: Date, ends_ahead: Iterable[time], limit: int
) -> list[Booking]:
    """Approved bookings that are not over, by date and time; ``ends_ahead`` as in pending_over."""
    condition = {"status": Status.APPROVED.value, "kind": "booking", **_ahead(today, ends_ahead)}
    return _by_time(db, condition, limit)


def active_ahead(
    db: Documents,
    student_ids: Iterable[str],
    *,
    today: Date,
    ends_ahead: Iterable[time],
    limit: int,
) -> list[Booking]:
    """The students' active bookings that are not over, by date and time."""
    ids = sorted(student_ids)
    condition = {"student_id": {"$in": ids}, "status": _ACTIVE, **_ahead(today, ends_ahead)}
    # One scan for each student; of more students, all that is booked ahead is looked through.
    index = schema.BY_STUDENT if len(ids) <= _SCANS else schema.BY_DAY
    return _by_time(db, condition, limit, index) if ids else []


def active_of_ground(db: Documents, ground_id: str, first: Date, limit: int) -> list[Booking]:
    """The ground's active bookings on ``first`` and later, by date and time."""
    condition = {
        "status": _ACTIVE,
        "date": {"$gte": first.isoformat()},
        "ground_id": ground_id,
        "kind": "booking",
    }
    return _by_time(db, condition, limit)


def decided(db: Documents, limit: int) -> list[Booking]:
    """Bookings that do not wait any more, the latest change first."""
    condition = {"status": _DECIDED, "kind": "booking"}
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(
            condition,
            sort=[("updated_at", -1), ("_id", -1)],
            limit=limit,
            hint=schema.LATEST_CHANGE,
        )
        return [to_booking(row) for row in rows]


def _ahead(today: Date, ends_ahead: Iterable[time]) -> dict[str, Any]:
    day = today.isoformat()
    # The date is there for the index's bounds.
    return {
        "date": {"$gte": day},
        "$or": [{"date": {"$gt": day}}, {"date": day, "end": {"$in": _texts(ends_ahead)}}],
    }


def _texts(times: Iterable[time]) -> list[str]:
    return [time_text(value) for value in times]


def _by_time(
    db: Documents, condition: Mapping[str, Any], limit: int, index: str = schema.BY_DAY
) -> list[Booking]:
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(
            condition, sort=_BY_TIME, limit=limit, hint=index
        )
        return [to_booking(row) for row in rows]


def of_day(db: Documents, date: Date, ground_ids: Sequence[str]) -> list[Booking]:
    """The active bookings and closures of ``date`` on these grounds, in no order."""
    condition = {
        "status": _ACTIVE,
        "date": date.isoformat(),
        "ground_id": {"$in": list(ground_ids)},
    }
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(condition, hint=schema.BY_DAY)
        return [to_booking(row) for row in rows]


def of_date(db: Documents, date: Date) -> list[Booking]:
    """The active bookings and closures of ``date`` on every ground, retired ones too."""
    condition = {"date": date.isoformat(), "status": _ACTIVE}
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(condition, hint=schema.BY_DAY)
        return [to_booking(row) for row in rows]


def last_active_date(db: Documents, session: ClientSession) -> str | None:
    """The last date (ISO) with an active booking or closure; None without any."""
    found = collection(db, schema.BOOKINGS).find_one(
        {"status": _ACTIVE},
        {"date": 1},
        sort=[(field, -1) for field, _ in _BY_TIME],
        hint=schema.BY_DAY,
        session=session,
    )
    return None if found is None else str(found["date"])


def spans_from(db: Documents, first: Date) -> list[tuple[str, Date, time, time]]:
    """(id, date, start, end) of every active booking of ``first`` and later, by date and time."""
    condition = {"status": _ACTIVE, "date": {"$gte": first.isoformat()}, "kind": "booking"}
    fields = {"date": 1, "start": 1, "end": 1}
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(
            condition, fields, sort=_BY_TIME, hint=schema.BY_DAY
        )
        return [
            (
                str(row["_id"]),
                Date.fromisoformat(row["date"]),
                time.fromisoformat(row["start"]),
                time.fromisoformat(row["end"]),
            )
            for row in rows
        ]


def of_weeks(
    db: Documents, pairs: Iterable[tuple[str, Date]]
) -> dict[tuple[str, Date], list[Booking]]:
    """The active bookings of each (student, Monday of a week), in one query, by date and time."""
    wanted = list(dict.fromkeys(pairs))
    found: dict[tuple[str, Date], list[Booking]] = {pair: [] for pair in wanted}
    if not wanted:
        return found
    weeks = [
        {
            "student_id": student_id,
            "date": {"$gte": monday.isoformat(), "$lt": (monday + timedelta(7)).isoformat()},
            "status": _ACTIVE,
        }
        for student_id, monday in wanted
    ]
    with reachable():
        rows = collection(db, schema.BOOKINGS).find({"$or": weeks}, hint=schema.BY_STUDENT)
        for booking in map(to_booking, rows):
            monday = booking.date - timedelta(booking.date.weekday())
            found[(str(booking.student_id), monday)].append(booking)
    for bookings in found.values():
        bookings.sort(key=lambda b: (b.date, b.start))
    return found


def of_ids(db: Documents, ids: Iterable[str]) -> list[Booking]:
    """The bookings of ``ids``, by date and time."""
    with reachable():
        rows = collection(db, schema.BOOKINGS).find({"_id": {"$in": list(ids)}})
        return sorted(map(to_booking, rows), key=lambda b: (b.date, b.start, b.ground_id, b.id))


def stored_ids(db: Documents, ids: Sequence[str]) -> set[str]:
    """Which of ``ids`` are taken."""
    with reachable():
        rows = collection(db, schema.BOOKINGS).find({"_id": {"$in": list(ids)}}, {"_id": 1})
        return {row["_id"] for row in rows}


def active_on_days(
    db: Documents, grounds: Iterable[tuple[str, Date]], students: Iterable[tuple[str, Date]]
) -> list[Booking]:
    """The active bookings and closures of each (ground id, date) and each (student id, date)."""
    wanted = [
        *_days_of("ground_id", grounds),
        *_days_of("student_id", students),
    ]
    if not wanted:
        return []
    with reachable():
        return [to_booking(row) for row in collection(db, schema.BOOKINGS).find({"$or": wanted})]


def _days_of(key: str, pairs: Iterable[tuple[str, Date]]) -> list[dict[str, Any]]:
    ids: defaultdict[str, set[str]] = defaultdict(set)
    for value, date in pairs:
        ids[date.isoformat()].add(value)
    return [
        {key: {"$in": sorted(values)}, "date": date, "status": _ACTIVE}
        for date, values in ids.items()
    ]


def closure_groups(db: Documents, first: Date, limit: int) -> list[Document]:
    """The closings that are not lifted and end on ``first`` or later, by first day; a row each.

    ``start`` and ``end`` are those of the closing's last day: the first may have been under way.
    """
    pipeline: list[dict[str, Any]] = [
        {
            "$match": {
                "status": Status.APPROVED.value,
                "date": {"$gte": first.isoformat()},
                "kind": "closure",
            }
        },
        {"$sort": dict(_BY_TIME)},
        {
            "$group": {
                "_id": {"$ifNull": ["$closure_group", "$_id"]},
                "first": {"$first": "$date"},
                "last": {"$last": "$date"},
                "start": {"$last": "$start"},
                "end": {"$last": "$end"},
                "ground_ids": {"$addToSet": "$ground_id"},
                "reason": {"$first": "$purpose"},
                "by_name": {"$first": "$created_by_name"},
                "at": {"$first": "$created_at"},
            }
        },
        {"$sort": {"first": 1, "start": 1, "_id": 1}},
        {"$limit": limit},
    ]
    with reachable():
        return list(collection(db, schema.BOOKINGS).aggregate(pipeline, hint=schema.BY_DAY))
