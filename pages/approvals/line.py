"""Who waits behind the bookings of Approvals, and who has the slot of one that is given back."""

from __future__ import annotations

from collections.abc import Sequence

from booking_core import (
    Booking,
    BookingError,
    StoreUnavailable,
    WaitingEntry,
    give_to_waiting,
    promote_waiting,
    waiting_ahead,
)
from booking_core.live import Scope
from pages.shared.auth import session
from pages.shared.live.runtime import Services
from pages.shared.text import waiting_texts


def behind(shared: Services, rows: Sequence[Sequence[Booking]]) -> dict[str, str]:
    """Who waits behind the bookings of each row that hold their slots: id of its first booking -> a
    few words."""
    mark, now = shared.mark(), shared.now()
    waiting = shared.cached(
        Scope.BOOKINGS, ("waiting ahead", mark), lambda: waiting_ahead(shared.db, now=mark)
    )
    days = {entry.request.date for entry in waiting}  # the boards of other days are not read
    found = {}
    for row in rows:
        held = [b for b in row if b.date in days and b.status.is_active]
        boards = [shared.boards.get(booking.date, now) for booking in held]
        lines = [board.line(one.slot) for board, one in zip(boards, held, strict=True)]
        if len(row) > 1:
            found[row[0].id] = waiting_texts.behind_dates(lines)
        elif held:
            first = boards[0].next_after(held[0])
            found[row[0].id] = waiting_texts.behind(lines[0], first, shared.reference())
    return found


def next_after(shared: Services, booking: Booking) -> WaitingEntry | None:
    """Who has the slot of ``booking`` once it is given back; None: nobody waits for it."""
    return shared.boards.get(booking.date, shared.now()).next_after(booking)


def give_at_once(shared: Services, booking: Booking, reason: str) -> Booking | None:
    """Ends ``booking``, as the user saw it, and gives its slot to the first in line, in one step.

    Returns the new booking; None where nobody waits, or where a rule or another change prevents it:
    then nothing was changed.
    """
    if (entry := next_after(shared, booking)) is None:
        return None
    try:
        with shared.change():
            return give_to_waiting(
                shared.db,
                booking.id,
                entry.id,
                reason=reason,
                expected=booking.revision,
                by=session.actor(),
            ).made
    except StoreUnavailable:
        raise
    except BookingError:
        return None


def give(shared: Services, booking: Booking, waiting: Sequence[WaitingEntry]) -> Booking | None:
    """Gives what ``booking`` held to the first in line; the booking of one of ``waiting`` that
    holds it now. None: nobody of them could have it, or it is not given yet."""
    try:
        with shared.change():
            promote_waiting(shared.db, dates=[booking.date])
        holder = shared.boards.get(booking.date, shared.now()).holder(booking.slot)
    except BookingError:
        return None  # every process goes on giving what is free
    is_given = holder is not None and any(entry.id == holder.id for entry in waiting)
    return holder if is_given else None
