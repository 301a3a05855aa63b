"""Two things that happen to a server under a running app: an election, and a lost schema."""

from __future__ import annotations

import logging
import time

from pymongo.errors import PyMongoError

from booking_core.domain.errors import BookingError
from booking_core.storage.client.database import Documents
from booking_core.storage.schema import schema
from booking_core.storage.schema.ensure import ensure_schema

log = logging.getLogger(__name__)

# Operation types of the change stream after which an index or a validator may be missing.
SCHEMA_CHANGES = frozenset(
    {"drop", "dropDatabase", "dropIndexes", "invalidate", "modify", "rename"}
)
_FIRST_RETRY_SECONDS = 0.5
_LAST_RETRY_SECONDS = 30.0


class SchemaGuard:
    """Ensures the schema again after it was lost, for one thread that calls it regularly.

    Without its unique index a slot can be booked twice; an operator who drops the database or an
    index under a running app must not have to restart the app.
    """

    def __init__(self, db: Documents) -> None:
        self._db = db
        self._due: float | None = None  # of time.monotonic(); None: nothing was lost
        self._pause = _FIRST_RETRY_SECONDS
        self._ensured = False

    @property
    def is_intact(self) -> bool:
        """Whether the schema was ensured, and no event has concerned it since."""
        return self._ensured and self._due is None

    def note(self, operation: str, collection: str | None) -> bool:
        """Whether this event of the change stream concerns our schema; then it counts as lost."""
        concerns = operation in SCHEMA_CHANGES and (
            collection is None or collection in schema.VALIDATORS
        )
        if concerns:
            self.lose()
        return concerns

    def lose(self) -> None:
        """From now on the schema counts as lost."""
        self._due, self._pause = time.monotonic(), _FIRST_RETRY_SECONDS

    def ensure_if_lost(self) -> bool:
        """Whether the schema was lost, and is there again. Failures are logged and tried anew."""
        if self._due is None or time.monotonic() < self._due:
            return False
        try:
            ensure_schema(self._db)
        except (BookingError, PyMongoError) as exc:
            log.error("the schema was changed by another program and is not restored: %s", exc)
            self._due = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, _LAST_RETRY_SECONDS)
            return False
        self._due = None
        self._ensured = True
        return True
