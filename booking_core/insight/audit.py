"""All changes, with user and moment: one view of the audit log and of the bookings' histories.

No function of ``booking_core`` changes or removes an entry.
"""

from __future__ import annotations

from datetime import date as Date
from datetime import datetime, time, timedelta

from booking_core.domain import rules, timetable
from booking_core.domain.errors import InvalidRequest
from booking_core.domain.model import Actor
from booking_core.domain.records import Change
from booking_core.domain.validation import check_date, check_id, check_limit, check_text
from booking_core.storage.bookings import history
from booking_core.storage.client.database import Documents, settings_of
from booking_core.storage.client.verbs import within_deadline

PAGE = 50
MAX_DAYS = 400


@within_deadline
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

    ``who`` is an account's id; ``what`` is booking, closure, ground, timetable, day, students,
    account or another subject of the audit log. ``after`` is the last change of the previous page.
    ``limit`` is 1 to 1000. Raises NotAllowed, InvalidRequest, StoreUnavailable.

    A closing or lifting is one change, however many grounds and days it covers; each booking that
    it displaces has a change of its own.
    """
    rules.check_may("administer", by)
    since, until = span(db, first, last)
    check_limit(limit)
    if after is not None and (not isinstance(after, Change) or after.place is None):
        raise InvalidRequest("after", "must be a Change that was found")
    wanted = history.Wanted(
        since,
        until,
        None if who is None else check_id(who, "who"),
        None if what is None else check_text(what, "what", limit=64, required=True),
        None if action is None else check_text(action, "action", limit=64, required=True),
        None if after is None else after.place,
    )
    return history.find(db, wanted, limit)


@within_deadline
def audit_subjects(db: Documents, *, by: Actor) -> list[str]:
    """The values for the filter ``what``. Raises NotAllowed, StoreUnavailable."""
    rules.check_may("administer", by)
    return history.subjects(db)


@within_deadline
def audit_people(db: Documents, *, by: Actor) -> dict[str, str]:
    """The ids for the filter ``who``, with names. Raises NotAllowed, StoreUnavailable."""
    rules.check_may("administer", by)
    return history.people(db)


def span(db: Documents, first: Date, last: Date) -> tuple[datetime, datetime]:
    """The start of ``first`` and the end of ``last``, aware. Raises InvalidRequest."""
    check_range(first, last)
    zone = settings_of(db).zone
    midnight = time()
    return (
        timetable.at(first, midnight, zone),
        timetable.at(last + timedelta(days=1), midnight, zone),
    )


def check_range(first: Date, last: Date) -> None:
    """Raises InvalidRequest if the dates are out of order or more than 400 days apart."""
    check_date(first, "first")
    if check_date(last, "last") < first:
        raise InvalidRequest("last", "is before the first date")
    if (last - first).days >= MAX_DAYS:
        raise InvalidRequest("last", f"is more than {MAX_DAYS} days after the first date")
