"""Every change, by whom and when: one view over the journal and the bookings' own histories.

There is no function here, nor anywhere, that changes or removes an entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date as Date
from datetime import datetime, time, timedelta
from typing import Any

from booking_core.domain import rules, timetable
from booking_core.domain.errors import InvalidRequest
from booking_core.domain.model import Actor
from booking_core.domain.validation import check_date, check_id, check_limit, check_text
from booking_core.storage import history as changes
from booking_core.storage.database import Documents, settings_of

PAGE = 50
MAX_DAYS = 400


@dataclass(frozen=True, slots=True)
class Change:
    """``by`` did ``action`` to the ``what`` named ``id``; ``at`` is aware (UTC).

    ``on_behalf_of`` names the principal whose decision it was, where that was handed on.
    ``details`` are facts: of a booking its slot as of then, the reason and ``moved_from``.
    """

    at: datetime
    by: str
    by_name: str
    on_behalf_of: str
    action: str
    what: str
    id: str
    details: Mapping[str, Any] = field(default_factory=dict, compare=False)
    place: tuple[datetime, str, int] | None = None


def find_changes(
    db: Documents,
    *,
    by: Actor,
    first: Date,
    last: Date,
    who: str | None = None,
    what: str | None = None,
    action: str | None = None,
    limit: int = PAGE,
    after: Change | None = None,
) -> list[Change]:
    """Changes of ``first`` to ``last`` (inclusive, at most 400 days), newest first.

    ``who`` is an account's id; ``what`` is booking, closure, or a word of the journal (ground,
    timetable, day, students, account ...). ``after`` is the last change of the page before.
    ``limit`` is 1 to 1000. Raises NotAllowed, InvalidRequest, StoreUnavailable.
    """
    rules.check_may("administer", by)
    since, until = span(db, first, last)
    check_limit(limit)
    if after is not None and (not isinstance(after, Change) or after.place is None):
        raise InvalidRequest("after", "must be a Change that was found")
    wanted = changes.Wanted(
        since,
        until,
        None if who is None else check_id(who, "who"),
        None if what is None else check_text(what, "what", limit=64, required=True),
        None if action is None else check_text(action, "action", limit=64, required=True),
        None if after is None else after.place,
    )
    return [Change(**row) for row in changes.find(db, wanted, limit)]


def subjects(db: Documents, *, by: Actor) -> list[str]:
    """What may be asked for as ``what``. Raises NotAllowed, StoreUnavailable."""
    rules.check_may("administer", by)
    return changes.subjects(db)


def people(db: Documents, *, by: Actor) -> dict[str, str]:
    """What may be asked for as ``who``, with names. Raises NotAllowed, StoreUnavailable."""
    rules.check_may("administer", by)
    return changes.people(db)


def span(db: Documents, first: Date, last: Date) -> tuple[datetime, datetime]:
    """The moments at which ``first`` begins and ``last`` has ended; raises InvalidRequest."""
    check_range(first, last)
    zone = settings_of(db).zone
    midnight = time()
    return (
        timetable.at(first, midnight, zone),
        timetable.at(last + timedelta(days=1), midnight, zone),
    )


def check_range(first: Date, last: Date) -> None:
    """Raises InvalidRequest for dates out of order, or more than 400 of them."""
    check_date(first, "first")
    if check_date(last, "last") < first:
        raise InvalidRequest("last", "is before the first date")
    if (last - first).days >= MAX_DAYS:
        raise InvalidRequest("last", f"is more than {MAX_DAYS} days after the first date")
