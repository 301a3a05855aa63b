"""Changes of a school's data by an admin, or by nobody who signed in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from booking_core.domain.model import Actor
from booking_core.domain.rules import check_may
from booking_core.storage.client.database import Documents
from booking_core.storage.school import changes as school_changes
from booking_core.storage.school.changes import SchoolTransaction

T = TypeVar("T")


def check_admin(by: Actor | None) -> None:
    """Raises NotAllowed, InvalidRequest. None is the command line or a script: no account acts."""
    if by is not None:
        check_may("administer", by)


def change_school(
    db: Documents, by: Actor | None, now: datetime, work: Callable[[SchoolTransaction], T]
) -> T:
    """What ``work`` returns, its writes made in one transaction if ``by`` may administer."""
    check_admin(by)
    return school_changes.change_school(db, work, now)
