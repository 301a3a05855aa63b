"""Reads of the bookings collection. Values in, bookings out; times of day are local to the school.

Each query names its index. The planner, on a small collection, may try an index that is worse and
keep that plan when the collection has grown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date as Date
from datetime import datetime, time, timedelta
from typing import Any

from pymongo.client_session import ClientSession

from booking_core.domain.claims import claims_of
from booking_core.domain.model import Booking, Slot, Status
from booking_core.domain.records import Closure
from booking_core.storage import readable as r
from booking_core.storage.bookings.pages import MOST_SCANS, read_page
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.transactions import snapshot
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import (
    Document,
    student_ids_of,
    time_text,
    to_bookings,
    to_holders,
    to_slot,
)
from booking_core.storage.schema import schema

_DECIDED = {"$in": [status.value for status in Status if status is not Status.PENDING]}
_BY_TIME = [("date", 1), ("start", 1), ("_id", 1)]


def pending(db: Documents, limit: int) -> list[Booking]:
    """Requests that wait for a decision, by date and time."""
    # The kind excludes documents of the system that this one replaces.
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


def approved_between(db: Documents, first: Date, last: Date) -> list[Booking]:
    """The approved bookings from ``first`` to ``last``, by date and time."""
    dates = {"$gte": first.isoformat(), "$lte": last.isoformat()}
    condition = {"status": Status.APPROVED.value, "kind": "booking", "date": dates}
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(condition, sort=_BY_TIME, hint=schema.BY_DAY)
        return list(to_bookings(rows))


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
    condition = {"student_id": {"$in": ids}, **schema.HOLDS, **_ahead(today, ends_ahead)}
    # One scan for each student; of more students, all that is booked ahead is looked through.
    index = schema.BY_STUDENT if len(ids) <= MOST_SCANS else schema.BY_DAY
    return _by_time(db, condition, limit, index) if ids else []


def active_of_ground(db: Documents, ground_id: str, first: Date, limit: int) -> list[Booking]:
    """The ground's active bookings on ``first`` and later, by date and time."""
    condition = {
        **schema.HOLDS,
        "date": {"$gte": first.isoformat()},
        "ground_id": ground_id,
        "kind": "booking",
    }
    return _by_time(db, condition, limit)


def changed_since(
    db: Documents, since: datetime, limit: int, after: Booking | None = None
) -> list[Booking]:
    """The bookings that changed at ``since`` or later, the earliest change first; those behind
    ``after``."""
    condition: dict[str, Any] = {
        "status": {"$in": [status.value for status in Status]},
        "updated_at": {"$gte": since if after is None else after.updated_at},
        "kind": "booking",
    }
    if after is not None:
        behind = [{"updated_at": {"$gt": after.updated_at}}, {"_id": {"$gt": after.id}}]
        condition["$or"] = behind
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(
            condition, sort=[("updated_at", 1), ("_id", 1)], hint=schema.LATEST_CHANGE
        )
        return list(to_bookings(rows.limit(limit)))


def decided(db: Documents, limit: int) -> list[Booking]:
    """Bookings that do not wait any more, the latest change first."""
    condition = {"status": _DECIDED, "kind": "booking"}
    order = [("updated_at", -1), ("_id", -1)]
    with reachable():
        return read_page(
            lambda but: collection(db, schema.BOOKINGS).find(
                condition | but, sort=order, limit=limit, hint=schema.LATEST_CHANGE
            ),
            limit,
        )


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
        return read_page(
            lambda but: collection(db, schema.BOOKINGS).find(
                {**condition, **but}, sort=_BY_TIME, limit=limit, hint=index
            ),
            limit,
        )


def of_date(db: Documents, date: Date) -> list[Booking]:
    """The active bookings and closures of ``date`` on every ground, retired ones too."""
    condition = {"date": date.isoformat(), **schema.HOLDS}
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(condition, hint=schema.BY_DAY)
        return list(to_holders(rows))


def ever_of_dates(db: Documents, dates: Iterable[Date]) -> list[Booking]:
    """The bookings and closures that are, or were before a move, on one of ``dates``.

    In any status, and without those that cannot be read.
    """
    days = {"$in": [date.isoformat() for date in dates]}
    readings = (("date", schema.NEWEST_BY_DATE), ("history.moved_from.date", schema.MOVED_FROM))
    found: dict[str, Booking] = {}
    with reachable():
        for field, index in readings:
            rows = collection(db, schema.BOOKINGS).find({field: days}, hint=index)
            found |= {booking.id: booking for booking in to_bookings(rows)}
    return list(found.values())


def holders_of_date(db: Documents, date: Date, claim: str) -> tuple[dict[str, str], Booking | None]:
    """Each claim of ``date`` with the id of its booking or closure, and the one that has ``claim``.

    As of one moment. The latter is None where nobody has the claim; of an active booking that
    cannot be read, it is a closure, as in ``of_date``.
    """
    condition = {"date": date.isoformat(), **schema.HOLDS}
    is_holder = {"$in": [claim, {"$cond": [{"$isArray": "$claims"}, "$claims", []]}]}
    fields = {"claims": 1, "holder": {"$cond": [is_holder, "$$ROOT", None]}}
    holders: dict[str, str] = {}
    found: Document | None = None
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(condition, fields, hint=schema.BY_DAY)
        for row in rows:
            id, claims = str(row["_id"]), row.get("claims")
            if isinstance(claims, list):
                holders.update((text, id) for text in claims if isinstance(text, str))
            found = row["holder"] or found
    held = () if found is None else to_holders((found,))
    return holders, next((booking for booking in held if claim in claims_of(booking)), None)


def of_dates(db: Documents, dates: Iterable[Date]) -> dict[Date, list[Booking]]:
    """As ``of_date``, for each of ``dates``, in one query."""
    found: dict[Date, list[Booking]] = {date: [] for date in dates}
    condition = {"date": {"$in": [date.isoformat() for date in found]}, **schema.HOLDS}
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(condition, hint=schema.BY_DAY)
        for booking in to_holders(rows):
            found[booking.date].append(booking)
    return found


def of_series(db: Documents, series_id: str, session: ClientSession | None = None) -> list[Booking]:
    """The bookings of a series in any status, by date; as of one moment without a ``session`` too.

    Otherwise a series that is moved meanwhile could be read with half of its dates moved.
    """
    if session is None:
        return snapshot(db, lambda session: of_series(db, series_id, session))
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(
            {"series": series_id}, hint=schema.BY_SERIES, session=session
        )
        return sorted(to_bookings(rows), key=lambda b: (b.date, b.start, b.id))


def pending_of_series(db: Documents, series_ids: Iterable[str]) -> list[Booking]:
    """The requests of these series that wait for a decision, by date and time."""
    ids = sorted(series_ids)
    if not ids:
        return []
    condition = {"series": {"$in": ids}, "status": Status.PENDING.value}
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(condition, hint=schema.BY_SERIES)
        return sorted(to_bookings(rows), key=lambda b: (b.date, b.start, b.id))


def last_dates_of_series(db: Documents, series_ids: Iterable[str], first: Date) -> dict[str, Date]:
    """The last active date of those of these series that have one on ``first`` or later."""
    condition = {
        "series": {"$in": sorted(series_ids)},
        "date": {"$gte": first.isoformat()},
        **schema.HOLDS,
    }
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(
            condition, {"series": 1, "date": 1}, sort=[("date", 1)], hint=schema.BY_SERIES
        )
        return dict(
            r.readable(
                schema.BOOKINGS, lambda row: (r.text(row, "series"), r.date(row, "date")), rows
            )
        )


def last_active_date(db: Documents, session: ClientSession | None = None) -> str | None:
    """The last date (ISO) with an active booking or closure; None without any."""
    rows = collection(db, schema.BOOKINGS).find(
        {**schema.HOLDS},
        {"date": 1},
        sort=[(field, -1) for field, _ in _BY_TIME],
        hint=schema.BY_DAY,
        batch_size=2,
        session=session,
    )
    with rows:
        dates = r.readable(schema.BOOKINGS, lambda row: r.date(row, "date").isoformat(), rows)
        return next(dates, None)


def held_from(db: Documents, first: Date) -> list[tuple[str, Slot, tuple[str, ...]]]:
    """(id, slot, student ids) of every active booking of ``first`` and later, by date and time."""
    condition = {**schema.HOLDS, "date": {"$gte": first.isoformat()}, "kind": "booking"}
    fields = dict.fromkeys(("ground_id", "date", "start", "end", "student_id"), 1)
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(
            condition, fields, sort=_BY_TIME, hint=schema.BY_DAY
        )
        return list(r.readable(schema.BOOKINGS, _held, rows))


def _held(row: Document) -> tuple[str, Slot, tuple[str, ...]]:
    return r.text(row, "_id"), to_slot(row), student_ids_of(row)


def surfaces_from(db: Documents, first: Date) -> list[tuple[str, str, tuple[str, ...]]]:
    """(id, ground id, surfaces) of every active booking of ``first`` and later. Reads them all."""
    condition = {**schema.HOLDS, "date": {"$gte": first.isoformat()}, "kind": "booking"}
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(
            condition, dict.fromkeys(("ground_id", "surfaces"), 1), hint=schema.BY_DAY
        )
        return list(r.readable(schema.BOOKINGS, _on_surfaces, rows))


def _on_surfaces(row: Document) -> tuple[str, str, tuple[str, ...]]:
    ground_id = r.text(row, "ground_id")
    surfaces = r.texts(row, "surfaces") if "surfaces" in row else (ground_id,)
    return r.text(row, "_id"), ground_id, surfaces


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
            **schema.HOLDS,
        }
        for student_id, monday in wanted
    ]
    with reachable():
        rows = collection(db, schema.BOOKINGS).find({"$or": weeks}, hint=schema.BY_STUDENT)
        for booking in to_bookings(rows):
            monday = booking.date - timedelta(booking.date.weekday())
            for student_id in booking.student_ids:
                if (student_id, monday) in found:
                    found[(student_id, monday)].append(booking)
    for bookings in found.values():
        bookings.sort(key=lambda b: (b.date, b.start))
    return found


def of_ids(
    db: Documents, ids: Iterable[str], session: ClientSession | None = None
) -> list[Booking]:
    """The bookings of ``ids``, by date and time."""
    with reachable():
        rows = collection(db, schema.BOOKINGS).find({"_id": {"$in": list(ids)}}, session=session)
        return sorted(to_bookings(rows), key=lambda b: (b.date, b.start, b.ground_id, b.id))


def stored_ids(db: Documents, ids: Sequence[str]) -> set[str]:
    """Which of ``ids`` are taken."""
    with reachable():
        rows = collection(db, schema.BOOKINGS).find({"_id": {"$in": list(ids)}}, {"_id": 1})
        return {row["_id"] for row in rows}


def holders(
    db: Documents, claims: Iterable[str], session: ClientSession | None = None
) -> list[Booking]:
    """The active bookings and closures that hold one of ``claims``."""
    condition = {"claims": {"$in": sorted(set(claims))}, **schema.HOLDS}
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(
            condition, hint=schema.ONE_HOLDER_PER_CLAIM, session=session
        )
        return list({booking.id: booking for booking in to_bookings(rows)}.values())


def closings(db: Documents, first: Date, limit: int) -> list[Closure]:
    """The closings that are not lifted and end on ``first`` or later, by first day.

    The times are those of the closing's last day: the first may have been under way.
    """
    pipeline: list[dict[str, Any]] = [
        {
            "$match": {
                "status": Status.APPROVED.value,
                "date": {"$gte": first.isoformat()},
                "kind": "closure",
                **schema.VALIDATORS[schema.BOOKINGS],  # what it refuses cannot be read
            }
        },
        {
            "$group": {
                "_id": {"group": {"$ifNull": ["$closure_group", "$_id"]}, "date": "$date"},
                "start": {"$min": "$start"},
                "starts": {"$addToSet": "$start"},
                "end": {"$max": {"$cond": [{"$eq": ["$end", "00:00"]}, "24:00", "$end"]}},
                "ends": {"$addToSet": "$end"},
                "ground_ids": {"$addToSet": "$ground_id"},
                "reason": {"$first": "$purpose"},
                "by_name": {"$first": "$created_by_name"},
                "at": {"$first": "$created_at"},
            }
        },
        {"$sort": {"_id.date": 1}},
        {
            "$group": {
                "_id": "$_id.group",
                "first": {"$first": "$_id.date"},
                "last": {"$last": "$_id.date"},
                "start": {"$last": "$start"},
                "end": {"$last": "$end"},
                "ground_ids": {"$push": "$ground_ids"},
                "reason": {"$first": "$reason"},
                "by_name": {"$first": "$by_name"},
                "at": {"$first": "$at"},
                "days": {"$sum": 1},
                "parts": {"$max": {"$max": [{"$size": "$starts"}, {"$size": "$ends"}]}},
            }
        },
        {"$sort": {"first": 1, "start": 1, "_id": 1}},
        {"$limit": limit},
    ]
    with reachable():
        rows = collection(db, schema.BOOKINGS).aggregate(pipeline, hint=schema.BY_DAY)
        return list(r.readable(schema.BOOKINGS, _closing, rows))


def _closing(row: Document) -> Closure:
    return Closure(
        row["_id"],
        tuple(sorted({id for ids in row["ground_ids"] for id in ids})),
        r.date(row, "first"),
        r.date(row, "last"),
        r.time_of_day(row, "start"),
        r.time_of_day(row | {"end": "00:00"} if row["end"] == "24:00" else row, "end"),
        r.text(row, "reason"),
        r.text(row, "by_name"),
        r.moment(row, "at"),
        row["days"],
        row["parts"] > 1,
    )
