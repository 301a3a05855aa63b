"""Links of mails, stored under the hash of their token. The server removes them a month later.

A link decides one request, cancels one booking or sets one password, once. It is used in the
transaction of what it is used for, so neither is stored without the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from pymongo.client_session import ClientSession

from booking_core.storage import readable as r
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import Document
from booking_core.storage.schema import schema

# After its end a link can still be told from one that never was.
_KEPT = timedelta(days=30)


class Purpose(StrEnum):
    DECIDE = "decide"
    CANCEL = "cancel"
    PASSWORD = "password"


class StoredLink(NamedTuple):
    """A link of ``mail_id`` to the account; ``epoch`` is that of the account when it was made.

    ``booking_id`` and ``revision``: the booking as the mail told it, "" and 0 for a password.
    ``used_for`` is the hash of what it was used for, "" before; ``action``: what that was.
    """

    account_id: str
    epoch: int
    purpose: Purpose
    mail_id: str
    at: datetime
    ends_at: datetime
    booking_id: str = ""
    revision: int = 0
    used_for: str = ""
    action: str = ""


def insert(db: Documents, links: Mapping[str, StoredLink]) -> None:
    """Stores each link under its key."""
    documents = [
        {
            "_id": key,
            **link._asdict(),
            "purpose": link.purpose.value,
            "expires_at": link.ends_at + _KEPT,
        }
        for key, link in links.items()
    ]
    with reachable():
        collection(db, schema.MAIL_LINKS).insert_many(documents)


def read(db: Documents, key: str) -> StoredLink | None:
    """The link, also one that is used or over; None without one."""
    with reachable():
        found = collection(db, schema.MAIL_LINKS).find_one({"_id": key})
    return r.readable_one(schema.MAIL_LINKS, to_link, found)


def use(
    db: Documents, session: ClientSession, key: str, used_for: str, action: str, now: datetime
) -> bool:
    """Uses the link up; False, and nothing is changed, if it is used already or is over.

    Of parallel transactions with one key, exactly one goes through with True.
    """
    condition = {"_id": key, "used_for": "", "ends_at": {"$gt": now}}
    change = {"$set": {"used_for": used_for, "action": action}}
    used = collection(db, schema.MAIL_LINKS).update_one(condition, change, session=session)
    return used.modified_count == 1


def end_of(
    db: Documents, account_id: str, now: datetime, session: ClientSession | None = None
) -> None:
    """Ends all links of the account that are open."""
    condition = {"account_id": account_id, "ends_at": {"$gt": now}}
    with reachable():
        collection(db, schema.MAIL_LINKS).update_many(
            condition, {"$set": {"ends_at": now}}, session=session
        )


def drop_of_try(db: Documents, mail_id: str, at: datetime) -> None:
    """Deletes the links that were made ``at`` then, for a try to send a mail that did not go out.

    Those of other tries stay: a server may have taken one of these, and its answer was lost.
    """
    with reachable():
        collection(db, schema.MAIL_LINKS).delete_many(
            {"mail_id": mail_id, "at": at, "used_for": ""}
        )


def count_since(db: Documents, account_id: str, purpose: Purpose, since: datetime) -> int:
    """How many links for ``purpose`` the account was sent since then."""
    condition = {"account_id": account_id, "purpose": purpose.value, "at": {"$gt": since}}
    with reachable():
        return collection(db, schema.MAIL_LINKS).count_documents(condition)


def to_link(document: Document) -> StoredLink:
    """The value of a stored link. Raises Unreadable."""
    return StoredLink(
        r.text(document, "account_id"),
        r.field(document, "epoch", int),
        r.choice(document, "purpose", Purpose),
        r.text(document, "mail_id"),
        r.moment(document, "at"),
        r.moment(document, "ends_at"),
        r.field(document, "booking_id", str),
        r.field(document, "revision", int),
        r.field(document, "used_for", str),
        r.field(document, "action", str),
    )
