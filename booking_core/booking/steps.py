"""The log of a booking: one line for each step, found by the id of its submission.

A line holds ``key=value`` pairs: ``submission``, ``step``, then the facts of the step. It names
grounds, slots, bookings and accounts, and no student.

    submission=6f1c... step=validated ground=ground-1 date=2026-11-26 start=09:00 end=10:00
    submission=6f1c... step=refused layer=rules reason=TooFarAhead
    submission=6f1c... step=lost claim=ground|ground-1|2026-11-26|108 holder=93ab... by=ravi
    submission=6f1c... step=refreshed date=2026-11-26
    submission=6f1c... step=inserted status=Pending
"""

from __future__ import annotations

import logging
from uuid import UUID

log = logging.getLogger("booking_core.booking")


def log_step(submission_id: str | UUID, step: str, **facts: object) -> None:
    """Logs one step: validated, refused, lost, refreshed, inserted, undone or repeated."""
    told = "".join(f" {name}={_one_word(value)}" for name, value in facts.items())
    log.info("submission=%s step=%s%s", submission_id, step, told)


def _one_word(value: object) -> str:
    return "_".join(str(value).split())
