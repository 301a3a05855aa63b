"""Every public function that speaks to the database has one deadline."""

from __future__ import annotations

import inspect

import booking_core
from booking_core.storage.client.verbs import DEADLINE_SECONDS

# Those that take a bulk of data, with their longer limits in seconds.
LONG = {
    "account_erasure_of": 12,
    "apply_roster": 12,
    "erase_account": 12,
    "erase_student": 12,
    "erasure_of": 12,
    "finish_erasures": 12,
    "lapse_pending": 60,
    "roll_over": 12,
    "save_students": 12,
    "usage": 20,
}
# Building indexes takes its time; each look at the server has 5 seconds.
WITHOUT = {"ensure_schema"}
# These send no query.
LOCAL = {"present", "disconnect", "scoped_cache"}


def test_every_public_function_that_takes_a_database_has_a_deadline() -> None:
    functions = {
        name: function
        for name in booking_core.__all__
        if inspect.isfunction(function := getattr(booking_core, name))
        and "db" in inspect.signature(function).parameters
    }

    limits = {
        name: getattr(function, "deadline_seconds", None)
        for name, function in functions.items()
        if name not in WITHOUT | LOCAL
    }

    assert limits == {name: LONG.get(name, DEADLINE_SECONDS) for name in limits}
    assert len(limits) > 60
    assert set(LONG) <= set(limits)
