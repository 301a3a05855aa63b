"""Connecting and disconnecting."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC

from booking_core.domain.clock import clock
from booking_core.domain.errors import InvalidRequest
from booking_core.settings import Settings
from booking_core.storage import time_zone
from booking_core.storage.client.database import BookingDatabase, open_database
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.live import background
from booking_core.storage.schema.ensure import ensure_schema
from booking_core.storage.schema.migrations import Report
from booking_core.storage.school import data as school_data

_OLDEST_WIRE_VERSION = 17  # of MongoDB 6.0


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
