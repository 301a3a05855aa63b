"""Several grounds at once, such as for a sports day: all of them or none.

Each ground has an ordinary booking. They share an id as the dates of a series do, so the verbs of a
series find, approve, reject and cancel a set too. The party is in one place only once, so the first
booking of a set claims its people and takes its seats of the quota, and the others claim their
ground alone. No user ends the first while others stay. A closing or a change of its ground does:
in the same transaction the next booking gets its place, with the people and the seats. The one that
ended has the place of the next then, and comes back as a later one.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from uuid import UUID

from booking_core.booking.boards import availability_of, held_by
from booking_core.booking.claims import check_request, wanted_by
from booking_core.booking.confirmation import confirmed
from booking_core.booking.conflicts import error_on
from booking_core.booking.parties import RequestParty, party_of, supervisor_of
from booking_core.booking.preconditions import ROUNDS
from booking_core.booking.series import Series
from booking_core.booking.series_plan import Seats
from booking_core.booking.steps import logged
from booking_core.booking.submissions import fingerprint_of, repeated
from booking_core.domain import rules
from booking_core.domain.errors import (
    BookingError,
    ChangedMeanwhile,
    InvalidRequest,
    NotAPeriod,
    QuotaReached,
    RuleBroken,
    SetConflict,
)
from booking_core.domain.model import Account, Actor, Booking
from booking_core.domain.sets import OfGround, SetRequest, part_id
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.bookings import transactions
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference


@within_deadline
def plan_set(
    db: Documents,
    request: SetRequest,
    *,
    by: Actor,
    submission_id: UUID | None = None,
    now: datetime | None = None,
) -> tuple[OfGround, ...]:
    """Which grounds of a set can be booked now. Writes nothing.

    ``submission_id``: that of ``book_set``; a ground that it has booked already is ``own``.
    Raises InvalidRequest, also for two grounds that share a surface, UnknownGround, UnknownStudent,
    UnknownClass, UnknownTeam, NotAllowed, StoreUnavailable.
    """
    _check_set(request, by)
    if submission_id is not None and not isinstance(submission_id, UUID):
        raise InvalidRequest("submission_id", "must be a UUID")
    now = moment(db, now)
    return _planned(db, reference.load(db), request, by, now, submission_id)


@within_deadline
@logged("book set")
def book_set(
    db: Documents,
    request: SetRequest,
    *,
    by: Actor,
    submission_id: UUID,
    as_approved: bool | None = None,
    now: datetime | None = None,
) -> Series:
    """Books every ground of a set, or none.

    Returns the set as a Series: ``approve_series`` and the other verbs of a series take its id. Its
    bookings are in the order of ``SetRequest.ground_ids``. ``submission_id`` with the same content
    books once, however often it is sent. Raises SetConflict with the grounds that cannot be booked,
    SubmissionReused, and what ``plan_set`` raises.
    """
    _check_set(request, by)
    if not isinstance(submission_id, UUID):
        raise InvalidRequest("submission_id", "must be a UUID")
    as_approved = rules.is_approved_at_once(as_approved, by)
    now = moment(db, now)
    for _ in range(ROUNDS):
        known = reference.load(db)
        if (sent := _sent_before(db, request, by, submission_id, as_approved)) is not None:
            return sent
        plan = _planned(db, known, request, by, now)
        # Once more: another process may have stored the set since.
        if (sent := _sent_before(db, request, by, submission_id, as_approved)) is not None:
            return sent
        _raise_problems(plan)
        party, supervisor = party_of(known, request.first), supervisor_of(db, request.first)
        work = partial(
            _insert,
            known=known,
            wanted=_wanted(known, request, party, supervisor, submission_id, by, as_approved, now),
            db=db,
        )
        try:
            made = transactions.run(db, work)
        except (transactions.SchoolChanged, bookings.AlreadyStored):
            continue
        except (bookings.ClaimTaken, QuotaReached):
            continue  # a ground was taken after the plan was made
        done = _confirmed_all(db, known, request, made, by, now)
        return Series(str(submission_id), tuple(done))
    _raise_problems(_planned(db, reference.load(db), request, by, now))
    raise ChangedMeanwhile("the list of bookings")


def _check_set(request: SetRequest, by: Actor) -> None:
    if not isinstance(request, SetRequest):
        raise InvalidRequest("request", "must be a SetRequest")
    rules.check_may("book", by)


def _raise_problems(plan: tuple[OfGround, ...]) -> None:
    if problems := [(id, problem) for id, problem, _ in plan if problem is not None]:
        raise SetConflict(problems)


def _planned(
    db: Documents,
    known: reference.Reference,
    request: SetRequest,
    by: Actor,
    now: datetime,
    sent: UUID | None = None,
) -> tuple[OfGround, ...]:
    for id in request.ground_ids:
        known.ground(id)
    if (both := request.overlap(known.grounds)) is not None:
        raise InvalidRequest("ground_ids", f"{both[0].id!r} and {both[1].id!r} share a surface")
    party, supervisor = party_of(known, request.first), supervisor_of(db, request.first)
    date, zone = request.first.date, settings_of(db).zone
    held = booking_queries.of_date(db, date)
    own = {b.id for b in held if sent and b.series == str(sent) and b.created_by == by.id}
    free = availability_of(db, known, date, now, held_by(held))
    wanted = _wanted(known, request, party, supervisor, None, by, False, now, checked=False)
    seats = Seats(db, known, wanted[0])
    seats.read([date])
    planned = []
    for place, (asked, booking) in enumerate(zip(request.requests, wanted, strict=True)):
        if sent is not None and str(part_id(sent, asked.ground_id)) in own:
            planned.append(OfGround(asked.ground_id, None, own=True))
            continue
        problem: BookingError | None = None
        try:
            check_request(known, asked, by, now, zone)
            problem = error_on(booking, free, held)
            if place == 0:
                problem = problem or seats.take(date)
        except (RuleBroken, NotAPeriod) as exc:
            problem = exc
        planned.append(OfGround(asked.ground_id, problem))
    return tuple(planned)


def _wanted(
    known: reference.Reference,
    request: SetRequest,
    party: RequestParty,
    supervisor: Account | None,
    submission_id: UUID | None,
    by: Actor,
    as_approved: bool,
    now: datetime,
    *,
    checked: bool = True,
) -> list[Booking]:
    """The bookings of a set. ``checked`` False: games may be others than those of a ground."""
    made = []
    for place, asked in enumerate(request.requests):
        id = "" if submission_id is None else str(part_id(submission_id, asked.ground_id))
        series = None if submission_id is None else str(submission_id)
        booking = wanted_by(
            known, asked, party, supervisor, id, by, as_approved, now, series, checked=checked
        )
        made.append(replace(booking, set_place=place))
    return made


def _insert(
    step: transactions.BookingTransaction,
    *,
    db: Documents,
    known: reference.Reference,
    wanted: list[Booking],
) -> list[Booking]:
    step.check_school(known.revision)
    seats = Seats(db, known, wanted[0])
    seats.read([wanted[0].date], step.taken_seats)
    made = [seats.seated(wanted[0]), *wanted[1:]]
    step.insert(made)
    return made


def _confirmed_all(
    db: Documents,
    known: reference.Reference,
    request: SetRequest,
    made: list[Booking],
    by: Actor,
    now: datetime,
) -> list[Booking]:
    """The bookings as stored; all are undone where one breaks a rule of the school as of now."""
    zone = settings_of(db).zone
    done: list[Booking] = []
    for asked, booking in zip(request.requests, made, strict=True):
        check = partial(check_request, request=asked, by=by, now=now, zone=zone)
        try:
            done.append(confirmed(db, known, None, booking, check))
        except (RuleBroken, InvalidRequest, ChangedMeanwhile) as exc:
            for other in (*done, *made[len(done) + 1 :]):
                bookings.undo(db, None, other)
            raise SetConflict([(asked.ground_id, exc)]) from exc
    return done


def _sent_before(
    db: Documents, request: SetRequest, by: Actor, submission_id: UUID, as_approved: bool
) -> Series | None:
    """The set as stored, if one of its grounds is. Raises SubmissionReused for other content."""
    found = booking_queries.of_series(db, str(submission_id))
    if not found:
        return None
    asked = {str(part_id(submission_id, one.ground_id)): one for one in request.requests}
    for booking in found:
        wanted = asked.get(booking.id, request.first)
        same = fingerprint_of(wanted, by, as_approved)
        repeated(booking, same if asked.keys() == {b.id for b in found} else "")
    stored = {booking.id: booking for booking in found}
    return Series(str(submission_id), tuple(stored[id] for id in asked))
