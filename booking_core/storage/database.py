"""Connecting, and the one place where driver errors become ours."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Hashable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import pymongo
from bson.codec_options import CodecOptions
from pymongo import MongoClient, ReadPreference, WriteConcern
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    ExecutionTimeout,
    InvalidURI,
    OperationFailure,
    PyMongoError,
)
from pymongo.read_concern import ReadConcern

from booking_core.domain.errors import InvalidRequest, StoreUnavailable
from booking_core.settings import Settings
from booking_core.storage import migrations
from booking_core.storage.single_flight import SharedReads, Turn, Turns

if TYPE_CHECKING:
    from booking_core.embedded.server import EmbeddedServer

log = logging.getLogger(__name__)
T = TypeVar("T")

Documents = migrations.Documents
DEADLINE_SECONDS = 5.0  # for one verb, retries of the driver included
_CODEC: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
# w=majority and journaled: what was confirmed survives the loss of a server.
_WRITE = WriteConcern(w="majority", j=True)
# Server states in which it is alive but cannot serve: stepping down, shutting down, no primary.
_AWAY_CODES = frozenset({6, 7, 89, 91, 189, 9001, 10107, 11600, 11602, 13435, 13436})
_REFUSED_LOGIN = frozenset({18, 8000})
_NOT_ALLOWED = 13


@contextlib.contextmanager
def reachable(seconds: float | None = DEADLINE_SECONDS) -> Iterator[None]:
    """Within it, a database that cannot be reached raises StoreUnavailable.

    A login or a user that the server refuses raises InvalidRequest. Other driver errors pass as
    they are: each has a meaning for whoever made the call.
    """
    try:
        with pymongo.timeout(seconds):
            yield
    except (ConnectionFailure, ExecutionTimeout) as exc:
        raise StoreUnavailable(str(exc)) from exc
    except OperationFailure as exc:
        if exc.code in _AWAY_CODES or exc.timeout:
            raise StoreUnavailable(str(exc)) from exc
        if exc.code in _REFUSED_LOGIN:
            raise InvalidRequest("MONGODB_URI", "has a user or password that is refused") from exc
        if exc.code == _NOT_ALLOWED:
            raise InvalidRequest("MONGODB_URI", "has a user who may not do this there") from exc
        raise
    except PyMongoError as exc:
        if exc.timeout or isinstance(exc, pymongo.errors.InvalidOperation):
            raise StoreUnavailable(str(exc)) from exc
        raise


class BookingDatabase(Database[dict[str, Any]]):
    """A pymongo Database that knows the settings it was connected with."""

    def __init__(self, client: MongoClient[dict[str, Any]], settings: Settings) -> None:
        super().__init__(client, settings.database, codec_options=_CODEC, write_concern=_WRITE)
        self.booking_settings = settings
        self.booking_caches: dict[str, Any] = {}
        self.embedded_server: EmbeddedServer | None = None
        self.shared_reads = SharedReads()
        self.turns = Turns()


def connect(settings: Settings) -> BookingDatabase:
    """The database of ``settings``, schema ensured.

    ``settings.mongodb_uri`` None starts or joins the embedded server, which lasts as long as this
    process, or until ``disconnect``. Raises StoreUnavailable within 5 seconds when nothing
    answers, InvalidRequest for a malformed address or a server that is no replica set,
    SchemaConflict, and ServerFailed.
    """
    uri, server = settings.mongodb_uri, None
    if uri is None:
        from booking_core.embedded import server as mongod

        server = mongod.start(settings.data_path)
        uri = server.uri
    db = open_database(uri, settings)
    db.embedded_server = server
    try:
        with reachable():
            hello = db.client.admin.command("hello")
            if "setName" not in hello and hello.get("msg") != "isdbgrid":
                raise InvalidRequest(
                    "MONGODB_URI",
                    "names a server that is no replica set; live updates and transactions need one",
                )
        ensure_schema(db)
    except BaseException:
        disconnect(db)
        raise
    return db


def disconnect(db: BookingDatabase) -> None:
    """Closes the connection, and leaves the embedded server: the last one out stops it."""
    db.client.close()
    if db.embedded_server is not None:
        db.embedded_server.close()


@contextlib.contextmanager
def connected(settings: Settings) -> Iterator[BookingDatabase]:
    """``connect``, for as long as the block lasts."""
    db = connect(settings)
    try:
        yield db
    finally:
        disconnect(db)


def open_database(uri: str, settings: Settings) -> BookingDatabase:
    """A database handle without a look at the server; raises InvalidRequest for a bad address."""
    try:
        client: MongoClient[dict[str, Any]] = MongoClient(
            uri,
            tz_aware=True,
            appname="ground-booking",
            serverSelectionTimeoutMS=4000,
            connectTimeoutMS=3000,
            heartbeatFrequencyMS=2000,
            retryWrites=True,
        )
    except (InvalidURI, ConfigurationError, ValueError) as exc:
        raise InvalidRequest("MONGODB_URI", str(exc)) from exc
    return BookingDatabase(client, settings)


def ensure_schema(db: Documents) -> None:
    """Indexes and validators as they must be; idempotent.

    Raises SchemaConflict, with the offenders and nothing changed, when data already breaks one.
    """
    # Building an index over a large collection takes its time: no deadline here.
    with reachable(None):
        migrations.ensure(db)


def settings_of(db: Documents) -> Settings:
    """The settings ``db`` was connected with; for a plain pymongo Database, this process's."""
    return db.booking_settings if isinstance(db, BookingDatabase) else Settings.load()


def cache_of(db: Documents) -> dict[str, Any]:
    """A place for what was read from ``db``; a plain pymongo Database remembers nothing."""
    return db.booking_caches if isinstance(db, BookingDatabase) else {}


def shared(db: Documents, key: Hashable, read: Callable[[], T]) -> T:
    """What ``read`` returns: one read for all threads that ask for ``key`` at the same moment."""
    return db.shared_reads.get(key, read) if isinstance(db, BookingDatabase) else read()


@contextlib.contextmanager
def turn(db: Documents, key: Hashable) -> Iterator[Turn]:
    """This thread's turn at ``key``, in which another of this process may have gone first."""
    if isinstance(db, BookingDatabase):
        with db.turns.take(key, DEADLINE_SECONDS) as mine:
            yield mine
    else:
        yield Turn()


def collection(db: Documents, name: str) -> Collection[dict[str, Any]]:
    """A collection that reads aware datetimes and writes w=majority, journaled, for any ``db``."""
    key = f"collection:{name}"
    cache = cache_of(db)
    found: Collection[dict[str, Any]] | None = cache.get(key)
    if found is None:
        found = cache[key] = db.get_collection(
            name,
            codec_options=_CODEC,
            write_concern=_WRITE,
            read_concern=ReadConcern("local"),
            read_preference=ReadPreference.PRIMARY,
        )
    return found


def transact(
    db: Documents, work: Callable[[ClientSession], T], seconds: float = DEADLINE_SECONDS
) -> T:
    """``work`` in one transaction, retried by the driver on a write conflict."""
    with reachable(seconds), db.client.start_session() as session:
        return session.with_transaction(
            work, read_concern=ReadConcern("snapshot"), write_concern=_WRITE
        )
