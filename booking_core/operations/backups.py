"""Backups: one gzipped file with a header line, a line for each document, and a line of counts.

Each line is JSON, so its spacing, its order of keys and its line end do not matter. The file holds
names and password hashes; only its owner may read it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

from booking_core.domain.clock import clock
from booking_core.domain.errors import BookingError, InvalidRequest, UpdateNeeded
from booking_core.domain.messages import shown_id
from booking_core.domain.model import ACTIVE
from booking_core.operations.decisions import Decisions
from booking_core.storage import archive, erasures, unreadable
from booking_core.storage.access import erasure as account_erasure
from booking_core.storage.archive import Entry
from booking_core.storage.client.database import Documents, present
from booking_core.storage.schema import indexes, keys, schema
from booking_core.storage.school import erasure
from booking_core.version import version

_ACTIVE = [status.value for status in ACTIVE]
_KIND, _FORMAT = "ground-booking backup", 1
_LONGEST = (
    24 * 1024 * 1024
)  # characters of a line: the largest document that MongoDB keeps, as text


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
                header = {"kind": _KIND, "format": _FORMAT, "at": begun.isoformat()}
                out.write(json.dumps(header | {"version": version()}) + "\n")
                for name, document in archive.read_all(db):
                    counts[name] += 1
                    out.write(archive.to_json({"in": name, "is": document}) + "\n")
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
    checked, now, decisions = _Reader(file), present(db), decisions or Decisions()
    counts = Counter(entry.collection for entry in decisions.applied(checked, now))
    erased = erasures.on_record(db)
    if erasures_of is not None:
        newer = (e.document for e in _Reader(erasures_of) if e.collection == schema.META)
        try:
            erased |= erasures.among(newer)
        except InvalidRequest as exc:
            raise InvalidRequest("--erasures-of", exc.problem) from exc
    entries = decisions.applied(_Reader(file), now)

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
    reader = _Reader(file)
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
    reader = _Reader(file)
    rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in decisions.applied(reader, clock()):
        rows[entry.collection].append(entry.document)
    # Older documents are brought into form when they are stored.
    is_current = reader.version == schema.VERSION
    unread = {
        (one.collection, one.id): one.problem
        for name in (rows if is_current else ())
        for one in unreadable.among(name, rows[name])
    }
    for (name, id), problem in unread.items():
        place = f"{name}/{shown_id(id)}"
        yield f"{place} cannot be read: {problem}", f"--leave-out {quote(place)}"
    for name in schema.KEYED:
        for group in keys.colliding_among(name, rows[name]):
            shown = [f"{name}/{shown_id(id)}" for id in group["ids"]]
            [(field, key)] = group["key"].items()
            if field == "_id":
                if (name, group["ids"][0]) not in unread:
                    what = f"{shown[0]} has an id that cannot be typed"
                    yield what, f"--rename {quote(f'{shown[0]}=NEW')}"
            elif field == "id_key":
                yield f"{_all(shown)} cannot be told apart", f"--rename {quote(f'{shown[-1]}=NEW')}"
            else:
                field = field.removesuffix("_key")
                option = f"--set {quote(f'{shown[-1]}/{field}=NEW')}"
                yield f"{_all(shown)} have one {field}", option
    active = [row for row in rows[schema.BOOKINGS] if row.get("status") in _ACTIVE]
    by_id = {str(row["_id"]): row for row in active}
    active.sort(key=lambda row: str(row.get("date")))
    groups = {tuple(one["ids"]): one["key"] for one in indexes.offenders_among(active)}
    for ids, key in groups.items():
        if key["claims"] is None:
            for id in ids:
                if (schema.BOOKINGS, id) not in unread:
                    what = f"bookings/{id} is active, but of another program"
                    yield what, f"--leave-out {quote(f'bookings/{id}')}"
            continue
        shown = [_described(by_id[id]) for id in ids]
        yield f"{_all(shown)} exclude each other", f"--cancel {quote(ids[-1])}"


def _described(row: dict[str, Any]) -> str:
    parts = (row["ground_id"], row["date"], f"{row['start']}-{row['end']}", row["status"])
    names = row["student_name"]
    name = ", ".join(names) if isinstance(names, list) else names or row["class_name"]
    return f"booking {row['_id']} ({' '.join(parts)}, {name or row['purpose']})"


def _all(shown: list[str]) -> str:
    return " and ".join(shown)


class _Reader:
    """The documents of a backup, each line parsed once. Iterating raises InvalidRequest.

    After all documents: when the backup was made, the number of documents of each collection, and
    the version of their schema.
    """

    made_at: datetime

    def __init__(self, file: Path) -> None:
        self._file = file
        self.counts: Counter[str] = Counter()
        self.version = 1
        self.made_by = ""

    def __iter__(self) -> Iterator[Entry]:
        lines = _objects(self._file)
        line, header = next(lines, (1, {}))
        self.made_at = _made_at(line, header)
        self.made_by = str(header.get("version", ""))[:40]
        ended = False
        for line, found in lines:
            if ended:
                raise _wrong(line, "lies behind the line of counts")
            elif "end" in found:
                self._compare(line, found["end"])
                ended = True
            else:
                entry = _entry(line, found)
                self.counts[entry.collection] += 1
                self.version = archive.schema_version(entry) or self.version
                yield entry
        if not ended:
            raise _wrong(line, "is the last one, and the line of counts is missing")

    def _compare(self, line: int, stated: Any) -> None:
        if not isinstance(stated, dict):
            raise _wrong(line, "has no counts")
        for name in sorted({*stated, *self.counts}):
            if stated.get(name, 0) != self.counts[name]:
                raise _wrong(line, f"counts {stated.get(name, 0)} {name}, not {self.counts[name]}")


def _objects(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (line number, JSON object) of each line that is not blank. Raises InvalidRequest."""
    line = 0
    try:
        # "utf-8-sig" and universal line ends: an editor may have added a mark and carriage returns.
        with gzip.open(file, "rt", encoding="utf-8-sig", newline=None) as lines:
            for line, text in enumerate(iter(lambda: lines.readline(_LONGEST + 1), ""), start=1):
                if len(text) > _LONGEST:
                    raise _wrong(line, f"is longer than {_LONGEST} characters")
                if text.strip():
                    found = archive.from_json(text)
                    if not isinstance(found, dict):
                        raise _wrong(line, "is no JSON object")
                    yield line, found
    except EOFError as exc:
        raise InvalidRequest("file", f"is not whole: it ends after line {line}") from exc
    except (gzip.BadGzipFile, zlib.error) as exc:
        raise InvalidRequest("file", f"is no backup, or damaged after line {line}") from exc
    except OSError as exc:
        raise InvalidRequest("file", f"cannot be read: {exc.strerror or exc}") from exc
    except UnicodeDecodeError as exc:
        raise InvalidRequest("file", f"is no UTF-8 text after line {line}") from exc
    except ValueError as exc:
        raise _wrong(line, "is no JSON") from exc


def _made_at(line: int, header: dict[str, Any]) -> datetime:
    if header.get("kind") != _KIND or header.get("format") != _FORMAT:
        raise _wrong(line, "is not the header of a backup that this version reads")
    try:
        made_at = datetime.fromisoformat(str(header.get("at")))
    except ValueError as exc:
        raise _wrong(line, "does not say when the backup was made") from exc
    if made_at.tzinfo is None:
        raise _wrong(line, "does not say in which time zone the backup was made")
    return made_at


def _entry(line: int, found: dict[str, Any]) -> Entry:
    name, document = found.get("in"), found.get("is")
    if name not in archive.COLLECTIONS:
        raise _wrong(line, f"names the unknown collection {str(name)[:60]!r}")
    if found.keys() != {"in", "is"} or not isinstance(document, dict) or "_id" not in document:
        raise _wrong(line, "holds no document")
    return Entry(line, name, document)


def _wrong(line: int, problem: str) -> InvalidRequest:
    return InvalidRequest("file", f"is no whole backup: line {line} {problem}")
