"""A school that nothing may change; databases without one; the door."""

from __future__ import annotations

from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from at_the_door import PASSWORD
from support import booked, open_school

from booking_core import Account, Role, Settings, add_account, connect
from booking_core.access import passwords


@pytest.fixture(scope="module")
def school(mongod_uri):
    """One school, and a booking in it, for a whole file whose tests may not change it."""
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
    """``emptied`` without an account, for each test anew: sooner than a database of its own."""
    for name in ("accounts", "sessions", "attempts", "proofs", "delegations", "audit"):
        emptied[name].delete_many({})
    return emptied


@pytest.fixture
def quick_hashes(monkeypatch):
    """argon2id with the least work that it allows, for tests that are not about the work."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(1, 8, 1))
    passwords._nobodys.cache_clear()
    yield
    passwords._nobodys.cache_clear()


@pytest.fixture
def door(bare):
    """Three accounts behind it: Ravi; Gone, who is disabled; Meera, who has no password."""
    add_account(bare, Account("ravi", "Ravi Kumar", Role.STAFF), password=PASSWORD)
    add_account(bare, Account("gone", "Gone", Role.STAFF, active=False), password=PASSWORD)
    add_account(bare, Account("meera", "Meera", Role.STAFF))
    return bare


@pytest.fixture
def looked(monkeypatch):
    """The hashes that were compared with a password, in order."""
    compared = []

    class Counting(PasswordHasher):
        def verify(self, hash, password):
            compared.append(hash)
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counting(1, 8, 1))
    return compared
