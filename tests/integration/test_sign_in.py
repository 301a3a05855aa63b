"""Signing in: who is let in, and that every refusal is the same."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher
from at_the_door import HERE, MINUTE, NOW, PASSWORD, fail
from junk import BAD_NOW, UNSTORABLE, WRONG_TYPE, cases, refused

from booking_core import Account, Role, SignInRefused, add_account, session_of, sign_in
from booking_core.access import passwords

pytestmark = pytest.mark.usefixtures("quick_hashes")


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
