"""Handles on the database.

No verb answers by what only a minority of the servers has, so nothing that it says can be rolled
back by an election.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from datetime import datetime
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import pymongo
from bson.codec_options import CodecOptions
from pymongo import MongoClient, ReadPreference, WriteConcern, monitoring
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import (
    ConfigurationError,
    InvalidURI,
)
from pymongo.read_concern import ReadConcern
from pymongo.server_type import SERVER_TYPE

from booking_core.domain.clock import clock, to_millis
from booking_core.domain.errors import InvalidRequest
from booking_core.domain.validation import check_now
from booking_core.settings import Settings
from booking_core.storage.client import deadlines
from booking_core.storage.client.server_clock import ServerClock
from booking_core.storage.client.single_flight import SharedReads
from booking_core.storage.schema.schema_number import SchemaNumber

if TYPE_CHECKING:
    from booking_core.embedded.server import EmbeddedServer

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

Documents = Database[dict[str, Any]]
_CLOSE_SECONDS = 1.0  # for the last message to a server, which may hang
_CODEC: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
# w=majority and journaled: what was confirmed survives the loss of a server.
MAJORITY = WriteConcern(w="majority", j=True)
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
            write_concern=MAJORITY,
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
            write_concern=MAJORITY,
            read_concern=_READ,
            read_preference=ReadPreference.PRIMARY,
        )
    return found


def primary_of(db: Documents) -> tuple[object, ...] | None:
    """The primary that the driver knows: its address and its election. None without one.

    The answer differs after each election, also when the same server wins it again.
    """
    for server in db.client.topology_description.server_descriptions().values():
        if server.server_type == SERVER_TYPE.RSPrimary:
            return (server.address, server.election_id)
    return None
