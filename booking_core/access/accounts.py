"""Accounts: who may sign in, and as what.

``by`` None: no account acts, but whoever has the database in hand, such as the command line.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import Enum
from typing import Any, Final, Literal

from booking_core.access import passwords
from booking_core.domain import rules
from booking_core.domain.clock import moment
from booking_core.domain.errors import InvalidRequest, NotFound, SignInRefused, TooManyAttempts
from booking_core.domain.model import Account, Actor, Role
from booking_core.domain.validation import MAX_NAME, check_email, check_id, check_text
from booking_core.storage import accounts as store
from booking_core.storage import attempts
from booking_core.storage.database import Documents


class _Unset(Enum):
    UNSET = 0


UNSET: Final = _Unset.UNSET
# The journal writes these for what nobody did: an account of that name could hide behind them.
_RESERVED = frozenset({"system"})


def add_account(
    db: Documents,
    account: Account,
    *,
    password: str | None = None,
    by: Actor | None = None,
    now: datetime | None = None,
) -> Account:
    """Adds an account; ``must_change`` asks for another password at the first sign-in.

    Without a password only an identity provider lets it in. Raises InvalidRequest, AlreadyExists
    (for its id or its e-mail address), NotAllowed, StoreUnavailable.
    """
    _check_admin(by)
    if not isinstance(account, Account):
        raise InvalidRequest("account", "must be an Account")
    now = moment(now)
    if account.id in _RESERVED:
        raise InvalidRequest("id", "is reserved; choose another")
    kept = replace(account, email=_lower(account.email), has_password=password is not None)
    if password is None:
        return store.insert(db, replace(kept, must_change=False), None, by, now)
    passwords.check(password, account.id, account.name)
    return store.insert(db, kept, passwords.hashed(password), by, now)


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
    now: datetime | None = None,
) -> Account:
    """Changes what is given; a new role, and disabling, end the account's sessions with it.

    ``email`` None takes the address away; ``reason`` is for the journal. Raises InvalidRequest,
    NotFound, AlreadyExists (for the address), LastAdmin when no active admin would be left,
    NotAllowed, StoreUnavailable.
    """
    _check_admin(by)
    account_id = _check_id(account_id)
    fields: dict[str, Any] = {}
    if name is not None:
        fields["name"] = check_text(name, "name", limit=MAX_NAME, required=True)
    if role is not None:
        if not isinstance(role, Role):
            raise InvalidRequest("role", "must be staff, principal or admin")
        fields["role"] = role.value
    if email is not UNSET:
        fields["email"] = _lower(check_email(email))
    if active is not None:
        if not isinstance(active, bool):
            raise InvalidRequest("active", "must be true or false")
        fields["active"] = active
    reason = check_text(reason, "reason")
    return store.update(db, account_id, fields, reason, by, moment(now))


def reset_password(
    db: Documents, account_id: str, *, by: Actor | None, now: datetime | None = None
) -> str:
    """A one-time password to hand over, to be changed at its first use; all sessions end.

    Raises InvalidRequest, NotFound, NotAllowed, StoreUnavailable.
    """
    _check_admin(by)
    account_id, now = _check_id(account_id), moment(now)
    password = passwords.one_time()
    new = passwords.hashed(password)
    store.set_password(db, account_id, new, instead_of=None, must_change=True, by=by, now=now)
    return password


def change_password(
    db: Documents, account_id: str, *, old: str, new: str, now: datetime | None = None
) -> Account:
    """The account's own change of its password; all its sessions end, and a new one may begin.

    A wrong ``old`` counts as a failure to sign in. Raises InvalidRequest, NotFound, SignInRefused,
    TooManyAttempts, StoreUnavailable.
    """
    account_id, now = _check_id(account_id), moment(now)
    if not isinstance(old, str):
        raise InvalidRequest("password", "must be text")
    account = get_account(db, account_id)
    passwords.check(new, account.id, account.name)
    if new == old:
        raise InvalidRequest("password", "is the one that you have now")
    key = attempts.key_of("account", account_id)
    tried = attempts.begin(db, key, now)
    if tried.wait_seconds is not None:
        raise TooManyAttempts(tried.wait_seconds)
    stored = (store.read(db, account_id) or {}).get("password_hash")
    if not passwords.matches(stored, old):
        raise SignInRefused
    changed = store.set_password(
        db,
        account_id,
        passwords.hashed(new),
        instead_of=stored,
        must_change=False,
        by=account.actor,
        now=now,
    )
    if changed is None:  # reset, or disabled, at the same moment
        raise SignInRefused
    attempts.forget(db, key)
    return changed


def get_account(db: Documents, account_id: str) -> Account:
    """Raises InvalidRequest, NotFound, StoreUnavailable."""
    account_id = _check_id(account_id)
    found = store.read(db, account_id)
    if found is None:
        raise NotFound("account", account_id)
    return store.to_account(found)


def find_accounts(db: Documents) -> list[Account]:
    """All of them, by name."""
    return [store.to_account(row) for row in store.find(db)]


def account_of_email(db: Documents, email: str) -> Account | None:
    """The account of an address, disabled or not; None for none. Raises InvalidRequest."""
    address = _lower(check_email(email))
    found = None if address is None else store.read_by_email(db, address)
    return None if found is None else store.to_account(found)


def has_admin(db: Documents) -> bool:
    """Whether somebody can look after the accounts: an active admin."""
    return store.has_admin(db)


def _check_admin(by: Actor | None) -> None:
    if by is not None:
        rules.check_may("administer", by)


def _check_id(value: Any) -> str:
    return check_id(value, "account_id").lower()


def _lower(email: str | None) -> str | None:
    return None if email is None else email.lower()
