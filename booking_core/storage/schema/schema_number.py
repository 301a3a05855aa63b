"""Whether a newer version of this application has migrated the database, or is at it.

A newer version writes its number into the document of the revision before its first change. An
application that knows less neither reads nor writes from then on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from booking_core.domain.errors import UpdateNeeded
from booking_core.storage.schema import schema

FIELDS = ("schema", "migrating")  # the last complete migration; the one that runs or was killed
# For so long a number that was read is believed without a change feed.
_FRESH_SECONDS = 2.0


def check(revision: Mapping[str, Any]) -> None:
    """Raises UpdateNeeded if the document of the revision is that of a newer version."""
    if (newest := _newest(revision)) > schema.VERSION:
        raise UpdateNeeded(newest, schema.VERSION)


class SchemaNumber:
    """The number of the database's schema as this process last heard of it."""

    def __init__(self) -> None:
        self._newest = 0
        self._known_at = -math.inf  # of time.monotonic()

    @property
    def error(self) -> UpdateNeeded | None:
        """What verbs raise, if the database is newer."""
        if self._newest <= schema.VERSION:
            return None
        return UpdateNeeded(self._newest, schema.VERSION)

    def is_known(self, *, followed: bool) -> bool:
        """Whether no read is needed. ``followed``: the change feed would have told of a change."""
        if followed:
            return self._known_at > -math.inf
        is_fresh = time.monotonic() - self._known_at < _FRESH_SECONDS
        return is_fresh and self._newest <= schema.VERSION

    def note(self, revision: Mapping[str, Any]) -> None:
        """Takes in the document of the revision as stored now."""
        self._newest, self._known_at = _newest(revision), time.monotonic()

    def forget(self) -> None:
        """It may have changed."""
        self._known_at = -math.inf


def _newest(revision: Mapping[str, Any]) -> int:
    return max(int(revision.get(name, 0)) for name in FIELDS)
