"""Passwords of accounts: resets by an admin, changes by the user, and the sessions they end."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sign_in_client import PASSWORD, RAVI, account_entries
from support import ADMIN, at_once, of_type

from booking_core import (
    Account,
    InvalidRequest,
    SignInRefused,
    TooManyAttempts,
    add_account,
    change_account,
    change_password,
    open_session,
    reset_password,
    session_of,
    sign_in,
)
from booking_core.access import passwords

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


@pytest.mark.parametrize("new", ["short", "ravi", PASSWORD, None, "x" * 201])
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
