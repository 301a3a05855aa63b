"""Decisions handed on, as stored. Giving and ending are noted in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date as Date
from datetime import datetime
from typing import Any

from pymongo.client_session import ClientSession

from booking_core.domain.errors import NotFound
from booking_core.domain.model import Actor, Role
from booking_core.domain.people import Delegation
from booking_core.storage import audit_log as journal
from booking_core.storage import schema
from booking_core.storage.database import Documents, collection, reachable, transact
from booking_core.storage.documents import Document


def to_delegation(document: Mapping[str, Any]) -> Delegation:
    return Delegation(
        document["_id"],
        document["by"],
        document["by_name"],
        document["to"],
        document["to_name"],
        Date.fromisoformat(document["first"]),
        Date.fromisoformat(document["last"]),
        document["at"],
    )


def insert(db: Documents, given: Delegation, by: Actor) -> None:
    document: Document = {
        "_id": given.id,
        "by": given.by,
        "by_name": given.by_name,
        "to": given.to,
        "to_name": given.to_name,
        "first": given.first.isoformat(),
        "last": given.last.isoformat(),
        "at": given.at,
    }

    def work(session: ClientSession) -> None:
        collection(db, schema.DELEGATIONS).insert_one(document, session=session)
        journal.write(db, session, by, "gave", "delegation", given.id, _told(document), given.at)

    transact(db, work)


def delete(db: Documents, delegation_id: str, by: Actor, now: datetime) -> None:
    """Raises NotFound, for one that was ended a moment ago too."""

    def work(session: ClientSession) -> None:
        found = collection(db, schema.DELEGATIONS).find_one_and_delete(
            {"_id": delegation_id}, session=session
        )
        if found is None:
            raise NotFound("delegation", delegation_id)
        journal.write(db, session, by, "ended", "delegation", delegation_id, _told(found), now)

    transact(db, work)


def find(
    db: Documents, on: Date | None = None, to: str | None = None, since: Date | None = None
) -> list[Delegation]:
    """The first to begin first: of ``to``, covering ``on``, not over before ``since``."""
    condition: Document = {} if to is None else {"to": to}
    if on is not None:
        condition |= {"first": {"$lte": on.isoformat()}, "last": {"$gte": on.isoformat()}}
    elif since is not None:
        condition["last"] = {"$gte": since.isoformat()}
    with reachable():
        rows = collection(db, schema.DELEGATIONS).find(
            condition, sort=[("first", 1), ("at", 1), ("_id", 1)]
        )
        return [to_delegation(row) for row in rows]


def principals(db: Documents, ids: list[str]) -> dict[str, str]:
    """Which of ``ids`` are active accounts of principals, and their names."""
    with reachable():
        rows = collection(db, schema.ACCOUNTS).find(
            {"_id": {"$in": ids}, "role": Role.PRINCIPAL.value, "active": True}, {"name": 1}
        )
        return {row["_id"]: row["name"] for row in rows}


def _told(document: Mapping[str, Any]) -> Document:
    return {name: document[name] for name in ("by", "to", "first", "last")}
