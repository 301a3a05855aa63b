"""The accounts collection. Every change is written in one transaction with its audit log entry.

A document's ``epoch`` grows whenever its sessions end. A session stores the epoch of its account
and is valid only while the two are equal. So a session that is inserted while the password changes
is invalid too, although the deletion of the account's sessions did not see it. Known devices end
with the sessions, in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from pymongo import ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from booking_core.domain.errors import AlreadyExists, NotFound
from booking_core.domain.model import Account, Actor, MailWish, Role
from booking_core.domain.names import key_of, sign_in_key
from booking_core.storage import audit_log, mail_links
from booking_core.storage import readable as r
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.transactions import transact
from booking_core.storage.client.verbs import DEADLINE_SECONDS, reachable
from booking_core.storage.documents import Document
from booking_core.storage.schema import keys, schema
from booking_core.storage.transaction import Transaction

T = TypeVar("T")
# Fields that an audit log entry names.
_AUDITED = ("name", "role", "email", "active")
# A key that was stored before a dotless i and an ``i`` were one has the dotless one, which sorts
# after ``i``. Of two accounts that ``_named`` fits, the one with that very name comes first.
_SAME_NAME_FIRST = [("id_key", -1)]


class AccountTransaction(Transaction):
    """Reads and writes of one transaction; see ``run``."""

    def __init__(self, db: Documents, session: ClientSession) -> None:
        super().__init__(db, session)
        self._accounts = self.collection(schema.ACCOUNTS)

    def read(self, account_id: str) -> Account | None:
        """The account, or None if there is none."""
        found = self._accounts.find_one(
            _named(account_id), sort=_SAME_NAME_FIRST, session=self.session
        )
        return r.readable_one(schema.ACCOUNTS, to_account, found)

    def lock_active(self, role: Role, now: datetime) -> int:
        """The number of active accounts with ``role``.

        Writes to each of them: of two transactions that count the same accounts, the second meets
        a write conflict, and the driver runs it again on what the first has committed.
        """
        condition = {"role": role.value, "active": True}
        self._accounts.update_many(condition, {"$set": {"counted_at": now}}, session=self.session)
        rows = self._accounts.find(condition, session=self.session)
        return len(list(r.readable(schema.ACCOUNTS, to_account, rows)))

    def replace(
        self, before: Account, after: Account, now: datetime, *, end_sessions: bool
    ) -> None:
        """Stores the fields of ``after`` that differ from ``before``. Raises AlreadyExists.

        Links in mails to an address that is replaced lead nowhere then.
        """
        fields = _differing(after, before)
        if "email" in fields:
            fields["email_key"] = keys.email_key(after.email)
            mail_links.end_of(self.db, before.id, now, self.session)
        change: Document = {"$set": fields}
        if not after.active:
            change["$unset"] = {"calendar": ""}
        if end_sessions:
            change["$inc"] = {"epoch": 1}
            _delete_sessions(self.db, before.id, self.session)
        try:
            self._accounts.update_one({"_id": before.id}, change, session=self.session)
        except DuplicateKeyError as exc:
            raise _already_exists(exc, after) from exc

    def log_change(
        self,
        before: Account,
        after: Account,
        action: str,
        reason: str,
        by: Actor | None,
        now: datetime,
    ) -> None:
        """An audit log entry with the old and new values of the changed fields."""
        details: Document = {
            "before": _differing(before, after),
            "after": _differing(after, before),
        }
        if reason:
            details["reason"] = reason
        self.audit(by, action, "account", before.id, details, now)

    def delete(self, account: Account) -> None:
        """Deletes the account, with its sessions."""
        self._accounts.delete_one({"_id": account.id}, session=self.session)
        _delete_sessions(self.db, account.id, self.session)


def run(
    db: Documents, work: Callable[[AccountTransaction], T], seconds: float = DEADLINE_SECONDS
) -> T:
    """What ``work`` returns, with all of its writes made; with none of them if it raises.

    ``work`` may be called more than once: after a write conflict the driver runs it again.
    """
    return transact(db, lambda session: work(AccountTransaction(db, session)), seconds)


@dataclass(frozen=True, slots=True)
class StoredSecondFactor:
    """``secret`` in base32; ``last_step``: the time step of the newest code that was accepted.

    ``recovery``: the hashes of the recovery codes that are left.
    """

    secret: str = field(repr=False)
    last_step: int
    recovery: tuple[str, ...] = field(repr=False)


class StoredAccount(NamedTuple):
    """An account, with what only sign-in reads: how often its sessions were ended, and its hash."""

    account: Account
    epoch: int
    password_hash: str | None
    second_factor: StoredSecondFactor | None


def to_account(document: Document) -> Account:
    """The value of a stored account. Raises Unreadable, InvalidRequest."""
    return to_stored(document).account


def to_stored(document: Document) -> StoredAccount:
    """The value of a stored account. Raises Unreadable, InvalidRequest."""
    password_hash = r.optional(document, "password_hash", str, "") or None
    second_factor = _to_second_factor(document)
    account = Account(
        r.text(document, "_id"),
        r.text(document, "name"),
        r.choice(document, "role", Role),
        r.optional_text(document, "email"),
        r.field(document, "active", bool),
        password_hash is not None,
        r.field(document, "must_change", bool),
        second_factor is not None,
        r.choice(document, "mail", MailWish) if "mail" in document else MailWish.AT_ONCE,
    )
    return StoredAccount(account, r.field(document, "epoch", int), password_hash, second_factor)


def _to_second_factor(document: Document) -> StoredSecondFactor | None:
    if "second_factor" not in document:
        return None
    # One that cannot be read is no missing one: the password alone would open a session.
    stored = r.field(document, "second_factor", dict)
    recovery = r.field(stored, "recovery", list)
    if not all(isinstance(one, str) for one in recovery):
        raise r.Unreadable("recovery is of another type")
    return StoredSecondFactor(
        r.text(stored, "secret"), r.field(stored, "last_step", int), tuple(recovery)
    )


def _readable(document: Document | None) -> StoredAccount | None:
    return r.readable_one(schema.ACCOUNTS, to_stored, document)


def read(db: Documents, account_id: str) -> StoredAccount | None:
    """The account of this id, or of one that cannot be told apart from it; None without one."""
    with reachable():
        accounts = collection(db, schema.ACCOUNTS)
        return _readable(accounts.find_one(_named(account_id), sort=_SAME_NAME_FIRST))


def read_by_email(db: Documents, email: str) -> Account | None:
    """The stored account with exactly this address; None if there is none.

    Addresses with one key may be mailboxes of two people.
    """
    condition = {"email_key": keys.email_key(email), "email": email}
    with reachable():
        found = _readable(collection(db, schema.ACCOUNTS).find_one(condition))
    return None if found is None else found.account


def find_all(db: Documents) -> list[Account]:
    """All accounts, ordered by name."""
    return sorted(_found(db, {}), key=lambda account: (account.name.casefold(), account.id))


def has_active(db: Documents, role: Role) -> bool:
    """Whether an active account has ``role``."""
    return bool(_found(db, {"role": role.value, "active": True}))


def names_of_active(db: Documents, ids: Iterable[str], role: Role) -> dict[str, str]:
    """Id to name of those accounts among ``ids`` that are active and have ``role``."""
    condition = {"_id": {"$in": list(ids)}, "role": role.value, "active": True}
    return {account.id: account.name for account in _found(db, condition)}


def _found(db: Documents, condition: Document) -> list[Account]:
    with reachable():
        rows = collection(db, schema.ACCOUNTS).find(condition)
        return list(r.readable(schema.ACCOUNTS, to_account, rows))


def insert(
    db: Documents,
    account: Account,
    password_hash: str | None,
    by: Actor | None,
    now: datetime,
) -> Account:
    """The account as stored. Raises AlreadyExists for its id or its e-mail address."""
    fields = {name: _stored(account, name) for name in _AUDITED}
    document: Document = {
        "_id": account.id,
        **fields,
        "must_change": account.must_change,
        "epoch": 0,
        "created_at": now,
    }
    document = keys.with_keys(schema.ACCOUNTS, document) | {"id_key": sign_in_key(account.id)}
    if password_hash is not None:
        document["password_hash"] = password_hash
    if account.must_change:
        document["one_time_at"] = now
    if account.mail is not MailWish.AT_ONCE:
        document["mail"] = account.mail.value

    def work(session: ClientSession) -> None:
        try:
            collection(db, schema.ACCOUNTS).insert_one(document, session=session)
        except DuplicateKeyError as exc:
            raise _already_exists(exc, account) from exc
        details = {"after": fields}
        audit_log.write(db, session, by, "added", "account", account.id, details, now)

    transact(db, work)
    return to_account(document)


def set_password(
    db: Documents,
    account_id: str,
    password_hash: str,
    *,
    instead_of: str | None,
    must_change: bool,
    action: str,
    by: Actor | None,
    now: datetime,
) -> Account | None:
    """Stores the hash and ends all sessions. ``action`` is the verb of the audit log entry.

    With ``instead_of``, returns None and changes nothing unless the account is active and that is
    its hash. Raises NotFound.
    """

    def work(session: ClientSession) -> Account | None:
        condition = _named(account_id)
        if instead_of is not None:
            condition |= {"password_hash": instead_of, "active": True}
        after: Document | None = collection(db, schema.ACCOUNTS).find_one_and_update(
            condition,
            {
                "$set": {
                    "password_hash": password_hash,
                    "must_change": must_change,
                    "one_time_at": now if must_change else None,
                },
                "$inc": {"epoch": 1},
            },
            sort=_SAME_NAME_FIRST,
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        changed = _readable(after)
        if changed is None:
            if instead_of is not None:
                return None
            raise NotFound("account", account_id)
        id = changed.account.id
        _delete_sessions(db, id, session)
        audit_log.write(db, session, by, action, "account", id, None, now)
        return changed.account

    return transact(db, work)


def set_password_by_link(
    db: Documents, found: StoredAccount, password_hash: str, key: str, now: datetime
) -> Account | None:
    """Uses the link of a mail up, stores the hash and ends all sessions.

    None, and nothing is changed, if the link is used or over, or the account was changed since it
    was read.
    """

    def work(session: ClientSession) -> Account | None:
        condition = {"_id": found.account.id, "epoch": found.epoch, "active": True}
        change: Document = {
            "$set": {"password_hash": password_hash, "must_change": False, "one_time_at": None},
            "$inc": {"epoch": 1},
        }
        if not mail_links.use(db, session, key, "password", "password", now):
            return None
        after: Document | None = collection(db, schema.ACCOUNTS).find_one_and_update(
            condition, change, return_document=ReturnDocument.AFTER, session=session
        )
        changed = _readable(after)
        if changed is None:
            raise _ChangedSince
        id = changed.account.id
        _delete_sessions(db, id, session)
        action = "changed by mail the password of"
        audit_log.write(db, session, changed.account.actor, action, "account", id, None, now)
        return changed.account

    try:
        return transact(db, work)
    except _ChangedSince:
        return None


class _ChangedSince(Exception):
    """Aborts the transaction, so that the link stays unused."""


def set_mail_wish(
    db: Documents, account_id: str, wish: MailWish, by: Actor, now: datetime
) -> Account:
    """The account after the change. Raises NotFound."""

    def work(session: ClientSession) -> Account:
        before: Document | None = collection(db, schema.ACCOUNTS).find_one_and_update(
            {"_id": account_id, "active": True}, {"$set": {"mail": wish.value}}, session=session
        )
        found = _readable(before)
        if found is None:
            raise NotFound("account", account_id)
        if found.account.mail is not wish:
            details = {"before": {"mail": found.account.mail.value}, "after": {"mail": wish.value}}
            audit_log.write(db, session, by, "changed", "account", account_id, details, now)
        return replace(found.account, mail=wish)

    return transact(db, work)


def spend_one_time(db: Documents, found: StoredAccount, *, issued_after: datetime) -> bool:
    """Spends the one-time password of ``found``; False if it is spent already, or is older.

    Of parallel calls exactly one returns True. A password without a moment of issue is of an
    application of before that runs beside this one, or of its backup.
    """
    is_fresh = [{"one_time_at": {"$gt": issued_after}}, {"one_time_at": {"$exists": False}}]
    condition = {"_id": found.account.id, "password_hash": found.password_hash, "$or": is_fresh}
    with reachable():
        spent = collection(db, schema.ACCOUNTS).update_one(
            condition | {"must_change": True}, {"$set": {"one_time_at": None}}
        )
    return spent.modified_count == 1


def put_second_factor(
    db: Documents,
    found: StoredAccount,
    new: StoredSecondFactor | None,
    *,
    end_sessions: bool,
    action: str,
    by: Actor | None,
    now: datetime,
) -> bool:
    """Stores ``new`` in place of the second factor of ``found``, None for none.

    False, and nothing is changed, if the account was changed since it was read. ``action`` is the
    verb of the audit log entry.
    """
    before, id = found.second_factor, found.account.id
    condition: Document = {"_id": id, "epoch": found.epoch, "active": found.account.active}
    # Of two set-ups, or of two renewals of the recovery codes, the first is stored.
    if before is None:
        condition["second_factor"] = {"$exists": False}
    else:
        condition["second_factor.secret"] = before.secret
        condition["second_factor.recovery"] = list(before.recovery)
    if new is None:
        change: Document = {"$unset": {"second_factor": ""}}
    else:
        fields = {"secret": new.secret, "recovery": list(new.recovery)}
        change = {
            "$set": {f"second_factor.{name}": value for name, value in fields.items()},
            # A code that was accepted since ``found`` was read stays used up.
            "$max": {"second_factor.last_step": new.last_step},
        }
    if end_sessions:
        change["$inc"] = {"epoch": 1}

    def work(session: ClientSession) -> bool:
        accounts = collection(db, schema.ACCOUNTS)
        if accounts.update_one(condition, change, session=session).matched_count == 0:
            return False
        if end_sessions:
            _delete_sessions(db, id, session)
        audit_log.write(db, session, by, action, "account", id, None, now)
        return True

    return transact(db, work)


def use_step(db: Documents, found: StoredAccount, step: int) -> bool:
    """Records that a code of the time ``step`` was accepted; False if that step is used up.

    A step is used up by a code of it, and by one of a later step. Of parallel calls with one step
    exactly one returns True.
    """
    if found.second_factor is None:
        return False
    condition = {
        "_id": found.account.id,
        "epoch": found.epoch,
        "second_factor.secret": found.second_factor.secret,
        "second_factor.last_step": {"$lt": step},
    }
    with reachable():
        used = collection(db, schema.ACCOUNTS).update_one(
            condition, {"$set": {"second_factor.last_step": step}}
        )
    return used.modified_count == 1


def use_recovery(db: Documents, found: StoredAccount, hash: str) -> bool:
    """Removes the recovery code with ``hash``; False if it is not left.

    Of parallel calls with one hash exactly one returns True.
    """
    condition = {
        "_id": found.account.id,
        "epoch": found.epoch,
        "second_factor.recovery": hash,
    }
    with reachable():
        used = collection(db, schema.ACCOUNTS).update_one(
            condition, {"$pull": {"second_factor.recovery": hash}}
        )
    return used.modified_count == 1


def put_calendar(
    db: Documents, account_id: str, key: str | None, *, action: str, by: Actor, now: datetime
) -> bool:
    """Stores the hash of the secret of the account's calendar, or removes it (``key`` None).

    False, and nothing is changed, without such an active account, or where there is none to remove.
    ``action`` is the verb of the audit log entry.
    """
    condition = _named(account_id) | {"active": True}
    change: Document = {"$set": {"calendar": {"key": key, "at": now}}}
    if key is None:
        condition["calendar"] = {"$exists": True}
        change = {"$unset": {"calendar": ""}}

    def work(session: ClientSession) -> bool:
        found = collection(db, schema.ACCOUNTS).find_one_and_update(
            condition, change, {"_id": 1}, sort=_SAME_NAME_FIRST, session=session
        )
        if found is None:
            return False
        audit_log.write(db, session, by, action, "account", found["_id"], None, now)
        return True

    return transact(db, work)


def calendar_made_at(db: Documents, account_id: str) -> datetime | None:
    """When the address of the account's calendar was made; None without one."""
    with reachable():
        found = collection(db, schema.ACCOUNTS).find_one(
            _named(account_id), {"calendar": 1}, sort=_SAME_NAME_FIRST
        )
    return r.readable_one(schema.ACCOUNTS, _calendar_moment, found)


def _calendar_moment(document: Document) -> datetime | None:
    if "calendar" not in document:
        return None
    return r.moment(r.field(document, "calendar", dict), "at")


def read_by_calendar(db: Documents, key: str) -> Account | None:
    """The active account whose calendar has this hash; None without one."""
    with reachable():
        found = _readable(
            collection(db, schema.ACCOUNTS).find_one({"calendar.key": key, "active": True})
        )
    return None if found is None else found.account


def renew_hash(db: Documents, account_id: str, old: str, new: str) -> None:
    """Replaces the hash ``old`` of the same password; does nothing if another hash is stored."""
    with reachable():
        collection(db, schema.ACCOUNTS).update_one(
            {"_id": account_id, "password_hash": old}, {"$set": {"password_hash": new}}
        )


def _named(account_id: str) -> Document:
    """The condition for the account with this id, or with one that cannot be told apart from it."""
    return {"id_key": {"$in": list({sign_in_key(account_id), key_of(account_id)})}}


def _stored(account: Account, field: str) -> Any:
    value = getattr(account, field)
    return value.value if isinstance(value, Role) else value


def _differing(account: Account, other: Account) -> Document:
    """The stored form of those fields of ``account`` that ``other`` has another value for."""
    return {
        name: _stored(account, name)
        for name in _AUDITED
        if getattr(account, name) != getattr(other, name)
    }


def _delete_sessions(db: Documents, account_id: str, session: ClientSession) -> None:
    for name in (schema.SESSIONS, schema.DEVICES, schema.CHALLENGES):
        collection(db, name).delete_many({"account_id": account_id}, session=session)


def _already_exists(exc: DuplicateKeyError, account: Account) -> AlreadyExists:
    is_email = keys.refused(exc)[0] == schema.ONE_ACCOUNT_PER_EMAIL
    return AlreadyExists("account", str(account.email) if is_email else account.id)
