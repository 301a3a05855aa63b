"""Decisions about the documents of a backup that cannot be restored as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from booking_core.domain.claims import claims_of
from booking_core.domain.errors import InvalidRequest
from booking_core.domain.messages import shown_id
from booking_core.domain.model import Decision, Status
from booking_core.domain.validation import check_email, check_id, check_name
from booking_core.storage import audit_log
from booking_core.storage.backups.archive import Entry
from booking_core.storage.documents import Document, decision_document, to_bookings
from booking_core.storage.readable import readable_one
from booking_core.storage.schema import keys, schema

_Place = tuple[str, str]  # collection, id
# Where ids of a collection occur; a path leads through lists and documents.
_OCCURRENCES: dict[str, tuple[tuple[str, str], ...]] = {
    schema.GROUNDS: (
        (schema.GROUNDS, "_id"),
        (schema.BOOKINGS, "ground_id"),
        (schema.BOOKINGS, "history.moved_from.ground_id"),
        (schema.NOTICES, "slot.ground_id"),
        (schema.WAITING, "slot.ground_id"),
        (schema.SWAP_OFFERS, "given.slot.ground_id"),
        (schema.SWAP_OFFERS, "wanted.slot.ground_id"),
        (schema.GROUND_PHOTOS, "_id"),
        (schema.TIMETABLES, "ground_ids"),
        (schema.SCHOOL_HISTORY, "grounds._id"),
        (schema.SCHOOL_HISTORY, "timetables.ground_ids"),
    ),
    schema.TIMETABLES: (
        (schema.TIMETABLES, "_id"),
        (schema.DAYS, "timetable_id"),
        (schema.SCHOOL_HISTORY, "timetables._id"),
        (schema.SCHOOL_HISTORY, "days.timetable_id"),
    ),
    schema.STUDENTS: (
        (schema.STUDENTS, "_id"),
        (schema.BOOKINGS, "student_id"),
        (schema.TEAMS, "members"),
        (schema.WAITING, "party.student_id"),
        (schema.WAITING, "party.student_ids"),
    ),
    schema.TEAMS: (
        (schema.TEAMS, "_id"),
        (schema.BOOKINGS, "team_id"),
        (schema.WAITING, "party.team_id"),
    ),
    schema.ACCOUNTS: (
        (schema.ACCOUNTS, "_id"),
        (schema.BOOKINGS, "created_by"),
        (schema.BOOKINGS, "supervisor.id"),
        (schema.TEAMS, "staff"),
        (schema.DELEGATIONS, "by"),
        (schema.DELEGATIONS, "to"),
        (schema.NOTICES, "to"),
        (schema.WAITING, "by"),
        (schema.SWAP_OFFERS, "by"),
        (schema.SWAP_OFFERS, "to"),
        (schema.WAITING, "party.supervisor_id"),
    ),
}
_CHECKS: dict[str, Callable[[str], str | None]] = {
    "name": lambda value: check_name(value, "--set"),
    "email": check_email,
}
_SETTABLE = {
    schema.GROUNDS: ("name",),
    schema.TIMETABLES: ("name",),
    schema.TEAMS: ("name",),
    schema.ACCOUNTS: ("name", "email"),
}


@dataclass(frozen=True, slots=True)
class Decisions:
    """What to change in documents of a backup before they are stored.

    ``cancel``: ids of bookings. ``rename``: new ids. ``values``: new values of fields.
    ``leave_out``: documents that are not restored.
    """

    cancel: frozenset[str] = frozenset()
    rename: Mapping[_Place, str] = field(default_factory=dict)
    values: Mapping[_Place, Mapping[str, str | None]] = field(default_factory=dict)
    leave_out: frozenset[_Place] = frozenset()

    @classmethod
    def parse(
        cls,
        cancel: Iterable[str] = (),
        rename: Iterable[str] = (),
        values: Iterable[str] = (),
        leave_out: Iterable[str] = (),
    ) -> Decisions:
        """From the options of ``restore``. Raises InvalidRequest with the name of the option."""
        renamed: dict[_Place, str] = {}
        for text in rename:
            place, _, new = text.rpartition("=")
            found = _place(place, "--rename", "students/OLD=NEW")
            if found[0] not in _OCCURRENCES:
                raise InvalidRequest("--rename", f"does not change ids of {found[0]}")
            renamed[found] = check_id(new, "--rename")
        set_to: dict[_Place, dict[str, str | None]] = {}
        for text in values:
            path, _, value = text.partition("=")
            place, _, name = path.rpartition("/")
            found = _place(place, "--set", "grounds/ID/name=NAME")
            if name not in _SETTABLE.get(found[0], ()):
                raise InvalidRequest("--set", f"does not change {name!r} of {found[0]}")
            set_to.setdefault(found, {})[name] = _CHECKS[name](value)
        places = (_place(text, "--leave-out", "bookings/ID") for text in leave_out)
        return cls(frozenset(cancel), renamed, set_to, frozenset(places))

    def applied(self, entries: Iterable[Entry], now: datetime) -> Iterator[Entry]:
        """``entries`` as they are to be stored.

        After the last one, raises InvalidRequest for a decision about a document that is missing.
        """
        met: set[_Place] = set()
        for entry in entries:
            places = {(entry.collection, id) for id in _spellings(entry.document["_id"])}
            met |= places
            if not places & self.leave_out:
                yield entry._replace(document=self._changed(entry, places, now))
        cancelled = {(schema.BOOKINGS, id) for id in self.cancel}
        wanted = cancelled | self.rename.keys() | self.values.keys() | self.leave_out
        for collection, id in sorted(wanted - met):
            raise InvalidRequest("file", f"has no {collection}/{id}")

    def _changed(self, entry: Entry, places: set[_Place], now: datetime) -> Document:
        name, before = entry.collection, entry.document
        document = dict(before)
        for place in places & self.values.keys():
            document |= self.values[place]
        for (owner, old), new in self.rename.items():
            for collection, path in _OCCURRENCES[owner]:
                if collection == name:
                    document = _renamed(document, path.split("."), old, new)
        if name == schema.BOOKINGS and places & {(name, id) for id in self.cancel}:
            document = _cancelled(document, now)
        if document == before:
            return before
        if "id_key" in document:
            document = readable_one(name, partial(keys.repaired, name), document) or document
        if name == schema.BOOKINGS and "claims" in document:
            for booking in to_bookings([document]):
                document["claims"] = claims_of(booking)
        return document


def _place(text: str, option: str, example: str) -> _Place:
    collection, slash, id = text.partition("/")
    if not slash or not id or collection not in schema.VALIDATORS:
        raise InvalidRequest(option, f"{text!r} is not like {example}")
    return collection, id


def _spellings(id: Any) -> set[str]:
    """How an id can be typed: one with characters that nobody types, with escapes."""
    return {str(id), shown_id(str(id))}


def _renamed(value: Any, path: list[str], old: str, new: str) -> Any:
    if isinstance(value, list):
        return [_renamed(one, path, old, new) for one in value]
    if not path:
        return new if old in _spellings(value) else value
    if not isinstance(value, Mapping) or value.get(path[0]) is None:
        return value
    return {**value, path[0]: _renamed(value[path[0]], path[1:], old, new)}


def _cancelled(document: Document, now: datetime) -> Document:
    after = document | {"status": Status.CANCELLED.value}
    for booking in to_bookings([document]):
        entry = Decision(now, *audit_log.SYSTEM, "cancelled", "Cancelled while restoring a backup")
        after |= {
            "history": [*document["history"], decision_document(entry, [booking.date])],
            "updated_at": now,
            "revision": booking.revision + 1,
        }
    return after
