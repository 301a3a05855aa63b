"""Accounts as stored. Every change notes in the journal who made it, in the same transaction.

A document's ``epoch`` grows whenever its sessions end. A session keeps the epoch that it was opened
in, and counts only while that is the account's: so one that is opened at the very moment at which
the password changes is as dead as those that were deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pymongo import ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from booking_core.domain.errors import AlreadyExists, LastAdmin, NotFound
from booking_core.domain.model import Account, Actor, Role
from booking_core.storage import audit_log as journal
from booking_core.storage import schema
from booking_core.storage.database import Documents, collection, reachable, transact
from booking_core.storage.documents import Document

_SHOWN = ("name", "role", "email", "active")  # what the journal tells of an account
_ADMINS = {"role": Role.ADMIN.value, "active": True}


def to_account(document: Mapping[str, Any]) -> Account:
    return Account(
        document["_id"],
        document["name"],
        Role(document["role"]),
        document["email"],
        document["active"],
        bool(document.get("password_hash")),
        document["must_change"],
    )


def read(db: Documents, account_id: str) -> Document | None:
    with reachable():
        return collection(db, schema.ACCOUNTS).find_one({"_id": account_id})


def read_by_email(db: Documents, email: str) -> Document | None:
    with reachable():
        return collection(db, schema.ACCOUNTS).find_one({"email": email})


def find(db: Documents, condition: Mapping[str, Any] | None = None) -> list[Document]:
    """Those that meet ``condition``, by name."""
    with reachable():
        rows = collection(db, schema.ACCOUNTS).find(condition or {})
        return sorted(rows, key=lambda row: (row["name"].casefold(), row["_id"]))


def has_admin(db: Documents) -> bool:
    with reachable():
        return collection(db, schema.ACCOUNTS).find_one(_ADMINS, {"_id": 1}) is not None


def insert(
    db: Documents,
    account: Account,
    password_hash: str | None,
    by: Actor | None,
    now: datetime,
) -> Account:
    """Raises AlreadyExists."""
    document: Document = {
        "_id": account.id,
        "name": account.name,
        "role": account.role.value,
        "email": account.email,
        "active": account.active,
        "must_change": account.must_change,
        "epoch": 0,
        "created_at": now,
    }
    if password_hash is not None:
        document["password_hash"] = password_hash

    def work(session: ClientSession) -> None:
        collection(db, schema.ACCOUNTS).insert_one(document, session=session)
        details = {"after": {name: document[name] for name in _SHOWN}}
        journal.write(db, session, by, "added", "account", account.id, details, now)

    _transact(db, work, account.id, account.email)
    return to_account(document)


def update(
    db: Documents,
    account_id: str,
    fields: Mapping[str, Any],
    reason: str,
    by: Actor | None,
    now: datetime,
) -> Account:
    """Sets ``fields``, and ends the sessions where they must end. Raises NotFound, LastAdmin,

    AlreadyExists. What is so already is not written, and not in the journal.
    """

    def work(session: ClientSession) -> Document:
        target = collection(db, schema.ACCOUNTS)
        before = target.find_one({"_id": account_id}, session=session)
        if before is None:
            raise NotFound("account", account_id)
        news = {name: value for name, value in fields.items() if before[name] != value}
        if not news:
            return before
        after = before | news
        if _is_admin(before) and not _is_admin(after):
            # Touches every admin: of two who disable each other at the same moment one meets a
            # write conflict, looks again, and finds itself the last.
            target.update_many(_ADMINS, {"$set": {"counted_at": now}}, session=session)
            if target.count_documents(_ADMINS, session=session) < 2:
                raise LastAdmin(account_id)
        change: Document = {"$set": news}
        if "role" in news or news.get("active") is False:
            change["$inc"] = {"epoch": 1}
            _end_sessions(db, account_id, session)
        target.update_one({"_id": account_id}, change, session=session)
        action = "changed"
        if list(news) == ["active"]:
            action = "enabled" if news["active"] else "disabled"
        details: Document = {"before": {name: before[name] for name in news}, "after": news}
        if reason:
            details["reason"] = reason
        journal.write(db, session, by, action, "account", account_id, details, now)
        return after

    return to_account(_transact(db, work, account_id, fields.get("email")))


def set_password(
    db: Documents,
    account_id: str,
    password_hash: str,
    *,
    instead_of: str | None,
    must_change: bool,
    by: Actor | None,
    now: datetime,
) -> Account | None:
    """Sets the password and ends all sessions; None where it is no longer ``instead_of``.

    ``instead_of`` None: whatever it was. Raises NotFound.
    """

    def work(session: ClientSession) -> Document | None:
        target = collection(db, schema.ACCOUNTS)
        condition: Document = {"_id": account_id}
        if instead_of is not None:
            condition |= {"password_hash": instead_of, "active": True}
        after: Document | None = target.find_one_and_update(
            condition,
            {
                "$set": {"password_hash": password_hash, "must_change": must_change},
                "$inc": {"epoch": 1},
            },
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        if after is None:
            if instead_of is not None:
                return None
            raise NotFound("account", account_id)
        _end_sessions(db, account_id, session)
        action = "reset the password of" if must_change else "changed the password of"
        journal.write(db, session, by, action, "account", account_id, None, now)
        return after

    after = transact(db, work)
    return None if after is None else to_account(after)


def renew_hash(db: Documents, account_id: str, old: str, new: str) -> None:
    """The same password under today's parameters; nothing where it was changed meanwhile."""
    with reachable():
        collection(db, schema.ACCOUNTS).update_one(
            {"_id": account_id, "password_hash": old}, {"$set": {"password_hash": new}}
        )


def raise_epoch(db: Documents, account_id: str) -> None:
    """Ends all sessions of an account."""

    def work(session: ClientSession) -> None:
        collection(db, schema.ACCOUNTS).update_one(
            {"_id": account_id}, {"$inc": {"epoch": 1}}, session=session
        )
        _end_sessions(db, account_id, session)

    transact(db, work)


def _is_admin(document: Mapping[str, Any]) -> bool:
    return all(document[name] == value for name, value in _ADMINS.items())


def _end_sessions(db: Documents, account_id: str, session: ClientSession) -> None:
    collection(db, schema.SESSIONS).delete_many({"account_id": account_id}, session=session)


def _transact(db: Documents, work: Any, account_id: str, email: str | None) -> Any:
    try:
        return transact(db, work)
    except DuplicateKeyError as exc:
        taken = email if "one_account_per_email" in str(exc) else account_id
        raise AlreadyExists("account", str(taken)) from exc
