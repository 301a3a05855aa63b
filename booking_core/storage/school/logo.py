"""The school's logo: one document of a collection of its own, as the photos of grounds are."""

from __future__ import annotations

from datetime import datetime

from bson.binary import Binary

from booking_core.domain.logo import Logo
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import Document
from booking_core.storage.readable import field, readable_one
from booking_core.storage.schema import schema
from booking_core.storage.school.changes import SchoolTransaction

_ID = "school"


def put(tx: SchoolTransaction, logo: Logo, at: datetime) -> None:
    document = {"at": at, "png": Binary(logo.png), "width": logo.width, "height": logo.height}
    tx.collection(schema.LOGO).replace_one({"_id": _ID}, document, upsert=True, session=tx.session)


def delete(tx: SchoolTransaction) -> bool:
    """Whether there was one to delete."""
    return tx.collection(schema.LOGO).delete_one({"_id": _ID}, session=tx.session).deleted_count > 0


def read(db: Documents) -> Logo | None:
    """The logo; None for none. Raises StoreUnavailable."""
    with reachable():
        row = collection(db, schema.LOGO).find_one({"_id": _ID})
    return readable_one(schema.LOGO, to_logo, row)


def to_logo(row: Document) -> Logo:
    return Logo(
        bytes(field(row, "png", bytes)), field(row, "width", int), field(row, "height", int)
    )
