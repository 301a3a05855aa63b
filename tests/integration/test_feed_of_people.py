"""What the feed tells of accounts, delegations and sessions: that they changed, and no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from support import ADMIN, DAY, HEAD, NOW, booked, eventually, open_school

from booking_core import (
    Account,
    Feed,
    Role,
    add_account,
    cancel,
    change_account,
    delegate,
    end_delegation,
    open_session,
    sign_out,
    touch_session,
)

TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="module")
def staffed(emptied):
    open_school(emptied)
    for account in (Account("ravi", "Ravi", Role.STAFF), Account("head", "Head", Role.PRINCIPAL)):
        add_account(emptied, account)
    return emptied


@pytest.fixture(scope="module")
def following(staffed):
    following = Feed(staffed)
    following.start()
    assert following.connected
    yield following
    following.stop()


def caught_up(following):
    """The feed, when it has told of all that was done until now."""
    before = following.version(DAY)
    made = booked(following._stream._db, student=8)
    cancel(following._stream._db, made.id, by=HEAD, now=NOW)
    eventually(lambda: following.version(DAY) >= before + 2)
    return following


ENDS = {
    "sign out": lambda db: sign_out(db, open_session(db, "ravi")),
}
CHANGES = {
    "add": lambda db: add_account(db, Account(f"new{len(db.name)}", "New", Role.STAFF)),
    "change": lambda db: change_account(db, "ravi", name=str(datetime.now(UTC)), by=ADMIN),
    "disable": lambda db: change_account(db, "ravi", active=False, by=ADMIN),
    "enable": lambda db: change_account(db, "ravi", active=True, by=ADMIN),
    "delegate": lambda db: delegate(db, to="ravi", first=TODAY, last=TODAY, by=HEAD),
    "end": lambda db: end_delegation(db, db.delegations.find_one()["_id"], by=HEAD),
}
# Each test leaves the school as it was: they come in any order, and not all to one process.
BEFORE = {"enable": "disable", "end": "delegate"}
AFTER = {change: undone for undone, change in BEFORE.items()}


@pytest.mark.parametrize("change", [*ENDS, *CHANGES])
def test_a_change_of_people_is_told_and_raises_the_version_of_no_day(staffed, following, change):
    if change in BEFORE:
        CHANGES[BEFORE[change]](staffed)
        caught_up(following)
    days = [following.version(DAY), following.version(TODAY)]
    people, total, told = following.people, following.total, []
    unsubscribe = following.subscribe(lambda day, version: told.append((day, version)))

    (ENDS | CHANGES)[change](staffed)

    eventually(lambda: following.people > people and told)
    unsubscribe()
    assert set(told) == {(None, 0)}
    assert [following.version(DAY), following.version(TODAY)] == days
    if change in CHANGES:  # lists show these; the end of a session is in none
        assert following.wait_beyond(total, 10)
    if change in AFTER:
        CHANGES[AFTER[change]](staffed)
        caught_up(following)


def test_the_end_of_a_session_makes_no_list_be_read_again(staffed, following):
    total, people = following.total, following.people

    sign_out(staffed, open_session(staffed, "ravi"))

    eventually(lambda: following.people > people)
    assert following.total == total


def test_a_session_that_begins_or_is_used_is_no_news(staffed, following):
    people, now = following.people, datetime.now(UTC)

    token = open_session(staffed, "ravi", now=now)
    touch_session(staffed, token, now=now + timedelta(minutes=5))

    assert caught_up(following).people == people


def test_a_booking_is_no_news_of_people(staffed, following):
    people = following.people

    booked(staffed, student=3, start=12, now=NOW)

    assert caught_up(following).people == people


def test_what_was_not_seen_may_have_been_about_people(staffed):
    following = Feed(staffed)

    following.start()

    eventually(lambda: following.people > 0)
    following.stop()
