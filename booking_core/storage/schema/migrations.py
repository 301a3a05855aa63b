"""Numbered migrations. A database remembers the number of the last one that is complete.

Each migration may be interrupted at any point and run again, and may run in several processes at
once. It runs while applications of the version before are at work: the validators refuse their
writes from its first step on, and say that the application must be updated. This application
stops with UpdateNeeded when it meets a database of a newer version, or one that such a version
migrates (``schema_number.py``).

    1   the schema with three unique indexes on marks of 15 minutes, and whatever came before it
    2   claims of 5 minutes behind the one index ``one_holder_per_claim``
    3   keys of names and ids that people cannot tell apart, behind unique indexes
    4   such keys of accounts too, and the texts of bookings and of the school's history in normal
        form, as those of the school are
    5   second factors: no document changes, but applications of before would not ask for a code
    6   the school's year: no document changes, but applications of before would book on holidays
    9   mail: no document changes, but notices of applications of before would never go out
    10  links of mails: no document changes, but applications of before cannot read the settings
"""

from __future__ import annotations

import logging
import math
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from booking_core.domain.claims import claims_of
from booking_core.domain.errors import SchemaConflict, UpdateNeeded
from booking_core.domain.messages import migrating
from booking_core.domain.names import key_of
from booking_core.domain.progress import MigrationProgress
from booking_core.storage.documents import Document, to_booking, to_bookings, to_ground
from booking_core.storage.readable import readable
from booking_core.storage.schema import indexes, keys, schema, schema_number

log = logging.getLogger(__name__)

Documents = indexes.Documents
Report = Callable[[MigrationProgress], object]
_BATCH = 500
_REFUSED_BY_VALIDATOR = 121
# Batches that are written at the same time: one waits for the disk and the majority while the
# next ones are made.
_WRITERS = 4
_LOG_SECONDS = 5.0
_Advance = Callable[[int], object]  # is called with the number of bookings just done


def _uncounted(count: int) -> None:
    pass


class _Progress:
    """Counts the bookings of each step of a migration; reports, and logs every few seconds."""

    def __init__(self, steps: int, total: int, report: Report | None) -> None:
        self._now = MigrationProgress(0, steps, 0, total)
        self._report = report
        self._began = time.monotonic()
        self._logged = self._began  # a short look at the data is not logged

    def begin(self) -> None:
        """The next step begins."""
        if self._now.step == 1:
            self._logged = -math.inf  # the first change is
        self._say(replace(self._now, step=self._now.step + 1, done=0))

    def advance(self, count: int) -> None:
        """So many more bookings are done in this step."""
        # Bookings that are made meanwhile are beyond the total.
        done = min(self._now.done + count, self._now.total)
        self._say(replace(self._now, done=done))

    def end(self) -> None:
        """All steps are done."""
        if self._now.total:
            took = time.monotonic() - self._began
            log.warning("the migration of %s bookings took %.0f s", self._now.total, took)

    def _say(self, now: MigrationProgress) -> None:
        self._now = now
        if not now.total:
            return
        if self._report is not None:
            self._report(now)
        if time.monotonic() - self._logged >= _LOG_SECONDS:
            self._logged = time.monotonic()
            log.warning("%s", migrating(now))


def ensure(db: Documents, report: Report | None = None) -> None:
    """Brings the database to the version of this application; does nothing to one that is there.

    While bookings are migrated, ``report`` is called with the progress, and it is logged.

    Raises SchemaConflict, with the offenders and nothing changed, when ``find_conflicts`` finds
    any, and UpdateNeeded for a database of a newer version.
    """
    stored = version(db)
    schema_number.check(db[schema.META].find_one({"_id": "revision"}) or {})
    todo = [migrate for number, migrate in _MIGRATIONS.items() if stored < number]
    total = db[schema.BOOKINGS].estimated_document_count() if todo else 0
    progress = _Progress(len(todo) + 2, total, report)  # before them a look, after them the indexes
    # All of the data is examined before the first change of any migration.
    progress.begin()
    faults = set(indexes.index_faults(db))
    offenders: list[dict[str, Any]] = []
    if faults & schema.UNIQUE_INDEXES.keys():
        offenders += indexes.find_offenders(db, progress.advance)
    if stored < schema.VERSION or faults & schema.KEY_INDEXES:
        offenders += keys.find_colliding(db)
    if offenders:
        raise SchemaConflict(offenders)
    if todo:
        _announce(db)
    indexes.create_collections(db)
    _date_one_time_passwords(db)
    for migrate in todo:
        progress.begin()
        migrate(db, progress.advance)
    progress.begin()
    indexes.build_indexes(db)
    _remember(db, stored)
    progress.end()


def find_conflicts(db: Documents) -> list[dict[str, Any]]:
    """All stored documents that break a unique index, whether or not it is built.

    As ``indexes.find_offenders`` and ``keys.find_colliding`` return them.
    """
    return indexes.find_offenders(db) + keys.find_colliding(db)


def version(db: Documents) -> int:
    """The number of the last complete migration; 0 for an empty database, or a foreign one."""
    kept = db[schema.META].find_one({"_id": "revision"}) or {}
    return int(kept.get("schema", 1 if kept else 0))


def is_newer(db: Documents) -> bool:
    """Whether a newer version of this application has migrated the database, or is at it."""
    try:
        schema_number.check(db[schema.META].find_one({"_id": "revision"}) or {})
    except UpdateNeeded:
        return True
    return False


def new_counters() -> dict[str, int]:
    """Revisions for a school that was not here before.

    Random ones: a process may still keep the school that had the same name, and no number of it
    may come again when the database was dropped.
    """
    return {name: secrets.randbelow(2**48) for name in (schema.GROUNDS, schema.STUDENTS)}


def _announce(db: Documents) -> None:
    """Tells running applications of the version before, which then stop.

    Before the first change: they would put back a validator that is set by this version. The
    counters move, so that their feeds tell of it.
    """
    db[schema.META].update_one(
        {"_id": "revision"},
        {"$max": {"migrating": schema.VERSION}, "$inc": {"grounds": 1, "students": 1}},
    )


def _remember(db: Documents, stored: int) -> None:
    meta = db[schema.META]
    meta.update_one(
        {"_id": "revision"},
        {"$setOnInsert": {**new_counters(), "schema": schema.VERSION}},
        upsert=True,
    )
    if stored < schema.VERSION:
        # The counters move too, so that every running application reads everything again.
        meta.update_one(
            {"_id": "revision", "schema": {"$not": {"$gte": schema.VERSION}}},
            {
                "$set": {"schema": schema.VERSION},
                "$unset": {"migrating": ""},
                "$inc": {"grounds": 1, "students": 1},
            },
        )


def _date_one_time_passwords(db: Documents) -> None:
    """One-time passwords of before have no moment of issue: they count from now, by the server.

    Without a number of its own: applications of the version before go on beside it.
    """
    db[schema.ACCOUNTS].update_many(
        {"must_change": True, "one_time_at": {"$exists": False}},
        [{"$set": {"one_time_at": "$$NOW"}}],
    )


def _store_claims(db: Documents, advance: _Advance = _uncounted) -> None:
    """Migration 2: every booking gets its claims in place of its cells.

    Nobody can book meanwhile: the validator refuses every write to a document without claims, and
    applications of before write none. They can still change the status of a document that has its
    claims already, so active bookings come first. These exclude nothing of each other, whatever
    their status becomes. Then the index is built, and after it the others get their claims: one
    that becomes active again meets the index. The indexes of before are dropped first: without
    cells all bookings of a day would be one to them.
    """
    indexes.drop_superseded(db)
    _fill_claims(db, schema.HOLDS, advance)
    indexes.build_unique(db)
    _fill_claims(db, {}, advance)
    _record_single_closures(db)


def _fill_claims(db: Documents, among: Mapping[str, Any], advance: _Advance) -> None:
    def claimed(row: Document) -> UpdateOne:
        return UpdateOne(
            {"_id": row["_id"], "claims": {"$exists": False}},
            {"$set": {"claims": claims_of(to_booking(row))}, "$unset": {"cells": ""}},
        )

    without = {"claims": {"$exists": False}, "kind": {"$exists": True}}
    rows = db[schema.BOOKINGS].find({**without, **among}, batch_size=_BATCH)
    _write(db, schema.BOOKINGS, rows, claimed, advance)


def _record_single_closures(db: Documents) -> None:
    """An entry of the audit log for each closure of before that has none: those without a group.

    The audit reads closures from the audit log alone.
    """
    alone = {"kind": "closure", "closure_group": {"$exists": False}}
    for closure in to_bookings(db[schema.BOOKINGS].find(alone)):
        for place, entry in enumerate(closure.history):
            written = {
                "at": entry.at,
                "by": entry.by,
                "by_name": entry.by_name,
                "action": entry.action,
                "what": "closure",
                "id": closure.id,
                "details": {
                    "grounds": [closure.ground_id],
                    "first": closure.date.isoformat(),
                    "last": closure.date.isoformat(),
                    "start": f"{closure.start:%H:%M}",
                    "end": f"{closure.end:%H:%M}",
                    "reason": closure.purpose,
                    "displaced": 0,
                },
            }
            id = f"{closure.id}/{place}"
            db[schema.AUDIT].update_one({"_id": id}, {"$setOnInsert": written}, upsert=True)


def _store_keys(db: Documents, advance: _Advance = _uncounted) -> None:
    """Migration 3: grounds, timetables and students get their keys, and texts in normal form.

    A stored name that a value refuses could not be read.
    """
    for name in (schema.GROUNDS, schema.TIMETABLES, schema.STUDENTS):
        _rewrite(db, name, partial(keys.repaired, name))


def _store_normal_forms(db: Documents, advance: _Advance = _uncounted) -> None:
    """Migration 4: accounts get their keys; bookings and the school's history get normal forms.

    A booking keeps its id, also where that was made from the text of its game by an import.
    """
    _rewrite(db, schema.ACCOUNTS, partial(keys.repaired, schema.ACCOUNTS))
    _rewrite(db, schema.SCHOOL_HISTORY, keys.repaired_copy)
    # Grounds are in form by now. What they call a game, their bookings call it.
    games = {
        ground.id: {key_of(game): game for game in ground.games}
        for ground in readable(schema.GROUNDS, to_ground, db[schema.GROUNDS].find())
    }
    fields = dict.fromkeys(("ground_id", *keys.BOOKING_TEXTS), 1)
    repaired = partial(keys.repaired_booking, games)
    _rewrite(db, schema.BOOKINGS, repaired, {"kind": {"$exists": True}}, fields, advance)


def _rewrite(
    db: Documents,
    name: str,
    repaired: Callable[[Document], Document],
    among: Mapping[str, Any] | None = None,
    fields: Mapping[str, Any] | None = None,
    advance: _Advance = _uncounted,
) -> None:
    """Stores what ``repaired`` returns for each document of a collection, where it differs.

    A document that cannot be read stays as it is: the validator may refuse it.
    """

    def rewritten(row: Document) -> UpdateOne | None:
        if (after := repaired(row)) == row:
            return None
        # As it was read: a change made meanwhile by this version is in form already.
        return UpdateOne(row, {"$set": {field: after[field] for field in after.keys() - {"_id"}}})

    rows = db[name].find(among, fields, batch_size=_BATCH)
    _write(db, name, rows, rewritten, advance, skips_refused=True)


def _write(
    db: Documents,
    name: str,
    rows: Iterable[Document],
    change: Callable[[Document], UpdateOne | None],
    advance: _Advance,
    *,
    skips_refused: bool = False,
) -> None:
    """Writes the ``change`` of each row, if any, in batches; returns when all are written.

    Rows that cannot be read are left out. ``skips_refused``: what the validator refuses stays as
    it is, and is no error.
    """

    def write(changes: list[UpdateOne]) -> None:
        try:
            db[name].bulk_write(changes, ordered=False)
        except BulkWriteError as exc:
            errors = (exc.details or {}).get("writeErrors", ())
            refused = [error for error in errors if error["code"] == _REFUSED_BY_VALIDATOR]
            if not skips_refused or not errors or len(refused) < len(errors):
                raise

    under_way: deque[Future[None]] = deque()
    with ThreadPoolExecutor(_WRITERS, "migration") as pool:
        for batch in _batches(iter(rows)):
            changes = [made for made in readable(name, change, batch) if made is not None]
            if changes:
                under_way.append(pool.submit(write, changes))
            while len(under_way) > _WRITERS:
                under_way.popleft().result()
            advance(len(batch))
        for written in under_way:
            written.result()


def _change_nothing(db: Documents, advance: _Advance = _uncounted) -> None:
    """For a number that only stops older applications."""


CLAIMS = 2
_MIGRATIONS: dict[int, Callable[[Documents, _Advance], None]] = {
    CLAIMS: _store_claims,
    3: _store_keys,
    4: _store_normal_forms,
    5: _change_nothing,
    6: _change_nothing,
    7: _change_nothing,
    8: _change_nothing,
    9: _change_nothing,
    10: _change_nothing,
    11: _change_nothing,
}


def _batches(rows: Any) -> Iterator[list[Document]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch
