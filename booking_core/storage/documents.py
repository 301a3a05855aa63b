"""Values to documents and back. Dates are ISO strings, times ``HH:MM``.

A function ``to_...`` checks every field. It raises Unreadable or InvalidRequest for a document that
is no such value; ``readable`` calls it for documents that are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, time
from datetime import date as Date
from typing import Any

from booking_core.domain.claims import claims_of, slots_of
from booking_core.domain.messages import UNREADABLE_BOOKING
from booking_core.domain.model import (
    Booking,
    Decision,
    Ground,
    NamedStudent,
    Party,
    Period,
    Slot,
    Status,
    Student,
    Team,
    Timetable,
)
from booking_core.domain.policy import Policy
from booking_core.domain.school_year import Holiday, Term
from booking_core.domain.timetable import Day
from booking_core.domain.validation import InvalidRequest, minutes
from booking_core.storage import readable as r
from booking_core.storage.readable import Unreadable
from booking_core.storage.schema import schema

Document = dict[str, Any]

# Fields whose type is checked as they are; bookings are read by the thousand.
_ENTRY = tuple((name, str) for name in ("by", "by_name", "action", "reason"))
_BOOKING: tuple[tuple[str, type], ...] = (
    *((name, str) for name in ("_id", "kind", "game", "purpose")),
    *((name, str) for name in ("created_by", "created_by_name", "fingerprint")),
    ("revision", int),
    ("history", list),
)
_UNKNOWN = datetime(2000, 1, 1, tzinfo=UTC)  # when a booking that cannot be read was made
# What a booking repeats of its students. Of several students, these and the roll number are lists
# in one order.
STUDENT_NAMES = ("student_name", "class_name")


def time_text(value: time) -> str:
    return value.isoformat("minutes")


def slot_document(slot: Slot) -> Document:
    return {
        "ground_id": slot.ground_id,
        "date": slot.date.isoformat(),
        "start": time_text(slot.start),
        "end": time_text(slot.end),
    }


def to_slot(document: Any) -> Slot:
    slot = Slot(
        r.text(document, "ground_id"),
        r.date(document, "date"),
        r.time_of_day(document, "start"),
        r.time_of_day(document, "end"),
    )
    if minutes(slot.start) >= minutes(slot.end, closing=True):
        raise Unreadable("end is not after start")
    return slot


def decision_document(decision: Decision, dates: Iterable[Date]) -> Document:
    """A history entry. ``dates`` are the days that the change touches.

    The change feed reads them in the change event: a later read of the booking might already
    show the next change.
    """
    document: Document = {
        "at": decision.at,
        "by": decision.by,
        "by_name": decision.by_name,
        "action": decision.action,
        "reason": decision.reason,
        "dates": sorted({date.isoformat() for date in dates}),
    }
    if decision.on_behalf_of:
        document["on_behalf_of"] = decision.on_behalf_of
    if decision.moved_from is not None:
        document["moved_from"] = slot_document(decision.moved_from)
    if decision.displaced_by:
        document["closure"] = decision.displaced_by
    if decision.status_before is not None:
        document["was"] = decision.status_before.value
    if decision.correction:
        document["correction"] = True
    if decision.of_series:
        document["of_series"] = True
    if decision.by_mail:
        document["by_mail"] = True
    return document


def to_decision(document: Any) -> Decision:
    r.check(document, _ENTRY)
    return Decision(
        r.moment(document, "at"),
        document["by"],
        document["by_name"],
        document["action"],
        document["reason"],
        r.optional(document, "on_behalf_of", str, ""),
        to_slot(document["moved_from"]) if "moved_from" in document else None,
        r.optional(document, "closure", str, ""),
        r.choice(document, "was", Status) if "was" in document else None,
        r.optional(document, "correction", bool, False),
        r.optional(document, "of_series", bool, False),
        r.optional(document, "by_mail", bool, False),
    )


def booking_document(booking: Booking) -> Document:
    """A booking as stored, its claims derived from its other fields."""
    optional, names = _party_document(booking)
    if booking.quota_window is not None:
        seats = [seat for _, seat in booking.quota_holders]
        seat = seats if len(seats) > 1 else seats[0]
        optional["quota"] = {"window": booking.quota_window, "seat": seat}
    if booking.closure_group is not None:
        optional["closure_group"] = booking.closure_group
    if booking.series is not None:
        optional["series"] = booking.series
    if booking.set_place is not None:
        optional["set_place"] = booking.set_place
    if booking.surfaces:
        optional["surfaces"] = list(booking.surfaces)
    return {
        "_id": booking.id,
        "kind": booking.kind,
        **slot_document(booking.slot),
        "claims": claims_of(booking),
        "status": booking.status.value,
        **optional,
        **names,
        "game": booking.game,
        "purpose": booking.purpose,
        "created_by": booking.created_by,
        "created_by_name": booking.created_by_name,
        "created_at": booking.created_at,
        "updated_at": booking.updated_at,
        "revision": booking.revision,
        "fingerprint": booking.fingerprint,
        "history": [decision_document(entry, [booking.date]) for entry in booking.history],
    }


def _party_document(booking: Booking) -> tuple[Document, Document]:
    """What only some bookings have of their party, and the names that all have."""
    optional: Document = {}
    names: Document = {
        "student_name": booking.student_name,
        "class_name": booking.class_name,
    }
    if booking.others:
        students = booking.students
        optional["student_id"] = [student.id for student in students]
        names = {
            "student_name": [student.name for student in students],
            "class_name": [student.class_name for student in students],
        }
    elif booking.student_id is not None:
        optional["student_id"] = booking.student_id
    elif booking.members:
        optional["student_id"] = list(booking.members)
    if booking.party is not Party.STUDENTS:
        optional["party"] = booking.party.value
    if booking.team_id is not None:
        optional["team_id"] = booking.team_id
    if booking.supervisor_id is not None:
        optional["supervisor"] = {"id": booking.supervisor_id, "name": booking.supervisor_name}
    return optional, names


def _to_party(document: Any, kind: str) -> Document:
    """The fields of a Booking that say for whom it is; ``kind`` as in Booking."""
    quota = document.get("quota") if kind == "booking" else None
    window = None if quota is None else r.text(quota, "window")
    seats: list[Any] = [] if quota is None else _listed(quota, "seat", int)
    party = r.choice(document, "party", Party) if "party" in document else Party.STUDENTS
    found: Document = {"quota_window": window, "quota_seat": seats[0] if seats else None}
    if "supervisor" in document:
        supervisor = r.field(document, "supervisor", dict)
        found["supervisor_id"] = r.text(supervisor, "id")
        found["supervisor_name"] = r.text(supervisor, "name")
    if kind == "closure" or party is not Party.STUDENTS:
        found |= {name: r.text(document, name) for name in STUDENT_NAMES}
        found |= {"student_id": None, "party": party}
        if party is Party.TEAM:
            found["team_id"] = r.text(document, "team_id")
            if "student_id" in document:
                found["members"] = r.texts(document, "student_id")
        return found
    ids, names, classes = (_listed(document, name, str) for name in ("student_id", *STUDENT_NAMES))
    if not len(ids) == len(names) == len(classes) or (quota is not None and len(seats) != len(ids)):
        raise Unreadable("student_id, student_name and class_name are not of one length")
    found |= {"student_id": ids[0], "student_name": names[0], "class_name": classes[0]}
    if len(ids) > 1:
        rest = zip(ids[1:], names[1:], classes[1:], strict=True)
        of_others = seats[1:] or [None] * (len(ids) - 1)
        found["others"] = tuple(
            NamedStudent(*one, seat) for one, seat in zip(rest, of_others, strict=True)
        )
    return found


def _listed(document: Any, name: str, kind: type) -> list[Any]:
    """The values of a field that has one or a list of them."""
    value = document.get(name)
    if not isinstance(value, list):
        return [r.field(document, name, kind)]
    is_right = all(isinstance(one, kind) and not isinstance(one, bool) for one in value)
    if not value or not is_right:
        raise Unreadable(f"{name} is of another type")
    return value


def is_for_students(document: Any) -> bool:
    """Whether a stored booking can be read as one for named students."""
    try:
        party = _to_party(document, "booking").get("party", Party.STUDENTS)
    except (Unreadable, InvalidRequest):
        return False
    return party is Party.STUDENTS


def student_ids_of(document: Any) -> tuple[str, ...]:
    """The students whom a stored booking claims."""
    return tuple(_listed(document, "student_id", str)) if "student_id" in document else ()


def party_shown(document: Any) -> Document:
    """What the history of a stored booking shows of its party, as texts."""
    shown = _to_party(document, "booking")
    party = shown.get("party", Party.STUDENTS)
    names: Document = {name: ", ".join(_listed(document, name, str)) for name in STUDENT_NAMES}
    if party is Party.STUDENTS:
        name = names["student_name"]
        return {"student_id": ", ".join(student_ids_of(document)), "student_name": name}
    return {"party": party.value, **{name: text for name, text in names.items() if text}}


def to_booking(document: Any) -> Booking:
    r.check(document, _BOOKING)
    kind, slot = document["kind"], to_slot(document)
    if kind not in ("booking", "closure"):
        raise Unreadable("kind is none that is known")
    history = tuple(map(to_decision, document["history"]))
    if not history:
        raise Unreadable("history is empty")
    return Booking(
        id=document["_id"],
        ground_id=slot.ground_id,
        date=slot.date,
        start=slot.start,
        end=slot.end,
        status=r.choice(document, "status", Status),
        **_to_party(document, kind),
        game=document["game"],
        purpose=document["purpose"],
        created_by=document["created_by"],
        created_by_name=document["created_by_name"],
        created_at=r.moment(document, "created_at"),
        updated_at=r.moment(document, "updated_at"),
        kind=kind,
        history=history,
        closure_group=r.text(document, "closure_group") if "closure_group" in document else None,
        revision=document["revision"],
        fingerprint=document["fingerprint"],
        surfaces=r.texts(document, "surfaces") if "surfaces" in document else (),
        series=r.text(document, "series") if "series" in document else None,
        set_place=r.field(document, "set_place", int) if "set_place" in document else None,
    )


def to_bookings(documents: Iterable[Document]) -> Iterator[Booking]:
    """The bookings and closures among ``documents``; see ``readable``."""
    return r.readable(schema.BOOKINGS, to_booking, documents)


def to_holders(documents: Iterable[Document]) -> Iterator[Booking]:
    """As ``to_bookings``; in the place of an active booking that cannot be read, a closure of each
    slot that it claims: nobody can book there.
    """
    for document in documents:
        booking = r.readable_one(schema.BOOKINGS, to_booking, document)
        if booking is None:
            yield from _closures_for(document)
        else:
            yield booking


def _closures_for(document: Document) -> Iterator[Booking]:
    claims = document.get("claims")
    texts = claims if isinstance(claims, list) else []
    for slot in slots_of(text for text in texts if isinstance(text, str)):
        closed = Decision(_UNKNOWN, "system", "System", "closed", UNREADABLE_BOOKING)
        yield Booking(
            id=str(document["_id"]),
            ground_id=slot.ground_id,
            date=slot.date,
            start=slot.start,
            end=slot.end,
            status=Status.APPROVED,
            student_id=None,
            student_name="",
            class_name="",
            game="",
            purpose=UNREADABLE_BOOKING,
            created_by=closed.by,
            created_by_name=closed.by_name,
            created_at=closed.at,
            updated_at=closed.at,
            kind="closure",
            history=(closed,),
        )


def ground_document(ground: Ground) -> Document:
    document: Document = {
        "_id": ground.id,
        "name": ground.name,
        "games": list(ground.games),
        "order": ground.order,
        "retired": ground.retired,
    }
    if ground.surfaces != (ground.id,):
        document["surfaces"] = list(ground.surfaces)
    if ground.caretaker_email:
        document["caretaker_email"] = ground.caretaker_email
    return document


def to_ground(document: Any) -> Ground:
    return Ground(
        r.text(document, "_id"),
        r.text(document, "name"),
        tuple(r.field(document, "games", list)),
        r.field(document, "order", int),
        r.field(document, "retired", bool),
        r.texts(document, "surfaces") if "surfaces" in document else (),
        r.optional(document, "caretaker_email", str, ""),
    )


def student_document(student: Student) -> Document:
    return {
        "_id": student.id,
        "name": student.name,
        "class_name": student.class_name,
        "email": student.email,
        "active": student.active,
    }


def to_student(document: Any, known: Student | None = None) -> Student:
    """The student; ``known`` itself if it has the same content, because its values are checked."""
    if known is not None and student_document(known).items() <= document.items():
        return known
    return Student(
        r.text(document, "_id"),
        r.text(document, "name"),
        r.text(document, "class_name"),
        r.optional_text(document, "email"),
        r.field(document, "active", bool),
    )


def team_document(team: Team) -> Document:
    return {
        "_id": team.id,
        "name": team.name,
        "members": list(team.members),
        "class_name": team.class_name,
        "staff": list(team.staff),
    }


def to_team(document: Any) -> Team:
    return Team(
        r.text(document, "_id"),
        r.text(document, "name"),
        r.texts(document, "members"),
        r.text(document, "class_name"),
        r.texts(document, "staff"),
    )


def timetable_document(timetable: Timetable) -> Document:
    return {
        "_id": timetable.id,
        "name": timetable.name,
        "weekdays": list(timetable.weekdays),
        "periods": [
            {"label": p.label, "start": time_text(p.start), "end": time_text(p.end)}
            for p in timetable.periods
        ],
        "week": timetable.week,
        "ground_ids": list(timetable.ground_ids),
    }


def to_timetable(document: Any) -> Timetable:
    return Timetable(
        r.text(document, "_id"),
        tuple(
            Period(r.text(p, "label"), r.time_of_day(p, "start"), r.time_of_day(p, "end"))
            for p in r.field(document, "periods", list)
        ),
        tuple(r.field(document, "weekdays", list)),
        r.text(document, "name"),
        r.optional(document, "week", str, ""),
        tuple(r.optional(document, "ground_ids", list, [])),
    )


def day_document(day: Day) -> Document:
    return {"_id": day.date.isoformat(), "timetable_id": day.timetable_id, "note": day.note}


def to_day(document: Any) -> Day:
    return Day(
        r.date(document, "_id"),
        r.optional_text(document, "timetable_id"),
        r.text(document, "note"),
    )


def term_document(term: Term) -> Document:
    return {"_id": term.id, **_span_document(term)} | {
        "holidays": [_span_document(holiday) for holiday in term.holidays]
    }


def _span_document(span: Term | Holiday) -> Document:
    return {"name": span.name, "first": span.first.isoformat(), "last": span.last.isoformat()}


def to_term(document: Any) -> Term:
    return Term(
        r.text(document, "_id"),
        r.text(document, "name"),
        r.date(document, "first"),
        r.date(document, "last"),
        tuple(
            Holiday(r.text(h, "name"), r.date(h, "first"), r.date(h, "last"))
            for h in r.field(document, "holidays", list)
        ),
    )


_POLICY_TIMES = ("cut_off", "day_list_at")


def policy_document(policy: Policy) -> Document:
    times = {name: getattr(policy, name) for name in _POLICY_TIMES}
    texts = {name: None if at is None else time_text(at) for name, at in times.items()}
    return asdict(policy) | texts


def revision_of(meta: Document) -> tuple[int, int]:
    """The revisions of grounds and students in the document of the revision."""
    return meta.get("grounds", 0), meta.get("students", 0)


def policy_of(meta: Document, otherwise: Policy) -> Policy:
    """The policy of the document of the revision; ``otherwise`` where none can be read."""
    stored = r.readable_one(schema.META, lambda row: to_policy(row.get("policy"), otherwise), meta)
    return otherwise if stored is None else stored


def recount_until_of(meta: Document) -> Date | None:
    """``Reference.recount_until`` of the document of the revision."""
    return _date_of(meta, "recount_until")


def week_a_of(meta: Document) -> Date | None:
    """``SchoolYear.week_a`` of the document of the revision."""
    return _date_of(meta, "week_a")


def _date_of(meta: Document, name: str) -> Date | None:
    if meta.get(name) is None:
        return None
    return r.readable_one(schema.META, lambda row: r.date(row, name), meta)


def to_policy(document: Any, otherwise: Policy) -> Policy:
    """The stored policy; what is not stored is as in ``otherwise``."""
    if not document:
        return otherwise
    if not isinstance(document, Mapping) or document.keys() - asdict(otherwise).keys():
        raise Unreadable("policy has a field that is not known")
    values = dict(document)
    for name in _POLICY_TIMES:
        if values.get(name) is not None:
            values[name] = r.time_of_day(values, name)
    return replace(otherwise, **values)
