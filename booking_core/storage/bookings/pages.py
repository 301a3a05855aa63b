"""The pages of the Bookings screen: by any filters, in any order of it, at any depth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import time, timedelta
from heapq import nlargest
from typing import Any, Literal

from pymongo.collection import Collection

from booking_core.domain.labels import label_key
from booking_core.domain.model import Booking, Status
from booking_core.storage import readable as r
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import Document, time_text, to_bookings
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


Order = Literal["asked", "soonest", "latest"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """Conditions on bookings and closures; those that are None do not filter.

    ``first`` and ``last`` are inclusive; ``class_name`` may be any spelling of the class.
    ``id_start`` is how the id of a booking begins. ``is_ahead``: whether the slot ends after this
    moment; ``today`` and ``ends_ahead`` are then needed: the day of this moment, and the times of
    day at which a slot of it ends after this moment.
    """

    first: Date | None = None
    last: Date | None = None
    ground_id: str | None = None
    statuses: Sequence[Status] | None = None
    student_ids: Sequence[str] | None = None
    class_name: str | None = None
    created_by: str | None = None
    id_start: str | None = None
    kind: str | None = None
    is_ahead: bool | None = None
    today: Date | None = None
    ends_ahead: Iterable[time] = ()

    def days(self) -> tuple[Date | None, Date | None]:
        """The first and the last day of ``first``, ``last`` and ``is_ahead`` together."""
        first, last = self.first, self.last
        if self.is_ahead is not None and self.today is not None:
            if self.is_ahead:
                first = self.today if first is None else max(first, self.today)
            else:
                last = self.today if last is None else min(last, self.today)
        return first, last


def page(
    db: Documents, filters: Filters, *, order: Order, after: Booking | None = None, limit: int
) -> list[Booking]:
    """Bookings and closures that ``filters`` let pass, at most ``limit``.

    In order they are behind ``after`` where given. "asked": the newest first; "soonest" and
    "latest": by date and time, upwards or downwards. Raises StoreUnavailable.
    """
    find = _by_age if order == "asked" else _by_time
    condition = _condition(db, filters)
    with reachable():
        return read_page(lambda but: find(db, filters, condition | but, order, after, limit), limit)


def count(db: Documents, filters: Filters, most: int) -> int:
    """How many bookings and closures ``filters`` let pass; ``most`` + 1 for more than ``most``."""
    condition = _condition(db, filters) | _on(filters)
    pipeline: list[dict[str, Any]] = [
        # What the validator refuses cannot be read.
        {"$match": condition | schema.VALIDATORS[schema.BOOKINGS]},
        {"$limit": most + 1},
        {"$group": {"_id": None, "found": {"$sum": 1}}},
    ]
    with reachable():
        rows = collection(db, schema.BOOKINGS).aggregate(pipeline, hint=_index_by_time(filters))
        return sum(row["found"] for row in rows)


def _condition(db: Documents, filters: Filters) -> dict[str, Any]:
    """The condition of ``filters``, without the days."""
    equal = {"ground_id": filters.ground_id, "created_by": filters.created_by}
    condition: dict[str, Any] = {key: value for key, value in equal.items() if value is not None}
    if filters.student_ids is not None:
        condition["student_id"] = {"$in": sorted(filters.student_ids)}
    if filters.class_name is not None:
        condition["class_name"] = {"$in": _spellings(db, filters.class_name)}
    condition["kind"] = {"$in": ["booking", "closure"] if filters.kind is None else [filters.kind]}
    if filters.statuses is not None:
        condition["status"] = {"$in": [status.value for status in filters.statuses]}
    conditions: list[dict[str, Any]] = []
    if filters.id_start is not None:
        # The beginning of the id, which every other text with this beginning follows.
        start = filters.id_start
        conditions.append({"_id": {"$gte": start, "$lt": f"{start}\U0010ffff"}})
    if filters.is_ahead is not None and filters.today is not None:
        ends = [time_text(end) for end in filters.ends_ahead]
        # Not written with $or, for which the server would read the index twice.
        other_side = {"$nin" if filters.is_ahead else "$in": ends}
        conditions.append({"$nor": [{"date": filters.today.isoformat(), "end": other_side}]})
    if conditions:
        condition["$and"] = conditions
    return condition


def _on(filters: Filters) -> dict[str, Any]:
    first, last = filters.days()
    return {} if first is None and last is None else {"date": _range(first, last)}


def _index_by_time(filters: Filters) -> str:
    """The index in which the filters have their bookings by date and time."""
    if filters.id_start is not None:
        return schema.BY_ID
    if filters.student_ids is not None:
        return schema.BY_STUDENT
    named = {
        "class_name": filters.class_name,
        "created_by": filters.created_by,
        "ground_id": filters.ground_id,
    }
    return next((f"by_{name}" for name, value in named.items() if value is not None), schema.BY_DAY)


def _by_time(
    db: Documents,
    filters: Filters,
    condition: dict[str, Any],
    order: Order,
    after: Booking | None,
    limit: int,
) -> list[Document]:
    upwards = order == "soonest"
    if _index_by_time(filters) == schema.BY_DAY:
        # The index begins with the status; the server merges one scan for each.
        condition.setdefault("status", {"$in": [status.value for status in Status]})
    condition |= _on(filters)
    if after is not None:
        date, start = after.date.isoformat(), time_text(after.start)
        beyond, bound = ("$gt", "$gte") if upwards else ("$lt", "$lte")
        # For the bounds of the index; the alternatives imply it.
        condition["date"] = condition.get("date", {}) | {bound: date}
        condition["$or"] = [
            {"date": {beyond: date}},
            {"date": date, "start": {beyond: start}},
            {"date": date, "start": start, "_id": {beyond: after.id}},
        ]
    rows = collection(db, schema.BOOKINGS).find(
        condition,
        sort=[(field, 1 if upwards else -1) for field in ("date", "start", "_id")],
        limit=limit,
        hint=_index_by_time(filters),
    )
    return list(rows.batch_size(limit))


def _by_age(
    db: Documents,
    filters: Filters,
    condition: dict[str, Any],
    order: Order,
    after: Booking | None,
    limit: int,
) -> list[Document]:
    # What has another type cannot be read, nor compared.
    condition["created_at"] = {"$type": "date"}
    if after is not None:
        # The first half is implied by the second; it is there for the index's bounds.
        condition["created_at"] = {"$lte": after.created_at}
        condition["$or"] = [
            {"created_at": {"$lt": after.created_at}},
            {"created_at": after.created_at, "_id": {"$lt": after.id}},
        ]
    bookings = collection(db, schema.BOOKINGS)
    if filters.id_start is not None:
        return _newest(bookings, condition | _on(filters), limit, schema.BY_ID)
    named = next(name for name in schema.FILTERS if name in condition)
    first, last = filters.days()
    if named in schema.FILTERS_WITH_DATES or (first is None and last is None):
        return _newest(bookings, condition | _on(filters), limit, f"newest_by_{named}")
    if first is not None and last is not None and first > last:
        return []
    return _newest_of_days(bookings, condition, first, last, after, limit)


def _spellings(db: Documents, class_name: str) -> list[str]:
    """All spellings of a class that bookings have; the server needs one seek for each class."""
    key = label_key(class_name)
    with reachable():
        names = collection(db, schema.BOOKINGS).distinct("class_name")
    return [name for name in names if isinstance(name, str) and label_key(name) == key]


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
