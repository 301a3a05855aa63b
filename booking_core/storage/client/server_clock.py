"""The database server's clock, as the driver's heartbeats tell it.

Rules and lapses compare with the present, and several processes must mean the same present by it.
So each takes the time of the primary that they share.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pymongo import monitoring

from booking_core.domain.clock import clock

# A smaller difference is left alone. It cannot be told from a slow network or a busy process, and
# a present that follows every measurement would jitter and run backwards.
APART = timedelta(seconds=2)
# Answers that wait in a buffer while this process stands still are read at once, and are stamped
# a heartbeat (2 s) apart: no two of them agree so well.
_AGREE = timedelta(seconds=1)


class ServerClock(monitoring.ServerHeartbeatListener):
    """The present by the primary's clock. One object for each database handle.

    The server stamps a heartbeat when it answers, but a streamed answer may have been asked for
    long before: only its arrival bounds the moment. A late arrival makes this process's clock
    seem to be ahead, so a difference counts when two answers in succession agree on it. A clock
    that is set under a running app is noticed so within about 4 seconds.
    """

    def __init__(self) -> None:
        self._offset = timedelta()  # in use: what is added to this process's clock
        self._heard: timedelta | None = None  # by the last heartbeat

    def now(self) -> datetime:
        """This moment (UTC, whole milliseconds): by the server's clock where they are apart."""
        return clock() + self._offset

    def note(self, there: datetime, before: datetime, after: datetime) -> None:
        """Takes in that the server's clock showed ``there`` between two moments of this process."""
        lowest, highest = there - after, there - before
        if not lowest - APART <= self._offset <= highest + APART:
            self._use((lowest + highest) / 2)

    def started(self, event: monitoring.ServerHeartbeatStartedEvent) -> None:
        pass

    def succeeded(self, event: monitoring.ServerHeartbeatSucceededEvent) -> None:
        there = event.reply.document.get("localTime")
        if there is None or not event.reply.is_writable:
            return  # another member's clock is not the primary's
        heard = there.replace(tzinfo=UTC) - clock()
        before, self._heard = self._heard, heard
        agree = before is not None and abs(heard - before) <= _AGREE
        if agree and abs(heard - self._offset) > APART:
            self._use(heard)

    def failed(self, event: monitoring.ServerHeartbeatFailedEvent) -> None:
        pass

    def _use(self, offset: timedelta) -> None:
        self._offset = offset if abs(offset) > APART else timedelta()
