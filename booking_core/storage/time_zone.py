"""The school's time zone, recorded in the database.

Each process takes its zone from its own configuration. Two that differ would disagree on what has
begun, so the first one records its zone, and later ones compare.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from booking_core.domain.messages import other_time_zone
from booking_core.storage.client.database import (
    BookingDatabase,
    Documents,
    collection,
    present,
    settings_of,
)
from booking_core.storage.client.verbs import reachable
from booking_core.storage.schema.schema import META

log = logging.getLogger(__name__)

_REVISION = {"_id": "revision"}
_DAYS = 366  # of a year: all changes of the clock


def recorded(db: Documents) -> str | None:
    """The recorded zone; None where there is none. Raises StoreUnavailable."""
    with reachable():
        kept = collection(db, META).find_one(_REVISION, {"time_zone": 1}) or {}
    name: str | None = kept.get("time_zone")
    return name


def record(db: Documents, name: str) -> None:
    """Records the zone ``name`` in the place of any other. Raises StoreUnavailable."""
    with reachable():
        collection(db, META).update_one(_REVISION, {"$set": {"time_zone": name}})


def note_configured(db: BookingDatabase) -> None:
    """Records the configured zone where there is none; logs a warning where another one is."""
    with reachable():
        collection(db, META).update_one(
            _REVISION | {"time_zone": {"$exists": False}},
            {"$set": {"time_zone": settings_of(db).time_zone}},
        )
    if (there := differing(db)) is not None:
        log.warning("%s", other_time_zone(settings_of(db).time_zone, there))


def differing(db: Documents) -> str | None:
    """The recorded zone, if its clocks do not show what those of the configured zone show.

    Zones may have several names: Asia/Calcutta is Asia/Kolkata.
    """
    there, ours = recorded(db), settings_of(db).zone
    if there is None or there == ours.key:
        return None
    try:
        theirs = ZoneInfo(there)
    except (ZoneInfoNotFoundError, ValueError):  # this machine does not know it
        return there
    for number in range(_DAYS):
        day = present(db) + timedelta(days=number)
        if day.astimezone(ours).utcoffset() != day.astimezone(theirs).utcoffset():
            return there
    return None
