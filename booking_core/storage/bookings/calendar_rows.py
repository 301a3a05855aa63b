"""Which bookings a calendar to subscribe to has, by id and revision: small reads of its own.

A calendar is asked for every few minutes and has mostly not changed. So these read a few fields,
and the bookings themselves are read only where their revision is new.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date as Date
from datetime import datetime
from typing import Any, NamedTuple

from booking_core.domain.model import Status
from booking_core.storage import readable as r
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import Document
from booking_core.storage.schema import schema

# A booking that was imported as over or cancelled has never been in a calendar.
_EVER_ACTIVE = {"$nor": [{"history": {"$size": 1}, "history.0.action": "imported"}]}


class CalendarRow(NamedTuple):
    """A booking or closure of a calendar. Rows compare by date (ISO), start, then id.

    ``is_active``: it is a booking that holds its slot.
    """

    date: str
    start: str
    id: str
    revision: int
    ground_id: str
    is_active: bool


def of_school(db: Documents, first: Date, since: datetime) -> list[CalendarRow]:
    """What is booked or closed on ``first`` or later, and what ended at ``since`` or later.

    Ended: cancelled, rejected, revoked, lapsed or lifted. By date and time.
    """
    return _found(db, schema.NEWEST_BY_DATE, _from(first, since))


def of_grounds(
    db: Documents, ground_ids: Iterable[str], first: Date, since: datetime
) -> list[CalendarRow]:
    """As ``of_school``, on these grounds."""
    condition = {"ground_id": {"$in": sorted(ground_ids)}, **_from(first, since)}
    return _found(db, schema.BY_GROUND, condition)


def of_account(db: Documents, account_id: str, first: Date, since: datetime) -> list[CalendarRow]:
    """As ``of_school``, the bookings that the account made or supervises, without closures."""
    wanted = {"kind": "booking", **_from(first, since)}
    made = _found(db, schema.BY_AUTHOR, {"created_by": account_id, **wanted})
    there = _found(db, schema.BY_SUPERVISOR, {"supervisor.id": account_id, **wanted})
    return sorted({*made, *there})


def moved_away(
    db: Documents, ground_ids: Iterable[str], first: Date, since: datetime
) -> list[CalendarRow]:
    """The bookings that a move at ``since`` or later took from these grounds to another.

    Their former slot is on ``first`` or later. The rows have the present slots.
    """
    ids = sorted(ground_ids)
    left = {
        "at": {"$gte": since},
        "moved_from.ground_id": {"$in": ids},
        "moved_from.date": {"$gte": first.isoformat()},
    }
    condition = {
        "history.moved_from.date": {"$gte": first.isoformat()},  # for the index's bounds
        "history": {"$elemMatch": left},
        "ground_id": {"$nin": ids},
    }
    return _found(db, schema.MOVED_FROM, condition)


def _from(first: Date, since: datetime) -> dict[str, Any]:
    is_shown = [schema.HOLDS, {"updated_at": {"$gte": since}, **_EVER_ACTIVE}]
    return {"date": {"$gte": first.isoformat()}, "$or": is_shown}


def _found(db: Documents, index: str, condition: dict[str, Any]) -> list[CalendarRow]:
    fields = dict.fromkeys(("date", "start", "revision", "ground_id", "status", "kind"), 1)
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(condition, fields, hint=index)
        return sorted(r.readable(schema.BOOKINGS, _row, rows))


def _row(document: Document) -> CalendarRow:
    return CalendarRow(
        r.date(document, "date").isoformat(),
        r.text(document, "start"),
        r.text(document, "_id"),
        r.field(document, "revision", int),
        r.text(document, "ground_id"),
        r.text(document, "kind") == "booking" and r.choice(document, "status", Status).is_active,
    )
