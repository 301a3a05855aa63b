"""What a screen at the door leaves for the route behind it: for one browser, once, for a minute."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from booking_core import Proof
from pages.shared import identity

PROOF = Proof("a word", "asha@school.example", datetime(2026, 11, 23, tzinfo=UTC))
MINE = {"_streamlit_user": "chunks-1", "_streamlit_user_1": "signed", "theme": "dark"}


@pytest.fixture(autouse=True)
def _nothing_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_left", {})


def test_it_is_for_the_browser_of_the_same_cookies_and_once() -> None:
    identity.leave(PROOF, MINE)

    for other in ({}, {"_streamlit_user": "chunks-1"}, MINE | {"_streamlit_user_1": "another"}):
        assert identity.take(other) is None
    again = dict(reversed(MINE.items())) | {"theme": "light"}
    assert [identity.take(again), identity.take(again)] == [PROOF, None]


def test_without_those_cookies_nothing_is_left_for_anybody() -> None:
    identity.leave(PROOF, {"theme": "dark"})

    assert identity.take({"theme": "dark"}) is identity.take({}) is None


def test_after_a_minute_nobody_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    identity.leave(PROOF, MINE)
    later = identity.time.monotonic() + 61
    monkeypatch.setattr(identity.time, "monotonic", lambda: later)

    assert identity.take(MINE) is None


def test_many_who_never_come_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_MOST", 10)
    for number in range(30):
        identity.leave(PROOF, {"_streamlit_user": str(number)})

    assert len(identity._left) == 10
    assert identity.take({"_streamlit_user": "29"}) == PROOF
