"""Accounts: adding and changing them, their passwords, and the rule that one admin is left.

``by`` None stands for the command line or a script: it has the database's credentials, so it needs
no account.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import Enum
from typing import Any, Final, Literal

from booking_core.access import login_throttle, passwords
from booking_core.domain import rules
from booking_core.domain.errors import (
    ChangedMeanwhile,
    InvalidRequest,
    LastAdmin,
    NotFound,
    SignInRefused,
)
from booking_core.domain.model import Account, Actor, MailWish, Role
from booking_core.domain.names import normal_form, sign_in_key
from booking_core.domain.validation import (
    MAX_NAME,
    check_email,
    check_sign_in_name,
    check_text,
)
from booking_core.storage import audit_log
from booking_core.storage.access import accounts as store
from booking_core.storage.access import erasure
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline


class _Unset(Enum):
    UNSET = 0


UNSET: Final = _Unset.UNSET


@within_deadline
def add_account(
    db: Documents,
    account: Account,
    *,
    password: str | None = None,
    by: Actor | None = None,
    now: datetime | None = None,
) -> Account:
    """The account as stored. ``must_change`` asks for another password at the first sign-in.

    An account without a password signs in by an identity provider only. Raises InvalidRequest,
    AlreadyExists (for its id or its e-mail address), NotAllowed, StoreUnavailable.
    """
    _check_admin(by)
    if not isinstance(account, Account):
        raise InvalidRequest("account", "must be an Account")
    now = moment(db, now)
    # Changes without a user, and imported bookings, have these ids.
    if sign_in_key(account.id) in (audit_log.SYSTEM[0], audit_log.IMPORTER[0]):
        raise InvalidRequest("id", "is reserved; choose another")
    if erasure.is_pseudonym(account.id):
        raise InvalidRequest("id", "is that of a former account; choose another")
    # What that account did is still looked for under this name.
    if erasure.is_noted(db, account.id):
        raise InvalidRequest("id", "was erased just now; add it again in ten minutes")
    kept = replace(account, email=_lower(account.email), has_password=password is not None)
    if password is None:
        return store.insert(db, replace(kept, must_change=False), None, by, now)
    _check_password(db, password, account)
    return store.insert(db, kept, passwords.hashed(password), by, now)


@within_deadline
def change_account(
    db: Documents,
    account_id: str,
    *,
    name: str | None = None,
    role: Role | None = None,
    email: str | Literal[_Unset.UNSET] | None = UNSET,
    active: bool | None = None,
    reason: str = "",
    by: Actor | None,
    was: Account | None = None,
    now: datetime | None = None,
) -> Account:
    """The account after the change. A new role and disabling end its sessions at once.

    ``email`` None removes the address. ``reason`` is written to the audit log. With ``was``, the
    account that the user was shown, ChangedMeanwhile is raised if the stored name, role, e-mail
    address or ``active`` differs from it. Raises InvalidRequest, NotFound, AlreadyExists (for the
    address), LastAdmin if no active admin would be left, NotAllowed, StoreUnavailable.
    """
    _check_admin(by)
    account_id = _check_id(account_id)
    fields: dict[str, Any] = {}
    if name is not None:
        fields["name"] = check_text(name, "name", limit=MAX_NAME, required=True)
    if role is not None:
        if not isinstance(role, Role):
            raise InvalidRequest("role", "must be staff, principal or admin")
        fields["role"] = role
    if email is not UNSET:
        fields["email"] = _lower(check_email(email))
    if active is not None:
        if not isinstance(active, bool):
            raise InvalidRequest("active", "must be true or false")
        fields["active"] = active
    reason = check_text(reason, "reason")
    if was is not None and not isinstance(was, Account):
        raise InvalidRequest("was", "must be an Account")
    now = moment(db, now)

    def work(transaction: store.AccountTransaction) -> Account:
        before = transaction.read(account_id)
        if before is None:
            raise NotFound("account", account_id)
        if was is not None and _editable(was) != _editable(before):
            raise ChangedMeanwhile("the account")
        after = replace(before, **fields)
        if after == before:
            return before
        # The count locks every admin, so two admins cannot disable each other at the same moment.
        no_longer_admin = _is_admin(before) and not _is_admin(after)
        if no_longer_admin and transaction.lock_active(Role.ADMIN, now) < 2:
            raise LastAdmin(account_id)
        loses_access = after.role is not before.role or (before.active and not after.active)
        transaction.replace(before, after, now, end_sessions=loses_access)
        transaction.log_change(before, after, _action(before, after), reason, by, now)
        return after

    return store.run(db, work)


@within_deadline
def set_mail_wish(
    db: Documents, wish: MailWish, *, by: Actor, now: datetime | None = None
) -> Account:
    """The account of ``by`` with its wish: mails at once, one a day, or none.

    Raises InvalidRequest, NotFound for one that is disabled or gone, StoreUnavailable.
    """
    rules.check_actor(by)
    if not isinstance(wish, MailWish):
        raise InvalidRequest("mail", "must be at once, daily or none")
    return store.set_mail_wish(db, by.id, wish, by, moment(db, now))


@within_deadline
def reset_password(
    db: Documents, account_id: str, *, by: Actor | None, now: datetime | None = None
) -> str:
    """A new one-time password, which signs in once, within 72 hours. All sessions end.

    Raises InvalidRequest, NotFound, NotAllowed, StoreUnavailable.
    """
    _check_admin(by)
    account_id, now = _check_id(account_id), moment(db, now)
    password = passwords.one_time_password()
    store.set_password(
        db,
        account_id,
        passwords.hashed(password),
        instead_of=None,
        must_change=True,
        action="reset the password of",
        by=by,
        now=now,
    )
    return password


@within_deadline
def change_password(
    db: Documents, account_id: str, *, old: str, new: str, now: datetime | None = None
) -> Account:
    """The account after its user changed the password. All its sessions end.

    Failures with a wrong ``old`` are followed by delays. Raises InvalidRequest, NotFound,
    SignInRefused, TooManyAttempts, StoreUnavailable.
    """
    account_id, now = _check_id(account_id), moment(db, now)
    if not isinstance(old, str):
        raise InvalidRequest("password", "must be text")
    account = get_account(db, account_id)
    _check_password(db, new, account)
    if new == old:
        raise InvalidRequest("password", "is the one that you have now")
    counted = login_throttle.begin(db, [("change", sign_in_key(account.id))], now)
    found = store.read(db, account_id)
    stored = None if found is None else found.password_hash
    if not passwords.matches(stored, old):
        raise SignInRefused
    changed = store.set_password(
        db,
        account_id,
        passwords.hashed(new),
        instead_of=stored,
        must_change=False,
        action="changed the password of",
        by=account.actor,
        now=now,
    )
    if changed is None:  # an admin has reset the password or disabled the account meanwhile
        raise SignInRefused
    login_throttle.succeed(db, counted)
    return changed


@within_deadline
def get_account(db: Documents, account_id: str) -> Account:
    """The account as stored. Raises InvalidRequest, NotFound, StoreUnavailable."""
    account_id = _check_id(account_id)
    found = store.read(db, account_id)
    if found is None:
        raise NotFound("account", account_id)
    return found.account


@within_deadline
def find_accounts(db: Documents) -> list[Account]:
    """All accounts, ordered by name. Raises StoreUnavailable."""
    return store.find_all(db)


@within_deadline
def account_of_email(db: Documents, email: str) -> Account | None:
    """The account with this address, active or disabled; None if there is none.

    Raises InvalidRequest, StoreUnavailable.
    """
    address = _lower(check_email(email))
    return None if address is None else store.read_by_email(db, address)


@within_deadline
def has_admin(db: Documents) -> bool:
    """Whether there is an active admin. Raises StoreUnavailable."""
    return store.has_active(db, Role.ADMIN)


def _editable(account: Account) -> tuple[str, str, Role, str | None, bool]:
    return account.id, account.name, account.role, _lower(account.email), account.active


def _is_admin(account: Account) -> bool:
    return account.active and account.role is Role.ADMIN


def _action(before: Account, after: Account) -> str:
    """The verb of the audit log entry."""
    if replace(before, active=after.active) == after:
        return "enabled" if after.active else "disabled"
    return "changed"


def _check_password(db: Documents, password: Any, account: Account) -> None:
    passwords.check(password, account.id, account.name, settings_of(db).school_name)


def _check_admin(by: Actor | None) -> None:
    if by is not None:
        rules.check_may("administer", by)


def _check_id(value: Any) -> str:
    return check_sign_in_name(value, "account_id")


def _lower(email: str | None) -> str | None:
    # Composed again: some capitals are two code points, and their small letters are one.
    return None if email is None else normal_form(email.lower())
