"""A school shared by a file; databases without a school; accounts that can sign in."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from backup_files import contents, make_empty
from cutting_proxy import Proxy
from sign_in_client import PASSWORD
from support import ADMIN, DAY, HEAD, NOW, booked, open_school

from booking_core import (
    Account,
    Holiday,
    Policy,
    Role,
    Settings,
    Term,
    add_account,
    approve,
    connect,
    save_policy,
    save_term,
    save_week_a,
)
from booking_core.access import passwords
from booking_core.operations import backups
from booking_core.storage.client.database import open_database


@pytest.fixture(scope="module")
def school(mongod_uri):
    """One school with a booking for a whole file. The tests must not change it."""
    name = f"test_{uuid4().hex[:12]}"
    db = connect(Settings(mongodb_uri=mongod_uri, database=name, time_zone="Asia/Kolkata"))
    open_school(db)
    yield db, booked(db)
    db.client.drop_database(name)
    db.client.close()


@pytest.fixture(scope="module")
def emptied(mongod_uri):
    """One database for a whole file, without a school."""
    name = f"test_{uuid4().hex[:12]}"
    db = connect(Settings(mongodb_uri=mongod_uri, database=name, time_zone="Asia/Kolkata"))
    yield db
    db.client.drop_database(name)
    db.client.close()


@pytest.fixture
def bare(emptied):
    """``emptied`` without accounts, for each test: faster than a separate database."""
    for name in (
        "accounts",
        "sessions",
        "devices",
        "challenges",
        "attempts",
        "proofs",
        "delegations",
        "audit",
    ):
        emptied[name].delete_many({})
    emptied["meta"].delete_many({"_id": {"$regex": "^erased"}})  # the names of those erased
    return emptied


@pytest.fixture
def quick_hashes(monkeypatch):
    """argon2id with its lowest cost, for tests that do not measure it."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(1, 8, 1))
    passwords._unused_hash.cache_clear()
    yield
    passwords._unused_hash.cache_clear()


@pytest.fixture
def staff(bare):
    """A database with three accounts: ravi; gone, disabled; meera, without a password."""
    add_account(bare, Account("ravi", "Ravi Kumar", Role.STAFF), password=PASSWORD)
    add_account(bare, Account("gone", "Gone", Role.STAFF, active=False), password=PASSWORD)
    add_account(bare, Account("meera", "Meera", Role.STAFF))
    return bare


@pytest.fixture
def checked(monkeypatch):
    """The password hashes that were verified, in order."""
    compared = []

    class Counting(PasswordHasher):
        def verify(self, hash, password):
            compared.append(hash)
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counting(1, 8, 1))
    return compared


@pytest.fixture(scope="module")
def backed_up(school, tmp_path_factory):
    """The contents of a school with a decision, a policy and special characters, and its backup."""
    db, first = school
    approve(db, first.id, by=HEAD, now=NOW)
    booked(db, student=1, start=10, purpose='tricky ","is":{}\n\u2028 "}')
    save_policy(db, Policy(quota=3), by=ADMIN)
    fair = DAY + timedelta(days=9)
    save_term(db, Term("term-1", "Term 1", DAY, fair, (Holiday("Fair", fair, fair),)), by=ADMIN)
    save_week_a(db, DAY, by=ADMIN)
    before = contents(db)
    file = tmp_path_factory.mktemp("backup") / "school.gz"
    backups.save(db, file)
    return before, file


@pytest.fixture
def empty(bare):
    """A database as the migrations of an empty one leave it, without counters."""
    return make_empty(bare)


@pytest.fixture
def proxy(mongod_uri):
    """A connection to the server of the tests that can be cut."""
    proxy = Proxy(mongod_uri)
    yield proxy
    proxy.close()


@pytest.fixture
def far_db(db, proxy):
    """The same database as ``db``, reached through the proxy."""
    far = open_database(
        proxy.uri,
        Settings(mongodb_uri=proxy.uri, database=db.name, time_zone="Asia/Kolkata"),
    )
    yield far
    far.client.close()
