"""Counts bookings by date, ground, status, party, class and game, on the server."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import time
from typing import Any

from booking_core.domain.model import Party, Status
from booking_core.domain.validation import MARK_MINUTES
from booking_core.storage import readable as r
from booking_core.storage.client.database import Documents, collection, settings_of
from booking_core.storage.client.verbs import reachable
from booking_core.storage.schema import schema

DEADLINE_SECONDS = 20.0  # a year of a large school
_ALL = {"$in": [status.value for status in Status]}
_INACTIVE = {"$in": [status.value for status in Status if not status.is_active]}
_SPAN = {"start": "$start", "end": "$end"}
_LIFTED = {"kind": "closure", "status": Status.CANCELLED.value}


@dataclass(frozen=True, slots=True)
class SpanCount:
    """``count`` bookings, or closures with ``is_closed``, of one time of day.

    ``name`` is what they were grouped by: a date as ISO text, or the id of a ground.
    """

    name: str
    start: time
    end: time
    is_closed: bool
    count: int


@dataclass(frozen=True, slots=True)
class LiftedClosure:
    """A closure that was lifted on its day: it ends at the last 5-minute mark before that."""

    date: Date
    ground_id: str
    start: time
    end: time


@dataclass(frozen=True, slots=True)
class LabelCount:
    """``count`` active bookings of one time of day with the same labels.

    ``classes`` are those of the students, each once; ``team_id`` and ``team`` (its name) are
    empty for other parties.
    """

    status: Status
    party: Party
    game: str
    classes: tuple[str, ...]
    team_id: str
    team: str
    start: time
    end: time
    count: int


@dataclass(frozen=True, slots=True)
class PeopleCount:
    """``count`` bookings of one time of day for the same people; ``is_held``: active ones.

    ``student_ids`` are the named students; empty for other parties and for inactive bookings.
    """

    is_held: bool
    student_ids: tuple[str, ...]
    classes: tuple[str, ...]
    start: time
    end: time
    count: int


def _rows(db: Documents, stages: list[dict[str, Any]], hint: str) -> list[dict[str, Any]]:
    with reachable(DEADLINE_SECONDS):
        bookings = collection(db, schema.BOOKINGS)
        # A batch of everything: a year has more groups than a first batch.
        return list(bookings.aggregate(stages, hint=hint, allowDiskUse=True, batchSize=100_000))


def _groups(db: Documents, stages: list[dict[str, Any]], hint: str) -> list[dict[str, Any]]:
    """Each group as ``key`` and ``count``: what cannot be read is logged by its id, and the key of
    a group may name students."""
    return [{"key": row["_id"], "count": row["count"]} for row in _rows(db, stages, hint)]


def _match(created_by: str | None, **fields: Any) -> tuple[dict[str, Any], str]:
    """The condition, and the index that answers it: with an author, that of authors."""
    if created_by is None:
        return fields, schema.BY_DAY
    return {"created_by": created_by} | fields, schema.BY_AUTHOR


def between(first: Date, last: Date) -> dict[str, str]:
    """The condition of a stored date from ``first`` to ``last`` (inclusive)."""
    return {"$gte": first.isoformat(), "$lte": last.isoformat()}


def span_pipelines(
    what: str, dates: Sequence[Date], ground_ids: Collection[str] | None, created_by: str | None
) -> Iterator[tuple[list[dict[str, Any]], str]]:
    """The pipelines of ``span_counts``, each with its index, which has all that they read."""
    fields: dict[str, Any] = dict(schema.HOLDS)
    fields["date"] = {"$in": [date.isoformat() for date in dates]}
    if ground_ids is not None:
        fields["ground_id"] = {"$in": sorted(ground_ids)}
    group = {"_id": {"name": f"${what}", "kind": "$kind", **_SPAN}, "count": {"$sum": 1}}
    if created_by is None:
        fields["kind"] = {"$in": ["booking", "closure"]}
        yield [{"$match": fields}, {"$group": group}], schema.BY_DAY
        return
    for kind, author in (("booking", created_by), ("closure", None)):
        condition, index = _match(author, **fields, kind=kind)
        yield [{"$match": condition}, {"$group": group}], index


def span_counts(
    db: Documents,
    what: str,
    dates: Sequence[Date],
    ground_ids: Collection[str] | None,
    created_by: str | None,
) -> list[SpanCount]:
    """The active bookings and the closures of ``dates`` by ``what`` (date or ground_id) and time.

    ``ground_ids`` None: of every ground. ``created_by`` limits the bookings, not the closures, to
    one account's. Raises StoreUnavailable.
    """
    found: list[SpanCount] = []
    for stages, index in span_pipelines(what, dates, ground_ids, created_by):
        found += r.readable(schema.BOOKINGS, _span_count, _groups(db, stages, index))
    return found


def lifted_closures(db: Documents, first: Date, last: Date) -> list[LiftedClosure]:
    """The closures of ``first`` to ``last`` that were lifted on their day, after they had begun.

    Raises StoreUnavailable.
    """
    # Lifting a closure is its last change. A document of another program may have no moment there.
    moment = {"$convert": {"input": "$updated_at", "to": "date", "onError": None, "onNull": None}}
    lifted = {"date": moment, "timezone": settings_of(db).zone.key}
    on_its_day = {"$eq": ["$date", {"$dateToString": lifted | {"format": "%Y-%m-%d"}}]}
    shown: dict[str, Any] = dict.fromkeys(("date", "ground_id", "start"), 1)
    shown |= {"end": {"$dateToString": lifted | {"format": "%H:%M"}}}
    stages: list[dict[str, Any]] = [
        {"$match": _LIFTED | {"date": between(first, last)}},
        {"$match": {"$expr": on_its_day}},
        {"$project": shown},
    ]
    rows = _rows(db, stages, schema.BY_DAY)
    found = r.readable(schema.BOOKINGS, _lifted_closure, rows)
    return [closure for closure in found if closure.start < closure.end]


def label_counts(
    db: Documents, first: Date, last: Date, ground_id: str | None, created_by: str | None
) -> list[LabelCount]:
    """The active bookings by party, game, class, team and time. Raises StoreUnavailable."""
    fields: dict[str, Any] = schema.HOLDS | {"date": between(first, last), "kind": "booking"}
    if ground_id is not None:
        fields["ground_id"] = ground_id
    condition, index = _match(created_by, **fields)
    is_team = {"$eq": ["$party", Party.TEAM.value]}
    key: dict[str, Any] = {
        name: f"${name}" for name in ("status", "party", "game", "class_name", "team_id")
    }
    key |= {"team": {"$cond": [is_team, "$student_name", ""]}, **_SPAN}
    stages = [{"$match": condition}, {"$group": {"_id": key, "count": {"$sum": 1}}}]
    return list(r.readable(schema.BOOKINGS, _label_count, _groups(db, stages, index)))


def inactive_counts(
    db: Documents, first: Date, last: Date, ground_id: str | None, created_by: str | None
) -> dict[Status, int]:
    """The bookings of each status that frees the slot. Raises StoreUnavailable."""
    fields: dict[str, Any] = {"status": _INACTIVE, "date": between(first, last), "kind": "booking"}
    if ground_id is not None:
        fields["ground_id"] = ground_id
    condition, index = _match(created_by, **fields)
    stages = [{"$match": condition}, {"$group": {"_id": "$status", "count": {"$sum": 1}}}]
    return {Status(row["_id"]): row["count"] for row in _rows(db, stages, index)}


def people_counts(
    db: Documents, first: Date, last: Date, ground_id: str | None
) -> list[PeopleCount]:
    """The bookings of every status by students, classes and time. Raises StoreUnavailable."""
    fields: dict[str, Any] = {"status": _ALL, "date": between(first, last), "kind": "booking"}
    if ground_id is not None:
        fields["ground_id"] = ground_id
    is_held = {"$in": ["$status", schema.HOLDS["status"]["$in"]]}
    named = {"$and": [is_held, {"$not": ["$party"]}]}  # stored without a party
    key = {
        "held": is_held,
        "students": {"$cond": [named, "$student_id", None]},
        "class_name": "$class_name",
        **_SPAN,
    }
    stages = [{"$match": fields}, {"$group": {"_id": key, "count": {"$sum": 1}}}]
    return list(r.readable(schema.BOOKINGS, _people_count, _groups(db, stages, schema.BY_DAY)))


def games(db: Documents) -> list[str]:
    """The games of all bookings, each in every spelling that is stored. Reads all bookings.

    Raises StoreUnavailable.
    """
    with reachable(DEADLINE_SECONDS):
        rows = collection(db, schema.BOOKINGS).aggregate(
            [{"$match": {"kind": "booking"}}, {"$group": {"_id": "$game"}}], allowDiskUse=True
        )
        return [row["_id"] for row in rows if isinstance(row["_id"], str)]


def _span_count(row: dict[str, Any]) -> SpanCount:
    key = row["key"]
    start, end = r.time_of_day(key, "start"), r.time_of_day(key, "end")
    return SpanCount(r.text(key, "name"), start, end, key["kind"] == "closure", row["count"])


def _lifted_closure(row: dict[str, Any]) -> LiftedClosure:
    end = r.time_of_day(row, "end")
    # A closing that follows a lifting begins at this mark.
    end = end.replace(minute=end.minute // MARK_MINUTES * MARK_MINUTES)
    date, start = r.date(row, "date"), r.time_of_day(row, "start")
    return LiftedClosure(date, r.text(row, "ground_id"), start, end)


def _label_count(row: dict[str, Any]) -> LabelCount:
    key = row["key"]
    return LabelCount(
        r.choice(key, "status", Status),
        r.choice(key, "party", Party) if key.get("party") is not None else Party.STUDENTS,
        r.text(key, "game"),
        _each_once(key.get("class_name")),
        r.optional(key, "team_id", str, ""),
        r.text(key, "team"),
        r.time_of_day(key, "start"),
        r.time_of_day(key, "end"),
        row["count"],
    )


def _people_count(row: dict[str, Any]) -> PeopleCount:
    key = row["key"]
    return PeopleCount(
        key["held"],
        _each_once(key.get("students")),
        _each_once(key.get("class_name")),
        r.time_of_day(key, "start"),
        r.time_of_day(key, "end"),
        row["count"],
    )


def _each_once(value: Any) -> tuple[str, ...]:
    """The texts of a field that has one or a list of them, without empty ones."""
    texts = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(text for text in texts if isinstance(text, str) and text))
