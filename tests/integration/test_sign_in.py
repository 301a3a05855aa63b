"""Signing in, and the sessions that come of it.

The moments are those of the clock: what has ended by it the server itself would take away.
"""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from argon2 import PasswordHasher
from junk import BAD_ID, BAD_NOW, UNSTORABLE, WRONG_TYPE, cases, refused
from support import ADMIN, at_once, eventually, of_type

from booking_core import (
    Account,
    Role,
    SignedIn,
    SignInRefused,
    TooManyAttempts,
    add_account,
    change_account,
    end_sessions,
    open_session,
    passwords,
    session_of,
    sign_in,
    sign_out,
    touch_session,
)
from booking_core.store import attempts, schema, sessions

pytestmark = pytest.mark.usefixtures("quick_hashes")
PASSWORD = "correct horse battery"
HERE, THERE = "192.0.2.1", "198.51.100.7"
NOW = datetime.now(UTC).replace(microsecond=0)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


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


def fail(db, name="ravi", password="a wrong guess", address=HERE, now=NOW, times=1):
    for _ in range(times):
        with pytest.raises(SignInRefused) as error:
            sign_in(db, name, password, address=address, now=now)
        assert type(error.value) is SignInRefused


def wait_told(db, name="ravi", password=PASSWORD, address=HERE, now=NOW):
    with pytest.raises(TooManyAttempts) as error:
        sign_in(db, name, password, address=address, now=now)
    return error.value.wait_seconds


# At the door


def test_name_and_password_open_a_session(door):
    signed_in = sign_in(door, "ravi", PASSWORD, address=HERE, now=NOW)

    session = session_of(door, signed_in.token, now=NOW)
    assert signed_in.account == session.account
    assert (session.account.id, session.account.role) == ("ravi", Role.STAFF)
    assert session.created_at == session.seen_at == NOW
    assert session.expires_at == NOW + 60 * MINUTE


@pytest.mark.parametrize("name", ["RAVI", " Ravi ", "ravi\n"])
def test_a_name_is_known_however_it_is_written(door, name):
    assert sign_in(door, name, PASSWORD, address=HERE).account.id == "ravi"


def test_a_password_is_the_same_however_its_accents_are_typed(door):
    add_account(door, Account("rene", "René", Role.STAFF), password="caf\u00e9 au lait")

    assert sign_in(door, "rene", "cafe\u0301 au lait", address=HERE)


def test_a_password_is_taken_as_it_stands(door):
    for password in (PASSWORD.upper(), f" {PASSWORD}", f"{PASSWORD} ", PASSWORD[:-1]):
        fail(door, password=password, address=password)
        door.attempts.delete_many({})


REFUSED = {
    "unknown name": ("nobody", PASSWORD),
    "no name at all": ("", PASSWORD),
    "no possible name": ("<script>", PASSWORD),
    "very long name": ("x" * 100_000, PASSWORD),
    "operator as a name": ('{"$gt": ""}', PASSWORD),
    "wrong password": ("ravi", "a wrong guess"),
    "no password": ("ravi", ""),
    "very long password": ("ravi", PASSWORD + "x" * 100_000),
    "unwritable password": ("ravi", "\ud800" * 12),
    "disabled account": ("gone", PASSWORD),
    "disabled account, wrong password": ("gone", "a wrong guess"),
    "account without a password": ("meera", PASSWORD),
    "account without a password, none given": ("meera", ""),
    **{f"name {ascii(text)[:12]}": (text, PASSWORD) for text in UNSTORABLE},
}


@pytest.mark.parametrize(("name", "password"), REFUSED.values(), ids=REFUSED.keys())
def test_every_refusal_is_the_same_answer_for_the_same_work(door, looked, name, password):
    with pytest.raises(SignInRefused) as error:
        sign_in(door, name, password, address=HERE)

    assert type(error.value) is SignInRefused
    assert str(error.value) == ""
    assert vars(error.value) == {}
    assert len(looked) == 1  # one hash is compared, whether there is one or not
    parameters = {hash.rsplit("$", 2)[0] for hash in looked}
    assert parameters == {passwords.hashed("x").rsplit("$", 2)[0]}
    assert door.attempts.count_documents({}) == 2  # the name's and the address's
    assert door.sessions.count_documents({}) == 0


def test_of_what_was_typed_nothing_to_read_is_kept(door):
    fail(door, name="my password by mistake")
    fail(door, name="x" * 100_000)

    rows = list(door.attempts.find())
    assert "mistake" not in str(rows)
    assert HERE not in str(rows)
    assert all(len(str(row)) < 1000 for row in rows)


def test_a_hash_of_other_parameters_is_made_anew_at_the_next_sign_in(door, monkeypatch):
    before = door.accounts.find_one({"_id": "ravi"})["password_hash"]
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(2, 16, 1))

    fail(door, password="a wrong guess")
    assert door.accounts.find_one({"_id": "ravi"})["password_hash"] == before
    token = sign_in(door, "ravi", PASSWORD, address=HERE).token

    after = door.accounts.find_one({"_id": "ravi"})["password_hash"]
    assert "$m=16,t=2,p=1$" in after
    assert session_of(door, token) is not None
    assert sign_in(door, "ravi", PASSWORD, address=HERE)
    assert door.accounts.find_one({"_id": "ravi"})["password_hash"] == after


# Too many failures


def test_the_fifth_failure_within_a_quarter_of_an_hour_begins_a_growing_delay(door, looked):
    fail(door, times=5)
    now, waits = NOW, []
    for number in range(8):
        looked.clear()
        waits.append(wait_told(door, now=now, address=f"192.0.2.{number}"))
        assert looked == []  # not even the right password is looked at
        now += timedelta(seconds=waits[-1] - 1)
        assert wait_told(door, now=now, address=f"192.0.2.{number}") == 1
        now += SECOND
        fail(door, now=now, address=f"192.0.2.{number}")

    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]


def test_four_failures_delay_nothing_and_a_success_clears_them(door):
    fail(door, times=4)
    assert sign_in(door, "ravi", PASSWORD, address=HERE, now=NOW)
    fail(door, times=1, address=THERE)
    fail(door, times=3, address=THERE)

    assert sign_in(door, "ravi", PASSWORD, address="203.0.113.9", now=NOW)


def test_the_right_password_ends_the_delays_after_the_wait(door):
    fail(door, times=5)
    wait = wait_told(door, address=THERE)

    later = NOW + wait * SECOND
    assert sign_in(door, "ravi", PASSWORD, address=THERE, now=later)

    fail(door, times=4, now=later, address=THERE)
    assert sign_in(door, "ravi", PASSWORD, address="203.0.113.9", now=later)


def test_failures_further_apart_than_the_window_do_not_add_up(door):
    for number in range(12):
        fail(door, now=NOW + number * 4 * MINUTE)


def test_a_quarter_of_an_hour_after_the_last_delay_all_is_as_before(door):
    fail(door, times=5)
    fail(door, now=NOW + 30 * SECOND)
    assert wait_told(door, now=NOW + 31 * SECOND) == 59

    quiet = NOW + 90 * SECOND + 15 * MINUTE + SECOND
    fail(door, times=4, now=quiet)
    assert sign_in(door, "ravi", PASSWORD, address=THERE, now=quiet)


def test_tries_during_the_delay_do_not_lengthen_it(door):
    fail(door, times=5)

    for _ in range(10):
        wait_told(door)

    assert wait_told(door, now=NOW + 20 * SECOND) == 10
    assert sign_in(door, "ravi", PASSWORD, address=THERE, now=NOW + 30 * SECOND)


def test_an_unknown_name_is_delayed_like_a_known_one(door):
    fail(door, name="nobody", times=5)
    fail(door, name="gone", times=5, address=THERE)

    assert wait_told(door, name=" NOBODY ", address="203.0.113.1") == 30
    assert wait_told(door, name="gone", address="203.0.113.1") == 30


def test_five_failures_from_an_address_delay_every_name_from_there_and_no_other(door):
    for number in range(5):
        fail(door, name=f"name{number}")

    assert wait_told(door) == 30
    assert sign_in(door, "ravi", PASSWORD, address=THERE, now=NOW)
    assert wait_told(door) == 30  # the success of an account is none of the address's


def test_a_success_takes_back_no_failure_of_its_address(door):
    for number in range(4):
        fail(door, name=f"name{number}")
    for _ in range(10):  # nor does it count as one
        assert sign_in(door, "ravi", PASSWORD, address=HERE, now=NOW)

    fail(door, name="name5")
    assert wait_told(door) == 30


def test_tries_at_a_delayed_name_do_not_count_against_the_address(door):
    fail(door, times=5, address=THERE)

    for _ in range(10):
        wait_told(door, address=HERE)

    add_account(door, Account("other", "Other", Role.STAFF), password=PASSWORD)
    assert sign_in(door, "other", PASSWORD, address=HERE, now=NOW)


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("unix:", "unix:", "192.0.2.2"),
    ],
)
def test_a_host_has_one_address_however_many_it_is_given(door, one, same, other):
    for number in range(5):
        fail(door, name=f"name{number}", address=one)

    assert wait_told(door, address=same) == 30
    assert sign_in(door, "ravi", PASSWORD, address=other, now=NOW)


@pytest.mark.parametrize("spread", [False, True], ids=["one address", "an address each"])
def test_twenty_parallel_guesses_get_no_more_looks_than_five_in_a_row(door, looked, spread):
    outcomes = at_once(
        *(
            partial(
                sign_in,
                door,
                "ravi",
                f"wrong guess {number}",
                address=f"192.0.2.{number}" if spread else HERE,
                now=NOW,
            )
            for number in range(20)
        )
    )

    assert len(looked) == attempts.ALLOWED
    assert len(of_type(outcomes, TooManyAttempts)) == 15
    assert len(of_type(outcomes, SignInRefused)) == 20


def test_the_right_password_among_parallel_ones_is_never_locked_out_by_itself(door):
    outcomes = at_once(
        *(
            partial(sign_in, door, "ravi", PASSWORD, address=f"192.0.2.{number}", now=NOW)
            for number in range(4)
        )
    )

    assert len(of_type(outcomes, SignedIn)) == 4
    fail(door, times=4)
    assert sign_in(door, "ravi", PASSWORD, address=THERE, now=NOW)


def test_no_more_than_four_passwords_are_looked_at_at_once(door, monkeypatch):
    inside, peak, go_on = [], [], threading.Event()

    class Slow(PasswordHasher):
        def verify(self, hash, password):
            inside.append(password)
            peak.append(len(inside))
            go_on.wait(20)
            inside.remove(password)
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Slow(1, 8, 1))
    stored = passwords.hashed(PASSWORD)
    guesses = [
        threading.Thread(target=passwords.matches, args=(stored, f"guess {number}"))
        for number in range(12)
    ]
    for guess in guesses:
        guess.start()

    eventually(lambda: len(inside) >= 4)
    assert not passwords._at_once.acquire(timeout=0.2)
    go_on.set()
    for guess in guesses:
        guess.join(20)
    assert (max(peak), len(peak)) == (4, 12)


def test_what_is_counted_is_forgotten_by_the_server_itself(door):
    fail(door, times=6 - 1)

    rows = list(door.attempts.find())
    assert all(row["expires_at"] >= NOW + 15 * MINUTE for row in rows)
    indexes = door.attempts.index_information()
    assert indexes["attempts_end"]["expireAfterSeconds"] == 0


# Sessions


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


# Junk


@pytest.mark.parametrize(
    ("field", "value"),
    cases(
        name=[*WRONG_TYPE, None],
        password=[*WRONG_TYPE, None],
        address=[*WRONG_TYPE, None, "", "  ", "x" * 201, "a\x00b"],
        now=BAD_NOW,
    ),
)
def test_junk_does_not_reach_the_door(bare, field, value):
    wanted = {"name": "ravi", "password": PASSWORD, "address": HERE} | {field: value}

    refused((bare, None), lambda db: sign_in(db, **wanted), field)


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
