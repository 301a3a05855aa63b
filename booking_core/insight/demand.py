"""Demand for the grounds: what became of the requests, and how long they waited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Date

from booking_core.domain.labels import label_key, most_frequent
from booking_core.domain.model import Actor, Status
from booking_core.domain.validation import check_id
from booking_core.insight.audit import check_range
from booking_core.insight.exports import Export, Value, check_report
from booking_core.storage.bookings import demand as store
from booking_core.storage.bookings import usage as usage_store
from booking_core.storage.client.database import Documents
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference

LATE_HOURS = 24  # before the start: a later cancellation is a late one


@dataclass(frozen=True, slots=True)
class Demand:
    """The requests for slots of ``first`` to ``last``, by what became of them.

    ``outcomes`` has every status; their sum is ``requested``. ``revoked_by_closure`` are those of
    the revoked that a closure displaced. ``reasons`` are those of rejections, most frequent first,
    "" where none was given. ``answered`` requests have waited for their first answer: half of them
    at most ``median_minutes``, nine of ten at most ``p90_minutes`` (None: nobody has waited).
    Bookings approved as they were made are not among them. ``days_ahead`` counts the bookings by
    the days from the request to the slot. ``late`` are the cancellations less than LATE_HOURS hours
    before the start.
    """

    first: Date
    last: Date
    own: bool
    outcomes: Mapping[Status, int]
    revoked_by_closure: int
    reasons: tuple[tuple[str, int], ...]
    answered: int
    median_minutes: int | None
    p90_minutes: int | None
    days_ahead: Mapping[int, int]
    late: int

    @property
    def requested(self) -> int:
        return sum(self.outcomes.values())

    @property
    def median_days_ahead(self) -> int | None:
        """Half of the bookings were requested at most so many days ahead; None without any."""
        return _at_most(self.days_ahead, 50)


@within_deadline(seconds=usage_store.DEADLINE_SECONDS)
def demand(
    db: Documents, *, by: Actor, first: Date, last: Date, ground_id: str | None = None
) -> Demand:
    """The requests for slots of ``first`` to ``last`` (inclusive, at most 400 days).

    Staff see the bookings that they made themselves. Raises NotAllowed, InvalidRequest,
    UnknownGround, StoreUnavailable.
    """
    own = check_report(by)
    check_range(first, last)
    if ground_id is not None:
        reference.load(db).ground(check_id(ground_id, "ground_id"))
    outcomes: Counter[Status] = Counter()
    ahead: Counter[int] = Counter()
    for one in store.outcome_counts(db, first, last, ground_id, own):
        outcomes[one.status] += one.count
        ahead[max(one.days_ahead, 0)] += one.count
    waits: Counter[int] = Counter()
    reasons: Counter[str] = Counter()
    by_closure = late = 0
    for answer in store.decision_counts(db, first, last, ground_id, own):
        if answer.minutes is not None:
            waits[answer.minutes] += answer.count
        if answer.status is Status.REJECTED:
            reasons[answer.reason.strip()] += answer.count
        by_closure += answer.count * answer.by_closure
        late += answer.count * answer.is_late
    return Demand(
        first,
        last,
        own is not None,
        {status: outcomes[status] for status in Status},
        by_closure,
        _ranked(reasons),
        sum(waits.values()),
        _at_most(waits, 50),
        _at_most(waits, 90),
        dict(sorted(ahead.items())),
        late,
    )


def export_demand(found: Demand) -> Export:
    """Returns the figures as a table to export."""
    rows: list[tuple[Value, ...]] = [("Requested", "", found.requested)]
    rows += [("Became", status.value, count) for status, count in found.outcomes.items()]
    rows.append(("Revoked", "by a closure", found.revoked_by_closure))
    rows += [("Rejected because", reason or "no reason", count) for reason, count in found.reasons]
    rows.append(("Answered", "requests that waited", found.answered))
    rows.append(("Minutes to the answer", "median", found.median_minutes))
    rows.append(("Minutes to the answer", "90 of 100 at most", found.p90_minutes))
    rows.append(("Cancelled", f"less than {LATE_HOURS} hours before", found.late))
    rows += [("Days ahead", str(days), count) for days, count in found.days_ahead.items()]
    return Export("Demand", (("What", 22), ("Which", 34), ("Bookings", 10)), tuple(rows))


def _at_most(counts: Mapping[int, int], percent: int) -> int | None:
    """The smallest value that at least ``percent`` of 100 do not exceed; None without any."""
    left = sum(counts.values()) * percent
    for value, count in sorted(counts.items()):
        left -= count * 100
        if left <= 0:
            return value
    return None


def _ranked(reasons: Counter[str]) -> tuple[tuple[str, int], ...]:
    """Each reason in its most frequent spelling, most frequent first."""
    spelled = most_frequent(dict(sorted(reasons.items())))
    counts: Counter[str] = Counter()
    for reason, count in reasons.items():
        counts[spelled[label_key(reason)]] += count
    return tuple(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
