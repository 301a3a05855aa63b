"""Delays after failed sign-ins, and that no parallel attempts or addresses avoid them.

NOW is the real time, because the server removes documents that have expired by its own clock.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import partial

import pytest
from argon2 import PasswordHasher
from sign_in_client import (
    MINUTE,
    NOW,
    OTHER_ADDRESS,
    PASSWORD,
    SECOND,
    THIS_ADDRESS,
    fail,
    seconds_to_wait,
)
from support import at_once, eventually, of_type

from booking_core import (
    Account,
    Role,
    SignedIn,
    SignInRefused,
    TooManyAttempts,
    add_account,
    sign_in,
)
from booking_core.access import login_throttle, passwords

pytestmark = pytest.mark.usefixtures("quick_hashes")


def test_the_fifth_failure_within_a_quarter_of_an_hour_starts_a_growing_delay(staff, checked):
    fail(staff, times=5)
    now, waits = NOW, []
    for number in range(8):
        checked.clear()
        waits.append(seconds_to_wait(staff, now=now, address=f"192.0.2.{number}"))
        assert checked == []  # not even the right password is verified
        now += timedelta(seconds=waits[-1] - 1)
        assert seconds_to_wait(staff, now=now, address=f"192.0.2.{number}") == 1
        now += SECOND
        fail(staff, now=now, address=f"192.0.2.{number}")

    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]


def test_four_failures_delay_nothing_and_a_success_clears_them(staff):
    fail(staff, times=4)
    assert sign_in(staff, "ravi", PASSWORD, address=THIS_ADDRESS, now=NOW)
    fail(staff, times=1, address=OTHER_ADDRESS)
    fail(staff, times=3, address=OTHER_ADDRESS)

    assert sign_in(staff, "ravi", PASSWORD, address="203.0.113.9", now=NOW)


def test_the_right_password_ends_the_delays_after_the_wait(staff):
    fail(staff, times=5)
    wait = seconds_to_wait(staff, address=OTHER_ADDRESS)

    later = NOW + wait * SECOND
    assert sign_in(staff, "ravi", PASSWORD, address=OTHER_ADDRESS, now=later)

    fail(staff, times=4, now=later, address=OTHER_ADDRESS)
    assert sign_in(staff, "ravi", PASSWORD, address="203.0.113.9", now=later)


def test_failures_further_apart_than_the_window_do_not_add_up(staff):
    for number in range(12):
        fail(staff, now=NOW + number * 4 * MINUTE)


def test_a_quarter_of_an_hour_after_the_last_delay_the_count_starts_again(staff):
    fail(staff, times=5)
    fail(staff, now=NOW + 30 * SECOND)
    assert seconds_to_wait(staff, now=NOW + 31 * SECOND) == 59

    quiet = NOW + 90 * SECOND + 15 * MINUTE + SECOND
    fail(staff, times=4, now=quiet)
    assert sign_in(staff, "ravi", PASSWORD, address=OTHER_ADDRESS, now=quiet)


def test_attempts_during_a_delay_do_not_lengthen_it(staff):
    fail(staff, times=5)

    for _ in range(10):
        seconds_to_wait(staff)

    assert seconds_to_wait(staff, now=NOW + 20 * SECOND) == 10
    assert sign_in(staff, "ravi", PASSWORD, address=OTHER_ADDRESS, now=NOW + 30 * SECOND)


def test_an_unknown_name_is_delayed_like_a_known_one(staff):
    fail(staff, name="nobody", times=5)
    fail(staff, name="gone", times=5, address=OTHER_ADDRESS)

    assert seconds_to_wait(staff, name=" NOBODY ", address="203.0.113.1") == 30
    assert seconds_to_wait(staff, name="gone", address="203.0.113.1") == 30


def test_five_failures_from_an_address_delay_every_name_from_there_and_no_other(staff):
    for number in range(5):
        fail(staff, name=f"name{number}")

    assert seconds_to_wait(staff) == 30
    assert sign_in(staff, "ravi", PASSWORD, address=OTHER_ADDRESS, now=NOW)
    assert seconds_to_wait(staff) == 30  # a success clears the account only


def test_a_success_clears_no_failures_of_its_address(staff):
    for number in range(4):
        fail(staff, name=f"name{number}")
    for _ in range(10):  # a success does not count as a failure either
        assert sign_in(staff, "ravi", PASSWORD, address=THIS_ADDRESS, now=NOW)

    fail(staff, name="name5")
    assert seconds_to_wait(staff) == 30


def test_attempts_at_a_delayed_name_do_not_count_against_the_address(staff):
    fail(staff, times=5, address=OTHER_ADDRESS)

    for _ in range(10):
        seconds_to_wait(staff, address=THIS_ADDRESS)

    add_account(staff, Account("other", "Other", Role.STAFF), password=PASSWORD)
    assert sign_in(staff, "other", PASSWORD, address=THIS_ADDRESS, now=NOW)


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("unix:", "unix:", "192.0.2.2"),
    ],
)
def test_a_host_with_many_addresses_is_counted_once(staff, one, same, other):
    for number in range(5):
        fail(staff, name=f"name{number}", address=one)

    assert seconds_to_wait(staff, address=same) == 30
    assert sign_in(staff, "ravi", PASSWORD, address=other, now=NOW)


@pytest.mark.parametrize("spread", [False, True], ids=["one address", "an address each"])
def test_twenty_parallel_guesses_get_no_more_verifications_than_five_in_a_row(
    staff, checked, spread
):
    outcomes = at_once(
        *(
            partial(
                sign_in,
                staff,
                "ravi",
                f"wrong guess {number}",
                address=f"192.0.2.{number}" if spread else THIS_ADDRESS,
                now=NOW,
            )
            for number in range(20)
        )
    )

    assert len(checked) == login_throttle.THROTTLE.allowed
    assert len(of_type(outcomes, TooManyAttempts)) == 15
    assert len(of_type(outcomes, SignInRefused)) == 20


def test_parallel_sign_ins_with_the_right_password_all_succeed(staff):
    outcomes = at_once(
        *(
            partial(sign_in, staff, "ravi", PASSWORD, address=f"192.0.2.{number}", now=NOW)
            for number in range(4)
        )
    )

    assert len(of_type(outcomes, SignedIn)) == 4
    fail(staff, times=4)
    assert sign_in(staff, "ravi", PASSWORD, address=OTHER_ADDRESS, now=NOW)


def test_no_more_than_four_passwords_are_hashed_at_once(staff, monkeypatch):
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


def test_the_server_removes_expired_attempts(staff):
    fail(staff, times=6 - 1)

    rows = list(staff.attempts.find())
    assert all(row["expires_at"] >= NOW + 15 * MINUTE for row in rows)
    indexes = staff.attempts.index_information()
    assert indexes["attempts_end"]["expireAfterSeconds"] == 0
