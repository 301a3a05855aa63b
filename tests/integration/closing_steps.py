"""Closes grounds for the tests of closures and of reinstatement."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from support import DAY, HEAD, NOW

from booking_core import close_grounds, displaced_by
from booking_core.booking.closures import Closing
from booking_core.storage.client.database import Documents

ALL = ("ground-1", "ground-2", "ground-3")


def closed(
    db: Documents, *, expected: Any = None, now: datetime = NOW, by: Any = HEAD, **asked: Any
) -> Closing:
    """Closes grounds; by default every ground on the whole of DAY. Returns the closing."""
    wanted = {"ground_ids": ALL, "first": DAY, "last": DAY} | asked
    if expected is None:
        reason = wanted.pop("reason", "Rain")
        expected = [b.id for b in displaced_by(db, **wanted, now=now)]
        wanted["reason"] = reason
    return close_grounds(db, **({"reason": "Rain"} | wanted), by=by, expected=expected, now=now)
