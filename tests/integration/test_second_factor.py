"""The second factor: codes at sign-in, setting it up, recovery codes, resets, and the throttle.

The file is long because each guard of a code is tried on accounts that are set up in the same way.
"""

from __future__ import annotations

import itertools
import logging
import re
from datetime import timedelta
from functools import partial

import pyotp
import pytest
from backup_files import lines_of
from click.testing import CliRunner
from sign_in_client import (
    MINUTE,
    OTHER_ADDRESS,
    PASSWORD,
    SECOND,
    THIS_ADDRESS,
    account_entries,
    fail,
    seconds_to_wait,
)
from support import ADMIN, HEAD, MEERA, NOW, at_once, of_type

from booking_core import (
    Account,
    AlreadyExists,
    ChallengeOver,
    InvalidRequest,
    NotAllowed,
    NotFound,
    Policy,
    Role,
    SecondFactorNeeded,
    SignInRefused,
    TooManyAttempts,
    WrongCode,
    add_account,
    change_account,
    change_password,
    erase_account,
    find_accounts,
    get_account,
    reset_password,
    reset_second_factor,
)
from booking_core.access import second_factor, totp
from booking_core.cli.commands import cli
from booking_core.operations import backups
from booking_core.sessions import (
    SignedIn,
    begin_second_factor,
    confirm_second_factor,
    end_other_sessions,
    is_challenge_open,
    must_set_up_second_factor,
    open_session,
    recovery_codes_left,
    remember_device,
    renew_recovery_codes,
    session_of,
    sign_in,
    sign_in_by_code,
    turn_off_second_factor,
)
from booking_core.storage.access import accounts

pytestmark = pytest.mark.usefixtures("quick_hashes")

BOSS = Account("boss", "Farah Sheikh", Role.ADMIN)
EARLIER = NOW - 10 * MINUTE  # when the second factor was set up
STEP = timedelta(seconds=totp.STEP_SECONDS)


@pytest.fixture
def boss(bare):
    """The database, the secret and the recovery codes of boss, an admin with a second factor."""
    add_account(bare, BOSS, password=PASSWORD)
    return bare, *set_up(bare)


def set_up(db, name="boss", now=EARLIER):
    token = open_session(db, name, now=now)
    key = begin_second_factor(db, token, now=now).key
    return key, confirm_second_factor(db, token, code_of(key, now), now=now)


def code_of(secret, now=NOW):
    return pyotp.TOTP(secret).at(now)


def wrong_codes(secret, now=NOW):
    """Codes that no step around ``now`` has."""
    right = {pyotp.TOTP(secret).at(now + n * STEP) for n in range(-2, 3)}
    return (code for n in itertools.count() if (code := f"{n:06d}") not in right)


def challenge(db, name="boss", password=PASSWORD, address=THIS_ADDRESS, now=NOW, device=None):
    with pytest.raises(SecondFactorNeeded) as needed:
        sign_in(db, name, password, address=address, now=now, device=device)
    return needed.value.challenge


def answer(db, token, code, address=THIS_ADDRESS, now=NOW, device=None):
    return sign_in_by_code(db, token, code, address=address, now=now, device=device)


def test_the_right_password_opens_no_session_and_the_right_code_opens_one(boss):
    db, secret, _ = boss

    asked = challenge(db)
    assert db.sessions.count_documents({}) == 0
    signed_in = answer(db, asked, code_of(secret))

    assert session_of(db, signed_in.token, now=NOW).account == signed_in.account
    assert signed_in.account.has_second_factor
    assert asked not in str(list(db.challenges.find()))


def test_a_wrong_password_is_refused_before_any_challenge(boss):
    db, _, _ = boss

    fail(db, name="boss")

    assert db.challenges.count_documents({}) == 0


def test_the_challenge_is_stored_as_a_hash_and_is_in_no_text_of_the_error(boss):
    db, _, _ = boss
    with pytest.raises(SecondFactorNeeded) as needed:
        sign_in(db, "boss", PASSWORD, address=THIS_ADDRESS, now=NOW)

    assert needed.value.challenge not in str(list(db.challenges.find()))
    assert needed.value.challenge not in str(needed.value) + repr(needed.value)


def test_a_wrong_code_opens_nothing_and_the_challenge_goes_on(boss):
    db, secret, _ = boss
    asked = challenge(db)

    with pytest.raises(WrongCode):
        answer(db, asked, next(wrong_codes(secret)))

    assert db.sessions.count_documents({}) == 0
    assert answer(db, asked, code_of(secret))


@pytest.mark.parametrize(
    "typed",
    ["", " ", "12345", "1234567", "١٢٣٤٥٦", "12345a", "9" * 10_000, None, 123456, ["123456"], "\0"],
    ids=lambda value: ascii(value)[:12],
)
def test_what_is_no_code_is_refused(boss, typed):
    db, _, _ = boss
    asked = challenge(db)

    with pytest.raises(WrongCode):
        answer(db, asked, typed)


def test_a_long_text_is_looked_at_no_further_than_its_length(boss, monkeypatch):
    db, _, _ = boss
    asked = challenge(db)

    class Untouched:
        def sub(self, *_):
            raise AssertionError("the text was searched")

    monkeypatch.setattr(totp, "_BETWEEN", Untouched())
    with pytest.raises(WrongCode):
        answer(db, asked, "1" * (totp.LONGEST + 1))


@pytest.mark.parametrize("form", ["{0}{1}", "{0} {1}", " {0}-{1} "])
def test_spaces_and_dashes_in_a_code_do_not_matter(boss, form):
    db, secret, _ = boss
    code = code_of(secret)

    assert answer(db, challenge(db), form.format(code[:3], code[3:]))


@pytest.mark.parametrize(("steps", "is_accepted"), [(-2, 0), (-1, 1), (0, 1), (1, 1), (2, 0)])
def test_a_clock_may_be_one_step_off_either_way(boss, steps, is_accepted):
    db, secret, _ = boss
    asked, code = challenge(db), code_of(secret, NOW + steps * STEP)

    if is_accepted:
        assert answer(db, asked, code)
    else:
        with pytest.raises(WrongCode):
            answer(db, asked, code)


def test_a_code_is_accepted_once(boss):
    db, secret, _ = boss
    code = code_of(secret)
    answer(db, challenge(db), code)

    with pytest.raises(WrongCode):
        answer(db, challenge(db), code)


def test_a_code_of_an_earlier_step_than_the_last_is_refused(boss):
    db, secret, _ = boss
    answer(db, challenge(db), code_of(secret, NOW + STEP))

    for steps in (0, -1):
        with pytest.raises(WrongCode):
            answer(db, challenge(db), code_of(secret, NOW + steps * STEP))


def test_of_many_requests_at_once_with_one_code_one_signs_in(boss):
    db, secret, _ = boss
    asked, code = [challenge(db) for _ in range(4)], code_of(secret)

    outcomes = at_once(
        *(partial(answer, db, one, code, f"192.0.2.{n}") for n, one in enumerate(asked))
    )

    assert len(of_type(outcomes, SignedIn)) == 1
    assert len(of_type(outcomes, WrongCode)) == 3
    assert db.sessions.count_documents({}) == 1


def test_one_challenge_opens_one_session_also_with_two_right_codes_at_once(boss, monkeypatch):
    db, secret, codes = boss
    asked = challenge(db)
    answers = [code_of(secret, NOW), *codes[:3]]

    outcomes = at_once(*(partial(answer, db, asked, code) for code in answers))

    assert len(of_type(outcomes, SignedIn)) == 1
    assert len(of_type(outcomes, ChallengeOver)) == 3
    assert db.sessions.count_documents({}) == 1


def test_a_challenge_is_over_after_five_wrong_codes_also_at_once(boss):
    db, secret, _ = boss
    asked, codes = challenge(db), wrong_codes(secret)

    outcomes = at_once(*(partial(answer, db, asked, next(codes), f"192.0.2.{n}") for n in range(8)))

    # The fifth starts the delay of the account, which may be met before the challenge is.
    assert len(of_type(outcomes, WrongCode)) == 5
    later = NOW + 31 * SECOND
    assert not is_challenge_open(db, asked, now=later)
    with pytest.raises(ChallengeOver):
        answer(db, asked, code_of(secret, later), now=later)


def test_a_challenge_counts_codes_where_the_throttle_does_not(boss, monkeypatch):
    """A browser that stays below the throttle has no more than five tries at one challenge."""
    db, secret, _ = boss
    asked = challenge(db)
    for n, code in enumerate(itertools.islice(wrong_codes(secret), 5)):
        db.attempts.delete_many({})
        with pytest.raises(WrongCode):
            answer(db, asked, code, f"192.0.2.{n}")
    db.attempts.delete_many({})

    with pytest.raises(ChallengeOver):
        answer(db, asked, code_of(secret))


def test_a_challenge_is_over_after_five_minutes(boss):
    db, secret, _ = boss
    asked = challenge(db)
    almost, over = NOW + 5 * MINUTE - SECOND, NOW + 5 * MINUTE

    assert is_challenge_open(db, asked, now=almost)
    assert not is_challenge_open(db, asked, now=over)
    with pytest.raises(ChallengeOver):
        answer(db, asked, code_of(secret, over), now=over)
    assert answer(db, asked, code_of(secret, almost), now=almost)


@pytest.mark.parametrize("sent", ["", "x", "a" * 43, "\udc80" * 43, "y" * 100_000, None, 7])
def test_a_made_up_challenge_is_over(boss, sent):
    db, secret, _ = boss

    assert not is_challenge_open(db, sent, now=NOW)
    with pytest.raises(ChallengeOver):
        answer(db, sent, code_of(secret))


@pytest.mark.parametrize(
    "change",
    [
        lambda db: reset_password(db, "boss", by=None),
        lambda db: change_account(db, "boss", role=Role.STAFF, by=None),
        lambda db: change_account(db, "boss", active=False, by=None),
        # By another program, which does not end the sessions.
        lambda db: db.accounts.update_one({"_id": "boss"}, {"$set": {"active": False}}),
        lambda db: reset_second_factor(db, "boss", by=None),
        lambda db: erase_account(db, "boss", by=None),
    ],
    ids=["password", "role", "disabled", "disabled only", "second factor", "erased"],
)
def test_a_challenge_is_over_when_its_account_changes(boss, change):
    db, secret, _ = boss
    add_account(db, Account("other", "Other", Role.ADMIN))
    asked = challenge(db)
    [stored] = db.challenges.find()
    change(db)
    db.challenges.replace_one({"_id": stored["_id"]}, stored, upsert=True)  # one on its way

    with pytest.raises(ChallengeOver):
        answer(db, asked, code_of(secret))


def test_a_recovery_code_works_once(boss):
    db, secret, codes = boss

    assert answer(db, challenge(db), codes[3].upper().replace("-", " "))
    with pytest.raises(WrongCode):
        answer(db, challenge(db), codes[3])

    signed_in = answer(db, challenge(db), codes[4])
    assert recovery_codes_left(db, signed_in.token, now=NOW) == 8
    assert answer(db, challenge(db), code_of(secret))  # the app's codes go on


def test_of_many_requests_at_once_with_one_recovery_code_one_signs_in(boss):
    db, _, codes = boss
    asked = [challenge(db) for _ in range(4)]

    outcomes = at_once(
        *(partial(answer, db, one, codes[0], f"192.0.2.{n}") for n, one in enumerate(asked))
    )

    assert len(of_type(outcomes, SignedIn)) == 1


def test_ten_recovery_codes_are_made_and_stored_as_hashes(boss):
    db, _secret, codes = boss

    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"[a-z2-9]{5}-[a-z2-9]{5}", code) for code in codes)
    stored = str(list(db.accounts.find()))
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)


def test_wrong_codes_delay_the_account_however_many_addresses_try(boss):
    db, secret, _ = boss
    codes, now, waits = wrong_codes(secret), NOW, []
    addresses = (f"198.51.100.{n}" for n in itertools.count(1))
    for _ in range(5):
        address = next(addresses)
        with pytest.raises(WrongCode):
            answer(db, challenge(db, address=address), next(codes), address)
    for _ in range(6):
        address = next(addresses)
        asked = challenge(db, address=address, now=now)
        with pytest.raises(TooManyAttempts) as refused:
            answer(db, asked, code_of(secret, now), address, now=now)
        waits.append(refused.value.wait_seconds)
        now += waits[-1] * SECOND
        asked = challenge(db, address=address, now=now)
        with pytest.raises(WrongCode):
            answer(db, asked, next(wrong_codes(secret, now)), address, now=now)

    assert waits == [30, 60, 120, 240, 480, 900]


def test_wrong_codes_and_wrong_passwords_are_counted_together(boss):
    db, secret, _ = boss
    fail(db, name="boss", times=3)
    for code in itertools.islice(wrong_codes(secret), 2):
        asked = challenge(db)
        with pytest.raises(WrongCode):
            answer(db, asked, code)

    assert seconds_to_wait(db, name="boss") == 30


def test_a_right_password_clears_no_failures(boss):
    db, secret, _ = boss
    for code in itertools.islice(wrong_codes(secret), 5):
        challenge(db)
        with pytest.raises(WrongCode):
            answer(db, challenge(db), code)

    assert seconds_to_wait(db, name="boss") == 30


def test_the_owner_signs_in_from_a_known_browser_while_others_guess(boss):
    db, secret, _ = boss
    first = answer(db, challenge(db), code_of(secret, NOW - STEP))
    device = remember_device(db, first.token, now=NOW)
    for n, code in enumerate(itertools.islice(wrong_codes(secret), 5)):
        address = f"198.51.100.{n}"
        with pytest.raises(WrongCode):
            answer(db, challenge(db, address=address), code, address)

    with pytest.raises(TooManyAttempts):
        answer(db, challenge(db, address=OTHER_ADDRESS), code_of(secret), OTHER_ADDRESS)
    assert answer(db, challenge(db, device=device), code_of(secret), device=device)


def test_a_known_browser_has_a_delay_of_its_own(boss):
    db, secret, _ = boss
    first = answer(db, challenge(db), code_of(secret))
    device = remember_device(db, first.token, now=NOW)
    for code in itertools.islice(wrong_codes(secret), 5):
        asked = challenge(db, device=device)
        with pytest.raises(WrongCode):
            answer(db, asked, code, device=device)

    with pytest.raises(TooManyAttempts):
        sign_in(db, "boss", PASSWORD, address=THIS_ADDRESS, now=NOW, device=device)


def test_a_success_gives_no_one_more_guesses_at_the_codes(boss):
    db, secret, _ = boss
    codes = wrong_codes(secret)
    for n in range(4):
        address = f"198.51.100.{n}"
        with pytest.raises(WrongCode):
            answer(db, challenge(db, address=address), next(codes), address)
    assert answer(db, challenge(db), code_of(secret))
    with pytest.raises(WrongCode):
        answer(db, challenge(db, address=OTHER_ADDRESS), next(codes), OTHER_ADDRESS)

    with pytest.raises(TooManyAttempts):
        answer(db, challenge(db), code_of(secret, NOW + STEP))


def test_setting_up_needs_a_right_code(bare):
    add_account(bare, BOSS, password=PASSWORD)
    token = open_session(bare, "boss", now=NOW)
    key = begin_second_factor(bare, token, now=NOW).key

    with pytest.raises(WrongCode):
        confirm_second_factor(bare, token, next(wrong_codes(key)), now=NOW)
    assert not get_account(bare, "boss").has_second_factor
    assert begin_second_factor(bare, token, now=NOW).key == key
    assert sign_in(bare, "boss", PASSWORD, address=THIS_ADDRESS, now=NOW)


def test_nothing_is_confirmed_that_was_not_begun(bare):
    add_account(bare, BOSS, password=PASSWORD)
    token = open_session(bare, "boss", now=NOW)

    for code in ("000000", ""):
        with pytest.raises(WrongCode):
            confirm_second_factor(bare, token, code, now=NOW)


def test_each_session_sets_up_a_key_of_its_own(bare):
    add_account(bare, BOSS, password=PASSWORD)
    one, other = (open_session(bare, "boss", now=NOW) for _ in range(2))
    key = begin_second_factor(bare, other, now=NOW).key

    assert begin_second_factor(bare, one, now=NOW).key != key
    with pytest.raises(WrongCode):
        confirm_second_factor(bare, one, code_of(key), now=NOW)


def test_set_up_ends_all_sessions_and_forgets_known_browsers(bare):
    add_account(bare, BOSS, password=PASSWORD)
    elsewhere = open_session(bare, "boss", now=EARLIER)
    remember_device(bare, elsewhere, now=EARLIER)

    set_up(bare)

    assert session_of(bare, elsewhere, now=NOW) is None
    assert bare.sessions.count_documents({}) == bare.devices.count_documents({}) == 0
    assert ("boss", "set up the second factor of", "account", "boss") in account_entries(bare)


def test_the_code_of_the_set_up_signs_in_no_more(bare):
    add_account(bare, BOSS, password=PASSWORD)
    secret, _ = set_up(bare, now=NOW)

    with pytest.raises(WrongCode):
        answer(bare, challenge(bare), code_of(secret))


def test_of_two_set_ups_at_once_one_is_stored(bare):
    add_account(bare, BOSS, password=PASSWORD)
    tokens = [open_session(bare, "boss", now=NOW) for _ in range(2)]
    keys = [begin_second_factor(bare, token, now=NOW).key for token in tokens]

    outcomes = at_once(
        *(
            partial(confirm_second_factor, bare, token, code_of(key), now=NOW)
            for token, key in zip(tokens, keys, strict=True)
        )
    )

    assert len(of_type(outcomes, list)) == 1
    assert len(account_entries(bare)) == 2


def test_wrong_codes_of_a_set_up_are_followed_by_a_delay(bare):
    add_account(bare, BOSS, password=PASSWORD)
    token = open_session(bare, "boss", now=NOW)
    key = begin_second_factor(bare, token, now=NOW).key
    for code in itertools.islice(wrong_codes(key), 5):
        with pytest.raises(WrongCode):
            confirm_second_factor(bare, token, code, now=NOW)

    with pytest.raises(TooManyAttempts):
        confirm_second_factor(bare, token, code_of(key), now=NOW)


@pytest.mark.parametrize("role", list(Role), ids=str)
def test_principals_and_admins_may_set_up_a_second_factor(bare, role):
    add_account(bare, Account("one", "One", role), password=PASSWORD)
    token = open_session(bare, "one", now=NOW)

    if role is Role.STAFF:
        with pytest.raises(NotAllowed):
            begin_second_factor(bare, token, now=NOW)
        with pytest.raises(NotAllowed):
            confirm_second_factor(bare, token, "000000", now=NOW)
    else:
        assert begin_second_factor(bare, token, now=NOW).key


def test_an_account_without_a_password_has_no_second_factor(bare):
    add_account(bare, BOSS)
    token = open_session(bare, "boss", now=NOW)

    with pytest.raises(NotAllowed):
        begin_second_factor(bare, token, now=NOW)
    assert session_of(bare, open_session(bare, "boss", by_id_token=True, now=NOW), now=NOW)


def test_a_set_up_second_factor_is_not_replaced(boss):
    db, _, _ = boss
    token = open_session(db, "boss", now=NOW)

    with pytest.raises(AlreadyExists):
        begin_second_factor(db, token, now=NOW)
    with pytest.raises(AlreadyExists):
        confirm_second_factor(db, token, "000000", now=NOW)


@pytest.mark.parametrize(
    ("role", "has_password", "has_second_factor", "is_on", "must"),
    [
        (Role.ADMIN, True, False, True, True),
        (Role.PRINCIPAL, True, False, True, True),
        (Role.STAFF, True, False, True, False),
        (Role.ADMIN, True, True, True, False),
        (Role.ADMIN, False, False, True, False),
        (Role.ADMIN, True, False, False, False),
    ],
)
def test_who_must_set_up_a_second_factor(role, has_password, has_second_factor, is_on, must):
    account = Account(
        "one", "One", role, has_password=has_password, has_second_factor=has_second_factor
    )

    assert must_set_up_second_factor(account, Policy(second_factor=is_on)) is must


@pytest.mark.parametrize("password_or_code", ["password", "code"])
def test_turning_it_off_asks_for_the_password_or_a_code(boss, password_or_code):
    db, secret, _ = boss
    token = open_session(db, "boss", now=NOW)
    for wrong, error in (
        ("a wrong guess", SignInRefused),
        (next(wrong_codes(secret)), WrongCode),
        ("", SignInRefused),
    ):
        with pytest.raises(error):
            turn_off_second_factor(db, token, wrong, now=NOW)
    assert get_account(db, "boss").has_second_factor

    turn_off_second_factor(
        db, token, PASSWORD if password_or_code == "password" else code_of(secret), now=NOW
    )

    assert not get_account(db, "boss").has_second_factor
    assert sign_in(db, "boss", PASSWORD, address=THIS_ADDRESS, now=NOW)
    assert ("boss", "turned off the second factor of", "account", "boss") in account_entries(db)


def test_new_recovery_codes_replace_the_old_ones(boss):
    db, secret, codes = boss
    token = open_session(db, "boss", now=NOW)
    code = code_of(secret)

    renewed = renew_recovery_codes(db, token, code, now=NOW)

    assert len(renewed) == 10
    assert not set(renewed) & set(codes)
    for spent in (codes[0], code):  # the code that was shown is used up
        with pytest.raises(WrongCode):
            answer(db, challenge(db), spent)
    assert answer(db, challenge(db), renewed[0])
    assert ("boss", "renewed the recovery codes of", "account", "boss") in account_entries(db)


def test_guesses_at_the_proof_are_followed_by_a_delay(boss):
    db, secret, _ = boss
    token = open_session(db, "boss", now=NOW)
    for code in itertools.islice(wrong_codes(secret), 5):
        with pytest.raises(WrongCode):
            renew_recovery_codes(db, token, code, now=NOW)

    with pytest.raises(TooManyAttempts):
        turn_off_second_factor(db, token, PASSWORD, now=NOW)


def test_nothing_is_done_without_a_session(boss):
    db, secret, _ = boss
    token = open_session(db, "boss", now=NOW)
    end_other_sessions(db, "", by=BOSS.actor)
    for act in (
        begin_second_factor,
        partial(confirm_second_factor, code=code_of(secret)),
        partial(turn_off_second_factor, password_or_code=PASSWORD),
        partial(renew_recovery_codes, password_or_code=PASSWORD),
        recovery_codes_left,
    ):
        for sent in (token, "", "x" * 43):
            with pytest.raises(SignInRefused):
                act(db, sent, now=NOW)
    assert get_account(db, "boss").has_second_factor


def test_an_admin_resets_the_second_factor_of_another(boss):
    db, _secret, _ = boss
    open_session(db, "boss", now=NOW)

    after = reset_second_factor(db, "Boss", by=ADMIN)

    assert not after.has_second_factor
    assert after == get_account(db, "boss")
    assert db.sessions.count_documents({}) == 0
    assert sign_in(db, "boss", PASSWORD, address=THIS_ADDRESS, now=NOW)
    assert ("admin", "reset the second factor of", "account", "boss") in account_entries(db)


def test_only_admins_reset_and_nobody_the_own_one(boss):
    db, _, _ = boss
    add_account(db, Account("other", "Other", Role.ADMIN))
    for by in (MEERA, HEAD):
        with pytest.raises(NotAllowed):
            reset_second_factor(db, "boss", by=by)
    with pytest.raises(InvalidRequest, match="your own"):
        reset_second_factor(db, "boss", by=BOSS.actor)
    for name in ("other", "nobody"):
        with pytest.raises(NotFound):
            reset_second_factor(db, name, by=ADMIN)

    assert get_account(db, "boss").has_second_factor


def test_the_command_line_resets_a_second_factor(boss):
    db, _, _ = boss
    there = {
        "MONGODB_URI": str(db.booking_settings.mongodb_uri),
        "MONGODB_DATABASE": db.name,
    }
    run = partial(CliRunner().invoke, cli, env=there)

    listed = run(["account", "list"])
    done = run(["account", "reset-second-factor", "boss"])
    again = run(["account", "reset-second-factor", "boss"])

    assert "second factor" in listed.stdout
    assert done.stdout == "boss has no second factor and is signed out everywhere.\n"
    assert (again.exit_code, again.stderr.count("\n")) == (1, 1)
    assert "no second factor of account 'boss'" in again.stderr
    assert ("system", "reset the second factor of", "account", "boss") in account_entries(db)


def test_a_new_password_leaves_the_second_factor_on(boss):
    db, secret, _ = boss
    once = reset_password(db, "boss", by=ADMIN)

    signed_in = answer(db, challenge(db, password=once), code_of(secret))
    assert signed_in.account.must_change
    change_password(db, "boss", old=once, new="another good one of boss")

    assert challenge(db, password="another good one of boss")


def test_a_role_without_the_right_is_asked_for_its_code_all_the_same(boss):
    db, secret, _ = boss
    add_account(db, Account("other", "Other", Role.ADMIN))
    change_account(db, "boss", role=Role.STAFF, by=None)

    signed_in = answer(db, challenge(db), code_of(secret))
    turn_off_second_factor(db, signed_in.token, PASSWORD, now=NOW)

    assert not get_account(db, "boss").has_second_factor


def test_a_second_factor_that_cannot_be_read_lets_nobody_in(boss):
    db, _, _ = boss
    db.command("collMod", "accounts", validationLevel="off")
    try:
        for broken in (None, {}, {"secret": 1}, "none"):
            db.accounts.update_one({"_id": "boss"}, {"$set": {"second_factor": broken}})
            with pytest.raises(SignInRefused) as refused:
                sign_in(db, "boss", PASSWORD, address=THIS_ADDRESS, now=NOW)
            assert type(refused.value) is SignInRefused
            db.attempts.delete_many({})
    finally:
        db.command("collMod", "accounts", validationLevel="strict")


def test_the_secret_is_in_no_log_and_in_the_audit_not_at_all(boss, caplog):
    db, secret, codes = boss
    with caplog.at_level(logging.DEBUG):
        answer(db, challenge(db), codes[0])
        token = open_session(db, "boss", now=NOW)
        turn_off_second_factor(db, token, PASSWORD, now=NOW)
        pending, _ = set_up(db, now=NOW)

    ours = "\n".join(r.getMessage() for r in caplog.records if not r.name.startswith("pymongo"))
    for hidden in (secret, pending, *codes):
        assert hidden not in ours
        assert hidden not in str(list(db.audit.find()))
        assert hidden not in repr(find_accounts(db))


def test_a_backup_has_second_factors_like_passwords_and_no_challenges(boss, tmp_path):
    db, secret, _ = boss
    asked = challenge(db)
    token = open_session(db, "boss", now=NOW)
    backups.save(db, tmp_path / "school.gz")

    text = "\n".join(map(str, lines_of(tmp_path / "school.gz")))

    assert secret in text
    assert "$argon2id$" in text
    assert '"challenges"' not in text
    assert asked not in text
    assert token not in text


def test_no_code_is_right_for_an_account_that_has_changed_since_it_was_read(boss):
    db, secret, recovery = boss
    found = accounts.read(db, "boss")
    reset_password(db, "boss", by=None)

    assert not second_factor.is_right(db, found, code_of(secret), NOW)
    assert not second_factor.is_right(db, found, recovery[0], NOW)
    present = accounts.read(db, "boss")
    assert second_factor.is_right(db, present, code_of(secret), NOW)
    assert second_factor.is_right(db, present, recovery[0], NOW)
