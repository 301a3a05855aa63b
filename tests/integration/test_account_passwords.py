"""Passwords of accounts: resets by an admin, changes by the user, and the sessions they end."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sign_in_client import PASSWORD, RAVI, account_entries
from support import ADMIN, at_once, of_type

from booking_core import (
    Account,
    InvalidRequest,
    OneTimePasswordOver,
    SignInRefused,
    TooManyAttempts,
    add_account,
    change_account,
    change_password,
    ensure_schema,
    reset_password,
)
from booking_core.access import passwords
from booking_core.sessions import SignedIn, open_session, session_of, sign_in

pytestmark = pytest.mark.usefixtures("quick_hashes")


def test_a_reset_gives_a_one_time_password_that_must_be_changed(bare):
    add_account(bare, RAVI, password=PASSWORD)
    token = open_session(bare, "ravi")

    once = reset_password(bare, "ravi", by=ADMIN)

    assert re.fullmatch(r"[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}", once)
    assert not set(once) & set("ilo01")
    assert session_of(bare, token) is None
    with pytest.raises(SignInRefused):
        sign_in(bare, "ravi", PASSWORD, address="192.0.2.1")
    assert sign_in(bare, "ravi", once, address="192.0.2.1").account.must_change
    assert account_entries(bare)[-1] == ("admin", "reset the password of", "account", "ravi")
    assert once not in str(list(bare.audit.find()))
    assert reset_password(bare, "ravi", by=ADMIN) != once


def test_a_change_by_the_user_ends_all_sessions(bare):
    add_account(bare, RAVI)
    once = reset_password(bare, "ravi", by=ADMIN)
    elsewhere = open_session(bare, "ravi")

    changed = change_password(bare, "ravi", old=once, new="my own password")

    assert not changed.must_change
    assert session_of(bare, elsewhere) is None
    signed_in = sign_in(bare, "ravi", "my own password", address="192.0.2.1")
    assert session_of(bare, signed_in.token).account == changed
    assert account_entries(bare)[-1] == ("ravi", "changed the password of", "account", "ravi")


@pytest.mark.parametrize("made_by", ["reset", "new account"])
def test_a_one_time_password_signs_in_once(bare, made_by):
    once = one_time(bare, made_by)
    first = sign_in(bare, "ravi", once, address="192.0.2.1")

    for address in ("192.0.2.1", "198.51.100.7"):
        with pytest.raises(OneTimePasswordOver):
            sign_in(bare, "ravi", once, address=address)

    assert session_of(bare, first.token).account.must_change
    assert not change_password(bare, "ravi", old=once, new="my own password").must_change
    for _ in range(2):
        assert sign_in(bare, "ravi", "my own password", address="192.0.2.1")


def test_of_many_sign_ins_at_once_with_a_one_time_password_one_succeeds(bare):
    once = one_time(bare, "reset")

    outcomes = at_once(
        *(partial(sign_in, bare, "ravi", once, address=f"192.0.2.{n}") for n in range(8))
    )

    assert len(of_type(outcomes, SignedIn)) == 1
    assert len(of_type(outcomes, OneTimePasswordOver)) == 7
    assert bare.sessions.count_documents({}) == 1


@pytest.mark.parametrize("made_by", ["reset", "new account"])
def test_a_one_time_password_is_over_after_72_hours(bare, made_by):
    now = datetime.now(UTC)
    once = one_time(bare, made_by, now)
    with pytest.raises(OneTimePasswordOver):
        sign_in(bare, "ravi", once, address="192.0.2.1", now=now + timedelta(hours=72))

    with pytest.raises(SignInRefused) as wrong:  # it does not tell this without the password
        sign_in(bare, "ravi", "a guess", address="192.0.2.1", now=now + timedelta(hours=72))
    assert type(wrong.value) is SignInRefused
    later = now + timedelta(hours=71, minutes=59)
    assert sign_in(bare, "ravi", once, address="192.0.2.1", now=later)


def test_a_one_time_password_of_before_counts_from_the_first_start(bare):
    once = one_time(bare, "reset")
    bare.accounts.update_one({}, {"$unset": {"one_time_at": ""}})
    bare.command("collMod", "accounts", validator={})  # as the version before left it

    ensure_schema(bare)

    issued = bare.accounts.find_one()["one_time_at"]
    assert abs(datetime.now(UTC) - issued) < timedelta(minutes=1)
    with pytest.raises(OneTimePasswordOver):
        sign_in(bare, "ravi", once, address="192.0.2.1", now=issued + timedelta(hours=72))
    assert sign_in(bare, "ravi", once, address="192.0.2.1")


def one_time(db, made_by, now=None):
    """A one-time password of ravi, by a reset, or set by the admin who adds the account."""
    if made_by == "reset":
        add_account(db, RAVI, now=now)
        return reset_password(db, "ravi", by=ADMIN, now=now)
    add_account(db, replace(RAVI, must_change=True), password=PASSWORD, by=ADMIN, now=now)
    return PASSWORD


# The school of these tests has the name that settings have without one.
EASY = ["password12", "1234567890", "qwertyuiop", "ravikumar123", "R4v1.2026!!", "School-Grounds1"]


@pytest.mark.parametrize("new", ["short", "ravi", PASSWORD, None, "x" * 201, *EASY])
def test_a_refused_new_password_changes_nothing(bare, new):
    add_account(bare, RAVI, password=PASSWORD)
    token = open_session(bare, "ravi")

    with pytest.raises(InvalidRequest) as error:
        change_password(bare, "ravi", old=PASSWORD, new=new)

    assert error.value.field == "password"
    assert session_of(bare, token) is not None
    assert sign_in(bare, "ravi", PASSWORD, address="192.0.2.1")


def test_guesses_at_the_old_password_are_delayed_like_sign_ins(bare):
    add_account(bare, RAVI, password=PASSWORD)
    now = datetime.now(UTC)

    for _ in range(5):
        with pytest.raises(SignInRefused) as error:
            change_password(bare, "ravi", old="a wrong guess", new="my own password", now=now)
        assert not isinstance(error.value, TooManyAttempts)

    with pytest.raises(TooManyAttempts) as error:
        change_password(bare, "ravi", old=PASSWORD, new="my own password", now=now)
    assert error.value.wait_seconds == 30
    later = now + timedelta(seconds=31)
    change_password(bare, "ravi", old=PASSWORD, new="my own password", now=later)
    assert sign_in(bare, "ravi", "my own password", address="192.0.2.1", now=later)


def test_of_two_changes_of_one_password_at_the_same_moment_one_succeeds(bare):
    add_account(bare, RAVI, password=PASSWORD)

    outcomes = at_once(
        *(
            partial(change_password, bare, "ravi", old=PASSWORD, new=f"my own password {n}")
            for n in range(3)
        )
    )

    assert len(of_type(outcomes, Account)) == 1
    assert len(of_type(outcomes, SignInRefused)) == 2
    winner = next(n for n, outcome in enumerate(outcomes) if isinstance(outcome, Account))
    assert sign_in(bare, "ravi", f"my own password {winner}", address="192.0.2.1")


def test_a_disabled_account_cannot_change_its_password(bare):
    add_account(bare, RAVI, password=PASSWORD)
    change_account(bare, "ravi", active=False, by=ADMIN)

    with pytest.raises(SignInRefused):
        change_password(bare, "ravi", old=PASSWORD, new="my own password")

    change_account(bare, "ravi", active=True, by=ADMIN)
    assert sign_in(bare, "ravi", PASSWORD, address="192.0.2.1")


def test_a_session_opened_while_the_password_is_reset_is_invalid(bare, monkeypatch):
    add_account(bare, RAVI, password=PASSWORD)
    really = passwords.matches

    def meanwhile(stored, password):
        """Resets the password between its check and the start of the session."""
        answer = really(stored, password)
        monkeypatch.setattr(passwords, "matches", really)
        reset_password(bare, "ravi", by=ADMIN)
        return answer

    monkeypatch.setattr(passwords, "matches", meanwhile)

    late = sign_in(bare, "ravi", PASSWORD, address="192.0.2.1")

    assert bare.sessions.count_documents({}) == 1
    assert session_of(bare, late.token) is None
