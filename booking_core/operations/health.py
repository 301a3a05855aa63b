"""The state of the installation: the findings of the doctor, disk, backup and version."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from booking_core.domain import rules
from booking_core.domain.model import Actor
from booking_core.operations import doctor
from booking_core.operations.doctor import Finding
from booking_core.storage.backups import archive
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.version import version

LOW_DISK_BYTES = 2 * 10**9


def health_findings(
    db: Documents,
    *,
    by: Actor,
    feed_lag_ms: float | None = None,
    now: datetime | None = None,
    threads: Mapping[str, bool] | None = None,
    proxy_untrusted: bool | None = None,
) -> Iterator[Finding]:
    """A finding for each condition, as soon as it is known.

    ``feed_lag_ms`` is the feed's lag in milliseconds where the caller knows it; else it is
    measured, by a write that wakes no screen. ``threads``: name of each background thread of the
    caller's process -> whether it runs; ``proxy_untrusted``: whether requests have named another
    client while TRUST_PROXY is off. Without these there is no finding about them. Raises NotAllowed
    before the first examination.
    """
    rules.check_may("administer", by)
    return _facts(db, feed_lag_ms, moment(db, now), threads, proxy_untrusted)


def _facts(
    db: Documents,
    feed_lag_ms: float | None,
    now: datetime,
    threads: Mapping[str, bool] | None,
    proxy_untrusted: bool | None,
) -> Iterator[Finding]:
    if threads is not None:
        yield _threads(threads)
    if proxy_untrusted is not None:
        yield _proxy(proxy_untrusted)
    known = () if feed_lag_ms is None else ("feed",)
    reached = True
    for finding in doctor.examine_database(db, without=known):
        reached = reached and (finding.ok or finding.name != "connection")
        yield finding
    if reached:
        if feed_lag_ms is not None:
            yield doctor.feed_lag(feed_lag_ms)
        yield doctor.guarded("size", _size)(db)
        for name, look in doctor.BACKUP_LOOKS.items():
            yield doctor.guarded(name, partial(look, now=now))(db)
    if settings_of(db).mongodb_uri is None:  # readable while the database is away too
        yield _our_disk(settings_of(db).data_path)
    elif reached:
        yield doctor.guarded("disk", _its_disk)(db)
    if reached or settings_of(db).smtp_host is None:
        yield doctor.guarded("last mail", doctor.last_mail)(db)
    yield Finding("version", version())


def _threads(threads: Mapping[str, bool]) -> Finding:
    ended = sorted(name for name, runs in threads.items() if not runs)
    if ended:
        remedy = "restart the app, and see its log for the error that ended it"
        return Finding("background threads", f"not running: {', '.join(ended)}", remedy)
    return Finding("background threads", f"running: {', '.join(sorted(threads)) or 'none'}")


def _proxy(untrusted: bool) -> Finding:
    if not untrusted:
        return Finding("proxy", "no request has come through a proxy that is not trusted")
    return Finding(
        "proxy",
        "a request named its client in a header such as X-Forwarded-For, and TRUST_PROXY is off: "
        "behind a proxy, failed sign-ins of all users are counted as of one address",
        "if a proxy stands before the app, have it set X-Forwarded-For and start the app with "
        "TRUST_PROXY=on",
    )


def _size(db: Documents) -> Finding:
    size, count = archive.size(db)
    return Finding("size", f"{doctor.in_bytes(size)} on disk, {count} bookings and closures")


def _our_disk(directory: Path) -> Finding:
    place = directory
    while not place.exists():
        place = place.parent
    usage = shutil.disk_usage(place)
    return _disk(usage.free, usage.total)


def _its_disk(db: Documents) -> Finding:
    usage = archive.disk(db)
    if usage is None:
        return Finding("disk", "the database does not report its disk", missing=True)
    return _disk(*usage)


def _disk(free: int, total: int) -> Finding:
    detail = f"{doctor.in_bytes(free)} of {doctor.in_bytes(total)} free"
    if free < LOW_DISK_BYTES:
        return Finding("disk", detail, "make room: without it the database stops")
    return Finding("disk", detail)
