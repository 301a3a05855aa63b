"""Several grounds at once: one request for the same periods of one day. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID, uuid5

from booking_core.domain.errors import BookingError, InvalidRequest
from booking_core.domain.model import Booking, BookingRequest, Ground
from booking_core.domain.validation import check_id, minutes

MOST_GROUNDS = 40  # of one set; all of them are booked in one transaction


@dataclass(frozen=True, slots=True)
class SetRequest:
    """The periods and the party of ``first``, on its ground and on the ``ground_ids``.

    ``ground_ids`` may name the ground of ``first`` too. At least two grounds.
    """

    first: BookingRequest
    ground_ids: tuple[str, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.first, BookingRequest):
            raise InvalidRequest("first", "must be a BookingRequest")
        if isinstance(self.ground_ids, str) or not isinstance(self.ground_ids, Iterable):
            raise InvalidRequest("ground_ids", "must be a list of ids")
        ids = [check_id(id, "ground_ids") for id in self.ground_ids]
        if len(set(ids)) < len(ids):
            raise InvalidRequest("ground_ids", "names one entry twice")
        ids = [self.first.ground_id, *(id for id in ids if id != self.first.ground_id)]
        if not 2 <= len(ids) <= MOST_GROUNDS:
            raise InvalidRequest("ground_ids", f"must be 2 to {MOST_GROUNDS} grounds")
        object.__setattr__(self, "ground_ids", tuple(ids))

    @property
    def requests(self) -> tuple[BookingRequest, ...]:
        """One request for each ground, that of ``first`` at the beginning."""
        return tuple(replace(self.first, ground_id=id) for id in self.ground_ids)

    def overlap(self, grounds: Mapping[str, Ground]) -> tuple[Ground, Ground] | None:
        """Two of the grounds that share a surface; None where all lie apart."""
        chosen = (grounds[id] for id in self.ground_ids if id in grounds)
        pairs = itertools.combinations(chosen, 2)
        return next(((one, other) for one, other in pairs if one.shares(other)), None)


class OfGround(NamedTuple):
    """One ground of a set. ``problem`` None: it can be booked; ``own``: this submission has booked
    it already."""

    ground_id: str
    problem: BookingError | None
    own: bool = False


def part_id(set_id: UUID, ground_id: str) -> UUID:
    """The submission id of one ground: however often a set is sent, it exists once."""
    return uuid5(set_id, ground_id)


def next_first(others: Iterable[Booking]) -> Booking | None:
    """Which of the ``others`` of a set claims its people once its first ground ends; None where
    none of them is active.

    Of those that end last, since some may have ended early: the lowest place.
    """
    active = (one for one in others if one.status.is_active)
    return min(
        active, key=lambda one: (-minutes(one.end, closing=True), one.set_place or 0), default=None
    )


def with_places_exchanged(first: Booking, other: Booking) -> tuple[Booking, Booking]:
    """The first ground of a set and another one, each with the place of the other.

    The people and the seats of the quota go with the first place.
    """
    seats = [seat for _, seat in first.quota_holders]
    after = replace(other, set_place=0).seated(first.quota_window, seats)
    return replace(first, set_place=other.set_place).seated(None, ()), after
