"""Changing for whom a booking is: of one, or of the dates of a series that are to come.

The booking keeps its slot. Its people and its seats of the quota are claims, so the index decides
between this and any other booking. A date whose party somebody changed by itself keeps that party.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date as Date
from datetime import datetime
from functools import partial
from itertools import count
from typing import NamedTuple, TypedDict, Unpack

from booking_core.booking.boards import availability_of, held_by
from booking_core.booking.claims import keeps_approval
from booking_core.booking.confirmation import check_stored, confirmed, confirmed_all
from booking_core.booking.conflicts import error_on, raise_lost
from booking_core.booking.parties import RequestParty, party_of, supervisor_of
from booking_core.booking.preconditions import ROUNDS, already_decided, existing_booking
from booking_core.booking.seats import exchanged_seats
from booking_core.booking.series_changes import (
    DATES,
    SeriesChange,
    check_expected,
    check_shown,
    dates_to_change,
    write_all,
)
from booking_core.booking.steps import logged
from booking_core.domain import rules, timetable
from booking_core.domain.errors import (
    AlreadyBegun,
    BookingError,
    ChangedMeanwhile,
    InvalidRequest,
    PartOfSet,
    QuotaReached,
    RuleBroken,
    SeriesConflict,
    StoreUnavailable,
)
from booking_core.domain.model import (
    Account,
    Actor,
    Booking,
    BookingRequest,
    Decision,
    Party,
    Slot,
    Status,
)
from booking_core.domain.names import label_key
from booking_core.domain.series import PARTY_CHANGED, Occurrence, follows
from booking_core.domain.validation import check_booking_id, check_date, check_text
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.bookings import transactions
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference

_VERB = "change party"
_Seats = dict[tuple[str, str], set[int]]


class PartyFields(TypedDict, total=False):
    """The fields of a ``BookingRequest`` that name its party, one of them, and its supervisor."""

    student_id: str | None
    student_ids: tuple[str, ...]
    class_name: str | None
    team_id: str | None
    for_staff: bool
    supervisor_id: str | None


class _Whom(NamedTuple):
    """The party that a booking gets, and its supervisor."""

    party: RequestParty
    supervisor: Account | None

    def is_of(self, booking: Booking) -> bool:
        """Whether ``booking`` is for them already, whatever their names are."""
        supervisor = None if self.supervisor is None else self.supervisor.id
        if (booking.party, booking.supervisor_id) != (self.party.party, supervisor):
            return False
        if self.party.party is Party.CLASS:
            return label_key(booking.class_name) == label_key(self.party.class_name)
        before = {student.id for student in booking.students}
        students = {student.id for student in self.party.students}
        return (booking.team_id, before) == (self.party.team_id, students)

    def put_on(self, booking: Booking) -> Booking:
        """``booking`` for them, without seats of the quota."""
        bare = replace(
            booking,
            student_id=None,
            student_name="",
            others=(),
            supervisor_id=None,
            supervisor_name="",
            quota_seat=None,
            fingerprint="",  # it is made of the student who leaves, whom an erasure could not find
        )
        return self.party.of(bare, self.supervisor)


def _request(booking: Booking, people: PartyFields) -> BookingRequest:
    """The request for the slot and the game of ``booking``. Raises InvalidRequest."""
    slot = booking.slot
    return BookingRequest(
        slot.ground_id, slot.date, slot.start, slot.end, game=booking.game, **people
    )


def _whom(db: Documents, known: reference.Reference, request: BookingRequest) -> _Whom:
    """Raises UnknownStudent, UnknownClass, UnknownTeam, InvalidRequest."""
    return _Whom(party_of(known, request), supervisor_of(db, request))


def _check(known: reference.Reference, booking: Booking, people: PartyFields) -> None:
    """The rules of the school for ``booking`` as changed. Raises RuleBroken, InvalidRequest."""
    party_of(known, _request(booking, people))
    check_stored(known, booking)


@within_deadline
@logged(_VERB)
def change_party(
    db: Documents,
    booking_id: str,
    *,
    reason: str = "",
    by: Actor,
    now: datetime | None = None,
    **people: Unpack[PartyFields],
) -> Booking:
    """Gives an active booking that has not begun to another party; its slot stays.

    ``people`` are the fields of a ``BookingRequest`` that name the party and the supervisor: one
    that is not named is none. Who was in the party before keeps the seat of the quota. An approved
    booking becomes Pending as by ``move``. Sent again, it answers as the first time. Raises
    NotAllowed, NotFound, AlreadyDecided, AlreadyBegun, PartOfSet for one of several grounds,
    StudentBusy, SupervisorBusy, QuotaReached, InvalidRequest, the errors of a rule of the school,
    StoreUnavailable.
    """
    booking_id = check_booking_id(booking_id)
    rules.check_actor(by)
    reason = check_text(reason, "reason")
    now, zone = moment(db, now), settings_of(db).zone
    for tried in count():
        before = existing_booking(db, booking_id)
        rules.check_may(_VERB, by, before)
        if not before.status.is_active:
            raise already_decided(before)
        known = reference.load(db)
        whom = _whom(db, known, _request(before, people))
        if whom.is_of(before):
            return before
        if before.set_place is not None:
            raise PartOfSet
        if before.slot.has_begun(now, zone):
            raise AlreadyBegun(before.slot.starts_at(zone))
        keeps = keeps_approval(db, before, by=by, now=now)
        entry = Decision(now, by.id, by.name, PARTY_CHANGED, reason)
        wanted = whom.put_on(
            before.with_decision(before.status if keeps else Status.PENDING, entry)
        )
        _check(known, wanted, people)
        wanted = exchanged_seats(known, before, wanted, _taken(db, whom, [before]))
        try:
            after = bookings.replace(db, before, wanted)
        except bookings.ClaimTaken as lost:
            raise_lost(db, known, wanted, lost.claim, now, tried)
            continue
        if after is not None:
            check = partial(_check, booking=after, people=people)
            return confirmed(db, known, before, after, check)
        if tried >= ROUNDS:
            raise StoreUnavailable("the booking changes faster than its party can be changed")
    raise AssertionError("the loop ends by a result or an error")


@within_deadline
def plan_series_party(
    db: Documents,
    series_id: str,
    *,
    from_date: Date | None = None,
    by: Actor,
    now: datetime | None = None,
    **people: Unpack[PartyFields],
) -> SeriesChange:
    """The dates whose party ``change_series_party`` would change, each with its problem.

    Writes nothing. Raises as that verb does, but SeriesConflict and ChangedMeanwhile.
    """
    series_id, now = _checked(series_id, from_date, by), moment(db, now)
    known = reference.load(db)
    own, apart = _dates(db, series_id, from_date, by, now)
    planned = _planned(db, known, own, people, by, now)
    return SeriesChange(own, tuple(one for one, _ in planned), apart)


@within_deadline
@logged("change party of series")
def change_series_party(
    db: Documents,
    series_id: str,
    *,
    from_date: Date | None = None,
    reason: str = "",
    expected: Mapping[str, Slot] | None = None,
    by: Actor,
    now: datetime | None = None,
    **people: Unpack[PartyFields],
) -> tuple[Booking, ...]:
    """``change_party`` for the active dates of a series that have not begun, from ``from_date`` on;
    all or none.

    A date whose party somebody changed by itself keeps it. ``expected`` (id -> slot) are the
    ``SeriesChange.bookings`` that the user was shown; ChangedMeanwhile is raised for others. Sent
    again, it answers as the first time. Raises SeriesConflict with the dates that cannot be
    changed, PartOfSet for several grounds of one request, NotAllowed, NotFound, InvalidRequest,
    AlreadyDecided where no date is left, StoreUnavailable.
    """
    series_id = _checked(series_id, from_date, by)
    reason = check_text(reason, "reason")
    check_shown(expected)
    now = moment(db, now)
    for _ in range(ROUNDS):
        known = reference.load(db)
        own, _apart = _dates(db, series_id, from_date, by, now)
        planned = _planned(db, known, own, people, by, now, reason)
        changes = [
            (before, wanted)
            for before, (_, wanted) in zip(own, planned, strict=True)
            if wanted is not before
        ]
        if not changes:
            return own
        check_expected(own, expected)
        if problems := [one for one, _ in planned if one.problem is not None]:
            raise SeriesConflict(problems)
        try:
            stored = write_all(db, known, changes)
        except (transactions.SchoolChanged, bookings.ClaimTaken, ChangedMeanwhile):
            continue  # the next round raises the error of the change, or takes the remaining dates
        pairs = [(before, after) for (before, _), after in zip(changes, stored, strict=True)]
        check = partial(_check, people=people)
        changed = {booking.id: booking for booking in confirmed_all(db, known, pairs, check)}
        return tuple(changed.get(before.id, before) for before in own)
    raise ChangedMeanwhile(DATES)


def _checked(series_id: str, from_date: Date | None, by: Actor) -> str:
    rules.check_actor(by)
    if from_date is not None:
        check_date(from_date, "from_date")
    return check_booking_id(series_id, "series_id")


def _dates(
    db: Documents, series_id: str, from_date: Date | None, by: Actor, now: datetime
) -> tuple[tuple[Booking, ...], tuple[Booking, ...]]:
    keeps_party = partial(follows, action=PARTY_CHANGED)
    return dates_to_change(db, series_id, from_date, _VERB, keeps_party, by, now)


def _planned(
    db: Documents,
    known: reference.Reference,
    own: tuple[Booking, ...],
    people: PartyFields,
    by: Actor,
    now: datetime,
    reason: str = "",
) -> list[tuple[Occurrence, Booking]]:
    """For each of ``own`` its problem, and the booking as changed: itself where nothing changes."""
    whom = _whom(db, known, _request(own[0], people))
    approved = next((b for b in own if b.status is Status.APPROVED), None)
    keeps = approved is None or keeps_approval(db, approved, by=by, now=now)
    taken, ids = _taken(db, whom, own), {before.id for before in own}
    held = {
        date: [other for other in found if other.id not in ids]
        for date, found in booking_queries.of_dates(db, [b.date for b in own]).items()
    }
    entry = Decision(now, by.id, by.name, PARTY_CHANGED, reason, of_series=True)
    planned: list[tuple[Occurrence, Booking]] = []
    for before in own:
        if whom.is_of(before):
            planned.append((Occurrence(before.date, None, ()), before))
            held[before.date].append(before)
            continue
        wanted = whom.put_on(
            before.with_decision(before.status if keeps else Status.PENDING, entry)
        )
        others = held[before.date]
        free = availability_of(db, known, before.date, now, held_by(others))
        problem: BookingError | None = None
        try:
            _check(known, wanted, people)
            wanted = exchanged_seats(known, before, wanted, taken)
            problem = error_on(wanted, free, others)
        except (RuleBroken, InvalidRequest, QuotaReached) as exc:
            problem = exc
        others.append(wanted)
        planned.append((Occurrence(before.date, problem, ()), wanted))
    return planned


def _taken(db: Documents, whom: _Whom, own: Iterable[Booking]) -> _Seats:
    """The held seats of the quota of ``whom`` in the weeks of ``own``."""
    pairs = {
        (holder, timetable.iso_week(before.date)): None
        for before in own
        for holder, _ in whom.put_on(before).quota_holders
    }
    return bookings.taken_seats(db, pairs)
