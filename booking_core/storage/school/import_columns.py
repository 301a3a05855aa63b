"""The headings under which the last imported list of students had its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.schema import schema

# A document of its own: a change of the one with the revision is news to every screen.
_FILTER = {"_id": "student_columns"}


def read(db: Documents) -> dict[str, list[str]]:
    """Field -> keys of its headings; empty where none was kept. Raises StoreUnavailable."""
    with reachable():
        row = collection(db, schema.META).find_one(_FILTER, {"student_columns": 1})
    kept = (row or {}).get("student_columns")
    return dict(kept) if isinstance(kept, dict) else {}


def put(db: Documents, headings: Mapping[str, Sequence[str]]) -> None:
    """Keeps field -> keys of its headings. Raises StoreUnavailable."""
    kept = {name: list(keys) for name, keys in headings.items()}
    with reachable():
        collection(db, schema.META).update_one(
            _FILTER,
            {"$set": {"student_columns": kept}, "$setOnInsert": {"grounds": 0, "students": 0}},
            upsert=True,
        )
