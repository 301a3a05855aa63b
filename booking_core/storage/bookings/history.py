"""All changes, newest first, read from the audit log and from the bookings' histories.

The place of a change is (moment, id, index in the booking's history). Both sources are read in
that order from an index, so a page costs the same for any number of bookings. Closures have a
history too, which is not read here: each closing and each lifting is one entry of the audit log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import nlargest
from itertools import islice
from typing import Any

from bson import MaxKey, MinKey
from pymongo.cursor import Cursor

from booking_core.domain.records import Change
from booking_core.storage import audit_log
from booking_core.storage import readable as r
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import Document, party_shown, to_decision, to_slot
from booking_core.storage.schema import schema

Place = tuple[datetime, str, int]
BOOKING = "booking"
_PRECISION = timedelta(milliseconds=1)  # of a moment in BSON
_BATCH = 200
_LAST = 2**31  # beyond the last index in any history
_SLOT = ("ground_id", "date", "start", "end")
_OF_PARTY = ("student_id", "student_name", "class_name", "party", "team_id")
# Fields of a booking that are shown with each of its changes.
_SHOWN = (*_SLOT, "game", *_OF_PARTY)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filters: changes from ``since`` until before ``until`` (aware), older than ``after``."""

    since: datetime
    until: datetime
    by: str | None = None
    what: str | None = None
    action: str | None = None
    after: Place | None = None

    def takes(self, entry: Mapping[str, Any], id: str, place: int) -> bool:
        """Whether an entry of a booking's history passes the filters."""
        return (
            self.since <= entry["at"] < self.until
            and self.by in (None, entry["by"])
            and self.action in (None, entry["action"])
            and (self.after is None or (entry["at"], id, place) < self.after)
        )

    @property
    def begin(self) -> tuple[datetime, Any]:
        """Moment and id at which reading begins."""
        if self.after is not None and self.after[0] < self.until:
            return self.after[0], self.after[1]
        return self.until - _PRECISION, MaxKey()


def find(db: Documents, wanted: Wanted, limit: int) -> list[Change]:
    """The newest ``wanted`` changes, at most ``limit``; each with its place."""
    found: list[Change] = []
    if wanted.begin[0] < wanted.since:
        return found
    with reachable():
        for one_reading in _readings(db, wanted):
            found += _of_bookings(db, one_reading, limit)
        found += _of_audit_log(db, wanted, limit)
    return nlargest(limit, found, key=_place)


def _readings(db: Documents, wanted: Wanted) -> Iterator[Wanted]:
    """``wanted``, split so that each part can be read in the order of one index."""
    if wanted.what not in (None, BOOKING):
        return
    if wanted.by is None or wanted.action is not None:
        yield wanted
    else:
        for action in collection(db, schema.BOOKINGS).distinct("history.action"):
            yield replace(wanted, action=action)


def histories(db: Documents, wanted: Wanted) -> Cursor[Document]:
    """Bookings with a wanted change, ordered by their first key in the index that is used."""
    same: dict[str, Any] = {"at": {"$gte": wanted.since, "$lt": wanted.until}}
    same |= {} if wanted.by is None else {"by": wanted.by}
    same |= {} if wanted.action is None else {"action": wanted.action}
    index, first = _index(wanted)
    moment, id = wanted.begin
    newest: list[Any] = [*first, ("history.at", moment), ("_id", id)]
    oldest: list[Any] = [*first, ("history.at", wanted.since), ("_id", MinKey())]
    # Bounds instead of a sort: the server does not sort by an index on an array if its keys are
    # bounded, but it reads that index in its order. All readings are in the order of the keys
    # (moment, id), which is total for bookings; entries of one booking are put in order here.
    return (
        collection(db, schema.BOOKINGS)
        .find({"kind": BOOKING, "history": {"$elemMatch": same}}, [*_SHOWN, "history"])
        .hint(index)
        .min(newest)
        .max(oldest)
        .batch_size(_BATCH)
    )


def _index(wanted: Wanted) -> tuple[str, list[tuple[str, Any]]]:
    """The name of the index to read, and the fields that come before the moment in its key."""
    if wanted.action is None:
        return "changes", [("kind", BOOKING)]
    action = ("history.action", wanted.action)
    if wanted.by is None:
        return "changes_to", [action]
    return "changes_by", [("history.by", wanted.by), action]


def _place(change: Change) -> tuple[datetime, str, int]:
    assert change.place is not None, "each change that is found has its place"
    return change.place


def _of_bookings(db: Documents, wanted: Wanted, limit: int) -> list[Change]:
    found: list[Change] = []
    keys = replace(wanted, after=wanted.after and (*wanted.after[:2], _LAST))
    with histories(db, wanted) as rows:
        for row in r.readable(schema.BOOKINGS, _checked, rows):
            # No later row has a change newer than the first key of this one.
            head = max(
                (entry["at"], row["_id"])
                for place, entry in enumerate(row["history"])
                if keys.takes(entry, row["_id"], place)
            )
            if len(found) >= limit:
                found = nlargest(limit, found, key=_place)
                if _place(found[-1])[:2] > head:
                    break
            found += _changes(row, wanted)
    return found


def _checked(row: Document) -> Document:
    """What is shown of a booking, its fields checked. Raises Unreadable."""
    to_slot(row)
    for name in ("_id", "game"):
        r.text(row, name)
    kept = {name: value for name, value in _with_history(row).items() if name not in _OF_PARTY}
    return kept | party_shown(row)


def _with_history(row: Document) -> Document:
    for entry in r.field(row, "history", list):
        to_decision(entry)
    return row


def _changes(row: Document, wanted: Wanted) -> Iterator[Change]:
    """The wanted entries of one history, each with the slot as it was after the change."""
    shown = {name: row[name] for name in _SHOWN if name in row}
    for place, entry in reversed(list(enumerate(row["history"]))):
        before = entry.get("moved_from")
        if wanted.takes(entry, row["_id"], place):
            details = dict(shown)
            if entry["reason"]:
                details["reason"] = entry["reason"]
            if entry.get("correction"):
                details["correction"] = True
            if entry.get("by_mail"):
                details["by_mail"] = True
            if before:
                details["moved_from"] = {name: before[name] for name in _SLOT}
            yield Change(
                entry["at"],
                entry["by"],
                entry["by_name"],
                entry.get("on_behalf_of", ""),
                entry["action"],
                BOOKING,
                row["_id"],
                details,
                (entry["at"], row["_id"], place),
            )
        if before:
            shown |= {name: before[name] for name in _SLOT}


def audit_entries(db: Documents, wanted: Wanted) -> Cursor[Document]:
    """The wanted entries of the audit log, newest first."""
    condition: dict[str, Any] = {"at": {"$gte": wanted.since, "$lt": wanted.until}}
    for name in ("by", "what", "action"):
        if (value := getattr(wanted, name)) is not None:
            condition[name] = value
    if wanted.after is not None:
        at, id, _ = wanted.after
        condition["at"]["$lte"] = at
        condition["$or"] = [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": id}}]
    return collection(db, schema.AUDIT).find(condition).sort([("at", -1), ("_id", -1)])


def _of_audit_log(db: Documents, wanted: Wanted, limit: int) -> list[Change]:
    rows = audit_entries(db, wanted).batch_size(limit + 1)
    return list(islice(r.readable(schema.AUDIT, audit_log.to_change, rows), limit))


def subjects(db: Documents) -> list[str]:
    """The values of ``what`` that a filter may have, ordered by name."""
    with reachable():
        found = collection(db, schema.AUDIT).distinct("what")
        return sorted({BOOKING, *_texts(found)})


def people(db: Documents) -> dict[str, str]:
    """Id to name of each user with an account or a change, ordered by name."""
    bookings, entries = collection(db, schema.BOOKINGS), collection(db, schema.AUDIT)
    found: dict[str, str] = {}
    with reachable():
        rows = collection(db, schema.ACCOUNTS).find({}, {"name": 1})
        found |= r.readable(schema.ACCOUNTS, _id_and_name, rows)
        for by in _texts(entries.distinct("by")):
            last = entries.find({"by": by}, sort=[("at", -1)], limit=1)
            for entry in r.readable(schema.AUDIT, audit_log.to_change, last):
                found.setdefault(by, entry.by_name)
        for by in _texts(bookings.distinct("history.by")):
            rows = bookings.find({"history.by": by}, {"history": 1}, hint="changes_by", limit=1)
            for row in r.readable(schema.BOOKINGS, _with_history, rows):
                names = [entry["by_name"] for entry in row["history"] if entry["by"] == by]
                found.setdefault(by, names[-1])
    return dict(sorted(found.items(), key=lambda item: item[1].casefold()))


def _id_and_name(account: Document) -> tuple[str, str]:
    return r.text(account, "_id"), r.text(account, "name")


def _texts(values: Iterable[Any]) -> list[str]:
    return [value for value in values if isinstance(value, str)]
