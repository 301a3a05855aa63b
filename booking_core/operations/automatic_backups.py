"""Backups that the app makes by itself, each day at a time of the school.

One process of many makes it, under a lease in the database. A backup that was missed, since no app
ran at its time, is made as soon as one runs. Each file has its SHA-256 beside it, in the form that
``sha256sum --check`` reads.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from booking_core.domain.clock import at, to_millis
from booking_core.domain.errors import BookingError, InvalidRequest
from booking_core.domain.messages import sentence
from booking_core.operations import backups
from booking_core.operations.finding import Finding
from booking_core.settings import AutomaticBackups
from booking_core.storage.backups import archive
from booking_core.storage.backups import runs as backup_runs
from booking_core.storage.client.database import Documents, moment, present, settings_of

RETRY = timedelta(minutes=10)  # after an attempt that failed
_RENEW = backup_runs.LEASE / 4
_LOOK_DOCUMENTS = 500  # between two looks at the clock
_MOMENT = "%Y-%m-%d-%H%M"
_UNREAD = "the database did not let all of it be read as of one moment"
_KEPT = "it was made, but older ones cannot be deleted"
_AGAIN = f"the app tries again every {RETRY // timedelta(minutes=1)} minutes"
_ROOM = f"see that BACKUP_DIRECTORY can be written and has room; {_AGAIN}"
_LOG = f"see the log of the app; {_AGAIN}"


class LeaseLost(Exception):
    """Another process makes this backup, since this one was stopped for too long."""


def make_due_backup(db: Documents, *, now: datetime | None = None) -> Path | None:
    """Makes the backup that is due, and deletes those that are older than the days to keep.

    Returns its file; None where none is due, or where another process makes it. Any process may
    call it at any time. Raises InvalidRequest for a directory that cannot be written and
    StoreUnavailable; Health shows the reason, and after ten minutes a call tries again.
    """
    plan = settings_of(db).automatic_backups
    if plan is None:
        return None
    given, now = now, moment(db, now)
    due, token = due_at(plan, now, db), uuid4().hex
    if not backup_runs.take(db, token, due, now):
        return None
    try:
        file = _make(db, plan, due, token)
    except LeaseLost:
        return None
    except Exception as exc:
        # Also an error of the driver, such as a snapshot that is too old by now.
        problem = sentence(exc) if isinstance(exc, BookingError) else _UNREAD
        if not backup_runs.fail(db, token, moment(db, given), problem, RETRY):
            return None  # another process has the lease by now
        raise
    try:
        with _naming_errors():
            _delete_old(plan, db.name, file)
    except InvalidRequest as exc:
        backup_runs.note_problem(db, due, moment(db, given), f"{_KEPT}: {sentence(exc)}")
    return file


def due_at(plan: AutomaticBackups, now: datetime, db: Documents) -> datetime:
    """The last moment (UTC) up to ``now`` at which a backup was due.

    On a day whose clock leaves out this time, it is an hour later; where the clock has it twice,
    the first of both.
    """
    zone = settings_of(db).zone
    today = now.astimezone(zone).date()
    moments = (to_millis(at(today - timedelta(days), plan.at, zone)) for days in (0, 1))
    return next(moment for moment in moments if moment <= now)


def automatic_backups(db: Documents, now: datetime) -> Finding:
    """Whether and where the app makes backups by itself, and why the last one failed."""
    name, plan = "automatic backups", settings_of(db).automatic_backups
    if plan is None:
        return Finding(name, "off: BACKUP_DIRECTORY is not set, or BACKUP_AT is off", missing=True)
    zone, run = settings_of(db).zone, backup_runs.last(db)
    days = "1 day" if plan.keep_days == 1 else f"{plan.keep_days} days"
    detail = f"daily at {plan.at:%H:%M} in {plan.directory}, kept for {days}"
    if run.failed_at is not None:
        when, failed = f"{run.failed_at.astimezone(zone):%Y-%m-%d %H:%M}", " failed"
        if run.problem.startswith(_KEPT):
            failed = ""
        detail += f"; the one of {when}{failed}: "
        return Finding(
            name,
            detail + run.problem.removesuffix("."),
            _ROOM if "BACKUP_DIRECTORY" in run.problem else _LOG,
        )
    if run.done_for is None:
        return Finding(name, f"{detail}; none was made yet")
    if now - run.done_for > timedelta(days=2):
        made = f"; the last one was due {run.done_for.astimezone(zone):%Y-%m-%d %H:%M}"
        return Finding(name, detail + made, "keep the app running, or start it")
    return Finding(name, detail)


def _make(db: Documents, plan: AutomaticBackups, due: datetime, token: str) -> Path:
    zone, database = settings_of(db).zone, db.name
    file = plan.directory / f"{database}-{due.astimezone(zone):{_MOMENT}}.gz"
    made = plan.directory / f".{database}-{token}.part"
    with _naming_errors():
        plan.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _delete_rests(plan.directory, database)
    try:
        with _naming_errors():
            written = backups.write(db, made, _Renewal(db, token))
            digest = backups.digest_of(made)
            if not backup_runs.renew(db, token, present(db)):
                raise LeaseLost
            # First the digest: a file that has a name of a backup is whole and has its own.
            backups.write_digest(file, digest)
            os.replace(made, file)
            _sync(plan.directory)
    finally:
        with contextlib.suppress(OSError):
            made.unlink(missing_ok=True)
    archive.record(db, written.at, written.documents, written.size)
    backup_runs.finish(db, token, due)
    return file


class _Renewal:
    """Renews the lease while a backup is written. Raises LeaseLost."""

    def __init__(self, db: Documents, token: str) -> None:
        self._db, self._token = db, token
        self._count, self._renewed = 0, present(db)

    def __call__(self) -> None:
        self._count += 1
        if self._count % _LOOK_DOCUMENTS:
            return
        now = present(self._db)
        if now - self._renewed < _RENEW:
            return
        if not backup_runs.renew(self._db, self._token, now):
            raise LeaseLost
        self._renewed = now


def _delete_rests(directory: Path, database: str) -> None:
    """What killed processes left: the lease says that nobody is writing it."""
    for rest in directory.glob(f".{database}-*.part*"):
        if re.fullmatch(rf"\.{re.escape(database)}-[0-9a-f]{{32}}\.part(\.part)?", rest.name):
            rest.unlink(missing_ok=True)


def _delete_old(plan: AutomaticBackups, database: str, newest: Path) -> None:
    """Deletes backups that are older than ``newest`` by the days to keep, by their names."""
    made = _moment_of(newest, database)
    for file in plan.directory.glob(f"{database}-*.gz"):
        moment = _moment_of(file, database)
        if moment is None or made is None:
            continue
        if made - moment >= timedelta(days=plan.keep_days):
            file.unlink(missing_ok=True)
            backups.digest_file(file).unlink(missing_ok=True)


def _moment_of(file: Path, database: str) -> datetime | None:
    """The local time in the name of a backup, as if of UTC; None for another file."""
    try:
        text = file.name.removeprefix(f"{database}-").removesuffix(".gz")
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None
    return moment if file.name == f"{database}-{moment:{_MOMENT}}.gz" else None


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _naming_errors() -> Iterator[None]:
    """Names the setting in an error about a file of the directory."""
    try:
        yield
    except InvalidRequest as exc:
        if exc.field != "file":
            raise  # about the database
        raise InvalidRequest("BACKUP_DIRECTORY", exc.problem) from exc
    except OSError as exc:
        raise InvalidRequest("BACKUP_DIRECTORY", f"cannot be used: {exc.strerror}") from exc
