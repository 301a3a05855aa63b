"""An app whose clock is wrong: the database's time counts for rules, lapses and screens."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from support import ADMIN, booked, eventually

from booking_core import InThePast, Status, connect, day_board, get_booking, lapse_pending
from booking_core.domain import clock
from booking_core.live import present
from booking_core.operations import health
from booking_core.storage.client.server_clock import APART
from pages.shared.live.runtime import Services


@pytest.fixture
def school(make_db):
    """A school in a zone where it is between twelve and one o'clock."""
    return make_db(time_zone=f"Etc/GMT{datetime.now(UTC).hour - 12:+d}", quota=None)


@pytest.fixture
def wrong_by(monkeypatch):
    """Sets the clock of this process wrong by so many hours."""

    def set_wrong(hours: float) -> None:
        class Wrong(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.now(tz) + timedelta(hours=hours)

        monkeypatch.setattr(clock, "datetime", Wrong)

    return set_wrong


@pytest.fixture
def started(school):
    """Another app on the same database, that is started when the clock may be wrong."""
    opened = []

    def start():
        opened.append(connect(school.booking_settings))
        return opened[-1]

    yield start
    for db in opened:
        db.close()


def today(db):
    return datetime.now(db.booking_settings.zone).date()


def test_an_app_that_is_ahead_lapses_no_request_that_still_runs(school, wrong_by, started):
    dawn = datetime.combine(today(school), datetime.min.time(), school.booking_settings.zone)
    request = booked(school, on=today(school), start=12, end=14, now=dawn)

    wrong_by(+2)

    assert lapse_pending(started()) == 0
    assert get_booking(school, request.id).status is Status.PENDING


def test_an_app_that_is_behind_books_no_hour_that_has_begun(school, wrong_by, started):
    wrong_by(-1)
    late = started()

    with pytest.raises(InThePast):
        booked(late, on=today(school), start=12, now=None)
    assert day_board(late, today(school)).cell("ground-1", time(12)).is_past


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_set_wrong_under_a_running_app_is_noticed_by_heartbeats(
    school, wrong_by, hours
):
    wrong_by(hours)

    eventually(lambda: abs(present(school) - datetime.now(UTC)) < APART)


def test_a_clock_that_is_right_is_left_alone(school, wrong_by, started):
    wrong_by(APART / timedelta(hours=2))  # half of what counts

    ahead = started()

    assert ahead.server_clock.now() - datetime.now(UTC) > APART / 4


def test_screens_show_the_databases_time(school, wrong_by, started):
    wrong_by(+1)
    shared = Services(school.booking_settings)
    shared.db = started()

    assert abs(shared.now() - datetime.now(UTC)) < APART
    assert datetime.now(UTC) - shared.mark() < timedelta(minutes=5) + APART


@pytest.mark.parametrize(("hours", "apart"), [(-1, "1 h behind"), (1.5, "1 h 30 min ahead of")])
def test_health_says_that_the_databases_time_is_used(school, wrong_by, hours, apart):
    wrong_by(hours)

    found = {f.name: f for f in health.health_findings(school, by=ADMIN, feed_lag_ms=1.0)}["clock"]

    assert found.detail == f"this machine's is {apart} the database's; the database's is used"
    assert "NTP" in found.remedy
