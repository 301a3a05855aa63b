"""The waiting list: joining, leaving, and giving a freed slot to the first in line.

Whoever is first gets a booking by the normal path, whose id is that of the entry: however many
processes promote at once, it exists once. The index decides between it and a passer-by.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date as Date
from datetime import datetime
from uuid import UUID, uuid4

from booking_core.booking.boards import Board, day_board
from booking_core.booking.claims import book, check_request
from booking_core.booking.steps import log_step, logged
from booking_core.domain import rules
from booking_core.domain.errors import (
    Conflict,
    GroundClosed,
    InvalidRequest,
    LineFull,
    NotAllowed,
    NotFound,
    RuleBroken,
    SlotTaken,
    SubmissionReused,
)
from booking_core.domain.model import Actor, Booking, BookingRequest, Status
from booking_core.domain.timetable import iso_week
from booking_core.domain.validation import check_booking_id, check_date, check_id, check_now
from booking_core.domain.waiting import WaitingEntry, free_for, line
from booking_core.storage.access import accounts
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.bookings import waiting as store
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference


@within_deadline
@logged("join waiting list")
def join_waiting_list(
    db: Documents,
    request: BookingRequest,
    *,
    by: Actor,
    any_ground: bool = False,
    not_after: datetime | None = None,
    entry_id: UUID | None = None,
    now: datetime | None = None,
) -> WaitingEntry:
    """Waits for a slot that is booked or closed; when it frees, the first in line has it Pending.

    ``any_ground``: another ground for the game at the same time will do. ``not_after`` (aware): the
    entry ends then; None: when the slot begins. The same ``entry_id``, or the same content by the
    same author, makes one entry. Raises LineFull where as many wait as the policy allows,
    InvalidRequest, also for a slot that is free, SubmissionReused, and the errors of a broken rule
    as ``book`` does, StoreUnavailable.
    """
    if not isinstance(request, BookingRequest):
        raise InvalidRequest("request", "must be a BookingRequest")
    rules.check_actor(by)
    if not isinstance(any_ground, bool):
        raise InvalidRequest("any_ground", "must be true or false")
    if entry_id is not None and not isinstance(entry_id, UUID):
        raise InvalidRequest("entry_id", "must be a UUID")
    not_after = check_now(not_after, "not_after")
    now, zone = moment(db, now), settings_of(db).zone
    if not_after is not None and not_after.timestamp() <= now.timestamp():
        raise InvalidRequest("not_after", "has gone by")
    known = reference.load(db)
    entry = WaitingEntry(
        str(entry_id or uuid4()), request, now, by.id, by.name, by.role, any_ground, not_after
    )
    if (before := store.read(db, entry.id)) is not None:
        return _same(before[0], entry)
    check_request(known, request, by, now, zone)
    for other in store.of_date(db, request.date):
        if other.is_over(now, zone):  # it gives its place in the line back
            store.end(db, other, "ended")
    board = day_board(db, request.date, now)
    waiting = line(board.waiting, entry.slot, known.grounds.values())
    for other in waiting:
        if (other.by, other.request, other.any_ground) == (by.id, request, any_ground):
            return store.set_not_after(db, other, not_after)
    if board.holder(entry.slot) is None and not any(not one.passed for one in waiting):
        raise InvalidRequest("ground_id", "is free at that time: book it")
    if not store.insert(db, entry, known.policy.waiting_places, zone):
        raise LineFull(known.policy.waiting_places)
    # Its slot may have been freed between the look and the entry.
    promote_waiting(db, dates=[request.date], now=now)
    return entry


def _same(before: WaitingEntry, entry: WaitingEntry) -> WaitingEntry:
    if (before.by, before.request, before.any_ground) != (
        entry.by,
        entry.request,
        entry.any_ground,
    ):
        raise SubmissionReused(UUID(entry.id))
    return before


@within_deadline
@logged("leave waiting list")
def leave_waiting_list(
    db: Documents, entry_id: str, *, by: Actor, now: datetime | None = None
) -> None:
    """Ends an entry: its author's own, or for a principal or an admin anybody's.

    An entry that has ended before stays as it is. Raises NotFound, NotAllowed, InvalidRequest,
    StoreUnavailable.
    """
    rules.check_actor(by)
    entry_id = check_booking_id(entry_id)
    found = store.read(db, entry_id)
    if found is None:
        raise NotFound("waiting entry", entry_id)
    entry, _status = found
    if entry.by != by.id and not rules.may("close", by):
        raise NotAllowed("leave the waiting list for another", by.role.value)
    store.end(db, entry, "left")


@within_deadline
def waiting_list(
    db: Documents, ground_id: str, date: Date, *, now: datetime | None = None
) -> list[WaitingEntry]:
    """Who waits for slots of a ground on a date, in the order of asking; none that has ended.

    Grounds that share a surface have one line. Raises UnknownGround, InvalidRequest,
    StoreUnavailable.
    """
    ground_id, date = check_id(ground_id, "ground_id"), check_date(date, "date")
    known, now, zone = reference.load(db), moment(db, now), settings_of(db).zone
    ground = known.ground(ground_id)
    return [
        entry
        for entry in store.of_date(db, date)
        if not entry.is_over(now, zone)
        and (other := known.grounds.get(entry.slot.ground_id)) is not None
        and ground.shares(other)
    ]


@within_deadline
def waiting_ahead(db: Documents, *, now: datetime | None = None) -> list[WaitingEntry]:
    """Who waits for a slot of today or later, in the order of asking. Raises StoreUnavailable."""
    now, zone = moment(db, now), settings_of(db).zone
    found = store.of_dates_from(db, now.astimezone(zone).date())
    return [entry for entry in found if not entry.is_over(now, zone)]


@within_deadline
def waiting_of(db: Documents, by: Actor, *, now: datetime | None = None) -> list[WaitingEntry]:
    """The entries of ``by`` that wait, by date and time of their slots."""
    rules.check_actor(by)
    now, zone = moment(db, now), settings_of(db).zone
    found = store.of_author(db, by.id, now.astimezone(zone).date())
    waiting = [entry for entry in found if not entry.is_over(now, zone)]
    return sorted(waiting, key=lambda entry: (entry.request.date, entry.request.start, entry.at))


@within_deadline
def promote_waiting(
    db: Documents, *, dates: Collection[Date] | None = None, now: datetime | None = None
) -> list[Booking]:
    """Gives each free slot to the first in line who may have it. Returns the bookings it made.

    ``dates``: those whose weeks are looked at; None: all. An entry that a rule or another booking
    of its people holds up is passed over, and tried again when a day of its week changes. Raises
    StoreUnavailable; what was given until then stays, and the next call goes on.
    """
    if isinstance(dates, str) or not isinstance(dates, Iterable | None):
        raise InvalidRequest("dates", "must be a list of dates")
    now, zone = moment(db, now), settings_of(db).zone
    # A seat of a quota that is given back may let who waits on another day of the week have it.
    weeks = None if dates is None else {iso_week(check_date(date, "dates")) for date in dates}
    waiting = store.of_dates_from(db, now.astimezone(zone).date())
    made: list[Booking] = []
    for date in sorted({entry.request.date for entry in waiting}):
        if weeks is None or iso_week(date) in weeks:
            made += _promote_day(db, date, now)
    return made


def _promote_day(db: Documents, date: Date, now: datetime) -> Iterator[Booking]:
    zone = settings_of(db).zone
    if not (entries := store.of_date(db, date)):
        return
    stored = {b.id for b in booking_queries.of_ids(db, [entry.id for entry in entries])}
    board = day_board(db, date, now)
    for entry in entries:
        if entry.id in stored:  # by a process that was killed before it could say so
            store.end(db, entry, "promoted")
        elif entry.is_over(now, zone):
            store.end(db, entry, "ended")
        elif (booking := _promote(db, entry, board, now)) is not None:
            yield booking
            board = day_board(db, date, now)


def _promote(db: Documents, entry: WaitingEntry, board: Board, now: datetime) -> Booking | None:
    options = free_for(board, entry)
    if not options:
        store.set_passed(db, entry, False)
        return None
    if (by := author_of(db, entry)) is None:
        store.end(db, entry, "ended")
        return None
    passed = False
    for slot in options:
        try:
            booking = book(
                db,
                entry.on(slot.ground_id),
                by=by,
                submission_id=UUID(entry.id),
                as_approved=False,
                now=now,
            )
        except (SlotTaken, GroundClosed):
            continue  # somebody was faster
        except SubmissionReused:
            store.end(db, entry, "promoted")  # another process gave it another ground
            return None
        except (RuleBroken, Conflict, InvalidRequest, NotAllowed) as exc:
            log_step(entry.id, "passed", reason=type(exc).__name__)
            passed = True
            continue
        return _noted(db, entry, booking)
    store.set_passed(db, entry, passed)
    return None


def _noted(db: Documents, entry: WaitingEntry, booking: Booking) -> Booking | None:
    """``booking``, if this call was the one that gave it.

    Where its author has left the list meanwhile, the booking that nobody has seen goes again.
    """
    if store.end(db, entry, "promoted"):
        return booking if booking.status is Status.PENDING else None
    found = store.read(db, entry.id)
    if (found is None or found[1] != "promoted") and bookings.undo(db, None, booking):
        log_step(entry.id, "undone", layer="waiting list", reason="Left")
    return None


def author_of(db: Documents, entry: WaitingEntry) -> Actor | None:
    """Who made the entry, with the role of now; None for a disabled account."""
    found = accounts.read(db, entry.by)
    if found is None:
        return Actor(entry.by, entry.role, entry.by_name)
    return found.account.actor if found.account.active else None
