"""Each verb leaves one line in the log: the role, which, and the outcome, without a person."""

from __future__ import annotations

import logging
from datetime import time

import pytest
from closing_steps import closed
from support import HEAD, MEERA, NOW, booked

from booking_core import (
    AlreadyDecided,
    InvalidRequest,
    approve,
    cancel,
    lift_closure,
    move,
    reinstate,
    reject,
    revoke,
)


@pytest.fixture
def lines(caplog):
    """Returns the lines of the verbs, without those of the steps of submissions."""
    caplog.set_level(logging.INFO, logger="booking_core.booking")
    return lambda: [line for line in caplog.messages if line.startswith("verb=")]


def test_each_verb_leaves_one_line(db, lines):
    first, second, third = (
        booked(db),
        booked(db, student=1, start=10),
        booked(db, student=2, start=11),
    )
    move(db, first.id, start=time(13), end=time(14), by=MEERA, now=NOW)
    approve(db, first.id, by=HEAD, now=NOW)
    revoke(db, first.id, by=HEAD, reason="exams", now=NOW)
    reject(db, second.id, by=HEAD, reason="exams", now=NOW)
    closing = closed(db)
    lift_closure(db, closing.id, by=HEAD, now=NOW)
    reinstate(db, third.id, by=HEAD, now=NOW)
    cancel(db, third.id, by=MEERA, now=NOW)

    assert lines() == [
        f"verb=move id={first.id} role=staff outcome=Pending",
        f"verb=approve id={first.id} role=principal outcome=Approved",
        f"verb=revoke id={first.id} role=principal outcome=Revoked",
        f"verb=reject id={second.id} role=principal outcome=Rejected",
        f"verb=close id={closing.id} role=principal outcome=done",
        f"verb=lift id={closing.id} role=principal outcome=done",
        f"verb=reinstate id={third.id} role=principal outcome=Pending",
        f"verb=cancel id={third.id} role=staff outcome=Cancelled",
    ]


def test_a_refused_verb_says_why_and_is_one_line_whatever_was_sent(db, lines):
    made = booked(db)
    reject(db, made.id, by=HEAD, reason="exams", now=NOW)

    with pytest.raises(AlreadyDecided):
        approve(db, made.id, by=HEAD, now=NOW)
    with pytest.raises(InvalidRequest):
        cancel(db, "no\nverb=approve " + "x" * 5000, by=None, now=NOW)

    assert lines()[1:] == [
        f"verb=approve id={made.id} role=principal outcome=refused reason=AlreadyDecided",
        f"verb=cancel id=no_verb=approve_{'x' * 64} role=? outcome=refused reason=InvalidRequest",
    ]
