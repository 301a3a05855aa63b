"""A database of the first version: three unique indexes on marks of 15 minutes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from pymongo.database import Database

MOMENT = datetime(2026, 11, 23, tzinfo=UTC)
HOLDS = {"status": {"$in": ["Pending", "Approved"]}}
UNIQUE: dict[str, tuple[list[str], dict[str, Any]]] = {
    "one_booking_per_slot": (["ground_id", "date", "cells"], HOLDS),
    "one_place_per_student": (
        ["student_id", "date", "cells"],
        HOLDS | {"student_id": {"$exists": True}},
    ),
    "quota_seat": (
        ["student_id", "quota.window", "quota.seat"],
        HOLDS | {"quota": {"$exists": True}},
    ),
}
LISTING = {
    "newest": [("created_at", -1), ("_id", -1)],
    "latest_change": [("updated_at", -1), ("_id", -1)],
    "newest_by_ground_id": [("ground_id", 1), ("created_at", -1), ("_id", -1)],
    "newest_by_date": [("date", 1), ("created_at", -1), ("_id", -1)],
    "queue": [("status", 1), ("date", 1), ("start", 1), ("_id", 1)],
    "changes": [("kind", 1), ("history.at", -1), ("_id", -1)],
}
FIELDS = (
    *("_id", "kind", "ground_id", "date", "start", "end", "cells", "status", "student_name"),
    *("class_name", "game", "purpose", "created_by", "created_by_name", "created_at"),
    *("updated_at", "revision", "fingerprint", "history"),
)


def row(**changes: Any) -> dict[str, Any]:
    """A booking from 9 to 10 as the first version stored it; its times determine ``cells``."""
    made = {
        "_id": str(uuid4()),
        "kind": "booking",
        "ground_id": "ground-1",
        "date": "2026-11-24",
        "start": "09:00",
        "end": "10:00",
        "status": "Pending",
        "student_id": "S001",
        "student_name": "Asha",
        "class_name": "10-B",
        "game": "Football",
        "purpose": "",
        "created_by": "meera",
        "created_by_name": "Meera",
        "created_at": MOMENT,
        "updated_at": MOMENT,
        "revision": 0,
        "fingerprint": "",
        "history": [
            {
                "at": MOMENT,
                "by": "meera",
                "by_name": "Meera",
                "action": "requested",
                "reason": "",
                "dates": ["2026-11-24"],
            }
        ],
    } | changes
    begins, ends = (
        (60 * int(made[end][:2]) + int(made[end][3:])) // 15 for end in ("start", "end")
    )
    return made | {"cells": list(range(begins, ends or 96))}


def closure(**changes: Any) -> dict[str, Any]:
    made = row(kind="closure", status="Approved", game="", purpose="Rain", **changes)
    del made["student_id"]
    made["history"][0] |= {"action": "closed", "reason": "Rain"}
    return made


def create(db: Database[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    """Creates collections, validator, indexes and counters of the first version, and ``rows``."""
    names = (*FIELDS, "student_id", "quota", "closure_group")
    schema = {
        "bsonType": "object",
        "required": list(FIELDS),
        "additionalProperties": False,
        "properties": {name: {} for name in names},
    }
    db.create_collection("bookings", validator={"$jsonSchema": schema})
    for name, (keys, where) in UNIQUE.items():
        db.bookings.create_index(
            [(key, 1) for key in keys], name=name, unique=True, partialFilterExpression=where
        )
    for name, pairs in LISTING.items():
        db.bookings.create_index(pairs, name=name)
    db.meta.insert_one({"_id": "revision", "grounds": 3, "students": 4})
    db.grounds.insert_one(
        {"_id": "ground-1", "name": "Ground 1", "games": ["Football"], "order": 1, "retired": False}
    )
    db.timetables.insert_one(
        {
            "_id": "regular",
            "name": "Regular",
            "weekdays": list(range(7)),
            "periods": [
                {"label": f"P{hour}", "start": f"{hour:02d}:00", "end": f"{hour + 1:02d}:00"}
                for hour in range(8, 16)
            ],
        }
    )
    db.students.insert_many(
        {
            "_id": f"S{number:03d}",
            "name": f"Student {number}",
            "class_name": "10-B",
            "email": None,
            "active": True,
        }
        for number in range(50)
    )
    if rows:
        db.bookings.insert_many(rows)
