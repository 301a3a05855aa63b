"""The claims of a booking: what it holds and no other active booking may hold. Pure.

A claim is a text. The unique index ``one_holder_per_claim`` gives each claim one holder, so every
rule that two users can break at the same moment is a claim:

    ground|ground-1|2026-11-26|108     a surface of the ground, in the five minutes from 9:00 on
    student|S001|2026-11-26|108        the student, in the same five minutes
    quota|S001|2026-W48|0              the first of the student's seats in that week

The server names the lost claim that comes first in the order of the strings: a ground before a
seat of the quota before a student. The numbers have three digits, so the earliest comes first.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import date as Date

from booking_core.domain import timetable
from booking_core.domain.model import Booking, Slot

GROUND, STUDENT, QUOTA = "ground", "student", "quota"


def claims_of(booking: Booking) -> list[str]:
    """What ``booking`` claims while it is active, derived from its own fields alone.

    A closure claims surfaces of its ground. A booking claims its student too, and a seat of the
    quota where it has one.
    """
    date = booking.date.isoformat()
    marks = timetable.marks(booking.start, booking.end)
    claims = [
        f"{GROUND}|{surface}|{date}|{mark:03d}"
        for surface in booking.held_surfaces
        for mark in marks
    ]
    if booking.student_id is not None:
        claims += [f"{STUDENT}|{booking.student_id}|{date}|{mark:03d}" for mark in marks]
    if booking.quota_window is not None:
        seat = f"{booking.quota_window}|{booking.quota_seat}"
        claims.append(f"{QUOTA}|{booking.student_id}|{seat}")
    return claims


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
    """The kind of a claim: GROUND, STUDENT or QUOTA."""
    return claim.partition("|")[0]
