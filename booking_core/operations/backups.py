"""Backups: one gzipped file with a header line, a line for each document, and a line of counts.

Each line is JSON, so its spacing, its order of keys and its line end do not matter. The file holds
names and password hashes; only its owner may read it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from booking_core.domain.errors import BookingError, InvalidRequest, UpdateNeeded
from booking_core.storage import erasures
from booking_core.storage.access import erasure as account_erasure
from booking_core.storage.backups import archive
from booking_core.storage.backups.conflicts import conflicts_of
from booking_core.storage.backups.decisions import Decisions
from booking_core.storage.backups.file import Reader, header
from booking_core.storage.client.database import Documents, present
from booking_core.storage.schema import schema
from booking_core.storage.school import erasure
from booking_core.version import version


class Written(NamedTuple):
    """The moment that a backup shows (aware), how many documents it holds, its size in bytes."""

    at: datetime
    documents: int
    size: int


def save(db: Documents, file: Path) -> int:
    """Writes all that is stored, as of one moment, and records it; returns how many documents.

    ``file`` is replaced when the whole backup is written. Raises InvalidRequest when it cannot be
    written, StoreUnavailable.
    """
    written = write(db, file)
    archive.record(db, *written)
    return written.documents


def write(db: Documents, file: Path, each: Callable[[], object] = lambda: None) -> Written:
    """As ``save``, without the record; calls ``each`` for each document."""
    begun = present(db)
    counts: Counter[str] = Counter()
    part = file.with_name(f"{file.name}.part")
    try:
        # The rest of an interrupted run may be readable by others: a new file gets new permissions.
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as raw:
            with gzip.open(raw, "wt", encoding="utf-8", newline="\n", compresslevel=6) as out:
                out.write(header(begun, version()) + "\n")
                for name, line in archive.read_all(db):
                    counts[name] += 1
                    out.write(line + "\n")
                    each()
                out.write(json.dumps({"end": counts}) + "\n")
            raw.flush()
            os.fsync(descriptor)
        digest_file(file).unlink(missing_ok=True)  # that of a file in its place is wrong then
        os.replace(part, file)
        size = file.stat().st_size
    except OSError as exc:
        raise InvalidRequest("file", f"cannot be written: {exc.strerror or exc}") from exc
    finally:
        part.unlink(missing_ok=True)
    return Written(begun, counts.total(), size)


def digest_file(file: Path) -> Path:
    """Where the SHA-256 of a backup is, in the form of ``sha256sum``."""
    return file.with_name(f"{file.name}.sha256")


def digest_of(file: Path) -> str:
    """The SHA-256 of ``file``. Raises OSError."""
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def write_digest(file: Path, digest: str) -> None:
    """Writes ``digest`` beside ``file``, readable by the owner only. Raises OSError."""
    beside = digest_file(file)
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(f"{digest}  {file.name}\n")
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def _check_digest(file: Path) -> None:
    """Raises InvalidRequest for a file that differs from the digest beside it, if there is one."""
    beside = digest_file(file)
    try:
        stated = beside.read_text("utf-8").split()[:1]
        differs = stated != [digest_of(file)]
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidRequest("file", f"cannot be compared with {beside.name}: {exc}") from exc
    if differs:
        raise InvalidRequest(
            "file", f"is damaged or was changed: its SHA-256 is not that in {beside.name}"
        )


class Restored(NamedTuple):
    """When the backup was made, how many documents it stored.

    ``erased``: how many students it erased again; ``accounts``: how many accounts.
    """

    made_at: datetime
    documents: int
    erased: int
    accounts: int


def load(
    db: Documents,
    file: Path,
    decisions: Decisions | None = None,
    *,
    erasures_of: Path | None = None,
    replaced: Path | None = None,
) -> Restored:
    """Fills an empty database from a backup.

    ``decisions`` change what cannot be stored as it is; ``conflicts`` says what that is. Students
    and accounts are erased again whose erasure is on record in the database or in ``erasures_of``,
    a newer backup, and not in ``file``.

    With ``replaced``, a path, the database may hold data: they are written to it as a backup before
    they are deleted. A failure restores them.

    The file is read twice: a damaged file is refused before anything is written. Raises
    InvalidRequest for the field "file" with the line that is wrong, InvalidRequest for a database
    that holds data, UpdateNeeded for a backup of a newer version, SchemaConflict, StoreUnavailable.
    A failure leaves the database as it was.
    """
    _check_digest(file)
    checked, now, decisions = Reader(file), present(db), decisions or Decisions()
    counts = Counter(entry.collection for entry in decisions.applied(checked, now))
    erased = erasures.on_record(db)
    if erasures_of is not None:
        newer = (e.document for e in Reader(erasures_of) if e.collection == schema.META)
        try:
            erased |= erasures.among(newer)
        except InvalidRequest as exc:
            raise InvalidRequest("--erasures-of", exc.problem) from exc
    entries = decisions.applied(Reader(file), now)

    def erase_again() -> tuple[int, int]:
        missing = erased - erasures.on_record(db)
        students = erasure.erase_again(db, missing)
        return students, account_erasure.erase_again(db, missing)

    if checked.version > schema.VERSION:
        raise UpdateNeeded(checked.version, schema.VERSION)  # before anything is replaced
    before = None if replaced is None or archive.is_empty(db) else replaced
    if before is not None:
        write(db, before)
    try:
        if before is not None:
            archive.clear(db)
        again = archive.write_all(db, entries, counts, checked.version, erase_again)
    except BaseException as exc:
        if before is not None:
            _bring_back(db, before, exc)
        raise
    return Restored(checked.made_at, counts.total(), *again)


def _bring_back(db: Documents, before: Path, failure: BaseException) -> None:
    """Stores what was replaced again. Raises InvalidRequest that names its file if that fails."""
    try:
        archive.clear(db)
        load(db, before)
    except BookingError:
        problem = f"could not be filled, and is empty; what it held is in {before}: restore that"
        raise InvalidRequest("database", problem) from failure


class Contents(NamedTuple):
    """What a backup holds: ``version`` of the application that made it, documents by collection."""

    made_at: datetime
    version: str
    counts: dict[str, int]


def contents(file: Path) -> Contents:
    """Reads a whole backup. Raises InvalidRequest as ``load`` does, and UpdateNeeded."""
    _check_digest(file)
    reader = Reader(file)
    for _ in reader:
        pass
    if reader.version > schema.VERSION:
        raise UpdateNeeded(reader.version, schema.VERSION)
    return Contents(reader.made_at, reader.made_by, dict(reader.counts))


def conflicts(file: Path, decisions: Decisions) -> Iterator[tuple[str, str]]:
    """(what cannot be stored as it is, the option that decides it), with ``decisions`` applied.

    Reads no database. Raises InvalidRequest as ``load`` does.
    """
    _check_digest(file)
    return conflicts_of(Reader(file), decisions)
