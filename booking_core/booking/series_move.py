"""Moving a series to another ground or time: its dates to come, all of them or none.

A date that somebody moved by itself stays where it is, and so does one that is cancelled or has
begun. The dates stay on their days, so each keeps its seat of a quota.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date as Date
from datetime import datetime, time
from typing import NamedTuple

from booking_core.booking.boards import availability_of, held_by
from booking_core.booking.claims import check_move, keeps_approval, with_present_names
from booking_core.booking.confirmation import confirmed_all
from booking_core.booking.conflicts import error_on
from booking_core.booking.preconditions import ROUNDS
from booking_core.booking.series_changes import (
    DATES,
    SeriesChange,
    check_expected,
    check_shown,
    dates_to_change,
    write_all,
)
from booking_core.booking.series_plan import alternatives_to
from booking_core.booking.steps import logged
from booking_core.domain import rules, timetable
from booking_core.domain.claims import people_of
from booking_core.domain.errors import (
    BookingError,
    ChangedMeanwhile,
    InvalidRequest,
    RuleBroken,
    SeriesConflict,
)
from booking_core.domain.model import Actor, Booking, Decision, Slot, Status
from booking_core.domain.series import Occurrence, follows
from booking_core.domain.validation import (
    check_booking_id,
    check_date,
    check_id,
    check_text,
    check_time,
    minutes,
)
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.bookings import transactions
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference


class _Target(NamedTuple):
    """Where the dates from ``from_date`` on move; a part that is None stays as it is."""

    series_id: str
    ground_id: str | None
    start: time | None
    end: time | None
    from_date: Date | None

    def slot(self, before: Booking) -> Slot:
        """Raises InvalidRequest."""
        slot = Slot(
            before.ground_id if self.ground_id is None else self.ground_id,
            before.date,
            before.start if self.start is None else self.start,
            before.end if self.end is None else self.end,
        )
        if minutes(slot.start) >= minutes(slot.end, closing=True):
            raise InvalidRequest("end", "is not after the start")
        return slot


def _target(
    series_id: str,
    ground_id: str | None,
    start: time | None,
    end: time | None,
    from_date: Date | None,
) -> _Target:
    return _Target(
        check_booking_id(series_id, "series_id"),
        None if ground_id is None else check_id(ground_id, "ground_id"),
        None if start is None else check_time(start, "start"),
        None if end is None else check_time(end, "end"),
        None if from_date is None else check_date(from_date, "from_date"),
    )


@within_deadline
def plan_series_move(
    db: Documents,
    series_id: str,
    *,
    ground_id: str | None = None,
    start: time | None = None,
    end: time | None = None,
    from_date: Date | None = None,
    by: Actor,
    now: datetime | None = None,
) -> SeriesChange:
    """The dates that ``move_series`` would move, each with its problem. Writes nothing.

    Raises as ``move_series`` does, but SeriesConflict and ChangedMeanwhile.
    """
    rules.check_actor(by)
    target, now = _target(series_id, ground_id, start, end, from_date), moment(db, now)
    known = reference.load(db)
    own, apart = _dates(db, target, by, now)
    dates = _planned(db, known, own, target, by, now)
    return SeriesChange(own, tuple(one for one, _ in dates), apart)


@within_deadline
@logged("move series")
def move_series(
    db: Documents,
    series_id: str,
    *,
    ground_id: str | None = None,
    start: time | None = None,
    end: time | None = None,
    from_date: Date | None = None,
    reason: str = "",
    expected: Mapping[str, Slot] | None = None,
    by: Actor,
    now: datetime | None = None,
) -> tuple[Booking, ...]:
    """Moves the active dates of a series that have not begun, from ``from_date`` on; all or none.

    Parts of the slot that are None stay. A date that somebody moved by itself stays where it is.
    An approved date becomes Pending as by ``move``. ``expected`` (id -> slot) are the
    ``SeriesChange.bookings`` that the user was shown; ChangedMeanwhile is raised for others. Sent
    again, it answers as the first time. Raises SeriesConflict with the dates that cannot be moved,
    PartOfSet for several grounds of one request, NotAllowed, NotFound, UnknownGround,
    InvalidRequest, AlreadyDecided where no date is left, StoreUnavailable.
    """
    rules.check_actor(by)
    target = _target(series_id, ground_id, start, end, from_date)
    reason = check_text(reason, "reason")
    check_shown(expected)
    now = moment(db, now)
    for _ in range(ROUNDS):
        known = reference.load(db)
        own, _apart = _dates(db, target, by, now)
        if all(target.slot(before) == before.slot for before in own):
            return own
        check_expected(own, expected)
        planned = _planned(db, known, own, target, by, now, reason)
        if problems := [one for one, _ in planned if one.problem is not None]:
            raise SeriesConflict(problems)
        changes = [
            (before, wanted)
            for before, (_, wanted) in zip(own, planned, strict=True)
            if wanted is not None and wanted.slot != before.slot
        ]

        try:
            stored = write_all(db, known, changes)
        except (transactions.SchoolChanged, bookings.ClaimTaken, ChangedMeanwhile):
            continue  # the next round raises what has changed, or moves the dates that are left
        pairs = [(before, after) for (before, _), after in zip(changes, stored, strict=True)]
        moved = {booking.id: booking for booking in confirmed_all(db, known, pairs)}
        return tuple(moved.get(before.id, before) for before in own)
    raise ChangedMeanwhile(DATES)


def _dates(
    db: Documents, target: _Target, by: Actor, now: datetime
) -> tuple[tuple[Booking, ...], tuple[Booking, ...]]:
    """The dates that move, and those to come that stay where somebody moved them."""
    return dates_to_change(db, target.series_id, target.from_date, "move", follows, by, now)


def _planned(
    db: Documents,
    known: reference.Reference,
    own: tuple[Booking, ...],
    target: _Target,
    by: Actor,
    now: datetime,
    reason: str = "",
) -> list[tuple[Occurrence, Booking | None]]:
    """For each of ``own`` its problem, and the booking as moved; None where a rule refuses it."""
    approved = next((b for b in own if b.status is Status.APPROVED), None)
    keeps = approved is None or keeps_approval(db, approved, by=by, now=now)
    zone, policy = settings_of(db).zone, known.policy.for_series()
    held = booking_queries.of_dates(db, [before.date for before in own])
    planned: list[tuple[Occurrence, Booking | None]] = []
    for before in own:
        slot = target.slot(before)
        ground = known.ground(slot.ground_id)
        if slot == before.slot:
            planned.append((Occurrence(before.date, None, ()), before))
            continue
        others = [other for other in held[before.date] if other.id != before.id]
        free = replace(availability_of(db, known, before.date, now, held_by(others)), policy=policy)
        entry = Decision(
            now,
            by.id,
            by.name,
            "moved",
            reason,
            moved_from=before.slot,
            status_before=before.status,
            of_series=True,
        )
        wanted: Booking | None = None
        try:
            check_move(known, before, slot, now, zone)
            wanted = before.with_decision(before.status if keeps else Status.PENDING, entry)
            wanted = with_present_names(known, wanted.placed(slot, ground.surfaces))
            problem: BookingError | None = error_on(wanted, free, others)
        except (RuleBroken, InvalidRequest) as exc:
            problem = exc
        alternatives: tuple[Slot, ...] = ()
        if problem is not None:
            people = set(people_of(before))
            busy = {
                mark
                for other in others
                if not people.isdisjoint(people_of(other))
                for mark in timetable.marks(other.start, other.end)
            }
            alternatives = alternatives_to(free, slot, before.game, busy)
        planned.append((Occurrence(before.date, problem, alternatives), wanted))
    return planned
