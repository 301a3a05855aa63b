"""The key fields of grounds, timetables and students, by which their unique indexes compare.

Two values with one key could not be told apart on a screen: ``S001`` and ``s001``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pymongo.errors import BulkWriteError, DuplicateKeyError

from booking_core.domain.errors import BookingError
from booking_core.domain.names import find_unusable, key_of, normal_form
from booking_core.storage import schema
from booking_core.storage.documents import Document


def keys_of(collection: str, document: Mapping[str, Any]) -> Document:
    """The key fields of a document of ``schema.KEYED``: ``id_key``, and ``name_key`` if unique."""
    keys = {"id_key": key_of(document["_id"])}
    if collection != schema.STUDENTS:
        keys["name_key"] = key_of(document["name"])
    return keys


def with_keys(collection: str, document: Document) -> Document:
    return document | keys_of(collection, document)


def repaired(collection: str, document: Document) -> Document:
    """A document of an earlier version as its value must be: texts in normal form, with its keys.

    Characters that cannot be used are left out. The id stays: bookings refer to it.
    """
    fixed = dict(document)
    for field in ("name", "class_name"):
        if field in document:
            fixed[field] = _usable(document[field]) or document["_id"]
    if document.get("email"):
        fixed["email"] = _usable(document["email"])
    if "games" in document:
        games = filter(None, map(_usable, document["games"]))
        # Of games with one key, the first.
        fixed["games"] = list({key_of(game): game for game in reversed(list(games))}.values())[::-1]
    if "periods" in document:
        fixed["periods"] = [
            period | {"label": _usable(period["label"]) or period["start"]}
            for period in document["periods"]
        ]
    return with_keys(collection, fixed) if collection in schema.KEYED else fixed


def _usable(text: str) -> str:
    text = normal_form(text)
    while (character := find_unusable(text)) is not None:
        text = normal_form(text.replace(character, ""))
    return text


def find_colliding(db: Any) -> list[Document]:
    """Groups of stored documents that break a unique index on a key, and ids that have no form.

    Each is ``{"index": name, "key": {...}, "ids": [...]}``, as ``find_offenders`` names bookings.
    An id that is not in normal form is listed alone: nobody could type it any more.
    """
    found: list[Document] = []
    for collection in schema.KEYED:
        by_key: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        indexes = schema.KEYED[collection]
        for row in db[collection].find():
            id = str(row["_id"])
            if normal_form(id) != id or find_unusable(id) is not None:
                found.append({"index": indexes["id_key"], "key": {"_id": id}, "ids": [id]})
            keys = keys_of(collection, repaired(collection, row))
            if row.get("retired"):
                del keys["name_key"]
            for field, key in keys.items():
                by_key[(field, key)].append(id)
        found += [
            {"index": indexes[field], "key": {field: key}, "ids": sorted(ids)}
            for (field, key), ids in sorted(by_key.items())
            if len(ids) > 1
        ]
    return found


@contextmanager
def refusals(errors: Mapping[str, BookingError]) -> Iterator[None]:
    """Raises ``errors[name]`` where the unique index ``name`` refuses a write."""
    try:
        yield
    except (DuplicateKeyError, BulkWriteError) as exc:
        name, _ = refused(exc)
        if name not in errors:
            raise
        raise errors[name] from exc


def refused(exc: DuplicateKeyError | BulkWriteError) -> tuple[str, int]:
    """The unique index that refused the first write, and the place of that write in its batch."""
    details: Mapping[str, Any] = exc.details or {}
    place = 0
    if isinstance(exc, BulkWriteError):
        details = next(iter(details.get("writeErrors", ())), {})
        place = int(details.get("index", 0))
    # The server says "index: NAME dup key"; the name of the index of ids has a suffix of its own.
    name = str(details.get("errmsg", "")).partition(" index: ")[2].partition(" dup key")[0].strip()
    return ("_id_" if name.startswith("_id_") else name), place
