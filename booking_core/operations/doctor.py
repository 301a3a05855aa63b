"""A look at everything that has to be right, one line each, with what to do where it is not."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from booking_core.domain.clock import clock
from booking_core.domain.errors import BookingError
from booking_core.domain.messages import sentence
from booking_core.settings import Settings
from booking_core.storage import indexes, schema
from booking_core.storage.database import (
    BookingDatabase,
    Documents,
    open_database,
    reachable,
)
from booking_core.storage.feed_lag import NoChangeStream, measure

OLDEST_SERVER = (6, 0)
SLOW_FEED_MS = 1000.0
FEED_PATIENCE_SECONDS = 5.0
CLOCK_SECONDS = 2.0
_INIT = "run “python -m booking_core init”"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``remedy`` is empty where it is well.

    ``missing``: there is nothing to be looked at, which is no fault.
    """

    name: str
    detail: str
    remedy: str = ""
    missing: bool = False

    @property
    def ok(self) -> bool:
        return not self.remedy


def open_store(settings: Settings) -> BookingDatabase:
    """The database of ``settings``, looked at but not made ready. Raises as ``connect`` does."""
    uri = settings.mongodb_uri
    if uri is None:
        from booking_core.embedded import server as mongod

        uri = mongod.start(settings.data_path).uri
    return open_database(uri, settings)


def examine(settings: Settings) -> Iterator[Finding]:
    """A finding for each thing, as soon as it is known; changes no data of the school."""
    try:
        db = open_store(settings)
    except BookingError as exc:
        yield Finding("connection", sentence(exc), "set MONGODB_URI, or leave it out")
        return
    try:
        yield from examine_database(db)
    finally:
        db.client.close()


def examine_database(db: Documents, *, without: Collection[str] = ()) -> Iterator[Finding]:
    """The same of a database that is open; ``without`` names what not to look at."""
    connection = guarded("connection", _connection)(db)
    yield connection
    if not connection.ok:
        return
    for name, look in _LOOKS.items():
        if name not in without:
            yield guarded(name, look)(db)


def guarded(name: str, look: Callable[[Documents], Finding]) -> Callable[[Documents], Finding]:
    """``look``, whose failure is a finding too."""

    def look_or_tell(db: Documents) -> Finding:
        try:
            return look(db)
        except BookingError as exc:
            return Finding(name, sentence(exc), "see that the server runs and can be reached")

    return look_or_tell


def _connection(db: Documents) -> Finding:
    with reachable():
        began = time.perf_counter()
        db.client.admin.command("ping")
        took = (time.perf_counter() - began) * 1000
        version = db.client.server_info()["version"]
    detail = f"MongoDB {version}, database {db.name}, answers in {took:.1f} ms"
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_SERVER:
        return Finding("connection", detail, "use MongoDB 6.0 or newer")
    return Finding("connection", detail)


def _replica_set(db: Documents) -> Finding:
    with reachable():
        hello = db.client.admin.command("hello")
    if hello.get("msg") == "isdbgrid":
        return Finding("replica set", "a sharded cluster")
    if "setName" not in hello:
        remedy = "start it with --replSet and run rs.initiate() once: live updates need it"
        return Finding("replica set", "this server stands alone", remedy)
    members = len(hello.get("hosts", ()))
    noun = "member" if members == 1 else "members"
    return Finding("replica set", f"{hello['setName']}, {members} {noun}, with a primary")


def _clock(db: Documents) -> Finding:
    with reachable():
        before = clock()
        there = db.client.admin.command("hello")["localTime"].replace(tzinfo=before.tzinfo)
        after = clock()
    apart = max((before - there).total_seconds(), (there - after).total_seconds(), 0.0)
    if apart > CLOCK_SECONDS:
        return Finding("clock", f"{apart:.0f} s from the server's", "set both clocks by NTP")
    return Finding("clock", "agrees with the server's")


def _indexes(db: Documents) -> Finding:
    with reachable():
        faults = indexes.index_faults(db)
    if faults:
        return Finding("indexes", f"missing or different: {', '.join(faults)}", _INIT)
    count = len(schema.UNIQUE_INDEXES)
    return Finding("indexes", f"{count} unique, {len(schema.LISTING_INDEXES)} for lists")


def _validators(db: Documents) -> Finding:
    with reachable():
        faults = indexes.validator_faults(db)
    if faults:
        return Finding("validators", f"missing or different: {', '.join(faults)}", _INIT)
    return Finding("validators", f"{len(schema.VALIDATORS)} collections")


def _duplicates(db: Documents) -> Finding:
    with reachable(None):  # it reads all active bookings
        offenders = indexes.find_offenders(db)
    if not offenders:
        return Finding("duplicates", "none")
    groups = sorted({tuple(offender["ids"]) for offender in offenders})
    shown = "; ".join(" and ".join(ids) for ids in groups[:3]) + ("; ..." if groups[3:] else "")
    remedy = f"cancel all but one of each in the database, then {_INIT}"
    return Finding("duplicates", f"bookings that exclude each other: {shown}", remedy)


def _feed(db: Documents) -> Finding:
    remedy = "see that the server is a replica set and that its user may open change streams"
    try:
        took = measure(db, FEED_PATIENCE_SECONDS)
    except NoChangeStream:
        return Finding("feed", "the change stream does not open", remedy)
    if took is None:
        return Finding("feed", f"no news within {FEED_PATIENCE_SECONDS:.0f} s", remedy)
    return feed_lag(took)


def feed_lag(took_ms: float) -> Finding:
    """What a lag that was measured, in milliseconds, means."""
    detail = f"a write is heard of after {took_ms:.1f} ms"
    if took_ms > SLOW_FEED_MS:
        return Finding("feed", detail, "see what keeps the server or the network busy")
    return Finding("feed", detail)


_LOOKS: dict[str, Callable[[Documents], Finding]] = {
    "replica set": _replica_set,
    "clock": _clock,
    "validators": _validators,
    "indexes": _indexes,
    "duplicates": _duplicates,
    "feed": _feed,
}
