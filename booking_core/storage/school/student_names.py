"""Names and classes of students in their bookings.

A booking has both as text, so that lists filter and sort by an index. One that begins after now has
today's; one that has begun keeps those that it had.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import UpdateMany

from booking_core.domain import timetable
from booking_core.storage import documents as d
from booking_core.storage.client.database import settings_of
from booking_core.storage.schema import schema
from booking_core.storage.school.changes import SchoolTransaction

_CHUNK = 1000  # students in one query: one scan of the index for each
_SHOWN: dict[str, Any] = dict.fromkeys(("student_id", "party", *d.STUDENT_NAMES), 1)


def update_ahead(tx: SchoolTransaction, student_ids: Sequence[str], now: datetime) -> None:
    """Gives the bookings that begin after ``now`` the present names and classes of these students.

    Bookings of every status: a revoked one may be reinstated. The history of a booking does not
    tell of it, because the audit log has the change of the student.
    """
    ahead = _begins_after(now, tx)
    for start in range(0, len(student_ids), _CHUNK):
        chunk = list(student_ids[start : start + _CHUNK])
        rows = list(
            tx.collection(schema.BOOKINGS).find(
                {"student_id": {"$in": chunk}, **ahead},
                _SHOWN,
                hint=schema.BY_STUDENT,
                session=tx.session,
            )
        )
        rows = [row for row in rows if d.is_for_students(row)]
        ids_of = {row["_id"]: d.student_ids_of(row) for row in rows}
        present = _present(tx, {id for ids in ids_of.values() for id in ids}) if rows else {}
        # One write for all bookings with the same change: a rollover has one for each class.
        ids: defaultdict[tuple[tuple[str, Any], ...], list[str]] = defaultdict(list)
        for row in rows:
            shown = _shown(row, ids_of[row["_id"]], present)
            if differs := {name: text for name, text in shown.items() if row[name] != text}:
                ids[tuple((name, _frozen(text)) for name, text in differs.items())].append(
                    row["_id"]
                )
        writes = [
            UpdateMany({"_id": {"$in": same}}, {"$set": dict(change), "$inc": {"revision": 1}})
            for change, same in ids.items()
        ]
        if writes:
            tx.collection(schema.BOOKINGS).bulk_write(writes, ordered=False, session=tx.session)


def _shown(row: d.Document, ids: Sequence[str], present: dict[str, d.Document]) -> d.Document:
    """The present names and classes of a booking of these students; of several, as lists."""
    if not isinstance(row["student_name"], list):
        return present.get(ids[0], {})
    return {
        name: [present.get(id, {name: row[name][n]})[name] for n, id in enumerate(ids)]
        for name in d.STUDENT_NAMES
    }


def _frozen(text: Any) -> Any:
    return tuple(text) if isinstance(text, list) else text


def _begins_after(now: datetime, tx: SchoolTransaction) -> d.Document:
    zone = settings_of(tx.db).zone
    today = now.astimezone(zone).date()
    starts = [d.time_text(start) for start in timetable.starts_ahead(today, now, zone)]
    day = today.isoformat()
    # The date is there for the index's bounds.
    later = [{"date": {"$gt": day}}, {"date": day, "start": {"$in": starts}}]
    return {"date": {"$gte": day}, "$or": later}


def _present(tx: SchoolTransaction, student_ids: set[str]) -> dict[str, d.Document]:
    rows = tx.collection(schema.STUDENTS).find(
        {"_id": {"$in": list(student_ids)}}, {"name": 1, "class_name": 1}, session=tx.session
    )
    return {
        row["_id"]: {"student_name": row["name"], "class_name": row["class_name"]} for row in rows
    }
