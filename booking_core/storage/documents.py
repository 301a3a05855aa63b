"""Values to documents and back. Dates are ISO strings, times ``HH:MM``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import date as Date
from datetime import time
from typing import Any

from booking_core.domain.claims import claims_of
from booking_core.domain.model import (
    Booking,
    Decision,
    Ground,
    Period,
    Slot,
    Status,
    Student,
    Timetable,
)
from booking_core.domain.policy import Policy
from booking_core.domain.timetable import Day

Document = dict[str, Any]


def time_text(value: time) -> str:
    return value.isoformat("minutes")


def slot_document(slot: Slot) -> Document:
    return {
        "ground_id": slot.ground_id,
        "date": slot.date.isoformat(),
        "start": time_text(slot.start),
        "end": time_text(slot.end),
    }


def to_slot(document: Mapping[str, Any]) -> Slot:
    return Slot(
        document["ground_id"],
        Date.fromisoformat(document["date"]),
        time.fromisoformat(document["start"]),
        time.fromisoformat(document["end"]),
    )


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
    return document


def to_decision(document: Mapping[str, Any]) -> Decision:
    moved_from, before = document.get("moved_from"), document.get("was")
    return Decision(
        document["at"],
        document["by"],
        document["by_name"],
        document["action"],
        document["reason"],
        document.get("on_behalf_of", ""),
        None if moved_from is None else to_slot(moved_from),
        document.get("closure", ""),
        None if before is None else Status(before),
        document.get("correction", False),
    )


def booking_document(booking: Booking) -> Document:
    """A booking as stored, its claims derived from its other fields."""
    optional: Document = {}
    if booking.student_id is not None:
        optional["student_id"] = booking.student_id
    if booking.quota_window is not None:
        optional["quota"] = {"window": booking.quota_window, "seat": booking.quota_seat}
    if booking.closure_group is not None:
        optional["closure_group"] = booking.closure_group
    return {
        "_id": booking.id,
        "kind": booking.kind,
        **slot_document(booking.slot),
        "claims": claims_of(booking),
        "status": booking.status.value,
        **optional,
        "student_name": booking.student_name,
        "class_name": booking.class_name,
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


def to_booking(document: Mapping[str, Any]) -> Booking:
    quota = document.get("quota") or {}
    return Booking(
        id=document["_id"],
        ground_id=document["ground_id"],
        date=Date.fromisoformat(document["date"]),
        start=time.fromisoformat(document["start"]),
        end=time.fromisoformat(document["end"]),
        status=Status(document["status"]),
        student_id=document.get("student_id"),
        student_name=document["student_name"],
        class_name=document["class_name"],
        game=document["game"],
        purpose=document["purpose"],
        created_by=document["created_by"],
        created_by_name=document["created_by_name"],
        created_at=document["created_at"],
        updated_at=document["updated_at"],
        kind=document["kind"],
        quota_window=quota.get("window"),
        quota_seat=quota.get("seat"),
        history=tuple(map(to_decision, document["history"])),
        closure_group=document.get("closure_group"),
        revision=document["revision"],
        fingerprint=document["fingerprint"],
    )


def ground_document(ground: Ground) -> Document:
    return {
        "_id": ground.id,
        "name": ground.name,
        "games": list(ground.games),
        "order": ground.order,
        "retired": ground.retired,
    }


def to_ground(document: Mapping[str, Any]) -> Ground:
    return Ground(
        document["_id"],
        document["name"],
        tuple(document["games"]),
        document["order"],
        document["retired"],
    )


def student_document(student: Student) -> Document:
    return {
        "_id": student.id,
        "name": student.name,
        "class_name": student.class_name,
        "email": student.email,
        "active": student.active,
    }


def to_student(document: Mapping[str, Any], known: Student | None = None) -> Student:
    """The student; ``known`` itself if it has the same content, because its values are checked."""
    if known is not None and student_document(known).items() <= document.items():
        return known
    return Student(
        document["_id"],
        document["name"],
        document["class_name"],
        document["email"],
        document["active"],
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
    }


def to_timetable(document: Mapping[str, Any]) -> Timetable:
    return Timetable(
        document["_id"],
        tuple(
            Period(p["label"], time.fromisoformat(p["start"]), time.fromisoformat(p["end"]))
            for p in document["periods"]
        ),
        tuple(document["weekdays"]),
        document["name"],
    )


def day_document(day: Day) -> Document:
    return {"_id": day.date.isoformat(), "timetable_id": day.timetable_id, "note": day.note}


def to_day(document: Mapping[str, Any]) -> Day:
    return Day(Date.fromisoformat(document["_id"]), document["timetable_id"], document["note"])


def policy_document(policy: Policy) -> Document:
    cut_off = None if policy.cut_off is None else time_text(policy.cut_off)
    return asdict(policy) | {"cut_off": cut_off}


def to_policy(document: Mapping[str, Any] | None, otherwise: Policy) -> Policy:
    """The stored policy; what is not stored is as in ``otherwise``."""
    if not document:
        return otherwise
    values = dict(document)
    if values.get("cut_off") is not None:
        values["cut_off"] = time.fromisoformat(values["cut_off"])
    return replace(otherwise, **values)
