"""Counts requests by what became of them, and how long that took, on the server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date as Date
from typing import Any

from booking_core.domain.model import Status
from booking_core.storage import readable as r
from booking_core.storage.bookings.usage import DEADLINE_SECONDS, between
from booking_core.storage.client.database import Documents, collection, settings_of
from booking_core.storage.client.verbs import reachable
from booking_core.storage.schema import schema

_ALL = {"$in": [status.value for status in Status]}
_MINUTE = 60_000  # milliseconds


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    """``count`` bookings of one status whose request came ``days_ahead`` of the day of the slot."""

    status: Status
    days_ahead: int
    count: int


@dataclass(frozen=True, slots=True)
class DecisionCount:
    """``count`` requests of one status that were first answered ``minutes`` after they were made.

    ``minutes`` None: nobody answered, or they were approved as they were made. ``reason`` is that
    of a rejection. ``by_closure``: a closure revoked the booking. ``is_late``: it was cancelled
    less than 24 hours before its start, by no correction.
    """

    status: Status
    minutes: int | None
    reason: str
    by_closure: bool
    is_late: bool
    count: int


def _match(
    first: Date, last: Date, ground_id: str | None, created_by: str | None, index: str
) -> tuple[dict[str, Any], str]:
    """The condition of the bookings, and the index that answers it: with an author, theirs."""
    found: dict[str, Any] = {"date": between(first, last), "kind": "booking", "status": _ALL}
    if ground_id is not None:
        found["ground_id"] = ground_id
    if created_by is not None:
        found["created_by"] = created_by
    return found, index if created_by is None else schema.BY_AUTHOR


def outcome_counts(
    db: Documents, first: Date, last: Date, ground_id: str | None, created_by: str | None
) -> Iterator[OutcomeCount]:
    """The bookings of ``first`` to ``last`` by status and by how far ahead they were requested.

    Raises StoreUnavailable.
    """
    condition, index = _match(first, last, ground_id, created_by, schema.NEWEST_BY_DATE)
    zone = settings_of(db).zone.key
    day = {"$dateFromString": {"dateString": "$date", "timezone": zone, "onError": None}}
    ahead = {
        "$dateDiff": {"startDate": "$created_at", "endDate": day, "unit": "day", "timezone": zone}
    }
    key = {"status": "$status", "days": ahead}
    return r.readable(schema.BOOKINGS, _outcome, _groups(db, condition, key, index))


def decision_counts(
    db: Documents, first: Date, last: Date, ground_id: str | None, created_by: str | None
) -> Iterator[DecisionCount]:
    """The bookings of ``first`` to ``last`` by the answer to their request.

    Raises StoreUnavailable.
    """
    condition, index = _match(first, last, ground_id, created_by, schema.BY_DAY)
    zone = settings_of(db).zone.key
    starts_at = {
        "$dateFromString": {
            "dateString": {"$concat": ["$date", "T", "$start"]},
            "timezone": zone,
            "onError": None,
        }
    }
    rejected = _entry("last", ["rejected"])
    revoked = _entry("last", ["revoked", "displaced"])
    cancelled = _entry("last", ["cancelled"])
    before_start = {"$subtract": [starts_at, "$$entry.at"]}
    is_late = {
        "$and": [
            {"$lt": [before_start, 24 * 60 * _MINUTE]},
            {"$ne": ["$$entry.correction", True]},
        ]
    }
    key = {
        "status": "$status",
        "minutes": _minutes_to_answer(),
        "reason": _of(Status.REJECTED, rejected, {"$ifNull": ["$$entry.reason", ""]}, ""),
        "by_closure": _of(Status.REVOKED, revoked, {"$eq": ["$$entry.action", "displaced"]}, False),
        "is_late": _of(Status.CANCELLED, cancelled, is_late, False),
    }
    return r.readable(schema.BOOKINGS, _decision, _groups(db, condition, key, index))


def _minutes_to_answer() -> dict[str, Any]:
    """Whole minutes from the request to the first answer; None without one.

    The second entry of most histories is the answer; the others are searched.
    """
    answers = ["approved", "rejected"]
    second = {"$arrayElemAt": ["$history", 1]}
    searched = {"$let": {"vars": {"entry": _entry("first", answers)}, "in": "$$entry.at"}}
    answered_at = {
        "$let": {
            "vars": {"entry": second},
            "in": {"$cond": [{"$in": ["$$entry.action", answers]}, "$$entry.at", searched]},
        }
    }
    # One that is approved in the step that makes it waits for no answer.
    waited = {"$subtract": ["$$answered", "$created_at"]}
    in_minutes = {"$floor": {"$divide": [waited, _MINUTE]}}
    return {
        "$let": {
            "vars": {"answered": answered_at},
            "in": {"$cond": [{"$gt": ["$$answered", "$created_at"]}, in_minutes, None]},
        }
    }


def _entry(which: str, actions: list[str]) -> dict[str, Any]:
    """The first or last entry of the history with one of ``actions``."""
    found = {"$filter": {"input": "$history", "cond": {"$in": ["$$this.action", actions]}}}
    return {f"${which}": found}


def _of(status: Status, entry: dict[str, Any], then: Any, otherwise: Any) -> dict[str, Any]:
    """``then``, made of ``$$entry``, for the bookings of a status; ``otherwise`` for others."""
    made = {"$let": {"vars": {"entry": entry}, "in": then}}
    return {"$cond": [{"$eq": ["$status", status.value]}, made, otherwise]}


def _groups(
    db: Documents, condition: dict[str, Any], key: dict[str, Any], index: str
) -> list[dict[str, Any]]:
    stages = [{"$match": condition}, {"$group": {"_id": key, "count": {"$sum": 1}}}]
    with reachable(DEADLINE_SECONDS):
        bookings = collection(db, schema.BOOKINGS)
        rows = bookings.aggregate(stages, hint=index, allowDiskUse=True, batchSize=100_000)
        # Without ``_id``, by which an unreadable one is logged: a reason may name somebody.
        return [{"key": row["_id"], "count": row["count"]} for row in rows]


def _outcome(row: dict[str, Any]) -> OutcomeCount:
    status = r.choice(row["key"], "status", Status)
    return OutcomeCount(status, int(r.field(row["key"], "days", int)), row["count"])


def _decision(row: dict[str, Any]) -> DecisionCount:
    key = row["key"]
    minutes = key.get("minutes")
    return DecisionCount(
        r.choice(key, "status", Status),
        None if minutes is None else int(minutes),
        r.text(key, "reason"),
        bool(key["by_closure"]),
        bool(key["is_late"]),
        row["count"],
    )
