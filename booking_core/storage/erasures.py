"""The record of erasures. A restore reads it and repeats them.

The collection "meta" holds a note for each erasure, with the id of the student or account. Once no
verb can still write that id, an entry with a random salt and a hash replaces the note.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from pymongo.client_session import ClientSession

from booking_core.domain.names import key_of, sign_in_key
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import Document
from booking_core.storage.schema import schema

# Kinds of erasures. Ids of notes and entries begin with the kind and a "/".
STUDENT, ACCOUNT = "erased", "erased-account"
# kind -> (the field of a note that holds the id, a function that gives equal spellings one key)
_KINDS: dict[str, tuple[str, Callable[[str], str]]] = {
    STUDENT: ("student_id", key_of),
    ACCOUNT: ("account_id", sign_in_key),
}


class Erased(NamedTuple):
    """An erasure on record: its kind, a random salt, and the hash of the erased id with it."""

    kind: str
    salt: str
    hash: str

    def fits(self, id: str) -> bool:
        """Whether ``id`` is the erased one, in any spelling."""
        return _hash(self.kind, self.salt, id) == self.hash


def note(
    db: Documents,
    session: ClientSession,
    kind: str,
    pseudonym: str,
    id: str,
    due: datetime,
    facts: Mapping[str, object] | None = None,
) -> None:
    """Notes that ``id`` was erased, and that a second look for it is ``due``."""
    named = {_KINDS[kind][0]: id, "due": due, "salt": uuid4().hex}
    _insert(db, session, f"{kind}/{pseudonym}", named | dict(facts or {}))


def notes_due(db: Documents, kind: str, now: datetime) -> list[str]:
    """The pseudonyms of the notes whose second look is due. Raises StoreUnavailable."""
    condition = _ids_of(kind) | {"due": {"$lte": now}}
    with reachable():
        rows = collection(db, schema.META).find(condition, {"_id": 1})
        return [row["_id"].removeprefix(f"{kind}/") for row in rows]


def is_noted(db: Documents, kind: str, id: str) -> bool:
    """Whether there is a note of ``id``, in any spelling. Raises StoreUnavailable."""
    field, key = _KINDS[kind]
    with reachable():
        rows = collection(db, schema.META).find(_ids_of(kind) | {field: {"$exists": True}})
        return any(key(str(row[field])) == key(id) for row in rows)


def read_note(db: Documents, kind: str, pseudonym: str) -> Document | None:
    """The note of this pseudonym, or None. Raises StoreUnavailable."""
    with reachable():
        return collection(db, schema.META).find_one({"_id": f"{kind}/{pseudonym}"})


def settle(db: Documents, session: ClientSession, kind: str, pseudonym: str) -> Document | None:
    """Replaces the note of this pseudonym by an entry; the note, or None if there is none."""
    kept = collection(db, schema.META).find_one_and_delete(
        {"_id": f"{kind}/{pseudonym}"}, session=session
    )
    if kept is not None:
        record(db, session, _erased_by(kind, kept))
    return kept


def record(db: Documents, session: ClientSession, entry: Erased) -> None:
    """Stores an entry."""
    # Not under the pseudonym: a correct guess of the id would find the bookings.
    document = {"salt": entry.salt, "hash": entry.hash}
    _insert(db, session, f"{entry.kind}/{uuid4().hex}", document)


def on_record(db: Documents) -> set[Erased]:
    """All erasures on record. Raises StoreUnavailable."""
    with reachable():
        return among(collection(db, schema.META).find())


def among(rows: Iterable[Document]) -> set[Erased]:
    """The erasures on record in documents of the collection "meta"."""
    return {
        _erased_by(kind, row)
        for row in rows
        for kind in _KINDS
        if isinstance(row["_id"], str) and row["_id"].startswith(f"{kind}/")
    }


def _ids_of(kind: str) -> Document:
    return {"_id": {"$gt": f"{kind}/", "$lt": f"{kind}0"}}  # "0" is next to "/"


def _erased_by(kind: str, row: Document) -> Erased:
    salt = str(row.get("salt", ""))  # notes of an earlier version have none
    stated = row.get("hash")
    return Erased(kind, salt, str(stated or _hash(kind, salt, str(row[_KINDS[kind][0]]))))


def _hash(kind: str, salt: str, id: str) -> str:
    return hmac.digest(salt.encode(), _KINDS[kind][1](id).encode(), "sha256").hex()


def _insert(db: Documents, session: ClientSession, id: str, document: Document) -> None:
    # Every document of this collection has counters.
    row = {"_id": id, "grounds": 0, "students": 0} | document
    collection(db, schema.META).insert_one(row, session=session)


def raise_revision(db: Documents, session: ClientSession | None) -> None:
    """Has everybody read teams and grounds again, from which an erasure has taken a person."""
    collection(db, schema.META).update_one(
        {"_id": "revision"}, {"$inc": {"grounds": 1}}, session=session
    )
