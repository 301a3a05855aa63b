"""The doctor: one finding for each condition that must hold, with a remedy where it does not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from functools import partial

from booking_core.domain.clock import clock
from booking_core.domain.errors import BookingError
from booking_core.domain.messages import COMMAND, other_time_zone, sentence
from booking_core.embedded.binary import TRANSACTION_SECONDS
from booking_core.operations import stored_data
from booking_core.operations.automatic_backups import automatic_backups
from booking_core.operations.finding import Finding as Finding
from booking_core.settings import Settings
from booking_core.storage import mails, time_zone
from booking_core.storage.backups import archive
from booking_core.storage.client import server_clock, server_info
from booking_core.storage.client.database import Documents, present, settings_of
from booking_core.storage.client.transactions import await_majority
from booking_core.storage.client.verbs import reachable
from booking_core.storage.connection import disconnect, open_settings
from booking_core.storage.live.feed_lag import NoChangeStream, measure
from booking_core.storage.schema import indexes, migrations, schema

OLDEST_SERVER = (6, 0)
# Release line -> the first patch release with the fix of CVE-2025-14847. Without it, a client that
# reaches the port reads the server's memory by messages in zlib. Later lines have the fix.
FIXED_SERVERS = {(6, 0): 27, (7, 0): 28, (8, 0): 17, (8, 2): 3}
SLOW_FEED_MS = 1000.0
FEED_PATIENCE_SECONDS = 5.0
BACKUP_DAYS = 8  # an older backup is one that was forgotten: a weekly one may be a day late
_INIT = f"run “{COMMAND} init”"


def examine(settings: Settings) -> Iterator[Finding]:
    """A finding for each condition, as soon as it is known; changes no data of the school."""
    try:
        db = open_settings(settings)
    except BookingError as exc:
        yield Finding("connection", sentence(exc), "set MONGODB_URI, or leave it out")
        return
    try:
        reached = True
        for finding in examine_database(db):
            reached = reached and (finding.ok or finding.name != "connection")
            yield finding
        if reached:
            for name, look in BACKUP_LOOKS.items():
                yield guarded(name, partial(look, now=present(db)))(db)
            yield guarded("last mail", last_mail)(db)
    finally:
        disconnect(db)


def examine_database(db: Documents, *, without: Collection[str] = ()) -> Iterator[Finding]:
    """As ``examine``, of an open database; ``without`` names the examinations to leave out."""
    connection = guarded("connection", _connection)(db)
    yield connection
    if not connection.ok:
        return
    for name, look in _LOOKS.items():
        if name not in without:
            yield guarded(name, look)(db)


def last_backup(db: Documents, now: datetime) -> Finding:
    """When the last backup was made; wrong where bookings are stored and it is old or missing."""
    last, (_, bookings) = archive.last_record(db), archive.size(db)
    remedy = f"run “{COMMAND} backup FILE”, at least once a week" if bookings else ""
    if remedy and settings_of(db).automatic_backups is not None:
        remedy = f"keep the app running, which makes one each day, or {remedy}"
    if last is None:
        return Finding("last backup", "never recorded", remedy, missing=not bookings)
    zone = settings_of(db).zone
    at = last.at.astimezone(zone)
    days = (now.astimezone(zone).date() - at.date()).days
    ago = "today" if days < 1 else "a day ago" if days == 1 else f"{days} days ago"
    detail = f"{at:%Y-%m-%d %H:%M} ({ago}), {last.documents} documents, {in_bytes(last.size)}"
    return Finding("last backup", detail, remedy if days > BACKUP_DAYS else "")


BACKUP_LOOKS: dict[str, Callable[..., Finding]] = {
    "last backup": last_backup,
    "automatic backups": automatic_backups,
}


def last_mail(db: Documents) -> Finding:
    """When the mail server took the last mail, what waits for it, and what it answered."""
    if settings_of(db).smtp_host is None:
        return Finding("last mail", "no mail is set up", missing=True)
    found = mails.state(db)
    sent = "none was sent yet" if found.sent_at is None else f"sent {_local(db, found.sent_at)}"
    waiting = f"{found.waiting} wait{'s' if found.waiting == 1 else ''}" if found.waiting else ""
    detail = ", ".join(filter(None, (sent, waiting)))
    if found.answered_at is None:
        return Finding("last mail", detail, missing=found.sent_at is None)
    detail += f"; not taken is one of {_local(db, found.answered_at)}: {found.answer}"
    remedy = f"see SMTP_HOST and the address of the account, and try “{COMMAND} mail test ADDRESS”"
    return Finding("last mail", detail, remedy)


def _local(db: Documents, at: datetime) -> str:
    return f"{at.astimezone(settings_of(db).zone):%Y-%m-%d %H:%M}"


def guarded(name: str, look: Callable[[Documents], Finding]) -> Callable[[Documents], Finding]:
    """``look``, with a finding in place of an error."""

    def examined(db: Documents) -> Finding:
        try:
            return look(db)
        except BookingError as exc:
            return Finding(name, sentence(exc), "see that the server runs and can be reached")

    return examined


def _connection(db: Documents) -> Finding:
    version = server_info.version(db)
    latency = server_info.latency(db)
    detail = f"MongoDB {version}, database {db.name}, answers in {latency:.1f} ms"
    if _numbers(version)[:2] < OLDEST_SERVER:
        return Finding("connection", detail, "use MongoDB 6.0 or newer")
    return Finding("connection", detail)


def _server(db: Documents) -> Finding:
    version = server_info.version(db)
    if not is_outdated(version):
        return Finding("server", f"MongoDB {version} is not known to be outdated")
    if not server_info.offers_zlib(db):
        return Finding("server", f"MongoDB {version} takes no zlib, so CVE-2025-14847 is closed")
    fixed = ", ".join(f"{a}.{b}.{c}" for (a, b), c in FIXED_SERVERS.items())
    return Finding(
        "server",
        f"MongoDB {version} lets anybody who reaches its port read its memory (CVE-2025-14847)",
        f"update it ({fixed} or newer), or set net.compression.compressors to snappy,zstd",
    )


def is_outdated(version: str) -> bool:
    """Whether a server of this version, such as ``6.0.5``, has CVE-2025-14847."""
    line, patch = _numbers(version)[:2], _numbers(version)[2]
    return patch < FIXED_SERVERS[line] if line in FIXED_SERVERS else line < max(FIXED_SERVERS)


def _numbers(version: str) -> tuple[int, ...]:
    """Major, minor and patch; a candidate such as ``8.2.0-rc1`` counts as its release."""
    return tuple(int(part) for part in version.partition("-")[0].split(".")[:3])


def _replica_set(db: Documents) -> Finding:
    topology = server_info.topology(db)
    if topology.is_sharded:
        return Finding("replica set", "a sharded cluster")
    if topology.name is None:
        remedy = "start it with --replSet and run rs.initiate() once: live updates need it"
        return Finding("replica set", "this server is in no replica set", remedy)
    await_majority(db)
    noun = "member" if topology.members == 1 else "members"
    detail = f"{topology.name}, {topology.members} {noun}, a primary with a majority"
    return Finding("replica set", detail)


def _clock(db: Documents) -> Finding:
    before = clock()
    there = server_info.clock(db)
    after = clock()
    ahead, behind = before - there, there - after
    if max(ahead, behind) <= server_clock.APART:
        return Finding("clock", "agrees with the database's")
    apart = f"{_span(ahead)} ahead of" if ahead > behind else f"{_span(behind)} behind"
    detail = f"this machine's is {apart} the database's; the database's is used"
    return Finding("clock", detail, "set the clocks of both machines by NTP")


def _time_zone(db: Documents) -> Finding:
    there, ours = time_zone.recorded(db), settings_of(db).time_zone
    if there is None:
        return Finding("time zone", f"none is recorded before “{COMMAND} init”", missing=True)
    if time_zone.differing(db) is None:
        return Finding("time zone", ours)
    remedy = (
        f"set SCHOOL_TIME_ZONE to {there}; or, if the school is in {ours} now, run “{COMMAND} "
        f"time-zone {ours}” and start every app with that zone"
    )
    return Finding("time zone", other_time_zone(ours, there), remedy)


def _span(apart: timedelta) -> str:
    """Like ``1 h`` or ``2 min 5 s``."""
    minutes, seconds = divmod(round(apart.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def _transactions(db: Documents) -> Finding:
    server_info.try_transaction(db)
    limit = server_info.transaction_limit(db)
    if limit is None:
        return Finding("transactions", "the server does not tell their limit", missing=True)
    # The server looks for expired ones at an interval of half their time, at most a minute.
    held = limit + max(1, min(limit // 2, 60))
    detail = f"end after {limit} s; an app that was killed may hold slots for up to {held} s"
    if limit > TRANSACTION_SECONDS:
        # No fault: servers of a hosting company have 60 s, and do not let it be changed.
        detail += f" ({TRANSACTION_SECONDS} is better: transactionLifetimeLimitSeconds)"
    return Finding("transactions", detail)


def _indexes(db: Documents) -> Finding:
    with reachable():
        faults = indexes.index_faults(db)
    if faults:
        return _differing(db, "indexes", faults)
    count = len(schema.UNIQUE_INDEXES)
    return Finding("indexes", f"{count} unique, {len(schema.LISTING_INDEXES)} for lists")


def _validators(db: Documents) -> Finding:
    with reachable():
        faults = indexes.validator_faults(db)
    if faults:
        return _differing(db, "validators", faults)
    return Finding("validators", f"{len(schema.VALIDATORS)} collections")


def _differing(db: Documents, name: str, faults: list[str]) -> Finding:
    with reachable(None):  # it reads all that an index guards
        newer = migrations.is_newer(db)
        conflicts = not newer and migrations.find_conflicts(db)
    remedy = f"follow the advice of “duplicates” and “names”, then {_INIT}" if conflicts else _INIT
    if newer:
        remedy = "update this application: a newer one has updated the database"
    return Finding(name, f"missing or different: {', '.join(faults)}", remedy)


def _feed(db: Documents) -> Finding:
    remedy = "see that the server is a replica set and that its user may open change streams"
    try:
        took = measure(db, FEED_PATIENCE_SECONDS)
    except NoChangeStream:
        return Finding("feed", "the change stream does not open", remedy)
    if took is None:
        return Finding("feed", f"no event within {FEED_PATIENCE_SECONDS:.0f} s", remedy)
    return feed_lag(took)


def feed_lag(took_ms: float) -> Finding:
    """The finding for a lag of ``took_ms`` milliseconds."""
    detail = f"a write arrives after {took_ms:.1f} ms"
    if took_ms > SLOW_FEED_MS:
        return Finding("feed", detail, "see what keeps the server or the network busy")
    return Finding("feed", detail)


_LOOKS: dict[str, Callable[[Documents], Finding]] = {
    "server": _server,
    "replica set": _replica_set,
    "clock": _clock,
    "time zone": _time_zone,
    "transactions": _transactions,
    "validators": _validators,
    "indexes": _indexes,
    "duplicates": stored_data.duplicates,
    "names": stored_data.names,
    "claims": stored_data.claims,
    "documents": stored_data.documents,
    "bookings": stored_data.bookings,
    "feed": _feed,
}


def in_bytes(size: float) -> str:
    """Like ``3.4 MB``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
