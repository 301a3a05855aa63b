"""Several changes of bookings that belong together: one transaction, all of them or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date as Date
from datetime import datetime
from typing import Any, TypeVar

from pymongo.client_session import ClientSession

from booking_core.domain.model import Actor, Booking, Status
from booking_core.domain.records import Notice
from booking_core.domain.sets import next_first, with_places_exchanged
from booking_core.domain.swap_offers import SwapOffer
from booking_core.storage import mail_links, notices
from booking_core.storage.bookings import queries, swap_offers
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents, settings_of
from booking_core.storage.client.transactions import snapshot, transact
from booking_core.storage.documents import revision_of, to_bookings, to_holders
from booking_core.storage.schema import schema
from booking_core.storage.transaction import Transaction

T = TypeVar("T")


class SchoolChanged(Exception):
    """The school was changed since it was read. The transaction is aborted."""


class BookingTransaction(Transaction):
    """Reads and writes of bookings, and of what changes with them."""

    def __init__(self, db: Documents, session: ClientSession) -> None:
        super().__init__(db, session)
        self._bookings = self.collection(schema.BOOKINGS)

    def held(self, ground_ids: Sequence[str], first: Date, last: Date) -> list[Booking]:
        """The active bookings and closures of these grounds from ``first`` to ``last``, by time."""
        dates = {"$gte": first.isoformat(), "$lte": last.isoformat()}
        found = self._holding(ground_ids, dates)
        return sorted(found, key=lambda b: (b.date, b.start, b.ground_id))

    def held_on(self, ground_ids: Sequence[str], dates: Sequence[Date]) -> list[Booking]:
        """The active bookings and closures of these grounds on these dates, in no order."""
        return list(self._holding(ground_ids, {"$in": [date.isoformat() for date in dates]}))

    def _holding(self, ground_ids: Sequence[str], dates: Mapping[str, Any]) -> Iterator[Booking]:
        condition = {"ground_id": {"$in": list(ground_ids)}, "date": dates, **schema.HOLDS}
        return to_holders(self._bookings.find(condition, session=self.session))

    def closures(self, id: str) -> list[Booking]:
        """The closure with this id, or those of this group, by date and ground; lifted ones too."""
        found = self._bookings.find_one({"_id": id, "kind": "closure"}, session=self.session)
        if found is not None:
            return list(to_bookings([found]))
        # The ids of a group begin with the id of the group: the primary index finds them.
        within = {"$gt": f"{id}/", "$lt": f"{id}0"}
        rows = self._bookings.find(
            {"_id": within, "kind": "closure", "closure_group": id}, session=self.session
        )
        return sorted(to_bookings(rows), key=lambda b: (b.date, b.ground_id))

    def revoked(self, ground_ids: Sequence[str], dates: Sequence[Date]) -> list[Booking]:
        """The revoked bookings of these grounds and dates."""
        condition = {
            "status": Status.REVOKED.value,
            "date": {"$in": [date.isoformat() for date in dates]},
            "ground_id": {"$in": list(ground_ids)},
            "kind": "booking",
        }
        return list(to_bookings(self._bookings.find(condition, session=self.session)))

    def displaced(self, first: Date) -> Iterator[Booking]:
        """The revoked bookings of ``first`` and later that a closure displaced once, by time."""
        condition = {
            "status": Status.REVOKED.value,
            "date": {"$gte": first.isoformat()},
            "kind": "booking",
            "history.action": "displaced",
        }
        rows = self._bookings.find(
            condition,
            sort=[("date", 1), ("start", 1), ("_id", 1)],
            hint=schema.BY_DAY,
            session=self.session,
        )
        return to_bookings(rows)

    def moved(self, first: Date, last: Date) -> list[Booking]:
        """The active bookings from ``first`` to ``last`` that have been in the way of a closure, by
        time."""
        condition = {
            **schema.HOLDS,
            "date": {"$gte": first.isoformat(), "$lte": last.isoformat()},
            "kind": "booking",
            "history.closure": {"$exists": True},
        }
        rows = self._bookings.find(condition, hint=schema.BY_DAY, session=self.session)
        return sorted(to_bookings(rows), key=lambda b: (b.date, b.start, b.id))

    def of_ids(self, ids: Iterable[str]) -> list[Booking]:
        """As ``queries.of_ids``."""
        return queries.of_ids(self.db, ids, self.session)

    def of_series(self, series_id: str) -> list[Booking]:
        """As ``queries.of_series``."""
        return queries.of_series(self.db, series_id, self.session)

    def holders(self, claims: Iterable[str]) -> list[Booking]:
        """As ``queries.holders``."""
        return queries.holders(self.db, claims, self.session)

    def taken_seats(self, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], set[int]]:
        """The seats of the quota that active bookings hold, as ``writes.taken_seats``."""
        return bookings.taken_seats(self.db, pairs, session=self.session)

    def check_school(self, revision: tuple[int, int]) -> None:
        """Raises SchoolChanged where grounds or students have another revision by now."""
        if self._revision() != revision:
            raise SchoolChanged

    def check_grounds(self, revision: int) -> None:
        """Raises SchoolChanged where grounds have another revision by now."""
        if self._revision()[0] != revision:
            raise SchoolChanged

    def _revision(self) -> tuple[int, int]:
        meta = self.collection(schema.META).find_one({"_id": "revision"}, session=self.session)
        return revision_of(meta or {})

    def insert(self, made: Sequence[Booking]) -> None:
        """Inserts bookings or closures; raises ClaimTaken, AlreadyStored."""
        for refusal in bookings.insert_all(self.db, made, self.session).values():
            raise refusal

    def replace(self, before: Booking, after: Booking) -> Booking | None:
        """As ``bookings.replace``; raises ClaimTaken."""
        return bookings.replace(self.db, before, after, self.session)

    def replace_all(self, pairs: Sequence[tuple[Booking, Booking]]) -> list[Booking] | None:
        """As ``bookings.replace_all``."""
        return bookings.replace_all(self.db, pairs, self.session)

    def end_apart(self, pairs: Sequence[tuple[Booking, Booking]]) -> list[Booking] | None:
        """As ``replace_all``, of bookings that end whatever becomes of the other grounds of a set.

        Where the first ground of a set ends, another that stays gets its place in the set, and so
        claims the people and has the seats of the quota. Its revision grows. Raises ClaimTaken.
        """
        ending = {before.id for before, _ in pairs}
        ended, handed = [], []
        for before, after in pairs:
            if before.set_place == 0:
                others = self.of_series(str(before.series))
                heir = next_first(one for one in others if one.id not in ending)
                if heir is not None:
                    after, first = with_places_exchanged(after, heir)
                    handed.append((heir, first))
            ended.append((before, after))
        stored = self.replace_all(ended)
        for heir, first in handed if stored is not None else ():
            if self.replace(heir, first) is None:
                return None
        return stored

    def exchange(self, pairs: Sequence[tuple[Booking, Booking]]) -> list[Booking] | None:
        """As ``bookings.exchange``; raises ClaimTaken."""
        return bookings.exchange(self.db, pairs, self.session)

    def undo(self, before: Booking | None, after: Booking) -> bool:
        """As ``bookings.undo``; after False the transaction must be aborted."""
        return bookings.undo(self.db, before, after, self.session)

    def notify(self, kind: str, changed: Sequence[Booking], by: Actor, reason: str) -> None:
        """Leaves a notice for the author of each of the ``changed`` bookings."""
        notices.insert(self.db, self.session, kind, changed, by, reason)

    def withdraw_notices(self, changed: Sequence[Booking], at: datetime) -> None:
        """Deletes what ``notify`` left of the change at ``at`` and nobody has read."""
        notices.withdraw_at(self.db, self.session, changed, at)

    def open_offer(self, offer: SwapOffer) -> bool:
        """As ``swap_offers.open_again``."""
        zone = settings_of(self.db).zone
        return swap_offers.open_again(self.db, self.session, offer, zone)

    def end_offer(self, offer_id: str, status: str) -> bool:
        """Gives an open offer of a swap another status; False where it is not open any more."""
        return swap_offers.set_status(self.db, offer_id, swap_offers.OPEN, status, self.session)

    def tell(self, notice: Notice) -> None:
        """As ``notices.insert_one``."""
        notices.insert_one(self.db, self.session, notice)

    def mark_notice_read(self, id: str, to: str) -> None:
        """As ``notices.mark_read``, of one notice."""
        notices.mark_read(self.db, [id], to, self.session)

    def withdraw_notice(self, id: str) -> None:
        """As ``notices.withdraw``, of one notice."""
        notices.withdraw(self.db, [id], self.session)

    def use_link(self, key: str, used_for: str, action: str, now: datetime) -> bool:
        """As ``mail_links.use``."""
        return mail_links.use(self.db, self.session, key, used_for, action, now)


def run(db: Documents, work: Callable[[BookingTransaction], T]) -> T:
    """What ``work`` returns, its writes made; none of them is made when it raises."""
    return transact(db, lambda session: work(BookingTransaction(db, session)))


def reading(db: Documents, look: Callable[[BookingTransaction], T]) -> T:
    """What ``look`` returns, which only reads, as of one moment."""
    return snapshot(db, lambda session: look(BookingTransaction(db, session)))
