"""One real mongod per test session (per xdist worker), and an own database for every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from database_pool import DatabasePool
from hypothesis import HealthCheck, settings
from support import open_school

from booking_core import Settings, connect
from booking_core.embedded import credentials
from booking_core.embedded import server as mongod
from booking_core.storage.client.database import BookingDatabase

# A busy machine makes no right test fail: no example has a deadline, and none is too slow to make.
settings.register_profile(
    "suite",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("suite")

MakeDatabase = Callable[..., BookingDatabase]


@pytest.fixture(scope="session")
def mongod_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of this session's server. Tests that need it fail if mongod is missing."""
    data = tmp_path_factory.mktemp("mongod")
    server = mongod.start(data)
    with credentials.system_client(server.address, credentials.obtain(data)) as system:
        # The tests live in a week that goes by: the server would delete what has expired since.
        system.admin.command("setParameter", 1, ttlMonitorEnabled=False)
        # A dropped database keeps its 85 files open for as long as its past can be read, and until
        # the checkpoint after: with five minutes of it, the server ran out of files and aborted.
        system.admin.command("setParameter", 1, minSnapshotHistoryWindowInSeconds=10, syncdelay=10)
    yield server.uri
    server.close()


@pytest.fixture(scope="session")
def databases(mongod_uri: str) -> Iterator[DatabasePool]:
    pool = DatabasePool(mongod_uri)
    yield pool
    pool.close()


@pytest.fixture
def make_db(mongod_uri: str, databases: DatabasePool) -> Iterator[MakeDatabase]:
    """A factory of empty databases: ``make_db(quota=None, school=False)``."""
    made: list[BookingDatabase] = []

    def make(*, school: bool = True, **settings: Any) -> BookingDatabase:
        values = {"mongodb_uri": mongod_uri, "time_zone": "Asia/Kolkata"} | settings
        if "database" not in values:
            values["database"] = databases.take()
        db = connect(Settings(**values))
        made.append(db)
        if db.booking_settings.mongodb_uri == mongod_uri:
            databases.note_layout(db.name)
        if school:
            open_school(db)
        return db

    yield make
    for db in made:
        db.client.close()
    for name in {db.name for db in made if db.booking_settings.mongodb_uri == mongod_uri}:
        databases.give_back(name)


@pytest.fixture
def db(make_db: MakeDatabase) -> BookingDatabase:
    """A new school: three grounds, 8:00 to 18:00, students S000 to S199, a quota of two a week."""
    return make_db()
