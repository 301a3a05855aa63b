"""The waiting list: who wants a slot that somebody else has, in the order of asking. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from booking_core.domain import timetable
from booking_core.domain.availability import Availability
from booking_core.domain.labels import find_label
from booking_core.domain.model import BookingRequest, Ground, Role, Slot


@dataclass(frozen=True, slots=True)
class WaitingEntry:
    """One entry. ``at`` is when it was made (aware, UTC), ``by`` its author's account id.

    With ``any_ground`` a slot at the same time on another ground for its game will do. It ends
    when its slot begins, or at ``not_after`` (aware), whichever comes first. ``passed``: the last
    time its slot was free, a rule or another booking was in its way, so it holds nothing up.
    """

    id: str
    request: BookingRequest
    at: datetime
    by: str
    by_name: str
    role: Role
    any_ground: bool = False
    not_after: datetime | None = None
    passed: bool = False

    @property
    def slot(self) -> Slot:
        wanted = self.request
        return Slot(wanted.ground_id, wanted.date, wanted.start, wanted.end)

    def is_over(self, now: datetime, zone: ZoneInfo) -> bool:
        """Whether the entry has ended by the clock."""
        if self.not_after is not None and self.not_after.timestamp() <= now.timestamp():
            return True
        return self.slot.has_begun(now, zone)

    def on(self, ground_id: str) -> BookingRequest:
        """What it asks for, on another ground."""
        return replace(self.request, ground_id=ground_id)


def free_for(day: Availability, entry: WaitingEntry) -> list[Slot]:
    """The slots that ``entry`` would have and nobody holds, that of its own ground first."""
    wanted, slots = entry.request, [entry.slot]
    if entry.any_ground:
        slots += [
            replace(entry.slot, ground_id=ground.id)
            for ground in day.grounds
            if ground.id != wanted.ground_id
            and find_label(wanted.game, ground.games) is not None
            and day.plan.of(ground.id).fits(wanted.start, wanted.end)
        ]
    # A board has free what nobody is about to get; for the waiting list that is free too.
    return [slot for slot in slots if Availability.is_free(day, slot)]


def kept_marks(day: Availability, entries: Iterable[WaitingEntry]) -> frozenset[tuple[str, int]]:
    """The (surface, mark) of ``day`` that the first in line is about to get."""
    return frozenset(
        (surface, mark)
        for entry in entries
        if not entry.passed and not entry.is_over(day.now, day.zone)
        for slot in free_for(day, entry)
        for surface in day.surfaces_of(slot.ground_id)
        for mark in timetable.marks(slot.start, slot.end)
    )


def line(
    entries: Iterable[WaitingEntry], slot: Slot, grounds: Iterable[Ground]
) -> list[WaitingEntry]:
    """Those of ``entries`` that wait for a part of ``slot``, in the order of asking.

    Slots on grounds that share a surface have one line.
    """
    surfaces = {ground.id: set(ground.surfaces) for ground in grounds}
    here = surfaces.get(slot.ground_id, {slot.ground_id})
    marks = set(timetable.marks(slot.start, slot.end))
    found = [
        entry
        for entry in entries
        if entry.request.date == slot.date
        and not here.isdisjoint(surfaces.get(entry.slot.ground_id, {entry.slot.ground_id}))
        and not marks.isdisjoint(timetable.marks(entry.slot.start, entry.slot.end))
    ]
    return in_order(found)


def in_order(entries: Iterable[WaitingEntry]) -> list[WaitingEntry]:
    """By the moment of asking; at the same one, by id."""
    return sorted(entries, key=lambda entry: (entry.at, entry.id))
