"""What documents of a backup cannot be stored as they are, and the options that decide it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from shlex import quote
from typing import Any

from booking_core.domain.clock import clock
from booking_core.domain.messages import shown_id
from booking_core.domain.model import ACTIVE
from booking_core.storage import unreadable
from booking_core.storage.backups.decisions import Decisions
from booking_core.storage.backups.file import Reader
from booking_core.storage.schema import indexes, keys, schema

_ACTIVE = [status.value for status in ACTIVE]


def conflicts_of(reader: Reader, decisions: Decisions) -> Iterator[tuple[str, str]]:
    """(what cannot be stored as it is, the option that decides it), with ``decisions`` applied.

    Raises InvalidRequest as ``reader`` does.
    """
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
