"""The collections of timetables, and of the dates that have one of their own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date as Date

from booking_core.domain.errors import AlreadyExists, InvalidRequest
from booking_core.domain.model import Timetable
from booking_core.domain.timetable import Day
from booking_core.storage import documents as d
from booking_core.storage.readable import readable, readable_one
from booking_core.storage.schema import keys, schema
from booking_core.storage.school.changes import SchoolTransaction


def read(tx: SchoolTransaction) -> dict[str, Timetable]:
    """All timetables by id."""
    rows = tx.collection(schema.TIMETABLES).find(session=tx.session)
    return {table.id: table for table in readable(schema.TIMETABLES, d.to_timetable, rows)}


def put(tx: SchoolTransaction, timetables: Iterable[Timetable]) -> None:
    """Stores timetables, each in the place of the one with its id.

    Raises AlreadyExists and InvalidRequest for what the unique indexes refuse.
    """
    for table in timetables:
        row = keys.with_keys(schema.TIMETABLES, d.timetable_document(table))
        refusals = {
            schema.ONE_TIMETABLE_PER_ID: AlreadyExists("timetable", table.id),
            schema.ONE_TIMETABLE_PER_NAME: InvalidRequest(
                "name", "is the name of another timetable"
            ),
        }
        with keys.refusals(refusals):
            tx.collection(schema.TIMETABLES).replace_one(
                {"_id": table.id}, row, upsert=True, session=tx.session
            )


def delete(tx: SchoolTransaction, timetable_id: str) -> None:
    tx.collection(schema.TIMETABLES).delete_one({"_id": timetable_id}, session=tx.session)


def dates_of(tx: SchoolTransaction, timetable_id: str) -> list[str]:
    """The dates (ISO) that have this timetable as their own, the first one first."""
    rows = tx.collection(schema.DAYS).find(
        {"timetable_id": timetable_id}, {"_id": 1}, session=tx.session
    )
    return sorted(row["_id"] for row in rows if isinstance(row["_id"], str))


def put_day(tx: SchoolTransaction, day: Day) -> Day | None:
    """Stores a day; returns the one that it replaces, None for none."""
    row = d.day_document(day)
    before = tx.collection(schema.DAYS).find_one_and_replace(
        {"_id": row["_id"]}, row, upsert=True, session=tx.session
    )
    return readable_one(schema.DAYS, d.to_day, before)


def delete_day(tx: SchoolTransaction, date: Date) -> Day | None:
    """Deletes a day; returns it, None for none."""
    before = tx.collection(schema.DAYS).find_one_and_delete(
        {"_id": date.isoformat()}, session=tx.session
    )
    return readable_one(schema.DAYS, d.to_day, before)
