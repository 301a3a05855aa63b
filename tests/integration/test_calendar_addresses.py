"""The secret address of a user's calendar: made, replaced, revoked, and ended with the account."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from calendar_reading import later
from large_school import open_recorded
from support import ADMIN, MEERA, NOW, RAVI

from booking_core import (
    Account,
    NotFound,
    Role,
    add_account,
    change_account,
    erase_account,
    reset_password,
)
from booking_core.calendars import (
    account_of_calendar,
    calendar_address_made_at,
    make_calendar_address,
    revoke_calendar_address,
)
from booking_core.operations import backups
from booking_core.operations.doctor import examine_database
from booking_core.reports import find_changes


@pytest.fixture
def accounts(bare):
    """A database with two accounts."""
    add_account(bare, Account("meera", "Meera", Role.STAFF))
    add_account(bare, Account("ravi", "Ravi", Role.STAFF))
    return bare


def reader(db, secret) -> str | None:
    account = account_of_calendar(db, secret)
    return None if account is None else account.id


def test_the_address_of_an_account_leads_to_it_and_only_the_hash_is_stored(accounts):
    assert calendar_address_made_at(accounts, by=MEERA) is None
    secret = make_calendar_address(accounts, by=MEERA, now=NOW)
    other = make_calendar_address(accounts, by=RAVI, now=NOW)

    assert (reader(accounts, secret), reader(accounts, other)) == ("meera", "ravi")
    assert calendar_address_made_at(accounts, by=MEERA) == NOW
    assert len(secret) >= 43  # 32 random bytes
    stored = str(accounts["accounts"].find_one({"_id": "meera"}))
    assert secret not in stored
    assert hashlib.sha256(secret.encode()).hexdigest() in stored
    assert secret not in str(list(accounts["audit"].find()))


@pytest.mark.parametrize("text", ["", "x", "é\ud800", "x" * 100_000, None, 7, {"$gt": ""}])
def test_another_text_leads_nowhere(accounts, text):
    make_calendar_address(accounts, by=MEERA, now=NOW)

    assert account_of_calendar(accounts, text) is None


def test_every_text_costs_one_read(accounts, mongod_uri):
    secret = make_calendar_address(accounts, by=MEERA, now=NOW)
    old = secret
    secret = make_calendar_address(accounts, by=MEERA, now=NOW)
    db, recorder = open_recorded(mongod_uri, accounts.name)
    account_of_calendar(db, secret)  # the first call of a client reads the schema's number too

    counts = []
    for text in (secret, old, secret[:-1], "", "x" * 5000, secret + "x" * 200):
        recorder.queries.clear()
        account_of_calendar(db, text)
        counts.append([query.collection for query in recorder.queries].count("accounts"))

    db.client.close()
    assert counts == [1] * 6


def test_a_new_address_ends_the_one_before_and_a_revoked_one_ends_at_once(accounts):
    first = make_calendar_address(accounts, by=MEERA, now=NOW)
    second = make_calendar_address(accounts, by=MEERA, now=later(5))

    assert (reader(accounts, first), reader(accounts, second)) == (None, "meera")
    assert calendar_address_made_at(accounts, by=MEERA) == later(5)
    assert revoke_calendar_address(accounts, by=MEERA, now=later(6))
    assert reader(accounts, second) is None
    assert not revoke_calendar_address(accounts, by=MEERA, now=later(7))
    made = find_changes(
        accounts, by=ADMIN, first=NOW.date() - timedelta(1), last=NOW.date() + timedelta(1),
        what="account",
    )  # fmt: skip
    assert [change.action for change in made if "calendar" in change.action] == [
        "revoked the calendar address of",
        "made the calendar address of",
        "made the calendar address of",
    ]


def test_the_address_ends_with_a_disabled_account_and_stays_ended(accounts):
    secret = make_calendar_address(accounts, by=MEERA, now=NOW)
    kept = make_calendar_address(accounts, by=RAVI, now=NOW)
    change_account(accounts, "ravi", name="Ravi Kumar", by=ADMIN)
    reset_password(accounts, "ravi", by=ADMIN)
    change_account(accounts, "meera", active=False, by=ADMIN)

    assert reader(accounts, secret) is None
    with pytest.raises(NotFound):
        make_calendar_address(accounts, by=MEERA, now=NOW)
    change_account(accounts, "meera", active=True, by=ADMIN)
    assert reader(accounts, secret) is None
    assert reader(accounts, kept) == "ravi"


def test_a_disabled_account_has_no_calendar_also_if_an_earlier_version_disabled_it(accounts):
    secret = make_calendar_address(accounts, by=MEERA, now=NOW)
    accounts["accounts"].update_one({"_id": "meera"}, {"$set": {"active": False}})

    assert reader(accounts, secret) is None


def test_the_address_ends_with_an_erased_account(accounts):
    secret = make_calendar_address(accounts, by=MEERA, now=NOW)

    erase_account(accounts, "meera", by=ADMIN)

    assert reader(accounts, secret) is None


def test_the_doctor_and_a_backup_take_an_account_with_an_address(accounts, tmp_path):
    secret = make_calendar_address(accounts, by=MEERA, now=NOW)

    backups.save(accounts, tmp_path / "school.gz")

    assert secret.encode() not in (tmp_path / "school.gz").read_bytes()
    assert [f for f in examine_database(accounts) if "account" in str(f).lower() and not f.ok] == []
