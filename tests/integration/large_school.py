"""A school with 200,000 bookings, and the query plans of its reads."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from types import FrameType
from typing import Any

from pymongo import IndexModel, MongoClient, WriteConcern
from pymongo.monitoring import CommandListener
from support import DAY, HOURLY, NOW, booked

from booking_core import Ground, Settings, save_ground
from booking_core.storage.client.database import BookingDatabase, Documents, collection
from booking_core.storage.documents import to_booking
from booking_core.storage.schema import schema

COUNT, GROUNDS, STUDENTS, CLASSES, STAFF = 200_000, 16, 4000, 40, 50
LAST = DAY + timedelta(days=59)
_CHUNK = 5000
_PAST = ("Approved",) * 8 + ("Cancelled", "Rejected", "Revoked", "Lapsed")
_AHEAD = ("Approved",) * 6 + ("Pending",) * 3 + ("Cancelled", "Rejected", "Revoked")


def fill(db: Documents) -> None:
    """Stores the bookings, eight a day on each ground, from LAST back through four years.

    Builds the indexes of lists afterwards, which takes a third of the time. The unique indexes are
    not built, because no list reads them.
    """
    for number in range(4, GROUNDS + 1):
        save_ground(db, Ground(f"ground-{number}", f"Ground number {number}", ("Football",)))
    like = db[schema.BOOKINGS].find_one_and_delete({"_id": booked(db).id})
    like.pop("quota", None)
    target = collection(db, schema.BOOKINGS)
    target.drop_indexes()
    quick = target.with_options(write_concern=WriteConcern(w=1))
    rows = _rows(like)
    while chunk := list(islice(rows, _CHUNK)):
        quick.insert_many(chunk, ordered=False, bypass_document_validation=True)
    target.create_indexes(
        [IndexModel(list(keys.items()), name=n) for n, keys in schema.LISTING_INDEXES.items()]
    )


def _rows(like: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    dice = random.Random(1)
    periods = HOURLY.periods[:8]
    entry = like["history"][0]
    for number in range(COUNT):
        day, rest = divmod(number, GROUNDS * len(periods))
        on, period = LAST - timedelta(days=day), periods[rest // GROUNDS]
        student, staff = dice.randrange(STUDENTS), f"staff-{dice.randrange(STAFF)}"
        made = NOW + (on - DAY) - timedelta(minutes=dice.randrange(60, 60 * 24 * 20))
        made = min(made, NOW - timedelta(minutes=number % 5000))
        status = dice.choice(_PAST if on < DAY else _AHEAD)
        asked = entry | {"at": made, "by": staff, "by_name": staff, "dates": [on.isoformat()]}
        row = {
            **like,
            "_id": f"{dice.getrandbits(128):032x}",
            "ground_id": f"ground-{1 + rest % GROUNDS}",
            "date": on.isoformat(),
            "start": f"{period.start:%H:%M}",
            "end": f"{period.end:%H:%M}",
            "status": status,
            "student_id": f"S{student:03d}",
            "class_name": f"{student % CLASSES}-A",
            "created_by": staff,
            "created_at": made,
            "updated_at": made,
            "history": [asked],
        }
        if status != "Pending":
            # A lifted closure displaced half of the revoked bookings.
            displaced = {"action": "displaced", "was": "Approved", "closure": "closing/0"}
            decided = {"by": "head", "by_name": "Head", "action": status.lower()}
            decided |= displaced if status == "Revoked" and number % 2 else {}
            row["updated_at"] = made + timedelta(seconds=number % 3000)
            row["history"] = [asked, asked | decided | {"at": row["updated_at"]}]
        yield row
        if rest < GROUNDS and day % 10 == 0:  # every tenth day, all grounds are closed at night
            yield _closure(row, f"closing-{day}/{rest}")


def _closure(row: Mapping[str, Any], id: str) -> dict[str, Any]:
    closure = {key: value for key, value in row.items() if key != "student_id"}
    return closure | {
        "_id": id,
        "kind": "closure",
        "closure_group": id.partition("/")[0],
        "class_name": "",
        "start": "22:00",
        "end": "00:00",
        "status": "Approved",
        "history": row["history"][:1],
    }


@dataclass
class Query:
    """A command that read, and how many documents its cursor returned."""

    command: dict[str, Any]
    returned: int = 0

    @property
    def name(self) -> str:
        return str(next(iter(self.command)))

    @property
    def collection(self) -> str:
        return str(self.command[self.name])


@dataclass
class Recorder(CommandListener):
    """Records the reads of a client since ``queries`` was emptied."""

    queries: list[Query] = field(default_factory=list)
    _cursors: dict[int, Query] = field(default_factory=dict)
    _asked: dict[int, Query] = field(default_factory=dict)

    def started(self, event: Any) -> None:
        if event.command_name in ("find", "aggregate", "count", "distinct"):
            query = Query(dict(event.command))
            self.queries.append(query)
            self._asked[event.request_id] = query
        elif event.command_name == "getMore":
            self._asked[event.request_id] = self._cursors[event.command["getMore"]]

    def succeeded(self, event: Any) -> None:
        query = self._asked.pop(event.request_id, None)
        cursor = event.reply.get("cursor") if query is not None else None
        if cursor and query:
            query.returned += len(cursor.get("firstBatch", cursor.get("nextBatch", ())))
            self._cursors[cursor["id"]] = query

    def failed(self, event: Any) -> None:
        self._asked.pop(event.request_id, None)


def open_recorded(uri: str, name: str) -> tuple[BookingDatabase, Recorder]:
    """Opens the database with a client whose reads are recorded."""
    recorder = Recorder()
    client: MongoClient[dict[str, Any]] = MongoClient(
        uri, tz_aware=True, event_listeners=[recorder]
    )
    settings = Settings(mongodb_uri=uri, database=name, time_zone="Asia/Kolkata")
    return BookingDatabase(client, settings), recorder


@dataclass(frozen=True)
class Plan:
    """The plan by which the server carried out a query.

    It has the stages, the innermost last, and the indexes that were read; the number of documents
    that were sorted in memory, and the numbers of examined keys and documents.
    """

    stages: tuple[str, ...]
    indexes: frozenset[str]
    sorted: int
    keys: int
    documents: int


_CALL_OPTIONS = ("lsid", "$db", "$clusterTime", "readConcern", "maxTimeMS", "txnNumber")


def plan_of(db: Documents, query: Query) -> Plan:
    """Returns the plan of ``query``, repeated up to the document where reading stopped."""
    command = {k: v for k, v in query.command.items() if k not in _CALL_OPTIONS}
    if query.name == "find" and not command.get("limit"):
        command["limit"] = max(1, query.returned)
        command.pop("singleBatch", None)
    answer = db.command("explain", command, verbosity="executionStats")
    parts = list(answer.get("stages", [answer]))
    cursor = next((s["$cursor"] for s in parts if "$cursor" in s), answer)
    stages: list[str] = []
    indexes: set[str] = set()
    in_memory = 0
    for stage in _walk(cursor["executionStats"]["executionStages"]):
        stages.append(stage["stage"])
        indexes.update(name for name in (stage.get("indexName"),) if name)
        if stage["stage"].startswith("SORT") and stage["stage"] != "SORT_MERGE":
            in_memory += max(child["nReturned"] for child in _inputs(stage))
    before = 0
    for part in parts:
        if "$sort" in part:
            in_memory += int(before)
        before = part.get("nReturned", before)
    stats = cursor["executionStats"]
    return Plan(
        tuple(stages),
        frozenset(indexes),
        in_memory,
        stats["totalKeysExamined"],
        stats["totalDocsExamined"],
    )


def _inputs(stage: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [stage["inputStage"]] if "inputStage" in stage else list(stage.get("inputStages", ()))


def _walk(stage: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield stage
    for child in _inputs(stage):
        yield from _walk(child)


def called_by(work: Callable[[], object]) -> set[tuple[str, str]]:
    """Returns the (file, function) of every call that ``work`` makes in this thread."""
    called: set[tuple[str, str]] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            called.add((frame.f_code.co_filename, frame.f_code.co_name))

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return called


def booking_in(db: Documents, condition: Mapping[str, Any], deep: int = 0) -> Any:
    """Returns the booking at position ``deep`` of those that meet ``condition``, newest first."""
    order = [("created_at", -1), ("_id", -1)]
    return to_booking(next(db[schema.BOOKINGS].find(condition).sort(order).skip(deep).limit(1)))
