"""Saving the booking policy of a school."""

from __future__ import annotations

from datetime import datetime

from booking_core.domain.errors import ChangedMeanwhile, InvalidRequest
from booking_core.domain.model import Actor
from booking_core.domain.policy import Policy
from booking_core.school.administration import change_school
from booking_core.storage.bookings.queries import last_active_date
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import changes as store
from booking_core.storage.school.changes import SchoolTransaction, facts_of


@within_deadline
def save_policy(
    db: Documents,
    policy: Policy,
    *,
    by: Actor | None = None,
    was: Policy | None = None,
    now: datetime | None = None,
) -> Policy:
    """Saves what the school allows from now on; existing bookings stay.

    A lower quota raises ``Reference.recount_until`` to the last day that may already hold
    bookings. ``by`` None: no account acts. With ``was``, the policy that the change was made
    from, raises ChangedMeanwhile where another was saved since. Raises InvalidRequest,
    NotAllowed, StoreUnavailable.
    """
    if not isinstance(policy, Policy):
        raise InvalidRequest("policy", "must be a Policy")
    zone, now = settings_of(db).zone, moment(db, now)

    def work(tx: SchoolTransaction) -> Policy:
        before, recount_until = store.read_policy(tx)
        if was is not None and was != before:
            raise ChangedMeanwhile("the settings")
        if policy.lowers_quota(before):
            # A booking on its way was checked against the old policy, so its window counts too.
            open_until = before.last_date(now, zone).isoformat()
            days = (open_until, last_active_date(db, tx.session), recount_until)
            recount_until = max(day for day in days if day)
        store.put_policy(tx, policy, recount_until)
        details = {"before": facts_of(before), "after": facts_of(policy)}
        tx.audit(by, "saved", "settings", "", details, now)
        return policy

    return change_school(db, by, now, work)
