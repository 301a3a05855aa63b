"""Series: one request on several dates, planned before anything is written.

Each date is an ordinary booking with the id of its series. Its own id follows from the submission
and the date, so a series that is sent twice exists once. All or nothing is one transaction;
otherwise each free date is booked as by ``book``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date as Date
from datetime import datetime
from uuid import UUID

from booking_core.access.delegations import deciding_for
from booking_core.booking.claims import check_request, take, wanted_by
from booking_core.booking.confirmation import check_stored, confirmed_all
from booking_core.booking.decisions import check_reason
from booking_core.booking.parties import RequestParty, party_of, supervisor_of
from booking_core.booking.preconditions import ROUNDS, already_decided, is_repeated
from booking_core.booking.series_plan import Seats, SeriesPlan, planned
from booking_core.booking.steps import logged
from booking_core.booking.submissions import fingerprint_of, repeated
from booking_core.domain import rules
from booking_core.domain.errors import (
    BookingError,
    ChangedMeanwhile,
    Conflict,
    InvalidRequest,
    NotAllowed,
    NotAPeriod,
    NotFound,
    PartOfSet,
    QuotaReached,
    RuleBroken,
    SeriesConflict,
    SubmissionReused,
)
from booking_core.domain.labels import label_key
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
from booking_core.domain.series import Occurrence, SeriesRequest, ahead, instead_id, occurrence_id
from booking_core.domain.validation import check_booking_id, check_date, check_text
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.bookings import transactions
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference

_BOOKINGS = "the list of bookings"


@dataclass(frozen=True, slots=True)
class Series:
    """The bookings of a series by date, and the dates that were not booked."""

    id: str
    bookings: tuple[Booking, ...]
    refused: tuple[Occurrence, ...] = ()


@within_deadline
def plan_series(
    db: Documents,
    request: SeriesRequest,
    *,
    by: Actor,
    submission_id: UUID | None = None,
    now: datetime | None = None,
) -> SeriesPlan:
    """Which dates of a series can be booked now. Writes nothing.

    A date may reach as far ahead as the policy's ``series_days``. ``submission_id``: that of
    ``book_series``; dates that it has booked already are ``SeriesPlan.own``, and none of them has a
    problem. Raises InvalidRequest, UnknownGround, UnknownStudent, NotAllowed, StoreUnavailable.
    """
    _check_series(request, by)
    if submission_id is not None and not isinstance(submission_id, UUID):
        raise InvalidRequest("submission_id", "must be a UUID")
    now, sent = moment(db, now), "" if submission_id is None else str(submission_id)
    return planned(db, reference.load(db), request, by, now, sent)


@within_deadline
@logged("book series")
def book_series(
    db: Documents,
    request: SeriesRequest,
    *,
    by: Actor,
    submission_id: UUID,
    only_free: bool = False,
    as_approved: bool | None = None,
    now: datetime | None = None,
) -> Series:
    """Books every date of a series, or with ``only_free`` those that are free.

    All or nothing raises SeriesConflict with the dates that cannot be booked. With ``only_free``
    these are ``refused``, each with the free slots of its day. ``submission_id`` is the id of the
    series: the same one with the same content is booked once, however often it is sent. Raises
    InvalidRequest, NotAllowed, SubmissionReused, UnknownGround, UnknownStudent, StoreUnavailable
    too; after StoreUnavailable, sending it again ends the same.
    """
    _check_series(request, by)
    if not isinstance(submission_id, UUID):
        raise InvalidRequest("submission_id", "must be a UUID")
    if not isinstance(only_free, bool):
        raise InvalidRequest("only_free", "must be true or false")
    as_approved = rules.is_approved_at_once(as_approved, by)
    now = moment(db, now)
    if only_free:
        return _book_free(db, request, by, submission_id, as_approved, now)
    return _book_all(db, request, by, submission_id, as_approved, now)


@within_deadline
@logged("book instead")
def book_instead(
    db: Documents,
    request: SeriesRequest,
    slot: Slot,
    *,
    by: Actor,
    submission_id: UUID,
    as_approved: bool | None = None,
    now: datetime | None = None,
) -> Booking:
    """Books ``slot`` in place of a date of a series that was not booked.

    The booking is a date of the series ``submission_id``, and reaches as far ahead. A date has one
    such slot: the same one is booked once, however often it is sent, and another one raises
    SubmissionReused, as does a request for another party, game or supervisor than those of the
    series. Raises as ``book`` does too, and NotFound for somebody else's series.
    """
    _check_series(request, by)
    if not isinstance(submission_id, UUID):
        raise InvalidRequest("submission_id", "must be a UUID")
    if not isinstance(slot, Slot):
        raise InvalidRequest("slot", "must be a Slot")
    as_approved = rules.is_approved_at_once(as_approved, by)
    series_id, now = str(submission_id), moment(db, now)
    found = booking_queries.of_series(db, series_id)
    if found and found[0].created_by != by.id:
        raise NotFound("series", series_id)
    if found and not any(_is_for(booking, request.first) for booking in found):
        raise SubmissionReused(submission_id)
    id = str(instead_id(submission_id, slot.date))
    is_again = any(booking.id == id for booking in found)
    if not is_again and slot.date not in request.all_dates(reference.load(db).year):
        raise InvalidRequest("date", "is no date of the series")
    if booking_queries.of_ids(db, [str(occurrence_id(submission_id, slot.date))]):
        raise InvalidRequest("date", "is booked by the series already")
    wanted = replace(
        request.on(slot.date), ground_id=slot.ground_id, start=slot.start, end=slot.end
    )
    return take(db, wanted, id, by, as_approved, now, may_repeat=True, series=series_id)


def _is_for(booking: Booking, request: BookingRequest) -> bool:
    """Whether ``booking`` has the party, the game and the supervisor of ``request``."""
    return (
        tuple(student.id for student in booking.students) == request.students
        and booking.team_id == request.team_id
        and (booking.party is Party.STAFF) == request.for_staff
        and (
            request.class_name is None
            or label_key(booking.class_name) == label_key(request.class_name)
        )
        and label_key(booking.game) == label_key(request.game)
        and booking.supervisor_id == request.supervisor_id
    )


@within_deadline
@logged("approve series")
def approve_series(
    db: Documents,
    series_id: str,
    *,
    by: Actor,
    expected: Mapping[str, Slot | Booking] | None = None,
    now: datetime | None = None,
) -> tuple[Booking, ...]:
    """Pending -> Approved for every date of a series that is not over, all or none.

    ``expected`` (id -> booking or slot) are the requests that the user was shown, as in
    ``approve``: ChangedMeanwhile is raised for others. Raises as ``approve`` does.
    """
    return _decide(db, series_id, "approve", by, "", expected, now)


@within_deadline
@logged("reject series")
def reject_series(
    db: Documents,
    series_id: str,
    *,
    by: Actor,
    reason: str,
    expected: Mapping[str, Slot | Booking] | None = None,
    now: datetime | None = None,
) -> tuple[Booking, ...]:
    """Pending -> Rejected for every date of a series that is not over, all or none.

    ``expected`` as in ``approve_series``. Raises as ``reject`` does, and PartOfSet where the first
    ground of a set would end while others, which are approved, stay.
    """
    return _decide(db, series_id, "reject", by, check_reason(reason), expected, now)


@within_deadline
@logged("cancel series")
def cancel_series(
    db: Documents,
    series_id: str,
    *,
    by: Actor,
    from_date: Date | None = None,
    reason: str = "",
    expected: Mapping[str, Slot | Booking] | None = None,
    now: datetime | None = None,
) -> tuple[Booking, ...]:
    """Cancels the active dates of a series that have not begun, from ``from_date`` on; all or none.

    For its author, a principal or an admin. ``expected`` (id -> slot) are the dates that the user
    was shown; ChangedMeanwhile is raised for others. Sent again, it answers as the first time.
    Raises NotAllowed, NotFound, AlreadyDecided where nothing is left to cancel, InvalidRequest,
    StoreUnavailable.
    """
    rules.check_actor(by)
    series_id, reason = check_booking_id(series_id, "series_id"), check_text(reason, "reason")
    if from_date is not None:
        check_date(from_date, "from_date")
    _check_expected(expected)
    now, zone = moment(db, now), settings_of(db).zone

    def work(step: transactions.BookingTransaction) -> tuple[Booking, ...]:
        found = [b for b in _stored(step, series_id) if from_date is None or b.date >= from_date]
        for booking in found:
            rules.check_may("cancel", by, booking)
        entry = Decision(now, by.id, by.name, "cancelled", reason)
        left = ahead(found, now, zone)
        _compare(left, expected)
        changes = [(before, before.with_decision(Status.CANCELLED, entry)) for before in left]
        return _ended(step, changes, found, "cancelled", by, reason)

    return transactions.run(db, work)


def _check_series(request: SeriesRequest, by: Actor) -> None:
    if not isinstance(request, SeriesRequest):
        raise InvalidRequest("request", "must be a SeriesRequest")
    rules.check_may("book", by)


# --- booking


def _book_all(
    db: Documents,
    request: SeriesRequest,
    by: Actor,
    submission_id: UUID,
    as_approved: bool,
    now: datetime,
) -> Series:
    series_id = str(submission_id)
    for _ in range(ROUNDS):
        # Before the school is asked: the term, the team or the supervisor may be gone since.
        sent = _sent_before(db, request, by, submission_id, as_approved, is_whole=True)
        if sent is not None:
            return sent
        known = reference.load(db)
        dates = request.all_dates(known.year)
        if not _pass_rules(db, known, request, dates, by, now):
            raise SeriesConflict(planned(db, known, request, by, now).problems)
        party, supervisor = party_of(known, request.first), supervisor_of(db, request.first)

        def work(
            step: transactions.BookingTransaction,
            known: reference.Reference = known,
            dates: tuple[Date, ...] = dates,
            party: RequestParty = party,
            supervisor: Account | None = supervisor,
        ) -> list[Booking]:
            step.check_school(known.revision)
            wanted = [
                wanted_by(
                    known,
                    request.on(date),
                    party,
                    supervisor,
                    str(occurrence_id(submission_id, date)),
                    by,
                    as_approved,
                    now,
                    series_id,
                    request.rule,
                )
                for date in dates
            ]
            seats = Seats(db, known, wanted[0])
            seats.read(dates, step.taken_seats)
            made = [seats.seated(booking) for booking in wanted]
            step.insert(made)
            return made

        try:
            made = transactions.run(db, work)
        except (transactions.SchoolChanged, bookings.AlreadyStored):
            continue
        except (bookings.ClaimTaken, QuotaReached):
            # Another process may have booked the same series.
            sent = _sent_before(db, request, by, submission_id, as_approved, is_whole=True)
            if sent is not None:
                return sent
            if problems := planned(db, known, request, by, now).problems:
                raise SeriesConflict(problems) from None
            continue  # it was cancelled since

        def check(fresh: reference.Reference, booking: Booking) -> object:
            on = request.on(booking.date)
            return check_request(fresh, on, by, now, settings_of(db).zone, is_series=True)

        pairs = [(None, booking) for booking in made]
        return Series(series_id, tuple(confirmed_all(db, known, pairs, check)))
    raise ChangedMeanwhile(_BOOKINGS)


def _pass_rules(
    db: Documents,
    known: reference.Reference,
    request: SeriesRequest,
    dates: tuple[Date, ...],
    by: Actor,
    now: datetime,
) -> bool:
    """Whether no date breaks a rule, whatever is booked."""
    zone = settings_of(db).zone
    try:
        for date in dates:
            check_request(known, request.on(date), by, now, zone, is_series=True)
    except (RuleBroken, NotAPeriod):
        return False
    return True


def _book_free(
    db: Documents,
    request: SeriesRequest,
    by: Actor,
    submission_id: UUID,
    as_approved: bool,
    now: datetime,
) -> Series:
    series_id, known = str(submission_id), reference.load(db)
    sent = _sent_before(db, request, by, submission_id, as_approved)
    booked = {booking.id: booking for booking in sent.bookings} if sent is not None else {}
    try:
        dates = planned(db, known, request, by, now, series_id).dates
    except InvalidRequest as exc:
        if sent is None:
            raise
        # The term, the team or the supervisor is gone since.
        dates = _without_plan(known, request, exc)
    won: list[Booking] = []
    refused: list[Occurrence] = []
    for one in dates:
        id = str(occurrence_id(submission_id, one.date))
        if id in booked:
            won.append(booked.pop(id))
            continue
        if one.problem is not None and not isinstance(one.problem, QuotaReached):
            refused.append(one)
            continue
        try:
            won.append(
                take(
                    db,
                    request.on(one.date),
                    id,
                    by,
                    as_approved,
                    now,
                    may_repeat=True,
                    series=series_id,
                    rule=request.rule,
                )
            )
        except (RuleBroken, Conflict, NotAPeriod) as exc:
            alternatives = tuple(getattr(exc, "alternatives", ()))
            refused.append(Occurrence(one.date, exc, alternatives))
    # The school's year no longer has the dates of the others.
    return Series(series_id, (*won, *booked.values()), tuple(refused))


def _without_plan(
    known: reference.Reference, request: SeriesRequest, problem: BookingError
) -> tuple[Occurrence, ...]:
    """The dates of ``request``, each with ``problem``; none where the year gives it none."""
    try:
        dates = request.all_dates(known.year)
    except InvalidRequest:
        return ()
    return tuple(Occurrence(date, problem, ()) for date in dates)


def _sent_before(
    db: Documents,
    request: SeriesRequest,
    by: Actor,
    submission_id: UUID,
    as_approved: bool,
    *,
    is_whole: bool = False,
) -> Series | None:
    """The series as stored, if one of its dates is. Raises SubmissionReused for other content.

    ``is_whole``: other dates are other content too, unless they follow from the school's year,
    which may have changed: then the rule that makes them tells.
    """
    stored = booking_queries.of_series(db, str(submission_id))
    if not stored:
        return None
    ids = {str(occurrence_id(submission_id, date)): date for date in request.possible_dates()}
    found = [booking for booking in stored if booking.id in ids] or stored
    if is_whole and not request.follows_year and ids.keys() != {b.id for b in stored}:
        raise SubmissionReused(submission_id)
    for booking in found:
        on = request.on(ids.get(booking.id, booking.date))
        repeated(booking, fingerprint_of(on, by, as_approved, request.rule))
    return Series(str(submission_id), tuple(b for b in stored if b.id in ids))


# --- decisions


def _decide(
    db: Documents,
    series_id: str,
    verb: str,
    by: Actor,
    reason: str,
    expected: Mapping[str, Slot | Booking] | None,
    now: datetime | None,
) -> tuple[Booking, ...]:
    rules.check_actor(by)
    series_id = check_booking_id(series_id, "series_id")
    _check_expected(expected)
    now, zone = moment(db, now), settings_of(db).zone
    action, target = {
        "approve": ("approved", Status.APPROVED),
        "reject": ("rejected", Status.REJECTED),
    }[verb]
    principal = deciding_for(db, verb, by, now)
    for _ in range(ROUNDS):
        known = reference.load(db)
        pairs: list[tuple[Booking, Booking]] = []

        def work(
            step: transactions.BookingTransaction,
            known: reference.Reference = known,
            pairs: list[tuple[Booking, Booking]] = pairs,
        ) -> tuple[Booking, ...]:
            pairs.clear()
            if verb == "approve":
                step.check_school(known.revision)
            found = _stored(step, series_id)
            waiting = [
                b for b in found if b.status is Status.PENDING and not b.slot.is_over(now, zone)
            ]
            for before in waiting or found:
                if not principal:
                    rules.check_may(verb, by, before)
                elif verb == "approve" and before.created_by == by.id:
                    raise NotAllowed("approve an own request", by.role.value)
            _compare(waiting, expected)
            if verb == "reject":
                _check_first_of_set(waiting, found)
            entry = Decision(now, by.id, by.name, action, reason, principal)
            for before in waiting:
                if verb == "approve":
                    check_stored(known, before)
                pairs.append((before, before.with_decision(target, entry)))
            return _ended(step, pairs, found, action, by, reason)

        try:
            decided = transactions.run(db, work)
        except transactions.SchoolChanged:
            continue
        if verb == "reject":
            return decided
        stored = {booking.id: booking for booking in decided}
        changed = [(before, stored[before.id]) for before, _ in pairs]
        confirmed = {b.id: b for b in confirmed_all(db, known, changed)}
        return tuple(confirmed.get(booking.id, booking) for booking in decided)
    raise ChangedMeanwhile("the school")


def _check_expected(expected: Mapping[str, Slot | Booking] | None) -> None:
    if expected is None:
        return
    if not isinstance(expected, Mapping) or not all(
        isinstance(shown, Slot | Booking) for shown in expected.values()
    ):
        raise InvalidRequest("expected", "must map ids to bookings or slots")


def _compare(left: list[Booking], expected: Mapping[str, Slot | Booking] | None) -> None:
    """Raises ChangedMeanwhile where others than ``expected`` are left.

    None is left where the same verb was sent before.
    """
    if not left or expected is None:
        return
    if {one.id for one in left} != expected.keys() or not all(
        one.is_as(expected[one.id]) for one in left
    ):
        raise ChangedMeanwhile("the dates of this series")


def _check_first_of_set(ending: list[Booking], found: list[Booking]) -> None:
    """Raises PartOfSet where the first ground of a set ends and others do not.

    Their people, whom it claims, could be booked elsewhere at that time.
    """
    ids = {booking.id for booking in ending}
    stay = any(booking.status.is_active and booking.id not in ids for booking in found)
    if stay and any(booking.set_place == 0 for booking in ending):
        raise PartOfSet


def _stored(step: transactions.BookingTransaction, series_id: str) -> list[Booking]:
    found = step.of_series(series_id)
    if not found:
        raise NotFound("series", series_id)
    return found


def _ended(
    step: transactions.BookingTransaction,
    changes: list[tuple[Booking, Booking]],
    found: list[Booking],
    action: str,
    by: Actor,
    reason: str,
) -> tuple[Booking, ...]:
    """Writes ``changes``. Without any: the bookings that ``by`` changed so before."""
    if not changes:
        same = [b for b in found if is_repeated(b, action, by, reason)]
        if same:
            return tuple(same)
        if found:
            raise already_decided(found[-1])
        raise InvalidRequest("from_date", "is after the last date of the series")
    stored = step.replace_all(changes)
    if stored is None:
        raise ChangedMeanwhile(_BOOKINGS)
    return tuple(stored)
