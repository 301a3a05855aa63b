"""The delegations collection. Every change is written in one transaction with its log entry."""

from __future__ import annotations

from datetime import date as Date
from datetime import datetime

from pymongo.client_session import ClientSession

from booking_core.domain.errors import NotFound
from booking_core.domain.model import Actor
from booking_core.domain.people import Delegation
from booking_core.storage import audit_log
from booking_core.storage import readable as r
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.transactions import transact
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import Document
from booking_core.storage.schema import schema


def insert(db: Documents, delegation: Delegation, by: Actor) -> None:
    """Stores a delegation; ``by`` is the user in the audit log entry."""
    document: Document = {
        "_id": delegation.id,
        "by": delegation.by,
        "by_name": delegation.by_name,
        "to": delegation.to,
        "to_name": delegation.to_name,
        "first": delegation.first.isoformat(),
        "last": delegation.last.isoformat(),
        "at": delegation.at,
    }

    def work(session: ClientSession) -> None:
        collection(db, schema.DELEGATIONS).insert_one(document, session=session)
        details = _details(document)
        audit_log.write(
            db, session, by, "gave", "delegation", delegation.id, details, delegation.at
        )

    transact(db, work)


def delete(db: Documents, delegation_id: str, by: Actor, now: datetime) -> None:
    """Removes a delegation. Raises NotFound, also if another call has just removed it."""

    def work(session: ClientSession) -> None:
        found = collection(db, schema.DELEGATIONS).find_one_and_delete(
            {"_id": delegation_id}, session=session
        )
        if found is None:
            raise NotFound("delegation", delegation_id)
        details = _details(found)
        audit_log.write(db, session, by, "ended", "delegation", delegation_id, details, now)

    transact(db, work)


def find(
    db: Documents, on: Date | None = None, to: str | None = None, since: Date | None = None
) -> list[Delegation]:
    """Delegations to the account ``to``, ordered by first day.

    ``on`` keeps those that cover a date; ``since`` keeps those that end on a date or later.
    """
    condition: Document = {} if to is None else {"to": to}
    if on is not None:
        condition |= {"first": {"$lte": on.isoformat()}, "last": {"$gte": on.isoformat()}}
    elif since is not None:
        condition["last"] = {"$gte": since.isoformat()}
    with reachable():
        rows = collection(db, schema.DELEGATIONS).find(
            condition, sort=[("first", 1), ("at", 1), ("_id", 1)]
        )
        return list(r.readable(schema.DELEGATIONS, to_delegation, rows))


def to_delegation(document: Document) -> Delegation:
    """The value of a stored delegation. Raises Unreadable, InvalidRequest."""
    return Delegation(
        r.text(document, "_id"),
        r.text(document, "by"),
        r.text(document, "by_name"),
        r.text(document, "to"),
        r.text(document, "to_name"),
        r.date(document, "first"),
        r.date(document, "last"),
        r.moment(document, "at"),
    )


def _details(document: Document) -> Document:
    return {name: document.get(name) for name in ("by", "to", "first", "last")}
