"""Sums over bookings, made by the server, by the index of statuses and dates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date as Date
from typing import Any

from booking_core.domain.model import ACTIVE, Status
from booking_core.domain.validation import MARK_MINUTES
from booking_core.storage import schema
from booking_core.storage.database import Documents, collection, reachable

_PATIENCE_SECONDS = 20.0  # a year of a large school
_ALL = [status.value for status in Status]
_HOLDS = {"status": {"$in": [status.value for status in ACTIVE]}, "kind": "booking"}


def pipeline(dates: Sequence[Date], created_by: str | None) -> list[dict[str, Any]]:
    kinds: list[dict[str, Any]] = [{"kind": "booking"}, {"kind": "closure", "status": "Approved"}]
    if created_by is not None:
        kinds[0]["created_by"] = created_by
    hours = {"$multiply": [{"$size": "$cells"}, MARK_MINUTES / 60]}
    sums = {"bookings": {"$sum": 1}, "hours": {"$sum": hours}}
    days = [date.isoformat() for date in dates]
    return [
        {"$match": {"status": {"$in": _ALL}, "date": {"$in": days}, "$or": kinds}},
        {
            "$facet": {
                "status": [
                    {"$match": {"kind": "booking"}},
                    {"$group": {"_id": "$status", **sums}},
                ],
                "class": [{"$match": _HOLDS}, {"$group": {"_id": "$class_name", **sums}}],
                "game": [{"$match": _HOLDS}, {"$group": {"_id": "$game", **sums}}],
                "ground": [
                    {"$match": {"status": _HOLDS["status"]}},
                    {
                        "$group": {
                            "_id": {
                                "kind": "$kind",
                                "ground": "$ground_id",
                                "start": "$start",
                                "end": "$end",
                            },
                            **sums,
                        }
                    },
                ],
            }
        },
    ]


def sums(
    db: Documents, groups: Sequence[Sequence[Date]], created_by: str | None
) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """For each group of dates, rows ``{_id, bookings, hours}`` by status, class, game and ground.

    All but those by status are of what holds its slot; those by ground are split by span and
    kind. ``created_by`` keeps bookings, not closures, to one account's.
    """
    for dates in groups:
        with reachable(_PATIENCE_SECONDS):
            yield next(
                collection(db, schema.BOOKINGS).aggregate(
                    pipeline(dates, created_by), hint=schema.BY_DAY, allowDiskUse=True
                )
            )
