"""Sessions: what is kept of them, how long they last, and what ends them.

The moments are those of the clock: what has ended by it the server itself would take away.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import partial

import pytest
from at_the_door import HERE, MINUTE, NOW, PASSWORD, SECOND
from junk import BAD_ID, BAD_NOW, UNSTORABLE, WRONG_TYPE, cases, refused
from support import ADMIN, at_once, of_type

from booking_core import (
    Role,
    SignedIn,
    SignInRefused,
    change_account,
    end_sessions,
    open_session,
    session_of,
    sign_in,
    sign_out,
    touch_session,
)
from booking_core.storage import schema, sessions

pytestmark = pytest.mark.usefixtures("quick_hashes")


def test_only_the_hash_of_a_token_is_stored(door):
    token = open_session(door, "ravi", now=NOW)

    (stored,) = door.sessions.find()
    assert len(token) >= 43
    assert stored["_id"] == hashlib.sha256(token.encode()).hexdigest()
    assert token not in str(stored)
    assert token not in repr(sign_in(door, "ravi", PASSWORD, address=HERE))


def test_a_session_ends_after_an_hour_without_use(door):
    token = open_session(door, "ravi", now=NOW)

    assert session_of(door, token, now=NOW + 60 * MINUTE - SECOND)
    assert session_of(door, token, now=NOW + 60 * MINUTE) is None


def test_in_use_it_lasts_and_yet_no_longer_than_half_a_day(door):
    token = open_session(door, "ravi", now=NOW)
    now = NOW
    for _ in range(14):
        now += 50 * MINUTE
        touch_session(door, token, now=now)
        session = session_of(door, token, now=now)
        assert (session.created_at, session.seen_at) == (NOW, now)
        assert session.expires_at == min(now + 60 * MINUTE, NOW + sessions.LONGEST)

    end = NOW + timedelta(hours=12)
    assert session_of(door, token, now=end - SECOND)
    assert session_of(door, token, now=end) is None
    touch_session(door, token, now=end)
    assert session_of(door, token, now=end) is None


def test_touching_writes_once_a_minute(door):
    token = open_session(door, "ravi", now=NOW)

    touch_session(door, token, now=NOW + 59 * SECOND)
    assert session_of(door, token, now=NOW + MINUTE).seen_at == NOW
    touch_session(door, token, now=NOW + 60 * SECOND)
    touch_session(door, token, now=NOW + 90 * SECOND)

    assert session_of(door, token, now=NOW + 2 * MINUTE).seen_at == NOW + 60 * SECOND


def test_an_ended_session_is_not_revived(door):
    idle, out = open_session(door, "ravi", now=NOW), open_session(door, "ravi", now=NOW)
    sign_out(door, out)

    for token in (idle, out):
        touch_session(door, token, now=NOW + 61 * MINUTE)

        assert session_of(door, token, now=NOW + 61 * MINUTE) is None
    assert session_of(door, idle, now=NOW + MINUTE).seen_at == NOW


def test_signing_out_ends_one_session_and_twice_is_no_error(door):
    one, other = open_session(door, "ravi"), open_session(door, "ravi")

    sign_out(door, one)
    sign_out(door, one)

    assert session_of(door, one) is None
    assert session_of(door, other) is not None


def test_all_sessions_of_an_account_end_at_once(door):
    mine = [open_session(door, "ravi") for _ in range(3)]
    others = open_session(door, "meera")

    end_sessions(door, "RAVI")

    assert [session_of(door, token) for token in mine] == [None] * 3
    assert session_of(door, others) is not None


def test_a_session_counts_for_nothing_without_its_account(door):
    token = open_session(door, "ravi")
    kept = door.accounts.find_one_and_delete({"_id": "ravi"})
    assert session_of(door, token) is None

    # Disabled past the code that ends sessions: the look at the account alone must do.
    door.accounts.insert_one(kept | {"active": False})
    assert session_of(door, token) is None


def test_the_account_in_a_session_is_the_one_of_now(door):
    token = open_session(door, "ravi")

    change_account(door, "ravi", role=Role.ADMIN, by=ADMIN)
    again = open_session(door, "ravi")

    assert session_of(door, token) is None
    assert session_of(door, again).account.role is Role.ADMIN


def test_a_disabled_account_gets_no_session(door):
    with pytest.raises(SignInRefused):
        open_session(door, "gone")

    assert door.sessions.count_documents({}) == 0


def test_a_session_that_opens_while_its_account_is_disabled_is_worth_nothing(door):
    for _ in range(5):
        outcomes = at_once(
            partial(sign_in, door, "ravi", PASSWORD, address=HERE),
            partial(change_account, door, "ravi", active=False, by=ADMIN),
        )
        change_account(door, "ravi", active=True, by=ADMIN)

        for signed_in in of_type(outcomes, SignedIn):
            assert session_of(door, signed_in.token) is None
        door.attempts.delete_many({})


def test_sessions_are_removed_by_the_server_itself(door):
    indexes = door[schema.SESSIONS].index_information()

    assert indexes["sessions_end"]["expireAfterSeconds"] == 0
    assert indexes["sessions_end"]["key"] == [("expires_at", 1)]


JUNK_TOKENS = [
    *WRONG_TYPE,
    *UNSTORABLE,
    None,
    "",
    "x",
    "x" * 43,
    "é" * 43,
    "\n",
    "null",
    "../../etc/passwd",
    hashlib.sha256(b"").hexdigest(),
]


@pytest.mark.parametrize("token", JUNK_TOKENS, ids=lambda token: ascii(token)[:30])
def test_a_token_that_is_none_opens_nothing_and_breaks_nothing(bare, token):
    assert session_of(bare, token) is None
    touch_session(bare, token)
    sign_out(bare, token)


def test_what_is_stored_is_no_token(door):
    open_session(door, "ravi")
    (stored,) = door.sessions.find()

    assert session_of(door, stored["_id"]) is None


@pytest.mark.parametrize(("field", "value"), cases(account_id=BAD_ID))
def test_junk_has_no_sessions(bare, field, value):
    refused((bare, None), lambda db: end_sessions(db, value), field)


@pytest.mark.parametrize(("field", "value"), cases(now=BAD_NOW))
def test_junk_is_no_moment(bare, field, value):
    for attempt in (
        lambda db: session_of(db, "x" * 43, now=value),
        lambda db: touch_session(db, "x" * 43, now=value),
        lambda db: open_session(db, "ravi", now=value),
    ):
        refused((bare, None), attempt, field)
