"""Every public function that speaks to the database has one deadline."""

from __future__ import annotations

import inspect
from importlib import import_module

from public_modules import CORE, PUBLIC_MODULES

from booking_core.storage.client.verbs import DEADLINE_SECONDS

# Those that take a bulk of data, with their longer limits in seconds.
LONG = {
    "demand": 20,
    "fairness": 20,
    "account_erasure_of": 12,
    "apply_roster": 12,
    "erase_account": 12,
    "erase_student": 12,
    "erasure_of": 12,
    "export_bookings": 60,
    "export_changes": 60,
    "finish_erasures": 12,
    "lapse_pending": 60,
    "month_report": 20,
    "roll_over": 12,
    "save_students": 12,
    "usage": 20,
    "usage_total": 20,
}
# Building indexes takes its time; each look at the server has 5 seconds. The others are made of
# many verbs or examinations, or wait for the mail server.
WITHOUT = {"ensure_schema", "health_findings", "import_legacy", "load_demo", "make_due_backup"}
WITHOUT |= {"import_bookings", "send_mails", "send_test_mail"}
# These send no query.
LOCAL = {"row_slot", "present", "disconnect", "scoped_cache"}


def test_every_public_function_that_takes_a_database_has_a_deadline() -> None:
    functions = {
        name: function
        for module in (CORE, *(f"{CORE}.{name}" for name in PUBLIC_MODULES))
        for name, function in vars(import_module(module)).items()
        if inspect.isfunction(function) and "db" in inspect.signature(function).parameters
    }

    limits = {
        name: getattr(function, "deadline_seconds", None)
        for name, function in functions.items()
        if name not in WITHOUT | LOCAL
    }

    assert limits == {name: LONG.get(name, DEADLINE_SECONDS) for name in limits}
    assert len(limits) > 60
    assert set(LONG) <= set(limits)
