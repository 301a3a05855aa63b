"""Notices to the authors of bookings that somebody else changed, and to who asked them something.

The history of a booking is the outbox: an entry is stored in one update with its change, and
``write_notices`` makes the notice of each. Its id follows from the booking and the entry: so it
exists once, however many processes write it and wherever one is killed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from booking_core.booking import swap_offers
from booking_core.domain.errors import InvalidRequest
from booking_core.domain.model import Actor, Booking, Slot
from booking_core.domain.records import Notice
from booking_core.domain.rules import check_actor
from booking_core.domain.series import PARTY_CHANGED
from booking_core.domain.validation import check_id, check_limit
from booking_core.storage import notices as store
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.bookings import waiting
from booking_core.storage.client.database import Documents, moment
from booking_core.storage.client.verbs import within_deadline

LIMIT = 50
# Action -> kind of the notice to the author, where somebody else did it.
_KINDS = {
    "approved": "approved",
    "rejected": "rejected",
    "revoked": "revoked",
    "cancelled": "cancelled",
    "moved": "moved",
    PARTY_CHANGED: "party_changed",
    "lapsed": "lapsed",
    "ended early": "ended_early",
    "undone": "undone",
    "asked": "question",
    "answered": "answered",
}
# Entries are looked at again for so long: another process may store an earlier one later.
_AGAIN = timedelta(minutes=1)
_NOTED_EVERY = timedelta(seconds=10)
_MOST = 1000  # changed bookings in one query


@within_deadline
def write_notices(db: Documents, *, now: datetime | None = None) -> int:
    """Stores the notices of all changes since the last call, or a minute before; how many.

    The author of an entry of the waiting list is told of the slot that it got. Nobody is told of
    changes before the first call. Raises InvalidRequest, StoreUnavailable; the next call goes on.
    """
    now = moment(db, now)
    since = store.told_until(db)
    if since is None:
        store.set_told_until(db, now)
        return 0
    last, count = None, 0
    while True:
        changed = booking_queries.changed_since(db, since - _AGAIN, _MOST, last)
        waited = waiting.promoted(db, [booking.id for booking in changed])
        made = [
            notice
            for booking in changed
            for notice in reversed([*_notices_of(booking, since - _AGAIN, booking.id in waited)])
        ]
        # The notice of each change that was taken back, and the one that says so.
        undone = {
            _id(booking, number - 1): _id(booking, number)
            for booking in changed
            for number, entry in enumerate(booking.history)
            if entry.action == "undone" and entry.at >= since - _AGAIN
        }
        read = store.withdraw(db, undone) if undone else set()
        needless = {after for before, after in undone.items() if before not in read}
        made = [notice for notice in made if notice.id not in needless]
        over, open = swap_offers.notices_of(db, changed, now)
        ended = [id for booking in changed for id in _questions_over(booking)]
        store.end(db, [*ended, *over])
        back = [_id(booking, place) for booking in changed if (place := _back(booking)) is not None]
        store.add(db, made)
        store.restore(db, [*back, *open])
        count += len(made)
        if len(changed) < _MOST:
            break
        last = changed[-1]
        store.set_told_until(db, last.updated_at)
    if now - since > _NOTED_EVERY:
        store.set_told_until(db, now)
    return count


def _notices_of(booking: Booking, since: datetime, waited: bool) -> Iterator[Notice]:
    """The notices of the entries at ``since`` and later, the last entry first."""
    slot = booking.slot  # after the entry
    undone = False  # whether the next entry takes this one back
    for number, entry in reversed(list(enumerate(booking.history))):
        kind = None if undone else _KINDS.get(entry.action)
        undone = entry.action == "undone"
        if entry.action == "requested" and waited:
            kind = "promoted"
        elif entry.by == booking.created_by:
            kind = None
        elif kind == "question" and entry not in booking.questions:
            kind = None  # it is answered, or decided
        before = slot if entry.moved_from is None else entry.moved_from
        if entry.at >= since:
            known = before if kind in ("moved", "ended_early") else slot
            if kind is not None:
                yield _notice(booking, number, booking.created_by, kind, known)
            if entry.action == "answered":
                for asker in _askers(booking, number) - {entry.by, booking.created_by}:
                    yield _notice(booking, number, asker, "answered", known)
        slot = before


def _notice(booking: Booking, number: int, to: str, kind: str, slot: Slot) -> Notice:
    """The notice ``to`` an account of an entry of the history."""
    entry = booking.history[number]
    other = "" if to == booking.created_by else to
    id = store.id_of(booking.id, number, entry.at, other)
    return Notice(id, entry.at, to, kind, booking.id, slot, entry.reason, entry.by_name, read=False)


def _askers(booking: Booking, number: int) -> set[str]:
    """The accounts whose questions the answer ``number`` of the history answers."""
    found = set()
    for entry in reversed(booking.history[:number]):
        if entry.action == "answered":
            break
        if entry.action == "asked":
            found.add(entry.by)
    return found


def _questions_over(booking: Booking) -> list[str]:
    """The ids of the notices of questions that wait for no answer any more."""
    return [
        _id(booking, number)
        for number, entry in enumerate(booking.history)
        if entry.action == "asked" and entry not in booking.questions
    ]


def _back(booking: Booking) -> int | None:
    """The place of the last question that waits again since its end was undone; its notice has
    all of them."""
    if not booking.questions or booking.history[-1].action != "undone":
        return None
    return booking.history.index(booking.questions[-1])


def _id(booking: Booking, number: int) -> str:
    """The id of the notice of an entry of the history."""
    return store.id_of(booking.id, number, booking.history[number].at)


@within_deadline
def notices_for(
    db: Documents, account_id: str, *, unread_only: bool = True, limit: int = LIMIT
) -> list[Notice]:
    """The notices to ``account_id``, newest first, at most ``limit`` (1 to 1000)."""
    account_id = check_id(account_id, "account_id")
    check_limit(limit)
    found = store.find(db, account_id, unread_only, limit)
    stored = booking_queries.of_ids(db, {notice.booking_id for notice in found}) if found else []
    bookings = {booking.id: booking for booking in stored}
    return [replace(notice, booking=bookings.get(notice.booking_id)) for notice in found]


@within_deadline
def mark_read(db: Documents, ids: Iterable[str], *, by: Actor) -> int:
    """Marks the notices ``ids`` to ``by`` as read; how many were unread."""
    check_actor(by)
    if isinstance(ids, str) or not isinstance(ids, Iterable):
        raise InvalidRequest("ids", "must be a list of ids")
    return store.mark_read(db, [check_id(id, "ids") for id in ids], by.id)
