"""The second factor of an account: setting it up, its recovery codes, turning it off, resetting it.

``sign_in`` asks for its codes. ``token`` is that of a session of the account.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from booking_core.access import login_throttle, passwords, sessions, totp
from booking_core.domain import rules
from booking_core.domain.errors import (
    AlreadyExists,
    ChangedMeanwhile,
    InvalidRequest,
    NotAllowed,
    NotFound,
    SignInRefused,
    WrongCode,
)
from booking_core.domain.model import Account, Actor
from booking_core.domain.names import sign_in_key
from booking_core.domain.people import SecondFactorSetUp
from booking_core.domain.validation import check_sign_in_name
from booking_core.storage.access import accounts
from booking_core.storage.access import sessions as session_store
from booking_core.storage.access.attempts import Attempt
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline


@within_deadline
def begin_second_factor(
    db: Documents, token: str, *, now: datetime | None = None
) -> SecondFactorSetUp:
    """What the user gives to an authenticator app; the same at each call in one session.

    Raises SignInRefused if the session has ended, NotAllowed for staff and for accounts without a
    password, AlreadyExists, StoreUnavailable.
    """
    now = moment(db, now)
    key, session, found = _signed_in(db, token, now)
    _check_may_set_up(found)
    secret = session.pending_secret or session_store.begin_set_up(db, key, totp.new_secret())
    if not secret:
        raise SignInRefused
    return totp.set_up(secret, found.account.id, settings_of(db).school_name)


@within_deadline
def confirm_second_factor(
    db: Documents, token: str, code: str, *, now: datetime | None = None
) -> list[str]:
    """Turns the second factor on, which ``begin_second_factor`` has begun; ten recovery codes.

    ``code`` is one of the authenticator app. All sessions of the account end. Raises WrongCode,
    TooManyAttempts, and as ``begin_second_factor`` does.
    """
    now = moment(db, now)
    _, session, found = _signed_in(db, token, now)
    _check_may_set_up(found)
    secret = session.pending_secret
    counted = _begin(db, found, now)
    steps = totp.matching_steps(secret, totp.typed(code), now) if secret else []
    if not steps:
        raise WrongCode
    codes = totp.new_recovery_codes()
    # Its last step is that of this code, which therefore signs in no more.
    new = _with_codes(accounts.StoredSecondFactor(secret, steps[-1], ()), codes)
    by = found.account.actor
    _put(db, found, new, "set up the second factor of", by, now, end_sessions=True)
    login_throttle.succeed(db, counted)
    return codes


@within_deadline
def renew_recovery_codes(
    db: Documents, token: str, password_or_code: str, *, now: datetime | None = None
) -> list[str]:
    """Ten new recovery codes; the former ones are invalid from now on.

    Raises SignInRefused for a wrong one, TooManyAttempts, NotFound without a second factor,
    ChangedMeanwhile, StoreUnavailable.
    """
    now = moment(db, now)
    found, second_factor = _checked(db, token, password_or_code, now)
    codes = totp.new_recovery_codes()
    new = _with_codes(second_factor, codes)
    _put(db, found, new, "renewed the recovery codes of", found.account.actor, now)
    return codes


@within_deadline
def turn_off_second_factor(
    db: Documents, token: str, password_or_code: str, *, now: datetime | None = None
) -> None:
    """Turns the second factor off; raises as ``renew_recovery_codes`` does."""
    now = moment(db, now)
    found, _ = _checked(db, token, password_or_code, now)
    _put(db, found, None, "turned off the second factor of", found.account.actor, now)


@within_deadline
def recovery_codes_left(db: Documents, token: str, *, now: datetime | None = None) -> int:
    """How many recovery codes the account has left.

    Raises SignInRefused if the session has ended, NotFound without a second factor,
    StoreUnavailable.
    """
    found = _signed_in(db, token, moment(db, now))[2]
    return len(_second_factor(found).recovery)


@within_deadline
def reset_second_factor(
    db: Documents, account_id: str, *, by: Actor | None, now: datetime | None = None
) -> Account:
    """Turns off the second factor of another user's account and ends its sessions.

    ``by`` None is the command line. Raises InvalidRequest, also for the account of ``by``;
    NotFound for no account and without a second factor; ChangedMeanwhile, NotAllowed,
    StoreUnavailable.
    """
    if by is not None:
        rules.check_may("administer", by)
    account_id, now = check_sign_in_name(account_id, "account_id"), moment(db, now)
    found = accounts.read(db, account_id)
    if found is None:
        raise NotFound("account", account_id)
    _second_factor(found)
    # Without a password or a code, a session that was left open would be enough.
    if by is not None and sign_in_key(by.id) == sign_in_key(found.account.id):
        raise InvalidRequest("account_id", "is your own; turn it off on the page of your own")
    _put(db, found, None, "reset the second factor of", by, now, end_sessions=True)
    return replace(found.account, has_second_factor=False)


def is_right(db: Documents, found: accounts.StoredAccount, code: str, now: datetime) -> bool:
    """Whether ``code`` is a code of ``found`` that was not used before; it is used up then."""
    second_factor, text = found.second_factor, totp.typed(code)
    if second_factor is None:
        return False
    if totp.is_recovery_code(text):
        hash = totp.recovery_hash(second_factor.secret, text)
        return accounts.use_recovery(db, found, hash)
    steps = totp.matching_steps(second_factor.secret, text, now)
    return any(accounts.use_step(db, found, step) for step in steps)


def _signed_in(
    db: Documents, token: str, now: datetime
) -> tuple[str, session_store.StoredSession, accounts.StoredAccount]:
    """The key of the session, the session, and its account. Raises SignInRefused."""
    session = sessions.stored_of(db, token, now)
    found = None if session is None else accounts.read(db, session.account_id)
    if session is None or found is None or not found.account.active:
        raise SignInRefused
    if session.epoch != found.epoch:
        raise SignInRefused
    return sessions.key_of(token), session, found


def _check_may_set_up(found: accounts.StoredAccount) -> None:
    verb = "set up a second factor"
    rules.check_may(verb, found.account.actor)
    if not found.account.has_password:  # an identity provider asks for it
        raise NotAllowed(verb, found.account.role.value)
    if found.second_factor is not None:
        raise AlreadyExists("second factor", found.account.id)


def _checked(
    db: Documents, token: str, password_or_code: str, now: datetime
) -> tuple[accounts.StoredAccount, accounts.StoredSecondFactor]:
    """The account of ``token`` and its second factor, if the password or the code is right."""
    if not isinstance(password_or_code, str):
        raise InvalidRequest("password_or_code", "must be text")
    found = _signed_in(db, token, now)[2]
    second_factor = _second_factor(found)
    counted = _begin(db, found, now)
    # No password has the form of a code: passwords are longer.
    if totp.is_code(totp.typed(password_or_code)):
        if not is_right(db, found, password_or_code, now):
            raise WrongCode
    elif not passwords.matches(found.password_hash, password_or_code):
        raise SignInRefused
    login_throttle.succeed(db, counted)
    return found, second_factor


def _put(
    db: Documents,
    found: accounts.StoredAccount,
    new: accounts.StoredSecondFactor | None,
    action: str,
    by: Actor | None,
    now: datetime,
    *,
    end_sessions: bool = False,
) -> None:
    if not accounts.put_second_factor(
        db, found, new, end_sessions=end_sessions, action=action, by=by, now=now
    ):
        raise ChangedMeanwhile("the account")


def _begin(db: Documents, found: accounts.StoredAccount, now: datetime) -> list[Attempt]:
    # Shares its count with wrong old passwords: a thief of the session may guess at either.
    return login_throttle.begin(db, [("change", sign_in_key(found.account.id))], now)


def _second_factor(found: accounts.StoredAccount) -> accounts.StoredSecondFactor:
    if found.second_factor is None:
        raise NotFound("second factor of account", found.account.id)
    return found.second_factor


def _with_codes(
    second_factor: accounts.StoredSecondFactor, codes: list[str]
) -> accounts.StoredSecondFactor:
    hashes = tuple(totp.recovery_hash(second_factor.secret, code) for code in codes)
    return replace(second_factor, recovery=hashes)
