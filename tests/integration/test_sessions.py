"""Sessions: their stored form, their duration, and their end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from cutting_proxy import Proxy
from invalid_input import BAD_NOW, UNSTORABLE, WRONG_TYPE, assert_refused, cases
from sign_in_client import MINUTE, PASSWORD, SECOND, THIS_ADDRESS
from support import ADMIN, NOW, at_once, of_type

from booking_core import (
    Actor,
    InvalidRequest,
    NotFound,
    Role,
    SignInRefused,
    StoreUnavailable,
    change_account,
)
from booking_core.access import sessions
from booking_core.access.sign_outs import SignOuts
from booking_core.sessions import (
    SignedIn,
    end_missed_sign_outs,
    end_other_sessions,
    end_session,
    is_signed_out,
    open_session,
    session_of,
    sessions_of,
    sign_in,
    sign_out,
    touch_session,
)
from booking_core.storage.client.database import BookingDatabase, open_database
from booking_core.storage.schema import schema

pytestmark = pytest.mark.usefixtures("quick_hashes")


def test_only_the_hash_of_a_token_is_stored(staff):
    token = open_session(staff, "ravi", now=NOW)

    (stored,) = staff.sessions.find()
    assert len(token) >= 43
    assert stored["_id"] == hashlib.sha256(token.encode()).hexdigest()
    assert token not in str(stored)
    assert token not in repr(sign_in(staff, "ravi", PASSWORD, address=THIS_ADDRESS))


def test_a_session_ends_after_an_hour_without_use(staff):
    token = open_session(staff, "ravi", now=NOW)

    assert session_of(staff, token, now=NOW + 60 * MINUTE - SECOND)
    assert session_of(staff, token, now=NOW + 60 * MINUTE) is None


def test_use_extends_a_session_up_to_twelve_hours(staff):
    token = open_session(staff, "ravi", now=NOW)
    now = NOW
    for _ in range(14):
        now += 50 * MINUTE
        touch_session(staff, token, now=now)
        session = session_of(staff, token, now=now)
        assert (session.created_at, session.seen_at) == (NOW, now)
        assert session.expires_at == min(now + 60 * MINUTE, NOW + sessions.LONGEST_SESSION)

    end = NOW + timedelta(hours=12)
    assert session_of(staff, token, now=end - SECOND)
    assert session_of(staff, token, now=end) is None
    touch_session(staff, token, now=end)
    assert session_of(staff, token, now=end) is None


def test_a_session_in_use_is_written_once_a_minute(staff):
    token = open_session(staff, "ravi", now=NOW)

    touch_session(staff, token, now=NOW + 59 * SECOND)
    assert session_of(staff, token, now=NOW + MINUTE).seen_at == NOW
    touch_session(staff, token, now=NOW + 60 * SECOND)
    touch_session(staff, token, now=NOW + 90 * SECOND)

    assert session_of(staff, token, now=NOW + 2 * MINUTE).seen_at == NOW + 60 * SECOND


def test_an_ended_session_is_not_revived(staff):
    idle, out = (
        open_session(staff, "ravi", now=NOW),
        open_session(staff, "ravi", now=NOW),
    )
    sign_out(staff, out)

    for token in (idle, out):
        touch_session(staff, token, now=NOW + 61 * MINUTE)

        assert session_of(staff, token, now=NOW + 61 * MINUTE) is None
    assert session_of(staff, idle, now=NOW + MINUTE).seen_at == NOW


def test_signing_out_ends_one_session_and_repeating_it_is_no_error(staff):
    one, other = open_session(staff, "ravi"), open_session(staff, "ravi")

    sign_out(staff, one)
    sign_out(staff, one)

    assert session_of(staff, one) is None
    assert session_of(staff, other) is not None


@pytest.fixture
def lost(staff) -> Iterator[BookingDatabase]:
    """A handle on the database of ``staff`` whose server cannot be reached any more."""
    proxy = Proxy(staff.booking_settings.mongodb_uri)
    settings = replace(staff.booking_settings, mongodb_uri=proxy.uri)
    db = open_database(proxy.uri, settings)
    db.command("ping")
    proxy.close()
    yield db
    db.close()


def test_a_sign_out_that_the_database_misses_is_made_up_for_and_refused_until_then(staff, lost):
    token, other = open_session(staff, "ravi", now=NOW), open_session(staff, "ravi", now=NOW)

    with pytest.raises(StoreUnavailable):
        sign_out(lost, token)
    with pytest.raises(StoreUnavailable):
        end_missed_sign_outs(lost)

    # The database can be reached again, and still has the session.
    assert staff.sessions.count_documents({}) == 2
    assert is_signed_out(token)
    touch_session(staff, token, now=NOW + 2 * MINUTE)
    assert session_of(staff, token, now=NOW + 2 * MINUTE) is None
    assert not staff.sessions.count_documents({"seen_at": {"$ne": NOW}})
    end_missed_sign_outs(staff)

    (left,) = staff.sessions.find()
    assert left["_id"] == hashlib.sha256(other.encode()).hexdigest()
    assert session_of(staff, token, now=NOW) is None
    assert session_of(staff, other, now=NOW) is not None
    assert not is_signed_out(other)


def test_a_sign_out_is_made_up_for_once(staff):
    token = open_session(staff, "ravi")
    with pytest.raises(StoreUnavailable):
        sign_out(None, token)
    assert staff.sessions.count_documents({}) == 1
    end_missed_sign_outs(staff)
    assert staff.sessions.count_documents({}) == 0

    staff.sessions.insert_one({"_id": hashlib.sha256(token.encode()).hexdigest()} | _NEW)
    end_missed_sign_outs(staff)

    assert staff.sessions.count_documents({}) == 1
    assert session_of(staff, token, now=NOW) is None


_NEW = {
    "account_id": "ravi",
    "epoch": 0,
    "by_proof": False,
    "created_at": NOW,
    "seen_at": NOW,
    "expires_at": NOW + 60 * MINUTE,
}


def test_of_too_many_sign_outs_those_that_the_database_knows_are_forgotten_first():
    sign_outs = SignOuts(most=3)
    for key in ("a", "b", "c"):
        sign_outs.add(key)
    sign_outs.note_ended("b")

    sign_outs.add("d")
    assert sign_outs.missed() == ["a", "c", "d"]
    assert "b" not in sign_outs
    sign_outs.note_ended("b")
    sign_outs.add("e")

    assert sign_outs.missed() == ["c", "d", "e"]


def test_a_session_is_invalid_without_an_active_account(staff):
    token = open_session(staff, "ravi")
    kept = staff.accounts.find_one_and_delete({"_id": "ravi"})
    assert session_of(staff, token) is None

    # Disabled directly in the database, so that no code has ended the session.
    staff.accounts.insert_one(kept | {"active": False})
    assert session_of(staff, token) is None


def test_a_session_has_the_stored_state_of_its_account(staff):
    token = open_session(staff, "ravi")

    change_account(staff, "ravi", role=Role.ADMIN, by=ADMIN)
    again = open_session(staff, "ravi")

    assert session_of(staff, token) is None
    assert session_of(staff, again).account.role is Role.ADMIN


def test_a_disabled_account_gets_no_session(staff):
    with pytest.raises(SignInRefused):
        open_session(staff, "gone")

    assert staff.sessions.count_documents({}) == 0


def test_a_session_that_opens_while_its_account_is_disabled_is_invalid(staff):
    for _ in range(5):
        outcomes = at_once(
            partial(sign_in, staff, "ravi", PASSWORD, address=THIS_ADDRESS),
            partial(change_account, staff, "ravi", active=False, by=ADMIN),
        )
        change_account(staff, "ravi", active=True, by=ADMIN)

        for signed_in in of_type(outcomes, SignedIn):
            assert session_of(staff, signed_in.token) is None
        staff.attempts.delete_many({})


def test_the_server_removes_expired_sessions(staff):
    indexes = staff[schema.SESSIONS].index_information()

    assert indexes["sessions_end"]["expireAfterSeconds"] == 0
    assert indexes["sessions_end"]["key"] == [("expires_at", 1)]


MALFORMED_TOKENS = [
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


@pytest.mark.parametrize("token", MALFORMED_TOKENS, ids=lambda token: ascii(token)[:30])
def test_a_malformed_token_is_no_session_and_no_error(bare, token):
    assert session_of(bare, token) is None
    touch_session(bare, token)
    assert not is_signed_out(token)
    sign_out(bare, token)
    sign_out(bare, token)


def test_the_stored_key_is_not_accepted_as_a_token(staff):
    open_session(staff, "ravi")
    (stored,) = staff.sessions.find()

    assert session_of(staff, stored["_id"]) is None


@pytest.mark.parametrize(("field", "value"), cases(now=BAD_NOW))
def test_an_invalid_moment_is_refused(bare, field, value):
    for attempt in (
        lambda db: session_of(db, "x" * 43, now=value),
        lambda db: touch_session(db, "x" * 43, now=value),
        lambda db: open_session(db, "ravi", now=value),
    ):
        assert_refused((bare, None), attempt, field)


RAVI, MEERA = Actor("ravi", Role.STAFF, "Ravi Kumar"), Actor("meera", Role.STAFF, "Meera")


def test_a_user_sees_the_own_sessions_and_no_others(staff):
    here = open_session(staff, "ravi", browser="Firefox on Linux", now=NOW)
    open_session(staff, "ravi", browser="x" * 10_000, now=NOW + MINUTE)
    open_session(staff, "meera", browser="Safari on iPhone", now=NOW)
    open_session(staff, "ravi", browser="ended", now=NOW - 60 * MINUTE)

    mine = sessions_of(staff, by=RAVI, token=here, now=NOW + MINUTE)

    assert [(one.browser, one.is_this) for one in mine] == [
        ("Firefox on Linux", True),
        ("x" * 60, False),
    ]
    assert (mine[0].created_at, mine[0].seen_at) == (NOW, NOW)
    assert here not in str(mine)
    assert not any(one.is_this for one in sessions_of(staff, by=RAVI, token="x", now=NOW))


def test_a_list_of_own_sessions_is_bounded(staff):
    for second in range(60):
        here = open_session(staff, "ravi", now=NOW + second * SECOND)

    mine = sessions_of(staff, by=RAVI, token=here, now=NOW + MINUTE)
    assert (len(mine), mine[0].is_this) == (50, True)


def test_sessions_of_before_a_change_of_the_account_are_not_shown(staff):
    token = open_session(staff, "ravi", now=NOW)
    kept = staff.sessions.find_one()
    change_account(staff, "ravi", role=Role.PRINCIPAL, by=ADMIN)
    staff.sessions.insert_one(kept)  # as if the deletion had not seen it

    assert session_of(staff, token, now=NOW) is None
    assert sessions_of(staff, by=RAVI, token=token, now=NOW) == []


def test_a_user_ends_one_own_session_or_all_others(staff):
    here, there, third = (open_session(staff, "ravi", now=NOW) for _ in range(3))
    hers = open_session(staff, "meera", now=NOW)
    ids = {one.id for one in sessions_of(staff, by=RAVI, token=there, now=NOW) if one.is_this}

    end_session(staff, *ids, by=RAVI)
    assert session_of(staff, there, now=NOW) is None
    assert session_of(staff, here, now=NOW)
    assert end_other_sessions(staff, here, by=RAVI) == 1

    assert session_of(staff, third, now=NOW) is None
    assert session_of(staff, here, now=NOW)
    assert session_of(staff, hers, now=NOW)


def test_nobody_ends_a_session_of_another_user(staff):
    hers = open_session(staff, "meera", now=NOW)
    [one] = sessions_of(staff, by=MEERA, now=NOW)

    for id in (one.id, "0" * 64):
        with pytest.raises(NotFound):
            end_session(staff, id, by=RAVI)
    assert end_other_sessions(staff, hers, by=RAVI) == 0

    assert session_of(staff, hers, now=NOW)


@pytest.mark.parametrize("id", ["", "x" * 1000, "$ne", None, {"$ne": ""}])
def test_what_can_be_no_session_is_refused(staff, id):
    token = open_session(staff, "ravi", now=NOW)

    with pytest.raises(InvalidRequest):
        end_session(staff, id, by=RAVI)
    assert session_of(staff, token, now=NOW)
