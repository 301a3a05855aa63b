"""Values to documents and back. Dates are ISO strings, times ``HH:MM``, cells whole numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date as Date
from datetime import datetime, time
from typing import Any

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
from booking_core.domain.timetable import Day, marks

Document = dict[str, Any]


def time_text(value: time) -> str:
    return value.isoformat("minutes")


def slot_fields(ground_id: str, date: Date, start: time, end: time) -> Document:
    """The fields that place a booking; they are always written together."""
    return {
        "ground_id": ground_id,
        "date": date.isoformat(),
        "start": time_text(start),
        "end": time_text(end),
        "cells": marks(start, end),
    }


def to_slot(document: Mapping[str, Any]) -> Slot:
    return Slot(
        document["ground_id"],
        Date.fromisoformat(document["date"]),
        time.fromisoformat(document["start"]),
        time.fromisoformat(document["end"]),
    )


def decision_document(
    decision: Decision, dates: list[str], moved_from: Document | None = None
) -> Document:
    """A history entry. ``dates`` are the days that the change touches: the feed reads them there,

    for the entry is part of the change event itself, and a later look-up of the booking might
    already show the next change.
    """
    document: Document = {
        "at": decision.at,
        "by": decision.by,
        "by_name": decision.by_name,
        "action": decision.action,
        "reason": decision.reason,
        "dates": dates,
    }
    if decision.on_behalf_of:
        document["on_behalf_of"] = decision.on_behalf_of
    if moved_from is not None:
        document["moved_from"] = moved_from
    return document


def booking_document(
    id: str,
    slot: Slot,
    status: Status,
    history: Sequence[Decision],
    *,
    student: Student | None = None,
    game: str = "",
    purpose: str = "",
    fingerprint: str = "",
    created_at: datetime | None = None,
) -> Document:
    """A booking as it is first stored; one without a student is a closure.

    Who made it, and when, is what the first entry of ``history`` says, unless ``created_at`` is
    another moment.
    """
    first, last = history[0], history[-1]
    return {
        "_id": id,
        "kind": "closure" if student is None else "booking",
        **slot_fields(slot.ground_id, slot.date, slot.start, slot.end),
        "status": status.value,
        **({} if student is None else {"student_id": student.id}),
        "student_name": "" if student is None else student.name,
        "class_name": "" if student is None else student.class_name,
        "game": game,
        "purpose": purpose,
        "created_by": first.by,
        "created_by_name": first.by_name,
        "created_at": first.at if created_at is None else created_at,
        "updated_at": last.at,
        "revision": 0,
        "fingerprint": fingerprint,
        "history": [decision_document(entry, [slot.date.isoformat()]) for entry in history],
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
        history=tuple(
            Decision(
                e["at"], e["by"], e["by_name"], e["action"], e["reason"], e.get("on_behalf_of", "")
            )
            for e in document["history"]
        ),
        closure_group=document.get("closure_group"),
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


def to_student(document: Mapping[str, Any]) -> Student:
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
