"""What heartbeats tell of the server's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from booking_core.storage.client import server_clock
from booking_core.storage.client.server_clock import ServerClock

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def hear(monkeypatch):
    """Stands at NOW, hears the server's time so many seconds from it, returns what is in use."""
    kept = ServerClock()
    monkeypatch.setattr(server_clock, "clock", lambda: NOW)

    def heard(seconds: float, *, is_writable: bool = True) -> float:
        there = (NOW + timedelta(seconds=seconds)).replace(tzinfo=None)
        reply = SimpleNamespace(document={"localTime": there}, is_writable=is_writable)
        kept.succeeded(SimpleNamespace(reply=reply))
        return (kept.now() - NOW).total_seconds()

    return heard


def test_two_answers_that_agree_are_believed(hear):
    assert hear(3600) == 0
    assert hear(3600.2) == 3600.2


def test_answers_that_waited_while_the_process_stood_still_are_not_believed(hear):
    assert [hear(-late) for late in (0, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0)] == [0] * 12


def test_a_difference_in_use_does_not_jitter(hear):
    hear(3600)

    assert {hear(3600 + late) for late in (0, 0.3, -0.4, 0.5, -0.2)} == {3600}


def test_a_small_difference_is_left_alone(hear):
    assert {hear(seconds) for seconds in (0.5, 1.0, 1.5, 1.9, 1.9)} == {0}


def test_a_clock_that_was_set_right_is_used_again(hear):
    hear(3600), hear(3600)

    hear(0.1)

    assert hear(0.1) == 0


def test_the_clock_of_a_secondary_is_not_the_primarys(hear):
    assert [hear(3600, is_writable=False) for _ in range(3)] == [0] * 3
