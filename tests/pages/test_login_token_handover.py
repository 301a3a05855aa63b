"""The one-time login token that a script run keeps for the HTTP route: one browser, one minute."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from booking_core import Proof
from pages.shared.auth import oidc

TOKEN = Proof("an ID token", "asha@school.example", datetime(2026, 11, 23, tzinfo=UTC))
MINE = {"_streamlit_user": "chunks-1", "_streamlit_user_1": "signed", "theme": "dark"}


@pytest.fixture(autouse=True)
def _no_tokens_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oidc, "_kept", {})


def test_a_token_is_taken_once_by_the_browser_with_the_same_cookies() -> None:
    oidc.keep_for_route(TOKEN, MINE)

    for other in ({}, {"_streamlit_user": "chunks-1"}, MINE | {"_streamlit_user_1": "another"}):
        assert oidc.take(other) is None
    again = dict(reversed(MINE.items())) | {"theme": "light"}
    assert [oidc.take(again), oidc.take(again)] == [TOKEN, None]


def test_no_token_is_kept_for_a_browser_without_those_cookies() -> None:
    oidc.keep_for_route(TOKEN, {"theme": "dark"})

    assert oidc.take({"theme": "dark"}) is oidc.take({}) is None


def test_a_token_is_gone_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    oidc.keep_for_route(TOKEN, MINE)
    later = oidc.time.monotonic() + 61
    monkeypatch.setattr(oidc.time, "monotonic", lambda: later)

    assert oidc.take(MINE) is None


def test_unused_tokens_do_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(oidc, "_MOST", 10)
    for number in range(30):
        oidc.keep_for_route(TOKEN, {"_streamlit_user": str(number)})

    assert len(oidc._kept) == 10
    assert oidc.take({"_streamlit_user": "29"}) == TOKEN
