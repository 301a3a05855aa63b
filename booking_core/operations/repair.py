"""``doctor --repair``: derives the claims of bookings again where the stored ones are wrong."""

from __future__ import annotations

from dataclasses import dataclass

from booking_core.domain.claims import claims_of
from booking_core.domain.model import Booking
from booking_core.storage.bookings import claims_repair as store
from booking_core.storage.bookings.claims_repair import WrongClaims
from booking_core.storage.client.database import Documents
from booking_core.storage.client.verbs import reachable


@dataclass(frozen=True, slots=True)
class Repair:
    """A booking with wrong claims. ``held_by``: the booking that holds a right one, "" for none."""

    wrong: WrongClaims
    held_by: str

    @property
    def booking(self) -> Booking:
        return self.wrong.booking

    @property
    def changes(self) -> tuple[int, int]:
        """How many claims are added, and how many are removed."""
        stored = self.wrong.stored if isinstance(self.wrong.stored, list) else []
        before, after = set(map(str, stored)), set(claims_of(self.booking))
        return len(after - before), len(before - after)


def find_repairs(db: Documents) -> list[Repair]:
    """A repair for each booking with wrong claims; changes nothing. Raises StoreUnavailable."""
    with reachable(None):  # it reads every booking
        found = list(store.find_wrong(db))
    return [Repair(one, store.holder_of(db, one.booking) or "") for one in found]


def repair(db: Documents, repairs: list[Repair]) -> list[Repair]:
    """Makes the ``repairs`` and returns those that were not possible.

    A right claim that another booking holds is never taken from it: the unique index decides.
    Raises SchemaMissing, StoreUnavailable.
    """
    left = [one for one in repairs if not one.held_by]
    while True:
        # Two bookings may have each other's claims: one that fails may succeed after another.
        failed = [one for one in left if not store.store_again(db, one.wrong)]
        if len(failed) in (0, len(left)):
            return [one for one in repairs if one.held_by] + failed
        left = failed
