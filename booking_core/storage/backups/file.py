"""The lines of a backup: a header, one for each document, and one of counts."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from booking_core.domain.errors import InvalidRequest
from booking_core.storage.backups import archive
from booking_core.storage.backups.archive import Entry
from booking_core.storage.extended_json import from_json

_KIND, _FORMAT = "ground-booking backup", 1
_LONGEST = (
    24 * 1024 * 1024
)  # characters of a line: the largest document that MongoDB keeps, as text


def header(at: datetime, version: str) -> str:
    """The first line of a backup that shows the moment ``at``; ``version`` of the application."""
    values = {"kind": _KIND, "format": _FORMAT, "at": at.isoformat(), "version": version}
    return json.dumps(values)


class Reader:
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
                    found = from_json(text)
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
