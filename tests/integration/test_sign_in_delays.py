"""Too many failures at the door: the delays, and that nobody gets around them.

The moments are those of the clock: what has ended by it the server itself would take away.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import partial

import pytest
from argon2 import PasswordHasher
from at_the_door import HERE, MINUTE, NOW, PASSWORD, SECOND, THERE, fail, wait_told
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
from booking_core.access import passwords
from booking_core.storage import attempts

pytestmark = pytest.mark.usefixtures("quick_hashes")


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
