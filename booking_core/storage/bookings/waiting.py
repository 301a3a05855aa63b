"""The waiting collection: entries of the waiting list, and what became of them.

An entry that waits has a ``place``, which one entry has at a time: so many wait for a slot at most,
whatever races. One that has ended keeps its outcome for a month.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date as Date
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pymongo.errors import DuplicateKeyError

from booking_core.domain.model import BookingRequest, Role
from booking_core.domain.waiting import WaitingEntry, in_order
from booking_core.storage import readable as r
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import Document, slot_document, to_slot
from booking_core.storage.schema import schema

WAITING = "waiting"  # the status of an entry that has not ended
_KEPT = timedelta(days=30)  # after the end of the slot
_PARTY = ("student_id", "class_name", "team_id", "supervisor_id")


def insert(db: Documents, entry: WaitingEntry, most: int, zone: ZoneInfo) -> bool:
    """Adds ``entry`` if fewer than ``most`` wait for its slot; whether it did, or had before."""
    document = _document(entry, zone)
    slot = entry.slot
    line = f"{slot.ground_id}|{slot.date}|{slot.start:%H:%M}|{slot.end:%H:%M}"
    with reachable():
        target = collection(db, schema.WAITING)
        for number in range(most):
            try:
                target.insert_one(document | {"place": f"{line}|{number}"})
            except DuplicateKeyError as exc:
                if "_id" in ((exc.details or {}).get("keyValue") or {}):
                    return True
            else:
                return True
    return False


def of_date(db: Documents, date: Date) -> list[WaitingEntry]:
    """The entries that wait for a slot of ``date``, in the order of asking."""
    return _find(db, {"date": date.isoformat(), "status": WAITING})


def of_dates(db: Documents, dates: Iterable[Date]) -> dict[Date, tuple[WaitingEntry, ...]]:
    """The entries that wait for a slot of each of ``dates``, in the order of asking."""
    found: dict[Date, tuple[WaitingEntry, ...]] = dict.fromkeys(dates, ())
    days = [date.isoformat() for date in found]
    for entry in _find(db, {"date": {"$in": days}, "status": WAITING}):
        found[entry.request.date] += (entry,)
    return found


def of_dates_from(db: Documents, first: Date) -> list[WaitingEntry]:
    """The entries that wait for a slot of ``first`` or later, in the order of asking."""
    return _find(db, {"date": {"$gte": first.isoformat()}, "status": WAITING})


def of_author(db: Documents, account_id: str, first: Date) -> list[WaitingEntry]:
    """The entries of an account that wait for a slot of ``first`` or later, as ``of_date``."""
    dates = {"$gte": first.isoformat()}
    return _find(db, {"date": dates, "status": WAITING, "by": account_id})


def read(db: Documents, entry_id: str) -> tuple[WaitingEntry, str] | None:
    """The entry with this id and its status: "waiting" or what became of it."""
    with reachable():
        row = collection(db, schema.WAITING).find_one({"_id": entry_id})
    entry = r.readable_one(schema.WAITING, to_entry, row)
    return None if entry is None or row is None else (entry, row["status"])


def promoted(db: Documents, ids: Collection[str]) -> set[str]:
    """Those of ``ids`` that are entries to which a slot was given."""
    with reachable():
        found = collection(db, schema.WAITING).find(
            {"_id": {"$in": list(ids)}, "status": "promoted"}, {"_id": 1}
        )
        return {row["_id"] for row in found}


def end(db: Documents, entry: WaitingEntry, outcome: str) -> bool:
    """Ends an entry that waits as ``outcome``; whether this call did."""
    condition = {"_id": entry.id, "status": WAITING}
    change: Document = {
        "$set": {"status": outcome, "changed": entry.request.date.isoformat()},
        "$unset": {"place": ""},
    }
    with reachable():
        return collection(db, schema.WAITING).update_one(condition, change).modified_count == 1


def set_not_after(db: Documents, entry: WaitingEntry, not_after: datetime | None) -> WaitingEntry:
    """The entry with another end."""
    if entry.not_after == not_after:
        return entry
    mark = f"{entry.request.date.isoformat()}|{not_after}"  # as in ``set_passed``
    with reachable():
        collection(db, schema.WAITING).update_one(
            {"_id": entry.id, "status": WAITING},
            {"$set": {"not_after": not_after, "changed": mark}},
        )
    return replace(entry, not_after=not_after)


def set_passed(db: Documents, entry: WaitingEntry, passed: bool) -> None:
    """Notes whether the entry was passed over when its slot was free last."""
    if entry.passed == passed:
        return
    # The feed reads the date in the change, which has the changed fields alone.
    mark = f"{entry.request.date.isoformat()}|{passed}"
    with reachable():
        collection(db, schema.WAITING).update_one(
            {"_id": entry.id, "status": WAITING},
            {"$set": {"passed": passed, "changed": mark}},
        )


def _find(db: Documents, condition: Document) -> list[WaitingEntry]:
    with reachable():
        rows = collection(db, schema.WAITING).find(condition, hint=schema.WAITING_BY_DATE)
        return in_order(r.readable(schema.WAITING, to_entry, rows))


def _document(entry: WaitingEntry, zone: ZoneInfo) -> Document:
    wanted = entry.request
    party: Document = {
        name: value for name in _PARTY if (value := getattr(wanted, name)) is not None
    }
    if wanted.student_ids:
        party["student_ids"] = list(wanted.student_ids)
    if wanted.for_staff:
        party["for_staff"] = True
    return {
        "_id": entry.id,
        "status": WAITING,
        "at": entry.at,
        "by": entry.by,
        "by_name": entry.by_name,
        "role": entry.role.value,
        "date": wanted.date.isoformat(),
        "slot": slot_document(entry.slot),
        "game": wanted.game,
        "purpose": wanted.purpose,
        "party": party,
        "any_ground": entry.any_ground,
        "not_after": entry.not_after,
        "passed": entry.passed,
        "expires_at": entry.slot.ends_at(zone) + _KEPT,
    }


def to_entry(document: Document) -> WaitingEntry:
    """The value of a stored entry. Raises Unreadable, InvalidRequest."""
    slot = to_slot(r.field(document, "slot", dict))
    party: dict[str, Any] = dict(r.field(document, "party", dict))
    if "student_ids" in party:
        party["student_ids"] = r.texts(party, "student_ids")
    unknown = party.keys() - {*_PARTY, "student_ids", "for_staff"}
    if unknown:
        raise r.Unreadable("party has a field that is not known")
    request = BookingRequest(
        slot.ground_id,
        slot.date,
        slot.start,
        slot.end,
        game=r.text(document, "game"),
        purpose=r.field(document, "purpose", str),
        **party,
    )
    return WaitingEntry(
        r.text(document, "_id"),
        request,
        r.moment(document, "at"),
        r.text(document, "by"),
        r.field(document, "by_name", str),
        r.choice(document, "role", Role),
        r.field(document, "any_ground", bool),
        None if document.get("not_after") is None else r.moment(document, "not_after"),
        r.field(document, "passed", bool),
    )


def naming(student_id: str) -> Document:
    """The condition for entries that name this student."""
    return {"$or": [{"party.student_id": student_id}, {"party.student_ids": student_id}]}
