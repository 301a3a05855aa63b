"""The collection of offers to swap two bookings, and what became of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

from pymongo.client_session import ClientSession

from booking_core.domain.model import Slot
from booking_core.domain.swap_offers import SwapOffer
from booking_core.storage import readable as r
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import Document, slot_document, to_slot
from booking_core.storage.schema import schema

OPEN = "open"
_KEPT = timedelta(days=30)  # after the later slot


def open_again(db: Documents, session: ClientSession, offer: SwapOffer, zone: ZoneInfo) -> bool:
    """Stores ``offer`` as open, or opens a withdrawn one, as made now; False where it is stored
    with another status."""
    change = {"status": OPEN, "at": offer.at, "reason": offer.reason}
    ends = max(slot.starts_at(zone) for slot in offer.slots.values())
    document = _document(offer) | {"status": OPEN, "expires_at": ends + _KEPT}
    document.pop("_id")
    withdrawn = {"_id": offer.id, "status": "withdrawn"}
    target = collection(db, schema.SWAP_OFFERS)
    if target.update_one(withdrawn, {"$set": change}, session=session).modified_count:
        return True
    made = target.update_one(
        {"_id": offer.id}, {"$setOnInsert": document}, upsert=True, session=session
    )
    return made.upserted_id is not None


def read(db: Documents, offer_id: str) -> tuple[SwapOffer, str] | None:
    """The offer with this id and its status: "open" or what became of it."""
    with reachable():
        row = collection(db, schema.SWAP_OFFERS).find_one({"_id": offer_id})
    offer = r.readable_one(schema.SWAP_OFFERS, to_offer, row)
    return None if offer is None or row is None else (offer, row["status"])


def open_of(db: Documents, account_ids: Collection[str]) -> list[SwapOffer]:
    """The open offers by these accounts and to them, the earliest first."""
    found: dict[str, SwapOffer] = {}
    with reachable():
        for side in ("by", "to"):
            of_side = {side: {"$in": list(account_ids)}, "status": OPEN}
            rows = collection(db, schema.SWAP_OFFERS).find(of_side)
            found |= {one.id: one for one in r.readable(schema.SWAP_OFFERS, to_offer, rows)}
    return sorted(found.values(), key=lambda offer: (offer.at, offer.id))


def set_status(
    db: Documents, offer_id: str, before: str, after: str, session: ClientSession | None = None
) -> bool:
    """Changes the status; False where it is not ``before``."""
    with reachable():
        done = collection(db, schema.SWAP_OFFERS).update_one(
            {"_id": offer_id, "status": before}, {"$set": {"status": after}}, session=session
        )
    return done.modified_count == 1


def _document(offer: SwapOffer) -> Document:
    return {
        "_id": offer.id,
        "given": _booking(offer.given_id, offer.slots),
        "wanted": _booking(offer.wanted_id, offer.slots),
        "at": offer.at,
        "by": offer.by,
        "by_name": offer.by_name,
        "to": offer.to,
        "reason": offer.reason,
    }


def _booking(id: str, slots: Mapping[str, Slot]) -> Document:
    return {"id": id, "slot": slot_document(slots[id])}


def to_offer(document: Document) -> SwapOffer:
    """The value of a stored offer. Raises Unreadable, InvalidRequest."""
    given, wanted = (r.field(document, side, dict) for side in ("given", "wanted"))
    slots = {r.text(one, "id"): to_slot(r.field(one, "slot", dict)) for one in (given, wanted)}
    return SwapOffer(
        r.text(document, "_id"),
        r.text(given, "id"),
        r.text(wanted, "id"),
        slots,
        r.moment(document, "at"),
        r.text(document, "by"),
        r.text(document, "by_name"),
        r.text(document, "to"),
        r.text(document, "reason"),
    )
