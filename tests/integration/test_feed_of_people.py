"""The feed reports that accounts, delegations and sessions changed, without details."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from support import ADMIN, DAY, HEAD, NOW, booked, eventually, open_school

from booking_core import (
    Account,
    Role,
    add_account,
    cancel,
    change_account,
    delegate,
    end_delegation,
)
from booking_core.live import Feed
from booking_core.sessions import open_session, sign_out, touch_session

TODAY = datetime.now(ZoneInfo("Asia/Kolkata")).date()  # in the zone of the school
TOMORROW = TODAY + timedelta(days=1)  # the day may end while the tests run


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
    """Returns the feed after it has reported every change so far."""
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
    "delegate": lambda db: delegate(db, to="ravi", first=TODAY, last=TOMORROW, by=HEAD),
    "end": lambda db: end_delegation(db, db.delegations.find_one()["_id"], by=HEAD),
}
# Each test restores the school: the tests run in any order, in several processes.
BEFORE = {"enable": "disable", "end": "delegate"}
AFTER = {change: undone for undone, change in BEFORE.items()}


@pytest.mark.parametrize("change", [*ENDS, *CHANGES])
def test_a_change_of_people_is_reported_and_raises_the_version_of_no_day(
    staffed, following, change
):
    if change in BEFORE:
        CHANGES[BEFORE[change]](staffed)
        caught_up(following)
    days = [following.version(DAY), following.version(TODAY)]
    people, total, reported = following.people, following.total, []
    unsubscribe = following.subscribe(lambda day, version: reported.append((day, version)))

    (ENDS | CHANGES)[change](staffed)

    eventually(lambda: following.people > people and reported)
    unsubscribe()
    assert set(reported) == {(None, 0)}
    assert [following.version(DAY), following.version(TODAY)] == days
    if change in CHANGES:  # lists show these; no list shows the end of a session
        assert following.wait_beyond(total, 10)
    if change in AFTER:
        CHANGES[AFTER[change]](staffed)
        caught_up(following)


def test_the_end_of_a_session_makes_no_list_reload(staffed, following):
    total, people = following.total, following.people

    sign_out(staffed, open_session(staffed, "ravi"))

    eventually(lambda: following.people > people)
    assert following.total == total


def test_the_beginning_or_use_of_a_session_is_not_reported(staffed, following):
    people, now = following.people, datetime.now(UTC)

    token = open_session(staffed, "ravi", now=now)
    touch_session(staffed, token, now=now + timedelta(minutes=5))

    assert caught_up(following).people == people


def test_a_booking_is_not_reported_as_a_change_of_people(staffed, following):
    people = following.people

    booked(staffed, student=3, start=12, now=NOW)

    assert caught_up(following).people == people


def test_after_a_gap_in_the_stream_people_count_as_changed(staffed):
    following = Feed(staffed)

    following.start()

    eventually(lambda: following.people > 0)
    following.stop()
