"""The pages of the Bookings screen: newest first, by any filters, at any depth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date as Date
from datetime import timedelta
from heapq import nlargest
from typing import Any

from pymongo.collection import Collection

from booking_core.domain.labels import label_key
from booking_core.domain.model import Booking, Status
from booking_core.storage import readable as r
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import Document, to_bookings
from booking_core.storage.schema import schema

_NEWEST_FIRST = [("created_at", -1), ("_id", -1)]
# The server merges at most 200 index scans into one sorted result; beyond that it sorts in memory.
MOST_SCANS = 180
_WINDOW = 31  # days; by default, bookings are made at most 30 days ahead


def read_page(find: Callable[[Document], Iterable[Document]], limit: int) -> list[Booking]:
    """The bookings that ``find`` finds, at most ``limit``; it takes a condition beside its own.

    Documents that cannot be read take no place on the page.
    """
    left_out: list[Any] = []
    while True:
        rows = list(find({"_id": {"$nin": left_out}} if left_out else {}))
        found = list(to_bookings(rows))
        if len(found) == len(rows) or len(rows) < limit:
            return found
        ids = {booking.id for booking in found}
        left_out += [row["_id"] for row in rows if str(row["_id"]) not in ids]


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

    ``first`` and ``last`` are inclusive; ``class_name`` may be any spelling of the class. Raises
    StoreUnavailable.
    """
    filters = {"ground_id": ground_id, "student_id": student_id, "created_by": created_by}
    condition: dict[str, Any] = {key: value for key, value in filters.items() if value is not None}
    if class_name is not None:
        condition["class_name"] = {"$in": _spellings(db, class_name)}
    condition["kind"] = {"$in": ["booking", "closure"] if kind is None else [kind]}
    if statuses is not None:
        condition["status"] = {"$in": [status.value for status in statuses]}
    # What has another type cannot be read, nor compared.
    condition["created_at"] = {"$type": "date"}
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
    of_days = in_range and named not in schema.FILTERS_WITH_DATES
    if in_range and not of_days:
        condition["date"] = _range(first, last)

    def find(but: Document) -> list[Document]:
        if of_days:
            return _newest_of_days(bookings, condition | but, first, last, after, limit)
        return _newest(bookings, condition | but, limit, f"newest_by_{named}")

    with reachable():
        return read_page(find, limit)


def _spellings(db: Documents, class_name: str) -> list[str]:
    """All spellings of a class that bookings have; the server needs one seek for each class."""
    # With the order of the whole index, and the first of each group, the server reads no more.
    pipeline: list[dict[str, Any]] = [
        {"$sort": {"class_name": 1, **dict(_NEWEST_FIRST)}},
        {"$group": {"_id": "$class_name", "newest": {"$first": "$created_at"}}},
    ]
    with reachable():
        rows = collection(db, schema.BOOKINGS).aggregate(pipeline, hint="newest_by_class_name")
        key = label_key(class_name)
        names = [row["_id"] for row in rows if isinstance(row["_id"], str)]
        return [name for name in names if label_key(name) == key]


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
    read from that many days first. Another day matters only if it has a booking that is newer
    than the last one of the page. The server finds these days by one seek for each, in the index.
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
        days = sorted(_days_with(bookings, condition, first, rest) - seen)[-MOST_SCANS:]
        if not days:
            return found


def _last_day(bookings: Collection[Document]) -> Date | None:
    """The date of the last booking; None where there is none."""
    rows = bookings.find(
        {}, {"_id": 0, "date": 1}, sort=[("date", -1)], hint=schema.NEWEST_BY_DATE, batch_size=2
    )
    with rows:
        dates = r.readable(schema.BOOKINGS, lambda row: r.date(row, "date"), rows)
        return next(dates, None)


def _days_with(
    bookings: Collection[Document],
    condition: Mapping[str, Any],
    first: Date | None,
    last: Date | None,
) -> set[str]:
    """The dates (ISO) with a booking or closure that was made when ``condition`` says.

    Other fields of ``condition`` are ignored, so that the server needs one seek for each day.
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
