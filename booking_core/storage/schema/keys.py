"""The key fields of grounds, timetables, students, teams and accounts, which
unique indexes compare.

Two values with one key could not be told apart on a screen: ``S001`` and ``s001``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from pymongo.errors import BulkWriteError, DuplicateKeyError

from booking_core.domain.errors import BookingError
from booking_core.domain.names import find_unusable, key_of, normal_form
from booking_core.storage.documents import Document
from booking_core.storage.readable import Unreadable, readable_one
from booking_core.storage.schema import schema

NO_TEXT = {"_id": None}
# The texts of a booking that a rule or a list compares.
BOOKING_TEXTS = ("game", "class_name", "student_name")


def keys_of(collection: str, document: Mapping[str, Any]) -> Document:
    """The key fields of a document of ``collection``, as ``schema.KEYED`` names them."""
    keys: Document = {"id_key": key_of(document["_id"])}
    if "name_key" in schema.KEYED[collection]:
        keys["name_key"] = key_of(document["name"])
    if "email_key" in schema.KEYED[collection]:
        keys["email_key"] = email_key(document["email"])
    return keys


def email_key(email: str | None) -> str | None:
    return None if email is None else key_of(email)


def with_keys(collection: str, document: Document) -> Document:
    return document | keys_of(collection, document)


def repaired(collection: str, document: Document) -> Document:
    """A document of an earlier version as its value must be: texts in normal form, with its keys.

    Characters that cannot be used are left out. The id stays: other documents refer to it. Raises
    Unreadable for a document without such texts.
    """
    with _unreadable():
        return with_keys(collection, _in_form(document))


def _in_form(document: Document) -> Document:
    fixed = dict(document)
    for field in ("name", "class_name"):
        if field in document:
            fixed[field] = usable(document[field]) or document["_id"]
    if document.get("email"):
        fixed["email"] = usable(document["email"]) or None
    if "games" in document:
        games = filter(None, map(usable, document["games"]))
        # Of games with one key, the first.
        fixed["games"] = list({key_of(game): game for game in reversed(list(games))}.values())[::-1]
    if "periods" in document:
        fixed["periods"] = [
            period | {"label": usable(period["label"]) or period["start"]}
            for period in document["periods"]
        ]
    return fixed


def repaired_copy(document: Document) -> Document:
    """A copy of the school's history as its values must be: texts in normal form."""
    parts = (schema.GROUNDS, schema.TIMETABLES)
    with _unreadable():
        return document | {name: [_in_form(row) for row in document[name]] for name in parts}


def repaired_booking(games: Mapping[str, Mapping[str, str]], document: Document) -> Document:
    """A booking's texts in normal form, and its game spelled as its ground spells it.

    ``games``: for each ground, the key of a game -> the game.
    """
    with _unreadable():
        fixed = {field: usable(document[field]) for field in BOOKING_TEXTS}
        of_ground = games.get(document["ground_id"], {})
        fixed["game"] = of_ground.get(key_of(fixed["game"]), fixed["game"])
        return document | fixed


@contextmanager
def _unreadable() -> Iterator[None]:
    """Within it, a field that is missing or of another type raises Unreadable."""
    try:
        yield
    except (LookupError, TypeError, AttributeError) as exc:
        raise Unreadable("a text is missing or of another type") from exc


def usable(text: str) -> str:
    """The normal form of ``text``, without the characters that cannot be used in it."""
    text = normal_form(text)
    while (character := find_unusable(text)) is not None:
        text = normal_form(text.replace(character, ""))
    return text


def find_colliding(db: Any) -> list[Document]:
    """Groups of stored documents that break a unique index on a key, and ids that cannot be typed.

    Each is ``{"collection": name, "index": name, "key": {...}, "ids": [...]}``. An id that is not
    in normal form has an entry of its own, ``{"key": {"_id": id}, "ids": [id]}``, and one that is
    no text has the key NO_TEXT: no value can have such an id, so its document could not be found.
    """
    return [one for name in schema.KEYED for one in colliding_among(name, db[name].find())]


def colliding_among(collection: str, rows: Iterable[Document]) -> list[Document]:
    """As ``find_colliding``, of documents of one collection."""
    indexes = schema.KEYED[collection]
    by_key: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    unusable: list[str] = []
    no_text: list[str] = []
    for row in rows:
        id = row["_id"]
        if not isinstance(id, str):
            no_text.append(str(id))
            continue
        if not id or usable(id) != id:
            unusable.append(id)
        keys = readable_one(collection, partial(_keys_repaired, collection), row) or {}
        for field, key in keys.items():
            if key is not None:
                by_key[(field, key)].append(id)
    groups: list[tuple[str, str | None, list[str]]] = [
        *(("_id", id, [id]) for id in sorted(unusable)),
        *((*next(iter(NO_TEXT.items())), [id]) for id in sorted(no_text)),
    ]
    groups += [(*at, ids) for at, ids in sorted(by_key.items()) if len(ids) > 1]
    return [
        {
            "collection": collection,
            "index": indexes.get(field, indexes["id_key"]),
            "key": {field: key},
            "ids": sorted(ids),
        }
        for field, key, ids in groups
    ]


def _keys_repaired(collection: str, row: Document) -> Document:
    keys = keys_of(collection, repaired(collection, row))
    if row.get("retired"):
        del keys["name_key"]
    return keys


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
