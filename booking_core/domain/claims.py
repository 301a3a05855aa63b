"""The claims of a booking: what it holds and no other active booking may hold. Pure.

A claim is a text. The unique index ``one_holder_per_claim`` gives each claim one holder, so every
rule that two users can break at the same moment is a claim:

    ground|ground-1|2026-11-26|108     a surface of the ground, in the five minutes from 9:00 on
    student|S001|2026-11-26|108        a student, in the same five minutes
    staff|meera|2026-11-26|108         the supervisor, in the same five minutes
    quota|S001|2026-W48|0              the first of the student's seats in that week
    quota|class|9-b|2026-W48|0         the first of the seats of a class in that week

The server names the lost claim that comes first in the order of the strings: a ground before a
seat of the quota before a supervisor before a student. The numbers have three digits, so the
earliest comes first.
"""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date as Date

from booking_core.domain import timetable
from booking_core.domain.model import Booking, BookingRequest, Slot

GROUND, STUDENT, STAFF, QUOTA = "ground", "student", "staff", "quota"
_MARK_DIGITS = 3  # at the end of a claim of a ground or a person


def claims_of(booking: Booking) -> list[str]:
    """What ``booking`` claims while it is active, derived from its own fields alone.

    A closure claims surfaces of its ground. A booking claims its students and its supervisor too,
    and the seats of the quota that it has.
    """
    date = booking.date.isoformat()
    holders = [f"{GROUND}|{surface}" for surface in booking.held_surfaces] + people_of(booking)
    marks = timetable.marks(booking.start, booking.end)
    claims = [f"{holder}|{date}|{mark:0{_MARK_DIGITS}d}" for holder in holders for mark in marks]
    if booking.quota_window is not None:
        claims += [
            seat_claim(holder, booking.quota_window, seat)
            for holder, seat in booking.quota_holders
            if seat is not None
        ]
    return claims


@dataclass(frozen=True, slots=True)
class HeldPlaces(Container[tuple[str, int]]):
    """The (surface, mark) of one day that the ``claims`` of its bookings hold."""

    date: Date
    claims: Container[str]

    def __contains__(self, place: object) -> bool:
        surface, mark = place if isinstance(place, tuple) else (None, -1)
        return f"{GROUND}|{surface}|{self.date}|{mark:0{_MARK_DIGITS}d}" in self.claims


@dataclass(frozen=True, slots=True)
class BusyMarks(Container[int]):
    """The marks of one day at which one of ``people`` has a booking, other than the one ``but``.

    ``holders``: each claim of that day, and the id of its booking.
    """

    people: Sequence[str]
    date: Date
    holders: Mapping[str, str]
    but: str

    def __contains__(self, mark: object) -> bool:
        claims = (f"{person}|{self.date}|{mark:0{_MARK_DIGITS}d}" for person in self.people)
        return any(self.holders.get(claim, self.but) != self.but for claim in claims)


def person(kind: str, id: str) -> str:
    """A student or a supervisor, as claims begin that hold one: ``student|S001``."""
    return f"{kind}|{id}"


def people_of(booking: Booking | BookingRequest) -> list[str]:
    """Whom a booking claims while it is active, or a request names; nobody can be in two places."""
    if isinstance(booking, Booking) and booking.set_place:
        return []  # the first ground of the set claims them
    ids = booking.student_ids if isinstance(booking, Booking) else booking.students
    people = [person(STUDENT, id) for id in ids]
    if booking.supervisor_id is not None:
        people.append(person(STAFF, booking.supervisor_id))
    return people


def seat_claim(holder: str, window: str, seat: int) -> str:
    """The claim of a seat of the quota; ``holder`` as in ``Booking.quota_holders``."""
    return f"{QUOTA}|{holder}|{window}|{seat}"


def seat_of(claim: str) -> tuple[str, str, int] | None:
    """The holder, the ISO week and the number of a seat; None for another claim."""
    kind, _, rest = claim.partition("|")
    try:
        holder, window, seat = rest.rsplit("|", 2)
        return (holder, window, int(seat)) if kind == QUOTA else None
    except ValueError:
        return None


def slots_of(claims: Iterable[str]) -> list[Slot]:
    """The slots that ``claims`` hold: one for each stretch of marks without a gap.

    The surface stands in the place of the ground.
    A claim that is none of a ground, or that cannot be read, is left out.
    """
    held: set[tuple[str, Date, int]] = set()
    for claim in claims:
        kind, _, rest = claim.partition("|")
        try:
            ground_id, date, mark = rest.rsplit("|", 2)
            place = ground_id, Date.fromisoformat(date), int(mark)
        except ValueError:
            continue
        if kind == GROUND and 0 <= place[2] < timetable.MARKS_A_DAY:
            held.add(place)
    found: list[Slot] = []
    for on, day, first in sorted(held):
        if (on, day, first - 1) not in held:
            after = next(n for n in itertools.count(first) if (on, day, n) not in held)
            end = timetable.time_of(after % timetable.MARKS_A_DAY)
            found.append(Slot(on, day, timetable.time_of(first), end))
    return found


def kind_of(claim: str) -> str:
    """The kind of a claim: GROUND, STUDENT, STAFF or QUOTA."""
    return claim.partition("|")[0]
