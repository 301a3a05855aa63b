"""A backup is one file: gzipped lines of Extended JSON, with a header and an end that counts.

It holds names and password hashes, so only its owner may read it.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from booking_core.domain.clock import clock
from booking_core.domain.errors import InvalidRequest
from booking_core.storage import archive
from booking_core.storage.database import Documents
from booking_core.version import version

_KIND, _FORMAT = "ground-booking backup", 1


def save(db: Documents, file: Path) -> int:
    """Writes all that is stored, as of one moment, and notes it; how many documents.

    ``file`` is replaced only by a whole one. Raises InvalidRequest where it cannot be written,
    StoreUnavailable.
    """
    begun = clock()
    counts: Counter[str] = Counter()
    part = file.with_name(f"{file.name}.part")
    try:
        part.unlink(missing_ok=True)  # of a run that was killed; whose it is, nobody knows
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as raw:
            with gzip.open(raw, "wt", encoding="utf-8", newline="\n", compresslevel=6) as out:
                header = {"kind": _KIND, "format": _FORMAT, "at": begun.isoformat()}
                out.write(json.dumps(header | {"version": version()}) + "\n")
                for name, text in archive.read_all(db):
                    counts[name] += 1
                    out.write(f'{{"in":"{name}","is":{text}}}\n')
                out.write(json.dumps({"end": counts}) + "\n")
            raw.flush()
            os.fsync(descriptor)
        os.replace(part, file)
        size = file.stat().st_size
    except OSError as exc:
        raise InvalidRequest(file.name, f"cannot be written: {exc.strerror or exc}") from exc
    finally:
        part.unlink(missing_ok=True)
    archive.record(db, begun, counts.total(), size)
    return counts.total()


def load(db: Documents, file: Path) -> tuple[datetime, int]:
    """Fills an empty database from a backup: as of when it was made, and how many documents.

    The whole file is read before anything is written. Raises InvalidRequest for a file that is no
    whole backup, and for a database that holds data; StoreUnavailable.
    """
    made_at, count = _check(file)
    archive.write_all(db, _rows(file))
    return made_at, count


def _check(file: Path) -> tuple[datetime, int]:
    counts: Counter[str] = Counter()
    end: dict[str, int] | None = None
    header: dict[str, object] = {}
    try:
        for number, line in enumerate(_lines(file)):
            found = json.loads(line)
            if number == 0:
                header = found
                if header.get("kind") != _KIND or header.get("format") != _FORMAT:
                    raise InvalidRequest(file.name, "is no backup that this version can read")
            elif "end" in found:
                end = found["end"]
            elif end is None:
                counts[found["in"]] += 1
        made_at = datetime.fromisoformat(str(header["at"]))
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise InvalidRequest(file.name, "is no backup, or a damaged one") from exc
    if end != counts:
        raise InvalidRequest(file.name, "is not whole: its end is missing or does not fit")
    return made_at, counts.total()


def _rows(file: Path) -> Iterator[tuple[str, str]]:
    for line in _lines(file):
        if line.startswith('{"in":"'):
            name, _, rest = line[len('{"in":"') :].partition('","is":')
            yield name, rest.rstrip("\n")[:-1]


def _lines(file: Path) -> Iterator[str]:
    try:
        with gzip.open(file, "rt", encoding="utf-8", newline="\n") as lines:
            yield from lines
    except EOFError as exc:
        raise InvalidRequest(file.name, "is not whole: it ends too early") from exc
    except (gzip.BadGzipFile, zlib.error) as exc:
        raise InvalidRequest(file.name, "is no backup, or a damaged one") from exc
    except OSError as exc:
        raise InvalidRequest(file.name, f"cannot be read: {exc.strerror or exc}") from exc
