"""Connecting and disconnecting, and ensuring the schema on the way."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import UTC

from pymongo.errors import OperationFailure

from booking_core.domain.clock import clock
from booking_core.domain.errors import InvalidRequest
from booking_core.settings import Settings
from booking_core.storage import background, indexes, migrations, schema, school_data, time_zone
from booking_core.storage.database import (
    BookingDatabase,
    Documents,
    await_majority,
    open_database,
    reachable,
    within_deadline,
)
from booking_core.storage.migrations import Report

_OLDEST_WIRE_VERSION = 17  # of MongoDB 6.0
# Of schema changes beside others: NamespaceNotFound, ConflictingOperationInProgress,
# DatabaseDropPending, IndexBuildAborted, BackgroundOperationInProgressForDatabase and
# ...ForNamespace.
_PASSING_CODES = frozenset({26, 27, 117, 215, 276, 11601, 12586, 12587})
_SCHEMA_TRIES = 100
_SCHEMA_PAUSE_SECONDS = 0.1


def connect(settings: Settings, report: Report | None = None) -> BookingDatabase:
    """The database of ``settings``, schema ensured.

    ``settings.mongodb_uri`` None starts or joins the embedded server, which lasts as long as this
    process, or until ``disconnect``. ``report`` is called with the progress while bookings of an
    earlier version are migrated. Raises StoreUnavailable within 5 seconds when no primary
    with a majority answers; InvalidRequest for a malformed address, for a server that is no
    replica set and for one that is older than 6.0; SchemaConflict; and ServerFailed.
    """
    db = open_settings(settings)
    try:
        _check_server(db)
        ensure_schema(db, report)
        school_data.note_configured_quota(db, settings.quota)
        time_zone.note_configured(db)
    except BaseException:
        disconnect(db)
        raise
    return db


@within_deadline
def _check_server(db: BookingDatabase) -> None:
    before = clock()
    hello = db.client.admin.command("hello")
    db.server_clock.note(hello["localTime"].replace(tzinfo=UTC), before, clock())
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise InvalidRequest(
            "MONGODB_URI",
            "names a server that is no replica set; live updates and transactions need one",
        )
    if hello["maxWireVersion"] < _OLDEST_WIRE_VERSION:
        raise InvalidRequest("MONGODB_URI", "names a server that is older than MongoDB 6.0")


def disconnect(db: BookingDatabase) -> None:
    """Closes the connection, and leaves the embedded server: the last app to leave stops it."""
    db.close()
    if db.embedded_server is not None:
        background.unregister(db.embedded_server.watchdog)
        db.embedded_server.close()


@contextlib.contextmanager
def connected(settings: Settings) -> Iterator[BookingDatabase]:
    """``connect``, for as long as the block lasts."""
    db = connect(settings)
    try:
        yield db
    finally:
        disconnect(db)


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


def ensure_schema(db: Documents, report: Report | None = None) -> None:
    """Makes indexes and validators be as ``schema`` says; idempotent, also beside others.

    Raises SchemaConflict, with the offenders and nothing changed, when data already breaks an
    index; StoreUnavailable within 5 seconds when no primary with a majority answers. Where an
    index is missing there is no other deadline, for building it over a large collection takes
    its time.
    """
    for tries in range(_SCHEMA_TRIES):
        try:
            _ensure_schema(db, report)
            return
        except OperationFailure as exc:
            if exc.code not in _PASSING_CODES or tries == _SCHEMA_TRIES - 1:
                raise
            time.sleep(_SCHEMA_PAUSE_SECONDS)  # another process changes the same


def _ensure_schema(db: Documents, report: Report | None) -> None:
    if _is_schema_complete(db):
        return
    with reachable(None):
        migrations.ensure(db, report)


@within_deadline
def _is_schema_complete(db: Documents) -> bool:
    await_majority(db)
    is_current = migrations.version(db) == schema.VERSION
    return is_current and not indexes.index_faults(db) and not indexes.validator_faults(db)
