"""Delays after failed sign-ins: nobody avoids them, and nobody keeps others out with them."""

from __future__ import annotations

import itertools
import threading
from datetime import timedelta
from functools import partial

import pytest
from argon2 import PasswordHasher
from sign_in_client import (
    MINUTE,
    OTHER_ADDRESS,
    PASSWORD,
    SECOND,
    THIS_ADDRESS,
    fail,
    seconds_to_wait,
)
from support import NOW, at_once, eventually, of_type

from booking_core import (
    Account,
    Role,
    SignInRefused,
    TooManyAttempts,
    add_account,
    change_password,
    reset_password,
)
from booking_core.access import devices, login_throttle, passwords
from booking_core.sessions import SignedIn, remember_device, sign_in

pytestmark = pytest.mark.usefixtures("quick_hashes")

ADDRESS = login_throttle.THROTTLES["address"]
_fresh = (f"203.0.113.{n}" for n in itertools.count(10))


def device_of(db, name="ravi", device=None):
    """The token of a browser in which ``name`` has signed in."""
    token = sign_in(db, name, PASSWORD, address="203.0.113.1", now=NOW).token
    return remember_device(db, token, device, now=NOW)


def test_the_fifth_failure_within_a_quarter_of_an_hour_starts_a_growing_delay(staff, checked):
    fail(staff, times=5)
    now, waits = NOW, []
    for _ in range(8):
        checked.clear()
        waits.append(seconds_to_wait(staff, now=now))
        assert checked == []  # not even the right password is verified
        now += timedelta(seconds=waits[-1] - 1)
        assert seconds_to_wait(staff, now=now) == 1
        now += SECOND
        fail(staff, now=now)

    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]


def test_four_failures_delay_nothing_and_a_success_clears_them(staff):
    fail(staff, times=4)
    assert sign_in(staff, "ravi", PASSWORD, address=THIS_ADDRESS, now=NOW)
    fail(staff, times=4)

    assert sign_in(staff, "ravi", PASSWORD, address=THIS_ADDRESS, now=NOW)


def test_the_right_password_ends_the_delays_after_the_wait(staff):
    fail(staff, times=5)
    later = NOW + seconds_to_wait(staff) * SECOND

    assert sign_in(staff, "ravi", PASSWORD, address=THIS_ADDRESS, now=later)

    fail(staff, times=4, now=later)
    assert sign_in(staff, "ravi", PASSWORD, address=THIS_ADDRESS, now=later)


def test_failures_further_apart_than_the_window_do_not_add_up(staff):
    for number in range(12):
        fail(staff, now=NOW + number * 4 * MINUTE)


def test_a_quarter_of_an_hour_after_the_last_delay_the_count_starts_again(staff):
    fail(staff, times=5)
    fail(staff, now=NOW + 30 * SECOND)
    assert seconds_to_wait(staff, now=NOW + 31 * SECOND) == 59

    quiet = NOW + 90 * SECOND + 15 * MINUTE + SECOND
    fail(staff, times=4, now=quiet)
    assert sign_in(staff, "ravi", PASSWORD, address=THIS_ADDRESS, now=quiet)


def test_attempts_during_a_delay_do_not_lengthen_it(staff):
    fail(staff, times=5)

    for _ in range(10):
        seconds_to_wait(staff)

    assert seconds_to_wait(staff, now=NOW + 20 * SECOND) == 10
    assert sign_in(staff, "ravi", PASSWORD, address=THIS_ADDRESS, now=NOW + 30 * SECOND)


def test_an_unknown_name_is_delayed_like_a_known_one(staff):
    fail(staff, name="nobody", times=5)
    fail(staff, name="gone", times=5)

    assert seconds_to_wait(staff, name=" NOBODY ") == 30
    assert seconds_to_wait(staff, name="gone") == 30


def test_failures_of_one_account_delay_no_other_one_at_that_address(staff):
    fail(staff, times=5)
    for number in range(5):
        fail(staff, name=f"name{number}")

    add_account(staff, Account("other", "Other", Role.STAFF), password=PASSWORD)
    assert sign_in(staff, "other", PASSWORD, address=THIS_ADDRESS, now=NOW)
    assert sign_in(staff, "ravi", PASSWORD, address=OTHER_ADDRESS, now=NOW)


def test_guesses_at_many_names_from_one_address_are_slowed(staff):
    for number in range(ADDRESS.allowed):
        fail(staff, name=f"name{number}")

    assert seconds_to_wait(staff) == 5
    assert sign_in(staff, "ravi", PASSWORD, address=OTHER_ADDRESS, now=NOW)
    assert seconds_to_wait(staff) == 5  # a success clears no failures that others caused
    now = NOW
    for number in range(6):
        now += seconds_to_wait(staff, now=now) * SECOND
        fail(staff, name=f"late{number}", now=now)
    assert seconds_to_wait(staff, now=now) == 30
    assert sign_in(staff, "ravi", PASSWORD, address=THIS_ADDRESS, now=now + 30 * SECOND)


def test_a_success_does_not_count_against_its_address(staff):
    for number in range(ADDRESS.allowed - 1):
        fail(staff, name=f"name{number}")
    for _ in range(3):
        assert sign_in(staff, "ravi", PASSWORD, address=THIS_ADDRESS, now=NOW)

    fail(staff, name="the last")
    assert seconds_to_wait(staff) == 5


def test_attempts_at_a_delayed_name_do_not_count_against_address_or_account(staff):
    fail(staff, times=5)

    for _ in range(ADDRESS.allowed):
        seconds_to_wait(staff)

    add_account(staff, Account("other", "Other", Role.STAFF), password=PASSWORD)
    assert sign_in(staff, "other", PASSWORD, address=THIS_ADDRESS, now=NOW)
    assert sign_in(staff, "ravi", PASSWORD, address=OTHER_ADDRESS, now=NOW)


def test_guesses_from_fresh_addresses_are_slowed_and_keep_nobody_out(staff, checked):
    """A guess every ten seconds for two hours, each from another address."""
    known = device_of(staff)
    checked.clear()
    fresh = (f"10.{n // 250}.{n % 250}.1" for n in range(1000))
    outcomes = []
    for seconds in range(0, 7200, 10):
        now = NOW + seconds * SECOND
        with pytest.raises(SignInRefused) as refused:
            sign_in(staff, "ravi", "a guess", address=next(fresh), now=now)
        outcomes.append(refused.value)
        if seconds % 1200 == 0:  # the known browser is never delayed
            assert sign_in(staff, "ravi", PASSWORD, address=next(fresh), device=known, now=now)
    delayed = of_type(outcomes, TooManyAttempts)
    assert max(one.wait_seconds for one in delayed) <= 30
    assert len(outcomes) - len(delayed) <= 20 + 7200 // 30 + 3
    assert len(checked) == len(outcomes) - len(delayed) + 6

    # A new browser waits for one short delay, and not for hours.
    wait = seconds_to_wait(staff, now=now, address="203.0.113.5")
    assert wait <= 30
    later = now + wait * SECOND
    assert sign_in(staff, "ravi", PASSWORD, address="203.0.113.5", now=later)


def test_a_known_browser_passes_by_the_delays_that_its_address_has(staff):
    known = device_of(staff)
    for number in range(ADDRESS.allowed):
        fail(staff, name=f"name{number}")
    seconds_to_wait(staff)

    assert sign_in(staff, "ravi", PASSWORD, address=THIS_ADDRESS, device=known, now=NOW)


def test_guesses_in_a_known_browser_are_delayed_there(staff):
    known = device_of(staff)
    for _ in range(5):
        with pytest.raises(SignInRefused):
            sign_in(staff, "ravi", "a guess", address=next(_fresh), device=known, now=NOW)

    with pytest.raises(TooManyAttempts) as delayed:
        sign_in(staff, "ravi", PASSWORD, address=next(_fresh), device=known, now=NOW)
    assert delayed.value.wait_seconds == 30
    assert sign_in(staff, "ravi", PASSWORD, address=next(_fresh), now=NOW)


def test_a_browser_is_known_to_the_account_alone_that_has_signed_in_there(staff):
    add_account(staff, Account("other", "Other", Role.STAFF), password=PASSWORD)
    known = device_of(staff)
    fail(staff, name="other", times=5)

    with pytest.raises(TooManyAttempts):
        sign_in(staff, "other", PASSWORD, address=THIS_ADDRESS, device=known, now=NOW)

    # After a sign-in there it is known to both, with one token.
    assert device_of(staff, "other", device=known) == known
    fail(staff, times=5)
    for name in ("ravi", "other"):
        assert sign_in(staff, name, PASSWORD, address=THIS_ADDRESS, device=known, now=NOW)


@pytest.mark.parametrize("end", ["change", "reset", "time"])
def test_a_browser_is_unknown_after_the_password_changed_and_after_half_a_year(staff, end):
    known, password, now = device_of(staff), PASSWORD, NOW
    if end == "change":
        password = "another good phrase"
        change_password(staff, "ravi", old=PASSWORD, new=password)
    elif end == "reset":
        password = reset_password(staff, "ravi", by=None)
    else:
        now += devices.DEVICE_KEPT
    fail(staff, times=5, now=now)

    with pytest.raises(TooManyAttempts):
        sign_in(staff, "ravi", password, address=THIS_ADDRESS, device=known, now=now)


def test_a_session_of_before_a_reset_makes_no_browser_known(staff):
    """The reset falls between the sign-in and the request for the cookie."""
    before = sign_in(staff, "ravi", PASSWORD, address=THIS_ADDRESS, now=NOW)
    kept = staff.sessions.find_one()
    reset_password(staff, "ravi", by=None)
    with pytest.raises(SignInRefused):
        remember_device(staff, before.token, now=NOW)

    # Nor if the deletion of the account's sessions did not see it.
    staff.sessions.insert_one(kept)
    device = remember_device(staff, before.token, now=NOW)
    fail(staff, times=5)
    with pytest.raises(TooManyAttempts):
        sign_in(staff, "ravi", PASSWORD, address=THIS_ADDRESS, device=device, now=NOW)


def test_an_account_has_no_more_than_twenty_known_browsers(staff):
    token = sign_in(staff, "ravi", PASSWORD, address=THIS_ADDRESS, now=NOW).token
    first, *_, last = [
        remember_device(staff, token, now=NOW + n * SECOND) for n in range(devices.MOST + 5)
    ]
    fail(staff, times=5)

    assert staff.devices.count_documents({}) == devices.MOST
    assert sign_in(staff, "ravi", PASSWORD, address=THIS_ADDRESS, device=last, now=NOW)
    fail(staff, times=5, address=OTHER_ADDRESS)
    with pytest.raises(TooManyAttempts):
        sign_in(staff, "ravi", PASSWORD, address=OTHER_ADDRESS, device=first, now=NOW)


@pytest.mark.parametrize("sent", ["", "x" * 43, "x" * 100_000, "\ud800" * 43, {"$ne": ""}, 5])
def test_what_no_browser_was_given_is_no_known_browser(staff, sent):
    fail(staff, times=5)

    with pytest.raises(TooManyAttempts):
        sign_in(staff, "ravi", PASSWORD, address=THIS_ADDRESS, device=sent, now=NOW)
    token = sign_in(staff, "ravi", PASSWORD, address=OTHER_ADDRESS, now=NOW).token
    given = remember_device(staff, token, sent, now=NOW)
    assert len(given) == 43
    assert given not in str(list(staff.devices.find()))


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("unix:", "unix:", "192.0.2.2"),
    ],
)
def test_a_host_with_many_addresses_is_counted_once(staff, one, same, other):
    fail(staff, times=5, address=one)

    assert seconds_to_wait(staff, address=same) == 30
    assert sign_in(staff, "ravi", PASSWORD, address=other, now=NOW)


@pytest.mark.parametrize(
    ("spread", "verified"), [(False, 5), (True, 20)], ids=["one address", "an address each"]
)
def test_parallel_guesses_get_no_more_verifications_than_guesses_in_a_row(
    staff, checked, spread, verified
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
            for number in range(30)
        )
    )

    assert len(checked) == verified
    assert len(of_type(outcomes, TooManyAttempts)) == 30 - verified
    assert len(of_type(outcomes, SignInRefused)) == 30


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
