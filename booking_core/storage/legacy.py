"""Reads the documents of the system that this one replaces: from its database, or from files.

Nothing is written to that database, not even an index.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import bson
from bson import json_util
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.dbref import DBRef
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from bson.objectid import ObjectId
from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from booking_core.domain.errors import InvalidRequest
from booking_core.storage.extended_json import UNREADABLE
from booking_core.storage.schema import schema

MOST_BYTES = 500_000_000  # of a file
_BATCH = 1000
_ANSWER_SECONDS = 5.0
_REFUSED_LOGIN = frozenset({18, 8000})
_CODEC: CodecOptions[dict[str, Any]] = CodecOptions(
    tz_aware=True,
    tzinfo=UTC,
    unicode_decode_error_handler="replace",
    # A date beyond the years of Python makes one document unreadable, not all of them.
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
)
_JSON = json_util.JSONOptions(
    tz_aware=True, tzinfo=UTC, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
_SPACES = " \t\r\n,[]\ufeff"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LegacyDocument:
    """A document in plain values: an ObjectId is its text, a date is aware (UTC).

    ``made_at`` is the moment in its ObjectId, None for another id. ``problem`` says why the values
    cannot be read; there are none then.
    """

    id: str
    values: Mapping[str, Any]
    made_at: datetime | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class LegacyDatabase:
    """The old database. ``uri`` may hold a password and is not shown."""

    uri: str = field(repr=False)
    database: str
    collection: str = "bookings"
    users: str = "users"

    def documents(self) -> Iterator[LegacyDocument]:
        """All bookings, in the order of their ids.

        Raises InvalidRequest for the field "uri", "database" or "collection", also where that is
        the database of this application, and where it holds no such documents.
        """
        with self._client() as client:
            bookings = self._named(client, self.collection, "collection")
            meta = self._named(client, schema.META, "database")
            if self.collection in schema.VALIDATORS and self._read(
                lambda: meta.find_one({"_id": "revision", "schema": {"$exists": True}})
            ):
                raise InvalidRequest("database", "is one of this application, not the old system's")
            rows = bookings.find(batch_size=_BATCH).sort("_id", 1)
            found = False
            while (row := self._read(lambda: next(rows, None))) is not None:
                found = True
                yield _plain_document(row)
            if not found:
                place = f"{self.collection!r} of {self.database!r}"
                raise InvalidRequest("collection", f"{place} holds no documents")

    def users_of(self, ids: Collection[str]) -> dict[str, Mapping[str, Any]]:
        """The users with one of ``ids``, which may be ObjectIds there. Raises InvalidRequest."""
        found: dict[str, Mapping[str, Any]] = {}
        with self._client() as client:
            users = self._named(client, self.users, "users")
            wanted = sorted(ids)
            for start in range(0, len(wanted), _BATCH):
                part: list[Any] = [*wanted[start : start + _BATCH]]
                part += [ObjectId(id) for id in part if ObjectId.is_valid(id)]
                part += [int(id) for id in part if isinstance(id, str) and _is_number(id)]
                rows = users.find({"_id": {"$in": part}}, batch_size=_BATCH)
                found_rows: list[dict[str, Any]] = self._read(partial(list, rows))
                for row in found_rows:
                    user = _plain_document(row)
                    found[user.id] = user.values
        return found

    def _client(self) -> MongoClient[dict[str, Any]]:
        try:
            return MongoClient(
                self.uri,
                appname="ground-booking-legacy",
                serverSelectionTimeoutMS=int(_ANSWER_SECONDS * 1000),
                connectTimeoutMS=int(_ANSWER_SECONDS * 1000),
            )
        except (PyMongoError, ValueError, KeyError, TypeError):
            # Without the driver's words, which quote parts of a password.
            problem = "is no address of MongoDB; a password has / @ : and % as %2F %40 %3A and %25"
            raise InvalidRequest("uri", problem) from None

    def _named(self, client: MongoClient[dict[str, Any]], name: str, field: str) -> Any:
        """The collection ``name``; an error about the name is one of ``field``."""
        try:
            database = client.get_database(self.database, codec_options=_CODEC)
        except (PyMongoError, TypeError) as exc:
            raise InvalidRequest("database", f"is no name of a database: {exc}") from exc
        try:
            return database[name]
        except (PyMongoError, TypeError) as exc:
            raise InvalidRequest(field, f"is no name of a collection: {exc}") from exc

    def _read(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except OperationFailure as exc:
            refused = exc.code in _REFUSED_LOGIN
            problem = (
                "names a user or password that is refused" if refused else f"cannot read: {exc}"
            )
            raise InvalidRequest("uri", problem) from exc
        except PyMongoError as exc:
            raise InvalidRequest("uri", f"names a server that does not answer: {exc}") from exc
        except bson.errors.BSONError as exc:
            raise InvalidRequest("collection", f"holds a damaged document: {exc}") from exc


@dataclass(frozen=True, slots=True)
class LegacyFile:
    """Files of ``mongoexport``: a document a line, or an array, in Extended JSON."""

    bookings: Path
    users: Path | None = None

    def documents(self) -> Iterator[LegacyDocument]:
        """All bookings, in the order of the file.

        Raises InvalidRequest for a file that cannot be read, that is no JSON or holds no documents.
        """
        return itertools.chain([_first(found := _objects(self.bookings), self.bookings)], found)

    def users_of(self, ids: Collection[str]) -> dict[str, Mapping[str, Any]]:
        """The users with one of ``ids``; none without a file. Raises as ``documents``."""
        if self.users is None:
            return {}
        return {user.id: user.values for user in _objects(self.users) if user.id in ids}


LegacySource = LegacyDatabase | LegacyFile


def _first(found: Iterator[LegacyDocument], file: Path) -> LegacyDocument:
    first = next(found, None)
    if first is None:
        raise InvalidRequest(file.name, "holds no documents")
    return first


def _objects(file: Path) -> Iterator[LegacyDocument]:
    """The documents of ``file``, which may be separated by spaces, line ends and commas."""
    try:
        if file.stat().st_size > MOST_BYTES:
            raise InvalidRequest(file.name, f"is larger than {MOST_BYTES // 1_000_000} MB")
        text = file.read_text("utf-8-sig")
    except OSError as exc:
        raise InvalidRequest(file.name, f"cannot be read: {exc.strerror or exc}") from exc
    except UnicodeDecodeError as exc:
        raise InvalidRequest(file.name, "is no UTF-8 text") from exc
    decoder = json.JSONDecoder()
    place, line, counted = 0, 1, 0
    while True:
        while place < len(text) and text[place] in _SPACES:
            place += 1
        if place >= len(text):
            return
        line, counted = line + text.count("\n", counted, place), place
        try:
            raw, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as exc:
            raise InvalidRequest(file.name, f"is no JSON from line {line} on") from exc
        if not isinstance(raw, dict):
            raise InvalidRequest(file.name, f"holds no document on line {line}")
        yield _from_json(raw, f"line {line}")


def _from_json(raw: dict[str, Any], place: str) -> LegacyDocument:
    try:
        row = json_util.loads(json.dumps(raw), json_options=_JSON)
        if not isinstance(row, dict):
            raise ValueError("it is a value of Extended JSON")
    except (ValueError, *UNREADABLE) as exc:
        return LegacyDocument(place, {}, problem=f"is no Extended JSON: {exc}")
    return _plain_document(row, place)


def _plain_document(row: Mapping[str, Any], place: str = "") -> LegacyDocument:
    raw = row.get("_id")
    id = place if raw is None else _id_text(raw)
    made_at = raw.generation_time if isinstance(raw, ObjectId) else None
    try:
        return LegacyDocument(id, {str(key): _plain(value) for key, value in row.items()}, made_at)
    except RecursionError:
        return LegacyDocument(id, {}, made_at, "is nested too deeply")


def _id_text(raw: Any) -> str:
    plain = _plain(raw)
    if isinstance(plain, float) and plain.is_integer():
        plain = int(plain)  # the shell stores 12 as 12.0
    return plain if isinstance(plain, str) else json_util.dumps(raw)


def _plain(value: Any) -> Any:
    if isinstance(value, ObjectId):
        return str(value)
    if isinstance(value, DBRef):
        return _plain(value.id)
    if isinstance(value, Int64):
        return int(value)
    if isinstance(value, Decimal128):
        return _decimal(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def _decimal(value: Decimal128) -> Decimal | str:
    try:
        return value.to_decimal()
    except ArithmeticError:
        return str(value)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
