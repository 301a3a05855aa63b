"""A second look at the school after a write.

A ground may be retired, a day declared a holiday, a student erased, between the check of a booking
and its write. No claim decides that race: the school is no holder of a slot. So the revision of the
school is read once more, and what has come to break a rule is undone. Students may be renamed or
change class too: the booking gets the new names and classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from booking_core.booking.parties import named, students_of
from booking_core.booking.preconditions import ROUNDS
from booking_core.booking.steps import log_step
from booking_core.domain import rules
from booking_core.domain.errors import (
    ChangedMeanwhile,
    InvalidRequest,
    RuleBroken,
    SeriesConflict,
    StoreUnavailable,
)
from booking_core.domain.model import Booking
from booking_core.domain.series import Occurrence
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client import deadlines
from booking_core.storage.client.database import Documents, settings_of
from booking_core.storage.school import data as reference

_SECONDS = 1.0  # for the look, also where the write has taken all the time of its verb


def confirmed(
    db: Documents,
    known: reference.Reference,
    before: Booking | None,
    after: Booking,
    check: Callable[[reference.Reference], object] | None = None,
) -> Booking:
    """``after``, which was written over ``before`` (None: as a new booking) by the rules of
    ``known``.

    ``check`` checks all rules by a given school; None: only those that hold for a stored booking.
    Where it breaks a rule of the school as of now, it is undone and the error of that rule is
    raised: RuleBroken, UnknownGround, UnknownStudent; ChangedMeanwhile where the ground lies on
    other surfaces by now. A booking that was changed again meanwhile,
    or whose former slot is taken, stays as it is. Otherwise it gets the present names and
    classes of its students. Raises StoreUnavailable where an undo fails.
    """
    with deadlines.grace(_SECONDS):
        fresh = fresh_school(db, known)
        if fresh is known:
            return after
        try:
            check_placed(fresh, after, check)
        except (RuleBroken, InvalidRequest, ChangedMeanwhile) as exc:
            if bookings.undo(db, before, after):
                log_step(after.id, "undone", layer="school", reason=type(exc).__name__)
                raise
            return after
        try:
            return with_present_students(db, fresh, after)
        except StoreUnavailable:
            return after  # as above


def fresh_school(db: Documents, known: reference.Reference) -> reference.Reference:
    """The school as of now; ``known`` where it cannot be read: a booking is stored then, and no
    more can be known."""
    with deadlines.grace(_SECONDS):
        try:
            return reference.load(db)
        except StoreUnavailable:
            return known


def check_placed(
    known: reference.Reference,
    booking: Booking,
    check: Callable[[reference.Reference], object] | None = None,
) -> None:
    """``check``, or ``check_stored`` without one, and that the ground lies where it lay.

    Raises as they do, and ChangedMeanwhile for a ground on other surfaces.
    """
    if check is not None:
        check(known)
    else:
        check_stored(known, booking)
    if known.ground(booking.ground_id).surfaces != booking.held_surfaces:
        raise ChangedMeanwhile("the ground")


def confirmed_all(
    db: Documents,
    known: reference.Reference,
    pairs: Sequence[tuple[Booking | None, Booking]],
    check: Callable[[reference.Reference, Booking], object] | None = None,
) -> list[Booking]:
    """``confirmed`` for each (before, after) of one transaction: all of them, or none.

    Where one breaks a rule of the school as of now, all are undone, and SeriesConflict names its
    date.
    """
    done: list[Booking] = []
    for number, (before, after) in enumerate(pairs):
        checked = None if check is None else partial(_check_of, check, after)
        try:
            done.append(confirmed(db, known, before, after, checked))
        except (RuleBroken, InvalidRequest, ChangedMeanwhile) as exc:
            stored = [*done, after, *(later for _, later in pairs[number + 1 :])]
            for place, (former, _) in enumerate(pairs):
                if place != number:  # which ``confirmed`` has undone
                    bookings.undo(db, former, stored[place])
            raise SeriesConflict([Occurrence(after.date, exc, ())]) from exc
    return done


def _check_of(
    check: Callable[[reference.Reference, Booking], object],
    booking: Booking,
    fresh: reference.Reference,
) -> None:
    check(fresh, booking)


def with_present_students(db: Documents, known: reference.Reference, booking: Booking) -> Booking:
    """``booking`` as stored; one that is ahead has its students' present names."""
    zone = settings_of(db).zone
    for _ in range(ROUNDS):
        students = [known.students.get(student.id) for student in booking.students]
        present = [student for student in students if student is not None]
        is_known = bool(students) and len(present) == len(students)
        if not is_known or booking.slot.has_begun(booking.updated_at, zone):
            break
        wanted = named(booking, present)
        if wanted == booking:
            break
        if (renamed := bookings.replace(db, booking, wanted)) is not None:
            return renamed
        # It was changed meanwhile, perhaps by another change of the student.
        if (stored := bookings.read(db, booking.id)) is None:
            break
        booking, known = stored, reference.load(db)
    return booking


def check_stored(known: reference.Reference, booking: Booking) -> None:
    """The rules that a stored booking must still pass; raises RuleBroken, InvalidRequest."""
    rules.check_still_valid(
        booking,
        ground=known.ground(booking.ground_id),
        students=students_of(known, booking),
        plan=known.plan(booking.date),
    )
