"""Reading and writing bookings. A violation of a named index comes back as that name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import BulkWriteError, DuplicateKeyError

from booking_core.domain.model import ACTIVE, Booking
from booking_core.storage import schema
from booking_core.storage.database import Documents, collection, reachable
from booking_core.storage.documents import Document, to_booking

_ACTIVE = {"$in": [status.value for status in ACTIVE]}
SUBMISSION = "_id_"
_DUPLICATE = 11000
# These names alone have a meaning here; any other violation is raised as it is.
_NAMED = (schema.ONE_BOOKING_PER_SLOT, schema.ONE_PLACE_PER_STUDENT, schema.QUOTA_SEAT, SUBMISSION)


class IndexRefused(Exception):
    """A unique index refused a write; ``index`` is its name."""

    def __init__(self, index: str) -> None:
        self.index = index
        super().__init__(index)


def insert(db: Documents, document: Document) -> None:
    """Inserts a booking; raises IndexRefused, StoreUnavailable."""
    with reachable():
        try:
            collection(db, schema.BOOKINGS).insert_one(document)
        except DuplicateKeyError as exc:
            raise refusal_of(exc) from exc


def insert_all(db: Documents, documents: Sequence[Document]) -> dict[int, str]:
    """Inserts what the indexes allow; place in ``documents`` -> name of the index that refused it.

    Raises StoreUnavailable, of which it is not known how many were inserted.
    """
    refused: dict[int, str] = {}
    with reachable():
        try:
            collection(db, schema.BOOKINGS).insert_many(documents, ordered=False)
        except BulkWriteError as exc:
            for error in exc.details["writeErrors"]:
                name = _index_of(str(error.get("errmsg", "")))
                if error["code"] != _DUPLICATE or name not in _NAMED:
                    raise
                refused[error["index"]] = name
            if exc.details.get("writeConcernErrors"):
                raise
    return refused


def update(
    db: Documents, condition: Mapping[str, Any], change: Mapping[str, Any]
) -> Booking | None:
    """The booking after an atomic ``change``; None where none meets ``condition``.

    Raises IndexRefused, StoreUnavailable.
    """
    with reachable():
        try:
            found = collection(db, schema.BOOKINGS).find_one_and_update(
                condition, change, return_document=ReturnDocument.AFTER
            )
        except DuplicateKeyError as exc:
            raise refusal_of(exc) from exc
    return None if found is None else to_booking(found)


def read(db: Documents, booking_id: str) -> Document | None:
    with reachable():
        return collection(db, schema.BOOKINGS).find_one({"_id": booking_id})


def holder_of_slot(
    db: Documents, ground_id: str, date: str, cells: list[int], but: str = ""
) -> Document | None:
    """The active booking or closure, other than ``but``, that holds the first taken cell."""
    condition = {
        "ground_id": ground_id,
        "date": date,
        "cells": {"$in": cells},
        "status": _ACTIVE,
        "_id": {"$ne": but},
    }
    with reachable():
        return collection(db, schema.BOOKINGS).find_one(condition, sort=[("start", 1)])


def taken_seats(db: Documents, student_id: str, window: str, but: str = "") -> set[int]:
    """The seats of the student's quota that active bookings hold in ``window``."""
    condition = {
        "student_id": student_id,
        "quota.window": window,
        "quota": {"$exists": True},
        "status": _ACTIVE,
        "_id": {"$ne": but},
    }
    with reachable():
        rows = collection(db, schema.BOOKINGS).find(condition, {"quota.seat": 1})
        return {row["quota"]["seat"] for row in rows}


def refusal_of(exc: DuplicateKeyError | BulkWriteError) -> BaseException:
    """IndexRefused, where a named index refused the (first) write; else ``exc`` itself."""
    details: Mapping[str, Any] = exc.details or {}
    if isinstance(exc, BulkWriteError):
        details = next(iter(details.get("writeErrors", ())), {})
    message = str(details.get("errmsg", exc))
    name = _index_of(message)
    return IndexRefused(name) if name in _NAMED else exc


def _index_of(message: str) -> str:
    # The server names the index as "index: NAME dup key"; the key pattern is no name.
    name = message.partition(" index: ")[2].split(" dup key", 1)[0].strip()
    return SUBMISSION if name.startswith(SUBMISSION) else name
