"""Bookings whose stored claims differ from the derived ones, and deriving these again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pymongo.errors import DuplicateKeyError

from booking_core.domain.claims import claims_of
from booking_core.domain.errors import SchemaMissing
from booking_core.domain.model import Booking
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import Document, to_bookings
from booking_core.storage.schema import indexes, schema


class WrongClaims(NamedTuple):
    """A booking, and the claims that are stored with it in the place of ``claims_of(booking)``."""

    booking: Booking
    stored: Any


def find_wrong(db: Documents) -> Iterator[WrongClaims]:
    """The bookings and closures whose stored claims are wrong. Reads all of them."""
    for row in db[schema.BOOKINGS].find({"kind": {"$exists": True}}):
        for booking in to_bookings([row]):
            stored, right = row.get("claims"), claims_of(booking)
            if not isinstance(stored, list) or sorted(map(str, stored)) != sorted(right):
                yield WrongClaims(booking, stored)


def holder_of(db: Documents, booking: Booking) -> str | None:
    """The id of another active booking that has a claim of ``booking`` by right; None for none.

    A booking that cannot be read has its claims by right.
    """
    if not booking.status.is_active:
        return None
    claims = claims_of(booking)
    condition: Document = {"claims": {"$in": claims}, "_id": {"$ne": booking.id}, **schema.HOLDS}
    with reachable():
        for row in collection(db, schema.BOOKINGS).find(condition):
            other = next(to_bookings([row]), None)
            if other is None or set(claims) & set(claims_of(other)):
                return str(row["_id"])
    return None


def store_again(db: Documents, wrong: WrongClaims) -> bool:
    """Stores the derived claims; False where another booking has one, or this one has changed.

    Raises SchemaMissing without the unique index, which decides here too.
    """
    booking = wrong.booking
    condition = {"_id": booking.id, "revision": booking.revision, "claims": wrong.stored}
    with reachable():
        if not indexes.is_claims_index_right(db):
            raise SchemaMissing(schema.ONE_HOLDER_PER_CLAIM)
        try:
            changed = collection(db, schema.BOOKINGS).update_one(
                condition, {"$set": {"claims": claims_of(booking)}}
            )
        except DuplicateKeyError:
            return False
    return changed.matched_count > 0
