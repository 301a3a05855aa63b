"""The collection of photos of grounds: apart, so that reading the grounds stays small."""

from __future__ import annotations

from datetime import datetime

from bson.binary import Binary

from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import Document
from booking_core.storage.readable import field, readable_one
from booking_core.storage.schema import schema
from booking_core.storage.school.changes import SchoolTransaction


def put(tx: SchoolTransaction, ground_id: str, webp: bytes, at: datetime) -> None:
    tx.collection(schema.GROUND_PHOTOS).replace_one(
        {"_id": ground_id}, {"at": at, "webp": Binary(webp)}, upsert=True, session=tx.session
    )


def delete(tx: SchoolTransaction, ground_id: str) -> bool:
    """Whether there was one to delete."""
    photos = tx.collection(schema.GROUND_PHOTOS)
    return photos.delete_one({"_id": ground_id}, session=tx.session).deleted_count > 0


def read(db: Documents, ground_id: str) -> bytes | None:
    """The photo as WebP; None for none. Raises StoreUnavailable."""
    with reachable():
        row = collection(db, schema.GROUND_PHOTOS).find_one({"_id": ground_id})
    return readable_one(schema.GROUND_PHOTOS, to_photo, row)


def to_photo(row: Document) -> bytes:
    return bytes(field(row, "webp", bytes))
