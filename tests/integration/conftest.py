"""A school that nothing may change."""

from __future__ import annotations

from uuid import uuid4

import pytest
from support import booked, open_school

from booking_core import Settings, connect


@pytest.fixture(scope="module")
def school(mongod_uri):
    """One school, and a booking in it, for a whole file whose tests may not change it."""
    name = f"test_{uuid4().hex[:12]}"
    db = connect(Settings(mongodb_uri=mongod_uri, database=name, time_zone="Asia/Kolkata"))
    open_school(db)
    yield db, booked(db)
    db.client.drop_database(name)
    db.client.close()
