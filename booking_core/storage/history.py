"""Every change, newest first: the journal, and the histories inside the bookings. Reads only.

A change has its place by (moment, id, place in the booking's history). Both sources are read in
that order from an index, so that a page costs what it shows, at any number of bookings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import nlargest
from typing import Any

from bson import MaxKey, MinKey
from pymongo.cursor import Cursor

from booking_core.storage import schema
from booking_core.storage.database import Documents, collection, reachable
from booking_core.storage.documents import Document

Place = tuple[datetime, str, int]
_GRAIN = timedelta(milliseconds=1)  # of a moment in BSON
_BATCH = 200
_LAST = 2**31  # beyond the last place in any history
KINDS = ("booking", "closure")
# What is shown of a booking beside the entry itself.
_OF_BOOKING = ("ground_id", "date", "start", "end", "game", "student_id", "student_name")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which changes: from ``since`` until before ``until`` (aware), older than ``after``."""

    since: datetime
    until: datetime
    by: str | None = None
    what: str | None = None
    action: str | None = None
    after: Place | None = None

    def takes(self, entry: Mapping[str, Any], id: str, place: int) -> bool:
        """Whether an entry of a history is among them."""
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
        return self.until - _GRAIN, MaxKey()


def find(db: Documents, wanted: Wanted, limit: int) -> list[Document]:
    """The newest of what is ``wanted``, at most ``limit``.

    Each is ``{at, by, by_name, on_behalf_of, action, what, id, details, place}``.
    """
    found: list[Document] = []
    if wanted.begin[0] < wanted.since:
        return found
    with reachable():
        for kinds, exact in _readings(db, wanted):
            found += _of_bookings(db, exact, kinds, limit)
        found += _of_journal(db, wanted, limit)
    return nlargest(limit, found, key=lambda change: change["place"])


def _readings(db: Documents, wanted: Wanted) -> Iterator[tuple[list[str], Wanted]]:
    """What to read of the bookings, each in the order of one index."""
    kinds = [kind for kind in KINDS if wanted.what in (None, kind)]
    if wanted.by is None and wanted.action is None:
        yield from (([kind], wanted) for kind in kinds)
    elif kinds and (wanted.action is not None or kinds == ["closure"]):
        yield kinds, wanted
    elif kinds:
        for action in collection(db, schema.BOOKINGS).distinct("history.action"):
            yield kinds, replace(wanted, action=action)


def histories(db: Documents, wanted: Wanted, kinds: list[str]) -> Cursor[Document]:
    """Bookings that hold what is wanted, each where its first key lies in the index used."""
    same: dict[str, Any] = {"at": {"$gte": wanted.since, "$lt": wanted.until}}
    same |= {} if wanted.by is None else {"by": wanted.by}
    same |= {} if wanted.action is None else {"action": wanted.action}
    index, first = _index(wanted, kinds)
    moment, id = wanted.begin
    newest: list[Any] = [*first, ("history.at", moment), ("_id", id)]
    oldest: list[Any] = [*first, ("history.at", wanted.since), ("_id", MinKey())]
    # Bounds instead of a sort: the server does not sort by an index of an array whose keys are
    # bounded, but it reads that index in its order. All that is asked for is in the order of the
    # keys (moment, id), which is total for bookings; entries of one booking are put in order here.
    return (
        collection(db, schema.BOOKINGS)
        .find(
            {"kind": {"$in": kinds}, "history": {"$elemMatch": same}},
            ["kind", *_OF_BOOKING, "history"],
        )
        .hint(index)
        .min(newest)
        .max(oldest)
        .batch_size(_BATCH)
    )


def _index(wanted: Wanted, kinds: list[str]) -> tuple[str, list[tuple[str, Any]]]:
    """The index to read, and the fields that stand before the moment in it."""
    # Closures are few: what else is asked for is looked for among them.
    if kinds == ["closure"] or wanted.action is None:
        return "changes", [("kind", kinds[0])]
    action = ("history.action", wanted.action)
    if wanted.by is None:
        return "changes_to", [action]
    return "changes_by", [("history.by", wanted.by), action]


def _of_bookings(db: Documents, wanted: Wanted, kinds: list[str], limit: int) -> list[Document]:
    found: list[Document] = []
    keys = replace(wanted, after=wanted.after and (*wanted.after[:2], _LAST))
    if _index(wanted, kinds)[0] == "changes":
        keys = replace(keys, by=None, action=None)
    with histories(db, wanted, kinds) as rows:
        for row in rows:
            # All that is still to come is no newer than the first key of this one.
            head = max(
                (entry["at"], row["_id"])
                for place, entry in enumerate(row["history"])
                if keys.takes(entry, row["_id"], place)
            )
            if len(found) >= limit:
                found = nlargest(limit, found, key=lambda change: change["place"])
                if found[-1]["place"][:2] > head:
                    break
            found += _changes(row, wanted)
    return found


def _changes(row: Document, wanted: Wanted) -> Iterator[Document]:
    """The wanted entries of one history, each with the slot as it was after the change."""
    slot = {name: row[name] for name in _OF_BOOKING if name in row}
    for place, entry in reversed(list(enumerate(row["history"]))):
        before = entry.get("moved_from")
        if wanted.takes(entry, row["_id"], place):
            details = dict(slot)
            if entry["reason"]:
                details["reason"] = entry["reason"]
            if before:
                details["moved_from"] = {k: v for k, v in before.items() if k != "cells"}
            yield {
                "at": entry["at"],
                "by": entry["by"],
                "by_name": entry["by_name"],
                "on_behalf_of": entry.get("on_behalf_of", ""),
                "action": entry["action"],
                "what": row["kind"],
                "id": row["_id"],
                "details": details,
                "place": (entry["at"], row["_id"], place),
            }
        if before:
            slot |= {k: v for k, v in before.items() if k in slot}


def journal(db: Documents, wanted: Wanted) -> Cursor[Document]:
    """The journal's entries that are wanted, newest first."""
    condition: dict[str, Any] = {"at": {"$gte": wanted.since, "$lt": wanted.until}}
    for name in ("by", "what", "action"):
        if (value := getattr(wanted, name)) is not None:
            condition[name] = value
    if wanted.after is not None:
        at, id, _ = wanted.after
        condition["at"]["$lte"] = at
        condition["$or"] = [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": id}}]
    return collection(db, schema.AUDIT).find(condition).sort([("at", -1), ("_id", -1)])


def _of_journal(db: Documents, wanted: Wanted, limit: int) -> list[Document]:
    return [
        {
            "at": row["at"],
            "by": row["by"],
            "by_name": row["by_name"],
            "on_behalf_of": row.get("on_behalf_of", ""),
            "action": row["action"],
            "what": row["what"],
            "id": row["id"],
            "details": row.get("details") or {},
            "place": (row["at"], row["_id"], 0),
        }
        for row in journal(db, wanted).limit(limit)
    ]


def subjects(db: Documents) -> list[str]:
    """What was ever changed: booking, closure, and the words of the journal."""
    with reachable():
        return sorted({*KINDS, *collection(db, schema.AUDIT).distinct("what")})


def people(db: Documents) -> dict[str, str]:
    """Who ever changed something: id -> name, as last written."""
    bookings, entries = collection(db, schema.BOOKINGS), collection(db, schema.AUDIT)
    found: dict[str, str] = {}
    with reachable():
        for row in collection(db, schema.ACCOUNTS).find({}, {"name": 1}):
            found[row["_id"]] = row["name"]
        for by in entries.distinct("by"):
            last = entries.find_one({"by": by}, sort=[("at", -1)])
            if last is not None:
                found.setdefault(by, last["by_name"])
        for by in bookings.distinct("history.by"):
            booking = bookings.find_one({"history.by": by}, {"history": 1}, hint="changes_by")
            history = booking["history"] if booking else []
            names = [entry["by_name"] for entry in history if entry["by"] == by]
            if names:
                found.setdefault(by, names[-1])
    return dict(sorted(found.items(), key=lambda item: item[1].casefold()))
