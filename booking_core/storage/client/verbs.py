"""The deadline of a verb, and the translation of driver errors into errors of ours.

One verb has one deadline: blocks of ``reachable`` may be nested, and the earliest deadline counts.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar, overload

from booking_core.domain.errors import BookingError
from booking_core.storage.client import deadlines, driver_errors
from booking_core.storage.client.database import BookingDatabase
from booking_core.storage.schema import schema, schema_number

P = ParamSpec("P")
T = TypeVar("T")

DEADLINE_SECONDS = 5.0  # for one verb, retries of the driver included


@contextlib.contextmanager
def reachable(seconds: float | None = DEADLINE_SECONDS) -> Iterator[None]:
    """Within it, a database that cannot be reached raises StoreUnavailable.

    The block has ``seconds`` (None: no limit of its own), or less where a block around it has
    less left. A login or a user that the server refuses raises InvalidRequest. Other driver
    errors pass as they are: each has a meaning for the function that made the call.
    """
    with _translated(driver_errors.translated), deadlines.limited(seconds):
        yield


@contextlib.contextmanager
def _translated(translation: Callable[[Exception], BookingError | None]) -> Iterator[None]:
    try:
        yield
    except driver_errors.DRIVER_ERRORS as exc:
        if (ours := translation(exc)) is None:
            raise
        raise ours from exc


@overload
def within_deadline(verb: Callable[P, T]) -> Callable[P, T]: ...
@overload
def within_deadline(
    *, seconds: float = DEADLINE_SECONDS, any_schema: bool = False
) -> Callable[[Callable[P, T]], Callable[P, T]]: ...
def within_deadline(
    verb: Any = None, *, seconds: float = DEADLINE_SECONDS, any_schema: bool = False
) -> Any:
    """``verb`` with one deadline for all of its calls together, ``seconds`` from its start.

    For public functions. StoreUnavailable, where it is raised, knows whether a write of this verb
    was sent (``nothing_happened``); of a function that only reads, none is. A verb that calls
    another shares its own deadline. No error of the driver leaves the verb. Raises UpdateNeeded
    before it begins for a database that a newer version has migrated: at once where the change feed
    is connected, else within 2 seconds; with ``any_schema`` it begins all the same.
    """
    if verb is None:
        return functools.partial(within_deadline, seconds=seconds, any_schema=any_schema)

    @functools.wraps(verb)
    def limited(*args: Any, **kwargs: Any) -> Any:
        if deadlines.is_verb():
            if not any_schema:
                _check_schema_number(args)
            return verb(*args, **kwargs)
        with deadlines.of_verb(seconds), _translated(driver_errors.translated_at_last):
            if not any_schema:
                _check_schema_number(args)
            return verb(*args, **kwargs)

    limited.__dict__["deadline_seconds"] = seconds
    return limited


def read_schema_number(db: BookingDatabase) -> None:
    """Reads into ``db.schema_number`` what is stored now."""
    with reachable():
        fields = dict.fromkeys(schema_number.FIELDS, 1)
        found = db.get_collection(schema.META).find_one({"_id": "revision"}, fields)
    db.schema_number.note(found or {})


def _check_schema_number(args: tuple[Any, ...]) -> None:
    db = args[0] if args else None
    if not isinstance(db, BookingDatabase):
        return
    if not db.schema_number.is_known(followed=db.is_index_known()):
        read_schema_number(db)
    if (error := db.schema_number.error) is not None:
        raise error
