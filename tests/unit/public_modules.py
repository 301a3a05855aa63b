"""The public modules of the core, and their names."""

from __future__ import annotations

from importlib import import_module

CORE = "booking_core"
PUBLIC_MODULES = (
    "calendars",
    "demo",
    "errors",
    "imports",
    "legacy",
    "live",
    "messages",
    "reports",
    "sessions",
)


def public_names(module: str) -> set[str]:
    """The public names of ``booking_core`` or of one of its public modules.

    The errors can be imported from ``booking_core`` too, and so can the modules.
    """
    names = set(import_module(module).__all__)
    if module == CORE:
        names |= {*public_names(f"{CORE}.errors"), *PUBLIC_MODULES}
    return names
