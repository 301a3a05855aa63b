"""Shared by the tests of sign-in: accounts, addresses, and failed attempts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support import NOW

from booking_core import Account, Role, SignInRefused, TooManyAttempts
from booking_core.sessions import sign_in

PASSWORD = "correct horse battery"
RAVI = Account("ravi", "Ravi Kumar", Role.STAFF, "ravi@school.test")
BOSS = Account("boss", "Farah Sheikh", Role.ADMIN)
THIS_ADDRESS, OTHER_ADDRESS = "192.0.2.1", "198.51.100.7"
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def fail(db, name="ravi", password="a wrong guess", address=THIS_ADDRESS, now=NOW, times=1):
    for _ in range(times):
        with pytest.raises(SignInRefused) as error:
            sign_in(db, name, password, address=address, now=now)
        assert type(error.value) is SignInRefused


def seconds_to_wait(db, name="ravi", password=PASSWORD, address=THIS_ADDRESS, now=NOW):
    with pytest.raises(TooManyAttempts) as error:
        sign_in(db, name, password, address=address, now=now)
    return error.value.wait_seconds


def account_entries(db):
    """Returns (user, action, kind, id) of the audit log's entries for accounts, oldest first."""
    return [
        (row["by"], row["action"], row["what"], row["id"])
        for row in db.audit.find({"what": "account"}).sort([("at", 1)])
    ]
