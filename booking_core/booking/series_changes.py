"""What the changes of a series have in common: their dates, and their one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime

from booking_core.booking.preconditions import already_decided
from booking_core.domain import rules
from booking_core.domain.errors import ChangedMeanwhile, InvalidRequest, NotFound, PartOfSet
from booking_core.domain.model import Actor, Booking, Slot
from booking_core.domain.series import Occurrence, ahead
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.bookings import transactions
from booking_core.storage.client.database import Documents, settings_of
from booking_core.storage.school import data as reference

DATES = "the dates of this series"


@dataclass(frozen=True, slots=True)
class SeriesChange:
    """What ``move_series`` or ``change_series_party`` would do.

    ``bookings`` are the dates that change, as they are, and ``dates`` says of each whether it can.
    One that is as wanted already is among them. ``apart`` are dates to come that stay, since
    somebody made such a change of each by itself.
    """

    bookings: tuple[Booking, ...]
    dates: tuple[Occurrence, ...]
    apart: tuple[Booking, ...]

    @property
    def problems(self) -> tuple[Occurrence, ...]:
        return tuple(one for one in self.dates if one.problem is not None)


def dates_to_change(
    db: Documents,
    series_id: str,
    from_date: Date | None,
    verb: str,
    follows: Callable[[Booking], bool],
    by: Actor,
    now: datetime,
) -> tuple[tuple[Booking, ...], tuple[Booking, ...]]:
    """The dates to come that ``verb`` changes, and those that stay since they do not follow.

    Raises NotFound, PartOfSet, NotAllowed, AlreadyDecided and InvalidRequest where none is left.
    """
    found = booking_queries.of_series(db, series_id)
    if not found:
        raise NotFound("series", series_id)
    if found[0].set_place is not None:
        raise PartOfSet
    found = [booking for booking in found if from_date is None or booking.date >= from_date]
    if not found:
        raise InvalidRequest("from_date", "is after the last date of the series")
    for booking in found:
        rules.check_may(verb, by, booking)
    active = ahead(found, now, settings_of(db).zone)
    own = tuple(booking for booking in active if follows(booking))
    if not active:
        raise already_decided(found[-1])
    if not own:
        raise InvalidRequest("from_date", "leaves only dates that were changed by themselves")
    return own, tuple(booking for booking in active if not follows(booking))


def check_shown(expected: Mapping[str, Slot] | None) -> None:
    """Raises InvalidRequest for anything but None and slots by id."""
    if expected is not None and not (
        isinstance(expected, Mapping) and all(isinstance(s, Slot) for s in expected.values())
    ):
        raise InvalidRequest("expected", "must map ids to slots")


def check_expected(own: Sequence[Booking], expected: Mapping[str, Slot] | None) -> None:
    """Raises ChangedMeanwhile where ``own`` are not the dates that the user was shown."""
    if expected is not None and {b.id: b.slot for b in own} != dict(expected):
        raise ChangedMeanwhile(DATES)


def write_all(
    db: Documents, known: reference.Reference, changes: Sequence[tuple[Booking, Booking]]
) -> list[Booking]:
    """Writes each (before, after), all of them or none; returns the stored bookings.

    Raises SchoolChanged, ClaimTaken, and ChangedMeanwhile where one ``before`` is not stored any
    more.
    """

    def work(step: transactions.BookingTransaction) -> list[Booking]:
        step.check_school(known.revision)
        stored = step.exchange(changes)
        if stored is None:
            raise ChangedMeanwhile(DATES)
        return stored

    return transactions.run(db, work)
