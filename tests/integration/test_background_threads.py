"""Background threads: no error ends one, and Health names a thread that does not run."""

from __future__ import annotations

import threading
from datetime import time

import pytest
from pymongo.errors import OperationFailure
from support import ADMIN, DAY, NOW, booked, eventually

from booking_core.live import BackgroundThread, Feed, background_threads
from booking_core.operations import health
from booking_core.storage.live import background
from pages.shared.live.runtime import Services


def test_a_driver_error_is_logged_and_the_thread_continues(db, caplog):
    steps = iter([lambda: db.command("noSuchCommand")] * 2)
    continued = threading.Event()

    thread = BackgroundThread("reader", lambda: next(steps, continued.set)())
    thread.start()

    assert continued.wait(20)
    assert background_threads()["reader"]
    thread.stop()
    errors = [record.exc_info[0] for record in caplog.records if record.exc_info]
    assert errors == [OperationFailure] * 2
    assert "reader" not in background_threads()


def test_a_failing_thread_waits_at_most_two_seconds_and_can_be_stopped_meanwhile():
    failures = threading.Semaphore(0)

    def fails() -> None:
        failures.release()
        raise RuntimeError

    thread = BackgroundThread("failing", fails)
    thread.start()
    for _ in range(4):
        assert failures.acquire(timeout=20)

    thread.stop()

    assert "failing" not in background_threads()
    assert not any(t.name == "failing" for t in threading.enumerate())


def test_health_names_a_thread_that_does_not_run(db):
    ended = threading.Thread(target=lambda: None, name="keeper")
    ended.start()
    ended.join()
    background.register(ended)

    found = {f.name: f for f in health.health_findings(db, by=ADMIN, threads=background_threads())}

    assert not found["background threads"].ok
    assert "keeper" in found["background threads"].detail
    background.unregister(ended)
    well = {f.name: f for f in health.health_findings(db, by=ADMIN, threads={"feed": True})}
    assert well["background threads"].ok
    assert "background threads" not in {f.name for f in health.health_findings(db, by=ADMIN)}


def test_the_thread_of_the_feed_is_among_the_background_threads(db):
    following = Feed(db)
    following.start()

    assert background_threads()["feed"]
    following.stop()
    assert "feed" not in background_threads()


@pytest.fixture
def screens(db):
    """The services of an app, without those that connect."""
    shared = Services(db.booking_settings)
    following = Feed(db)
    following.start()
    shared.follow(db, following)
    following.subscribe(shared._notify)
    shared._reader.start()
    yield shared
    shared._reader.stopping.set()
    shared._changed.put(None)
    shared._reader.stop()
    following.stop()


def test_the_preloading_thread_survives_an_error(db, screens, caplog, monkeypatch):
    screens.boards.get(DAY, NOW)
    drawn, failed = screens.grid, threading.Event()

    def fail_once(*arguments):
        if not failed.is_set():
            failed.set()
            raise RuntimeError("this day cannot be drawn")
        return drawn(*arguments)

    monkeypatch.setattr(screens, "grid", fail_once)
    booked(db, start=12, student=2)
    eventually(lambda: any(record.exc_info for record in caplog.records))

    booked(db, start=14, student=3)

    eventually(lambda: len(screens.cache.peek(DAY, "board").bookings) == 2)
    assert screens.cache.peek(DAY, "board").cell("ground-1", time(14)).booking is not None
    assert background_threads()["reader"]
