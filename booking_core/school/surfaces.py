"""What a change of a ground's surfaces does to its bookings.

A booking claims the surfaces that its ground had when it took its slot. So a change of them gives
every booking that is not over the claims of the new ones, in the transaction of the change. A
booking that is stored at that moment with the old ones is found by a second look; its own second
look at the school finds the change otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date as Date
from datetime import datetime

from booking_core.domain import timetable
from booking_core.domain.errors import ChangedMeanwhile, InvalidRequest, StoreUnavailable
from booking_core.domain.model import Actor, Booking, Decision, Ground, Status
from booking_core.domain.names import key_of
from booking_core.storage.bookings import transactions
from booking_core.storage.bookings.writes import ClaimTaken
from booking_core.storage.client.database import Documents, settings_of
from booking_core.storage.school import data as reference

_ROUNDS = 5
_SYSTEM = "system"
_NOT_SHOWN = "The ground got other surfaces at the moment of the booking."


@dataclass(frozen=True, slots=True)
class _Step:
    """The bookings of a ground and of those that lie on one of its new surfaces, as of ``now``."""

    ground: Ground
    own: list[Booking]
    others: list[Booking]

    def overlapping(self) -> list[Booking]:
        """The bookings of the ground that need what another ground's booking holds."""
        return [b for b in self.own if b.kind == "booking" and self._taken(b)]

    def placed(self, booking: Booking) -> Booking | None:
        """``booking`` on the new surfaces; None for a closure of which nothing is left to close."""
        free = tuple(s for s in self.ground.surfaces if s not in self._taken(booking))
        return booking.placed(booking.slot, free) if free else None

    def _taken(self, booking: Booking) -> set[str]:
        """The new surfaces that others hold at the time of ``booking``."""
        marks = set(timetable.marks(booking.start, booking.end))
        return {
            surface
            for other in self.others
            if other.date == booking.date
            and not marks.isdisjoint(timetable.marks(other.start, other.end))
            for surface in other.held_surfaces
        }.intersection(self.ground.surfaces)


def with_known_spelling(ground: Ground, stored: Mapping[str, Ground]) -> Ground:
    """``ground`` with each surface spelled as another of the ``stored`` grounds spells it.

    Bookings claim the spelling, so one surface in two spellings could be booked twice. A spelling
    that is stored stays, also beside another one: the bookings there have claimed it.
    """
    kept = {surface for one in stored.values() for surface in one.surfaces}
    others = (one for one in stored.values() if one.id != ground.id)
    known = {key_of(surface): surface for one in others for surface in one.surfaces}
    spelled = [s if s in kept else known.get(key_of(s), s) for s in ground.surfaces]
    return replace(ground, surfaces=tuple(spelled))


def overlapping(db: Documents, ground: Ground, now: datetime) -> list[Booking]:
    """The upcoming bookings that ``ground`` cannot keep, by date and time.

    Bookings or closures of other grounds hold a part of its surfaces then.
    """
    grounds = reference.load(db).grounds.values()
    return transactions.reading(
        db, lambda looking: _look(db, looking, ground, grounds, now).overlapping()
    )


def claim(
    db: Documents,
    step: transactions.BookingTransaction,
    ground: Ground,
    grounds: Iterable[Ground],
    revoke: Collection[str],
    by: Actor | None,
    reason: str,
    now: datetime,
) -> list[Booking]:
    """Gives the bookings of ``ground`` the claims of its surfaces, within a transaction that stores
    it; revokes those of ``revoke``, which are all that overlap. What is revoked.

    A closure closes of the new surfaces what nobody else holds. Raises ClaimTaken, ChangedMeanwhile
    for other bookings than ``revoke``, InvalidRequest if it is empty.
    """
    found = _look(db, step, ground, grounds, now)
    lost = {booking.id for booking in found.overlapping()}
    if lost != set(revoke):
        if not revoke:
            raise InvalidRequest("surfaces", f"would overlap {len(lost)} upcoming bookings")
        raise ChangedMeanwhile("the list of bookings")
    return _written(step, found, lost, by, reason, now)


def claim_late(db: Documents, ground: Ground, by: Actor | None, now: datetime) -> None:
    """The same for bookings stored while ``claim`` ran. Those that overlap are revoked."""

    def work(step: transactions.BookingTransaction) -> bool:
        known = reference.load(db)
        present = known.grounds.get(ground.id)
        if present is None or present.surfaces != ground.surfaces:
            return True  # a later change looks itself
        found = _look(db, step, ground, known.grounds.values(), now)
        late = [b for b in found.own if b.held_surfaces != ground.surfaces and b.kind == "booking"]
        if late:
            lost = {booking.id for booking in found.overlapping()}
            only_late = _Step(ground, late, found.others)
            _written(step, only_late, lost, by, _NOT_SHOWN, now)
        return True

    for _ in range(_ROUNDS):
        try:
            transactions.run(db, work)
        except (ClaimTaken, ChangedMeanwhile):
            continue
        return
    raise StoreUnavailable("the bookings of the ground change faster than they can be claimed")


def _look(
    db: Documents,
    step: transactions.BookingTransaction,
    ground: Ground,
    grounds: Iterable[Ground],
    now: datetime,
) -> _Step:
    zone = settings_of(db).zone
    today = now.astimezone(zone).date()
    sharing = [other.id for other in grounds if other.id != ground.id and other.shares(ground)]
    held = [
        booking
        for booking in step.held([ground.id, *sharing], today, Date.max)
        if not booking.slot.is_over(now, zone)
    ]
    return _Step(
        ground,
        [booking for booking in held if booking.ground_id == ground.id],
        [booking for booking in held if booking.ground_id != ground.id],
    )


def _written(
    step: transactions.BookingTransaction,
    found: _Step,
    lost: Collection[str],
    by: Actor | None,
    reason: str,
    now: datetime,
) -> list[Booking]:
    actor = (by.id, by.name) if by else (_SYSTEM, "System")
    ended = []
    for before in found.own:
        if before.id in lost:
            ended.append((before, before.with_decision(Status.REVOKED, _entry(actor, now, reason))))
        elif (after := found.placed(before)) is None:
            entry = Decision(now, *actor, "lifted", reason)
            ended.append((before, before.with_decision(Status.CANCELLED, entry)))
        elif after != before and step.replace(before, after) is None:
            raise ChangedMeanwhile("the list of bookings")
    stored = step.end_apart(ended)
    if stored is None:
        raise ChangedMeanwhile("the list of bookings")
    revoked = [booking for booking in stored if booking.status is Status.REVOKED]
    if revoked and by is not None:
        step.notify("displaced", revoked, by, reason)
    return revoked


def _entry(actor: tuple[str, str], now: datetime, reason: str) -> Decision:
    return Decision(now, *actor, "revoked", reason)
