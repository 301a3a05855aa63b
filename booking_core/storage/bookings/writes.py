"""Writing bookings. The unique index on claims decides every race; a lost claim is named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace as changed
from typing import Any

from bson import Regex
from pymongo import UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, DuplicateKeyError

from booking_core.domain.claims import GROUND, QUOTA, claims_of, seat_of
from booking_core.domain.errors import SchemaMissing
from booking_core.domain.model import Booking
from booking_core.storage.client.database import BookingDatabase, Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import (
    Document,
    booking_document,
    decision_document,
    to_bookings,
)
from booking_core.storage.schema import indexes, schema

_DUPLICATE = 11000


class ClaimTaken(Exception):
    """Another active booking has a claim of this one. ``claim`` is the first one lost."""

    def __init__(self, claim: str) -> None:
        self.claim = claim
        super().__init__(claim)


class AlreadyStored(Exception):
    """A booking with this id is stored."""


def insert(db: Documents, booking: Booking) -> None:
    """Inserts ``booking`` if all its claims are free.

    Raises ClaimTaken, AlreadyStored, SchemaMissing, StoreUnavailable.
    """
    condition, change = _insertion(booking)
    with reachable(), _guarded():
        _check_index(db)
        outcome = collection(db, schema.BOOKINGS).update_one(
            condition, change, upsert=True, hint=schema.ONE_HOLDER_PER_CLAIM
        )
    if outcome.matched_count:
        raise AlreadyStored(booking.id)


def insert_all(
    db: Documents, bookings: Sequence[Booking], session: ClientSession | None = None
) -> dict[int, ClaimTaken | AlreadyStored]:
    """Inserts each booking whose claims are free; the others by their place in ``bookings``.

    Within a transaction, in which one failure is the end of it, the first failure is raised.
    Raises SchemaMissing and StoreUnavailable; how many are inserted is unknown then.
    """
    writes = [
        UpdateOne(condition, change, upsert=True, hint=schema.ONE_HOLDER_PER_CLAIM)
        for condition, change in map(_insertion, bookings)
    ]
    refused: dict[int, ClaimTaken | AlreadyStored] = {}
    with reachable(), _guarded():
        _check_index(db)
        try:
            outcome = collection(db, schema.BOOKINGS).bulk_write(
                writes, ordered=False, session=session
            )
            inserted: Iterable[int] = outcome.upserted_ids or {}
        except BulkWriteError as exc:
            details = exc.details or {}
            if session is not None or details.get("writeConcernErrors"):
                raise
            for error in details["writeErrors"]:
                if error["code"] != _DUPLICATE:
                    raise
                refused[error["index"]] = _refusal(error, exc)
            inserted = [row["index"] for row in details.get("upserted", ())]
    for place in set(range(len(bookings))) - set(inserted) - refused.keys():
        refused[place] = AlreadyStored(bookings[place].id)
    return refused


def replace(
    db: Documents, before: Booking, after: Booking, session: ClientSession | None = None
) -> Booking | None:
    """Writes ``after`` in place of ``before``; what is stored then, None where ``before`` is not
    stored any more.

    The entries that ``after.history`` has beyond ``before.history`` are added. Raises ClaimTaken,
    SchemaMissing, StoreUnavailable.
    """
    target = collection(db, schema.BOOKINGS)
    condition, change = _replacement(before, after)
    hint = None
    with reachable(), _guarded():
        if after.status.is_active:
            _check_index(db)
        if before.status.is_active and after.status.is_active:
            condition |= {"claims": claims_of(before)[0], **schema.HOLDS}
            hint = schema.ONE_HOLDER_PER_CLAIM
        elif after.status.is_active:
            _probe_index(db, session)
        outcome = target.update_one(condition, change, hint=hint, session=session)
    return changed(after, revision=before.revision + 1) if outcome.matched_count else None


def undo(
    db: Documents, before: Booking | None, after: Booking, session: ClientSession | None = None
) -> bool:
    """Stores ``before`` in place of ``after``, or deletes it where ``before`` is None.

    False where ``after`` is not stored any more, or where a claim of ``before`` is taken. Raises
    SchemaMissing, StoreUnavailable.
    """
    target = collection(db, schema.BOOKINGS)
    condition: Document = {"_id": after.id, "revision": after.revision}
    with reachable():
        if before is None:
            return target.delete_one(condition, session=session).deleted_count == 1
        _check_index(db)
        document = booking_document(changed(before, revision=after.revision + 1))
        try:
            return target.replace_one(condition, document, session=session).matched_count == 1
        except DuplicateKeyError:
            return False


def replace_all(
    db: Documents, pairs: Sequence[tuple[Booking, Booking]], session: ClientSession
) -> list[Booking] | None:
    """``replace`` for each (before, after) of bookings that end, within a transaction.

    What is stored then; None where one ``before`` is not stored any more.
    """
    if not pairs:
        return []
    writes = [UpdateOne(*_replacement(before, after)) for before, after in pairs]
    outcome = collection(db, schema.BOOKINGS).bulk_write(writes, session=session)
    if outcome.matched_count != len(pairs):
        return None
    return [changed(after, revision=before.revision + 1) for before, after in pairs]


def exchange(
    db: Documents, pairs: Sequence[tuple[Booking, Booking]], session: ClientSession
) -> list[Booking] | None:
    """``replace`` for each (before, after) of bookings that are active then, within a transaction.

    One may take claims that another of them had: each lets go of its own first. What is stored
    then; None where one ``before`` is not stored any more. Raises ClaimTaken, SchemaMissing.
    """
    if not pairs:
        return []
    release, take = [], []
    for before, after in pairs:
        condition, change = _replacement(before, after)
        change["$set"]["claims"] = claims_of(after)
        # A claim of its own, since the index has one entry for all documents without any.
        release.append(UpdateOne(condition, {"$set": {"claims": [f"{GROUND}|{before.id}|moving"]}}))
        take.append(UpdateOne(condition, change))
    with reachable(), _guarded():
        _check_index(db)
        _probe_index(db, session)
        outcome = collection(db, schema.BOOKINGS).bulk_write(release + take, session=session)
    if outcome.matched_count != 2 * len(pairs):
        return None
    return [changed(after, revision=before.revision + 1) for before, after in pairs]


def read(db: Documents, booking_id: str) -> Booking | None:
    """The booking or closure with this id; None for none, and for one that cannot be read."""
    with reachable():
        found = collection(db, schema.BOOKINGS).find_one({"_id": booking_id})
    return next(to_bookings(() if found is None else (found,)), None)


def taken_seats(
    db: Documents,
    pairs: Iterable[tuple[str, str]],
    but: str = "",
    session: ClientSession | None = None,
) -> dict[tuple[str, str], set[int]]:
    """The seats that active bookings hold, for each (holder, ISO week).

    Holders as in ``Booking.quota_holders``. The claims tell, since they are what the index decides.
    """
    found: dict[tuple[str, str], set[int]] = {pair: set() for pair in pairs}
    if not found:
        return found
    # Beginnings of claims, which the index finds; it takes no $or, being for active bookings only.
    beginnings = [Regex("^" + re.escape(f"{QUOTA}|{holder}|{window}|")) for holder, window in found]
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(
            {"claims": {"$in": beginnings}, **schema.HOLDS},
            {"claims": 1},
            hint=schema.ONE_HOLDER_PER_CLAIM,
            session=session,
        )
        for row in rows:
            for claim in row["claims"] if row["_id"] != but else ():
                seat = seat_of(claim)
                if seat is not None and seat[:2] in found:
                    found[seat[:2]].add(seat[2])
    return found


def _insertion(booking: Booking) -> tuple[Document, Document]:
    """Condition and change of an upsert that inserts ``booking``.

    An upsert takes a hint, an insert does not: with the index of claims as its hint the server
    refuses the write when that index is missing, such as after somebody dropped the database.
    """
    document = booking_document(booking)
    id = document.pop("_id")
    condition = {"_id": id, "claims": document["claims"][0], **schema.HOLDS}
    return condition, {"$setOnInsert": document}


def _replacement(before: Booking, after: Booking) -> tuple[Document, Document]:
    """Condition and change that write ``after`` over ``before``, at the revision of ``before``."""
    old, new = booking_document(before), booking_document(after)
    apart = {"_id", "history", "revision"}
    fields = {name: new[name] for name in new.keys() - apart if new[name] != old.get(name)}
    fields["revision"] = before.revision + 1
    change: Document = {"$set": fields}
    if gone := old.keys() - new.keys():
        change["$unset"] = dict.fromkeys(gone, "")
    dates = (before.date, after.date)
    entries = [decision_document(e, dates) for e in after.history[len(before.history) :]]
    if entries:
        change["$push"] = {"history": {"$each": entries}}
    return {"_id": before.id, "revision": before.revision}, change


def _check_index(db: Documents) -> None:
    """Raises SchemaMissing where the index of claims is missing, or is not unique.

    The hint of a write accepts any index of that name. Where a feed follows the database, it knows,
    and this sends nothing.
    """
    is_known = isinstance(db, BookingDatabase) and db.is_index_known()
    if not is_known and not indexes.is_claims_index_right(db):
        raise SchemaMissing(schema.ONE_HOLDER_PER_CLAIM)


def _probe_index(db: Documents, session: ClientSession | None) -> None:
    """Raises what the server answers when the index of claims is missing."""
    collection(db, schema.BOOKINGS).find_one(
        {"claims": "", **schema.HOLDS},
        {"_id": 1},
        hint=schema.ONE_HOLDER_PER_CLAIM,
        session=session,
    )


@contextmanager
def _guarded() -> Iterator[None]:
    """Within it, a violation of a unique index raises ClaimTaken or AlreadyStored. Other errors
    are raised as they are."""
    try:
        yield
    except DuplicateKeyError as exc:
        raise _refusal(exc.details or {}, exc) from exc
    except BulkWriteError as exc:
        errors: Sequence[Mapping[str, Any]] = (exc.details or {}).get("writeErrors", ())
        error = errors[0] if errors else {}
        if error.get("code") != _DUPLICATE:
            raise
        raise _refusal(error, exc) from exc


def _refusal(
    error: Mapping[str, Any], cause: DuplicateKeyError | BulkWriteError
) -> ClaimTaken | AlreadyStored:
    """What a duplicate key means, by the value that the server names; raises ``cause`` for the
    violation of an index that is not ours."""
    key = error.get("keyValue") or {}
    if "claims" in key:
        return ClaimTaken(key["claims"])
    if "_id" in key:
        return AlreadyStored(str(key["_id"]))
    raise cause
