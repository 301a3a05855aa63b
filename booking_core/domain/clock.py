"""This process's clock, in the precision that the database keeps.

What compares with the present takes ``storage.database.present``: the server's clock counts.
"""

from __future__ import annotations

from datetime import UTC, datetime


def clock() -> datetime:
    """This moment, in UTC and whole milliseconds: the precision of BSON."""
    return to_millis(datetime.now(UTC))


def to_millis(moment: datetime) -> datetime:
    """``moment`` in UTC, cut to whole milliseconds."""
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
