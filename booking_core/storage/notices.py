"""Storing, finding and marking notices.

A closing and the like write their notices in their own transaction. Of other changes the history is
the outbox: each entry is written in one update with the change, and its notice follows from it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID, uuid5

from pymongo import InsertOne, UpdateMany, UpdateOne
from pymongo.client_session import ClientSession

from booking_core.domain.model import Actor, Booking
from booking_core.domain.records import Notice
from booking_core.storage import readable as r
from booking_core.storage.client.database import Documents, collection, settings_of
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import Document, slot_document, to_slot
from booking_core.storage.schema import schema

_NAMES = UUID("5f0d6d0e-6c33-4d0c-8c1f-0b3f5a1c9e11")
_TOLD = "notices"
_DUE = "due"  # of a notice that no mail has told
NO_MAIL = "none"  # in the place of a mail's id: no mail tells the notice
_REPLACED = "replaced_by"  # of an unread notice that counts as read since a later one
_ENDED = "ended"  # of the notice of a question or an offer that ended while it was unread
_DUE_UNREAD: Document = {"mail": _DUE, "read": False}
# Of no change: a later notice of the booking does not replace them, and they replace none. But a
# question replaces those before it, since its notice has all that wait.
_NO_CHANGE = ("swap_offered", "swap_declined", "question", "answered")
# A mail may have told the other ones.
_UNTOLD: Document = {"read": False, "mail": {"$in": [None, _DUE, NO_MAIL]}}


def insert(
    db: Documents,
    session: ClientSession | None,
    kind: str,
    changed: Sequence[Booking],
    by: Actor,
    reason: str,
) -> None:
    """A notice to the author of each of the ``changed`` bookings, in the caller's transaction.

    It tells of the last entry of the history. An unread earlier notice of a change of the booking
    counts as read then.
    """
    documents = [
        _new_document(
            db,
            Notice(
                id_of(booking.id, len(booking.history) - 1, booking.updated_at),
                booking.updated_at,
                booking.created_by,
                kind,
                booking.id,
                booking.slot,
                reason,
                by.name,
                False,
            ),
        )
        for booking in changed
    ]
    if documents:
        target = collection(db, schema.NOTICES)
        earlier = [
            UpdateMany(
                {
                    "to": one["to"],
                    "booking_id": one["booking_id"],
                    "read": False,
                    "kind": {"$nin": _NO_CHANGE},
                },
                _replaced_by(one["_id"]),
            )
            for one in documents
        ]
        target.bulk_write([*earlier, *map(InsertOne, documents)], session=session)


def insert_one(db: Documents, session: ClientSession, notice: Notice) -> None:
    """Stores a notice of no change, which replaces none, unless it is stored."""
    document = _new_document(db, notice)
    id = document.pop("_id")
    collection(db, schema.NOTICES).update_one(
        {"_id": id}, {"$setOnInsert": document}, upsert=True, session=session
    )


def add(db: Documents, made: Sequence[Notice]) -> None:
    """Stores those of ``made`` that are not stored yet. Of the notices to one account of changes of
    a booking, all but the latest count as read then, and so do those of questions.

    Those of one booking are in the order of its history, which tells the later of one moment.
    """
    if not made:
        return
    target = collection(db, schema.NOTICES)
    writes = []
    for notice in made:
        document = _new_document(db, notice)
        id = document.pop("_id")
        writes.append(UpdateOne({"_id": id}, {"$setOnInsert": document}, upsert=True))
    of_bookings = {
        "to": {"$in": list({notice.to for notice in made})},
        "booking_id": {"$in": list({notice.booking_id for notice in made})},
        "at": {"$type": "date"},
    }
    with reachable():
        target.bulk_write(writes)
        latest: dict[tuple[str, str, str], Document] = {}
        earlier = []
        fields = {"to": 1, "booking_id": 1, "kind": 1, "at": 1, "read": 1}
        place = {notice.id: number for number, notice in enumerate(made)}
        rows = target.find(of_bookings, fields)
        for row in sorted(rows, key=lambda row: (row["at"], place.get(row["_id"], -1))):
            kind = row["kind"] if row["kind"] in _NO_CHANGE else ""
            if kind not in ("", "question"):
                continue
            of = (row["to"], row["booking_id"], kind)
            before, latest[of] = latest.get(of), row
            if before is not None and not before["read"]:
                earlier.append(UpdateOne({"_id": before["_id"]}, _replaced_by(row["_id"])))
        if earlier:
            target.bulk_write(earlier)


def end(db: Documents, ids: Sequence[str]) -> None:
    """Marks the unread ones of the notices ``ids`` as ended: their question or offer is over."""
    ended = {"$set": {"read": True, _ENDED: True}}
    if ids:
        with reachable():
            target = collection(db, schema.NOTICES)
            target.update_many({"_id": {"$in": ids}, "read": False}, ended)


def restore(db: Documents, ids: Sequence[str]) -> None:
    """Has those of the notices ``ids`` unread again that ``end`` marked. One that no mail has told
    is due again."""
    again = {"$set": {"read": False}, "$unset": {_ENDED: ""}}
    if ids:
        with reachable():
            target = collection(db, schema.NOTICES)
            target.update_many({"_id": {"$in": ids}, _ENDED: True}, again)


def _replaced_by(id: str) -> Document:
    """The change of an unread notice that a later one, ``id``, replaces."""
    return {"$set": {"read": True, _REPLACED: id}}


def id_of(booking_id: str, entry: int, at: datetime, to: str = "") -> str:
    """The id of the notice of an entry of a booking's history: the same whoever writes it.

    ``at`` is the entry's: another one may take the place of an entry that was undone. ``to``: the
    account that gets it, unless that is the author.
    """
    other = f":{to}" if to else ""
    return str(uuid5(_NAMES, f"{booking_id}:{entry}:{at.timestamp():.3f}{other}"))


def told_until(db: Documents) -> datetime | None:
    """The moment up to which the changes of bookings have their notices; None: of none."""
    with reachable():
        found = collection(db, schema.META).find_one({"_id": _TOLD})
    return None if found is None else r.moment(found, "at")


def set_told_until(db: Documents, at: datetime) -> None:
    """Raises ``told_until`` to ``at``; a later one stays."""
    with reachable():
        collection(db, schema.META).update_one(
            {"_id": _TOLD},
            {"$max": {"at": at}, "$setOnInsert": {"grounds": 0, "students": 0}},
            upsert=True,
        )


def _new_document(db: Documents, notice: Notice) -> Document:
    """Where there is mail, the notice is due to be in one."""
    is_mailed = settings_of(db).smtp_host is not None
    return _document(notice) | ({"mail": _DUE} if is_mailed else {})


def _document(notice: Notice) -> Document:
    return {
        "_id": notice.id,
        "at": notice.at,
        "to": notice.to,
        "kind": notice.kind,
        "booking_id": notice.booking_id,
        "slot": slot_document(notice.slot),
        "reason": notice.reason,
        "by_name": notice.by_name,
        "read": notice.read,
    }


def withdraw(db: Documents, ids: Collection[str], session: ClientSession | None = None) -> set[str]:
    """Deletes those of the notices ``ids`` that are unread and in no mail; the ids of the others.

    What they had replaced is unread again.
    """
    of_ids: Document = {"_id": {"$in": list(ids)}}
    with reachable():
        _delete_untold(db, session, of_ids)
        rows = collection(db, schema.NOTICES).find(of_ids, {"_id": 1}, session=session)
        return {row["_id"] for row in rows}


def withdraw_at(
    db: Documents, session: ClientSession | None, changed: Sequence[Booking], at: datetime
) -> None:
    """As ``withdraw``, the notices of a change at ``at`` to the authors of ``changed``."""
    condition = {
        "to": {"$in": [booking.created_by for booking in changed]},
        "at": at,
        "booking_id": {"$in": [booking.id for booking in changed]},
    }
    _delete_untold(db, session, condition)


def _delete_untold(db: Documents, session: ClientSession | None, condition: Document) -> None:
    target = collection(db, schema.NOTICES)
    gone = list(target.find(condition | _UNTOLD, session=session))
    for one in gone:
        # Since the look a reader may have opened the bell, and a mail may have got it.
        if target.delete_one({"_id": one["_id"]} | _UNTOLD, session=session).deleted_count:
            target.update_many(
                {"to": one["to"], "booking_id": one["booking_id"], _REPLACED: one["_id"]},
                {"$set": {"read": False}, "$unset": {_REPLACED: ""}},
                session=session,
            )


def find(db: Documents, to: str, unread_only: bool, limit: int) -> list[Notice]:
    """Newest first."""
    condition = {"to": to} | ({"read": False} if unread_only else {})
    with reachable():
        rows = collection(db, schema.NOTICES).find(condition, sort=[("at", -1), ("_id", 1)])
        return list(r.readable(schema.NOTICES, to_notice, rows.limit(limit)))


def due_for_mail(
    db: Documents, limit: int, daily: Collection[str], digest: datetime
) -> list[Notice]:
    """The unread notices that no mail has told, the oldest first.

    Of those to the accounts ``daily``, the ones before the moment ``digest`` alone.
    """
    later = {"to": {"$in": list(daily)}, "at": {"$gte": digest}}
    condition = _DUE_UNREAD | {"$nor": [later]}
    with reachable():
        rows = collection(db, schema.NOTICES).find(condition, sort=[("at", 1)], limit=limit)
        return list(r.readable(schema.NOTICES, to_notice, rows))


def first_due(db: Documents, after: datetime) -> datetime | None:
    """The moment of the first unread notice ``after`` then that no mail has told; None: of none."""
    condition = _DUE_UNREAD | {"at": {"$gt": after}}
    with reachable():
        found = collection(db, schema.NOTICES).find_one(condition, {"at": 1}, sort=[("at", 1)])
    return None if found is None else r.moment(found, "at")


def put_in_mail(
    db: Documents, session: ClientSession | None, ids: Collection[str], mail_id: str
) -> list[str]:
    """Has those of the notices ``ids`` that are still due told by one mail; their ids, in order.

    ``mail_id`` may be NO_MAIL.
    """
    target, condition = collection(db, schema.NOTICES), _DUE_UNREAD | {"_id": {"$in": list(ids)}}
    with reachable():
        due = {row["_id"] for row in target.find(condition, {"_id": 1}, session=session)}
        target.update_many(condition, {"$set": {"mail": mail_id}}, session=session)
    return [id for id in ids if id in due]


def unread_of(db: Documents, ids: Collection[str]) -> list[Notice]:
    """Those of the notices ``ids`` that are stored and unread, the oldest first."""
    condition = {"_id": {"$in": list(ids)}, "read": False}
    with reachable():
        rows = collection(db, schema.NOTICES).find(condition)
        found = list(r.readable(schema.NOTICES, to_notice, rows))
    return sorted(found, key=lambda notice: (notice.at, notice.id))


def to_notice(document: Document) -> Notice:
    """The value of a stored notice, without its booking. Raises Unreadable, InvalidRequest."""
    return Notice(
        r.text(document, "_id"),
        r.moment(document, "at"),
        r.text(document, "to"),
        r.text(document, "kind"),
        r.text(document, "booking_id"),
        to_slot(r.field(document, "slot", dict)),
        r.text(document, "reason"),
        r.text(document, "by_name"),
        r.field(document, "read", bool),
    )


def mark_read(
    db: Documents, ids: Sequence[str], to: str, session: ClientSession | None = None
) -> int:
    """How many of the notices ``ids`` to ``to`` were unread."""
    condition = {"_id": {"$in": list(ids)}, "to": to, "read": False}
    with reachable():
        changed = collection(db, schema.NOTICES).update_many(
            condition, {"$set": {"read": True}}, session=session
        )
        return changed.modified_count
