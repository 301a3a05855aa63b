"""The collection of grounds. None is ever deleted: bookings refer to it."""

from __future__ import annotations

from collections.abc import Sequence

from booking_core.domain.errors import AlreadyExists, InvalidRequest
from booking_core.domain.model import Ground
from booking_core.storage import documents as d
from booking_core.storage.readable import readable
from booking_core.storage.schema import keys, schema
from booking_core.storage.school.changes import SchoolTransaction


def read(tx: SchoolTransaction) -> dict[str, Ground]:
    """All grounds by id, in the order of the screens."""
    rows = tx.collection(schema.GROUNDS).find(session=tx.session)
    grounds = sorted(
        readable(schema.GROUNDS, d.to_ground, rows), key=lambda g: (g.order, g.name, g.id)
    )
    return {ground.id: ground for ground in grounds}


def put(tx: SchoolTransaction, ground: Ground) -> None:
    """Stores a ground, in the place of the one with its id.

    Raises AlreadyExists and InvalidRequest for what the unique indexes refuse.
    """
    row = keys.with_keys(schema.GROUNDS, d.ground_document(ground))
    refusals = {
        schema.ONE_GROUND_PER_ID: AlreadyExists("ground", ground.id),
        schema.ONE_GROUND_PER_NAME: InvalidRequest("name", "is the name of another ground"),
    }
    with keys.refusals(refusals):
        tx.collection(schema.GROUNDS).replace_one(
            {"_id": ground.id}, row, upsert=True, session=tx.session
        )


def put_order(tx: SchoolTransaction, ids: Sequence[str]) -> None:
    """Stores the place of each of ``ids``: 1, 2, and so on."""
    for place, id in enumerate(ids, start=1):
        tx.collection(schema.GROUNDS).update_one(
            {"_id": id}, {"$set": {"order": place}}, session=tx.session
        )
