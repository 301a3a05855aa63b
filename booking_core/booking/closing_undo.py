"""Undoing a closing: its grounds are open again, and the bookings in its way are as before.

One transaction ends the closures and gives the bookings their slots back through the index of
claims, at the revisions that the closing gave them; or none of it happens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import count

from booking_core.booking.closing_plan import ids_of
from booking_core.booking.closures import end_closures, moved_by, revoked_by
from booking_core.booking.conflicts import raise_lost
from booking_core.booking.preconditions import ROUNDS
from booking_core.booking.relocation import seated
from booking_core.booking.steps import logged
from booking_core.booking.undo import as_before, check_first_of_set, check_in_time
from booking_core.domain import rules
from booking_core.domain.claims import claims_of
from booking_core.domain.errors import ChangedMeanwhile, InvalidRequest, NotAllowed, NotFound
from booking_core.domain.model import Actor, Booking
from booking_core.domain.validation import check_id, check_revision
from booking_core.storage.bookings import transactions
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference

_CLOSING = "this closing or one of its bookings"


@within_deadline
@logged("undo closing")
def undo_closing(
    db: Documents,
    closing_id: str,
    *,
    revisions: Mapping[str, int],
    by: Actor,
    now: datetime | None = None,
) -> tuple[Booking, ...]:
    """Undoes what ``close_grounds`` did: ends its closures, and gives the bookings that it revoked
    or moved their slots and status of before back; they are returned, by date and time.

    ``revisions`` (id -> ``Booking.revision``) are those of ``Closing.displaced`` and
    ``Closing.moved``. All of it happens in one transaction, or nothing does. Only by the user who
    closed, at most 60 s later. Unread notices of the closing are deleted. Raises ChangedMeanwhile
    where a closure or a booking was changed since, NotAllowed, UndoOver, InThePast for a slot that
    has begun, SlotTaken, GroundClosed, StudentBusy, SupervisorBusy, QuotaReached, PartOfSet, the
    errors of a rule of the school, NotFound, InvalidRequest, StoreUnavailable.
    """
    rules.check_may("close", by)
    closing_id = check_id(closing_id, "closing_id")
    if not isinstance(revisions, Mapping):
        raise InvalidRequest("revisions", "must map ids to revisions")
    ids = ids_of(revisions, "revisions")
    for revision in revisions.values():
        check_revision(revision, "revisions")
    now, zone = moment(db, now), settings_of(db).zone
    changes: list[tuple[Booking, Booking]] = []

    def work(
        step: transactions.BookingTransaction, known: reference.Reference
    ) -> tuple[Booking, ...]:
        step.check_school(known.revision)
        closures = step.closures(closing_id)
        if not closures:
            raise NotFound("closure", closing_id)
        if closures[0].created_by != by.id:
            raise NotAllowed("undo", by.role.value)
        found = step.of_ids(ids)
        ahead = [closure for closure in closures if not closure.slot.is_over(now, zone)]
        if _is_repeated(ahead, found, revisions):
            return tuple(found)
        if not all(closure.status.is_active for closure in closures):
            raise ChangedMeanwhile(_CLOSING)
        if {booking.id: booking.revision for booking in found} != dict(revisions):
            raise ChangedMeanwhile(_CLOSING)
        check_in_time(closures[0].created_at, now)
        sharing = known.sharing({closure.ground_id for closure in closures})
        changed = (*revoked_by(step, closures, sharing), *moved_by(step, closures))
        if not {booking.id for booking in changed} <= ids:
            raise InvalidRequest("revisions", "must name all bookings that this closing changed")
        own = {closure.id for closure in closures}
        if any(booking.history[-1].displaced_by not in own for booking in found):
            raise InvalidRequest("revisions", "names a booking that this closing did not change")
        changes[:] = [(before, as_before(known, before, by, now, zone)) for before in found]
        changes[:] = seated(known, changes, step.taken_seats)
        if end_closures(step, closing_id, closures, "undone", by, now, zone) is None:
            raise ChangedMeanwhile(_CLOSING)
        if (back := step.exchange(changes)) is None:
            raise ChangedMeanwhile(_CLOSING)
        # After the write: the first ground of a set may have come back too.
        firsts = [check_first_of_set(before, step.of_series) for before in found]
        for first in {one.id: one for one in firsts if one and one.id not in ids}.values():
            step.replace(first, first)
        step.withdraw_notices(found, closures[0].created_at)
        return tuple(back)

    for tried in count():
        known = reference.load(db)
        try:
            return transactions.run(db, partial(work, known=known))
        except transactions.SchoolChanged:
            if tried > ROUNDS:
                raise ChangedMeanwhile("the school") from None
        except bookings.ClaimTaken as lost:
            wanted = next(after for _, after in changes if lost.claim in claims_of(after))
            raise_lost(db, known, wanted, lost.claim, now, tried)
    raise AssertionError("the loop ends by a result or an error")


def _is_repeated(
    ahead: Sequence[Booking], found: Sequence[Booking], revisions: Mapping[str, int]
) -> bool:
    """Whether the closing was undone, and nobody has changed the bookings ``found`` since.

    ``ahead``: its closures that are not over. Only one user can undo it.
    """
    return (
        bool(ahead)
        and all(
            last.action == "undone"
            for last in (booking.history[-1] for booking in (*ahead, *found))
        )
        and {booking.id: booking.revision - 1 for booking in found} == dict(revisions)
    )
