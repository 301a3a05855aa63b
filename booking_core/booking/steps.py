"""The log of bookings: one line for each step of a submission, and one for each other verb.

A line holds ``key=value`` pairs: ``submission``, ``step``, then the facts of the step. It names
grounds, slots, bookings and roles, and no person: who acted is in the history of the booking.

    submission=6f1c... step=validated ground=ground-1 date=2026-11-26 start=09:00 end=10:00
    submission=6f1c... step=refused layer=rules reason=TooFarAhead
    submission=6f1c... step=lost claim=ground|ground-1|2026-11-26|108 holder=93ab...
    submission=6f1c... step=refreshed date=2026-11-26
    submission=6f1c... step=inserted status=Pending
    verb=approve id=6f1c... role=principal outcome=Approved
    verb=cancel id=6f1c... role=staff outcome=refused reason=AlreadyDecided
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar
from uuid import UUID

from booking_core.domain.errors import BookingError
from booking_core.domain.model import Actor, Booking

P = ParamSpec("P")
T = TypeVar("T")
_LONGEST = 80
_VERB = "verb=%s id=%s role=%s outcome=%s"

log = logging.getLogger("booking_core.booking")


def log_step(submission_id: str | UUID, step: str, **facts: object) -> None:
    """Logs one step: validated, refused, lost, refreshed, inserted, undone or repeated."""
    told = "".join(f" {name}={_one_word(value)}" for name, value in facts.items())
    log.info("submission=%s step=%s%s", submission_id, step, told)


def log_refusal(submission_id: UUID, holder: Booking) -> None:
    """Logs that a screen did not send a submission, since its board shows ``holder`` there."""
    log_step(submission_id, "refused", layer="screen", holder=holder.id)


def logged(verb: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Logs one line for each call of a verb: role, which booking or closure, and the outcome."""

    def of(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def logging_(*args: P.args, **kwargs: P.kwargs) -> T:
            by = kwargs.get("by")
            role = by.role.value if isinstance(by, Actor) else "?"
            which = _one_word(args[1]) if len(args) > 1 else "new"
            try:
                result = function(*args, **kwargs)
            except BookingError as exc:
                reason = type(exc).__name__
                log.info(_VERB + " reason=%s", verb, which, role, "refused", reason)
                raise
            if which == "new":
                which = str(getattr(result, "id", which))
            log.info(_VERB, verb, which, role, _outcome(result))
            return result

        return logging_

    return of


def _outcome(result: object) -> str:
    status = getattr(result, "status", None)
    return "done" if status is None else str(status.value)


def _one_word(value: object) -> str:
    """``value`` without spaces and line ends, which would end a fact or a line of the log."""
    return "_".join(str(value)[:_LONGEST].split())
