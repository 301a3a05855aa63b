"""Connecting to MongoDB; deadlines; and the translation of driver errors into errors of ours.

Two promises are kept here for all of storage. Reads outside transactions return only what a
majority of the servers has, so nothing that is read can be rolled back by an election. And one
verb has one deadline: blocks of ``reachable`` may be nested, and the earliest deadline counts.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import time
from collections.abc import Callable, Hashable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import pymongo
from bson.codec_options import CodecOptions
from pymongo import MongoClient, ReadPreference, WriteConcern, monitoring
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    ExecutionTimeout,
    InvalidOperation,
    InvalidURI,
    OperationFailure,
    PyMongoError,
)
from pymongo.read_concern import ReadConcern

from booking_core.domain.errors import InvalidRequest, StoreUnavailable
from booking_core.settings import Settings
from booking_core.storage import background, indexes, migrations, schema
from booking_core.storage.single_flight import SharedReads

if TYPE_CHECKING:
    from booking_core.embedded.server import EmbeddedServer

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

Documents = migrations.Documents
DEADLINE_SECONDS = 5.0  # for one verb, retries of the driver included
_CLOSE_SECONDS = 1.0  # for the last message to a server, which may hang
_OLDEST_WIRE_VERSION = 17  # of MongoDB 6.0
_CODEC: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
# w=majority and journaled: what was confirmed survives the loss of a server.
_WRITE = WriteConcern(w="majority", j=True)
# Server states in which it is alive but cannot serve: stepping down, shutting down, no primary.
_AWAY_CODES = frozenset({6, 7, 89, 91, 189, 9001, 10107, 11600, 11602, 13435, 13436})
_REFUSED_LOGIN = frozenset({18, 8000})
_NOT_ALLOWED = 13
# Of schema changes beside others: NamespaceNotFound, ConflictingOperationInProgress,
# DatabaseDropPending, IndexBuildAborted, BackgroundOperationInProgressForDatabase and
# ...ForNamespace.
_PASSING_CODES = frozenset({26, 117, 215, 276, 12586, 12587})
_SCHEMA_TRIES = 20
_SCHEMA_PAUSE_SECONDS = 0.1


class _Verb:
    """Whether a write of the verb that runs was sent: from then on its effect is not known."""

    write_sent = False


_verb: ContextVar[_Verb | None] = ContextVar("verb", default=None)


class _WriteListener(monitoring.CommandListener):
    """Notes for the verb of this thread that a write is sent. The driver calls it beforehand."""

    _WRITES = frozenset({"insert", "update", "delete", "findAndModify", "commitTransaction"})

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        # In a transaction nothing happens before the commit.
        in_transaction = "autocommit" in event.command
        commits = event.command_name == "commitTransaction"
        if event.command_name in self._WRITES and (commits or not in_transaction):
            _note_write()

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


_listener = _WriteListener()


def _note_write() -> None:
    if (verb := _verb.get()) is not None:
        verb.write_sent = True


@contextlib.contextmanager
def reachable(seconds: float | None = DEADLINE_SECONDS) -> Iterator[None]:
    """Within it, a database that cannot be reached raises StoreUnavailable.

    The block has ``seconds`` (None: as long as it takes), or less where a block around it has
    less left. A login or a user that the server refuses raises InvalidRequest. Other driver
    errors pass as they are: each has a meaning for the function that made the call.
    """
    try:
        with pymongo.timeout(seconds):
            yield
    except PyMongoError as exc:
        if (ours := _translation(exc)) is None:
            raise
        raise ours from exc


def within_deadline(verb: Callable[P, T]) -> Callable[P, T]:
    """``verb`` with one deadline, DEADLINE_SECONDS, for all of its calls together.

    For public verbs. StoreUnavailable, where it is raised, then knows whether a write of this
    verb was sent (``nothing_happened``). A verb that calls another shares its own deadline.
    """

    @functools.wraps(verb)
    def limited(*args: P.args, **kwargs: P.kwargs) -> T:
        if _verb.get() is not None:
            return verb(*args, **kwargs)
        token = _verb.set(_Verb())
        try:
            with reachable():
                return verb(*args, **kwargs)
        finally:
            _verb.reset(token)

    return limited


def _translation(exc: PyMongoError) -> InvalidRequest | StoreUnavailable | None:
    """The error of ours for ``exc``; None where it means something else."""
    code = exc.code if isinstance(exc, OperationFailure) else None
    if code in _REFUSED_LOGIN:
        return InvalidRequest("MONGODB_URI", "has a user or password that is refused")
    if code == _NOT_ALLOWED:
        return InvalidRequest("MONGODB_URI", "has a user who may not do this there")
    away = (ConnectionFailure, ExecutionTimeout, InvalidOperation)
    if isinstance(exc, away) or exc.timeout or code in _AWAY_CODES:
        verb = _verb.get()
        known = verb is not None and not verb.write_sent
        return StoreUnavailable(str(exc), nothing_happened=known)
    return None


class BookingDatabase(Database[dict[str, Any]]):
    """A pymongo Database that knows the settings it was connected with.

    It stays valid when the server moves: ``follow`` gives it another client.
    """

    def __init__(self, client: MongoClient[dict[str, Any]], settings: Settings) -> None:
        self.booking_settings = settings
        self.booking_caches: dict[str, Any] = {}
        self.embedded_server: EmbeddedServer | None = None
        self.shared_reads = SharedReads()
        self._use(client)

    def _use(self, client: MongoClient[dict[str, Any]]) -> None:
        name = self.booking_settings.database
        listeners: list[Any] = [*client.options.event_listeners]
        self.notes_writes = _listener in listeners
        super().__init__(client, name, codec_options=_CODEC, write_concern=_WRITE)

    def follow(self, uri: str) -> None:
        """Goes on with the server at ``uri``, for all who hold this handle or a collection of it.

        Calls that are under way at the old address raise StoreUnavailable.
        """
        before = self.client
        self._use(_client(uri))
        _close(before)


def open_settings(settings: Settings) -> BookingDatabase:
    """A handle on the database of ``settings``, without a look at the server.

    ``settings.mongodb_uri`` None starts or joins the embedded server. Raises InvalidRequest for a
    malformed address, and ServerFailed.
    """
    if settings.mongodb_uri is not None:
        return open_database(settings.mongodb_uri, settings)
    from booking_core.embedded import server as mongod

    server = mongod.start(settings.data_path)
    db = open_database(server.uri, settings)
    db.embedded_server = server
    server.on_move(db.follow)
    background.register(server.watchdog)
    return db


def open_database(uri: str, settings: Settings) -> BookingDatabase:
    """A handle on the database at ``uri``, without a look at the server.

    Raises InvalidRequest for a malformed address.
    """
    return BookingDatabase(_client(uri), settings)


def _client(uri: str) -> MongoClient[dict[str, Any]]:
    try:
        return MongoClient(
            uri,
            tz_aware=True,
            appname="ground-booking",
            serverSelectionTimeoutMS=4000,
            connectTimeoutMS=3000,
            heartbeatFrequencyMS=2000,
            retryWrites=True,
            event_listeners=[_listener],
        )
    except (InvalidURI, ConfigurationError, ValueError) as exc:
        raise InvalidRequest("MONGODB_URI", str(exc)) from exc


def connect(settings: Settings) -> BookingDatabase:
    """The database of ``settings``, schema ensured.

    ``settings.mongodb_uri`` None starts or joins the embedded server, which lasts as long as this
    process, or until ``disconnect``. Raises StoreUnavailable within 5 seconds when no primary
    with a majority answers; InvalidRequest for a malformed address, for a server that is no
    replica set and for one that is older than 6.0; SchemaConflict; and ServerFailed.
    """
    db = open_settings(settings)
    try:
        _check_server(db)
        ensure_schema(db)
    except BaseException:
        disconnect(db)
        raise
    return db


@within_deadline
def _check_server(db: BookingDatabase) -> None:
    hello = db.client.admin.command("hello")
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise InvalidRequest(
            "MONGODB_URI",
            "names a server that is no replica set; live updates and transactions need one",
        )
    if hello["maxWireVersion"] < _OLDEST_WIRE_VERSION:
        raise InvalidRequest("MONGODB_URI", "names a server that is older than MongoDB 6.0")


def disconnect(db: BookingDatabase) -> None:
    """Closes the connection, and leaves the embedded server: the last app to leave stops it."""
    _close(db.client)
    if db.embedded_server is not None:
        background.unregister(db.embedded_server.watchdog)
        db.embedded_server.close()


def _close(client: MongoClient[dict[str, Any]]) -> None:
    with pymongo.timeout(_CLOSE_SECONDS):
        client.close()


@contextlib.contextmanager
def connected(settings: Settings) -> Iterator[BookingDatabase]:
    """``connect``, for as long as the block lasts."""
    db = connect(settings)
    try:
        yield db
    finally:
        disconnect(db)


def ensure_schema(db: Documents) -> None:
    """Makes indexes and validators be as ``schema`` says; idempotent, also beside others.

    Raises SchemaConflict, with the offenders and nothing changed, when data already breaks an
    index; StoreUnavailable within 5 seconds when no primary with a majority answers. Where an
    index is missing there is no other deadline, for building it over a large collection takes
    its time.
    """
    for tries in range(_SCHEMA_TRIES):
        try:
            _ensure_schema(db)
            return
        except OperationFailure as exc:
            if exc.code not in _PASSING_CODES or tries == _SCHEMA_TRIES - 1:
                raise
            time.sleep(_SCHEMA_PAUSE_SECONDS)  # another process changes the same


def _ensure_schema(db: Documents) -> None:
    if _is_schema_complete(db):
        return
    with reachable(None):
        migrations.ensure(db)


@within_deadline
def _is_schema_complete(db: Documents) -> bool:
    await_majority(db)
    is_current = migrations.version(db) == schema.VERSION
    return is_current and not indexes.index_faults(db) and not indexes.validator_faults(db)


def await_majority(db: Documents) -> None:
    """Returns when a majority of the servers has confirmed the primary; changes no data."""
    # This is what a linearizable read does before it answers.
    confirmed = db.get_collection(
        schema.META,
        read_concern=ReadConcern("linearizable"),
        read_preference=ReadPreference.PRIMARY,
    )
    with reachable():
        confirmed.find_one({"_id": "revision"}, {"_id": 1})


def settings_of(db: Documents) -> Settings:
    """The settings ``db`` was connected with; for a plain pymongo Database, this process's."""
    return db.booking_settings if isinstance(db, BookingDatabase) else Settings.load()


def cache_of(db: Documents) -> dict[str, Any]:
    """A place for what was read from ``db``; a plain pymongo Database remembers nothing."""
    return db.booking_caches if isinstance(db, BookingDatabase) else {}


def shared(db: Documents, key: Hashable, read: Callable[[], T]) -> T:
    """What ``read`` returns: one read for all threads that ask for ``key`` at the same moment."""
    return db.shared_reads.get(key, read) if isinstance(db, BookingDatabase) else read()


def collection(db: Documents, name: str) -> Collection[dict[str, Any]]:
    """A collection for any ``db``: aware datetimes; reads what a majority has, from the primary;

    writes w=majority, journaled.
    """
    if not (isinstance(db, BookingDatabase) and db.notes_writes):
        _note_write()  # it is not known when another client than ours writes
    key = f"collection:{name}"
    cache = cache_of(db)
    found: Collection[dict[str, Any]] | None = cache.get(key)
    if found is None:
        found = cache[key] = db.get_collection(
            name,
            codec_options=_CODEC,
            write_concern=_WRITE,
            read_concern=ReadConcern("majority"),
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
