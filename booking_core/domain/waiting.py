"""The waiting list: who wants a slot that somebody else has, in the order of asking. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from booking_core.domain import timetable
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


def kept_marks(
    entries: Iterable[WaitingEntry], grounds: Iterable[Ground]
) -> frozenset[tuple[str, int]]:
    """The (surface, mark) that go to the first in line as soon as nobody holds them."""
    surfaces = {ground.id: ground.surfaces for ground in grounds}
    return frozenset(
        (surface, mark)
        for entry in entries
        if not entry.passed
        for surface in surfaces.get(entry.slot.ground_id, (entry.slot.ground_id,))
        for mark in timetable.marks(entry.slot.start, entry.slot.end)
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


def place_in_line(
    entries: Sequence[WaitingEntry], entry: WaitingEntry, grounds: Iterable[Ground]
) -> int:
    """1 for the first in line; ``entry`` is one of ``entries``."""
    return line(entries, entry.slot, grounds).index(entry) + 1
