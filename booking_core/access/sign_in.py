"""Sign-in with a name and a password, and with a code where the account has a second factor.

An unknown name, a wrong password and a disabled account get the same answer after the same work,
so that nobody learns which names exist.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from booking_core.access import (
    devices,
    link_tokens,
    login_throttle,
    passwords,
    second_factor,
    sessions,
)
from booking_core.domain.errors import (
    ChallengeOver,
    InvalidRequest,
    OneTimePasswordOver,
    SecondFactorNeeded,
    SignInRefused,
    WrongCode,
)
from booking_core.domain.names import MAX_ID, find_unusable, sign_in_key
from booking_core.domain.people import SignedIn
from booking_core.storage.access import accounts, challenges
from booking_core.storage.access.attempts import Attempt
from booking_core.storage.client.database import Documents, moment
from booking_core.storage.client.verbs import within_deadline

CHALLENGE_OPEN = timedelta(minutes=5)  # from the right password to the code
MOST_CODES = 5  # of one challenge
_MAX_TOKEN = 200


@within_deadline
def sign_in(
    db: Documents,
    name: str,
    password: str,
    *,
    address: str,
    device: str | None = None,
    browser: str = "",
    now: datetime | None = None,
) -> SignedIn:
    """Opens a session for the account ``name``; ``address`` is the client's network address.

    ``device``: the token of ``remember_device`` that the browser has sent; ``browser``: see
    ``open_session``. Raises SignInRefused; OneTimePasswordOver; SecondFactorNeeded, without a
    session, if the account has a second factor: ``sign_in_by_code`` goes on; TooManyAttempts,
    without checking the password, while a delay runs after failures (``login_throttle``);
    InvalidRequest, StoreUnavailable.
    """
    for field, value in (("name", name), ("password", password)):
        if not isinstance(value, str):
            raise InvalidRequest(field, "must be text")
    host, now = login_throttle.host_of(address), moment(db, now)
    found = accounts.read(db, name) if may_be_key(sign_in_key(name)) else None
    counted = _count(db, name, found, host, device, now)
    stored = found.password_hash if found else None
    # Compared in every case, before anything else is looked at: hashing takes nearly all the time.
    is_right = passwords.matches(stored, password)
    if not is_right or found is None or stored is None or not found.account.active:
        raise SignInRefused
    # Spent before the session opens: the other order could open two sessions.
    if found.account.must_change and not accounts.spend_one_time(
        db, found, issued_after=now - passwords.ONE_TIME
    ):
        raise OneTimePasswordOver
    if passwords.is_outdated(stored):
        accounts.renew_hash(db, found.account.id, stored, passwords.hashed(password))
    if found.second_factor is not None:
        # Wrong codes of before still count: a right password must not pay for more guesses.
        login_throttle.take_back(db, counted)
        raise SecondFactorNeeded(_begin_challenge(db, found, now))
    login_throttle.succeed(db, counted)
    token = sessions.begin(db, found, by_id_token=False, browser=browser, now=now)
    return SignedIn(token, found.account)


@within_deadline
def sign_in_by_code(
    db: Documents,
    challenge: str,
    code: str,
    *,
    address: str,
    device: str | None = None,
    browser: str = "",
    now: datetime | None = None,
) -> SignedIn:
    """Opens a session for the account of ``challenge``, which SecondFactorNeeded has carried.

    ``code`` is one of the authenticator app, or a recovery code; spaces and dashes do not matter.
    The other parameters are those of ``sign_in``. Raises WrongCode; ChallengeOver after five wrong
    codes, after 5 minutes, and when the account has changed; TooManyAttempts, InvalidRequest,
    StoreUnavailable.
    """
    host, now = login_throttle.host_of(address), moment(db, now)
    if not isinstance(challenge, str) or not 0 < len(challenge) <= _MAX_TOKEN:
        raise ChallengeOver
    key = _challenge_key(challenge)
    stored = challenges.read(db, key, now, most_tries=MOST_CODES)
    found = None if stored is None else accounts.read(db, stored.account_id)
    if stored is None or found is None or found.second_factor is None:
        raise ChallengeOver
    if stored.epoch != found.epoch or not found.account.active:
        raise ChallengeOver
    counted = _count(db, found.account.id, found, host, device, now, is_code=True)
    if not challenges.count_try(db, key, now, most_tries=MOST_CODES):
        login_throttle.take_back(db, counted)
        raise ChallengeOver
    if not second_factor.is_right(db, found, code, now):
        raise WrongCode
    # Two codes may be right at the same moment. A challenge opens one session all the same.
    if not challenges.spend(db, key):
        raise ChallengeOver
    login_throttle.succeed(db, counted)
    token = sessions.begin(db, found, by_id_token=False, browser=browser, now=now)
    return SignedIn(token, found.account)


@within_deadline
def is_challenge_open(db: Documents, challenge: str, *, now: datetime | None = None) -> bool:
    """Whether ``challenge`` still takes a code. Raises StoreUnavailable."""
    if not isinstance(challenge, str) or not 0 < len(challenge) <= _MAX_TOKEN:
        return False
    key, now = _challenge_key(challenge), moment(db, now)
    return challenges.read(db, key, now, most_tries=MOST_CODES) is not None


def _begin_challenge(db: Documents, found: accounts.StoredAccount, now: datetime) -> str:
    token = secrets.token_urlsafe(32)
    stored = challenges.StoredChallenge(found.account.id, found.epoch, 0, now + CHALLENGE_OPEN)
    challenges.insert(db, _challenge_key(token), stored)
    return token


def _challenge_key(token: str) -> str:
    return link_tokens.hashed(token)


def _count(
    db: Documents,
    name: str,
    found: accounts.StoredAccount | None,
    host: str,
    device: str | None,
    now: datetime,
    *,
    is_code: bool = False,
) -> list[Attempt]:
    """Counts an attempt at ``name``. Raises TooManyAttempts."""
    device_key = devices.key_of(name, device)
    if device_key is not None and devices.is_known(db, device_key, found, now):
        return login_throttle.begin(db, [("device", device_key)], now)
    # Spellings that find one account are one name to the throttle too.
    account_key = sign_in_key(name)
    keys: list[tuple[login_throttle.Kind, str]] = [("pair", f"{host} {account_key}")]
    if is_code:
        keys.append(("code", account_key))
    return login_throttle.begin(db, [*keys, ("account", account_key), ("address", host)], now)


def may_be_key(text: str) -> bool:
    """Whether an account may have this key: one letter of an id is up to three of its key."""
    return 0 < len(text) <= 3 * MAX_ID and find_unusable(text) is None
