"""Ensuring the schema: at each start, and after it was lost under a running app."""

from __future__ import annotations

import time

from pymongo.errors import OperationFailure

from booking_core.storage.client.database import Documents
from booking_core.storage.client.transactions import await_majority
from booking_core.storage.client.verbs import reachable, within_deadline
from booking_core.storage.schema import indexes, migrations, schema
from booking_core.storage.schema.migrations import Report

# Of schema changes beside others: NamespaceNotFound, ConflictingOperationInProgress,
# DatabaseDropPending, IndexBuildAborted, BackgroundOperationInProgressForDatabase and
# ...ForNamespace.
_PASSING_CODES = frozenset({26, 27, 117, 215, 276, 11601, 12586, 12587})
_SCHEMA_TRIES = 100
_SCHEMA_PAUSE_SECONDS = 0.1


def ensure_schema(db: Documents, report: Report | None = None) -> None:
    """Makes indexes and validators be as ``schema`` says; idempotent, also beside others.

    Raises SchemaConflict, with the offenders and nothing changed, when data already breaks an
    index; StoreUnavailable within 5 seconds when no primary with a majority answers. Where an
    index is missing there is no other deadline, for building it over a large collection takes
    its time.
    """
    for tries in range(_SCHEMA_TRIES):
        try:
            _ensure_schema(db, report)
            return
        except OperationFailure as exc:
            if exc.code not in _PASSING_CODES or tries == _SCHEMA_TRIES - 1:
                raise
            time.sleep(_SCHEMA_PAUSE_SECONDS)  # another process changes the same


def _ensure_schema(db: Documents, report: Report | None) -> None:
    if _is_schema_complete(db):
        return
    with reachable(None):
        migrations.ensure(db, report)


@within_deadline
def _is_schema_complete(db: Documents) -> bool:
    await_majority(db)
    is_current = migrations.version(db) == schema.VERSION
    return is_current and not indexes.index_faults(db) and not indexes.validator_faults(db)
