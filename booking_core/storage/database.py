"""Handles on the database; deadlines; and the translation of driver errors into errors of ours.

Two promises are kept here for all of storage. No verb answers by what only a minority of the
servers has, so nothing that it says can be rolled back by an election. And one verb has one
deadline: blocks of ``reachable`` may be nested, and the earliest deadline counts.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import time
from collections.abc import Callable, Hashable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

import pymongo
from bson.codec_options import CodecOptions
from pymongo import MongoClient, ReadPreference, WriteConcern, monitoring
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import (
    ConfigurationError,
    InvalidURI,
    PyMongoError,
)
from pymongo.read_concern import ReadConcern
from pymongo.server_type import SERVER_TYPE

from booking_core.domain.clock import clock, to_millis
from booking_core.domain.errors import BookingError, InvalidRequest, StoreUnavailable
from booking_core.domain.validation import check_now
from booking_core.settings import Settings
from booking_core.storage import (
    connection_pools,
    deadlines,
    driver_errors,
    migrations,
    schema,
    schema_number,
)
from booking_core.storage.schema_number import SchemaNumber
from booking_core.storage.server_clock import ServerClock
from booking_core.storage.single_flight import SharedReads

if TYPE_CHECKING:
    from booking_core.embedded.server import EmbeddedServer

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

Documents = migrations.Documents
DEADLINE_SECONDS = 5.0  # for one verb, retries of the driver included
_CLOSE_SECONDS = 1.0  # for the last message to a server, which may hang
_CODEC: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
# w=majority and journaled: what was confirmed survives the loss of a server.
_WRITE = WriteConcern(w="majority", j=True)
_READ = ReadConcern("majority")
# For each client, in the place of what the address says: the promises depend on them.
_CLIENT_OPTIONS: dict[str, Any] = {
    "tz_aware": True,
    "appname": "ground-booking",
    "serverSelectionTimeoutMS": 4000,
    "connectTimeoutMS": 3000,
    "heartbeatFrequencyMS": 2000,
    "retryWrites": True,
    "retryReads": True,
    "readPreference": "primary",
    "readPreferenceTags": "",
    "maxStalenessSeconds": -1,
    "readConcernLevel": "majority",
    "w": "majority",
    "journal": True,
    "fsync": False,
    "wTimeoutMS": 0,
}
_PAUSE_SECONDS = 0.05  # before a connection without sessions is replaced again


class _WriteListener(monitoring.CommandListener):
    """Notes for the verb of this thread that a write is sent. The driver calls it beforehand."""

    _WRITES = frozenset({"insert", "update", "delete", "findAndModify", "commitTransaction"})

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        # In a transaction nothing happens before the commit.
        in_transaction = "autocommit" in event.command
        commits = event.command_name == "commitTransaction"
        if event.command_name in self._WRITES and (commits or not in_transaction):
            deadlines.note_write()

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


_listener = _WriteListener()


@contextlib.contextmanager
def reachable(seconds: float | None = DEADLINE_SECONDS) -> Iterator[None]:
    """Within it, a database that cannot be reached raises StoreUnavailable.

    The block has ``seconds`` (None: no limit of its own), or less where a block around it has
    less left. A login or a user that the server refuses raises InvalidRequest. Other driver
    errors pass as they are: each has a meaning for the function that made the call.
    """
    with _translated(driver_errors.translated), deadlines.limited(seconds):
        yield


@contextlib.contextmanager
def _translated(translation: Callable[[Exception], BookingError | None]) -> Iterator[None]:
    try:
        yield
    except driver_errors.DRIVER_ERRORS as exc:
        if (ours := translation(exc)) is None:
            raise
        raise ours from exc


@overload
def within_deadline(verb: Callable[P, T]) -> Callable[P, T]: ...
@overload
def within_deadline(
    *, seconds: float = DEADLINE_SECONDS, any_schema: bool = False
) -> Callable[[Callable[P, T]], Callable[P, T]]: ...
def within_deadline(
    verb: Any = None, *, seconds: float = DEADLINE_SECONDS, any_schema: bool = False
) -> Any:
    """``verb`` with one deadline for all of its calls together, ``seconds`` from its start.

    For public functions. StoreUnavailable, where it is raised, knows whether a write of this verb
    was sent (``nothing_happened``); of a function that only reads, none is. A verb that calls
    another shares its own deadline. No error of the driver leaves the verb. Raises UpdateNeeded
    before it begins for a database that a newer version has migrated: at once where the change feed
    is connected, else within 2 seconds; with ``any_schema`` it begins all the same.
    """
    if verb is None:
        return functools.partial(within_deadline, seconds=seconds, any_schema=any_schema)

    @functools.wraps(verb)
    def limited(*args: Any, **kwargs: Any) -> Any:
        if deadlines.is_verb():
            if not any_schema:
                _check_schema_number(args)
            return verb(*args, **kwargs)
        with deadlines.of_verb(seconds), _translated(driver_errors.translated_at_last):
            if not any_schema:
                _check_schema_number(args)
            return verb(*args, **kwargs)

    limited.__dict__["deadline_seconds"] = seconds
    return limited


class BookingDatabase(Database[dict[str, Any]]):
    """A pymongo Database that knows the settings it was connected with.

    It stays valid when the server moves: ``follow`` gives it another client.
    """

    def __init__(
        self,
        client: MongoClient[dict[str, Any]],
        settings: Settings,
        server_clock: ServerClock | None = None,
    ) -> None:
        self.booking_settings = settings
        # One that is not given is a listener of no client: it shows what is noted on it.
        self.server_clock = server_clock or ServerClock()
        self.booking_caches: dict[str, Any] = {}
        self.embedded_server: EmbeddedServer | None = None
        self.shared_reads = SharedReads()
        self.schema_number = SchemaNumber()
        self._lost_track = 0
        # Whether the index of claims is known to be right at this moment: the change feed knows.
        self.is_index_known: Callable[[], bool] = lambda: False
        self._use(client)

    def _use(self, client: MongoClient[dict[str, Any]]) -> None:
        name = self.booking_settings.database
        listeners: list[Any] = [*client.options.event_listeners]
        self.notes_writes = _listener in listeners
        super().__init__(
            client,
            name,
            codec_options=_CODEC,
            write_concern=_WRITE,
            read_concern=_READ,
            read_preference=ReadPreference.PRIMARY,
        )

    def follow(self, uri: str) -> None:
        """Goes on with the server at ``uri``, for all who hold this handle or a collection of it.

        Calls that are under way at the old address raise StoreUnavailable.
        """
        before = self.client
        self._use(_client(uri, self.server_clock))
        _close(before)

    @property
    def epoch(self) -> Hashable:
        """A value that differs after each election, and after each call of ``begin_epoch``.

        A number that is read in one epoch says nothing about data of another one.
        """
        return (self._lost_track, primary_of(self))

    def begin_epoch(self) -> None:
        """Makes all that was read by a revision be read again: changes may have been missed."""
        self._lost_track += 1

    def close(self) -> None:
        """Closes the connection."""
        _close(self.client)


def open_database(uri: str, settings: Settings) -> BookingDatabase:
    """A handle on the database at ``uri``, without a look at the server.

    Raises InvalidRequest for a malformed address.
    """
    server_clock = ServerClock()
    return BookingDatabase(_client(uri, server_clock), settings, server_clock)


def _client(uri: str, server_clock: ServerClock) -> MongoClient[dict[str, Any]]:
    try:
        return MongoClient(uri, event_listeners=[_listener, server_clock], **_CLIENT_OPTIONS)
    except (InvalidURI, ConfigurationError, ValueError, KeyError, TypeError) as exc:
        raise InvalidRequest("MONGODB_URI", str(exc)) from exc


def _close(client: MongoClient[dict[str, Any]]) -> None:
    with pymongo.timeout(_CLOSE_SECONDS):
        client.close()


def read_schema_number(db: BookingDatabase) -> None:
    """Reads into ``db.schema_number`` what is stored now."""
    with reachable():
        fields = dict.fromkeys(schema_number.FIELDS, 1)
        found = db.get_collection(schema.META).find_one({"_id": "revision"}, fields)
    db.schema_number.note(found or {})


def _check_schema_number(args: tuple[Any, ...]) -> None:
    db = args[0] if args else None
    if not isinstance(db, BookingDatabase):
        return
    if not db.schema_number.is_known(followed=db.is_index_known()):
        read_schema_number(db)
    if (error := db.schema_number.error) is not None:
        raise error


def settings_of(db: Documents) -> Settings:
    """The settings ``db`` was connected with; for a plain pymongo Database, this process's."""
    return db.booking_settings if isinstance(db, BookingDatabase) else Settings.load()


def present(db: Documents) -> datetime:
    """This moment (UTC, whole milliseconds) by the clock of the server of ``db``, without a read.

    For a plain pymongo Database, by this process's.
    """
    return db.server_clock.now() if isinstance(db, BookingDatabase) else clock()


def moment(db: Documents, now: datetime | None) -> datetime:
    """``now`` in stored precision; None: ``present(db)``. Raises InvalidRequest."""
    checked = check_now(now)
    return present(db) if checked is None else to_millis(checked)


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
        deadlines.note_write()  # it is not known when another client than ours writes
    key = f"collection:{name}"
    cache = cache_of(db)
    found: Collection[dict[str, Any]] | None = cache.get(key)
    if found is None:
        found = cache[key] = db.get_collection(
            name,
            codec_options=_CODEC,
            write_concern=_WRITE,
            read_concern=_READ,
            read_preference=ReadPreference.PRIMARY,
        )
    return found


def transact(
    db: Documents, work: Callable[[ClientSession], T], seconds: float = DEADLINE_SECONDS
) -> T:
    """``work`` in one transaction, retried by the driver on a write conflict.

    What ``work`` raises by what it has read is raised once a majority has all of that, and
    StoreUnavailable in its place where no majority says so in time.
    """
    with reachable(seconds):
        while True:
            try:
                return _in_transaction(db, work)
            except (PyMongoError, StoreUnavailable) as exc:
                if not driver_errors.is_without_sessions(exc):
                    raise
                if deadlines.seconds_left() < _PAUSE_SECONDS:
                    raise StoreUnavailable("no connection with sessions in time") from exc
                time.sleep(_PAUSE_SECONDS)


def _in_transaction(db: Documents, work: Callable[[ClientSession], T]) -> T:
    with db.client.start_session() as session:
        if (primary := primary_of(db)) is None:
            db.client.admin.command("ping")  # the driver looks for the primary first
            primary = primary_of(db)
        results: list[T] = []

        def noted(session: ClientSession) -> T:
            results.clear()
            try:
                results.append(work(session))
            except (PyMongoError, StoreUnavailable) as exc:
                # At once, so that the driver can end the transaction on the server.
                if driver_errors.is_without_sessions(exc):
                    connection_pools.renew(db.client)
                raise
            return results[0]

        try:
            return session.with_transaction(
                noted,
                read_concern=ReadConcern("snapshot"),
                write_concern=_WRITE,
                read_preference=ReadPreference.PRIMARY,
            )
        except PyMongoError as exc:
            if not (results and driver_errors.is_without_sessions(exc)):
                raise
            # The commit was not sent. Without it the transaction would hold its slots for long.
            connection_pools.renew(db.client)
            session.commit_transaction()
            return results[0]
        except StoreUnavailable:
            raise
        except Exception:
            # Only a commit waits until a majority has what the transaction has read, which may be
            # the write of a verb that is not acknowledged. This one was aborted.
            await_majority(db)
            if primary_of(db) != primary:
                raise StoreUnavailable("a primary was elected meanwhile") from None
            raise


def snapshot(db: Documents, look: Callable[[ClientSession], T]) -> T:
    """What ``look`` returns, which reads as of one moment, acknowledged by a majority.

    It is tried again within the deadline where the server does not have that moment.
    """
    with reachable():
        while True:
            try:
                with db.client.start_session(snapshot=True) as session:
                    return look(session)
            except (PyMongoError, StoreUnavailable) as exc:
                if driver_errors.is_without_sessions(exc):
                    connection_pools.renew(db.client)
                elif not driver_errors.is_without_snapshot(exc):
                    raise
                if deadlines.seconds_left() < _PAUSE_SECONDS:
                    raise StoreUnavailable("no moment that can be read in time") from exc
                time.sleep(_PAUSE_SECONDS)


def await_majority(db: Documents) -> None:
    """Returns when a majority has all that the primary has by now; changes no data.

    Raises StoreUnavailable within 5 seconds when no primary with a majority answers.
    """
    # This is what a linearizable read does before it answers.
    confirmed = db.get_collection(
        schema.META,
        read_concern=ReadConcern("linearizable"),
        read_preference=ReadPreference.PRIMARY,
    )
    with reachable():
        confirmed.find_one({"_id": "revision"}, {"_id": 1})


def primary_of(db: Documents) -> tuple[object, ...] | None:
    """The primary that the driver knows: its address and its election. None without one.

    The answer differs after each election, also when the same server wins it again.
    """
    for server in db.client.topology_description.server_descriptions().values():
        if server.server_type == SERVER_TYPE.RSPrimary:
            return (server.address, server.election_id)
    return None
