"""Offering a swap to the author of another booking, and answering.

The author who accepts makes the swap, by the rules and in the transaction of ``swap``. The offer is
taken in the same transaction, so one that was withdrawn a moment before is not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid5

from booking_core.booking import swaps
from booking_core.booking.preconditions import existing_pair
from booking_core.booking.steps import logged
from booking_core.domain import rules
from booking_core.domain.errors import (
    BookingError,
    ChangedMeanwhile,
    InvalidRequest,
    NotAllowed,
    NotFound,
)
from booking_core.domain.model import Actor, Booking, Slot
from booking_core.domain.records import Notice
from booking_core.domain.swap_offers import SwapOffer
from booking_core.domain.validation import check_booking_id, check_id, check_text
from booking_core.storage.access import accounts
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.bookings import swap_offers as store
from booking_core.storage.bookings import transactions
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline

MOST_OFFERS = 10  # that one author has open
_NAMES = UUID("3f4f3ad1-5c3b-4f5e-9d57-2f6f3f0f7a10")
_OFFER = "this offer of a swap"


@within_deadline
def plan_swap_offer(
    db: Documents, given_id: str, wanted_id: str, *, by: Actor, now: datetime | None = None
) -> tuple[Booking, Booking]:
    """Both bookings as they would be once the offer is accepted, for either author. Writes nothing.

    Raises as ``offer_swap`` does.
    """
    now = moment(db, now)
    given, wanted = _of_two_authors(db, given_id, wanted_id, by)
    if by.id not in (given.created_by, wanted.created_by):
        raise NotAllowed("swap", by.role.value)
    return swaps.plan(db, (given, wanted), _author(db, wanted), now)


@within_deadline
@logged("offer a swap")
def offer_swap(
    db: Documents,
    given_id: str,
    wanted_id: str,
    *,
    reason: str = "",
    expected: Mapping[str, Slot] | None = None,
    by: Actor,
    now: datetime | None = None,
) -> SwapOffer:
    """Offers an own booking in exchange for another author's. That author gets a notice.

    Sent again, it is the same offer; one that was withdrawn is open again, and told again.
    ``expected`` (id -> slot) is what the user saw; other slots raise ChangedMeanwhile. Raises
    InvalidRequest, also for a booking of one's own and where that author has declined it or cannot
    answer, NotFound and NotAllowed for a given booking of somebody else, and the errors of ``swap``
    where the two cannot be swapped.
    """
    if expected is not None and not isinstance(expected, Mapping):
        raise InvalidRequest("expected", "must map ids to slots")
    reason = check_text(reason, "reason")
    now = moment(db, now)
    given, wanted = _of_two_authors(db, given_id, wanted_id, by)
    if given.created_by != by.id:
        raise NotAllowed("swap", by.role.value)
    slots = {given.id: given.slot, wanted.id: wanted.slot}
    if expected is not None and dict(expected) != slots:
        raise ChangedMeanwhile("one of these bookings")
    swaps.plan(db, (given, wanted), _author(db, wanted), now)
    name = f"{given.id}:{given.revision}:{wanted.id}:{wanted.revision}"
    offer = SwapOffer(
        str(uuid5(_NAMES, name)),
        given.id,
        wanted.id,
        slots,
        now,
        by.id,
        by.name,
        wanted.created_by,
        reason,
    )
    stored, status = store.read(db, offer.id) or (offer, None)
    if status == store.OPEN:
        return stored
    if status == "declined":
        raise InvalidRequest("wanted_id", "was not given: its author has declined this swap")
    mine = [one for one in swap_offers(db, by=by, now=now) if one.by == by.id]
    if len(mine) >= MOST_OFFERS:
        raise InvalidRequest("given_id", f"is one offer too many: {MOST_OFFERS} are open")

    def work(step: transactions.BookingTransaction) -> bool:
        if is_open := step.open_offer(offer):
            step.tell(_notice(offer, "swap_offered", offer.at, by))
        return is_open

    if transactions.run(db, work):
        return offer
    stored, status = _read(db, offer.id, by)
    if status != store.OPEN:
        raise ChangedMeanwhile(_OFFER)
    return stored  # it was sent twice at this moment


@within_deadline
def swap_offers(db: Documents, *, by: Actor, now: datetime | None = None) -> list[SwapOffer]:
    """The offers that ``by`` has made or may answer, the earliest first, without those that are
    over: a booking of theirs was changed or has begun."""
    rules.check_actor(by)
    now, zone = moment(db, now), settings_of(db).zone
    found = store.open_of(db, [by.id])
    ids = {id for offer in found for id in offer.slots}
    bookings = {one.id: one for one in booking_queries.of_ids(db, ids)} if ids else {}
    return [
        replace(offer, given=bookings[offer.given_id], wanted=bookings[offer.wanted_id])
        for offer in found
        if not offer.is_over(bookings, now, zone)
    ]


@within_deadline
@logged("accept a swap")
def accept_swap(
    db: Documents, offer_id: str, *, by: Actor, now: datetime | None = None
) -> tuple[Booking, Booking]:
    """Swaps the two bookings of an offer to ``by``: the given one, then the wanted one.

    The author of the offer gets a notice. A repeated call returns the first result. Raises
    NotFound, NotAllowed, ChangedMeanwhile where the offer is over, and as ``swap`` does.
    """
    offer, _ = _offer_to(db, offer_id, by)
    now = moment(db, now)

    def check(both: Iterable[Booking]) -> None:
        given, wanted = both
        _, status = _offer_to(db, offer_id, by)
        authors = (given.created_by, wanted.created_by)
        if status != store.OPEN or authors != (offer.by, offer.to):
            raise ChangedMeanwhile(_OFFER)

    def take(step: transactions.BookingTransaction) -> None:
        if not step.end_offer(offer.id, "accepted"):
            raise ChangedMeanwhile(_OFFER)
        step.mark_notice_read(_notice_id(offer, "swap_offered"), offer.to)

    ids = (offer.given_id, offer.wanted_id)
    try:
        return swaps.swap_as_seen(
            db, ids, dict(offer.slots), reason=offer.reason, by=by, now=now, check=check, also=take
        )
    except BookingError:
        # Where the school changed at that moment, both are back in their slots.
        if all(one.slot == offer.slots[one.id] for one in existing_pair(db, ids)):
            store.set_status(db, offer.id, "accepted", store.OPEN)
        raise


@within_deadline
@logged("decline a swap")
def decline_swap(db: Documents, offer_id: str, *, by: Actor, now: datetime | None = None) -> None:
    """Declines an offer to ``by``; its author gets a notice. A repeated call changes nothing.

    Raises NotFound, NotAllowed, ChangedMeanwhile for one that was accepted or withdrawn.
    """
    offer, _ = _offer_to(db, offer_id, by)
    now = moment(db, now)

    def work(step: transactions.BookingTransaction) -> bool:
        if not step.end_offer(offer.id, "declined"):
            return False
        step.mark_notice_read(_notice_id(offer, "swap_offered"), offer.to)
        step.tell(_notice(offer, "swap_declined", now, by))
        return True

    if not transactions.run(db, work) and _read(db, offer.id, by)[1] != "declined":
        raise ChangedMeanwhile(_OFFER)


@within_deadline
@logged("withdraw a swap")
def withdraw_swap(db: Documents, offer_id: str, *, by: Actor) -> None:
    """Takes an own offer back. Raises NotFound, NotAllowed, ChangedMeanwhile for one that was
    answered."""
    offer, _ = _read(db, offer_id, by)
    if offer.by != by.id:
        raise NotAllowed("swap", by.role.value)

    def work(step: transactions.BookingTransaction) -> bool:
        if not step.end_offer(offer.id, "withdrawn"):
            return False
        step.withdraw_notice(_notice_id(offer, "swap_offered"))
        step.mark_notice_read(_notice_id(offer, "swap_offered"), offer.to)  # one in a mail
        return True

    if not transactions.run(db, work) and _read(db, offer.id, by)[1] != "withdrawn":
        raise ChangedMeanwhile(_OFFER)


def notices_of(
    db: Documents, changed: Collection[Booking], now: datetime
) -> tuple[list[str], list[str]]:
    """The ids of the notices of unanswered offers of the ``changed`` bookings: of those that are
    over, and of those that can be accepted."""
    ids, authors = {one.id for one in changed}, {one.created_by for one in changed}
    stored = store.open_of(db, authors) if authors else []
    found = [offer for offer in stored if ids & offer.slots.keys()]
    wanted = {id for offer in found for id in offer.slots}
    bookings = {one.id: one for one in booking_queries.of_ids(db, wanted)} if wanted else {}
    over: list[str] = []
    open: list[str] = []
    for offer in found:
        is_over = offer.is_over(bookings, now, settings_of(db).zone)
        (over if is_over else open).append(_notice_id(offer, "swap_offered"))
    return over, open


def _of_two_authors(
    db: Documents, given_id: str, wanted_id: str, by: Actor
) -> tuple[Booking, Booking]:
    """Both bookings as stored; raises InvalidRequest for two of one author, NotFound."""
    rules.check_actor(by)
    given_id, wanted_id = check_booking_id(given_id), check_booking_id(wanted_id)
    given, wanted = existing_pair(db, (given_id, wanted_id))
    if wanted.created_by == given.created_by:
        raise InvalidRequest("wanted_id", "is of the same author, who needs no offer")
    return given, wanted


def _author(db: Documents, booking: Booking) -> Actor:
    """The author of ``booking``. Raises InvalidRequest if the account cannot answer an offer."""
    stored = accounts.read(db, booking.created_by)
    if stored is None or not stored.account.active:
        raise InvalidRequest("wanted_id", "has no author who could answer")
    return stored.account.actor


def _read(db: Documents, offer_id: str, by: Actor) -> tuple[SwapOffer, str]:
    rules.check_actor(by)
    found = store.read(db, check_id(offer_id, "offer_id"))
    if found is None:
        raise NotFound("offer of a swap", offer_id)
    return found


def _offer_to(db: Documents, offer_id: str, by: Actor) -> tuple[SwapOffer, str]:
    found = _read(db, offer_id, by)
    if found[0].to != by.id:
        raise NotAllowed("swap", by.role.value)
    return found


def _notice(offer: SwapOffer, kind: str, now: datetime, by: Actor) -> Notice:
    """The notice of an offer or of an answer."""
    to, about = (
        (offer.to, offer.wanted_id) if kind == "swap_offered" else (offer.by, offer.given_id)
    )
    return Notice(
        _notice_id(offer, kind),
        now,
        to,
        kind,
        about,
        offer.slots[about],
        offer.reason if kind == "swap_offered" else "",
        by.name,
        False,
    )


def _notice_id(offer: SwapOffer, kind: str) -> str:
    return str(uuid5(_NAMES, f"{offer.id}:{kind}:{offer.at.timestamp():.3f}"))
