"""The mails collection: what waits for the mail server, and for a month what became of it.

A mail that waits is leased by one process at a time. The lease ends by itself: a mail of a process
that was killed is tried again by another. A document has ids and no words, so nobody has to be
taken out of it but its reader.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from pymongo import ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from booking_core.domain.mail import Mail
from booking_core.storage import notices
from booking_core.storage import readable as r
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.transactions import transact
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import Document
from booking_core.storage.schema import schema

_QUEUED, _SENT, _FAILED = "queued", "sent", "failed"
_KEPT = timedelta(days=30)  # once it is sent or has failed


class MailState(NamedTuple):
    """``sent_at``: of the last mail that the server took; ``waiting``: how many it has not taken.

    ``answer`` is that to the last mail that was tried and waits, or failed for good, at
    ``answered_at``, if no later one was sent; else "" and None.
    """

    sent_at: datetime | None
    waiting: int
    answer: str
    answered_at: datetime | None


def queue(db: Documents, mail: Mail) -> bool:
    """Stores ``mail`` with the notices that are still due; False if there is none, or it exists."""

    def work(session: ClientSession) -> bool:
        taken = notices.put_in_mail(db, session, mail.notices, mail.id) if mail.notices else []
        if not taken and not (mail.asks or mail.password or mail.reminds or mail.day_list):
            return False
        document = {
            "_id": mail.id,
            "to": mail.to,
            "at": mail.at,
            "status": _QUEUED,
            "notices": taken,
            "asks": mail.asks,
            "password": mail.password,
            "reminds": mail.reminds,
            "next_at": mail.at,
            "tries": 0,
            "answer": "",
        }
        if mail.day_list is not None:
            document["day_list"] = mail.day_list.isoformat()
        collection(db, schema.MAILS).insert_one(document, session=session)
        return True

    try:
        return transact(db, work)
    except DuplicateKeyError:  # another process gathered the same at this moment
        return False


def lease(db: Documents, now: datetime, until: datetime) -> Mail | None:
    """The mail that has waited longest, for this process alone ``until`` then; None without one."""
    with reachable():
        found: Document | None = collection(db, schema.MAILS).find_one_and_update(
            {"status": _QUEUED, "next_at": {"$lte": now}},
            {"$set": {"next_at": until}, "$inc": {"tries": 1}},
            sort=[("next_at", 1)],
            return_document=ReturnDocument.AFTER,
        )
    return r.readable_one(schema.MAILS, to_mail, found)


def note_sent(db: Documents, mail: Mail, now: datetime) -> None:
    _end(db, mail, {"status": _SENT, "answer": "", "ended_at": now, "expires_at": now + _KEPT})


def note_failed(db: Documents, mail: Mail, answer: str, now: datetime) -> None:
    ended = {"status": _FAILED, "answer": answer, "ended_at": now, "expires_at": now + _KEPT}
    _end(db, mail, ended)


def postpone(db: Documents, mail: Mail, answer: str, until: datetime) -> None:
    """Has ``mail`` tried again ``until`` then."""
    _end(db, mail, {"next_at": until, "answer": answer})


def _end(db: Documents, mail: Mail, fields: Document) -> None:
    with reachable():
        collection(db, schema.MAILS).update_one(
            {"_id": mail.id, "status": _QUEUED}, {"$set": fields}
        )


def drop(db: Documents, mail: Mail) -> None:
    """Deletes a mail that has nothing to say any more."""
    with reachable():
        collection(db, schema.MAILS).delete_one({"_id": mail.id, "status": _QUEUED})


def last_asked(db: Documents, account_id: str) -> Mail | None:
    """The newest mail to an account that says how many requests wait."""
    with reachable():
        found = collection(db, schema.MAILS).find_one(
            {"to": account_id, "asks": True}, sort=[("at", -1)]
        )
    return r.readable_one(schema.MAILS, to_mail, found)


def stored_ids(db: Documents, ids: Iterable[str]) -> set[str]:
    """Which of ``ids`` are mails that wait, were sent or have failed."""
    with reachable():
        rows = collection(db, schema.MAILS).find({"_id": {"$in": list(ids)}}, {"_id": 1})
        return {row["_id"] for row in rows}


def next_due(db: Documents) -> datetime | None:
    """When the next mail that waits is to be tried; None without one."""
    with reachable():
        found = collection(db, schema.MAILS).find_one(
            {"status": _QUEUED}, {"next_at": 1}, sort=[("next_at", 1)]
        )
    return None if found is None else r.moment(found, "next_at")


def state(db: Documents) -> MailState:
    """What Health and the doctor tell of the mails."""
    with reachable():
        target = collection(db, schema.MAILS)
        sent = target.find_one({"status": _SENT}, sort=[("ended_at", -1)])
        failed = target.find_one({"status": _FAILED}, sort=[("ended_at", -1)])
        stuck = target.find_one({"status": _QUEUED, "answer": {"$ne": ""}}, sort=[("at", -1)])
        waiting = target.count_documents({"status": _QUEUED})
    sent_at = None if sent is None else r.moment(sent, "ended_at")
    if stuck is not None:
        return MailState(sent_at, waiting, r.text(stuck, "answer"), r.moment(stuck, "at"))
    if failed is not None:
        at = r.moment(failed, "ended_at")
        if sent_at is None or at > sent_at:
            return MailState(sent_at, waiting, r.text(failed, "answer"), at)
    return MailState(sent_at, waiting, "", None)


def to_mail(document: Document) -> Mail:
    """The value of a stored mail. Raises Unreadable, InvalidRequest."""
    told = r.field(document, "notices", list)
    if not all(isinstance(one, str) for one in told):
        raise r.Unreadable("notices is of another type")
    return Mail(
        r.text(document, "_id"),
        r.text(document, "to"),
        r.moment(document, "at"),
        tuple(told),
        r.field(document, "asks", bool),
        r.field(document, "tries", int),
        r.text(document, "answer"),
        r.optional(document, "password", bool, False),
        r.optional(document, "reminds", str, ""),
        r.date(document, "day_list") if "day_list" in document else None,
    )
