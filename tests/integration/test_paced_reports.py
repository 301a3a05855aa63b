"""A report that is open reads again every five seconds at most, whatever changes."""

from __future__ import annotations

from datetime import timedelta

from support import NOW

from booking_core.live import Scope
from pages.shared.live.runtime import Services


class Feed:
    """A feed whose changes the test makes."""

    connected = True
    total = people = school = bookings = notices = 0


class Clock(Services):
    """Services at a moment that the test sets."""

    moment = NOW

    def _present(self):
        return self.moment


def test_changes_within_five_seconds_cause_one_read_and_the_last_is_shown(db):
    shared = Clock(db.booking_settings)
    shared.follow(db, Feed())
    reads = []

    def ask():
        return shared.paced((Scope.BOOKINGS,), "report", lambda: reads.append(1) or len(reads))

    assert ask() == (1, None)
    for second in range(5):
        shared.moment = NOW + timedelta(seconds=second)
        shared.feed.bookings += 1
        assert ask() == (1, NOW + timedelta(seconds=5))

    shared.moment = NOW + timedelta(seconds=5)
    assert ask() == (2, None)
    shared.moment = NOW + timedelta(minutes=9)
    assert ask() == (2, None)
    assert len(reads) == 2
