"""The present moment, in the precision that the database keeps."""

from __future__ import annotations

from datetime import UTC, datetime

from booking_core.domain.validation import check_now


def clock() -> datetime:
    """This moment, in UTC and whole milliseconds: the precision of BSON."""
    return to_millis(datetime.now(UTC))


def to_millis(moment: datetime) -> datetime:
    """``moment`` in UTC, cut to whole milliseconds."""
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def moment(now: datetime | None) -> datetime:
    """``now`` in stored precision; None: this moment. Raises InvalidRequest."""
    checked = check_now(now)
    return clock() if checked is None else to_millis(checked)
