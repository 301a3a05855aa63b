"""The events of a change stream, as far as the feed reads them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import date as Date
from typing import Any

from booking_core.storage import schema


def dates_of(change: Mapping[str, Any]) -> set[Date] | None:
    """The days that a change of bookings touches; None where the event does not name them."""
    if change.get("ns", {}).get("coll") != schema.BOOKINGS:
        return None
    with contextlib.suppress(KeyError, TypeError, ValueError):
        if change["operationType"] == "insert":
            return {Date.fromisoformat(change["fullDocument"]["date"])}
        if change["operationType"] == "update":
            fields: Mapping[str, Any] = change["updateDescription"]["updatedFields"]
            found = {
                Date.fromisoformat(text)
                for name, entry in fields.items()
                if name.startswith("history.")
                for text in entry["dates"]
            }
            return found or None
    return None
