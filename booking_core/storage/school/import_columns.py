"""The headings under which the last imported list of each kind had its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.schema import schema

# First field of a list -> the id of its document, which is also the field that holds the headings.
# Documents of their own: a change of the one with the revision is news to every screen.
_KEPT = {"id": "student_columns", "ground": "booking_columns"}


def read(db: Documents, first: str) -> dict[str, list[str]]:
    """Field -> keys of its headings, of the list whose first field is ``first``.

    Empty where none was kept. Raises StoreUnavailable.
    """
    with reachable():
        row = collection(db, schema.META).find_one({"_id": _KEPT[first]}, {_KEPT[first]: 1})
    kept = (row or {}).get(_KEPT[first])
    return dict(kept) if isinstance(kept, dict) else {}


def put(db: Documents, first: str, headings: Mapping[str, Sequence[str]]) -> None:
    """Keeps field -> keys of its headings. Raises StoreUnavailable."""
    kept = {name: list(keys) for name, keys in headings.items()}
    with reachable():
        collection(db, schema.META).update_one(
            {"_id": _KEPT[first]},
            {"$set": {_KEPT[first]: kept}, "$setOnInsert": {"grounds": 0, "students": 0}},
            upsert=True,
        )
