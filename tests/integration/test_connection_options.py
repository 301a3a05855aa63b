"""What the address of the database says never weakens a promise, nor breaks a verb."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import time
from uuid import uuid4

import pytest
from closing_steps import closed
from pymongo import ReadPreference
from support import ADMIN, DAY, GROUNDS, HEAD, MEERA, NOW, booked, open_school

from booking_core import (
    Account,
    InvalidRequest,
    Role,
    Settings,
    Student,
    add_account,
    add_student,
    approve,
    cancel,
    connect,
    day_board,
    delegate,
    disconnect,
    find_bookings,
    lift_closure,
    move,
    reinstate,
    reject,
    revoke,
    save_ground,
)
from booking_core.operations import doctor
from booking_core.storage.client.database import BookingDatabase

OPTIONS = (
    "readPreference=primaryPreferred",
    "readPreference=secondary&maxStalenessSeconds=90",
    "readPreference=secondaryPreferred",
    "readPreference=nearest&readPreferenceTags=room:a",
    "readConcernLevel=available",
    "readConcernLevel=linearizable",
    "w=0",
    "w=1&journal=false",
    "fsync=true",
    "wTimeoutMS=1",
    "retryWrites=false&retryReads=false",
    "tz_aware=false&datetime_conversion=DATETIME_MS",
    "timeoutMS=60000",
    "uuidRepresentation=standard",
    "serverMonitoringMode=poll",
)


@pytest.fixture(params=OPTIONS)
def db(request: pytest.FixtureRequest, mongod_uri: str) -> Iterator[BookingDatabase]:
    """A school behind an address with an option."""
    joint = "&" if "?" in mongod_uri else "/?"
    settings = Settings(
        mongodb_uri=f"{mongod_uri}{joint}{request.param}",
        database=f"test_{uuid4().hex[:12]}",
        time_zone="Asia/Kolkata",
    )
    opened = connect(settings)
    yield opened
    opened.client.drop_database(opened.name)
    disconnect(opened)


def test_every_verb_works_whatever_the_address_says(db: BookingDatabase) -> None:
    open_school(db)
    first, second = booked(db, student=1, start=9), booked(db, student=2, start=10)
    third = booked(db, student=3, start=11)
    save_ground(db, GROUNDS[0], by=ADMIN, now=NOW)
    add_student(db, Student("N001", "New", "8-A"), by=ADMIN, now=NOW)
    add_account(db, Account("ravi", "Ravi", Role.STAFF), by=ADMIN, now=NOW)
    add_account(db, Account("head", "Head", Role.PRINCIPAL), by=ADMIN, now=NOW)
    steps: list[Callable[[], object]] = [
        lambda: approve(db, first.id, by=HEAD, now=NOW),
        lambda: move(db, first.id, start=time(13), end=time(14), by=MEERA, now=NOW),
        lambda: approve(db, first.id, by=HEAD, now=NOW),
        lambda: revoke(db, first.id, by=HEAD, reason="exams", now=NOW),
        lambda: reject(db, second.id, by=HEAD, reason="exams", now=NOW),
        lambda: lift_closure(db, closed(db).id, by=HEAD, now=NOW),
        lambda: reinstate(db, third.id, by=HEAD, now=NOW),
        lambda: cancel(db, third.id, by=MEERA, now=NOW),
        lambda: delegate(db, to="ravi", first=DAY, last=DAY, by=HEAD, now=NOW),
        lambda: day_board(db, DAY, NOW),
        lambda: find_bookings(db, date_from=DAY),
    ]

    for step in steps:
        step()

    assert [finding for finding in doctor.examine_database(db) if not finding.ok] == []


def test_reads_writes_and_transactions_have_our_concerns(db: BookingDatabase) -> None:
    client = db.client
    with client.start_session() as session:
        defaults = session.options.default_transaction_options

    for target in (client, db, db["bookings"]):
        assert target.read_preference == ReadPreference.PRIMARY
        assert target.write_concern.document["w"] == "majority"
        assert target.write_concern.document["j"] is True
        assert target.read_concern.level == "majority"
    assert defaults is None


def test_an_option_that_the_driver_cannot_read_is_an_invalid_address(mongod_uri: str) -> None:
    joint = "&" if "?" in mongod_uri else "/?"

    with pytest.raises(InvalidRequest) as raised:
        connect(Settings(mongodb_uri=f"{mongod_uri}{joint}datetime_conversion=centuries"))

    assert raised.value.field == "MONGODB_URI"
