"""Errors of the driver as errors of ours: the one place where they are translated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bson.errors import BSONError
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    DocumentTooLarge,
    ExecutionTimeout,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
)

from booking_core.domain.errors import (
    BookingError,
    InvalidRequest,
    SchemaMissing,
    StoreRefused,
    StoreUnavailable,
)
from booking_core.storage.client import deadlines

DRIVER_ERRORS = (PyMongoError, BSONError)
# Server states in which it is alive but cannot serve: stepping down, shutting down, no primary.
_AWAY_CODES = frozenset({6, 7, 89, 91, 189, 9001, 10107, 11600, 11602, 13435, 13436})
_REFUSED_LOGIN = frozenset({18, 8000})
_NOT_ALLOWED = 13
# The database is being dropped, or a collection or an index of ours is gone.
_MISSING_CODES = frozenset({26, 27, 215})
_NO_SNAPSHOT_CODES = frozenset({239, 246})  # SnapshotTooOld, SnapshotUnavailable
_BAD_VALUE, _NO_INDEX = 2, "hint provided does not correspond"
_NO_SESSIONS = "Sessions are not supported"


def translated(exc: Exception) -> BookingError | None:
    """The error of ours for ``exc``; None where it means something to the function that called,
    such as a duplicate key."""
    if isinstance(exc, ConfigurationError) and _NO_SESSIONS in str(exc):
        return StoreUnavailable(str(exc), nothing_happened=deadlines.is_nothing_sent())
    code, message = _code(exc)
    if code in _REFUSED_LOGIN:
        return InvalidRequest("MONGODB_URI", "has a user or password that is refused")
    if code == _NOT_ALLOWED:
        return InvalidRequest("MONGODB_URI", "has a user who may not do this there")
    if code in _MISSING_CODES or (code == _BAD_VALUE and _NO_INDEX in message):
        return SchemaMissing(message, nothing_happened=deadlines.is_nothing_sent())
    away = isinstance(exc, ConnectionFailure | ExecutionTimeout | InvalidOperation)
    if away or code in _AWAY_CODES or (isinstance(exc, PyMongoError) and exc.timeout):
        return StoreUnavailable(str(exc), nothing_happened=deadlines.is_nothing_sent())
    return None


def translated_at_last(exc: Exception) -> BookingError:
    """The error of ours for an ``exc`` that meant nothing to any function on its way."""
    if (ours := translated(exc)) is not None:
        return ours
    if isinstance(exc, DocumentTooLarge):
        return InvalidRequest("request", "is too large to be stored")
    if isinstance(exc, ConfigurationError):
        return InvalidRequest("MONGODB_URI", str(exc))
    return StoreRefused(str(exc), nothing_happened=deadlines.is_nothing_sent())


def is_without_sessions(exc: BaseException | None) -> bool:
    """Whether ``exc``, or an error that it translates, says that a connection has no sessions.

    The driver notes this when a connection is opened to a member that is neither primary nor
    secondary, such as during an election, and never looks again.
    """
    while exc is not None:
        if isinstance(exc, ConfigurationError) and _NO_SESSIONS in str(exc):
            return True
        exc = exc.__cause__
    return False


def is_without_snapshot(exc: Exception) -> bool:
    """Whether the server cannot read as of the moment that it chose, such as after a migration."""
    return isinstance(exc, OperationFailure) and exc.code in _NO_SNAPSHOT_CODES


def _code(exc: Exception) -> tuple[int | None, str]:
    if isinstance(exc, BulkWriteError):
        errors: list[Mapping[str, Any]] = (exc.details or {}).get("writeErrors", [])
        if errors:
            return errors[0].get("code"), str(errors[0].get("errmsg", ""))
    return (exc.code, str(exc)) if isinstance(exc, OperationFailure) else (None, str(exc))
